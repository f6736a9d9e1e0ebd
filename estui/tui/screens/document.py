"""A run-book or a report on the whole screen, and the question under which name it is to be saved."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from estui.errors import UsageError
from estui.tui.documents import MARKDOWN, Document, document_rows, save_new
from estui.tui.keymap import Keymap, Scope, bindings
from estui.tui.rows import text_row
from estui.tui.screens.dialogs import AskText
from estui.tui.screens.page import Page
from estui.tui.text import plain
from estui.tui.widgets.line_view import LineView


class DocumentPage(Page):
    """Read like any page; saved by a key."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DOCUMENT, action="screen.save")]

    def __init__(self, document: Document, keymap: Keymap, *, ascii_only: bool = False) -> None:
        super().__init__(document.title, [], ascii_only=ascii_only)
        self.document = document
        self.keymap = keymap
        self.add_class("-document")

    @property
    def hint(self) -> str:
        separator = "-" if self.ascii_only else "·"
        return f"{self.keymap.first('document.save')} saves it as a file {separator} esc closes"

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.fill)

    def fill(self) -> None:
        """Laid out for the width that there is now."""
        view = self.query_one("#page-text", LineView)
        view.set_rows(document_rows(self.document.blocks, view.scrollable_content_region.width))

    def action_save(self, which: str) -> None:
        self.run_worker(self._save(), group="save", exclusive=True, description="save the document")

    async def _save(self) -> None:
        rows = [
            text_row("A new file that only you can read. Its ending says what it becomes: .md Markdown, .json JSON, "),
            text_row("else plain text. Secrets are named in it, never shown.", "note"),
        ]
        dialog = AskText(
            "Save as?",
            rows,
            placeholder="file",
            check=self._write,
            text=self.document.name + MARKDOWN,
            ascii_only=self.ascii_only,
        )
        name = await self.app.push_screen_wait(dialog)
        if name is not None:
            self.notify(plain(f"saved: {_path(name)}", ascii_only=self.ascii_only), markup=False)

    def _write(self, name: str) -> None:
        """UsageError for a name that is taken, or of which no file can be made."""
        if not name:
            raise UsageError("name a file, or leave with esc")
        save_new(_path(name), self.document.content(name))


def _path(name: str) -> Path:
    return Path(name).expanduser().absolute()
