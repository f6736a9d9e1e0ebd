"""A view whose list is a table: filtered, sorted, its columns chosen by the width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from textual import on
from textual.widgets import Input

from estui.tui.rows import Row, text_row
from estui.tui.screens.view import ViewScreen
from estui.tui.table import Column, Entry, Order, arranged, heading_row, labelled, sizes_of, table_rows


class TableView(ViewScreen):
    """A list of entries; what they are is each view's own."""

    COLUMNS: ClassVar[tuple[Column, ...]]
    EMPTY: ClassVar[str]
    """What is said where there is nothing to list."""
    order = Order()
    wanted = ""
    """The filter."""
    wide = False
    """Every column, whole, in as many lines as that takes."""
    _sizes: Mapping[str, int] = MappingProxyType({})
    """Widths of the columns in the last drawing."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What the table has, in the order in which it stands."""
        return self.COLUMNS

    def entries(self) -> Sequence[Entry]:
        """Everything that there is, in the order in which it stands by itself."""
        return ()

    def rest_rows(self) -> list[Row]:
        """What stands below the table."""
        return []

    def heading_row(self, width: int) -> Row | None:
        return None if self.wide else heading_row(self.columns, self._sizes, width)

    def list_rows(self, width: int) -> list[Row]:
        shown = arranged(self.entries(), self.order, self.wanted)
        if self.wide:
            shown = [labelled(entry, self.columns) for entry in shown]
        self._sizes = sizes_of(shown, self.columns, width, wide=self.wide)
        rows = table_rows(shown, self.columns, self._sizes)
        if rows or self.rest_rows():
            return [*rows, *self.rest_rows()]
        if self.wanted:
            return [text_row(f"nothing passes the filter {self.wanted}; esc clears it", "note")]
        return [text_row(self.EMPTY, "note")]

    def remark(self) -> str:
        parts = (self.order.text, "wide" if self.wide else "", f"filter: {self.wanted}" if self.wanted else "")
        return " · ".join(part for part in parts if part)

    def sort(self, by: str) -> None:
        """By this; asked for twice, in reverse; three times, as it stands by itself."""
        self.order = self.order.toggled(by)
        self.draw()

    def do_view_wide(self) -> None:
        self.wide = not self.wide
        self.draw()

    # the filter

    def do_view_search(self) -> None:
        field = self.query_one("#search", Input)
        field.placeholder = "filter; ! in front inverts"
        field.display = True
        field.value = self.wanted
        self.set_focus(field)

    @on(Input.Changed, "#search")
    def _search_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.wanted = event.value
        self.draw()

    @on(Input.Submitted, "#search")
    def _search_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._end_search()

    def _end_search(self) -> None:
        self.query_one("#search", Input).display = False
        self.set_focus(self.listing)
        self.draw()

    def do_view_back(self) -> None:
        """The filter first, then the view."""
        if self.query_one("#search", Input).display or self.wanted:
            self.wanted = ""
            self._end_search()
        else:
            super().do_view_back()
