"""Which CA file: a dialog with the file, its key where that is another one, and their password."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import Suggester
from textual.widgets import Button, Input

from estui.secret import Secret
from estui.tui.rows import text_row
from estui.tui.screens.dialogs import CANCEL, Dialog

MOST_NAMES = 5000
"""Names of a folder among which a completion is looked for."""


@dataclass(frozen=True)
class GivenFile:
    """Files of a CA that somebody named, and the password that opens them."""

    paths: tuple[str, ...] = ()
    password: Secret | None = None


class AskFile(Dialog[GivenFile]):
    """A file with a CA: a PKCS#12 store, or a certificate and its key."""

    def __init__(self, *, ascii_only: bool = False) -> None:
        rows = [
            text_row("A PKCS#12 file, or a certificate with its key; PEM or DER. Nothing is imported yet."),
            text_row("enter goes to the next field, and reads the file from the last one.", "note"),
        ]
        super().__init__("Which CA file?", rows, ascii_only=ascii_only)

    def answers(self) -> ComposeResult:
        suggester = FileSuggester()
        yield Input(id="file", placeholder="file; → takes the completion", suggester=suggester, compact=True)
        yield Input(id="key", placeholder="its key, where that is another file", suggester=suggester, compact=True)
        yield Input(id="secret", password=True, placeholder="password, where it has one", compact=True)
        with Horizontal(id="buttons"):
            yield Button("esc  Cancel", id=CANCEL, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one("#file"))

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not self._text("file"):
            self.reproach("name a file, or leave with esc")
            self.set_focus(self.query_one("#file"))
        elif event.input.id == "secret":
            self._done()
        else:
            self.set_focus(self.query_one("#key" if event.input.id == "file" else "#secret"))

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _done(self) -> None:
        paths = tuple(str(Path(text).expanduser()) for name in ("file", "key") if (text := self._text(name)))
        field = self.query_one("#secret", Input)
        password = Secret(field.value) if field.value else None
        field.value = ""
        self.dismiss(GivenFile(paths, password))


class FileSuggester(Suggester):
    """Completes a path by the first name in its folder that fits."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        folder, slash, start = value.rpartition("/")
        # in a thread: a folder on a dead network disk does not answer
        name = await asyncio.to_thread(_first_name, Path(folder + slash), start) if start else None
        return f"{folder}{slash}{name}" if name else None


def _first_name(folder: Path, start: str) -> str | None:
    """The first name in a folder that starts so; a folder's name ends in a slash."""
    try:
        fitting = [path for path in islice(folder.expanduser().iterdir(), MOST_NAMES) if path.name.startswith(start)]
        return next((path.name + ("/" if path.is_dir() else "") for path in sorted(fitting)), None)
    except OSError:
        return None
