"""What the workers tell the screen, in the past tense. A message of an older ticket than the last is dropped."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from estui.decide.diff import Review
from estui.engine import ScenarioPreview
from estui.errors import EstuiError
from estui.model.observed import Observed
from estui.model.plan import Plan
from estui.model.run import Event, RunState, Verdict
from estui.tui.session import Standing


@dataclass
class ClusterObserved(Message):
    """Every folder was read and every port asked."""

    ticket: int
    observed: Observed
    standing: Standing


@dataclass
class ScenariosPreviewed(Message):
    """What each step of the ladder would change."""

    ticket: int
    previews: tuple[ScenarioPreview, ...]


@dataclass
class WorkspaceRead(Message):
    """What the workspace remembers, read again."""

    ticket: int
    standing: Standing


@dataclass
class ReviewBuilt(Message):
    """A plan was turned into lines."""

    ticket: int
    plan: Plan
    review: Review
    folded: bool


@dataclass
class UndoPlanned(Message):
    """The steps that undoing a run would take."""

    ticket: int
    plan: Plan
    run: str


@dataclass
class RunFound(Message):
    """An unfinished run was there at the start."""

    ticket: int
    run: RunState
    plan: Plan | None


@dataclass
class EventSeen(Message):
    """A step changed, or something was observed for it."""

    ticket: int
    event: Event


@dataclass
class RunEnded(Message):
    """A run walked to its end."""

    ticket: int
    run: RunState


@dataclass
class RunStopped(Message):
    """A run stopped before its end: a person has to act, or a step failed."""

    ticket: int
    error: EstuiError
    run: RunState | None
    """The run as its journal has it; None where nothing is left to go on with."""


@dataclass
class Verified(Message):
    """Every proof was looked at again."""

    ticket: int
    verdict: Verdict


@dataclass
class JobFailed(Message):
    """A job ended without a result."""

    ticket: int
    job: str
    error: EstuiError
