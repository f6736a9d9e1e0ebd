"""Walks the steps of a run and records where each stands.

A step's state is its last journal record, so a walk can be left at any point and taken up again, by another
process or the other front end. What needs a person and has no command waits; nothing is assumed to have happened.
"""

from __future__ import annotations

import socket

from estui import __version__
from estui.act.context import Context
from estui.act.steps import Steps
from estui.act.workspace import login_name
from estui.errors import EstuiError, WaitingError
from estui.model.run import Step, StepChanged, StepKind, StepState

WALK = "walk"
"""Act of a journal record: who goes on with the run from here, and with which estui."""
CLOSED = (StepState.DONE, StepState.SKIPPED)


class Walker:
    """One process' walk through a run-book."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.steps = Steps(context, self._state_of)

    def walk(self, *, only_next: bool = False) -> bool:
        """Does the steps that are left, in order; True once all are done.

        Raises WaitingError where a person has to act, and the step's own error where it failed; both leave the
        run where it can be taken up again. A temporary superuser does not outlive the walk.
        """
        self._sign()
        try:
            return self._walk(only_next=only_next)
        finally:
            self.steps.leave()

    def _sign(self) -> None:
        """Once for everybody who takes the run up."""
        who = {"who": login_name(), "host": socket.gethostname(), "estui": __version__}
        signed = self.context.journal.find(WALK)
        if not signed or {name: signed[-1].text(name) for name in who} != who:
            self.context.journal.write(WALK, **who)

    def _walk(self, *, only_next: bool) -> bool:
        for step in self.context.plan.steps:
            if self._state(step) in CLOSED:
                continue
            if self.context.stop.is_set():
                raise WaitingError("paused before the next step", hint="estui runbook resume")
            self._do(step)
            if only_next:
                break
        return all(self._state(step) in CLOSED for step in self.context.plan.steps)

    def _state(self, step: Step) -> StepState:
        last = self.context.journal.latest("step", "step").get(step.id)
        return StepState(last.text("state")) if last else StepState.WAITING

    def _state_of(self, kind: StepKind) -> StepState:
        return next((self._state(step) for step in self.context.plan.steps if step.kind is kind), StepState.WAITING)

    def _do(self, step: Step) -> None:
        self._record(step, StepState.RUNNING)
        try:
            self.steps.do(step)
        except WaitingError as error:
            self._record(step, StepState.WAITING, error.summary)
            raise
        except EstuiError as error:
            self._record(step, StepState.FAILED, str(error))
            raise
        self._record(step, StepState.DONE)

    def _record(self, step: Step, state: StepState, detail: str = "") -> None:
        evidence = [] if state is StepState.RUNNING else self.steps.evidence
        self.context.journal.write(
            "step", step=step.id, state=state, targets=step.targets, evidence=evidence, detail=detail
        )
        self.context.emit(StepChanged(step, state, detail))
