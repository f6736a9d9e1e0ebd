"""Questions: yes or no, a name to type, a passphrase, a choice. Cancel is always what a careless key does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input

from estui.errors import EstuiError
from estui.secret import Secret
from estui.tui.keymap import Scope, bindings
from estui.tui.rows import Row, Span, text_row
from estui.tui.styles import LINE_CLASSES
from estui.tui.text import plain
from estui.tui.widgets.line_view import LineView
from estui.tui.widgets.text_input import TextInput

CANCEL, CONFIRM = "cancel", "confirm"
Result = TypeVar("Result")


class Dialog(ModalScreen[Result | None]):
    """A framed question over the dimmed screen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.DIALOG, action="screen.answer")]
    CSS_PATH = "dialogs.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = Screen.COMPONENT_CLASSES | LINE_CLASSES
    AUTO_FOCUS = ""

    def __init__(self, title: str, rows: Sequence[Row], *, ascii_only: bool = False) -> None:
        super().__init__()
        self.heading = title
        self.rows = list(rows)
        self.ascii_only = ascii_only

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield LineView(ident="words", ascii_only=self.ascii_only, focusable=False)
            yield from self.answers()
            yield LineView(ident="reproach", ascii_only=self.ascii_only, focusable=False)

    def answers(self) -> ComposeResult:
        """The widgets that take the answer."""
        yield from ()

    def on_mount(self) -> None:
        self.set_class(self.ascii_only, "-ascii")
        frame = self.query_one("#dialog")
        frame.border_title = Text(f" {plain(self.heading, ascii_only=self.ascii_only)} ")
        words = self.query_one("#words", LineView)
        words.display = bool(self.rows)
        self.call_after_refresh(words.set_rows, self.rows)

    def reproach(self, text: str) -> None:
        """Says, inside the dialog, why the answer is not taken."""
        view = self.query_one("#reproach", LineView)
        view.set_rows([text_row(text, "bad")])

    def action_answer(self, which: str) -> None:
        """One of the `dialog.` actions of the keymap."""
        if which == "dialog.no":
            self.dismiss(None)
        elif which in ("dialog.left", "dialog.right"):
            self.focus_next(Button) if which == "dialog.right" else self.focus_previous(Button)
        elif which == "dialog.yes":
            self.say_yes()

    def say_yes(self) -> None:
        """What `y` does; nothing where the answer has to be typed."""


class Confirm(Dialog[bool]):
    """Yes or no. With `typed` a word has to be typed instead of a key pressed."""

    def __init__(
        self, title: str, rows: Sequence[Row], *, verb: str, typed: str = "", ascii_only: bool = False
    ) -> None:
        super().__init__(title, rows, ascii_only=ascii_only)
        self.verb = verb
        self.typed = typed

    def answers(self) -> ComposeResult:
        if self.typed:
            words = f"type {plain(self.typed)} to {self.verb}, then enter"
            yield TextInput(id="typed", placeholder=words, compact=True)
        with Horizontal(id="buttons"):
            yield Button("n  Cancel" if not self.typed else "esc  Cancel", id=CANCEL, compact=True)
            if not self.typed:
                yield Button(f"y  {self.verb.capitalize()}", id=CONFIRM, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one("#typed" if self.typed else f"#{CANCEL}"))

    def say_yes(self) -> None:
        if not self.typed:
            self.dismiss(True)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == CONFIRM)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self.typed:
            self.dismiss(True)
        else:
            self.reproach(f"that is not {self.typed}: nothing was done")


class AskText(Dialog[str]):
    """A line of text; `check` raises an EstuiError for one that will not do."""

    def __init__(
        self,
        title: str,
        rows: Sequence[Row],
        *,
        placeholder: str,
        check: Callable[[str], None],
        text: str = "",
        ascii_only: bool = False,
    ) -> None:
        super().__init__(title, rows, ascii_only=ascii_only)
        self.placeholder = placeholder
        self.check = check
        self.text = text

    def answers(self) -> ComposeResult:
        yield TextInput(self.text, id="text", placeholder=self.placeholder, compact=True, select_on_focus=False)
        with Horizontal(id="buttons"):
            yield Button("esc  Cancel", id=CANCEL, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_focus(self.query_one("#text"))

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted)
    async def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        try:
            # in a thread: it may ask a disk
            await asyncio.to_thread(self.check, text)
        except EstuiError as error:
            self.reproach(str(error))
        else:
            self.dismiss(text)


