"""The support bundle of a workspace: what can be looked at, and what could not be. Writes nothing."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from estui.decide.support import support_run, support_targets
from estui.errors import EstuiError
from estui.model.inventory import Inventory
from estui.model.observed import AuthorityFacts
from estui.model.support import SUPPORT_FORMAT, SupportBundle
from estui.observe.files import read_state
from estui.versions import versions

if TYPE_CHECKING:
    from estui.engine import Engine

_LAST_RUNS = 10
_LAST_DEFECTS = 3
_T = TypeVar("_T")


def support_bundle(engine: Engine, *, network: bool = True) -> SupportBundle:
    """Facts for a bug report. What fails is told in the bundle: a broken workspace is when one is needed."""
    unread: list[str] = []

    def tried(what: str, look: Callable[[], _T]) -> _T | None:
        try:
            return look()
        except EstuiError as error:
            unread.append(f"{what}: {error}")
            return None

    inventory = tried("estui.yaml", engine.inventory)
    authorities = tried("certificate authorities", engine.authorities) or ()
    observed = tried("cluster", lambda: engine.observe(network=network)) if inventory else None
    runs = tried("runs", engine.runs) or ()
    return SupportBundle(
        format=SUPPORT_FORMAT,
        at=engine.clock().isoformat(timespec="seconds"),
        versions=versions(),
        workspace=tuple(_workspace(inventory, authorities)),
        targets=support_targets(observed) if observed else (),
        findings=engine.findings(observed) if observed else (),
        runs=tuple(support_run(run) for run in runs[-_LAST_RUNS:]),
        defects=tuple(_defects()),
        unread=tuple(unread),
    )


def _workspace(inventory: Inventory | None, authorities: Sequence[AuthorityFacts]) -> Iterator[tuple[str, str]]:
    if inventory:
        yield "cluster", inventory.cluster
        yield "nodes, Kibana, Beats", ", ".join(str(len(each)) for each in _entries(inventory))
        yield "commands", f"{len(tuple(inventory.commands()))} in estui.yaml"
        policy = vars(inventory.policy)
        yield "policy", ", ".join(f"{name} {value}" for name, value in policy.items())
        flags = [name for name in ("production", "read_only") if getattr(inventory, name)]
        yield "flags", ", ".join(flags)
        yield "expect_nodes", str(inventory.expect_nodes or "")
        yield "folder", inventory.folder
    for each in authorities:
        key = "with its key" if each.has_key else "without its key"
        end = each.certificate.not_after.date().isoformat()
        yield f"CA {each.name}", f"{each.certificate.key_type}, ends {end}, {key}, {each.issued} issued"


def _entries(inventory: Inventory) -> tuple[Sequence[object], ...]:
    return inventory.nodes, inventory.kibana, inventory.beats


def _defects() -> Iterator[str]:
    """Reports of defects in the folder for temporary files that are ours alone: anybody can put a file there."""
    found = sorted(Path(tempfile.gettempdir()).glob("estui-crash-*.log"), key=_changed)
    for path in found[-_LAST_DEFECTS:]:
        state = read_state(path)
        is_ours = state.uid == os.geteuid() and not state.mode & (stat.S_IRWXG | stat.S_IRWXO)
        if is_ours and not state.error and state.content:
            yield f"{path.name}\n{state.content.decode('utf-8', 'replace')}"


def _changed(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
