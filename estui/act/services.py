"""Runs the inventory's own stop, start and restart commands: no shell, bounded in time, output shown."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterable
from typing import IO

from estui.act.context import Context
from estui.errors import ApplyError, UsageError
from estui.model.inventory import Commands, Inventory
from estui.present.escapes import escaped

OUTPUT_LIMIT = 4000
"""Bytes of the end of a command's output that are shown."""
SHOWN_LINES = 12
"""Lines of it that an error repeats."""
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TERM", "SSH_AUTH_SOCK", "TMPDIR", "XDG_RUNTIME_DIR")
"""Environment that a command may need; nothing of estui's own (passphrase files, workspace) goes along."""


def command_digest(command: Iterable[str]) -> str:
    """Digest under which a command is remembered as confirmed."""
    return hashlib.sha256(json.dumps(list(command)).encode()).hexdigest()


def unconfirmed(inventory: Inventory, confirmed: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Commands of the inventory that nobody has confirmed yet, each once."""
    known = set(confirmed)
    return tuple(dict.fromkeys(command for command in inventory.commands() if command_digest(command) not in known))


def run_command(context: Context, target: str, command: tuple[str, ...]) -> None:
    """Runs one command to its end.

    It gets a session of its own and writes into a file: a signal that ends estui leaves it at work, and a service that
    it starts keeps neither a pipe nor the terminal. Only its time limit ends it.
    Raises ApplyError where it cannot be started, fails, or outlasts its time; with the end of its output.
    """
    shown = shlex.join(command)
    context.say(f"{target}: $ {escaped(shown)}")
    limit = context.inventory.limits.command_seconds
    with tempfile.TemporaryFile() as output:
        try:
            code = _finish(_started(command, output), limit)
        except OSError as error:
            raise ApplyError(
                f"{target}: {shown} cannot be started: {os.strerror(error.errno or 0)}",
                hint="mend the command in estui.yaml",
            ) from error
        told = _last_lines(output)
    for line in told:
        context.say(f"{target}: {line}")
    if code is None:
        raise ApplyError(
            f"{target}: {shown} did not end within {limit:g} s",
            reasons=told[-SHOWN_LINES:],
            hint="look at the service by hand, then: estui runbook resume; limits: {command_seconds: …} in estui.yaml "
            "gives it longer",
        )
    if code != 0:
        last = f": {told[-1]}" if told else ""
        raise ApplyError(
            f"{target}: {shown} failed with exit code {code}{last}",
            reasons=told[-SHOWN_LINES:-1],
            hint="mend what it says, then: estui runbook resume",
        )


def _started(command: tuple[str, ...], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - argument list from the user's own inventory, confirmed, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={name: value for name, value in os.environ.items() if name in _KEPT},
        start_new_session=True,
    )


def _finish(process: subprocess.Popen[bytes], limit_s: float) -> int | None:
    """Its exit code, None where its time was up: it and what it started in its own session are ended then."""
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None


def _last_lines(output: IO[bytes]) -> tuple[str, ...]:
    """The end of what a command wrote, each line printable."""
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - OUTPUT_LIMIT))
    text = output.read(OUTPUT_LIMIT).decode("utf-8", "replace").strip()
    return tuple(escaped(line) for line in text.splitlines() if line.strip())


def words(commands: Commands, action: str, target: str) -> str:
    """What a person types to stop, start or restart a service: its command, or the word for it."""
    command: tuple[str, ...] = getattr(commands, action)
    return f"{target}: {shlex.join(command)}" if command else f"{action} {target}"


def require_confirmed(inventory: Inventory, confirmed: Iterable[str]) -> None:
    """Raises UsageError where commands would run that nobody has confirmed."""
    unknown = unconfirmed(inventory, confirmed)
    if unknown:
        raise UsageError(
            "estui.yaml names commands that were not confirmed yet",
            reasons=tuple(shlex.join(command) for command in unknown),
            hint="run in a terminal to confirm them, or give --restart",
        )
