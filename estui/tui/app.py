"""The application: one opened workspace on the screen. Owns the terminal, its signals, and what a crash leaves."""

from __future__ import annotations

import asyncio
import locale
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import BindingType
from textual.command import Provider

from estui import crash
from estui.engine import Engine, Options
from estui.errors import EstuiError
from estui.tui import leaving
from estui.tui.keymap import Keymap
from estui.tui.palette import Actions
from estui.tui.preferences import Preferences, default_path, read_preferences, remember_theme
from estui.tui.screens.main import MainScreen
from estui.tui.session import Session
from estui.tui.themes import DARK, OWN, theme_for

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.theme import Theme


class EstuiApp(App[int]):
    """The terminal UI of one workspace."""

    CSS_PATH = "app.tcss"
    TITLE = "estui"
    BINDINGS: ClassVar[list[BindingType]] = []
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Actions}
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(
        self,
        engine: Engine,
        *,
        read_only: bool = False,
        ascii_only: bool = False,
        sandbox: bool = False,
        first_start: bool = False,
        options: Options | None = None,
        clock: Callable[[], datetime] | None = None,
        keymap: Mapping[str, str] | None = None,
        ansi_color: bool | None = None,
        theme: str = DARK.name,
        preferences: Path | None = None,
        complaint: str = "",
    ) -> None:
        """`preferences` is the file that remembers the colours; `complaint` says what is wrong in it."""
        super().__init__(ansi_color=ansi_color)
        self.engine = engine
        self.ascii_only = ascii_only
        self.first_session = Session(
            read_only=read_only, sandbox=sandbox, options=replace(options) if options else Options()
        )
        self.first_start = first_start
        """There is no inventory yet."""
        self.clock = clock or engine.clock
        self.own_keys = Keymap(dict(keymap or {}))
        for own in OWN:
            self.register_theme(own)
        self.theme = theme if theme in self.available_themes else DARK.name
        self.preferences = preferences
        self.complaint = complaint
        self.crash_note = ""
        """What is to be said after a crash, its last line the path of the log."""

    def get_css_variables(self) -> dict[str, str]:
        """Textual's own themes know nothing of our backgrounds: theirs for panels does."""
        variables = super().get_css_variables()
        for name in ("add-background", "remove-background", "cursor-background"):
            variables.setdefault(name, variables["panel"])
        return variables

    def on_mount(self) -> None:
        if self.own_keys.own:
            self.set_keymap(self.own_keys.own)
        if self.first_start:
            self.run_worker(self._begin(), description="first start")
        else:
            self._open()
        if self.complaint:
            self.notify(self.complaint, severity="warning", markup=False)
        self.theme_changed_signal.subscribe(self, self._remember_theme)

    def _open(self) -> None:
        self.push_screen(
            MainScreen(self.engine, self.first_session, self.clock, self.own_keys, ascii_only=self.ascii_only)
        )

    async def _begin(self) -> None:
        """Asks for the folders first; without an answer there is nothing to show."""
        from estui.tui.first_start import first_start

        if await first_start(self, self.engine, ascii_only=self.ascii_only):
            self._open()
        else:
            self.exit(0)

    def _remember_theme(self, theme: Theme) -> None:
        """A choice of colours lasts; where that fails, it is said and lasts until the end."""
        if self.preferences is None:
            return
        try:
            remember_theme(self.preferences, theme.name)
        except EstuiError as error:
            self.notify(str(error), severity="warning", markup=False)

    # the terminal is left clean, however it ends

    def leave(self, number: int) -> None:
        """A signal ends the app like `q` does: after the step in hand."""
        code = 128 + number
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                screen.leave_when_stopped(code)
                return
        self.exit(code)

    def _fatal_error(self) -> None:
        """A defect of ours: Textual's own report prints local variables, which can hold secrets."""
        error = sys.exc_info()[1] or self._exception
        self.bell()
        self._stop_on(error)

    def panic(self, *renderables: RenderableType) -> None:
        """What Textual would print besides: reports of its own threads, errors that render themselves."""
        self._stop_on(next((each for each in renderables if isinstance(each, BaseException)), None))

    def _stop_on(self, error: BaseException | None) -> None:
        """The first defect is told; the walk in hand, if there is one, stops before its next step."""
        self._return_code = 1
        self.engine.stop.set()
        if not self.crash_note:
            path = crash.write_crash(error) if error is not None else ""
            what = crash.place_of(error) if error is not None else "in the terminal's driver"
            self.crash_note = (
                f"estui stopped on an internal error: {what}.\n"
                "Every file is as before or as planned; where a run was in hand, go on with: estui recover"
                + (f"\nIts stack, without any values, is in\n{path}" if path else "")
            )
        self._close_messages_no_wait()


def needs_ascii(environment: Mapping[str, str]) -> bool:
    """Whether the terminal shows ASCII only: another encoding than UTF-8, or the Linux console's 512 glyphs."""
    encoding = locale.getpreferredencoding(False).lower().replace("-", "")
    return environment.get("TERM") == "linux" or encoding not in ("utf8", "utf_8")


def run_app(
    engine: Engine,
    *,
    read_only: bool = False,
    ascii_only: bool = False,
    mouse: bool = True,
    sandbox: bool = False,
    first_start: bool = False,
    options: Options | None = None,
) -> int:
    """The TUI until it is left. Exit code: 0, 1 after a crash, 128 + signal."""
    no_color = bool(os.environ.get("NO_COLOR"))
    if not no_color:
        os.environ.pop("NO_COLOR", None)  # empty means unset (no-color.org); Textual counts it as set
    path, chosen, complaint = default_path(), Preferences(), ""
    try:
        chosen = read_preferences(path)
    except EstuiError as error:
        complaint = str(error)
    app = EstuiApp(
        engine,
        read_only=read_only,
        ascii_only=ascii_only or needs_ascii(os.environ),
        sandbox=sandbox,
        first_start=first_start,
        options=options,
        ansi_color=True if no_color else None,
        theme="ansi-dark" if no_color else chosen.theme or theme_for(os.environ),
        keymap=chosen.keys,
        # without colours none is chosen; and what cannot be read is not written over
        preferences=None if no_color or complaint else path,
        complaint=complaint,
    )
    with leaving.Signals(app.leave) as signals:
        asyncio.run(_live(app, signals, mouse=mouse))
    if signals.late:
        return 128 + signals.late
    return app.return_code or app.return_value or 0


async def _live(app: EstuiApp, signals: leaving.Signals, *, mouse: bool) -> None:
    """The app from its first screen to the end of every thread that it started."""
    if signals.late:
        return
    with signals.to_the_app():
        await app.run_async(mouse=mouse)
    if app.crash_note:
        # not through Textual's console, which wraps the path
        leaving.say(app.crash_note)
    app.engine.stop.set()
    await leaving.finish()
