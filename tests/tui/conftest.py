"""Crash logs of these tests stay in their own folders; the screen is drawn when somebody looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual.screen import Screen

_draw = Compositor.render_update


@pytest.fixture(autouse=True)
def own_crash_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture(autouse=True)
def nobody_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """No node of these tests is there to be asked who talks to it."""
    monkeypatch.setattr("estui.engine.clients.with_connected", lambda engine, observed, goal: observed)


@pytest.fixture(autouse=True)
def drawn_when_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """No update is drawn for a terminal that is not there: half of all time went into that.

    `driver.screen_text` and pictures draw the whole screen. That it is drawn piece by piece as things change is what
    the tests in a real terminal see.
    """
    monkeypatch.setattr(Compositor, "render_update", _pass_over)


def _pass_over(
    compositor: Compositor, full: bool = False, screen_stack: list[Screen[object]] | None = None, simplify: bool = False
) -> RenderableType | None:
    if full:
        return _draw(compositor, full, screen_stack, simplify)
    visible_screen_stack.set([] if screen_stack is None else screen_stack)
    compositor._dirty_regions.clear()
    return None
