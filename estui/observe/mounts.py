"""The mount table of this host: where mounts are (also those of single files, as `-v file:file` makes them, which no
rename replaces), and of what kind a folder's file system is."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path

MOUNT_TABLE = "/proc/self/mountinfo"
WITHOUT_LINKS = frozenset({"cifs", "smb3", "smbfs", "vfat", "exfat", "msdos", "ntfs", "ntfs3", "9p"})
"""File systems whose links, where they have any, are understood by this host alone."""
_OCTAL = re.compile(r"\\([0-7]{3})")


def _rows() -> tuple[tuple[str, str], ...]:
    """Mount point and type of every mount, in order. Source: proc(5), `/proc/PID/mountinfo`, fields 5 and 9."""
    try:
        text = Path(MOUNT_TABLE).read_text(errors="surrogateescape")
    except OSError:
        return ()
    return _parse(text)


@functools.lru_cache(maxsize=4)  # every folder asks, and with a mount for each of a thousand nodes the table is long
def _parse(text: str) -> tuple[tuple[str, str], ...]:
    rows = []
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        fields, kinds = left.split(" "), right.split(" ")
        if len(fields) > 4 and kinds[0]:
            rows.append((_OCTAL.sub(lambda found: chr(int(found.group(1), 8)), fields[4]), kinds[0]))
    return tuple(rows)


def mount_points() -> frozenset[str]:
    """Paths on which something is mounted; a bind-mounted single file is one of them."""
    return _points(_rows())


@functools.lru_cache(maxsize=4)
def _points(rows: tuple[tuple[str, str], ...]) -> frozenset[str]:
    return frozenset(path for path, _ in rows)


def file_system(folder: str) -> str:
    """Type of the file system that a folder is on, empty where it cannot be told."""
    path = os.path.realpath(folder)
    best, kind = "", ""
    for point, found in _rows():
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, found
    return kind
