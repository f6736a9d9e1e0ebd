"""A new CA in phases: which CAs go, where the rollover stands, what its next phase waits for, who is looked after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on

from estui import present
from estui.decide.client_way import client_way, guide_for
from estui.decide.plan import authority_title
from estui.errors import UsageError
from estui.model.goal import Phase
from estui.model.rollover import Client, RolloverState
from estui.present import Kind, Line, explain
from estui.present.client_guides import guide_lines, search_lines
from estui.present.rollover import (
    ABORTED,
    CHECKLIST,
    LEAKED,
    PHASE_WORDS,
    client_line,
    phase_lines,
    rollover_lines,
    rollover_title,
    undo_lines,
)
from estui.tui import messages
from estui.tui.keymap import Scope
from estui.tui.rows import Row, Span, line_row, line_rows, text_row
from estui.tui.screens.ask_file import AskSuccessor
from estui.tui.screens.dialogs import AskText, Confirm
from estui.tui.screens.view import DO, LOAD, ViewScreen
from estui.tui.session import Session
from estui.tui.text import pad

if TYPE_CHECKING:
    from estui.engine.rollover import RolloverReport
    from estui.tui.screens.board import BoardScreen

_LOOKS = ("rollover.guide", "rollover.search")
_BEGINNINGS = ("rollover.start", "rollover.external", "rollover.leaked")
NAME = 20
"""Cells of a CA's title."""


