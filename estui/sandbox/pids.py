"""Owns telling one process from another: a process id is used again, together with its start it is not."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Started:
    """A process: its id and when it started, in the system's own words."""

    pid: int
    start: str

    def __str__(self) -> str:
        return f"{self.pid}:{self.start}"

    @classmethod
    def parse(cls, text: str) -> Started:
        """From `PID:START`. Raises ValueError."""
        pid, _, start = text.strip().partition(":")
        return cls(int(pid), start)

    @classmethod
    def of(cls, pid: int) -> Started:
        """The process that has this id now."""
        return cls(pid, _start_of(pid))


def is_running(process: Started) -> bool:
    """Whether this very process still runs; one that has ended and waits to be collected does not."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    start = _start_of(process.pid)
    return bool(start) and start == process.start


def _start_of(pid: int) -> str:
    """Clock ticks since boot (proc(5), field 22 of `stat`), else what `ps` says; empty where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return "" if Path("/proc/self").exists() else _ask_ps(pid)
    except ProcessLookupError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _ask_ps(pid: int) -> str:
    shown = subprocess.run(  # noqa: S603 - fixed words and a number
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607 - where `ps` is depends on the system
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    return "" if not shown or shown[0].startswith("Z") else "-".join(shown[1:])
