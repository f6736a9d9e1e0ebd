"""The main screen: nodes, authorities, the ladder, and the pane in which a change is reviewed and applied.

Owns what stands where and which key does what; the way from a plan to a verdict is `flow.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from estui import present
from estui.engine import Engine
from estui.model.observed import ObservedNode
from estui.model.run import RunState
from estui.tui import node_rows, review_rows, work_rows
from estui.tui.jobs import RUN, Jobs
from estui.tui.keymap import BY_ID, FOOTER, Keymap, Scope, bindings
from estui.tui.ladder import about_rows, authority_rows, first_choice, ladder_rows
from estui.tui.review_rows import ReviewRows, matching
from estui.tui.rows import Row, line_rows
from estui.tui.screens.dialogs import Choose
from estui.tui.screens.flow import FlowScreen
from estui.tui.screens.page import Page, help_rows
from estui.tui.session import Session, Stage, why_not
from estui.tui.text import glyphs
from estui.tui.widgets.bars import Bar, Part, key_parts
from estui.tui.widgets.line_view import LineView
from estui.tui.widgets.pane import Pane

PANES = ("nodes", "authority", "scenario", "work")
_FOCUS = {"nodes": "node-list", "authority": "authority-list", "scenario": "ladder"}
_SCOPES = {"nodes": Scope.NODES, "authority": Scope.AUTHORITY, "scenario": Scope.SCENARIO}
_TITLES = {"nodes": "Nodes", "authority": "Certificate authority", "scenario": "Scenario", "work": "Review"}
_SHORT = {"authority": "CA"}
LEAST_WIDTH, LEAST_HEIGHT = 40, 12


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
    """Steps, log or verdict of a run."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.RUN)]


class MainScreen(FlowScreen):
    """Four panes; which of them are in sight depends on the size."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.MAIN, Scope.APP)]
    CSS_PATH = "main.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [
        (0, "-no-width"),
        (LEAST_WIDTH, "-narrow"),
        (80, "-tabbed"),
        (100, "-wide"),
        (140, "-very-wide"),
    ]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [
        (0, "-no-height"),
        (LEAST_HEIGHT, "-low"),
        (24, "-high"),
    ]

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
        self.order = node_rows.Order()
        self.filter = ""
        self.full = False
        self.show_log = False
        self.shown = ReviewRows()
        self.ladder_placed = False

    # what stands where

    def compose(self) -> ComposeResult:
        mode = {"ascii_only": self.ascii_only}
        yield Jobs(self.engine)
        yield LineView(id="too-small", focusable=False, **mode)
        yield Bar(id="header", **mode)
        yield Bar(id="tabs", **mode)
        with Horizontal(id="body"):
            with Vertical(id="left"):
                with Pane(1, "Nodes", id="nodes", **mode):
                    yield LineView(id="node-heading", focusable=False, **mode)
                    yield NodeList(id="node-list", cursor=True, **mode)
                with Pane(2, "Certificate authority", id="authority", **mode):
                    yield AuthorityList(id="authority-list", **mode)
                with Pane(3, "Scenario", id="scenario", **mode):
                    yield Ladder(id="ladder", cursor=True, **mode)
                    yield LineView(id="about", focusable=False, **mode)
            with Pane(4, "Review", id="work", **mode):
                yield ReviewView(id="review", cursor=True, **mode)
                yield LineView(id="ask", focusable=False, **mode)
                yield RunLines(id="steps", **mode)
                yield RunLines(id="log", follow=True, **mode)
                yield RunLines(id="verdict", **mode)
        yield Input(id="search", compact=True)
        yield Bar(id="footer", **mode)

    def on_mount(self) -> None:
        self.set_class(self.ascii_only, "-ascii")
        self.query_one("#search", Input).display = False
        self.go_to("nodes")
        self.jobs.look(self.jobs.ticket(RUN))
        self.start_reading()

    def view(self, name: str) -> LineView:
        return self.query_one(f"#{name}", LineView)

    def pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)
