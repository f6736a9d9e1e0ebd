"""What the screen knows at a moment, as one value, and why a key cannot work now. No widget, no thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from estui.decide.diff import Review
from estui.engine import Options, ScenarioPreview
from estui.errors import EstuiError
from estui.model.finding import Finding
from estui.model.goal import Scenario
from estui.model.observed import Observed
from estui.model.plan import AuthorityRequest, CreateAuthority, Plan
from estui.model.rollover import RolloverState
from estui.model.run import RunState, Verdict
from estui.present import TargetRow
from estui.tui.run_view import RunView


class Stage(Enum):
    """What the fourth pane shows."""

    EMPTY = "empty"
    REVIEW = "review"
    RUN = "run"
    VERDICT = "verdict"


@dataclass(frozen=True)
class Standing:
    """What the workspace remembers, read together with the cluster."""

    unconfirmed: tuple[tuple[str, ...], ...] = ()
    """Commands of the inventory that nobody has confirmed yet."""
    undoable: RunState | None = None
    """The run that an undo would undo."""
    new_passphrase: bool = True
    """Whether a passphrase that is given now is a new one."""
    unlocked: bool = False
    rollover: RolloverState | None = None
    """The rollover of the last run of that kind, at its end or not."""


@dataclass(frozen=True)
class Session:
    """Everything that is drawn."""

    read_only: bool = False
    sandbox: bool = False
    reading: bool = True
    """The cluster is being read and probed."""
    planning: bool = False
    verifying: bool = False
    observed: Observed | None = None
    arriving: tuple[TargetRow, ...] = ()
    """What there is to show of each target before the first look is at its end."""
    standing: Standing = Standing()
    findings: tuple[Finding, ...] | None = None
    """What every rule finds; None while that is not known."""
    previews: tuple[ScenarioPreview, ...] = ()
    stage: Stage = Stage.EMPTY
    plan: Plan | None = None
    review: Review | None = None
    folded: bool = True
    undoes: str = ""
    """The run that the plan under review undoes; empty for a plan forwards."""
    refused: ScenarioPreview | None = None
    """A chosen step of the ladder that cannot be planned."""
    run: RunView | None = None
    verdict: Verdict | None = None
    problem: EstuiError | None = None
    """What went wrong last, shown in the fourth pane."""
    read_problem: EstuiError | None = None
    """Why the cluster could not be read, shown in the first."""
    options: Options = field(default_factory=Options)

    @property
    def working(self) -> bool:
        """A run is being walked by this process."""
        return self.run is not None and self.run.working

    @property
    def left_over(self) -> bool:
        """A run waits to be gone on with or undone."""
        return self.run is not None and not self.run.working and self.run.ended is None

    def preview(self, scenario: Scenario) -> ScenarioPreview | None:
        return next((each for each in self.previews if each.scenario is scenario), None)

    def missing_authorities(self) -> tuple[AuthorityRequest, ...]:
        """The CAs that the plan under review would make, or else the highest step that can be planned."""
        plans = [self.plan] if self.plan else [each.plan for each in reversed(self.previews) if each.plan]
        for plan in plans:
            if plan is not None:
                return tuple(change.request for change in plan.changes if isinstance(change, CreateAuthority))
        return ()


_EDITING = (
    "plan.apply",
    "run.undo",
    "run.go-on",
    "run.pause",
    "rollover.undo",
    "history.undo",
    "adoption.take",
    "adoption.take-all",
    "rollover.external",
    "secure.set",
    "secure.new",
    "secure.remove",
    "secure.password",
    "passwords.new",
    "passwords.type",
    "passwords.forgotten",
)


def why_not(action: str, session: Session) -> str:
    """Why an action cannot work now, in one sentence; empty where it can."""
    if session.read_only and action in _EDITING:
        return "estui is read-only here: nothing is changed"
    check = _CHECKS.get(action)
    return check(session) if check else ""


def _probe(session: Session) -> str:
    return "the cluster is being read already" if session.reading else ""


def _choose(session: Session) -> str:
    if session.working:
        return "a run is at work: wait until it ends, or pause it"
    if session.left_over:
        return "a run is unfinished: go on with it, or undo it, before planning anew"
    if not session.previews:
        unread = session.read_problem is not None and not session.reading
        return "the cluster could not be read: mend what Nodes shows" if unread else "the cluster is still being read"
    return ""


def _apply(session: Session) -> str:
    if session.working:
        return "a run is at work already"
    if session.left_over and not session.undoes:
        return "a run is unfinished: go on with it, or undo it, first"
    if session.stage is not Stage.REVIEW or session.plan is None:
        return "there is nothing to apply: choose a step in Scenario first"
    if session.plan.is_empty:
        return "this step is reached: there is nothing to do"
    return ""


def _undo(session: Session) -> str:
    if session.working:
        return "a run is at work: pause it first"
    if session.standing.undoable is None and not session.left_over:
        return "there is no apply to undo"
    return ""


def _step_back(session: Session) -> str:
    if session.working:
        return "a run is at work: pause it first"
    return "a run is unfinished: go on with it, or undo it, first" if session.left_over else ""


def _at_rest(session: Session) -> str:
    return "a run is at work: pause it first" if session.working else ""


def _pause(session: Session) -> str:
    if session.left_over or session.working:
        return ""
    return "no run is at work"


def _go_on(session: Session) -> str:
    if session.run is None or session.run.ended is not None:
        return "no run is waiting"
    if session.working and session.run.asks is None:
        return "the run is at work; it needs nothing from you"
    if session.run.asks is not None and not has_commands(session):
        return "estui.yaml names no command for this: do it by hand, estui watches"
    return ""


def _expand(session: Session) -> str:
    if session.stage is not Stage.REVIEW or session.review is None or session.undoes:
        return "there are no changes to show"
    return ""


def _leave_out(session: Session) -> str:
    if session.undoes:
        return "an undo is whole: nothing of it can be left out"
    if session.stage is not Stage.REVIEW or session.plan is None or session.plan.is_empty:
        return "there is nothing under review"
    goal = session.plan.goal
    if goal.rollover:
        return "a phase of a rollover is for every node: nothing of it can be left out"
    if goal.passwords:
        return "a password counts everywhere: nothing can be left out"
    if goal.joins:
        return "a node that joins is let in by all the others: nothing can be left out"
    return "it is the only one: leaving it out leaves nothing" if len(session.plan.places) < 2 else ""


def _runbook(session: Session) -> str:
    if session.stage is not Stage.REVIEW or session.plan is None or session.plan.is_empty:
        return "there is nothing under review"
    return "an undo shows its steps here: there is no more of it" if session.undoes else ""


def _hunk(session: Session) -> str:
    return (
        "" if session.stage is Stage.REVIEW and session.review is not None else "there are no changes to step through"
    )


def _log(session: Session) -> str:
    return "" if session.run is not None else "there is no run to show"


def _verify(session: Session) -> str:
    if session.working:
        return "a run is at work; it verifies by itself at its end"
    return "the proofs are being looked at" if session.verifying else ""


def has_commands(session: Session) -> bool:
    """Whether the inventory names any command to stop or start a service."""
    return session.observed is not None and any(True for _ in session.observed.inventory.commands())


_CHECKS = {
    "cluster.probe": _probe,
    "scenario.choose": _choose,
    "scenario.variants": _choose,
    "plan.make": _choose,
    "nodes.rotate": _choose,
    "certificates.rotate": _choose,
    "findings.fix": _choose,
    "secure.set": _choose,
    "secure.new": _choose,
    "secure.remove": _choose,
    "passwords.new": _choose,
    "passwords.type": _choose,
    "passwords.forgotten": _choose,
    "rollover.start": _choose,
    "rollover.leaked": _choose,
    "rollover.external": _choose,
    "rollover.next": _choose,
    "rollover.undo": _step_back,
    "history.undo": _at_rest,
    "adoption.take": _step_back,
    "adoption.take-all": _step_back,
    "plan.apply": _apply,
    "run.undo": _undo,
    "run.pause": _pause,
    "run.go-on": _go_on,
    "run.log": _log,
    "run.verify": _verify,
    "review.next": _hunk,
    "review.previous": _hunk,
    "review.next-file": _hunk,
    "review.previous-file": _hunk,
    "review.expand": _expand,
    "review.split": _expand,
    "review.tree": _expand,
    "review.leave-out": _leave_out,
    "review.runbook": _runbook,
}
