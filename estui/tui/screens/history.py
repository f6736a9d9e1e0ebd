"""Past runs with their steps and evidence, the newest first: `estui history`, and the way to undo one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on

from estui import present
from estui.model.run import RunPhase, RunState, StepState
from estui.present import Kind, Line, explain
from estui.tui import messages
from estui.tui.copies import Copy
from estui.tui.keymap import Scope
from estui.tui.rows import Row, line_rows
from estui.tui.screens.table_view import TableView
from estui.tui.screens.view import DO, LOAD
from estui.tui.session import Session
from estui.tui.table import Column, Entry

if TYPE_CHECKING:
    from estui.tui.screens.board import BoardScreen


class HistoryView(TableView):
    """Runs of this workspace."""

    SCOPE = Scope.HISTORY
    TITLE = "History"
    LOADING = "reading the journals …"
    EMPTY = "no run yet: applying a reviewed plan is one"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("id", "run", 0, least=24, style="name"),
        Column("phase", "state", 1, style="kind"),
        Column("kind", "what", 2),
        Column("goal", "goal", 3, least=20),
        Column("steps", "steps", 4),
        Column("ended", "ended", 5, style="note"),
    )

    def __init__(self, main: BoardScreen) -> None:
        super().__init__(main)
        self.runs: dict[str, RunState] = {}
        self.goals: Mapping[str, str] = {}
        self.in_effect: frozenset[str] = frozenset()

    def load(self) -> None:
        self.jobs.read_runs(self.jobs.ticket(LOAD))

    def session_changed(self, old: Session, new: Session) -> None:
        if old.standing != new.standing:
            self.reload()
        super().session_changed(old, new)

    @on(messages.RunsRead)
    def _read(self, message: messages.RunsRead) -> None:
        message.stop()
        if self.is_newest(LOAD, message.ticket):
            self.runs = {run.id: run for run in reversed(message.runs)}
            self.goals, self.in_effect = message.goals, message.in_effect
            self.has_loaded()

    def entries(self) -> Sequence[Entry]:
        return [self._entry(run) for run in self.runs.values()]

    def _entry(self, run: RunState) -> Entry:
        kind, sign = self._kind_and_sign(run)
        done = sum(record.state in (StepState.DONE, StepState.SKIPPED) for record in run.records)
        goal = self.goals.get(run.id, "")
        words = {
            "id": run.id,
            "phase": run.phase.value + (", undone" if self._undone(run) else ""),
            "kind": run.kind,
            "goal": f"undo of {goal}" if run.undoes and goal else goal,
            "steps": f"{done} of {present.count(len(run.records), 'step')}",
            "ended": run.ended[:16].replace("T", " "),
        }
        return Entry(run.id, kind, sign, words)

    def _kind_and_sign(self, run: RunState) -> tuple[Kind, str]:
        if run.phase is RunPhase.INTERRUPTED:
            return Kind.BAD, self.glyphs.failed
        if run.unfinished:
            return Kind.WARN, self.glyphs.running
        good = run.phase is RunPhase.DONE and not self._undone(run)
        return (Kind.GOOD, self.glyphs.done) if good else (Kind.NOTE, "-")

    def _undone(self, run: RunState) -> bool:
        """It ended well, and another run took it back since."""
        return run.phase is RunPhase.DONE and run.id not in self.in_effect

    def explanation(self) -> list[Line]:
        return explain.history_words()

    def note(self) -> str:
        return present.count(len(self.runs), "run") if self.loaded else ""

    def about_rows(self, key: str) -> list[Row]:
        run = self.runs.get(key)
        return line_rows(present.run_lines(run, self.glyphs, evidence=False)) if run else []

    # keys

    def why_not_here(self, action: str) -> str:
        run = self.runs.get(self.key)
        if run is None:
            return "there is no run under the cursor"
        if action != "history.undo" or run.unfinished:
            return ""
        if self._undone(run):
            return f"run {run.id} was undone since: there is nothing to undo"
        return "" if run.phase is RunPhase.DONE else f"run {run.id} is {run.phase.value}: there is nothing to undo"

    def do_history_open(self) -> None:
        run = self.runs[self.key]
        self.open_page(run.id, present.run_lines(run, self.glyphs))

    def do_history_report(self) -> None:
        self.jobs.write_report(self.start("writing the report …"), self.key)

    @on(messages.DocumentMade)
    def _document_made(self, message: messages.DocumentMade) -> None:
        message.stop()
        if self.is_newest(DO, message.ticket):
            self.waiting = ""
            self.draw()
            self.main.show_document(message.document)

    def do_history_undo(self) -> None:
        """Plans the undo; an unfinished run has its own way, on the main screen."""
        run = self.runs[self.key]
        if run.unfinished:
            self.main.show_work()
            self.main.action_do("run.undo")
        else:
            self.jobs.plan_undo_of(self.start("planning the undo …"), run.id)

    def copies(self) -> Sequence[Copy]:
        run = self.runs.get(self.key)
        if run is None:
            return super().copies()
        text = "\n".join(line.text for line in present.run_lines(run, self.glyphs))
        return [Copy("run id", run.id), Copy("the whole run as text", text)]
