"""System calls as numbered points: each can kill the process, fail, or be written down."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from estui.act.system import SystemCalls

WRITING = frozenset(
    (
        *("mkdir", "rmdir", "link", "symlink", "unlink", "rename", "write", "fsync"),
        *("fchown", "fchmod", "setxattr", "removexattr"),
    )
)
"""Calls that change something; `open` does where it creates."""
CALLS = WRITING | frozenset(("open", "read", "stat", "fstat", "readlink", "listdir", "listxattr", "getxattr"))

Around = Callable[[str, tuple[Any, ...], dict[str, Any], Callable[[], Any]], Any]
"""Gets a call's name, arguments and the call itself; makes it, or does not."""


class Watched(SystemCalls):
    """System calls that go through `around`."""

    def __init__(self, around: Around) -> None:
        for name in CALLS:
            setattr(self, name, self._through(name, around))

    @staticmethod
    def _through(name: str, around: Around) -> Callable[..., Any]:
        real = getattr(SystemCalls, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return around(name, args, kwargs, lambda: real(*args, **kwargs))

        return call


def changes(name: str, args: tuple[Any, ...]) -> bool:
    """Whether a call changes something on disk."""
    return name in WRITING or (name == "open" and bool(args[1] & os.O_CREAT))


class Counter:
    """Counts the calls that change something, or all; without `syncs` not those."""

    def __init__(self, *, all_calls: bool = False, syncs: bool = True) -> None:
        self.count = 0
        self.all_calls = all_calls
        self.syncs = syncs

    def __call__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:
        if self.all_calls or (changes(name, args) and (self.syncs or name != "fsync")):
            self.count += 1
        return call()


class Killer:
    """Kills this process with SIGKILL at the call of a number, before it or after it.

    Without `syncs` those are not counted: a kill finds the same tree before one and after it.
    """

    def __init__(self, at: int, *, after: bool, syncs: bool = True) -> None:
        self.at = at
        self.after = after
        self.syncs = syncs
        self.count = 0

    def __call__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:
        if not changes(name, args) or (name == "fsync" and not self.syncs):
            return call()
        self.count += 1
        if self.count == self.at and not self.after:
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return call()
        finally:
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


class Failing:
    """One call, or every call from a number on, answers with an error. `write` may have written a part by then."""

    def __init__(self, at: int, number: int, *, for_good: bool = False) -> None:
        self.at = at
        self.number = number
        self.for_good = for_good
        self.count = 0
        self.failed = ""

    def __call__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:
        self.count += 1
        if self.count == self.at or (self.for_good and self.count > self.at and changes(name, args)):
            self.failed = self.failed or name
            if name == "write" and len(args[1]) > 1:
                os.write(args[0], args[1][: len(args[1]) // 2])
            raise OSError(self.number, os.strerror(self.number))
        return call()
