"""Files that leave the workspace for a place of the operator's: new ones, whole or not at all, never over another."""

from __future__ import annotations

from pathlib import Path

from estui.act.fs import Fs, Owner
from estui.act.workspace import PRIVATE_FILE
from estui.errors import Location, UsageError

READABLE_FILE = 0o644
"""For what holds no secret: certificates and requests are sent around."""


def refuse_taken(fs: Fs, path: Path) -> None:
    """Raises UsageError: something has this name already, or its folder is not there."""
    whole = path.expanduser().absolute()
    if fs.read(str(whole.parent), whole.name).exists:
        raise UsageError("is there already, and stays as it is", location=Location(str(path)), hint="name a new file")
    if not whole.parent.is_dir():
        raise UsageError("its folder does not exist", location=Location(str(path)), hint=f"mkdir -p {path.parent}")


def hand_out(fs: Fs, path: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
    """A new file of that content. Raises UsageError: the name is taken; ApplyError: it cannot be written."""
    refuse_taken(fs, path)
    whole = path.expanduser().absolute()
    fs.create(str(whole.parent), whole.name, content, mode, Owner())
