"""Owns the polling of files: what changed since the last look, links followed.

A change is another modification time (milliseconds) or size, a file that came or one that went; a change that keeps
both is never noticed, as with Elasticsearch's `FileWatcher`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from estui.sandbox.log import NodeLog

_Stamp = tuple[int, int] | None


@dataclass(frozen=True)
class Watch:
    """Files and what is called, with the changed one, for each that changed. The callback returns why it failed."""

    files: tuple[Path, ...]
    changed: Callable[[Path], str]


class FileWatcher:
    """Polls its watches; `poll` is called every `resource.reload.interval.high`."""

    def __init__(self, watches: Iterable[Watch], log: NodeLog) -> None:
        self._watches = tuple(watches)
        self._log = log
        self._stamps = [{path: _stamp(path) for path in watch.files} for watch in self._watches]

    def poll(self) -> None:
        """Looks once; a failing reload is logged and not tried again until the file changes once more."""
        for watch, stamps in zip(self._watches, self._stamps, strict=True):
            for path in watch.files:
                now = _stamp(path)
                if now == stamps[path]:
                    continue
                stamps[path] = now
                why = watch.changed(path)
                if why:
                    self._log.warn("o.e.w.FileWatcher", f"cannot notify file changes listener\n{why}")


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns // 1_000_000, found.st_size
