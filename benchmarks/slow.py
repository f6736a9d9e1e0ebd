"""estui on a slow mount: `python -m benchmarks.slow FOLDER ARGUMENTS...` runs a command with 20 ms more for each file
operation below FOLDER, as on a loaded NFS. Says on standard error how many operations there were."""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from estui.cli.main import main

DELAY_S = 0.02
_SLOWED = ("stat", "lstat", "open", "readlink", "listdir", "scandir", "access", "statvfs", "mkdir", "rename", "unlink")
"""Functions of `os` that everything above them calls; their first argument is a path."""


def slow_down(folder: str, count: Callable[[], object]) -> None:
    """Delays every operation on a path below `folder`, in this process, and counts it."""
    for name in _SLOWED:
        setattr(os, name, _delayed(getattr(os, name), folder, count))


def _delayed(function: Callable[..., Any], folder: str, count: Callable[[], object]) -> Callable[..., Any]:
    def delayed(path: Any = ".", *arguments: Any, **options: Any) -> Any:
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(folder):
            count()
            time.sleep(DELAY_S)
        return function(path, *arguments, **options)

    return delayed


def run(folder: str, *arguments: str) -> int:
    """One command; its exit code."""
    operations = itertools.count()
    slow_down(folder, operations.__next__)
    code = main(list(arguments))
    sys.stderr.write(f"{next(operations)} file operations\n")
    return code


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
