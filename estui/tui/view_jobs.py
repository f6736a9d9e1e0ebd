"""What the views ask of the engine, each in a thread of its own; the same rules as in `jobs.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from estui.errors import EstuiError, LockedError
from estui.tui import messages
from estui.tui.jobs import Jobs

if TYPE_CHECKING:
    from estui.engine.adoption import Look
    from estui.engine.rollover import RolloverReport
    from estui.model.adoption import Import
    from estui.model.goal import SecureEdit
    from estui.model.observed import Observed
    from estui.model.plan import Plan
    from estui.secret import Secret

LOAD, DO = "load", "do"


class ViewJobs(Jobs):
    """Jobs of a view: `LOAD` fills it, `DO` is what a key of it asked for."""

    DEFAULT_CSS = "ViewJobs { display: none; }"

    # certificates

    @work(thread=True, group=LOAD, exclusive=True, exit_on_error=False, description="look when certificates end")
    def look_at_ends(self, ticket: int, observed: Observed) -> None:
        from estui.engine import expiry

        self._try(LOAD, ticket, lambda: messages.EndsSeen(ticket, expiry.report(self.engine, observed)))

    # history

    @work(thread=True, group=LOAD, exclusive=True, exit_on_error=False, description="read the runs")
    def read_runs(self, ticket: int) -> None:
        from estui.act.runs import in_effect

        def read() -> messages.RunsRead:
            runs = self.engine.runs()
            goals = {run.id: self._goal(run.id) for run in runs}
            return messages.RunsRead(ticket, runs, goals, frozenset(run.id for run in in_effect(runs)))

        self._try(LOAD, ticket, read)

    def _goal(self, run: str) -> str:
        try:
            return self.engine.run_plan(run).goal.label
        except EstuiError:
            return ""

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="plan the undo")
    def plan_undo_of(self, ticket: int, run: str) -> None:
        self._try(DO, ticket, lambda: messages.UndoPlanned(ticket, self.engine.rollback_preview(run), run))

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="write the report")
    def write_report(self, ticket: int, run: str) -> None:
        """The report of a run, as far as it is, as a document."""
        from estui.engine.report import report_of
        from estui.present.report import report_document
        from estui.tui.documents import Document, file_name

        def made() -> messages.DocumentMade:
            report = report_of(self.engine, run)
            document = Document(
                f"Report of run {run}", tuple(report_document(report)), report, file_name(f"report-{run}")
            )
            return messages.DocumentMade(ticket, document)

        self._try(DO, ticket, made)

    # findings

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="plan the fix")
    def plan_fix(self, ticket: int, texts: tuple[str, ...]) -> None:
        """`RULE@TARGET`, of one rule."""
        from estui.engine import fixes

        def built() -> messages.ReviewBuilt:
            rule, only = fixes.parse_fixes(texts)
            observed = self.engine.observe()
            plan = fixes.plan_fix(self.engine, observed, rule, only)
            return self._reviewed(ticket, plan, observed, lambda: fixes.give(self.engine, observed, plan))

        self._try(DO, ticket, built)

    # rollover

    @work(thread=True, group=LOAD, exclusive=True, exit_on_error=False, description="read the rollover")
    def read_rollover(self, ticket: int, observed: Observed, *, ask: bool) -> None:
        """Where it stands. With `ask` the nodes are asked who connects, which adds to the checklist."""
        self._try(LOAD, ticket, lambda: self._rollover(ticket, observed, ask=ask))

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="search the files of clients")
    def search_clients(self, ticket: int, observed: Observed, folder: str) -> None:
        """Where they mean a CA that goes, or the cluster by `http://`. Changes nothing."""
        from estui.engine import client_guides

        def searched() -> messages.ClientsSearched:
            names = tuple(each.name for each in client_guides.authorities_sought(self.engine, observed))
            found = client_guides.search_folders(self.engine, observed, (Path(folder),))
            return messages.ClientsSearched(ticket, found, names)

        self._try(DO, ticket, searched)

    def _rollover(self, ticket: int, observed: Observed, *, ask: bool) -> messages.RolloverRead:
        from estui.engine import rollover

        problem: EstuiError | None = None
        state = rollover.current(self.engine)
        if ask and state is not None and state.open and not state.goal.leaked:
            try:
                rollover.look_for_clients(self.engine, observed)
            except LockedError as error:
                problem = error
        return messages.RolloverRead(ticket, LOAD, self._report(observed), problem)

    def _report(self, observed: Observed) -> RolloverReport | None:
        from estui.engine import rollover

        return rollover.report(self.engine, observed)

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="tick a client")
    def tick(self, ticket: int, observed: Observed, client: str, *, undo: bool) -> None:
        """Says that a client is looked after; with `undo` takes that back."""
        from estui.engine import rollover

        def ticked() -> messages.RolloverRead:
            rollover.tick(self.engine, [client], undo=undo)
            return messages.RolloverRead(ticket, DO, self._report(observed), None)

        self._try(DO, ticket, ticked)

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="plan the first phase")
    def plan_start(
        self, ticket: int, names: tuple[str, ...], *, leaked: bool = False, to: str = "", file: str = ""
    ) -> None:
        """To a new CA; or to the CA `to`, which is brought in out of a file where one is named."""
        from estui.engine import rollover

        def built() -> messages.ReviewBuilt:
            notes: tuple[str, ...] = ()
            observed = self.engine.observe()
            if file:
                observed, notes = rollover.bring_in(self.engine, observed, names, to, Path(file))
            goal = rollover.start_goal(self.engine, observed, names, leaked=leaked, to=to)
            plan = rollover.plan_phase(self.engine, observed, goal)
            return self._reviewed(ticket, plan, observed, notes=tuple(f"{to}: {note}" for note in notes))

        self._try(DO, ticket, built)

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="plan the next phase")
    def plan_next(self, ticket: int, *, ask: bool) -> None:
        from estui.engine import rollover

        def built() -> messages.ReviewBuilt:
            observed = self.engine.observe()
            if ask:
                rollover.look_for_clients(self.engine, observed)
            goal = rollover.next_goal(self.engine, observed)
            return self._reviewed(ticket, rollover.plan_phase(self.engine, observed, goal), observed)

        self._try(DO, ticket, built)

    def _reviewed(
        self,
        ticket: int,
        plan: Plan,
        observed: Observed,
        give: Callable[[], None] | None = None,
        notes: tuple[str, ...] = (),
    ) -> messages.ReviewBuilt:
        return messages.ReviewBuilt(ticket, plan, self._review(plan, observed, True), True, give, notes)

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="plan the undo of a phase")
    def plan_step_back(self, ticket: int) -> None:
        """The undo of the last phase that changed something."""
        from estui.engine import rollover

        def planned() -> messages.UndoPlanned:
            run = rollover.runs_to_undo(self.engine)[0]
            return messages.UndoPlanned(ticket, self.engine.rollback_preview(run), run)

        self._try(DO, ticket, planned)

    # taking over

    @work(thread=True, group=LOAD, exclusive=True, exit_on_error=False, description="look for authorities")
    def look_for_authorities(self, ticket: int, files: tuple[str, ...], password: Secret | None) -> None:
        """With the CA files that were named, and their password."""
        from estui.engine import adoption

        self._try(LOAD, ticket, lambda: messages.AuthoritiesSeen(ticket, adoption.look(self.engine, files, password)))

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="choose what to import")
    def choose_import(self, ticket: int, seen: Look, fingerprints: tuple[str, ...] = ()) -> None:
        """Of the CAs with these fingerprints; with none, of all that are in use or were named."""
        from estui.engine import adoption

        self._try(DO, ticket, lambda: messages.ImportChosen(ticket, adoption.choose(self.engine, seen, fingerprints)))

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="import authorities")
    def import_chosen(self, ticket: int, seen: Look, imports: tuple[Import, ...]) -> None:
        from estui.engine import adoption

        def imported() -> messages.AuthoritiesImported:
            adoption.import_authorities(self.engine, seen, imports)
            return messages.AuthoritiesImported(ticket, imports)

        self._try(DO, ticket, imported)

    # secure settings

    @work(thread=True, group=LOAD, exclusive=True, exit_on_error=False, description="open the keystores")
    def look_at_secure(self, ticket: int) -> None:
        from estui.engine import secure_settings

        self._try(LOAD, ticket, lambda: messages.SecureSeen(ticket, secure_settings.look(self.engine)))

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="plan the secure settings")
    def plan_secure(
        self, ticket: int, edit: SecureEdit, values: Mapping[str, Secret], password: Secret | None = None
    ) -> None:
        """On every node; `values` by name, where the edit sets some, or the new `password` of the files."""
        from estui.engine import secure_settings

        def built() -> messages.ReviewBuilt:
            observed = self.engine.observe()
            plan = secure_settings.plan_secure(self.engine, observed, edit)
            written = {name: value.encode() for name, value in values.items()}
            return self._reviewed(ticket, plan, observed, lambda: secure_settings.give(self.engine, written, password))

        self._try(DO, ticket, built)

    # passwords

    @work(thread=True, group=LOAD, exclusive=True, exit_on_error=False, description="look whose password is here")
    def look_at_users(self, ticket: int, observed: Observed) -> None:
        from estui.engine import passwords

        self._try(LOAD, ticket, lambda: messages.UsersSeen(ticket, passwords.built_in_users(self.engine, observed)))

    @work(thread=True, group=DO, exclusive=True, exit_on_error=False, description="plan new passwords")
    def plan_passwords(
        self, ticket: int, users: tuple[str, ...], typed: Mapping[str, Secret], *, by_file: bool = False
    ) -> None:
        """New passwords; those that were typed are kept in the workspace like those that estui makes."""
        from estui.engine import passwords
        from estui.formats.password_file import check_password

        def built() -> messages.ReviewBuilt:
            for user, value in typed.items():
                check_password(user, value)
            observed = self.engine.observe()
            plan = passwords.plan_passwords(self.engine, observed, users, by_file=by_file)
            return self._reviewed(ticket, plan, observed, lambda: passwords.give(self.engine, plan, typed, store=True))

        self._try(DO, ticket, built)
