"""The terminal UI in a pseudo-terminal: when it first shows the cluster, and how soon it answers a key."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.process import Figures

ROWS, COLUMNS = 40, 120
KEYS = 20
_QUIET_S = 1.0
_LONGEST_S = 120.0


@dataclass(frozen=True)
class ScreenTimes:
    """Seconds from the start of the process to the first paint and to the cluster's first node on screen; answers to
    keys."""

    first_paint_s: float
    first_node_s: float
    key_median_s: float
    key_longest_s: float
    figures: Figures


class _Screen:
    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.begin = time.monotonic()
        self.pid, self.number = pty.fork()
        if self.pid == 0:  # the child: nothing but exec may happen here
            os.execvpe(command[0], list(command), {**os.environ, **environment})  # noqa: S606 - no shell is wanted
        fcntl.ioctl(self.number, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def read(self, within_s: float) -> bytes:
        """What comes next; empty where nothing does, or the process has ended."""
        if not select.select([self.number], [], [], max(0.0, within_s))[0]:
            return b""
        try:
            return os.read(self.number, 65536)
        except OSError:
            return b""

    def await_text(self, text: bytes) -> float:
        """Seconds since the start at which a text had come. Raises TimeoutError."""
        seen = b""
        while time.monotonic() - self.begin < _LONGEST_S:
            seen = (seen + self.read(1.0))[-200_000:]
            if text in seen:
                return time.monotonic() - self.begin
        raise TimeoutError(f"{text!r} was not shown within {_LONGEST_S:g} s")

    def settle(self) -> None:
        while self.read(_QUIET_S):
            pass

    def press(self, key: bytes) -> float:
        """Seconds until the screen begins to change."""
        begin = time.monotonic()
        os.write(self.number, key)
        self.read(10.0)
        return time.monotonic() - begin

    def close(self) -> Figures:
        os.kill(self.pid, signal.SIGTERM)
        while self.read(0.2):
            pass
        _, _, usage = os.wait4(self.pid, 0)
        os.close(self.number)
        wall = time.monotonic() - self.begin
        return Figures(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / 1024)


def screen_times(command: Sequence[str], first_node: str, environment: Mapping[str, str]) -> ScreenTimes:
    """Starts the UI, waits for `first_node`, presses arrow keys, ends it."""
    screen = _Screen(command, {"TERM": "xterm-256color", **environment})
    painted = screen.await_text(b"\x1b[?1049h")
    shown = screen.await_text(first_node.encode())
    screen.settle()
    answers = []
    for number in range(KEYS):
        answers.append(screen.press(b"\x1b[B" if number % 4 else b"\x1b[A"))
        time.sleep(0.1)
        while screen.read(0.0):
            pass
    return ScreenTimes(painted, shown, statistics.median(answers), max(answers), screen.close())
