"""The grammar of `estui completion` and `estui man`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estui.cli.parsers import Adder

SHELLS = ("bash", "zsh", "fish")


def add(command: Adder) -> None:
    """`completion` and `man`."""
    completion = command("completion", "print the completion script of a shell", "shell")
    completion.add_argument("shell", choices=SHELLS, help="the shell that reads it")
    command("man", "print the manual page estui(1)", "shell")
