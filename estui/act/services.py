"""Runs the inventory's own stop, start and restart commands: no shell, bounded in time, output shown."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterable

from estui.act.context import Context
from estui.errors import ApplyError, UsageError
from estui.model.inventory import Commands, Inventory

OUTPUT_LIMIT = 2000
"""Characters of a command's output that an error shows."""
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

    Raises ApplyError where it cannot be started, fails, or outlasts its time; with the end of its output.
    """
    shown = " ".join(command)
    context.say(f"{target}: $ {shown}")
    environment = {name: value for name, value in os.environ.items() if name in _KEPT}
    try:
        done = subprocess.run(  # noqa: S603 - argument list from the user's own inventory, confirmed, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=context.options.command_timeout_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ApplyError(
            f"{target}: {shown} did not end within {context.options.command_timeout_s:.0f} s",
            hint="look at the service by hand, then: estui runbook resume",
        ) from error
    except OSError as error:
        raise ApplyError(
            f"{target}: {shown} cannot be started: {os.strerror(error.errno or 0)}",
            hint="mend the command in estui.yaml",
        ) from error
    output = done.stdout.decode("utf-8", "replace").strip()
    if output:
        context.say(f"{target}: {output[-OUTPUT_LIMIT:]}")
    if done.returncode != 0:
        tail = f": {output[-OUTPUT_LIMIT:]}" if output else ""
        raise ApplyError(
            f"{target}: {shown} failed with exit code {done.returncode}{tail}",
            hint="mend what it says, then: estui runbook resume",
        )


def words(commands: Commands, action: str, target: str) -> str:
    """What a person types to stop, start or restart a service: its command, or the word for it."""
    command: tuple[str, ...] = getattr(commands, action)
    return f"{target}: {' '.join(command)}" if command else f"{action} {target}"


def require_confirmed(inventory: Inventory, confirmed: Iterable[str]) -> None:
    """Raises UsageError where commands would run that nobody has confirmed."""
    unknown = unconfirmed(inventory, confirmed)
    if unknown:
        raise UsageError(
            "estui.yaml names commands that were not confirmed yet",
            reasons=tuple(" ".join(command) for command in unknown),
            hint="run in a terminal to confirm them, or give --restart",
        )
