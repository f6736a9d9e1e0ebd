"""The four panes: what stands where at which size, and how the session is drawn on them.

Which key does what is `main.py`'s, the way from a plan to a verdict `flow.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from estui import present
from estui.decide.diff import Review
from estui.engine import Engine
from estui.model.goal import Scenario
from estui.model.plan import Plan
from estui.model.run import Event, RunState, StepChanged
from estui.tui import bar_parts, node_rows, work_rows
from estui.tui.copies import Copy
from estui.tui.jobs import LOOK, Jobs
from estui.tui.keymap import Keymap, Scope, bindings
from estui.tui.ladder import about_rows, authority_rows, first_choice, ladder_rows
from estui.tui.review_rows import ReviewRows, review_rows, tree_rows, undo_rows
from estui.tui.rows import Row, text_row
from estui.tui.screens.flow import FlowScreen
from estui.tui.screens.sizes import HEIGHTS, WIDTHS, too_small
from estui.tui.screens.view import ViewScreen
from estui.tui.session import Session, Stage
from estui.tui.styles import LINE_CLASSES
from estui.tui.table import Order
from estui.tui.text import glyphs
from estui.tui.widgets.bars import Bar
from estui.tui.widgets.line_view import MARKER, LineView
from estui.tui.widgets.log_view import LogView
from estui.tui.widgets.pane import Pane
from estui.tui.widgets.text_input import TextInput

PANES = ("nodes", "authority", "scenario", "work")
_FOCUS = {"nodes": "node-list", "authority": "authority-list", "scenario": "ladder"}
_SCOPES = {"nodes": Scope.NODES, "authority": Scope.AUTHORITY, "scenario": Scope.SCENARIO}
_SHORT = {"authority": "CA"}
TICK_S = 5.0
"""Between two looks at the clock while a run is at work: slow lines get a few bytes each time."""
MANY_FILES = 300
"""From so many files on a review begins as a tree."""
SPLIT = 110
"""Cells of the fourth pane from which on changed files stand side by side by themselves."""


class NodeList(LineView):
    """The nodes table."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.NODES)]


class AuthorityList(LineView):
    """The authorities."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.AUTHORITY)]


class Ladder(LineView):
    """The scenarios."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.SCENARIO)]


class ReviewView(LineView):
    """The diff."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.REVIEW)]


class RunLines(LineView):
    """Steps or verdict of a run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.RUN)]


