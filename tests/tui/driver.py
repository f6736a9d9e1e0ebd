"""The screen in a user's words: presses keys from the keymap, waits for what comes of it, reads what is shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual._context import visible_screen_stack
from textual.pilot import Pilot
from textual.widgets import Input

from estui.tui.app import EstuiApp
from estui.tui.keymap import BY_ID
from estui.tui.screens.main import MainScreen
from estui.tui.screens.view import ViewScreen
from estui.tui.session import Session, Stage
from estui.tui.widgets.line_view import LineView
from tests.tui.builders import NOW
from tests.tui.fake_engine import FakeEngine

PATIENCE_S = 60.0
"""For one thing to come, on a machine that has other work."""


class User:
    """Somebody at the keyboard."""

    def __init__(self, app: EstuiApp, engine: FakeEngine, pilot: Pilot[int]) -> None:
        self.app = app
        self.engine = engine
        self.pilot = pilot
        self.pressed = 0
        """Keys pressed so far, typed text apart."""

    @property
    def main(self) -> MainScreen:
        screen = self.app.screen_stack[1]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def session(self) -> Session:
        return self.main.session

    async def press(self, *keys: str) -> None:
        self.pressed += len(keys)
        await self.pilot.press(*keys)

    async def do(self, *actions: str) -> None:
        """Presses the first key of each action."""
        await self.press(*(BY_ID[action].keys.split(",")[0] for action in actions))

    async def type(self, text: str) -> None:
        """Types into the focused field: its last letter by key, what comes before it at once."""
        field = self.app.focused
        assert isinstance(field, Input), f"nothing to type into: {field}"
        field.value += text[:-1]
        field.cursor_position = len(field.value)
        await self.pilot.press(text[-1])

    async def resize(self, width: int, height: int) -> None:
        """Another size of the terminal, and everything drawn for it."""
        if self.app.size != (width, height):
            await self.pilot.resize_terminal(width, height)
        for _ in range(2):
            await self.pilot.pause()

    async def until(self, condition: Callable[[], Any], what: str = "") -> None:
        """Waits for what a thread brings."""
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while not condition():
            assert asyncio.get_running_loop().time() < end, f"did not come: {what}\n{self.screen}"
            await asyncio.sleep(0.01)
        await self.pilot.pause()

    async def told(self, text: str) -> None:
        """Waits until a text is on the screen, toasts included."""
        await self.until(lambda: text in self.screen, text)

    async def ready(self) -> None:
        await self.until(lambda: not self.session.reading, "the cluster")

    async def until_stage(self, stage: Stage) -> None:
        await self.until(lambda: self.session.stage is stage, stage.value)

    @property
    def screen(self) -> str:
        """What is shown, line by line."""
        return screen_text(self.app)

    @property
    def dialog(self) -> str:
        """Name of the dialog that is open, or empty."""
        return type(self.app.screen).__name__ if self.app.screen is not self.main else ""

    def rows(self, view: str) -> str:
        return "\n".join(row.text for row in self.main.query_one(f"#{view}", LineView).rows)

    # views

    @property
    def view(self) -> ViewScreen:
        """The view that is open, also where a dialog lies over it."""
        views = [screen for screen in self.app.screen_stack if isinstance(screen, ViewScreen)]
        assert views, f"no view is open\n{self.screen}"
        return views[-1]

    @property
    def listed(self) -> str:
        """The rows of the open view."""
        return "\n".join(row.text for row in self.view.listing.rows)

    async def open(self, view: str) -> None:
        """Opens a view and waits until it is filled."""
        await self.do(f"open.{view}")
        await self.until(lambda: self.view.loaded or self.view.problem, view)

    async def go_to_row(self, key: str) -> None:
        """Moves to a row of the open view, line by line."""
        rows = [row.key for row in self.view.listing.rows]
        step = rows.index(key) - self.view.listing.cursor
        for _ in range(abs(step)):
            await self.do("move.down" if step > 0 else "move.up")

    # whole journeys

    async def review(self, scenario: str) -> None:
        """To the review of a step of the ladder."""
        await self.do("pane.3")
        ladder = self.main.query_one("#ladder", LineView)
        wanted = next(number for number, row in enumerate(ladder.rows) if row.key == scenario)
        for _ in range(abs(wanted - ladder.cursor)):
            await self.do("move.down" if wanted > ladder.cursor else "move.up")
        await self.do("scenario.choose")
        await self.until(lambda: not self.session.planning and self.session.stage is Stage.REVIEW, "the review")

    async def confirm_apply(self) -> None:
        """Through the dialogs to a running apply."""
        await self.do("plan.apply")
        await self.until(lambda: self.dialog == "Confirm", "the question")
        await self.type("logs-demo")
        await self.press("enter")
        if self.engine.passphrase is None:
            await self.until(lambda: self.dialog == "AskPassphrase", "the passphrase dialog")
            for _ in range(2 if self.engine.needs_new_passphrase else 1):
                await self.type("correct horse battery staple".replace(" ", "_"))
                await self.press("enter")
        await self.until(lambda: self.session.run is not None, "the run")


def screen_text(app: EstuiApp) -> str:
    """The screen as text, without trailing spaces."""
    visible_screen_stack.set(app._background_screens)  # what a dialog lies over is seen as well
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines) + "\n"


@asynccontextmanager
async def at_the_screen(
    engine: FakeEngine | None = None, *, size: tuple[int, int] = (120, 40), ready: bool = True, **options: Any
) -> AsyncIterator[User]:
    """A running app with somebody at it, `ready` to press keys: the first look is at its end."""
    engine = engine or FakeEngine()
    app = EstuiApp(engine, clock=lambda: NOW, **options)
    app.animation_level = "none"
    async with app.run_test(size=size, notifications=True) as pilot:
        user = User(app, engine, pilot)
        await user.until(lambda: len(app.screen_stack) > 1, "the main screen")
        try:
            if ready and not app.first_start:
                await user.ready()
            await pilot.pause()
            yield user
            assert not app.is_running or user.screen, "what nobody looked at is drawn as well"
        finally:
            engine.leave()
