"""A page of text over the main screen: details of a node, of an authority, and the help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from estui.present import Kind, Line
from estui.present.explain import LABEL
from estui.tui.keymap import Keymap, Scope, beside, bindings, keys_of
from estui.tui.rows import Row, Span, line_row, text_row
from estui.tui.styles import LINE_CLASSES
from estui.tui.text import plain
from estui.tui.widgets.line_view import LineView


class Page(ModalScreen[None]):
    """Rows to read, scrolled like any list; closed by the key that a hand reaches for first."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.PAGE, action="screen.close")]
    CSS_PATH = "page.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = Screen.COMPONENT_CLASSES | LINE_CLASSES

    def __init__(self, title: str, rows: Sequence[Row], *, ascii_only: bool = False) -> None:
        super().__init__()
        self.heading = title
        self.rows = list(rows)
        self.ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        with Vertical(id="page"):
            yield LineView(ident="page-text", ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        self.set_class(self.ascii_only, "-ascii")
        frame = self.query_one("#page")
        frame.border_title = Text(f" {plain(self.heading, ascii_only=self.ascii_only)} ")
        frame.border_subtitle = Text(f" {self.hint} ")
        self.call_after_refresh(self.fill)

    @property
    def hint(self) -> str:
        """The keys, in the lower border."""
        return "esc closes"

    def fill(self) -> None:
        """Puts the text in."""
        self.query_one("#page-text", LineView).set_rows(self.rows)

    def action_close(self, which: str) -> None:
        self.dismiss(None)


def explanation_rows(lines: Sequence[Line]) -> list[Row]:
    """Words and their sentences; further lines of a sentence begin where it did."""
    return [replace(line_row(line), indent=LABEL + 2 if line.kind is Kind.TEXT else 0) for line in lines]


def help_rows(keymap: Keymap, first: Scope) -> list[Row]:
    """All keys: those of the focused pane first, then the screen's, then the global ones."""
    scopes = [*beside(first), *(scope for scope in Scope)]
    rows: list[Row] = []
    for scope in dict.fromkeys(scopes):
        rows.append(text_row(scope.value.capitalize(), "title"))
        for key in keys_of([scope]):
            shown = keymap.text(key.id)
            if shown:
                rows.append(Row((Span(f"  {shown:16}", "key"), Span(key.tooltip)), indent=18))
        rows.append(text_row(""))
    rows.append(
        text_row(
            "In tmux esc can lag half a second: set -sg escape-time 10. Shift (option on some terminals) "
            "selects text with the mouse; --no-mouse gives the mouse back.",
            "note",
        )
    )
    return rows
