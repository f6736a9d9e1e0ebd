"""Files written beside those in use, announced in the journal first, so that an undo finds whatever was begun.

What they hold is made elsewhere (`prepare.py`, `republish.py`); switching them in is `commit.py`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from estui.act.context import Context
from estui.act.fs import Owner
from estui.act.items import Item, LeafRecord, Ready
from estui.errors import ApplyError, Location
from estui.model.plan import Place

STAGED_PREFIX = ".estui-"
V = TypeVar("V")


@dataclass(frozen=True)
class NewFile:
    """A file that is written before anything is switched: path relative to the root, content, mode, owner.

    `like` is the file that it is going to replace, whose labels it carries; empty where there is none.
    """

    path: str
    content: bytes
    mode: int
    owner: Owner
    like: str = ""

    @property
    def ready(self) -> Ready:
        digest = hashlib.sha256(self.content).hexdigest()
        return Ready(self.path, digest, self.mode, self.owner.uid, self.owner.gid)


@dataclass(frozen=True)
class Made:
    """All that one target gets in one stage: folders and files to write, and the items that switch them in."""

    place: Place
    folders: tuple[str, ...]
    files: tuple[NewFile, ...]
    items: tuple[Item, ...]
    leaves: tuple[LeafRecord, ...] = ()


def write_made(context: Context, stage: str, made: Made) -> None:
    """Folders and files of one target. An interruption leaves nothing that the journal does not tell."""
    place = made.place
    context.journal.write(
        "prepare",
        stage=stage,
        target=place.target,
        root=place.root,
        folders=[folder for folder in made.folders if not context.fs.read(place.root, folder).exists],
        files=[file.ready for file in made.files],
        items=made.items,
        leaves=made.leaves,
    )
    owner = Owner(place.uid, place.gid)
    for folder in made.folders:
        context.fs.make_folder(place.root, folder, place.folder_mode, owner)
    for file in made.files:
        context.fs.create(place.root, file.path, file.content, file.mode, file.owner, file.like)
    context.journal.write("prepared", stage=stage, target=place.target)


def set_in_use(context: Context, root: str, base: str) -> str:
    """Name of the set that the link of `base` means. ApplyError: there is no link, or it leads elsewhere."""
    link = context.fs.read(root, f"{base}/current").link
    if not link or "/" in link:
        raise ApplyError(
            "is not a link to a set beside it", location=Location(f"{root}/{base}/current"), hint="plan again"
        )
    return link


def staged_name(path: str, run: str) -> str:
    """Name of the file that is ready beside a path."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/" * bool(folder) + f"{STAGED_PREFIX}{run}-{name}"


def merged(entries: Mapping[str, V], values: Mapping[str, V | None]) -> dict[str, V]:
    """Entries with new values; None removes."""
    result = dict(entries)
    for name, value in values.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result