class RolloverView(ViewScreen):
    """Before a rollover the CAs to choose from; then its phases and its checklist."""

    SCOPE = Scope.ROLLOVER
    TITLE = "Rollover"
    LOADING = "reading the runs, and asking the nodes who connects …"

    def __init__(self, main: BoardScreen, authority: str = "") -> None:
        super().__init__(main)
        self.report: RolloverReport | None = None
        self.marks: frozenset[str] = frozenset()
        self.brings = False
        """A CA comes into the workspace with the plan that is being made."""
        self.first = authority
        """The CA that the cursor stands on at first."""

    # loading

    def load(self) -> None:
        session = self.session
        if session.observed is not None:
            self.jobs.read_rollover(self.jobs.ticket(LOAD), session.observed, ask=self._may_write)
        elif session.read_problem is not None:
            self.problem = session.read_problem

    @property
    def _may_write(self) -> bool:
        """Whether the checklist may be brought up to date now."""
        return not self.session.read_only and not self.session.working

    def session_changed(self, old: Session, new: Session) -> None:
        if old.standing.rollover != new.standing.rollover and old.observed is new.observed:
            self.reload()
        super().session_changed(old, new)

    @on(messages.RolloverRead)
    def _read(self, message: messages.RolloverRead) -> None:
        message.stop()
        if self.is_newest(message.job, message.ticket):
            self.report, self.problem, self.waiting = message.report, message.problem, ""
            self.has_loaded()
            self._place_cursor()

    def _place_cursor(self) -> None:
        if self.first:
            for number, row in enumerate(self.listing.rows):
                if row.key == self.first:
                    self.listing.move_to(number)
            self.first = ""

    @property
    def state(self) -> RolloverState | None:
        """The rollover that is under way."""
        return self.report.state if self.report is not None and self.report.state.open else None

    # rows

    def list_rows(self, width: int) -> list[Row]:
        if self.report is None or self.state is None:
            return self._choice_rows()
        return self._state_rows(self.report)

    def _choice_rows(self) -> list[Row]:
        key = self.main.keymap.first
        rows = []
        if self.report is not None:
            rows += [*line_rows(rollover_lines(self.report.state, glyphs=self.glyphs)), text_row("")]
        names = self._names()
        if not names:
            return [*rows, text_row("no CA in the workspace yet: a step of the ladder makes one", "note")]
        rows.append(text_row("Which CA is to be followed by a new one?", "title"))
        rows += [self._choice(name) for name in names]
        rows += [text_row(""), text_row("In three phases, each of them reviewed and applied like any other plan:")]
        phases = [phase for phase in Phase if phase is not Phase.PROOF]
        words = [f"  {number}. {phase.label}: {PHASE_WORDS[phase]}" for number, phase in enumerate(phases, 1)]
        rows += [text_row(each, "note", indent=5) for each in words]
        rows += [text_row(""), self._key_row(key("rollover.start"), "plans phase 1; changes nothing yet")]
        rows.append(self._key_row(key("rollover.mark"), "marks a CA, where several go together"))
        rows.append(self._key_row(key("rollover.external"), "goes to a CA that is not estui's own, out of its file"))
        return [*rows, self._key_row(key("rollover.leaked"), LEAKED)]

    def _key_row(self, key: str, words: str) -> Row:
        return Row((Span(f"  {key:6}", "key"), Span(words)), indent=8)

    def _choice(self, name: str) -> Row:
        observed = self.session.observed
        facts = {each.name: each for each in observed.authorities} if observed else {}
        sign = self.glyphs.done if name in self.marks else ""
        each = facts[name]
        words = present.authority_lines([each], self.now())[0].text.partition("  ")[2]
        title = Span(pad(authority_title(name), NAME), "name")
        return Row((Span(pad(sign, 2), "marked"), title, Span(words)), key=name, indent=NAME + 2)

    def _state_rows(self, report: RolloverReport) -> list[Row]:
        way_on = self.main.keymap.first("rollover.next")
        rows = line_rows(phase_lines(report.state, report.waits_for, self.glyphs, way_on=way_on))
        clients = report.state.clients
        if not clients:
            return rows
        tick = self.main.keymap.first("rollover.mark")
        hint = (Span(f"  {tick} ", "key"), Span("ticks one, or takes the tick back", "note"))
        rows += [text_row(""), Row((Span(CHECKLIST, "title"), *hint), indent=2)]
        return rows + [line_row(client_line(client, self.glyphs), key=client.id) for client in clients]

    def _names(self) -> list[str]:
        observed = self.session.observed
        return [each.name for each in observed.authorities] if observed else []

    def explanation(self) -> list[Line]:
        return explain.rollover_words(self.glyphs)

    def note(self) -> str:
        return rollover_title(self.report.state) if self.report is not None else ""

    def remark(self) -> str:
        return f"{len(self.marks)} marked" if self.marks and self.state is None else ""

    def words(self) -> dict[str, str]:
        if self.state is None:
            return {"rollover.mark": "mark", "rollover.next": "", "rollover.undo": ""}
        ticked = self._client is not None and self._client.ticked
        words = {"rollover.mark": "take tick back" if ticked else "tick"}
        return words | dict.fromkeys(_BEGINNINGS, "")

    # reasons

    def why_not_here(self, action: str) -> str:
        state = self.state
        if action in _BEGINNINGS:
            if state is not None:
                return f"a rollover is under way: {self.main.keymap.first('rollover.next')} plans its next phase"
            return "" if self._chosen_names() else "there is no CA under the cursor"
        if action == "rollover.mark":
            return self._why_not_mark(state)
        if action in _LOOKS:
            return "" if self.session.observed is not None else "nothing has been read yet"
        if state is None:
            return "no rollover is under way"
        if action == "rollover.next" and self.report is not None and self.report.waits_for:
            return f"the next phase waits for {present.count(len(self.report.waits_for), 'thing')}: they are listed"
        return ""

    def _why_not_mark(self, state: RolloverState | None) -> str:
        if state is None:
            return "" if self.key in self._names() else "there is no CA under the cursor"
        if self._client is None:
            return "there is no client under the cursor"
        return "estui is read-only here: nothing is changed" if self.session.read_only else ""

    @property
    def _client(self) -> Client | None:
        """The one under the cursor, while a rollover is under way."""
        clients = self.state.clients if self.state is not None else ()
        return next((each for each in clients if each.id == self.key), None)

    # keys

    def _chosen_names(self) -> tuple[str, ...]:
        marked = tuple(name for name in self._names() if name in self.marks)
        return marked or ((self.key,) if self.key in self._names() else ())

    def do_rollover_mark(self) -> None:
        observed = self.session.observed
        if self.state is None:
            self.marks ^= {self.key}
            self.draw()
        elif observed is not None and self._client is not None:
            undo = bool(self._client.ticked)
            words = "taking the tick back …" if undo else "ticking …"
            self.jobs.tick(self.start(words), observed, self.key, undo=undo)

    def do_rollover_start(self) -> None:
        self._begin(leaked=False)

    def _begin(self, *, leaked: bool) -> None:
        self.jobs.plan_start(self.start("planning phase 1 …"), self._chosen_names(), leaked=leaked)

    def do_rollover_leaked(self) -> None:
        self.main.in_dialogue(self._ask_leaked())

    def do_rollover_external(self) -> None:
        self.main.in_dialogue(self._ask_successor())

    async def _ask_successor(self) -> None:
        names = self._chosen_names()
        old = ", ".join(authority_title(name) for name in names)
        given = await self.app.push_screen_wait(AskSuccessor(old, ascii_only=self.ascii_only))
        if given is not None:
            ticket = self.start("bringing the CA in, and planning phase 1 …")
            self.brings = bool(given.file)
            self.jobs.plan_start(ticket, names, to=given.name, file=given.file)

    @on(messages.ReviewBuilt)
    def _phase_built(self, message: messages.ReviewBuilt) -> None:
        """The plan itself goes where every plan goes; here the CA that came with it has to be seen by everybody."""
        if self.brings and self.is_newest(DO, message.ticket):
            self.brings = False
            self.main.start_reading()

    async def _ask_leaked(self) -> None:
        names = ", ".join(authority_title(name) for name in self._chosen_names())
        rows = [
            text_row(f"{names}: {LEAKED}.", "warn"),
            text_row("This plans phase 1 and shows it; nothing is changed yet.", "note"),
        ]
        dialog = Confirm("Has a key leaked?", rows, verb="plan phase 1", ascii_only=self.ascii_only)
        if await self.app.push_screen_wait(dialog):
            self._begin(leaked=True)

    def do_rollover_guide(self) -> None:
        """For the client under the cursor its own guide, else all of them."""
        observed = self.session.observed
        if observed is not None:
            name = guide_for(self._client) if self._client else ""
            self.open_page("What clients have to change", guide_lines(client_way(observed), (name,) if name else ()))

    def do_rollover_search(self) -> None:
        self.main.in_dialogue(self._ask_search())

    async def _ask_search(self) -> None:
        rows = [text_row("A folder or file of Logstash, of an agent, of a program, as this host sees it.", "note")]
        ask = AskText(
            "Search the files of clients", rows, placeholder="folder", check=_check_there, ascii_only=self.ascii_only
        )
        folder = await self.app.push_screen_wait(ask)
        if folder is not None and self.session.observed is not None:
            self.jobs.search_clients(self.start("searching …"), self.session.observed, folder)

    @on(messages.ClientsSearched)
    def _searched(self, message: messages.ClientsSearched) -> None:
        message.stop()
        if self.is_newest(DO, message.ticket):
            self.waiting = ""
            self.draw()
            self.open_page("Files of clients", search_lines(message.found, message.authorities))

    def do_rollover_next(self) -> None:
        self.jobs.plan_next(self.start("planning the next phase …"), ask=self._may_write)

    def do_rollover_undo(self) -> None:
        self.main.in_dialogue(self._ask_undo())

    async def _ask_undo(self) -> None:
        state = self.state
        if state is None or self.report is None:
            return
        note = Line(Kind.NOTE, "Each is shown and applied by itself; this shows the first.")
        lines = [*undo_lines(state, self.report.way_back), note]
        dialog = Confirm(ABORTED, line_rows(lines), verb="show the undo", ascii_only=self.ascii_only)
        if await self.app.push_screen_wait(dialog):
            self.jobs.plan_step_back(self.start("planning the undo …"))


def _check_there(folder: str) -> None:
    """EstuiError for a name below which there is nothing to search."""
    if not folder or not Path(folder).exists():
        raise UsageError("there is no such folder or file here")
