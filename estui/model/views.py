"""What the runs of a workspace left behind (desired), and the names of what may differ between the three views.

Design §5: *desired* is what the last applied plan put there, *on disk* what the folder holds, *served* what a fresh
connection meets. `act/left.py` reads the first from the journals, `decide/views.py` compares the three.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from estui.model.image import Image


class Difference(StrEnum):
    """A difference between two views, by the name that people see."""

    STALE_MOUNT = "stale mount"
    """The node does not read the file that this mount shows."""
    FOREIGN = "foreign certificate"
    """What is served was signed by nobody whom the folder or the workspace knows."""
    NOT_LOADED = "not loaded"
    """The process runs with something else than its files say."""
    ELSEWHERE = "set elsewhere"
    """The process was started after its yml was last changed, and contradicts it."""
    PLAIN_TEXT = "plain text"
    """The yml has TLS, and the port speaks without."""
    UNREACHABLE = "unreachable"
    DRIFT = "drift"
    """The disk is not as the last run left it."""
    PENDING = "pending"
    """A run has it ready, and has not switched it yet."""


@dataclass(frozen=True)
class DesiredLeaf:
    """The leaf that a run put into a set of a folder."""

    root: str
    """Configuration folder as this host sees it."""
    set_name: str
    authority: str
    serial: str
    sha256: str
    not_after: str
    run: str
    waiting: bool = False
    """Made ready by a run that has not switched it yet."""


@dataclass(frozen=True)
class DesiredFile:
    """How a run left one name of a folder, or will leave it."""

    root: str
    path: str
    image: Image
    run: str = ""
    waiting: bool = False


@dataclass(frozen=True)
class DesiredSetting:
    """A setting that a run wrote into a yml, or took out of it."""

    root: str
    path: str
    key: str
    value: str | None
    """As text; None where the run removed it."""
    run: str


@dataclass(frozen=True)
class Desired:
    """Everything that the runs in effect, and the one in hand, want to be there."""

    run: str = ""
    """The last run that was applied, empty where only one in hand counts."""
    goal: str = ""
    """Its goal in words."""
    layers: tuple[str, ...] = ()
    """Layers that speak TLS by that goal."""
    leaves: tuple[DesiredLeaf, ...] = ()
    files: tuple[DesiredFile, ...] = ()
    waiting: str = ""
    """The run in hand, if any."""
    settings: tuple[DesiredSetting, ...] = ()
    """Of the runs in effect, the last word on each setting."""

    def leaf(self, root: str, set_name: str) -> DesiredLeaf | None:
        """The leaf wanted in a set of a folder."""
        return next((each for each in self.leaves if (each.root, each.set_name) == (root, set_name)), None)

    def of(self, root: str) -> tuple[DesiredFile, ...]:
        """Every name of a folder that a run touched."""
        return tuple(each for each in self.files if each.root == root)
