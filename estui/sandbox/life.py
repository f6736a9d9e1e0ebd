"""Owns the life of one sandbox process: its arguments, the marks it leaves for who started it, and its end."""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from estui.sandbox.pids import Started, is_running

_PARENT_POLL = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MARK = "state.json"


class Life:
    """What a process knows about why it lives. Marks go into `run`, where there is one."""

    def __init__(self, config: Path, run: Path | None, parent: Started | None) -> None:
        self.config = config
        self._run = run
        self._parent = parent
        self.signalled = False
        self.reload: Callable[[], None] = lambda: None
        """Called on SIGHUP, in the main thread."""

    def running(self) -> None:
        """Every reason to refuse the start is past."""
        self._mark("running", "")

    def failed(self, message: str) -> None:
        self._mark("failed", message)

    def wait(self) -> None:
        """Until SIGTERM or SIGINT comes, or the parent is gone."""
        # Signals arrive through a pipe: a handler that sets an event could meet its own lock.
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        while self._parent is None or is_running(self._parent):
            ready, _, _ = select.select([reader], [], [], _PARENT_POLL)
            came = set(os.read(reader, 64)) if ready else set()
            if came & {signal.SIGTERM, signal.SIGINT}:
                self.signalled = signal.SIGTERM in came
                return
            if signal.SIGHUP in came:
                self.reload()

    def _mark(self, state: str, message: str) -> None:
        if self._run is None:
            return
        temporary = self._run / f"{MARK}.{os.getpid()}"
        temporary.write_text(json.dumps({"pid": os.getpid(), "state": state, "message": message}))
        temporary.rename(self._run / MARK)


def parse_arguments(description: str) -> Life:
    """The command line of a sandbox process."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("config", type=Path, metavar="CONFIG_DIR")
    parser.add_argument("--run", type=Path, help="folder for the mark that tells how the start went")
    parser.add_argument("--parent", type=Started.parse, help="process without which this one ends, PID:START")
    found = parser.parse_args()
    return Life(found.config.absolute(), found.run, found.parent)


def run_process(life: Life, run: Callable[[Life], int]) -> None:
    """Runs to the end and leaves at once: threads that still serve somebody do not hold the process up."""
    code = run(life)
    sys.stdout.flush()
    os._exit(code)
