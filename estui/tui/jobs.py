"""Everything that may take long, each in a thread of its own: the one place to review for thread rules.

A job calls the engine and posts messages; it never touches a widget. Jobs of one kind carry a ticket, and the
screen drops what an older ticket brings.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerState

from estui import crash, present
from estui.errors import EstuiError, WaitingError
from estui.tui import messages
from estui.tui.session import Standing

if TYPE_CHECKING:
    from estui.decide.diff import Review
    from estui.engine import Engine, Options
    from estui.model.goal import Goal
    from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode
    from estui.model.plan import Plan
    from estui.model.rollover import Client
    from estui.model.run import Event, RunState
    from estui.present import Glyphs
    from estui.secret import Secret

ARRIVALS_S = 0.2
"""Least time between two pictures of a look that goes on."""
LOOK, READ, PLAN, RUN, SECRETS, VERIFY = "look", "read", "plan", "run", "secrets", "verify"
JUDGE, BOOK = "judge", "book"


class Jobs(Widget):
    """Runs the engine's verbs for the screen that mounts it; never seen itself."""

    DEFAULT_CSS = "Jobs { display: none; }"

    def __init__(self, engine: Engine) -> None:
        super().__init__(id="jobs")
        self.engine = engine
        self.tickets: dict[str, int] = {}

    def ticket(self, job: str) -> int:
        """A new ticket for a kind of job; what older ones still bring is dropped."""
        self.tickets[job] = self.tickets.get(job, 0) + 1
        return self.tickets[job]

    def is_current(self, job: str, ticket: int) -> bool:
        return self.tickets.get(job) == ticket

    def _try(self, job: str, ticket: int, call: Callable[[], Message]) -> None:
        try:
            message = call()
        except EstuiError as error:
            message = messages.JobFailed(ticket, job, error)
        self.post_message(message)

    @on(Worker.StateChanged)
    def _tell_defect(self, event: Worker.StateChanged) -> None:
        """A defect of ours in a thread: written to a file without values, and told like any other failure."""
        event.stop()
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            job = event.worker.group
            self.post_message(messages.JobFailed(self.tickets.get(job, 0), job, crash.told(event.worker.error)))

    # reading

    @work(thread=True, group=LOOK, exit_on_error=False, description="look for an unfinished run")
    def look(self, ticket: int) -> None:
        try:
            run = self.engine.unfinished()
            plan = self.engine.run_plan(run.id) if run else None
        except EstuiError as error:
            self.post_message(messages.JobFailed(ticket, LOOK, error))
        else:
            if run is not None:
                self.post_message(messages.RunFound(ticket, run, plan))

    @work(thread=True, group=READ, exclusive=True, exit_on_error=False, description="read and probe the cluster")
    def observe(self, ticket: int, previews: bool, arriving: Glyphs | None = None) -> None:
        """With `previews` also what each step of the ladder would change: not while a run is changing it. With signs
        for `arriving` rows each target is shown as it was looked at."""
        try:
            observed = self.engine.observe(told=self._arrivals(ticket, arriving)) if arriving else self.engine.observe()
            self.post_message(messages.ClusterObserved(ticket, observed, self._standing()))
            if not previews:
                return
            self.post_message(messages.ScenariosPreviewed(ticket, self.engine.previews(observed)))
        except EstuiError as error:
            self.post_message(messages.JobFailed(ticket, READ, error))

    def _arrivals(self, ticket: int, glyphs: Glyphs) -> Callable[[ObservedNode | ObservedKibana | ObservedBeat], None]:
        """Shows the inventory at once, and gives what takes each target as it arrives. Called from several threads."""
        inventory = self.engine.inventory()
        found = present.expected_rows(inventory, glyphs)
        self.post_message(messages.TargetsSeen(ticket, tuple(found.values())))
        guard, shown = threading.Lock(), time.monotonic()

        def arrived(thing: ObservedNode | ObservedKibana | ObservedBeat) -> None:
            nonlocal shown
            row = present.arrived_row(thing, inventory, self.engine.clock(), glyphs)
            with guard:
                found[thing.entry.config] = row
                if time.monotonic() - shown < ARRIVALS_S:
                    return
                shown = time.monotonic()
                self.post_message(messages.TargetsSeen(ticket, tuple(found.values())))

        return arrived

    def _standing(self) -> Standing:
        from estui.engine import rollover

        engine = self.engine
        return Standing(
            unconfirmed=engine.unconfirmed_commands(),
            undoable=engine.unfinished() or engine.last_done(),
            new_passphrase=engine.needs_new_passphrase,
            unlocked=engine.passphrase is not None,
            rollover=rollover.current(engine),
        )

    @work(thread=True, group=LOOK, exit_on_error=False, description="read the workspace")
    def stand(self, ticket: int) -> None:
        self._try(LOOK, ticket, lambda: messages.WorkspaceRead(ticket, self._standing()))

    @work(thread=True, group=JUDGE, exclusive=True, exit_on_error=False, description="hold every rule against it")
    def find(self, ticket: int, observed: Observed) -> None:
        self._try(JUDGE, ticket, lambda: messages.FindingsFound(ticket, self.engine.findings(observed)))

    # planning

    @work(thread=True, group=PLAN, exclusive=True, exit_on_error=False, description="build the review")
    def build_review(self, ticket: int, plan: Plan, observed: Observed, folded: bool) -> None:
        self._try(
            PLAN, ticket, lambda: messages.ReviewBuilt(ticket, plan, self._review(plan, observed, folded), folded)
        )

    def _review(self, plan: Plan, observed: Observed, folded: bool) -> Review:
        return self.engine.review(plan, observed, fold=folded)

    @work(thread=True, group=PLAN, exclusive=True, exit_on_error=False, description="plan new certificates")
    def plan_rotation(
        self, ticket: int, observed: Observed, targets: tuple[str, ...], sets: tuple[str, ...] = ()
    ) -> None:
        """New leaves for these targets (in these sets only, where some are named), and their review."""
        from estui.engine import rotation_goal
        from estui.model.goal import Rotation

        self._plan(ticket, observed, lambda: rotation_goal(observed, targets, Rotation(sets=sets)))

    @work(thread=True, group=PLAN, exclusive=True, exit_on_error=False, description="plan again")
    def plan_goal(self, ticket: int, observed: Observed, goal: Goal) -> None:
        """The plan of a goal, and its review."""
        self._plan(ticket, observed, lambda: goal)

    @work(thread=True, group=PLAN, exclusive=True, exit_on_error=False, description="look, and plan")
    def plan_anew(self, ticket: int, goal: Goal) -> None:
        """The same after a new look, by whoever may log in now."""

        def built() -> messages.ReviewBuilt:
            observed = self.engine.observe()
            plan, give = self._planned(observed, goal)
            return messages.ReviewBuilt(ticket, plan, self._review(plan, observed, True), True, give)

        self._try(PLAN, ticket, built)

    def _plan(self, ticket: int, observed: Observed, goal: Callable[[], Goal]) -> None:
        def built() -> messages.ReviewBuilt:
            plan, give = self._planned(observed, goal())
            return messages.ReviewBuilt(ticket, plan, self._review(plan, observed, True), True, give)

        self._try(PLAN, ticket, built)

    def _planned(self, observed: Observed, goal: Goal) -> tuple[Plan, Callable[[], None] | None]:
        """The plan of any goal that can be planned again, and what hands over its secrets."""
        from estui.engine import clients, fixes, secure_settings

        engine = self.engine
        if goal.fix:
            plan = fixes.plan_fix(engine, observed, goal.fix, goal.only)
            return plan, lambda: fixes.give(engine, observed, plan)
        if goal.secure:
            values, password = dict(engine.access.values), engine.access.new_keystore_password
            plan = secure_settings.plan_secure(engine, observed, goal.secure, goal.only)
            return plan, lambda: secure_settings.give(engine, values, password)
        return engine.plan(clients.with_connected(engine, observed, goal), goal), None

    @work(thread=True, group=BOOK, exclusive=True, exit_on_error=False, description="write the run-book")
    def write_runbook(self, ticket: int, plan: Plan, observed: Observed) -> None:
        """The whole run-book of a plan, as a document."""
        from estui.engine.runbook import run_sheet
        from estui.present.runbook import runbook_document
        from estui.tui.documents import Document, file_name

        def made() -> messages.DocumentMade:
            sheet = run_sheet(self.engine, plan, observed)
            name = file_name(f"run-book-{plan.cluster}")
            document = Document(f"Run-book: {plan.goal.label}", tuple(runbook_document(sheet)), sheet, name)
            return messages.DocumentMade(ticket, document)

        self._try(BOOK, ticket, made)

    @work(thread=True, group=PLAN, exclusive=True, exit_on_error=False, description="plan the undo")
    def plan_undo(self, ticket: int, run: str) -> None:
        self._try(PLAN, ticket, lambda: messages.UndoPlanned(ticket, self.engine.rollback_preview(run), run))

    # secrets: these two are awaited by the dialog that asked, so their result is what they return

    @work(thread=True, group=SECRETS, exit_on_error=False, description="check the passphrase")
    def unlock(self, passphrase: Secret) -> EstuiError | None:
        return _error_of(lambda: self.engine.unlock(passphrase))

    @work(thread=True, group=SECRETS, exit_on_error=False, description="remember the confirmed commands")
    def confirm_commands(self) -> EstuiError | None:
        return _error_of(self.engine.confirm_commands)

    @work(thread=True, group=SECRETS, exit_on_error=False, description="who connects")
    def checklist(self, client: str) -> tuple[Client, ...] | EstuiError:
        """Who connects, asked anew; or with one of them ticked, or its tick taken back."""
        from estui.engine import clients

        try:
            if not client:
                return clients.look(self.engine, self.engine.observe())
            ticked = any(each.ticked for each in clients.known(self.engine) if each.id == client)
            return clients.tick(self.engine, [client], undo=ticked)
        except EstuiError as error:
            return error

    async def outcome(self, worker: Worker[Any]) -> EstuiError | None:
        """Waits for one of these two; the error that it ended with, or None."""
        error: EstuiError | None = await worker.wait()
        return error

    # changing

    @work(thread=True, group=RUN, exit_on_error=False, description="apply the plan")
    def apply(self, ticket: int, plan: Plan, options: Options) -> None:
        self._walk_proven(ticket, options, lambda emit: self.engine.apply(plan, emit, options))

    @work(thread=True, group=RUN, exit_on_error=False, description="go on with the run")
    def resume(self, ticket: int, options: Options) -> None:
        self._walk_proven(ticket, options, lambda emit: self.engine.resume(emit, options))

    @work(thread=True, group=RUN, exit_on_error=False, description="roll back")
    def rollback(self, ticket: int, run: str, options: Options) -> None:
        self._walk(ticket, lambda emit: self.engine.rollback(run, emit, options))

    @work(thread=True, group=RUN, exit_on_error=False, description="recover the interrupted run")
    def recover(self, ticket: int, complete: bool, options: Options) -> None:
        self._walk(ticket, lambda emit: self.engine.recover(complete=complete, emit=emit, options=options))

    def _walk_proven(self, ticket: int, options: Options, walk: Callable[[Callable[[Event], None]], RunState]) -> None:
        """New passwords that do not stand their proof are set back at once."""
        from estui.engine import passwords

        self._walk(ticket, lambda emit: passwords.proven(self.engine, lambda: walk(emit), emit, options))

    def _walk(self, ticket: int, walk: Callable[[Callable[[Event], None]], RunState]) -> None:
        """Any of the four: events on the way, then how it ended."""
        try:
            run = walk(lambda event: self._tell(ticket, event))
        except EstuiError as error:
            self.post_message(messages.RunStopped(ticket, error, self._left()))
        else:
            if run.unfinished:
                waiting = WaitingError(f"run {run.id} is {run.phase.value}", hint="go on, or roll back")
                self.post_message(messages.RunStopped(ticket, waiting, run))
            else:
                self.post_message(messages.RunEnded(ticket, run))

    def _tell(self, ticket: int, event: Event) -> None:
        self.post_message(messages.EventSeen(ticket, event))

    def _left(self) -> RunState | None:
        try:
            return self.engine.unfinished()
        except EstuiError:
            return None

    # proving

    @work(thread=True, group=VERIFY, exclusive=True, exit_on_error=False, description="verify every layer")
    def verify(self, ticket: int) -> None:
        self._try(VERIFY, ticket, lambda: messages.Verified(ticket, self.engine.verify()))


def _error_of(call: Callable[[], None]) -> EstuiError | None:
    try:
        call()
    except EstuiError as error:
        return error
    return None
