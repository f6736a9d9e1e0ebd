"""A real terminal: one tmux server per test, driven by keys, read as text."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 60.0
"""For one screen to come, on a machine that has other work."""
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A program in a tmux pane of its own."""

    def __init__(self, folder: Path, command: str, *, size: tuple[int, int] = (120, 40), **environment: str) -> None:
        self.socket = str(folder / "tmux")
        self.raw = folder / "raw"
        width, height = size
        # a COLUMNS left by another test would win over the terminal's own size
        dropped = ("NO_COLOR", "TMUX", "COLORTERM", "COLUMNS", "LINES")
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        self.environment = {
            **kept,
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        names = ["LC_ALL", "PYTHONPATH", *environment]
        exports = "".join(f"export {name}={shlex.quote(self.environment[name])}; " for name in names)
        # a shell of its own, so that what the program leaves behind can be seen after its end
        script = f"{exports}{command}; echo exit=$?; stty -a | grep -o ' -\\?echo ' ; cat"
        self._tmux("new-session", "-d", "-x", str(width), "-y", str(height), "sh", "-c", f"sleep 0.2; {script}")
        self._tmux("pipe-pane", "-o", f"cat > {shlex.quote(str(self.raw))}")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", self.socket, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=ROOT,
        )
        return done.stdout

    def keys(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def click(self, text: str, after: str = "") -> None:
        """Presses and lets go the left button on a text, as SGR mouse reports, once `after` is there and all stands
        still: as a person does, who has to find the place first."""
        self.shows(after or text)
        seen: list[str] = []
        until(lambda: seen.append(self.screen) or seen[-3:] == [seen[-1]] * 3, PATIENCE_S)  # type: ignore[func-returns-value]
        screen = seen[-1]
        row, line = next((row, line) for row, line in enumerate(screen.splitlines(), start=1) if text in line)
        place = f"0;{line.index(text) + 2};{row}"
        self._tmux("send-keys", "-l", f"\x1b[<{place}M")
        self._tmux("send-keys", "-l", f"\x1b[<{place}m")

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def shows(self, text: str, seconds: float = PATIENCE_S) -> str:
        """Waits until a text is on the screen."""
        try:
            until(lambda: text in self.screen, seconds)
        except AssertionError:
            size = self._tmux("display-message", "-p", "#{window_width}x#{window_height}").strip()
            raise AssertionError(f"{text!r} never came in {size}:\n{self.screen}") from None
        return self.screen

    def when(self, condition: Callable[[str], bool], seconds: float = PATIENCE_S) -> str:
        until(lambda: condition(self.screen), seconds)
        return self.screen

    @property
    def mode(self) -> str:
        """`alternate screen, mouse, cursor`, each 0 or 1."""
        return self._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}").strip()

    @property
    def program(self) -> int:
        """Process id of the program."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        children = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", shell], capture_output=True, text=True, check=False
        )
        return next(int(line.split()[0]) for line in children.stdout.splitlines() if "python" in line)

    @property
    def written(self) -> str:
        """Every byte that the program sent to the terminal."""
        return self.raw.read_bytes().decode(errors="replace")

    def colours(self) -> list[str]:
        """The colour codes that it sent; resets to the default are none."""
        codes = [part for codes in re.findall(r"\x1b\[([\d;:]*)m", self.written) for part in codes.split(";")]
        return [code for code in codes if re.fullmatch(r"3[0-8]|4[0-8]|9[0-7]|10[0-7]", code)]

    def close(self) -> None:
        """Ends the terminal, and a program that would outlive it because its step in hand never ends."""
        with contextlib.suppress(StopIteration, ValueError, ProcessLookupError):
            os.kill(self.program, signal.SIGKILL)
        self._tmux("kill-server")


def estui(*arguments: str) -> str:
    """The command line of a program of this checkout."""
    return shlex.join([sys.executable, "-m", *arguments])
