"""Owns starting and ending the processes of a sandbox, also from another process than the one that began.

Each process has a session of its own, a `run/pid` with its start time, and a mark that tells how its start went.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import estui
from estui.errors import EstuiError
from estui.sandbox.life import MARK
from estui.sandbox.pids import Started, is_running

START_PATIENCE = 15.0
"""Seconds in which a refused start is noticed, also on a busy machine; a process past all refusals says so at once."""
_STOP_PATIENCE = 5.0
_POLL = 0.02


@dataclass(frozen=True)
class Service:
    """One process of a sandbox: a folder with `config`, and the module that plays it."""

    name: str
    folder: Path
    module: str

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def run(self) -> Path:
        return self.folder / "run"


class StartFailedError(EstuiError):
    """A process refused to start; the summary is its own message."""


def start_services(services: Iterable[Service], owner: Started | None) -> None:
    """Starts the processes that do not run, together; returns as soon as every start is past all refusals.

    Raises StartFailedError: one ended or said that it failed.
    """
    begun: list[tuple[Service, Started, int]] = []
    for service in services:
        if running(service) is None:
            service.run.mkdir(exist_ok=True)
            (service.run / MARK).unlink(missing_ok=True)
            size = service.log.stat().st_size if service.log.exists() else 0
            process = Started.of(_spawn(service, owner))
            _write(service.run / "pid", str(process))
            begun.append((service, process, size))
    for service, process, size in begun:
        _await_start(service, process, size)


def _await_start(service: Service, process: Started, began: int) -> None:
    end = time.monotonic() + START_PATIENCE
    while time.monotonic() < end:
        mark = _read_mark(service)
        if mark.get("pid") == process.pid and mark.get("state") == "running":
            return
        if not is_running(process):
            message = str(_read_mark(service).get("message", "")) or _last_lines(service, began)
            raise StartFailedError(f"{service.name} did not start: {message}", hint=f"its log is {service.log}")
        time.sleep(_POLL)


def stop_services(services: Iterable[Service]) -> None:
    """Ends the processes together: asked first, killed where they do not go."""
    found = [process for process in map(running, services) if process is not None]
    for process in found:
        _signal(process, signal.SIGTERM)
    end = time.monotonic() + _STOP_PATIENCE
    while (found := [process for process in found if is_running(process)]) and time.monotonic() < end:
        time.sleep(_POLL)
    for process in found:
        _signal(process, signal.SIGKILL)
    end = time.monotonic() + _STOP_PATIENCE
    while any(is_running(process) for process in found) and time.monotonic() < end:
        time.sleep(_POLL)


def running(service: Service) -> Started | None:
    """The process, where it runs."""
    try:
        process = Started.parse((service.run / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return process if is_running(process) else None


def failure(service: Service) -> str:
    """Message of a start that failed, or the empty text."""
    mark = _read_mark(service)
    return str(mark.get("message", "")) if mark.get("state") == "failed" else ""


def _spawn(service: Service, owner: Started | None) -> int:
    arguments = [sys.executable, "-m", service.module, str(service.config), "--run", str(service.run)]
    if owner is not None:
        arguments += ["--parent", str(owner)]
    # The child finds this very package, wherever it was started from.
    home = str(Path(estui.__file__).resolve().parent.parent)
    paths = [home, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(service.log), append, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawn(sys.executable, arguments, environ, file_actions=actions, setsid=True)


def _signal(process: Started, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)


def _read_mark(service: Service) -> dict[str, object]:
    try:
        found: dict[str, object] = json.loads((service.run / MARK).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _last_lines(service: Service, began: int) -> str:
    with service.log.open("rb") as file:
        file.seek(began)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"


def _write(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.rename(path)
