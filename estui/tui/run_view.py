"""A run as the fourth pane shows it: steps, who of their nodes is through, what it waits for; made from events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from estui.errors import EstuiError
from estui.model.plan import Plan
from estui.model.run import (
    Event,
    Evidence,
    EvidenceSeen,
    Proof,
    RunState,
    Said,
    Step,
    StepChanged,
    StepKind,
    StepRecord,
    StepState,
    Verdict,
)


@dataclass(frozen=True)
class StepView:
    """One step: its state, why it is in it, and the targets that evidence was seen for."""

    step: Step
    state: StepState = StepState.WAITING
    detail: str = ""
    seen: tuple[tuple[str, bool], ...] = ()
    """Target and whether what was seen is good, latest per target."""
    begun: datetime | None = None
    """When this process saw it begin; None for a step that another one walked."""
    ended: datetime | None = None
    seen_at: tuple[tuple[str, datetime], ...] = ()
    """Target and when something was last seen of it."""

    def saw(self, evidence: Evidence, at: datetime | None = None) -> StepView:
        """With one more observation."""
        kept = tuple(pair for pair in self.seen if pair[0] != evidence.target)
        times = tuple(pair for pair in self.seen_at if pair[0] != evidence.target)
        new = ((evidence.target, at),) if at is not None else ()
        return replace(self, seen=(*kept, (evidence.target, evidence.ok)), seen_at=(*times, *new))

    def seconds(self, now: datetime) -> float | None:
        """How long it took, or has taken until now; None where nobody looked at the clock."""
        return None if self.begun is None else ((self.ended or now) - self.begun).total_seconds()

    def seconds_of(self, target: str) -> float | None:
        """From its beginning until the last that was seen of a target."""
        at = dict(self.seen_at).get(target)
        return None if self.begun is None or at is None else (at - self.begun).total_seconds()


@dataclass(frozen=True)
class RunView:
    """A run at work, waiting, or ended."""

    title: str
    steps: tuple[StepView, ...]
    started: datetime
    kind: str = "apply"
    working: bool = True
    """A thread is walking it."""
    pausing: bool = False
    """It was asked to stop before the next step."""
    asks: EstuiError | None = None
    """What a person has to do, in the words to type."""
    problem: EstuiError | None = None
    ended: RunState | None = None
    finished: datetime | None = None

    def with_event(self, event: Event, at: datetime) -> RunView:
        """After an event that came at this moment."""
        match event:
            case StepChanged():
                return self._replace_step(event.step.id, lambda each: _changed(each, event, at))
            case EvidenceSeen():
                return self._replace_step(event.step, lambda each: each.saw(event.evidence, at))
            case Said():
                return self

    def _replace_step(self, step: str, change: Callable[[StepView], StepView]) -> RunView:
        return replace(self, steps=tuple(change(each) if each.step.id == step else each for each in self.steps))

    def with_state(self, run: RunState | None) -> RunView:
        """As the journal has it, which is what counts."""
        if run is None or not run.records:
            return self
        known = {each.step.id: each for each in self.steps}
        return replace(self, steps=tuple(_with_times(step_view(each), known.get(each.step.id)) for each in run.records))

    @property
    def done(self) -> int:
        return sum(each.state in (StepState.DONE, StepState.SKIPPED) for each in self.steps)

    @property
    def current(self) -> int:
        """Index of the first step that is not done; the number of steps where all are."""
        for number, each in enumerate(self.steps):
            if each.state not in (StepState.DONE, StepState.SKIPPED):
                return number
        return len(self.steps)

    def expected(self, each: StepView) -> float | None:
        """Seconds that a step will take, as long as those of its kind took in this run; None before one was done."""
        taken = [
            (other.ended - other.begun).total_seconds()
            for other in self.steps
            if other.step.kind is each.step.kind and other.state is StepState.DONE and other.begun and other.ended
        ]
        return sum(taken) / len(taken) if taken else None

    def left(self, now: datetime) -> float | None:
        """Seconds that the steps to come will take at least; None while nothing is known about any of them."""
        known = [
            max(expected - (each.seconds(now) or 0.0), 0.0)
            for each in self.steps
            if each.state in (StepState.WAITING, StepState.RUNNING) and (expected := self.expected(each)) is not None
        ]
        return sum(known) if known else None


def _changed(view: StepView, event: StepChanged, at: datetime) -> StepView:
    changed = replace(view, state=event.state, detail=event.detail)
    if event.state is not StepState.RUNNING:
        return replace(changed, ended=at)
    # a step that is taken up again goes on from its first beginning: people waited that long
    return replace(changed, seen=(), seen_at=(), begun=view.begun or at, ended=None)


def _with_times(view: StepView, known: StepView | None) -> StepView:
    """The journal's step with the times that were seen on the way."""
    if known is None:
        return view
    return replace(view, begun=known.begun, ended=known.ended, seen_at=known.seen_at)


def step_view(record: StepRecord) -> StepView:
    view = StepView(record.step, record.state, record.detail)
    for evidence in record.evidence:
        view = view.saw(evidence)
    return view


def new_run(plan: Plan, kind: str, now: datetime) -> RunView:
    """A run that is about to begin."""
    title = plan.goal.label if kind == "apply" else f"undo of {plan.goal.label}"
    return RunView(title, tuple(StepView(step) for step in plan.steps), now, kind)


def found_run(run: RunState, plan: Plan | None, now: datetime) -> RunView:
    """A run that another process left."""
    title = (plan.goal.label if plan else "") or run.kind
    return RunView(title, tuple(step_view(record) for record in run.records), now, run.kind, working=False)


def verdict_of(run: RunState) -> Verdict | None:
    """The proofs that the run's last step rests on; None where it has not come so far."""
    for record in reversed(run.records):
        if record.step.kind is StepKind.VERIFY and record.evidence:
            return Verdict(tuple(_proof(each) for each in record.evidence), record.evidence[-1].at)
    return None


def _proof(evidence: Evidence) -> Proof:
    claim, _, seen = evidence.text.partition(": ")
    return Proof(evidence.target, claim, evidence.ok, seen)
