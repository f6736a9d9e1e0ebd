"""From a chosen step to a verdict: plan, review, the run with its gates, undo, quitting.

Owns the order of these. What is asked on the way is `questions.py`'s, what it looks like `board.py`'s, what it does
the engine's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from textual import on

from estui.act.consent import PlainHttpError
from estui.decide.connected import concerns
from estui.engine import Engine, ScenarioPreview
from estui.errors import EstuiError, WaitingError
from estui.model.goal import Goal
from estui.model.plan import Plan
from estui.model.run import Event, RunPhase, RunState, StepChanged, StepKind, StepState
from estui.tui import jobs, messages
from estui.tui.documents import Document
from estui.tui.run_view import RunView, found_run, new_run, verdict_of
from estui.tui.screens.questions import QuestionScreen
from estui.tui.session import Session, Stage
from estui.tui.text import glyphs

WATCH_S = 600.0
"""How long one call to the engine watches for what a person does, before the next one goes on watching."""

_SEEN_OUTSIDE = (StepKind.STOP, StepKind.START, StepKind.RESTART, StepKind.CLUSTER, StepKind.UNDO)
"""Steps after which the nodes look different from outside."""


class FlowScreen(QuestionScreen):
    """A screen that knows the way of a plan; its session says where on it we are."""

    def __init__(self, engine: Engine, session: Session, clock: Callable[[], datetime], *, ascii_only: bool) -> None:
        super().__init__(engine, session, ascii_only=ascii_only)
        self.now = clock
        self.intent = ""
        """What is to happen once the walk stops: `pause`, `commands`, `undo` or `leave`."""
        self.leave_code = 0
        self._begin_again: Callable[[], None] = lambda: None
        """The last run from its start, where it stopped for want of an answer before it wrote anything."""
        self.own_access = engine.access
        """Who the operator is; a plan that writes secrets of theirs adds those while it is under review."""

    # reading

    def start_reading(self) -> None:
        self.change(reading=True)
        arriving = glyphs(self.ascii_only) if self.session.observed is None else None
        self.jobs.observe(self.jobs.ticket(jobs.READ), previews=True, arriving=arriving)

    def _follow(self) -> None:
        """Reads the cluster again after a step that changed what it serves, so that the nodes' pane stays true."""
        self.jobs.observe(self.jobs.ticket(jobs.READ), previews=False)

    @on(messages.ClusterObserved)
    def _observed(self, message: messages.ClusterObserved) -> None:
        if self.jobs.is_current(jobs.READ, message.ticket):
            self.change(observed=message.observed, standing=message.standing, read_problem=None)
            self.jobs.find(self.jobs.ticket(jobs.JUDGE), message.observed)
            if self.session.working:
                self.change(reading=False)

    @on(messages.TargetsSeen)
    def _seen(self, message: messages.TargetsSeen) -> None:
        if self.jobs.is_current(jobs.READ, message.ticket) and self.session.observed is None:
            self.change(arriving=message.rows)

    @on(messages.FindingsFound)
    def _found(self, message: messages.FindingsFound) -> None:
        if self.jobs.is_current(jobs.JUDGE, message.ticket):
            self.change(findings=message.findings)

    @on(messages.ScenariosPreviewed)
    def _previewed(self, message: messages.ScenariosPreviewed) -> None:
        if self.jobs.is_current(jobs.READ, message.ticket):
            self.change(previews=message.previews, reading=False)

    @on(messages.WorkspaceRead)
    def _workspace_read(self, message: messages.WorkspaceRead) -> None:
        self.change(standing=message.standing)

    def read_workspace(self) -> None:
        self.jobs.stand(0)

    @on(messages.JobFailed)
    def _job_failed(self, message: messages.JobFailed) -> None:
        if not self.jobs.is_current(message.job, message.ticket) and message.ticket:
            return
        if message.job == jobs.READ:
            self.change(reading=False, read_problem=message.error)
        elif message.job == jobs.RUN:
            self._stopped(message.error, None)
        elif message.job == jobs.JUDGE:
            self.change(findings=None)
        else:
            self.change(planning=False, verifying=False, problem=message.error)
        self.tell(str(message.error), severe=True)

    # planning

    def choose(self, preview: ScenarioPreview) -> None:
        """Shows what a step of the ladder would change, or why it cannot be planned."""
        if preview.plan is None:
            self.change(stage=Stage.REVIEW, plan=None, review=None, refused=preview, undoes="", problem=None)
        else:
            self.change(planning=True, refused=None, problem=None)
            observed = self.session.observed
            if observed is not None and concerns(observed, preview.plan.goal):
                # once more, with who talks to the nodes, whom nobody has asked for a preview
                self.jobs.plan_goal(self.jobs.ticket(jobs.PLAN), observed, preview.plan.goal)
            else:
                self.build_review(preview.plan, folded=True)

    def plan_rotation(self, targets: tuple[str, ...], sets: tuple[str, ...] = ()) -> None:
        """Shows what new certificates for these targets would change, in these sets only where some are named."""
        observed = self.session.observed
        if observed is not None:
            self.change(stage=Stage.REVIEW, planning=True, refused=None, problem=None)
            self.jobs.plan_rotation(self.jobs.ticket(jobs.PLAN), observed, targets, sets)

    def plan_variant(self, goal: Goal) -> None:
        """Shows what a step with something besides would change, or why it cannot be planned."""
        self.change(stage=Stage.REVIEW, plan=None, review=None, planning=True, refused=None, undoes="", problem=None)
        self.jobs.plan_anew(self.jobs.ticket(jobs.PLAN), goal)
        self.show_work()

    def plan_without(self, target: str) -> None:
        """Shows the plan under review once more without one of its targets."""
        observed, plan = self.session.observed, self.session.plan
        if observed is not None and plan is not None:
            left = tuple(place.target for place in plan.places if place.target != target)
            self.change(planning=True, problem=None)
            self.jobs.plan_goal(self.jobs.ticket(jobs.PLAN), observed, replace(plan.goal, only=left))

    def build_review(self, plan: Plan, *, folded: bool) -> None:
        observed = self.session.observed
        if observed is not None:
            self.jobs.build_review(self.jobs.ticket(jobs.PLAN), plan, observed, folded)

    @on(messages.ReviewBuilt)
    def _review_built(self, message: messages.ReviewBuilt) -> None:
        if self.jobs.is_current(jobs.PLAN, message.ticket):
            self.take_review(message)

    def take_review(self, message: messages.ReviewBuilt) -> None:
        """A plan to be reviewed, wherever it was made."""
        if message.plan is not self.session.plan:
            self._give(message.give)
        for note in message.notes:
            self.tell(note, severe=True)
        self.change(
            stage=Stage.REVIEW,
            plan=message.plan,
            review=message.review,
            folded=message.folded,
            undoes="",
            refused=None,
            planning=False,
        )

    def _give(self, give: Callable[[], None] | None) -> None:
        """Secrets of the plan under review, and none of any plan before."""
        self.engine.access = self.own_access
        if give is not None:
            give()

    def keep_access(self, **fields: object) -> None:
        """What the operator gives counts from now on, for the plan under review as well."""
        self.own_access = replace(self.own_access, **fields)  # type: ignore[arg-type]
        self.engine.access = replace(self.engine.access, **fields)  # type: ignore[arg-type]

    def do_review_runbook(self) -> None:
        plan, observed = self.session.plan, self.session.observed
        if plan is not None and observed is not None:
            self.jobs.write_runbook(self.jobs.ticket(jobs.BOOK), plan, observed)

    @on(messages.DocumentMade)
    def _document_made(self, message: messages.DocumentMade) -> None:
        if self.jobs.is_current(jobs.BOOK, message.ticket):
            self.show_document(message.document)

    def do_review_expand(self) -> None:
        if self.session.plan is not None:
            self.build_review(self.session.plan, folded=not self.session.folded)

    # undoing

    def do_run_undo(self) -> None:
        run = self.session.standing.undoable
        if run is None:
            return
        if run.unfinished and run.phase is not RunPhase.WAITING:
            self.in_dialogue(self._take_back(run))
            return
        self.change(planning=True, problem=None)
        self.jobs.plan_undo(self.jobs.ticket(jobs.PLAN), run.id)

    @on(messages.UndoPlanned)
    def _undo_planned(self, message: messages.UndoPlanned) -> None:
        if self.jobs.is_current(jobs.PLAN, message.ticket):
            self.take_undo(message)

    def take_undo(self, message: messages.UndoPlanned) -> None:
        """The plan of an undo to be reviewed, wherever it was made."""
        self._give(None)
        self.change(
            stage=Stage.REVIEW,
            plan=message.plan,
            review=None,
            refused=None,
            undoes=message.run,
            planning=False,
        )
        self.show_work()

    # applying

    def do_plan_apply(self) -> None:
        if self.session.plan is not None:
            self.in_dialogue(self._apply(self.session.plan))

    async def _apply(self, plan: Plan) -> None:
        undo = self.session.undoes
        if not await self.ask_apply(plan):
            return
        if not await self.unlocked(needed=not undo and self.engine.needs_passphrase(plan)):
            return
        if undo:
            self._begin(plan, "rollback", lambda ticket: self.jobs.rollback(ticket, undo, self.session.options))
        else:
            self._begin(plan, "apply", lambda ticket: self.jobs.apply(ticket, plan, self.session.options))

    # the run

    def _begin(self, plan: Plan, kind: str, start: Callable[[int], object]) -> None:
        self._begin_again = lambda: self._begin(plan, kind, start)
        self.intent = ""
        self.engine.stop.clear()
        self.change(
            stage=Stage.RUN, run=new_run(plan, kind, self.now()), verdict=None, problem=None, plan=None, review=None
        )
        self.clear_log()
        start(self.jobs.ticket(jobs.RUN))
        self.show_work()

    def _go_on(self, *, wait_s: float = 0.0) -> None:
        """Takes up the waiting run, as far as it goes."""
        self.intent = ""
        self.engine.stop.clear()
        self.change_run(working=True, pausing=False, problem=None)
        options = replace(self.session.options, wait_s=wait_s)
        self.jobs.resume(self.jobs.ticket(jobs.RUN), options)

    @on(messages.EventSeen)
    def _event_seen(self, message: messages.EventSeen) -> None:
        view = self.session.run
        if view is None or not self.jobs.is_current(jobs.RUN, message.ticket):
            return
        self.log_event(message.event)
        if isinstance(message.event, StepChanged) and message.event.state is StepState.DONE:
            view = replace(view, asks=None)
            if message.event.step.kind in _SEEN_OUTSIDE:
                self._follow()
        self.change(run=view.with_event(message.event, self.now()))

    @on(messages.RunEnded)
    def _run_ended(self, message: messages.RunEnded) -> None:
        view = self.session.run
        if view is None or not self.jobs.is_current(jobs.RUN, message.ticket):
            return
        ended = replace(
            view.with_state(message.run),
            working=False,
            pausing=False,
            asks=None,
            problem=None,
            ended=message.run,
            finished=self.now(),
        )
        self._give(None)
        verdict = verdict_of(message.run)
        self.change(run=ended, verdict=verdict, stage=Stage.VERDICT if verdict else Stage.RUN)
        if self.intent == "leave":
            self.app.exit(self.leave_code)
            return
        self.start_reading()

    @on(messages.RunStopped)
    def _run_stopped(self, message: messages.RunStopped) -> None:
        if self.jobs.is_current(jobs.RUN, message.ticket):
            self._stopped(message.error, message.run)

    def _stopped(self, error: EstuiError, run: RunState | None) -> None:
        """What follows when a walk came to a stop: a person's turn, a wish of theirs, or a failure."""
        view = self.session.run
        if view is None:
            return
        intent, self.intent = self.intent, ""
        view = replace(view.with_state(run), pausing=False)
        if intent == "leave":
            self.app.exit(self.leave_code)
        elif intent == "commands":
            self.change(run=replace(view, asks=None))
            self._go_on(wait_s=WATCH_S)
        elif isinstance(error, WaitingError) and error.reasons and not intent:
            self.change(run=replace(view, asks=error))
            self._go_on(wait_s=WATCH_S)
        else:
            self._rest(view, error, run, paused=bool(intent) and isinstance(error, WaitingError))
            if intent == "undo":
                self.in_dialogue(self._undo_soon())
            elif isinstance(error, PlainHttpError) and run is None:
                self.in_dialogue(self._over_plain_http(error))

    async def _over_plain_http(self, error: PlainHttpError) -> None:
        if await self.agreed_to_plain_http(error):
            self._begin_again()

    def _rest(self, view: RunView, error: EstuiError, run: RunState | None, *, paused: bool) -> None:
        """The run stands still until somebody presses a key."""
        problem = None if paused else error
        verdict = verdict_of(run) if run else None
        failed = verdict if verdict is not None and not verdict.ok else None
        if run is None:
            # nothing was switched, or it was taken back at once: there is no run to go on with
            self.change(run=None, stage=Stage.EMPTY, problem=error)
        else:
            self.change(
                run=replace(view, working=False, asks=None, problem=problem),
                verdict=failed,
                stage=Stage.VERDICT if failed else self.session.stage,
            )
        self.read_workspace()
        if not paused:
            if run is None or not self.is_current or not self.query_one("#work").display:
                self.tell(str(error), severe=True)  # where it is not in sight, with what can be done, in its pane
            self.start_reading()

    async def _undo_soon(self) -> None:
        """The undo plan, once the workspace says which run that is."""
        worker = self.jobs.stand(0)
        await worker.wait()
        self.call_later(self.do_run_undo)

    def do_run_pause(self) -> None:
        view = self.session.run
        if view is None:
            return
        if not view.working:
            self.in_dialogue(self._resume())
        elif view.pausing:
            self.intent = ""
            self.engine.stop.clear()
            self.change_run(pausing=False)
        else:
            self._stop_for("pause")

    def _stop_for(self, intent: str) -> None:
        self.intent = intent
        self.engine.stop.set()
        self.change_run(pausing=intent != "commands")

    def do_run_go_on(self) -> None:
        view = self.session.run
        if view is not None and view.asks is not None:
            self.in_dialogue(self._run_commands())
        else:
            self.in_dialogue(self._resume())

    async def _run_commands(self) -> None:
        if not await self.confirmed_commands():
            return
        self.change(options=replace(self.session.options, run_commands=True))
        if self.session.working:
            self._stop_for("commands")
        else:
            self._go_on(wait_s=WATCH_S)

    async def _resume(self) -> None:
        if await self.unlocked(needed=False):
            self._go_on()

    # a run that was there before

    @on(messages.RunFound)
    def _run_found(self, message: messages.RunFound) -> None:
        self.change(
            run=found_run(message.run, message.plan, self.now()),
            stage=Stage.RUN,
            standing=replace(self.session.standing, undoable=message.run),
        )
        self.log_run(message.run)
        self.show_work()
        self.in_dialogue(self._settle(message.run))

    async def _settle(self, run: RunState) -> None:
        """Asks what is to become of an unfinished run, and does it."""
        match await self.ask_unfinished(run):
            case "go-on":
                await self._resume()
            case "undo":
                self.do_run_undo()
            case "complete":
                await self._recover(complete=True)
            case "recover":
                await self._take_back(run)

    async def _take_back(self, run: RunState) -> None:
        if await self.ask_take_back(run):
            await self._recover(complete=False)

    async def _recover(self, *, complete: bool) -> None:
        if not await self.unlocked(needed=False):
            return
        self.intent = ""
        self.engine.stop.clear()
        self.change(stage=Stage.RUN)
        self.change_run(working=True, problem=None)
        self.jobs.recover(self.jobs.ticket(jobs.RUN), complete, self.session.options)

    # proving

    def do_run_verify(self) -> None:
        self.in_dialogue(self._verify())

    async def _verify(self) -> None:
        if await self.unlocked(needed=False):
            self.change(verifying=True, problem=None)
            self.jobs.verify(self.jobs.ticket(jobs.VERIFY))

    @on(messages.Verified)
    def _verified(self, message: messages.Verified) -> None:
        if self.jobs.is_current(jobs.VERIFY, message.ticket) and not self.session.working:
            self.change(verifying=False, verdict=message.verdict, stage=Stage.VERDICT)
            self.show_work()

    # leaving

    def do_app_quit(self) -> None:
        view = self.session.run
        if view is None or not view.working:
            self.app.exit(0)
        elif view.asks is not None:
            self.leave_when_stopped(0)
        else:
            self.in_dialogue(self._ask_leave())

    async def _ask_leave(self) -> None:
        answer = await self.ask_leave()
        if answer == "leave":
            self.leave_when_stopped(0)
        elif answer == "undo" and self.session.working:
            self._stop_for("undo")

    def leave_when_stopped(self, code: int) -> None:
        """Leaves once the step in hand is over; at once where nothing is at work."""
        self.leave_code = code
        if self.session.working:
            self._stop_for("leave")
        else:
            self.app.exit(code)

    # what the main screen does for the flow

    def show_work(self) -> None:
        """Brings the fourth pane to the front."""

    def show_document(self, document: Document) -> None:
        """A document to read, over whatever is there."""

    def clear_log(self) -> None:
        """An empty log for a new run."""

    def log_event(self, event: Event) -> None:
        """An event in the log."""

    def log_run(self, run: RunState) -> None:
        """What a run left in its journal, in the log."""