class AskSecret(Dialog[Secret]):
    """A secret, unseen: once, or twice where it is a new one."""

    EMPTY = "there is nothing to take"
    """The answer to a secret without a character."""

    def __init__(
        self, title: str, rows: Sequence[Row], *, new: bool, word: str = "secret", ascii_only: bool = False
    ) -> None:
        super().__init__(title, rows, ascii_only=ascii_only)
        self.new = new
        self.word = word

    def answers(self) -> ComposeResult:
        yield TextInput(id="first", password=True, placeholder=plain(self.word), compact=True)
        if self.new:
            yield TextInput(id="second", password=True, placeholder="the same again", compact=True)
        with Horizontal(id="buttons"):
            yield Button("esc  Cancel", id=CANCEL, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self._begin()

    def _begin(self) -> None:
        """One field after the other: which one is asked for is never in doubt."""
        for field in self.query("#second").results(Input):
            field.display = False
        self.set_focus(self.query_one("#first"))

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss(None)

    @on(Input.Submitted, "#first")
    def _first(self) -> None:
        if not self._value("first"):
            self.reproach(self.EMPTY)
        elif self.new:
            self.reproach("")
            second = self.query_one("#second", Input)
            second.display = True
            self.set_focus(second)
        else:
            self._done()

    @on(Input.Submitted, "#second")
    def _second(self) -> None:
        if self._value("first") == self._value("second"):
            self._done()
            return
        self.reproach("the two are not the same; type both again")
        for name in ("#first", "#second"):
            self.query_one(name, Input).value = ""
        self._begin()

    def _value(self, name: str) -> Secret:
        return Secret(self.query_one(f"#{name}", Input).value)

    def _done(self) -> None:
        secret = self._value("first")
        for field in self.query(Input):
            field.value = ""
        self.dismiss(secret)


class AskPassphrase(AskSecret):
    """The workspace passphrase."""

    EMPTY = "an empty passphrase protects nothing"

    def __init__(self, rows: Sequence[Row], *, new: bool, ascii_only: bool = False) -> None:
        title = "New workspace passphrase" if new else "Workspace passphrase"
        super().__init__(title, rows, new=new, word="passphrase", ascii_only=ascii_only)


@dataclass(frozen=True)
class Choice:
    """One answer of a choice: the key that picks it, its words, and what comes back."""

    key: str
    words: str
    value: str


class Choose(Dialog[str]):
    """One of several answers, by its key or by moving to it; the first one is the harmless one."""

    def __init__(self, title: str, rows: Sequence[Row], choices: Sequence[Choice], *, ascii_only: bool = False) -> None:
        super().__init__(title, rows, ascii_only=ascii_only)
        self.choices = list(choices)

    def answers(self) -> ComposeResult:
        yield LineView(ident="choices", cursor=True, ascii_only=self.ascii_only)

    def on_mount(self) -> None:
        super().on_mount()
        view = self.query_one("#choices", LineView)
        rows = [
            Row((Span(f"{choice.key:4}", "key"), Span(choice.words)), key=choice.value, indent=4)
            for choice in self.choices
        ]
        self.call_after_refresh(view.set_rows, rows)
        self.set_focus(view)

    def on_key(self, event: events.Key) -> None:
        for choice in self.choices:
            if event.character == choice.key:
                event.stop()
                self.dismiss(choice.value)
                return
        if event.key == "enter":
            event.stop()
            self.dismiss(self.query_one("#choices", LineView).key)

    @on(LineView.Chosen)
    def _chosen(self, message: LineView.Chosen) -> None:
        self.dismiss(message.view.key)
