"""A bordered part of the main screen, with a number, a title and a remark."""

from __future__ import annotations

from rich.text import Text
from textual.containers import Vertical

from estui.tui.text import plain


class Pane(Vertical):
    """One of the four; its border and the marker in its title show the focus."""

    def __init__(self, number: int | str, title: str, *, ident: str, ascii_only: bool = False) -> None:
        super().__init__(id=ident)
        self.number = number
        self.title = title
        self.ascii_only = ascii_only
        self.note = ""
        self.here = False
        self._shown_title = self._shown_remark = ""

    def on_mount(self) -> None:
        self.set_titles()

    def set_titles(self, title: str | None = None, note: str | None = None, remark: str | None = None) -> None:
        """Title and note stand in the upper border, the remark in the lower one; None keeps what is there."""
        self.title = title if title is not None else self.title
        self.note = note if note is not None else self.note
        marker = "▸ " if self.here else ""
        shown = f"{marker}{self.number} {self.title}" + (f" · {self.note}" if self.note else "")
        if shown != self._shown_title:
            self._shown_title = shown
            self.border_title = self._title(shown)
        if remark is not None and remark != self._shown_remark:
            self._shown_remark = remark
            self.border_subtitle = self._title(remark)

    def set_here(self, here: bool) -> None:
        """Marks the pane as the one that has the focus."""
        if here != self.here:
            self.here = here
            self.set_titles()
        self.set_class(here, "-here")

    def _title(self, text: str) -> Text:
        """As `Text`, which is never read as markup."""
        return Text(f" {plain(text, ascii_only=self.ascii_only)} ") if text else Text("")
