"""One name in a folder: what stands there, without following it; and the file that a yml names.

Reads only. FIFOs, devices and sockets are never opened; a link is followed only by `follow`, and only to a place
inside the folder. What the bytes mean is left to `formats`.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from estui.model.observed import ABSENT, Fault, FileKind, FileState

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes above which a file is not read: no file of the stack's configuration is near it."""

_OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_WORDS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EIO: "input/output error",
    errno.ELOOP: "links in a circle",
    errno.ENAMETOOLONG: "name too long",
    errno.ENOTDIR: "a part of its path is not a folder",
    errno.ESTALE: "stale mount",
    errno.ENOTCONN: "mount is not connected",
    errno.EHOSTDOWN: "mount does not answer",
}


def words(exc: OSError) -> str:
    """Why a file cannot be reached, in words."""
    return _WORDS.get(exc.errno or 0) or (exc.strerror or type(exc).__name__).lower()


def read_state(path: Path, *, limit: int = SIZE_LIMIT) -> FileState:
    """What stands under `path`, without following a link there; content of regular files up to `limit` bytes.

    Never raises for the file's sake: what could not be read is told in `.error`.
    """
    try:
        seen = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except (OSError, ValueError) as exc:
        reason = words(exc) if isinstance(exc, OSError) else "its name cannot be a path"
        return FileState(FileKind.OTHER, error=reason)
    if stat.S_ISLNK(seen.st_mode):
        return _read_link(path, seen)
    if not stat.S_ISREG(seen.st_mode):
        return _state(FileKind.FOLDER if stat.S_ISDIR(seen.st_mode) else FileKind.OTHER, seen)
    return _read_regular(path, seen, limit)


def _state(
    kind: FileKind, seen: os.stat_result, *, content: bytes = b"", link: str | None = None, error: str = ""
) -> FileState:
    return FileState(
        kind,
        content,
        mode=stat.S_IMODE(seen.st_mode),
        uid=seen.st_uid,
        gid=seen.st_gid,
        link=link,
        links=seen.st_nlink,
        error=error,
        changed_s=seen.st_mtime,
    )


def _read_link(path: Path, seen: os.stat_result) -> FileState:
    try:
        return _state(FileKind.LINK, seen, link=str(path.readlink()))
    except OSError as exc:
        return _state(FileKind.LINK, seen, error=words(exc))


def _read_regular(path: Path, seen: os.stat_result, limit: int) -> FileState:
    try:
        # O_NONBLOCK: should a FIFO have taken the file's place since, opening it must not wait for a writer.
        opened = os.open(path, _OPEN_FLAGS)
    except OSError as exc:
        return _state(FileKind.FILE, seen, error=words(exc))
    with os.fdopen(opened, "rb") as stream:
        try:
            seen = os.fstat(opened)
            if not stat.S_ISREG(seen.st_mode):
                return _state(FileKind.OTHER, seen, error="was replaced while it was read")
            content = stream.read(limit + 1)
        except OSError as exc:
            return _state(FileKind.FILE, seen, error=words(exc))
    if len(content) > limit:
        return _state(FileKind.FILE, seen, error=f"larger than {limit} bytes")
    return _state(FileKind.FILE, seen, content=content)


@dataclass(frozen=True)
class Followed:
    """A file that a yml names. `relative` is its path in the folder as named, links not resolved; with a `problem`
    there is no content to trust."""

    state: FileState
    relative: str
    problem: str = ""
    fault: Fault | None = None
    direct: bool = False
    """No link was followed."""


def follow(root: Path, name: str, *, on_host: tuple[str, ...] = (), limit: int = SIZE_LIMIT) -> Followed:
    """The file that `name` (relative to `root`, or absolute) means, through links that stay inside `root`.

    `on_host` are paths under which the owner of the files itself knows the folder: an absolute name below one of
    them is looked for in `root`. A name or link that leads out of the folder is not opened: Elasticsearch refuses
    such a file as well ("access to read the file is blocked; SSL resources should be placed in the [..] directory",
    8.x and 9.x).
    """
    relative = inside(root, name, on_host)
    if relative is None:
        return Followed(ABSENT, name, f"{name} lies outside the configuration folder", Fault.OUTSIDE)
    try:
        target = Path(os.path.realpath(root / relative, strict=True))
        home = Path(os.path.realpath(root, strict=True))
    except (FileNotFoundError, NotADirectoryError):
        return Followed(ABSENT, relative, f"{name} does not exist", Fault.MISSING)
    except (OSError, ValueError) as exc:
        reason = words(exc) if isinstance(exc, OSError) else "not a path"
        state = FileState(FileKind.OTHER, error=reason)
        return Followed(state, relative, f"{name} cannot be read: {reason}", Fault.UNREADABLE)
    if not target.is_relative_to(home):
        leads = f"{name} leads outside the configuration folder, to {target}"
        return Followed(ABSENT, relative, leads, Fault.OUTSIDE)
    found = _with_problem(read_state(target, limit=limit), relative, name)
    return found if found.problem else replace(found, direct=target == home / relative)


def _with_problem(state: FileState, relative: str, name: str) -> Followed:
    if state.error:
        return Followed(state, relative, f"{name} cannot be read: {state.error}", Fault.UNREADABLE)
    if state.kind is FileKind.ABSENT:
        return Followed(state, relative, f"{name} does not exist", Fault.MISSING)
    if state.kind is not FileKind.FILE:
        return Followed(state, relative, f"{name} is a {state.kind.value}, not a file", Fault.NOT_A_FILE)
    return Followed(state, relative)


def inside(root: Path, name: str, on_host: tuple[str, ...] = ()) -> str | None:
    """`name` relative to `root` with `/` between parts and without `..`, or None where it lies elsewhere."""
    path = os.path.normpath(name)
    if path.startswith("/"):
        homes = (str(root), *on_host)
        home = next((home for home in homes if Path(path).is_relative_to(os.path.normpath(home))), None)
        if home is None:
            return None
        path = os.path.relpath(path, os.path.normpath(home))
    return None if path == ".." or path.startswith("../") else path
