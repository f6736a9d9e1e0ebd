"""A view: one list on the whole screen, what stands under its cursor below it, and its own keys.

Owns what all views share. What is listed and what a key does is each view's own; a plan that comes of it is reviewed
and applied on the main screen, which lies beneath.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Input

from estui import present
from estui.errors import EstuiError
from estui.tui import bar_parts, messages
from estui.tui.copies import Copy
from estui.tui.keymap import BY_ID, OPENED_BY, Scope, bindings
from estui.tui.rows import Row, line_rows, text_row
from estui.tui.screens.page import Page, explanation_rows, help_rows
from estui.tui.screens.sizes import HEIGHTS, WIDTHS, too_small
from estui.tui.session import Session, why_not
from estui.tui.styles import LINE_CLASSES
from estui.tui.text import front_of
from estui.tui.view_jobs import DO, LOAD, ViewJobs
from estui.tui.widgets.bars import Bar
from estui.tui.widgets.line_view import LineView
from estui.tui.widgets.pane import Pane
from estui.tui.widgets.text_input import TextInput

if TYPE_CHECKING:
    from estui.tui.screens.board import BoardScreen

FRAME = 7
"""Cells of a border that its title cannot have."""


class ViewScreen(Screen[None]):
    """What is common to the views."""

    SCOPE: ClassVar[Scope]
    TITLE: ClassVar[str]
    LOADING: ClassVar[str] = "reading the folders and asking the ports …"
    """What is said until there is something to list."""
    CSS_PATH = "view.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = Screen.COMPONENT_CLASSES | LINE_CLASSES
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.VIEWS, Scope.APP)]
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS

    def __init_subclass__(cls, **options: Any) -> None:
        """A view of a scope binds the keys of that scope."""
        if "SCOPE" in cls.__dict__:
            cls.BINDINGS = [*bindings(cls.SCOPE)]
        super().__init_subclass__(**options)

    def __init__(self, main: BoardScreen) -> None:
        super().__init__()
        self.main = main
        self.now = main.now
        self.glyphs = main.glyphs
        self.ascii_only = main.ascii_only
        self.waiting = ""
        """What a key asked for and is not there yet, in words; empty while nothing is."""
        self.loaded = False
        self.problem: EstuiError | None = None
        self.notice: list[Row] = []
        """What came of the last key, above the list."""

    # what a view is

    def load(self) -> None:
        """Asks for what is listed."""

    def heading_row(self, width: int) -> Row | None:
        """The names of the columns, where the list is a table."""

    def list_rows(self, width: int) -> list[Row]:
        """What is listed; `loaded` is true by then."""
        return []

    def about_rows(self, key: str) -> list[Row]:
        """What is shown below the list about the row under the cursor."""
        return []

    def note(self) -> str:
        """Beside the title."""
        return ""

    def remark(self) -> str:
        """In the lower border."""
        return ""

    def explanation(self) -> list[present.Line]:
        """What the words and signs of this view mean."""
        return []

    def words(self) -> dict[str, str]:
        """What keys are called in the footer now, where the table says it too widely; empty leaves one out."""
        return {}

    def why_not_here(self, action: str) -> str:
        """Why an action of this view cannot work on what is under the cursor; empty where it can."""
        return ""

    # structure

    def compose(self) -> ComposeResult:
        mode = {"ascii_only": self.ascii_only}
        yield ViewJobs(self.main.engine)
        yield LineView(ident="too-small", focusable=False, **mode)
        yield Bar(ident="header", **mode)
        key = self.main.keymap.first(OPENED_BY[self.SCOPE])
        with Pane(key, self.TITLE, ident="pane", **mode):
            yield LineView(ident="notice", focusable=False, **mode)
            yield LineView(ident="heading", focusable=False, **mode)
            yield LineView(ident="list", cursor=True, **mode)
            yield LineView(ident="about", focusable=False, **mode)
        yield TextInput(id="search", compact=True)
        yield Bar(ident="footer", **mode)

    def on_mount(self) -> None:
        self.set_class(self.ascii_only, "-ascii")
        self.query_one("#search", Input).display = False
        self.query_one("#pane", Pane).set_here(True)
        self.set_focus(self.listing)
        self.reload()
        self.call_after_refresh(self.draw)

    @on(LineView.Sized, "#list")
    def _sized(self) -> None:
        self.draw()

    @property
    def session(self) -> Session:
        return self.main.session

    @property
    def jobs(self) -> ViewJobs:
        return self.query_one(ViewJobs)

    @property
    def listing(self) -> LineView:
        return self.query_one("#list", LineView)

    @property
    def key(self) -> str:
        """What the row under the cursor stands for."""
        return self.listing.key

    def on_resize(self, event: events.Resize) -> None:
        self.query_one("#too-small", LineView).set_rows(too_small(event.size))
        self.call_after_refresh(self.draw)

    # loading

    def reload(self) -> None:
        """Asks again for what is listed; what is there stays until then."""
        self.problem = None
        self.load()

    def session_changed(self, old: Session, new: Session) -> None:
        """The main screen knows more."""
        if old.observed is not new.observed or (old.reading and not new.reading):
            self.reload()
        if old != new:
            self.draw()

    def is_newest(self, job: str, ticket: int) -> bool:
        return self.jobs.is_current(job, ticket)

    def has_loaded(self) -> None:
        self.loaded = True
        self.draw()
        self._leave_mere_text()

    def _leave_mere_text(self) -> None:
        """The cursor stands on something, where there is anything to stand on."""
        keyed = [number for number, row in enumerate(self.listing.rows) if row.key]
        if keyed and not self.key:
            self.listing.move_to(keyed[0])

    @on(messages.JobFailed)
    def _job_failed(self, message: messages.JobFailed) -> None:
        message.stop()
        if self.is_newest(message.job, message.ticket) or not message.ticket:
            self.fail(message.error)

    def fail(self, error: EstuiError) -> None:
        """Shows an error above the list, until the next key that does something."""
        self.waiting = ""
        self.problem = error
        self.draw()

    # plans, which the main screen takes on

    def start(self, words: str) -> int:
        """The ticket for what a key asks for; `words` say what is waited for."""
        self.problem, self.notice, self.waiting = None, [], words
        self.draw()
        return self.jobs.ticket(DO)

    @on(messages.ReviewBuilt)
    def _review_built(self, message: messages.ReviewBuilt) -> None:
        message.stop()
        if self.is_newest(DO, message.ticket):
            self.main.take_review(message)
            self.main.show_work()

    @on(messages.UndoPlanned)
    def _undo_planned(self, message: messages.UndoPlanned) -> None:
        message.stop()
        if self.is_newest(DO, message.ticket):
            self.main.take_undo(message)

    # drawing

    def draw(self) -> None:
        """Everything anew; equal rows cost nothing."""
        try:
            listing, heading = self.listing, self.query_one("#heading", LineView)
        except NoMatches:
            return
        width = max(listing.scrollable_content_region.width - 2, 1)
        rows = self._rows(width)
        listing.has_cursor = any(row.key for row in rows)
        title = self.heading_row(width) if self.loaded and self.size.height >= 20 else None
        heading.display = title is not None
        heading.set_rows([title] if title is not None else [])
        listing.set_rows(rows)
        self._draw_notice()
        self.draw_about()
        self.draw_bars()
        pane = self.query_one("#pane", Pane)
        # the border takes the marker and the number, and two cells at each side
        room = pane.size.width - len(f"▸ {pane.number} {self.TITLE} · ") - FRAME
        pane.set_titles(note=front_of(self.note(), room), remark=self._remark())

    def _rows(self, width: int) -> list[Row]:
        if self.loaded:
            return self.list_rows(width)
        return [] if self.problem else [text_row(self.LOADING, "note")]

    def _draw_notice(self) -> None:
        view = self.query_one("#notice", LineView)
        rows = line_rows(present.error_lines(self.problem)) if self.problem else list(self.notice)
        view.display = bool(rows)
        view.set_rows(rows, keep=False)

    def draw_about(self) -> None:
        view = self.query_one("#about", LineView)
        rows = self.about_rows(self.key) if self.loaded and self.size.height >= 20 else []
        view.display = bool(rows)
        view.set_rows(rows, keep=False)

    def _remark(self) -> str:
        return " · ".join(part for part in (self.waiting, self.remark()) if part)

    def draw_bars(self) -> None:
        session, keymap = self.session, self.main.keymap
        left, right = bar_parts.header_parts(session, self.now(), self.size.width)
        self.query_one("#header", Bar).set_parts(left, [*bar_parts.run_parts(session, keymap), *right])
        footer = bar_parts.footer_parts(
            session, self.SCOPE, keymap, self.size.width, reason=self.reason, words=self.words()
        )
        self.query_one("#footer", Bar).set_parts(*footer)

    @on(LineView.Moved, "#list")
    def _moved(self) -> None:
        self.draw_about()
        self.draw_bars()

    # keys

    @property
    def keymap_scopes(self) -> tuple[Scope, ...]:
        """What the palette offers here."""
        return (self.SCOPE, Scope.VIEWS, Scope.APP)

    def reason(self, action: str) -> str:
        """Why an action cannot work now, in one sentence; empty where it can."""
        reason = why_not(action, self.session)
        if reason or BY_ID[action].scope is not self.SCOPE:
            return reason
        if not self.loaded:
            return "what is listed here is still being read" if self.problem is None else "there is nothing here"
        return f"{self.waiting.removesuffix(' …')}: wait" if self.waiting else self.why_not_here(action)

    def action_do(self, action: str) -> None:
        """One way for every key, click and palette entry."""
        reason = self.reason(action)
        if reason:
            self.main.tell(reason)
            return
        own = getattr(self, "do_" + action.replace(".", "_").replace("-", "_"), None)
        if own is not None:
            own()
        elif action.startswith("pane."):
            self.dismiss()
            self.main.action_do(action)
        else:
            self.main.action_do(action)

    @on(Bar.Clicked)
    def _bar_clicked(self, message: Bar.Clicked) -> None:
        message.stop()
        self.action_do(message.action)

    @on(LineView.Chosen, "#list")
    def _chosen(self, message: LineView.Chosen) -> None:
        message.stop()
        actions = [each for each in BY_ID.values() if each.scope is self.SCOPE and "enter" in each.keys.split(",")]
        self.action_do(actions[0].id)

    def do_view_back(self) -> None:
        self.dismiss()

    def do_view_wide(self) -> None:
        self.main.tell("there are no columns here")

    def do_view_explain(self) -> None:
        rows = explanation_rows(self.explanation())
        self.app.push_screen(Page("In words", rows, ascii_only=self.ascii_only))

    def do_view_search(self) -> None:
        self.main.tell("there is no list to filter here")

    def do_view_copy(self) -> None:
        self.main.offer_copies(self.copies())

    def do_view_copy_to_file(self) -> None:
        self.main.offer_copies(self.copies(), to_file=True)

    def copies(self) -> Sequence[Copy]:
        """What can be copied of the row under the cursor."""
        text = "\n".join(row.text for row in self.listing.rows)
        return [Copy("this list", text)] if text else []

    def do_app_help(self) -> None:
        self.app.push_screen(Page("Keys", help_rows(self.main.keymap, self.SCOPE), ascii_only=self.ascii_only))

    def open_page(self, title: str, lines: Sequence[present.Line]) -> None:
        self.app.push_screen(Page(title, line_rows(lines), ascii_only=self.ascii_only))


__all__ = ["DO", "LOAD", "ViewScreen"]
