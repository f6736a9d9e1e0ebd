"""The log of a run: follows its end, and shows what passes a filter. What its rows say is left to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from estui.tui.keymap import Scope, bindings
from estui.tui.rows import Row
from estui.tui.table import passes
from estui.tui.widgets.line_view import ROW_LIMIT, LineView


class LogView(LineView):
    """Every row that came, and those of them that are shown."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.RUN)]

    def __init__(self, *, ident: str, ascii_only: bool = False) -> None:
        super().__init__(ident=ident, follow=True, ascii_only=ascii_only)
        self.all_rows: list[Row] = []
        self.filter = ""

    def start_with(self, rows: Sequence[Row]) -> None:
        """Another log."""
        self.all_rows = list(rows)
        self.set_rows(self._passing(rows), keep=False)

    def append(self, rows: Sequence[Row]) -> None:
        """More rows at its end."""
        self.all_rows += rows
        del self.all_rows[:-ROW_LIMIT]
        self.add_rows(self._passing(rows))

    def show_only(self, wanted: str) -> None:
        """Only rows with this text, and all again where it is empty; `!` in front inverts."""
        if wanted != self.filter:
            self.filter = wanted
            self.set_rows(self._passing(self.all_rows), keep=False)

    def _passing(self, rows: Sequence[Row]) -> list[Row]:
        return [row for row in rows if passes(row.text, self.filter)]