class BoardScreen(FlowScreen):
    """Four panes; which of them are in sight depends on the size."""

    CSS_PATH = "main.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = Screen.COMPONENT_CLASSES | LINE_CLASSES
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init__(
        self,
        engine: Engine,
        session: Session,
        clock: Callable[[], datetime],
        keymap: Keymap,
        *,
        ascii_only: bool = False,
    ) -> None:
        super().__init__(engine, session, clock, ascii_only=ascii_only)
        self.keymap = keymap
        self.glyphs = glyphs(ascii_only)
        self.here = "nodes"
        self.marks: frozenset[str] = frozenset()
        self.last_mark = ""
        self.order = Order()
        self.filter = ""
        self.wide = False
        self.full = False
        self.split: bool | None = None
        """Whether changed files stand side by side; None leaves that to the width."""
        self.show_log = False
        self.shown = ReviewRows()
        self.as_tree = False
        """Whether the review shows one line for each node and file."""
        self._drawn: object = None
        """What the shown rows were made for: tree or not, split or not."""
        self.ladder_placed = False
        self.logged_step = ""

    # what stands where

    def compose(self) -> ComposeResult:
        mode = {"ascii_only": self.ascii_only}
        yield Jobs(self.engine)
        yield LineView(ident="too-small", focusable=False, **mode)
        yield Bar(ident="header", **mode)
        yield Bar(ident="tabs", **mode)
        with Horizontal(id="body"):
            with Vertical(id="left"):
                with Pane(1, "Nodes", ident="nodes", **mode):
                    yield LineView(ident="node-heading", focusable=False, **mode)
                    yield NodeList(ident="node-list", cursor=True, **mode)
                    yield LineView(ident="node-hint", focusable=False, **mode)
                with Pane(2, "Certificate authority", ident="authority", **mode):
                    yield AuthorityList(ident="authority-list", cursor=True, **mode)
                with Pane(3, "Scenario", ident="scenario", **mode):
                    yield Ladder(ident="ladder", cursor=True, **mode)
                    yield LineView(ident="about", focusable=False, **mode)
            with Pane(4, "Review", ident="work", **mode):
                yield ReviewView(ident="review", cursor=True, **mode)
                yield LineView(ident="ask", focusable=False, **mode)
                yield RunLines(ident="steps", **mode)
                yield LogView(ident="log", **mode)
                yield RunLines(ident="verdict", **mode)
        yield TextInput(id="search", compact=True)
        yield Bar(ident="footer", **mode)

    def on_mount(self) -> None:
        self.set_class(self.ascii_only, "-ascii")
        self.query_one("#search", TextInput).display = False
        self.go_to("nodes")
        self.jobs.look(self.jobs.ticket(LOOK))
        self.start_reading()
        self.set_interval(TICK_S, self._tick)

    def _tick(self) -> None:
        """Time goes on also where nothing comes: a gate can take minutes."""
        if self.session.working and self.session.stage is Stage.RUN:
            self._draw_run(self.session)
            self._title_work(self.session)

    def view(self, name: str) -> LineView:
        return self.query_one(f"#{name}", LineView)

    def pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)

    # where the focus is

    @property
    def scope(self) -> Scope:
        """What the focused pane is about: decides footer and help."""
        if self.here != "work":
            return _SCOPES[self.here]
        return Scope.RUN if self.session.stage in (Stage.RUN, Stage.VERDICT) else Scope.REVIEW

    @property
    def shows_all(self) -> bool:
        """Whether all four panes are in sight."""
        wide = self.has_class("-wide") or self.has_class("-very-wide")
        return wide and self.has_class("-high") and not self.full

    @property
    def work_view(self) -> str:
        """The part of the fourth pane that takes the keys."""
        stage = self.session.stage
        if stage is Stage.VERDICT:
            return "log" if self.show_log else "verdict"
        return "log" if stage is Stage.RUN else "review"

    def go_to(self, name: str) -> None:
        """Focuses a pane; on a small screen it comes to the front."""
        self.set_focus(self.view(_FOCUS.get(name) or self.work_view))
        self._mark_here(name)

    def show_work(self) -> None:
        self.close_views()
        self.go_to("work")

    def close_views(self) -> None:
        """Back from whatever view lies over this screen."""
        while isinstance(self.app.screen, ViewScreen):
            self.app.screen.dismiss()

    # what the views need of `main.py`

    def action_do(self, action: str) -> None:
        """Any action of the keymap."""

    def offer_copies(self, copies: Sequence[Copy], *, to_file: bool = False) -> None:
        """One of several things to copy."""

    def on_descendant_focus(self) -> None:
        """Follows a focus that came by mouse. The event can be late: what counts is where the focus is now."""
        for pane in self.query(Pane):
            if self.focused is not None and pane in self.focused.ancestors and pane.id and pane.id != self.here:
                self._mark_here(pane.id)

    def _mark_here(self, name: str) -> None:
        self.here = name
        for each in PANES:
            self.pane(each).set_here(each == name)
        self.set_class(name == "work", "-at-work")
        self.draw_bars()

    def on_resize(self, event: events.Resize) -> None:
        self.view("too-small").set_rows(too_small(event.size))
        self.call_after_refresh(self.draw_nodes)
        self.call_later(self.draw_bars)

    @on(LineView.Sized, "#node-list, #review")
    def _sized(self) -> None:
        self.draw_nodes()
        self.redraw_review()

    # drawing the session

    def watch_session(self, old: Session, new: Session) -> None:
        """Draws what differs."""
        if not self.is_mounted:
            return
        if (old.observed, old.arriving, old.read_problem, old.findings, old.stage) != (
            new.observed,
            new.arriving,
            new.read_problem,
            new.findings,
            new.stage,
        ):
            self.draw_nodes()
        if (old.observed, old.previews, old.plan, old.standing) != (
            new.observed,
            new.previews,
            new.plan,
            new.standing,
        ):
            self.draw_ladder()
        self.draw_work(old, new)
        self.draw_bars()
        for screen in self.app.screen_stack:
            if isinstance(screen, ViewScreen):
                screen.session_changed(old, new)

    def draw_all(self) -> None:
        """Everything anew."""
        self.draw_nodes()
        self.draw_ladder()
        self.draw_work(Session(), self.session)
        self.draw_bars()

    def draw_nodes(self) -> None:
        session, view, heading = self.session, self.view("node-list"), self.view("node-heading")
        observed = session.observed
        if observed is None or session.read_problem is not None:
            heading.display = False
            rows = work_rows.problem_rows(session.read_problem)
            width = view.scrollable_content_region.width - MARKER
            view.set_rows(rows or node_rows.arriving_rows(session.arriving, width, self.glyphs))
            return
        now = self.now()
        found = node_rows.with_findings(present.rows(observed, now, self.glyphs), session.findings)
        found = node_rows.ordered(node_rows.filtered(found, self.filter), self.order, observed, now)
        width = view.scrollable_content_region.width - MARKER
        table = node_rows.nodes_table(found, width, self.marks, self.glyphs, wide=self.wide)
        title = table.heading if self._has_room and not self.wide else None
        heading.display = title is not None
        heading.set_rows([title] if title is not None else [])
        view.set_rows(table.rows or [text_row(f"nothing passes the filter {self.filter}; esc clears it", "note")])
        self.pane("nodes").set_titles(note=str(len(observed.things) + len(observed.beats)), remark=self._nodes_remark())
        self._draw_hint()

    def _draw_hint(self) -> None:
        """What to press next, where the fourth pane, which says so, is out of sight."""
        view = self.view("node-hint")
        hint = not self.shows_all and self._has_room and not self.full and self.session.stage is Stage.EMPTY
        rows = work_rows.empty_rows(self.session, self.keymap) if hint else []
        view.display = hint
        view.set_rows(rows, keep=False)

    @property
    def _has_room(self) -> bool:
        return self.size.height >= 20

    def _nodes_remark(self) -> str:
        parts = (
            f"{len(self.marks)} marked" if self.marks else "",
            self.order.text,
            "wide" if self.wide else "",
            f"filter: {self.filter}" if self.filter else "",
        )
        return " · ".join(part for part in parts if part)

    def draw_ladder(self) -> None:
        session, ladder = self.session, self.view("ladder")
        rollover_key = self.keymap.first("open.rollover")
        authorities = authority_rows(session, self.now(), self.glyphs, rollover_key)
        self.view("authority-list").has_cursor = any(row.key for row in authorities)
        self.view("authority-list").set_rows(authorities)
        ladder.set_rows(ladder_rows(session, self.glyphs))
        if session.previews and not self.ladder_placed:
            self.ladder_placed = True
            wanted = first_choice(session)
            for number, row in enumerate(ladder.rows):
                if row.key == wanted:
                    ladder.move_to(number)
        self.draw_about()

    def draw_about(self) -> None:
        key = self.view("ladder").key
        preview = self.session.preview(Scenario(key)) if key else None
        self.view("about").set_rows(about_rows(preview, self.glyphs), keep=False)

    @on(LineView.Moved, "#ladder")
    def _ladder_moved(self) -> None:
        self.draw_about()

    # the fourth pane

    def draw_work(self, old: Session, new: Session) -> None:
        stage = new.stage
        for name in ("review", "steps", "log", "verdict"):
            self.view(name).display = name in self._work_views(stage)
        self.view("ask").display = False
        if stage in (Stage.EMPTY, Stage.REVIEW):
            self._draw_review(old, new)
        else:
            self._draw_run(new)
        if old.stage is not new.stage and self.here == "work":
            self.set_focus(self.view(self.work_view))
        self._title_work(new)

    def _work_views(self, stage: Stage) -> tuple[str, ...]:
        if stage in (Stage.EMPTY, Stage.REVIEW):
            return ("review",)
        if stage is Stage.VERDICT and not self.show_log:
            return ("verdict",)
        return ("steps", "log")

    def _draw_review(self, old: Session, new: Session) -> None:
        view = self.view("review")
        new_review = (old.plan, old.review, old.stage) != (new.plan, new.review, new.stage)
        if new.refused is not None:
            self.shown = ReviewRows(work_rows.refused_rows(new.refused, self.glyphs))
        elif new.stage is Stage.REVIEW and new.plan is not None and new.review is not None:
            if not new_review:
                return
            if old.plan is not new.plan:
                self.as_tree = len(new.review.files) > MANY_FILES
            self.shown = self._review_rows(new.plan, new.review)
        elif new.stage is Stage.REVIEW and new.plan is not None:
            self.shown = undo_rows(new.plan, new.undoes)
        else:
            self.shown = ReviewRows(work_rows.empty_rows(new, self.keymap))
        view.has_cursor = new.stage is Stage.REVIEW and new.refused is None
        same_plan = old.plan is new.plan and old.stage is new.stage
        view.set_rows([*self._review_problem(new), *self.shown.rows], keep=same_plan)

    @property
    def is_split(self) -> bool:
        """Whether changed files stand side by side now."""
        return self.view("review").scrollable_content_region.width >= SPLIT if self.split is None else self.split

    def _review_rows(self, plan: Plan, review: Review) -> ReviewRows:
        self._drawn = (self.as_tree, self.is_split)
        key = self.keymap.first("review.expand")
        if self.as_tree:
            return tree_rows(plan, review, folded=self.session.folded, key=key)
        return review_rows(plan, review, folded=self.session.folded, key=key, split=self.is_split)

    def targets_here(self) -> tuple[str, ...]:
        """Whom the file under the cursor of the review is for."""
        begun = self._file_row
        return self.shown.targets.get(begun, ()) if begun is not None else ()

    @property
    def _file_row(self) -> int | None:
        """Where the file under the cursor of the review begins."""
        cursor = self.view("review").cursor
        return max((place for place in self.shown.files if place <= cursor), default=None)

    @property
    def file_here(self) -> str:
        """Key of the file under the cursor of the review; empty above the first one."""
        begun = self._file_row
        return self.view("review").rows[begun].key if begun is not None else ""

    def redraw_review(self) -> None:
        """The same changes in another way, with the cursor on the change, or the file, where it was."""
        session, view = self.session, self.view("review")
        if session.plan is None or session.review is None or (self.as_tree, self.is_split) == self._drawn:
            return
        passed = sum(place <= view.cursor for place in self.shown.changes)
        file = self.file_here
        self.shown = self._review_rows(session.plan, session.review)
        view.set_rows([*self._review_problem(session), *self.shown.rows], keep=False)
        if passed and self.shown.changes:
            view.jump(self.shown.changes[passed - 1])
        elif file:
            view.jump(next((place for place in self.shown.files if view.rows[place].key == file), 0))

    def _review_problem(self, session: Session) -> list[Row]:
        return work_rows.problem_rows(session.problem) if session.stage is Stage.REVIEW else []

    def _draw_run(self, new: Session) -> None:
        if new.verdict is not None:
            rolling = new.standing.rollover is not None and new.standing.rollover.open
            rows = work_rows.verdict_rows(new.verdict, new.run, self.glyphs, self.keymap, rolling=rolling)
            self.view("verdict").set_rows(rows)
        if new.run is None:
            return
        self.view("steps").set_rows(work_rows.step_rows(new.run, self.now(), self.glyphs))
        self._show_step(new.run.current)
        ask = work_rows.ask_rows(new, self.keymap)
        self.view("ask").display = bool(ask)
        self.pane("work").set_class(bool(ask), "-asking")
        self.view("ask").set_rows(ask)

    def _show_step(self, step: int) -> None:
        steps = self.view("steps")
        steps.call_after_refresh(steps.scroll_to, y=max(step - 6, 0), animate=False)

    def _title_work(self, session: Session) -> None:
        pane, run = self.pane("work"), session.run
        shown = f"log: {self.log_view.filter} · " if self.log_view.filter else ""
        if session.stage is Stage.VERDICT:
            remark = f"run {run.ended.id}" if run and run.ended else ""
            pane.set_titles(title="Verdict", note=run.title if run else "", remark=shown + remark)
        elif session.stage is Stage.RUN and run is not None:
            word = "Undo" if run.kind == "rollback" else "Apply"
            pane.set_titles(title=word, note=run.title, remark=shown + work_rows.run_note(run, self.now()))
        elif session.plan is not None:
            label = f"undo of {session.undoes}" if session.undoes else session.plan.goal.label
            pane.set_titles(title="Review", note=label, remark=self._review_remark(session))
        else:
            note = session.refused.scenario.label if session.refused else ""
            pane.set_titles(title="Review", note=note, remark="planning …" if session.planning else "")

    def _review_remark(self, session: Session) -> str:
        if session.planning:
            return "planning …"
        return present.count(session.review.hunks, "change") if session.review else ""

    # the log

    @property
    def log_view(self) -> LogView:
        return self.query_one("#log", LogView)

    def clear_log(self) -> None:
        self.show_log = False
        self.logged_step = ""
        self.log_view.filter = ""
        self.log_view.start_with([])

    def log_event(self, event: Event) -> None:
        rows = work_rows.event_rows(event, self.now(), self.glyphs)
        if isinstance(event, StepChanged):
            if self.logged_step == event.step.id:
                return  # the same step, taken up again
            self.logged_step = event.step.id
        self.log_view.append(rows)

    def log_run(self, run: RunState) -> None:
        rows = [work_rows.evidence_row(each, self.glyphs) for record in run.records for each in record.evidence]
        self.log_view.start_with(rows)

    # the single lines

    def draw_bars(self) -> None:
        width = self.size.width
        titles = {name: _SHORT.get(name, self.pane(name).title) for name in PANES}
        footer = bar_parts.footer_parts(self.session, self.scope, self.keymap, width, show_log=self.show_log)
        self.query_one("#header", Bar).set_parts(*bar_parts.header_parts(self.session, self.now(), width))
        self.query_one("#tabs", Bar).set_parts(bar_parts.tab_parts(titles, self.here))
        self.query_one("#footer", Bar).set_parts(*footer)
