"""The way to a first inventory: configuration folders below the folders that somebody names, and what they hold.

Owns the search. Reads directories and yml files only; writes nothing but `estui.yaml`, in `create_workspace`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from estui.engine import Engine
from estui.engine.folders import FoldersSeen, folders_inventory, look_at_folders
from estui.errors import Location, UsageError
from estui.formats.inventory import parse_inventory
from estui.formats.inventory_text import write_inventory
from estui.model.inventory import Inventory
from estui.observe.config_folder import product_of

DEPTH = 4
"""Folders below a named one that are searched: `/etc`, or the mount of a host, has configuration folders near its
top, and whole data folders further down."""
SEARCH_S = 10.0
"""A mount that does not answer, or a whole disk, is not waited for."""
_NOT_INTO = {"proc", "sys", "dev", "run", "node_modules", "indices", "nodes", "snapshots", "modules", "plugins"}


@dataclass(frozen=True)
class FirstLook:
    """What a search found, ready to be written."""

    inventory: Inventory
    seen: FoldersSeen


def first_look(roots: Sequence[str], *, clock: Callable[[], float] = time.monotonic) -> FirstLook:
    """The configuration folders at or below these, read. Raises UsageError: a root is missing, or there are none."""
    missing = [root for root in roots if not Path(root).expanduser().is_dir()]
    if missing or not roots:
        raise UsageError(
            f"{missing[0]} is not a folder" if missing else "no folder is named",
            hint="name the folder with elasticsearch.yml in it, or one above it",
        )
    end = clock() + SEARCH_S
    found = list(dict.fromkeys(folder for root in roots for folder in _below(_absolute(root), end, clock)))
    if not found:
        raise UsageError(
            f"no elasticsearch.yml and no kibana.yml within {DEPTH} folders of {', '.join(roots)}",
            hint="name the folder with elasticsearch.yml in it; is its mount there, and may you read it?",
        )
    inventory = folders_inventory(found)
    seen = look_at_folders(inventory)
    return FirstLook(replace(inventory, cluster=seen.cluster), seen)


def _absolute(root: str) -> str:
    return os.path.abspath(Path(root).expanduser())  # noqa: PTH100 - resolve() would follow the links of mounts


def _below(root: str, end: float, clock: Callable[[], float]) -> Iterator[str]:
    depth = root.rstrip(os.sep).count(os.sep)
    for folder, names, _ in os.walk(root):
        if clock() > end:
            return
        if product_of(Path(folder)):
            yield folder
            names.clear()  # nobody configures a node inside the configuration of another
        elif folder.rstrip(os.sep).count(os.sep) - depth >= DEPTH:
            names.clear()
        else:
            names[:] = sorted(name for name in names if name not in _NOT_INTO)


def create_workspace(engine: Engine, inventory: Inventory) -> None:
    """Writes `estui.yaml`, read back first.

    Raises SettingsError (what was found makes no inventory), UsageError (there is one already, or no place for it).
    """
    try:
        Path(engine.path).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        hint = "name another folder with --workspace"
        raise UsageError(f"the workspace cannot be made: {words}", location=Location(engine.path), hint=hint) from error
    content = write_inventory(inventory)
    parse_inventory(content, "estui.yaml", engine.path)
    engine.workspace.create(content)


def has_inventory(engine: Engine) -> bool:
    """Whether the workspace was begun already."""
    return (Path(engine.path) / "estui.yaml").exists()
