"""Runs a command as a whole process and tells what it took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ESTUI = (sys.executable, "-m", "estui")


class UnexpectedExit(Exception):
    """A measured command ended with an exit code that says it did not do its work."""


@dataclass(frozen=True)
class Figures:
    """What one process took: seconds on the clock and of processor time, and the most memory in MiB."""

    wall_s: float
    user_s: float = 0.0
    system_s: float = 0.0
    peak_mib: float = 0.0


def measure(
    command: Sequence[str],
    *,
    expect: Collection[int] = (0,),
    log: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Figures:
    """One run of a command to its end; what it says goes into the file `log`.

    Raises UnexpectedExit: another exit code than one of `expect`. Source of the figures: wait4(2); `ru_maxrss` is in
    kibibytes on Linux, and of the process itself, not of its children.
    """
    with log.open("wb") as out:
        begin = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code not in expect:
        raise UnexpectedExit(f"{' '.join(command)}: exit {code}\n{_tail(log)}")
    return Figures(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss / 1024)


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
