"""The one seam through which anything is written.

Every path is a pair: a root (a configuration folder or the workspace, which may be a mount behind links)
and a relative path below it, whose folders are opened one by one without following links, so that a
swapped folder cannot redirect a write. Nothing is ever truncated, overwritten in place or deleted and
re-created under the same name. `FailingFs` in the tests wraps the protocol.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from estui.errors import ApplyError, EstuiError, Location
from estui.model.observed import ABSENT, FileKind, FileState

READ_LIMIT = 64 * 1024 * 1024
"""Bytes; no file that estui reads or writes is anywhere near."""


@dataclass(frozen=True)
class Owner:
    """Numeric owner and group; -1 leaves one as it is."""

    uid: int = -1
    gid: int = -1


class Fs(Protocol):
    """Everything that estui does to files. Each call is durable when it returns."""

    def read(self, root: str, path: str) -> FileState:
        """What stands under a name, without following a link there."""

    def names(self, root: str, path: str) -> tuple[str, ...]:
        """Names in a folder, sorted; none where it does not exist."""

    def make_folder(self, root: str, path: str, mode: int, owner: Owner) -> None:
        """A folder, unless it is there."""

    def create(self, root: str, path: str, content: bytes, mode: int, owner: Owner) -> None:
        """A new file; FileExistsError (as ApplyError) where the name is taken."""

    def rename(self, root: str, source: str, target: str) -> None:
        """One name replaces another in the same folder tree, atomically."""

    def keep(self, root: str, path: str, kept: str) -> None:
        """A second name or copy of a file, with its owner and mode."""

    def switch_link(self, root: str, path: str, target: str) -> None:
        """A symbolic link replaces what stood under the name, atomically."""

    def remove(self, root: str, path: str) -> None:
        """A file, link or empty folder goes; nothing happens where it is gone."""

    def append(self, root: str, path: str, line: bytes) -> None:
        """One line at the end of a file that only its owner reads."""


def as_apply_error(error: OSError, root: str, path: str) -> ApplyError:
    """An operating system error in words, with what to do."""
    number = error.errno or 0
    words = os.strerror(number) if number else str(error)
    hint = {
        errno.ENOSPC: "make room on that file system, then go on",
        errno.EDQUOT: "make room in the quota, then go on",
        errno.EROFS: "mount it writable, then go on",
        errno.EACCES: "run estui as a user who may write there",
        errno.EPERM: "run estui as a user who may change owner and mode there, such as root",
        errno.EBUSY: "the file is mounted by itself: mount its folder instead",
        errno.ELOOP: "a folder on the way is a symbolic link, which estui does not follow when it writes",
        errno.ENOTDIR: "a folder on the way is a symbolic link or no folder, which estui does not follow",
        errno.EEXIST: "something else has this name; move it away, then go on",
    }.get(number, "")
    return ApplyError(f"cannot be written: {words}", location=Location(f"{root}/{path}"), hint=hint)


@contextlib.contextmanager
def _told(root: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise as_apply_error(error, root, path) from error


def _split(path: str) -> tuple[list[str], str]:
    parts = path.split("/")
    if path.startswith("/") or any(part in ("", "..") for part in parts):
        raise EstuiError(f"{path!r} is not a path below a folder")
    return parts[:-1], parts[-1]


class RealFs:
    """The file system of this host."""

    @contextlib.contextmanager
    def _folder(self, root: str, parts: list[str]) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        number = os.open(root, flags)
        try:
            for part in parts:
                below = os.open(part, flags | os.O_NOFOLLOW, dir_fd=number)
                os.close(number)
                number = below
            yield number
        finally:
            os.close(number)

    @contextlib.contextmanager
    def _parent(self, root: str, path: str) -> Iterator[tuple[int, str]]:
        parts, name = _split(path)
        with _told(root, path), self._folder(root, parts) as folder:
            yield folder, name

    def read(self, root: str, path: str) -> FileState:
        parts, name = _split(path)
        try:
            with self._folder(root, parts) as folder:
                return _state(folder, name)
        except FileNotFoundError:
            return ABSENT
        except OSError as error:
            return FileState(FileKind.OTHER, error=os.strerror(error.errno or 0))

    def names(self, root: str, path: str) -> tuple[str, ...]:
        try:
            with self._folder(root, [part for part in path.split("/") if part not in ("", ".")]) as folder:
                return tuple(sorted(os.listdir(folder)))  # noqa: PTH208 - by descriptor, not by path
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise as_apply_error(error, root, path) from error

    def make_folder(self, root: str, path: str, mode: int, owner: Owner) -> None:
        with self._parent(root, path) as (folder, name):
            try:
                os.mkdir(name, 0o700, dir_fd=folder)
            except FileExistsError:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                if not stat.S_ISDIR(found.st_mode):
                    raise
                return
            with self._opened(folder, name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as number:
                _own(number, mode, owner)
                os.fsync(number)
            os.fsync(folder)

    @contextlib.contextmanager
    def _opened(self, folder: int, name: str, flags: int, mode: int = 0) -> Iterator[int]:
        number = os.open(name, flags | os.O_CLOEXEC, mode, dir_fd=folder)
        try:
            yield number
        finally:
            os.close(number)

    def create(self, root: str, path: str, content: bytes, mode: int, owner: Owner) -> None:
        with self._parent(root, path) as (folder, name):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with self._opened(folder, name, flags, 0o600) as number:
                try:
                    _own(number, mode, owner)
                    _write(number, content)
                    os.fsync(number)
                except OSError:
                    # a half written file under its own fresh name is worth nothing to anybody
                    with contextlib.suppress(OSError):
                        os.unlink(name, dir_fd=folder)
                    raise
            os.fsync(folder)

    def rename(self, root: str, source: str, target: str) -> None:
        with self._parent(root, source) as (from_folder, from_name), self._parent(root, target) as (folder, name):
            os.rename(from_name, name, src_dir_fd=from_folder, dst_dir_fd=folder)
            os.fsync(folder)

    def keep(self, root: str, path: str, kept: str) -> None:
        with self._parent(root, path) as (folder, name), self._parent(root, kept) as (kept_folder, kept_name):
            try:
                os.link(name, kept_name, src_dir_fd=folder, dst_dir_fd=kept_folder, follow_symlinks=False)
            except FileExistsError:
                return  # the oldest image wins
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV):
                    raise
                state = _state(folder, name)
                self.create(root, kept, state.content, state.mode, Owner(state.uid, state.gid))
                return
            os.fsync(kept_folder)

    def switch_link(self, root: str, path: str, target: str) -> None:
        with self._parent(root, path) as (folder, name):
            temporary = f".{name}.estui-new"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            os.symlink(target, temporary, dir_fd=folder)
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def remove(self, root: str, path: str) -> None:
        parts, name = _split(path)
        with _told(root, path):
            try:
                with self._folder(root, parts) as folder:
                    state = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISDIR(state.st_mode):
                        os.rmdir(name, dir_fd=folder)
                    else:
                        os.unlink(name, dir_fd=folder)
                    os.fsync(folder)
            except FileNotFoundError:
                return

    def append(self, root: str, path: str, line: bytes) -> None:
        with self._parent(root, path) as (folder, name):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with self._opened(folder, name, flags, 0o600) as number:
                _write(number, line)
                os.fsync(number)
            os.fsync(folder)


def _own(number: int, mode: int, owner: Owner) -> None:
    """Owner before mode: a change of owner clears setuid and setgid."""
    if owner != Owner():
        found = os.fstat(number)
        wanted = Owner(owner.uid if owner.uid != found.st_uid else -1, owner.gid if owner.gid != found.st_gid else -1)
        if wanted != Owner():
            os.fchown(number, wanted.uid, wanted.gid)
    os.fchmod(number, mode)


def _write(number: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(number, view) :]


def _state(folder: int, name: str) -> FileState:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    mode, owner = stat.S_IMODE(found.st_mode), (found.st_uid, found.st_gid)
    if stat.S_ISLNK(found.st_mode):
        link = os.readlink(name, dir_fd=folder)
        return FileState(FileKind.LINK, mode=mode, uid=owner[0], gid=owner[1], link=link)
    if stat.S_ISDIR(found.st_mode):
        return FileState(FileKind.FOLDER, mode=mode, uid=owner[0], gid=owner[1])
    if not stat.S_ISREG(found.st_mode):
        return FileState(FileKind.OTHER, mode=mode, uid=owner[0], gid=owner[1])
    number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    with os.fdopen(number, "rb") as file:
        content = file.read(READ_LIMIT)
    return FileState(FileKind.FILE, content=content, mode=mode, uid=owner[0], gid=owner[1], links=found.st_nlink)
