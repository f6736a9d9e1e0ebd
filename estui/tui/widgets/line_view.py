"""Rows of text that scroll: with a cursor a list, without one a log. Draws only the lines that are in sight.

Wraps what is wider than the view, so nothing is ever cut off at the right; what the rows mean is left to others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from estui.tui.keymap import Scope, bindings
from estui.tui.review_rows import with_matches
from estui.tui.rows import Row, Span, cleaned, wrap

MARKER = 2
"""Cells in front of the rows of a list, where the cursor's marker stands."""
ROW_LIMIT = 20_000
"""Rows that a log keeps."""


class LineView(ScrollView, can_focus=True):
    """Rows, wrapped to the width. Posts `Moved`, `Chosen` and `Sized`."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.MOVE, action="move")]
    ALLOW_SELECT = True

    @dataclass
    class Moved(Message):
        """The cursor came to another row."""

        view: LineView
        index: int

        @property
        def control(self) -> LineView:
            return self.view

    @dataclass
    class Chosen(Message):
        """A row was clicked twice, or clicked while the cursor stood on it."""

        view: LineView
        index: int

        @property
        def control(self) -> LineView:
            return self.view

    @dataclass
    class Sized(Message):
        """The view has another width: who made its rows for the old one makes them anew. Comes beneath a dialog too."""

        view: LineView

        @property
        def control(self) -> LineView:
            return self.view

    def __init__(
        self,
        *,
        ident: str,
        cursor: bool = False,
        follow: bool = False,
        ascii_only: bool = False,
        focusable: bool = True,
    ) -> None:
        super().__init__(id=ident)
        self.rows: list[Row] = []
        self.cursor = 0
        self.has_cursor = cursor
        self.follow = follow
        self.ascii_only = ascii_only
        self.wanted = ""
        """Text that a search marks."""
        self.can_focus = focusable
        self._lines: list[tuple[int, tuple[Span, ...]]] = []
        self._first: list[int] = []
        self._width = 0
        self._drawn_cursor = 0
        self._styles: dict[str, Style] = {}

    # rows

    def set_rows(self, rows: Sequence[Row], *, keep: bool = True) -> None:
        """Other rows. With `keep` the cursor stays on the row of the same key, the view where it was."""
        key = self.key if keep else ""
        new = [cleaned(row, ascii_only=self.ascii_only) for row in rows]
        if new == self.rows and keep and self._width == self._room:
            return
        self.rows = new
        places = [number for number, row in enumerate(self.rows) if key and row.key == key]
        self.cursor = places[0] if places else min(self.cursor, max(len(self.rows) - 1, 0)) if keep else 0
        self._layout_lines()
        self._drawn_cursor = self.cursor
        if not keep:
            self.scroll_to(y=0, animate=False, immediate=True)
        if self.follow:
            self._to_end()
        self.refresh()

    def add_rows(self, rows: Sequence[Row]) -> None:
        """More rows at the end; a log that stood at its end stays there."""
        at_end = self.scroll_offset.y >= self.max_scroll_y
        new = [cleaned(row, ascii_only=self.ascii_only) for row in rows]
        if not self._width:
            self.rows = [*self.rows, *new]
            self._layout_lines()
        elif len(self.rows) + len(new) > ROW_LIMIT:
            self.rows = [*self.rows, *new][-ROW_LIMIT // 2 :]
            self._layout_lines()
        else:
            for row in new:
                self._append(len(self.rows), row)
                self.rows.append(row)
            self.virtual_size = Size(self._room, len(self._lines))
        if self.follow and at_end:
            self._to_end()
        self.refresh()

    def _to_end(self) -> None:
        self.call_after_refresh(self.scroll_end, animate=False, immediate=True)

    @property
    def key(self) -> str:
        """Key of the row under the cursor."""
        return self.row.key if self.row else ""

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.has_cursor and self.cursor < len(self.rows) else None

    # layout

    @property
    def _marker(self) -> int:
        return MARKER if self.has_cursor else 0

    @property
    def _room(self) -> int:
        return max(self.scrollable_content_region.width - self._marker, 1)

    def _append(self, number: int, row: Row) -> None:
        self._first.append(len(self._lines))
        self._lines += [(number, spans) for spans in wrap(row, self._width)]

    def _layout_lines(self) -> None:
        self._width = self._room
        self._lines, self._first = [], []
        if not self.scrollable_content_region.width:
            # not laid out yet: wrapped to nothing, a view would show a letter a line until it is
            self._width = 0
            self.virtual_size = Size(0, len(self.rows))
            return
        for number, row in enumerate(self.rows):
            self._append(number, row)
        self.virtual_size = Size(self._room, len(self._lines))

    def on_resize(self, event: events.Resize) -> None:
        if self._room != self._width:
            top = self._row_at(self.scroll_offset.y)
            self._layout_lines()
            self.post_message(self.Sized(self))
            if top is not None and top < len(self._first) and not self.has_cursor:
                self.scroll_to(y=self._first[top], animate=False, immediate=True)
        if self.has_cursor:
            self.call_after_refresh(self.show_cursor)
        elif self.follow:
            self._to_end()

    def _row_at(self, y: int) -> int | None:
        return self._lines[y][0] if 0 <= y < len(self._lines) else None

    def _last_line(self, row: int) -> int:
        return (self._first[row + 1] if row + 1 < len(self._first) else len(self._lines)) - 1

    # moving

    def action_move(self, which: str) -> None:
        """One of the `move.` actions of the keymap."""
        page = max(self.scrollable_content_region.height - 1, 1)
        steps = {
            "move.down": 1,
            "move.up": -1,
            "move.page-down": page,
            "move.page-up": -page,
            "move.half-down": page // 2 + 1,
            "move.half-up": -(page // 2 + 1),
        }
        if which == "move.top":
            self._go(0, first=True)
        elif which == "move.end":
            self._go(len(self.rows), first=False)
        else:
            self._step(steps[which])

    def _go(self, row: int, *, first: bool) -> None:
        if self.has_cursor:
            self.move_to(row)
        if first:
            self.scroll_to(y=0, animate=False, immediate=True)
        elif not self.has_cursor:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)

    def _step(self, step: int) -> None:
        if self.has_cursor:
            self.move_to(self.cursor + step)
        else:
            self.scroll_to(y=self.scroll_offset.y + step, animate=False, immediate=True)

    def move_to(self, row: int) -> None:
        """Puts the cursor on a row and brings it into sight."""
        row = max(0, min(row, len(self.rows) - 1))
        if self.rows and row != self.cursor:
            self.cursor = row
            self.post_message(self.Moved(self, row))
        self.show_cursor()
        self._draw_cursor()

    def show_cursor(self, *, near_top: bool = False) -> None:
        """Scrolls as little as needed; with `near_top` the row comes to the upper part of the view."""
        if not self.rows or not self._first:
            return
        row = min(self.cursor, len(self.rows) - 1)
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        first, last = self._first[row], self._last_line(row)
        if near_top:
            target = max(first - 2, 0) if not top <= first <= last < top + height - 3 else top
        elif first < top:
            target = first
        elif last >= top + height:
            target = last - height + 1
        else:
            return
        self.scroll_to(y=target, animate=False, immediate=True)

    def jump(self, row: int) -> None:
        """Like `move_to`, for keys that leap: what follows the row is brought into sight with it."""
        row = max(0, min(row, len(self.rows) - 1))
        if row != self.cursor:
            self.cursor = row
            self.post_message(self.Moved(self, row))
        self.show_cursor(near_top=True)
        self._draw_cursor()

    def _draw_cursor(self) -> None:
        """Draws the row that the cursor left and the one it came to, and nothing else."""
        for row in {self._drawn_cursor, self.cursor}:
            if row < len(self._first):
                first = self._first[row] - self.scroll_offset.y
                self.refresh(Region(0, first, self.size.width, self._last_line(row) - self._first[row] + 1))
        self._drawn_cursor = self.cursor

    async def on_click(self, event: events.Click) -> None:
        row = self._row_at(self.scroll_offset.y + event.y - self.gutter.top)
        if row is None or not self.has_cursor:
            return
        if row == self.cursor or event.chain > 1:
            self.post_message(self.Chosen(self, row))
        self.move_to(row)

    # drawing

    def search(self, wanted: str) -> None:
        """Marks every place where a text stands; empty marks nothing."""
        self.wanted = wanted
        self.refresh()

    def render_line(self, y: int) -> Strip:
        if not self._width and self.rows:
            self._layout_lines()  # its size came while it was not to be seen
        at = self.scroll_offset.y + y
        base = self._style("")
        width = self.scrollable_content_region.width
        if at >= len(self._lines):
            return Strip.blank(width, base)
        row, spans = self._lines[at]
        here = self.has_cursor and row == self.cursor
        segments = self._marker_segments(here and self._first[row] == at)
        if self.wanted:
            spans = with_matches(Row(spans), self.wanted).spans
        segments += [Segment(span.text, self._style(span.style)) for span in spans]
        strip = Strip(segments).adjust_cell_length(width, base)
        if here and self.has_focus:
            strip = _over(strip, self._cursor_style())
        selection = self.text_selection
        if selection is not None:
            strip = self._selected(strip, selection, at)
        return strip.apply_offsets(0, at)

    def _marker_segments(self, here: bool) -> list[Segment]:
        if not self.has_cursor:
            return []
        sign = ("> " if self.ascii_only else "▸ ") if here else "  "
        return [Segment(sign, self._style("marker"))]

    def notify_style_update(self) -> None:
        self._styles = {}
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        """The view's own style, with that of a kind of text laid over it. Kinds are the screen's component classes:
        styled once a screen, not once a view.
        """
        if name not in self._styles:
            over = self.screen.get_component_rich_style(f"line--{name}", partial=True) if name else Style()
            self._styles[name] = self.rich_style + over
        return self._styles[name]

    def _cursor_style(self) -> Style:
        style = self.screen.get_component_rich_style("line--cursor", partial=True)
        return Style(bgcolor=style.bgcolor, bold=style.bold, reverse=style.reverse)

    # selecting text with the mouse

    def _selected(self, strip: Strip, selection: Selection, at: int) -> Strip:
        span = selection.get_span(at)
        if span is None:
            return strip
        start, end = span
        end = strip.cell_length if end == -1 else min(end, strip.cell_length)
        style = self.screen.get_component_rich_style("screen--selection")
        parts = strip.divide([start, end, strip.cell_length]) if start < end else []
        if len(parts) < 2:
            return strip
        return Strip.join([parts[0], _over(parts[1], Style(bgcolor=style.bgcolor)), *parts[2:]])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        text = "\n".join(" " * self._marker + "".join(span.text for span in spans) for _, spans in self._lines)
        return selection.extract(text), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()


def _over(strip: Strip, style: Style) -> Strip:
    """The strip with a style laid over its own: `Strip.apply_style` would lay it beneath."""
    return Strip(Segment.apply_style(strip, post_style=style), strip.cell_length)
