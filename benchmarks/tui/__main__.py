"""Runs the UI in a pseudo-terminal, presses keys and tells what came of it."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import statistics
import struct
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

PATIENCE_S = 120.0
QUIET_S = 0.015
"""Silence after which what a key brought to the screen is taken for whole; an apply says something every 50 ms."""
KEYS = (b"j", b"j", b"j", b"k", b"\x1b[6~", b"\x1b[5~", b"\t", b"\t", b"\t", b"\t")
"""Down and up, pages, and once around the panes."""


@dataclass(frozen=True)
class Feel:
    """Seconds, and bytes."""

    nodes: int
    busy: bool
    width: int
    height: int
    first_paint_s: float
    cluster_shown_s: float
    key_p50_s: float
    key_p95_s: float
    key_max_s: float
    bytes_p50: int
    bytes_p95: int
    quit_s: float
    load: float


class Pty:
    """A program in a terminal of its own."""

    def __init__(self, command: Sequence[str], width: int, height: int) -> None:
        self.begin = time.monotonic()
        self.pid, self.number = pty.fork()
        if self.pid == 0:  # the child: nothing but exec may happen here
            environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}
            os.execvpe(command[0], list(command), environment)  # noqa: S606 - no shell is wanted
        fcntl.ioctl(self.number, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self, within_s: float) -> bytes:
        """What comes next; empty where nothing does."""
        if select.select([self.number], [], [], max(within_s, 0.0))[0]:
            with contextlib.suppress(OSError):
                return os.read(self.number, 1 << 16)
        return b""

    def until(self, text: bytes) -> float:
        """Seconds since the start at which a text had come. Raises TimeoutError."""
        seen = b""
        while time.monotonic() - self.begin < PATIENCE_S:
            seen = (seen + self.read(1.0))[-400_000:]
            if text in seen:
                return time.monotonic() - self.begin
        raise TimeoutError(f"{text!r} was not shown within {PATIENCE_S:g} s")

    def drain(self, quiet_s: float = 0.3, at_most_s: float = 5.0) -> None:
        end = time.monotonic() + at_most_s
        while self.read(quiet_s) and time.monotonic() < end:
            pass

    def press(self, key: bytes) -> tuple[float, int]:
        """Seconds until the screen begins to change, and the bytes that came before it was quiet."""
        while self.read(0.0):
            pass
        begin = time.monotonic()
        os.write(self.number, key)
        got = self.read(5.0)
        seconds, size = time.monotonic() - begin, len(got)
        while more := self.read(QUIET_S):
            size += len(more)
        return seconds, size

    def quit(self) -> float:
        """Seconds from SIGTERM to the end of the process, which keys would be asked about while a run is at work."""
        begin = time.monotonic()
        os.kill(self.pid, signal.SIGTERM)
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            self.read(0.02)
            if time.monotonic() - begin > PATIENCE_S:
                os.kill(self.pid, signal.SIGKILL)
        os.close(self.number)
        return time.monotonic() - begin


def feel(nodes: int, keys: int, *, busy: bool, width: int = 120, height: int = 40) -> Feel:
    """One run of the UI from its start to its end."""
    command = [sys.executable, "-m", "benchmarks.tui.app", str(nodes), *([] if busy else ["idle"])]
    terminal = Pty(command, width, height)
    painted = terminal.until(b"Nodes")
    shown = terminal.until(b"at work" if busy else b"node-0000")
    terminal.drain()
    answers = [terminal.press(KEYS[number % len(KEYS)]) for number in range(keys)]
    times, sizes = sorted(each for each, _ in answers), sorted(size for _, size in answers)
    last = min(int(len(answers) * 0.95), len(answers) - 1)
    return Feel(
        nodes=nodes,
        busy=busy,
        width=width,
        height=height,
        first_paint_s=painted,
        cluster_shown_s=shown,
        key_p50_s=statistics.median(times),
        key_p95_s=times[last],
        key_max_s=times[-1],
        bytes_p50=int(statistics.median(sizes)),
        bytes_p95=sizes[last],
        quit_s=terminal.quit(),
        load=os.getloadavg()[0],
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tui", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--idle", action="store_true", help="without an apply at work")
    options = parser.parse_args()
    found = feel(options.nodes, options.keys, busy=not options.idle)
    sys.stdout.write(json.dumps(asdict(found), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
