"""A defect while secrets are in memory: what Textual would print about it never comes, from wherever it arises."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.traceback import Traceback
from textual.app import App

from estui.secret import Secret
from estui.tui.app import EstuiApp
from tests.canaries import Canaries
from tests.tui.builders import NOW
from tests.tui.driver import PATIENCE_S, at_the_screen
from tests.tui.fake_engine import FakeEngine


class Rich(Exception):
    """An error that renders itself, as Textual's own do."""

    def __rich__(self) -> str:
        return str(self)


def in_a_callback(app: EstuiApp, secret: str) -> None:
    local = {"elastic": secret}
    app.call_later(lambda: [][len(local)])


def that_renders_itself(app: EstuiApp, secret: str) -> None:
    def fail() -> None:
        raise Rich(secret)

    app.call_later(fail)


def of_the_driver(app: EstuiApp, secret: str) -> None:
    try:
        raise OSError(secret)
    except OSError:
        app.call_later(app.panic, Traceback(show_locals=True))


@pytest.mark.parametrize("defect", [in_a_callback, that_renders_itself, of_the_driver])
async def test_nothing_secret_is_left_on_the_terminal_or_in_the_report(
    defect: Callable[[EstuiApp, str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One note on what happened, whether files are sound, and what to do; the report has the stack and no values."""
    canaries = Canaries()
    engine = FakeEngine()
    engine.passphrase = Secret(canaries.plant("passphrase"))
    secret = canaries.plant("password of elastic")
    app = EstuiApp(engine, clock=lambda: NOW)

    async def broken() -> None:
        async with app.run_test() as pilot:
            defect(app, secret)
            async with asyncio.timeout(PATIENCE_S):
                while app.is_running and not app.crash_note:
                    await asyncio.sleep(0.01)
            if defect is not of_the_driver:  # nothing is raised for it, so that the pilot would wait for the screen
                await pilot.pause()

    if defect is of_the_driver:
        await broken()
    else:
        with pytest.raises((Rich, IndexError)):
            await broken()
    assert app.crash_note.startswith("estui stopped on an internal error: ")
    assert "estui recover" in app.crash_note
    assert app._exit_renderables == []
    assert app.return_code == 1
    assert engine.stop.is_set(), "the walk in hand would go on without anybody who sees it"
    printed = capsys.readouterr()
    reports = "".join(path.read_text() for path in tmp_path.glob("estui-crash-*.log"))
    assert bool(reports) is (defect is not of_the_driver)
    assert canaries.found(app.crash_note + printed.out + printed.err + reports) == []


async def test_a_defect_of_the_engine_in_a_job_is_told_without_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen goes on, and says where the report is."""
    canaries = Canaries()
    engine = FakeEngine()
    secret = canaries.plant("password of elastic")

    def broken(*_: Any) -> Any:
        local = secret
        raise ValueError(f"with {local}")

    async with at_the_screen(engine, size=(160, 50)) as user:
        monkeypatch.setattr(engine, "verify", broken)
        await user.do("run.verify")
        await user.told("internal error: ValueError (test_crashes.py:")
        assert "estui recover" in user.rows("review")
        (report,) = tmp_path.glob("estui-crash-*.log")
        assert "in broken" in report.read_text()
        shown = user.screen + user.rows("review") + repr(user.session) + repr(list(user.app.workers))
        assert canaries.found(shown + report.read_text()) == []


def test_textual_still_reports_through_what_is_overridden_here() -> None:
    """Both are Textual's own; a new version that reports in another way has to be looked at."""
    assert callable(App._fatal_error)
    assert callable(App.panic)
    assert {"_fatal_error", "panic"} <= set(App._handle_exception.__code__.co_names)
