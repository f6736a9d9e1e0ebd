"""An engine without files, ports or clock: real plans and reviews of a made-up cluster, and a walk that a test
holds at any step and lets go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from estui.decide.diff import Review
from estui.decide.plan import build_plan
from estui.decide.runbook import rollback_steps, start_order
from estui.engine import Access, Engine, Options, ScenarioPreview
from estui.errors import EstuiError, StoreError, WaitingError
from estui.model.finding import Finding
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Inventory
from estui.model.observed import AuthorityFacts, Observed
from estui.model.plan import Plan, Stage
from estui.model.run import (
    Event,
    Evidence,
    EvidenceSeen,
    Proof,
    RunPhase,
    RunState,
    Said,
    Step,
    StepChanged,
    StepKind,
    StepRecord,
    StepState,
    Verdict,
)
from estui.observe.cluster import Told, mute
from estui.secret import Secret
from tests.tui.builders import NOW, secured, unsecured

RUN = "2026-11-25T14-37-00Z-ab12"
PASSPHRASE = "correct horse battery staple"
WAIT_S = 60.0
"""A test that forgets to let the walk go on ends in time all the same."""


class FakeEngine(Engine):
    """Canned answers; `hold` names a step before which the walk stands until `release()`."""

    def __init__(
        self, observed: Observed | None = None, *, after: Observed | None = None, path: str = "/nowhere"
    ) -> None:
        super().__init__(path, clock=lambda: NOW, passphrase=None)
        self.now_observed = observed or unsecured()
        self.after = after or secured()
        self.hold = ""
        self.held = threading.Event()
        self.gate = threading.Event()
        self.fail_at = ""
        self.fail_with = EstuiError("es-2 did not come up as planned: connection refused", hint="look at its log")
        """How the step `fail_at` fails; its reasons are seen as evidence as well."""
        self.failing_proofs = 0
        self.stored = False
        self.confirmed = True
        self.left_alone = False
        self.left: RunState | None = None
        self.done_run: RunState | None = None
        self.calls: list[str] = []
        self.read_error: EstuiError | None = None
        self.plan_now: Plan | None = None
        self.past: dict[str, tuple[RunState, Plan]] = {}
        """Runs that are over, with their plans, oldest first."""
        self.found: tuple[Finding, ...] = ()
        """What every rule finds; made-up certificates would not pass the real ones."""
        self.goals: list[Goal] = []
        """What a plan was asked for."""
        self.states: dict[str, StepRecord] = {}

    def leave(self) -> None:
        """Nobody is at the screen any more: no walk waits, nor begins to."""
        self.left_alone = True
        self.stop.set()
        self.release()

    def release(self) -> None:
        """Lets a held walk go on, to its end."""
        self.hold = ""
        self.gate.set()

    # reading

    def observe(
        self,
        *,
        network: bool = True,
        timeout_s: float = 3.0,
        inventory: Inventory | None = None,
        digest_key: bytes = b"",
        told: Told = mute,
    ) -> Observed:
        if self.read_error is not None:
            raise self.read_error
        return self.now_observed

    def inventory(self) -> Inventory:
        return self.now_observed.inventory

    def workspace_id(self) -> str:
        return "workspace"

    def authorities(self) -> tuple[AuthorityFacts, ...]:
        return self.now_observed.authorities

    def _access(self) -> Access:
        return Access()

    def plan(self, observed: Observed, goal: Goal) -> Plan:
        self.goals.append(goal)
        return build_plan(observed, goal, workspace="workspace", now=NOW)

    def previews(self, observed: Observed) -> tuple[ScenarioPreview, ...]:
        return super().previews(observed)

    def review(self, plan: Plan, observed: Observed, *, fold: bool = True) -> Review:
        return super().review(plan, observed, fold=fold)

    def unfinished(self) -> RunState | None:
        return self.left

    def last_done(self) -> RunState | None:
        return self.done_run

    def runs(self) -> tuple[RunState, ...]:
        return (*(state for state, _ in self.past.values()), *([self.left] if self.left else []))

    def was_run(self, run: str, goal: Goal, *, before: Observed, phase: RunPhase = RunPhase.DONE) -> RunState:
        """Remembers a run of the past, with the plan that this goal had on what was there before."""
        plan = build_plan(before, goal, workspace="workspace", now=NOW)
        records = tuple(StepRecord(step, StepState.DONE, (self._evidence(step, "es-1", NOW),)) for step in plan.steps)
        state = RunState(run, "apply", phase, records, run[:10] + "T10:00:00Z", run[:10] + "T10:04:00Z")
        self.past[run] = (state, plan)
        return state

    def run_plan(self, run: str) -> Plan:
        if run in self.past:
            return self.past[run][1]
        return self.plan_now or self.plan(unsecured(), Goal(Scenario.HTTPS))

    def findings(self, observed: Observed) -> tuple[Finding, ...]:
        return self.found

    # secrets

    @property
    def needs_new_passphrase(self) -> bool:
        return not self.stored

    def unlock(self, passphrase: Secret) -> None:
        if self.stored and passphrase != Secret(PASSPHRASE):
            raise StoreError("the passphrase does not open secrets.json", hint="type it again")
        self.passphrase = passphrase

    def unconfirmed_commands(self) -> tuple[tuple[str, ...], ...]:
        return () if self.confirmed else tuple(self.now_observed.inventory.commands())

    def confirm_commands(self) -> None:
        self.calls.append("confirm")
        self.confirmed = True

    # changing

    def apply(self, plan: Plan, emit: Callable[[Event], None] = print, options: Options | None = None) -> RunState:
        self.calls.append("apply")
        self.plan_now = plan
        self.states = {step.id: StepRecord(step, StepState.WAITING) for step in plan.steps}
        return self._walk_plan(plan, "apply", emit, options or Options())

    def resume(
        self, emit: Callable[[Event], None] = print, options: Options | None = None, *, only_next: bool = False
    ) -> RunState:
        options = options or Options()
        self.calls.append(f"resume commands={options.run_commands} wait={options.wait_s:.0f}")
        assert self.plan_now is not None
        kind = self.left.kind if self.left else "apply"
        return self._walk_plan(self.plan_now, kind, emit, options)

    def rollback(
        self,
        run: str | None = None,
        emit: Callable[[Event], None] = print,
        options: Options | None = None,
        force: object = (),
    ) -> RunState:
        self.calls.append(f"rollback {run}")
        plan = self.rollback_preview(run)
        self.plan_now = plan
        self.after = unsecured()
        self.states = {step.id: StepRecord(step, StepState.WAITING) for step in plan.steps}
        return self._walk_plan(plan, "rollback", emit, options or Options())

    def rollback_preview(self, run: str | None = None) -> Plan:
        plan = self.run_plan(run or "")
        targets = tuple(place.target for place in plan.places)
        return replace(
            plan,
            stages=(Stage("undo", plan.restart, (), "all nodes stop, change and start together"),),
            steps=rollback_steps(plan, targets, start_order(unsecured())),
            notes=("passwords that were set, CAs that were made and the security index stay",),
        )

    def recover(
        self,
        *,
        complete: bool,
        emit: Callable[[Event], None] = print,
        options: Options | None = None,
        force: object = (),
    ) -> RunState:
        self.calls.append(f"recover complete={complete}")
        assert self.left is not None
        phase = RunPhase.WAITING if complete else RunPhase.ROLLED_BACK
        state = replace(self.left, phase=phase)
        self.left = state if complete else None
        return state

    def verify(self, emit: Callable[[Event], None] = print, only: Sequence[str] = ()) -> Verdict:
        self.calls.append("verify")
        return Verdict(self._proofs(), stamp(NOW))

    # the walk

    def _walk_plan(self, plan: Plan, kind: str, emit: Callable[[Event], None], options: Options) -> RunState:
        for number, step in enumerate(plan.steps):
            if self.states[step.id].state is StepState.DONE:
                continue
            if self.stop.is_set():
                self._leave(kind, RunPhase.WAITING)
                raise WaitingError("paused before the next step", hint="estui runbook resume")
            self._step(step, NOW + timedelta(seconds=3 * number), kind, emit, options)
        self.left = None
        self.now_observed = self.after
        state = self._state(kind, RunPhase.DONE)
        if kind == "apply":
            self.done_run = state
            self.stored = True
        else:
            self.done_run = None
        return state

    def _step(self, step: Step, at: datetime, kind: str, emit: Callable[[Event], None], options: Options) -> None:
        self._set(step, StepState.RUNNING, emit)
        if step.id == self.hold:
            for target in step.targets[:1]:
                emit(EvidenceSeen(step.id, self._evidence(step, target, at)))
            self.held.set()
            assert self.gate.wait(WAIT_S), "the test never let the walk go on"
        if step.kind in (StepKind.STOP, StepKind.START) and not options.run_commands:
            self._wait_for_person(step, kind, emit, options)
        if step.id == self.fail_at:
            self.fail_at = ""
            for reason in self.fail_with.reasons:
                emit(EvidenceSeen(step.id, Evidence(stamp(at), "es-2", reason, False)))
            self._set(step, StepState.FAILED, emit, self.fail_with.summary)
            self._leave(kind, RunPhase.WAITING)
            raise self.fail_with
        if step.kind is StepKind.PREPARE:
            emit(Said("created logs-demo transport CA"))
        if step.kind is StepKind.VERIFY:
            seen = [
                Evidence(stamp(at), each.target, f"{each.claim}: {each.evidence}", each.ok) for each in self._proofs()
            ]
        else:
            seen = [self._evidence(step, target, at) for target in step.targets or ("workspace",)]
        for evidence in seen:
            emit(EvidenceSeen(step.id, evidence))
        self.states[step.id] = StepRecord(step, StepState.RUNNING, tuple(seen))
        failed = [each for each in seen if not each.ok]
        if failed:
            self._set(step, StepState.FAILED, emit, f"{len(failed)} of {len(seen)} proofs failed")
            self._leave(kind, RunPhase.WAITING)
            raise EstuiError(f"{len(failed)} of {len(seen)} proofs failed", hint="mend what is listed")
        self._set(step, StepState.DONE, emit)

    def _wait_for_person(self, step: Step, kind: str, emit: Callable[[Event], None], options: Options) -> None:
        """Nobody ever acts by hand here: the watch lasts until it is called off."""
        if options.wait_s and not self.left_alone:
            self.stop.wait(WAIT_S)
        verb = "stop" if step.kind is StepKind.STOP else "start"
        words = tuple(f"{target}: systemctl {verb} {target}" for target in step.targets)
        summary = f"waits for you to {verb} {', '.join(step.targets)}, and watches until every port is refused"
        self._set(step, StepState.WAITING, emit, summary)
        self._leave(kind, RunPhase.WAITING)
        raise WaitingError(summary, reasons=words, hint="do it, then: estui runbook resume --wait 600")

    def _set(self, step: Step, state: StepState, emit: Callable[[Event], None], detail: str = "") -> None:
        self.states[step.id] = replace(self.states[step.id], state=state, detail=detail)
        emit(StepChanged(step, state, detail))

    def _leave(self, kind: str, phase: RunPhase) -> None:
        self.left = self._state(kind, phase)

    def _state(self, kind: str, phase: RunPhase) -> RunState:
        return RunState(RUN, kind, phase, tuple(self.states.values()), stamp(NOW))

    def _evidence(self, step: Step, target: str, at: datetime) -> Evidence:
        words = {
            StepKind.STOP: "port 9201, 9301 refused: stopped",
            StepKind.START: "transport serves TLSv1.3, CN=es-1 serial 4f9a0c2e…, ends 2027-12-27: as planned",
            StepKind.COMMIT: "every file as planned",
        }
        return Evidence(stamp(at), target, words.get(step.kind, step.gate or step.title))

    def _proofs(self) -> tuple[Proof, ...]:
        proofs = [
            proof
            for name in ("es-1", "es-2", "es-3")
            for proof in (
                Proof(name, "transport serves the planned leaf", True, f"TLSv1.3, CN={name} serial 4f9a0c2e…"),
                Proof(name, "http serves the planned leaf", True, f"TLSv1.3, CN={name} serial 51b07d11…"),
                Proof(name, "401 without a login", True, "anonymous request refused"),
                Proof(name, "a superuser logs in", True, f"elastic is let in, and the node answers as {name}"),
            )
        ]
        proofs.append(Proof("cluster", "all nodes joined, health not red", True, "3 nodes, green"))
        proofs.append(Proof("kibana/kibana", "its status over HTTPS", True, "status available"))
        for number in range(self.failing_proofs):
            proofs[number] = replace(proofs[number], ok=False, evidence="serves serial 1c2d3e4f…: not loaded")
        return tuple(proofs)


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
