"""What every widget owes the terminal: no markup from outside, no secrets, sizes, colours, signals."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from textual.widgets import Input

from estui import crash
from estui.errors import EstuiError
from estui.model.run import Evidence, EvidenceSeen, Said, Verdict
from estui.secret import Secret
from estui.tui.app import EstuiApp, needs_ascii
from estui.tui.rows import text_row
from estui.tui.screens.dialogs import Choice, Choose, Confirm
from estui.tui.screens.page import Page
from estui.tui.session import Stage
from estui.tui.themes import theme_for
from tests.tui.builders import HOSTILE, NOW, hostile, unsecured
from tests.tui.driver import at_the_screen, screen_text
from tests.tui.fake_engine import FakeEngine

MARKS = ("[red]x[/]", "[/etc/x]")
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _is_harmless(shown: str) -> None:
    assert not CONTROLS.search(shown), "a control character came through"


async def test_hostile_names_in_every_pane() -> None:
    """Names, addresses, findings and authorities out to do harm are shown as they are written."""
    async with at_the_screen(FakeEngine(hostile()), size=(200, 50)) as user:
        assert MARKS[0] in user.screen
        assert MARKS[1] in user.screen
        _is_harmless(user.screen)
        await user.do("nodes.open")
        assert MARKS[1] in user.screen
        _is_harmless(user.screen)
        await user.press("escape")
        await user.do("pane.2", "authority.open")
        assert MARKS[0] in user.screen
        _is_harmless(user.screen)


async def test_hostile_errors_evidence_dialogs_and_toasts() -> None:
    """The same in errors, log, dialogs, pages and toasts."""
    engine = FakeEngine()
    engine.hold = "prepare"
    async with at_the_screen(engine, size=(160, 50)) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(engine.held.is_set, "the first step")
        main = user.main
        main.log_event(Said(f"{HOSTILE}\nsecond line"))
        main.log_event(EvidenceSeen("prepare", Evidence("2026-11-25T14:37:00Z", HOSTILE, HOSTILE, ok=False)))
        main.change_run(asks=EstuiError(HOSTILE, hint=HOSTILE, reasons=(HOSTILE,)))
        main.tell(HOSTILE, severe=True)
        await user.told(MARKS[1])
        _is_harmless(user.screen)
        engine.release()
        await user.until(lambda: not user.session.working or user.session.run.asks, "the gate")  # type: ignore[union-attr]
        for screen in (
            Confirm(HOSTILE, [text_row(HOSTILE)], verb="apply", typed=HOSTILE),
            Choose(HOSTILE, [text_row(HOSTILE)], [Choice("a", HOSTILE, HOSTILE)]),
            Page(HOSTILE, [text_row(HOSTILE)]),
        ):
            user.app.push_screen(screen)
            await user.until(lambda: MARKS[0] in user.screen, "the screen")
            _is_harmless(user.screen)
            await user.press("escape")
        main.change(problem=EstuiError(HOSTILE), run=None, stage=Stage.EMPTY)
        await user.told(MARKS[1])
        _is_harmless(user.screen)


async def test_a_passphrase_is_never_on_the_screen() -> None:
    """Neither while it is typed, nor in a picture of the screen, nor in the log."""
    engine = FakeEngine()
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.type("logs-demo")
        await user.press("enter")
        await user.until(lambda: user.dialog == "AskPassphrase", "the dialog")
        await user.type("hunter2hunter2")
        assert "hunter2" not in user.screen + user.app.export_screenshot()
        await user.press("enter")
        await user.type("hunter2hunter2")
        await user.press("enter")
        await user.until(lambda: user.session.run, "the run")
        assert engine.passphrase == Secret("hunter2hunter2")
        workers = repr(list(user.app.workers))
        assert "hunter2" not in workers + repr(user.session) + user.screen
        assert not [field for field in user.app.screen.query(Input) if "hunter2" in field.value]


def test_a_crash_leaves_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log has the stack and the types, in a file for the user only, and no message, value or local."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        try:
            secret = "hunter2"
            raise KeyError(secret)
        except KeyError as inner:
            raise ValueError(f"with {secret}") from inner
    except ValueError as error:
        path = Path(crash.write_crash(error))
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "hunter2" not in text.replace('secret = "hunter2"', "")
    assert "ValueError" in text
    assert "KeyError" in text
    assert "test_a_crash_leaves_no_values" in text


async def test_a_defect_ends_with_the_path_of_its_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Textual's report with local variables never shows; what does ends with the path."""
    app = EstuiApp(FakeEngine(), clock=lambda: NOW)

    async def with_a_defect() -> None:
        async with app.run_test() as pilot:
            app.call_later(lambda: 1 / 0)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await with_a_defect()
    assert Path(app.crash_note.splitlines()[-1]).read_text().startswith("ZeroDivisionError")
    assert "Traceback" not in capsys.readouterr().err
    assert app.return_code == 1


