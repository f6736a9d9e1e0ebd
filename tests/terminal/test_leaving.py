"""However the terminal UI ends, it never ends between two renames, and nothing secret stays on the terminal."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.canaries import Canaries
from tests.terminal.test_in_tmux import FAKE, Open, terminal
from tests.terminal.tmux import Terminal, estui, needs_tmux

pytestmark = [pytest.mark.terminal, needs_tmux]
__all__ = ["terminal"]


def in_the_middle(start: Open, folder: Path, canaries: Canaries) -> tuple[Terminal, Path]:
    """A terminal whose apply is switching names, and the file that lets it go on."""
    (folder / "canary").write_text(canaries.plant("password of elastic"))
    release, reports = folder / "release", folder / "reports"
    reports.mkdir()
    one = start(estui(FAKE, "switching"), CANARY=str(folder / "canary"), RELEASE=str(release), TMPDIR=str(reports))
    one.shows("unsecured")
    one.keys("3", "j", "Enter")
    one.shows("elasticsearch.yml")
    one.keys("a")
    one.shows("Apply basic")
    one.type("logs-demo")
    one.keys("Enter")
    passphrase = canaries.plant("passphrase")
    for words in ("New workspace passphrase", "the same again"):
        one.shows(words)
        one.type(passphrase)
        one.keys("Enter")
    one.shows("running")
    return one, release


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_after_a_crash_the_names_in_hand_are_switched_before_the_process_ends(
    terminal: Open, tmp_path: Path, number: signal.Signals
) -> None:
    """The terminal is given back at once, with what is waited for; signals, however many, end nothing before that."""
    canaries = Canaries()
    one, release = in_the_middle(terminal, tmp_path, canaries)
    one.keys("2")
    shown = one.shows("a node's files are being switched; it ends when they are")
    assert "estui stopped on an internal error: ZeroDivisionError (fake_app.py:" in shown
    assert "estui recover" in shown
    assert one.mode == "0 0 1"
    program = one.program
    os.kill(program, number)
    os.kill(program, number)
    assert one.program == program, "it ended between two renames"
    assert "exit=" not in one.screen
    release.touch()
    one.shows(f"exit={128 + number}")
    (report,) = (tmp_path / "reports").glob("estui-crash-*.log")
    assert str(report) in one.screen.replace("\n", "")
    assert "in broken" in report.read_text()
    assert canaries.found(report.read_text()) == []
    assert canaries.found(one.written) == []


def test_without_a_signal_the_exit_code_is_that_of_the_crash(terminal: Open, tmp_path: Path) -> None:
    one, release = in_the_middle(terminal, tmp_path, Canaries())
    one.keys("2")
    one.shows("it ends when they are")
    release.touch()
    one.shows("exit=1")
