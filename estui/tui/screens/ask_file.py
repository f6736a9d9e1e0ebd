"""Which CA file: dialogs with a file, and what belongs to it; one field after the other, completed where that helps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import Suggester
from textual.widgets import Button, Input

from estui.secret import Secret
from estui.tui.rows import text_row
from estui.tui.screens.dialogs import CANCEL, Dialog
from estui.tui.widgets.text_input import TextInput

MOST_NAMES = 5000
"""Names of a folder among which a completion is looked for."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Field:
    """A field of such a dialog."""

    name: str
    placeholder: str
    is_file: bool = False
    is_secret: bool = False
    needed: str = ""
    """What is said where it stays empty; empty where it may."""


class AskFields(Dialog[Result]):
    """Several fields; enter goes to the next one, and answers from the last."""

    FIELDS: ClassVar[tuple[Field, ...]]

    def answers(self) -> ComposeResult:
        suggester = FileSuggester()
        for field in self.FIELDS:
            yield TextInput(
                id=field.name,
                password=field.is_secret,
                placeholder=field.placeholder,
                suggester=suggester if field.is_file else None,
                compact=True,
            )
        with Horizontal(id="buttons"):
            yield Button("esc  Cancel", id=CANCEL, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self._go_to(self.FIELDS[0])

    def _go_to(self, field: Field) -> None:
        self.set_focus(self.query_one(f"#{field.name}"))

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        empty = next((field for field in self.FIELDS if field.needed and not self.text(field.name)), None)
        place = next(number for number, field in enumerate(self.FIELDS) if field.name == event.input.id)
        if empty is not None and self.FIELDS.index(empty) <= place:
            self.reproach(empty.needed)
            self._go_to(empty)
        elif place + 1 < len(self.FIELDS):
            self.reproach("")
            self._go_to(self.FIELDS[place + 1])
        else:
            self.dismiss(self.result())

    def text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def path(self, name: str) -> str:
        """A field as a path; empty where it is empty."""
        text = self.text(name)
        return str(Path(text).expanduser()) if text else ""

    def result(self) -> Result:
        """The answer, once every field that is needed has something."""
        raise NotImplementedError


@dataclass(frozen=True)
class GivenFile:
    """Files of a CA that somebody named, and the password that opens them."""

    paths: tuple[str, ...] = ()
    password: Secret | None = None


class AskFile(AskFields[GivenFile]):
    """A file with a CA: a PKCS#12 store, or a certificate and its key."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("file", "file; → takes the completion", is_file=True, needed="name a file, or leave with esc"),
        Field("key", "its key, where that is another file", is_file=True),
        Field("secret", "password, where it has one", is_secret=True),
    )

    def __init__(self, *, ascii_only: bool = False) -> None:
        rows = [
            text_row("A PKCS#12 file, or a certificate with its key; PEM or DER. Nothing is imported yet."),
            text_row("enter goes to the next field, and reads the file from the last one.", "note"),
        ]
        super().__init__("Which CA file?", rows, ascii_only=ascii_only)

    def result(self) -> GivenFile:
        paths = tuple(path for name in ("file", "key") if (path := self.path(name)))
        field = self.query_one("#secret", Input)
        password = Secret(field.value) if field.value else None
        field.value = ""
        return GivenFile(paths, password)


@dataclass(frozen=True)
class Successor:
    """A CA that is to follow another one: its name here, and its file where the workspace does not have it yet."""

    name: str
    file: str = ""


class AskSuccessor(AskFields[Successor]):
    """A CA that is not estui's own."""

    FIELDS: ClassVar[tuple[Field, ...]] = (
        Field("name", "its name here, such as corporate", needed="give it a name, or leave with esc"),
        Field("file", "its file; → takes the completion. Empty where it is in the workspace", is_file=True),
    )

    def __init__(self, old: str, *, ascii_only: bool = False) -> None:
        rows = [
            text_row(f"It follows {old}. Its file holds its root, with the CAs below it that sign leaves; no key."),
            text_row("It comes into the workspace, trusted by nobody; then phase 1 is shown.", "note"),
        ]
        super().__init__("To which CA?", rows, ascii_only=ascii_only)

    def result(self) -> Successor:
        return Successor(self.text("name"), self.path("file"))


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
