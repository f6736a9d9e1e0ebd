"""estui in a real terminal: the tour by keys, colours, signals, and what is left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminal.tmux import Terminal, estui, needs_tmux

pytestmark = [pytest.mark.terminal, needs_tmux]
FAKE = "tests.terminal.fake_app"
Open = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Open]:
    """Opens terminals that are closed after the test."""
    opened: list[Terminal] = []

    def start(command: str, **options: object) -> Terminal:
        one = Terminal(tmp_path, command, **options)  # type: ignore[arg-type]
        opened.append(one)
        return one

    yield start
    for one in opened:
        one.close()


def test_first_paint_resize_and_quit(terminal: Open) -> None:
    """The screen comes up, follows a resize, and q leaves the terminal as it was."""
    one = terminal(estui(FAKE), size=(80, 24))
    one.shows("▸1 Nodes")
    one.shows("es-1")
    one._tmux("resize-window", "-x", "120", "-y", "40")
    one.shows("4 Review")
    assert one.mode.startswith("1 1")
    one.keys("q")
    one.shows("exit=0")
    assert one.mode == "0 0 1"


def test_no_color_means_no_colour_codes(terminal: Open) -> None:
    """With NO_COLOR no colour is sent; without it, or empty, there is."""
    one = terminal(estui(FAKE), NO_COLOR="1")
    one.shows("es-1")
    one.keys("3", "Enter")
    one.shows("elasticsearch.yml")
    assert one.colours() == []


def test_an_empty_no_color_is_none(terminal: Open) -> None:
    """An empty variable counts as unset (no-color.org)."""
    one = terminal(estui(FAKE), NO_COLOR="")
    one.shows("es-1")
    assert one.colours()


def test_a_locale_without_utf_8_gets_ascii(terminal: Open) -> None:
    """In the C locale everything is ASCII, borders included."""
    one = terminal(estui(FAKE), LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    shown = one.shows("es-1")
    assert shown.isascii()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_the_terminal_clean(terminal: Open, number: signal.Signals) -> None:
    """A kill or a lost connection ends like q: exit code 128 + signal, no mode left on."""
    one = terminal(estui(FAKE))
    one.shows("es-1")
    os.kill(one.program, number)
    one.shows(f"exit={128 + number}")
    assert one.mode == "0 0 1"


def test_a_signal_waits_for_the_step_in_hand(terminal: Open) -> None:
    """While a step is at work the end comes after it."""
    one = terminal(estui(FAKE, "prepare"))
    one.shows("unsecured")
    one.keys("3", "j", "Enter")
    one.shows("elasticsearch.yml")
    one.keys("a")
    one.shows("Apply basic")
    one.type("logs-demo")
    one.keys("Enter")
    one.shows("New workspace passphrase")
    one.type("a passphrase")
    one.keys("Enter")
    one.shows("the same again")
    one.type("a passphrase")
    one.keys("Enter")
    one.shows("running")
    os.kill(one.program, signal.SIGTERM)
    one.shows("Pausing before the next step")
    assert "exit=" not in one.screen


def test_a_crash_leaves_the_terminal_clean_and_names_its_log(terminal: Open, tmp_path: Path) -> None:
    """After a defect: exit code 1, no mode left on, the path of the log as the last line."""
    one = terminal(estui(FAKE, "defect"), TMPDIR=str(tmp_path))
    one.shows("es-1")
    one.keys("2")
    one.shows("exit=1")
    assert one.mode == "0 0 1"
    (log,) = tmp_path.glob("estui-crash-*.log")
    assert str(log) in one.screen.replace("\n", "")
    assert log.read_text().startswith("AttributeError")


@pytest.mark.slow
def test_the_tour_by_keys(terminal: Open, tmp_path: Path) -> None:
    """`estui demo` in a real terminal: from an unsecured sandbox to "verified" by at most 15 keys and a typed name."""
    one = terminal(estui("estui", "demo", "--folder", str(tmp_path / "sandbox")))
    one.shows("unsecured", 60)
    one.shows("full restart", 60)
    keys = ["3", "j", "Enter"]
    one.keys(*keys)
    one.shows("elasticsearch.yml")
    one.keys("a")
    one.shows("Apply basic + HTTPS?")
    one.type("logs-demo")
    one.keys("Enter")
    one.shows("Your turn", 60)
    one.keys("s")
    shown = one.shows("VERIFIED: all", 180)
    assert "NOT VERIFIED" not in shown
    assert len([*keys, "a", "Enter", "s"]) <= 15
    one.keys("q")
    one.shows("exit=0", 60)


def test_the_mouse_alone_reaches_a_review(terminal: Open) -> None:
    """Clicks on a tab, on a row and on it again, the wheel, and a key of the footer: as a terminal sends them."""
    one = terminal(estui(FAKE), size=(80, 24))
    one.click("3 Scenario")
    one.click("basic + HTTPS")
    one.click("basic + HTTPS", after="▸ basic + HTTPS")
    one.click("a apply", after="new authority")
    one.click("esc  Cancel")
    one.when(lambda screen: "esc  Cancel" not in screen)


@pytest.mark.parametrize("term", ["linux", "xterm", "screen"])
def test_old_terminals_get_sixteen_colours_or_ascii(terminal: Open, term: str) -> None:
    """The Linux console gets ASCII; none of them is sent a colour that it has not."""
    one = terminal(estui(FAKE), TERM=term)
    one.shows("es-1")
    one.keys("3")
    one.shows("enter review")
    one.keys("Enter")
    one.shows("elasticsearch.yml")
    assert one.screen.isascii() is (term == "linux")
    assert not {"38", "48"} & set(one.colours())
