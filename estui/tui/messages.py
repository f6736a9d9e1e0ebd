"""What the workers tell the screen, in the past tense. A message of an older ticket than the last is dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from estui.decide.diff import Review
from estui.engine import ScenarioPreview
from estui.errors import EstuiError
from estui.model.adoption import Import
from estui.model.expiry import ExpiryReport
from estui.model.finding import Finding
from estui.model.observed import Observed
from estui.model.plan import Plan
from estui.model.reference import SearchResult
from estui.model.run import Event, RunState, Verdict
from estui.model.secure import SecureTable
from estui.model.users import BuiltInUser
from estui.present import TargetRow
from estui.tui.documents import Document
from estui.tui.session import Standing

if TYPE_CHECKING:
    from estui.engine.adoption import Look
    from estui.engine.rollover import RolloverReport


@dataclass
class ClusterObserved(Message):
    """Every folder was read and every port asked."""

    ticket: int
    observed: Observed
    standing: Standing


@dataclass
class TargetsSeen(Message):
    """The first look goes on: every entry of the inventory, as far as it was looked at."""

    ticket: int
    rows: tuple[TargetRow, ...]

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, TargetsSeen)


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
    give: Callable[[], None] | None = None
    """Hands the engine the secrets that this plan writes, once it is the one under review."""
    notes: tuple[str, ...] = ()
    """What should be known besides, and stands nowhere in the plan."""


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
class FindingsFound(Message):
    """Every rule was held against the cluster."""

    ticket: int
    findings: tuple[Finding, ...]


@dataclass
class EndsSeen(Message):
    """What ends when."""

    ticket: int
    report: ExpiryReport


@dataclass
class RunsRead(Message):
    """All runs of the workspace, oldest first."""

    ticket: int
    runs: tuple[RunState, ...]
    goals: Mapping[str, str]
    """What each was to reach, in words, by its id; none for a run that never had a plan."""
    in_effect: frozenset[str]
    """Those that ended well and that none has undone since."""


@dataclass
class RolloverRead(Message):
    """Where the rollover stands; None where there never was one."""

    ticket: int
    job: str
    report: RolloverReport | None
    problem: EstuiError | None
    """Why the checklist could not be brought up to date."""


@dataclass
class AuthoritiesSeen(Message):
    """Every CA behind the cluster's files."""

    ticket: int
    look: Look


@dataclass
class ImportChosen(Message):
    """What importing a CA would do."""

    ticket: int
    imports: tuple[Import, ...]


@dataclass
class AuthoritiesImported(Message):
    """What was asked for is in the workspace."""

    ticket: int
    imports: tuple[Import, ...]


@dataclass
class DocumentMade(Message):
    """A run-book or a report is there to be read."""

    ticket: int
    document: Document


@dataclass
class ClientsSearched(Message):
    """What files of clients mean."""

    ticket: int
    found: SearchResult
    authorities: tuple[str, ...]


@dataclass
class SecureSeen(Message):
    """The keystores of all nodes side by side."""

    ticket: int
    table: SecureTable


@dataclass
class UsersSeen(Message):
    """Built-in users, and where their passwords are."""

    ticket: int
    users: tuple[BuiltInUser, ...]


@dataclass
class JobFailed(Message):
    """A job ended without a result."""

    ticket: int
    job: str
    error: EstuiError
