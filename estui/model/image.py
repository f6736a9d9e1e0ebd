"""How one name of a folder looks, as journals, plans and views compare it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FileKind(StrEnum):
    """What stands under a name."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    ABSENT = "absent"
    OTHER = "other"
    """A FIFO, device or socket: never touched."""


@dataclass(frozen=True)
class Image:
    """How one name looks: enough to tell it apart and to check it, never its content."""

    kind: str
    sha256: str = ""
    entries: str = ""
    """Keyed digest of the entries of a keystore; empty for other files or where it cannot be opened."""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link: str | None = None

    @property
    def absent(self) -> bool:
        return self.kind == FileKind.ABSENT.value


GONE = Image(FileKind.ABSENT.value)