async def test_a_defect_in_a_thread_is_told() -> None:
    """A defect of ours in a job does not end the app: it is told, and its log named."""
    engine = FakeEngine()
    async with at_the_screen(engine) as user:
        engine.verify = _broken  # type: ignore[method-assign, assignment]
        await user.do("run.verify")
        await user.told("internal error: ZeroDivisionError")
        assert "estui-crash-" in user.rows("review")


@pytest.mark.parametrize("size", [(39, 24), (80, 11), (40, 12), (60, 20), (79, 23), (80, 24), (100, 24), (140, 50)])
async def test_every_size_works(size: tuple[int, int]) -> None:
    """From nothing to wide: something sensible is shown, and keys go on working."""
    async with at_the_screen(size=size) as user:
        if size[0] < 40 or size[1] < 12:
            assert f"{size[0]}×{size[1]}, needed 40×12" in user.screen
        else:
            assert "es-1" in user.screen
        await user.review("https")
        await user.press("1")
        assert user.main.here == "nodes"


async def test_resizing_keeps_the_place() -> None:
    """Cursor, filter and focus survive a change of size."""
    async with at_the_screen() as user:
        await user.do("move.down", "move.down")
        await user.pilot.resize_terminal(80, 24)
        await user.pilot.pause()
        assert user.main.view("node-list").key == "es-3"
        assert "es-3" in user.screen
        await user.pilot.resize_terminal(30, 10)
        await user.pilot.resize_terminal(120, 40)
        await user.pilot.pause()
        assert user.main.view("node-list").key == "es-3"


async def test_full_screen_and_back() -> None:
    """f gives a pane the whole screen, esc takes it back."""
    async with at_the_screen() as user:
        await user.do("view.full")
        await user.pilot.pause()
        assert "Scenario" not in user.screen
        assert "served" in user.screen
        await user.press("escape")
        await user.pilot.pause()
        assert "3 Scenario" in user.screen


async def test_ascii_mode() -> None:
    """With --ascii every character on every screen is ASCII."""
    async with at_the_screen(ascii_only=True) as user:
        assert user.screen.isascii(), {each for each in user.screen if not each.isascii()}
        await user.review("https")
        assert user.screen.isascii(), {each for each in user.screen if not each.isascii()}
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        assert user.screen.isascii(), {each for each in user.screen if not each.isascii()}
        await user.press("escape")
        await user.do("app.help")
        assert user.screen.isascii(), {each for each in user.screen if not each.isascii()}


async def test_production_is_a_word() -> None:
    """A production cluster is marked by its word on the screen, and wants its name typed for everything."""
    async with at_the_screen(FakeEngine(unsecured(production=True))) as user:
        assert "PRODUCTION" in user.screen.splitlines()[0]
        assert "PRODUCTION" in screen_text(user.app)


def test_terminals_without_unicode_or_colours() -> None:
    """The Linux console gets ASCII; a terminal of 16 colours its own ones."""
    assert needs_ascii({"TERM": "linux"})
    assert theme_for({"TERM": "xterm"}) == "ansi-dark"
    assert theme_for({"TERM": "xterm-256color"}) == "estui-dark"
    assert theme_for({"TERM": "xterm", "COLORTERM": "truecolor"}) == "estui-dark"


async def test_every_theme_can_be_chosen() -> None:
    """No theme lacks a colour that the style sheets name."""
    async with at_the_screen() as user:
        for name in user.app.available_themes:
            user.app.theme = name
            await user.pilot.pause()


def _broken(emit: object = None) -> Verdict:
    raise ZeroDivisionError
