"""Files that are mounts by themselves: what containers do with `-v file:file`. They cannot be replaced by a rename."""

from __future__ import annotations

import re
from pathlib import Path

MOUNT_TABLE = "/proc/self/mountinfo"
_OCTAL = re.compile(rb"\\([0-7]{3})")
_POINT = 4
"""Field of a row that holds the mount point (proc(5), `/proc/PID/mountinfo`)."""


def mount_points() -> frozenset[str]:
    """Paths on which something is mounted; none where the table cannot be read, as on another system."""
    try:
        rows = Path(MOUNT_TABLE).read_bytes().splitlines()
    except OSError:
        return frozenset()
    fields = (row.split(b" ", _POINT + 1) for row in rows)
    return frozenset(_unescaped(each[_POINT]) for each in fields if len(each) > _POINT)


def _unescaped(point: bytes) -> str:
    """Blanks and such stand in octal in the table."""
    return _OCTAL.sub(lambda found: bytes([int(found.group(1), 8)]), point).decode(errors="surrogateescape")
