"""A node's log folder: which of it is new since a mark, and nothing else of it.

Owns finding the files, telling them again after a rotation, and reading a bounded end of each. What the lines mean is
`decide/log_fragments.py`. The folder belongs to the node: links in it are not followed, and nothing but plain files is
opened.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MOST = 1 << 20
"""Bytes that are read of one file: the last ones."""
LINE = 64 << 10
"""Characters of one line that are looked at; a line with a stack trace in JSON can be long."""
FILES = 32
"""Files of one folder that are looked at: those that were written to last."""
_HEAD = 512
_ENDINGS = (".log", ".json", ".ndjson")
"""Elasticsearch and Kibana, Elasticsearch of 7.x and 8.x, Beats of 8.x and later."""
_OTHERS = ("deprecation", "slowlog", "_audit", "gc.log")
"""Parts of names of logs that say nothing about starting and trusting."""


@dataclass(frozen=True)
class LogEnd:
    """Where one file ended when a mark was made. `head` is the digest of its first bytes: a file is told by how it
    begins, since a rotation gives it another name, and numbers of files do not last on every mount."""

    name: str
    size: int
    head: str
    head_size: int


def mark_log(folder: str) -> tuple[LogEnd, ...]:
    """Where every log of a folder ends now. Empty where there is no such folder, or it cannot be read."""
    found = []
    for name in _names(folder):
        file = _open(folder, name)
        if file is None:
            continue
        try:
            size = os.fstat(file).st_size
            head = os.pread(file, min(_HEAD, size), 0)
            found.append(LogEnd(name, size, hashlib.sha256(head).hexdigest(), len(head)))
        except OSError:
            continue
        finally:
            os.close(file)
    return tuple(found)


def read_since(folder: str, marks: Sequence[LogEnd]) -> tuple[str, ...]:
    """Lines that were written since the marks were made, file by file, the oldest file first.

    A file that was renamed is read on under its new name, one that was cut short or begun anew from its start, and one
    that was compressed meanwhile is given up. At most `MOST` bytes of each file.
    """
    lines: list[str] = []
    for name in reversed(_names(folder)):
        file = _open(folder, name)
        if file is None:
            continue
        try:
            lines += _new_lines(file, name, marks)
        except OSError:
            continue
        finally:
            os.close(file)
    return tuple(lines)


def folder_problem(folder: str) -> str:
    """Why nothing can be read there, in words; empty where it can."""
    try:
        with os.scandir(folder) as entries:
            return "" if any(map(_is_log, (entry.name for entry in entries))) else "holds no log"
    except OSError as error:
        return os.strerror(error.errno or 0)


def _names(folder: str) -> list[str]:
    """Logs of the folder, the one written to last first."""
    found: list[tuple[float, str]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_log(entry.name) and entry.is_file(follow_symlinks=False):
                    found.append((entry.stat(follow_symlinks=False).st_mtime, entry.name))
    except OSError:
        return [name for _, name in found]
    return [name for _, name in sorted(found, reverse=True)[:FILES]]


def _is_log(name: str) -> bool:
    return name.endswith(_ENDINGS) and not any(part in name for part in _OTHERS)


def _open(folder: str, name: str) -> int | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(Path(folder) / name, flags)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None


def _new_lines(file: int, name: str, marks: Sequence[LogEnd]) -> Iterator[str]:
    size = os.fstat(file).st_size
    start = _known_end(file, size, name, marks)
    begin = max(start, size - MOST)
    content = os.pread(file, size - begin, begin)
    if begin > start:  # the rest of a line whose beginning was left out
        content = content.partition(b"\n")[2]
    yield from (line[:LINE] for line in content.decode("utf-8", "replace").splitlines())


def _known_end(file: int, size: int, name: str, marks: Iterable[LogEnd]) -> int:
    """Where the file ended at the mark: 0 where it is another one, or was cut short since."""
    for mark in sorted(marks, key=lambda each: each.name != name):
        if mark.size > size or (mark.head_size == 0 and mark.name != name):
            continue
        if hashlib.sha256(os.pread(file, mark.head_size, 0)).hexdigest() == mark.head:
            return mark.size
    return 0
