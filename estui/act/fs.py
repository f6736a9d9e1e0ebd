"""The one seam through which anything is written.

Every path is a pair: a root (a configuration folder or the workspace, which may be a mount behind links)
and a relative path below it, whose folders are opened one by one without following links, so that a
swapped folder cannot redirect a write. Nothing is ever truncated, overwritten in place or deleted and
re-created under the same name. `system.py` has the calls that are made.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from estui.act import labels
from estui.act.system import SystemCalls
from estui.errors import ApplyError, EstuiError, Location
from estui.model.observed import ABSENT, FileKind, FileState

READ_LIMIT = 64 * 1024 * 1024
"""Bytes; no file that estui reads or writes is anywhere near."""
_CHUNK = 1024 * 1024
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EXDEV)
"""What a file system answers that has no hard links, or no room for one more."""


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

    def create(self, root: str, path: str, content: bytes, mode: int, owner: Owner, like: str = "") -> None:
        """A new file; ApplyError where the name is taken. With `like`, the labels and access control list of
        that file go along."""

    def rename(self, root: str, source: str, target: str) -> None:
        """One name replaces another in the same folder tree, atomically."""

    def rename_all(self, root: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Renames back to back; the folders are made durable after the last."""

    def move_new(self, root: str, source: str, target: str) -> None:
        """A file gets another name that nobody has yet; ApplyError where the name is taken."""

    def keep(self, root: str, path: str, kept: str) -> None:
        """A second name or copy of a file, with its owner and mode; nothing where it is kept already."""

    def switch_link(self, root: str, path: str, target: str) -> None:
        """A symbolic link replaces what stood under the name, atomically."""

    def remove(self, root: str, path: str) -> None:
        """A file, link or empty folder goes; nothing happens where it is gone."""

    def append(self, root: str, path: str, line: bytes) -> None:
        """One line at the end of a file that only its owner reads."""


def temporary_name(path: str) -> str:
    """Name beside a path that a link or a kept copy has until it is renamed."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/" * bool(folder) + f".{name}.estui-new"


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
    if path.startswith("/") or any(part in ("", ".", "..") for part in parts):
        raise EstuiError(f"{path!r} is not a path below a folder")
    return parts[:-1], parts[-1]


class RealFs:
    """The file system of this host."""

    def __init__(self, calls: SystemCalls | None = None) -> None:
        self.calls = calls or SystemCalls()

    # opening

    @contextlib.contextmanager
    def _folder(self, root: str, parts: list[str]) -> Iterator[int]:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        number = self.calls.open(root, flags)
        try:
            for part in parts:
                below = self.calls.open(part, flags | os.O_NOFOLLOW, dir_fd=number)
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

    @contextlib.contextmanager
    def _opened(self, folder: int, name: str, flags: int, mode: int = 0) -> Iterator[int]:
        number = self.calls.open(name, flags | os.O_CLOEXEC, mode, dir_fd=folder)
        try:
            yield number
        finally:
            os.close(number)

    # reading

    def read(self, root: str, path: str) -> FileState:
        parts, name = _split(path)
        try:
            with self._folder(root, parts) as folder:
                return self._state(folder, name)
        except FileNotFoundError:
            return ABSENT
        except OSError as error:
            return FileState(FileKind.OTHER, error=os.strerror(error.errno or 0))

    def _state(self, folder: int, name: str) -> FileState:
        found = self.calls.stat(name, dir_fd=folder, follow_symlinks=False)
        mode, uid, gid = stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid
        if stat.S_ISLNK(found.st_mode):
            link = self.calls.readlink(name, dir_fd=folder)
            return FileState(FileKind.LINK, mode=mode, uid=uid, gid=gid, link=link)
        if stat.S_ISDIR(found.st_mode):
            return FileState(FileKind.FOLDER, mode=mode, uid=uid, gid=gid)
        if not stat.S_ISREG(found.st_mode):
            return FileState(FileKind.OTHER, mode=mode, uid=uid, gid=gid)
        with self._opened(folder, name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK) as number:
            found = self.calls.fstat(number)  # of the file that is read, should the name have moved on
            content = self._content(number)
        mode, uid, gid = stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid
        return FileState(FileKind.FILE, content=content, mode=mode, uid=uid, gid=gid, links=found.st_nlink)

    def _content(self, number: int) -> bytes:
        chunks: list[bytes] = []
        left = READ_LIMIT + 1
        while left > 0 and (chunk := self.calls.read(number, min(_CHUNK, left))):
            chunks.append(chunk)
            left -= len(chunk)
        if left <= 0:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return b"".join(chunks)

    def names(self, root: str, path: str) -> tuple[str, ...]:
        try:
            with self._folder(root, [part for part in path.split("/") if part not in ("", ".")]) as folder:
                return tuple(sorted(self.calls.listdir(folder)))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise as_apply_error(error, root, path) from error

    # new files and folders

    def make_folder(self, root: str, path: str, mode: int, owner: Owner) -> None:
        with self._parent(root, path) as (folder, name):
            try:
                self.calls.mkdir(name, 0o700, dir_fd=folder)
            except FileExistsError:
                if self._is_finished(folder, name):
                    self.calls.fsync(folder)  # whoever made it may have ended before this
                    return
            with self._opened(folder, name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as number:
                self._own(number, mode, owner)
                self.calls.fsync(number)
            self.calls.fsync(folder)

    def _is_finished(self, folder: int, name: str) -> bool:
        """False for an empty folder that still is as `mkdir` made it: whoever made it ended before giving it away."""
        found = self.calls.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if found.st_mode & 0o777 != 0o700 or found.st_uid != os.geteuid():
            return True
        with self._opened(folder, name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW) as number:
            return bool(self.calls.listdir(number))

    def create(self, root: str, path: str, content: bytes, mode: int, owner: Owner, like: str = "") -> None:
        with self._parent(root, path) as (folder, name):
            carried = self._labels(root, like) if like else None
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with self._opened(folder, name, flags, 0o600) as number:
                try:
                    if carried is not None:
                        labels.give(self.calls, number, carried, f"{root}/{path}")
                    self._own(number, mode, owner)
                    self._write(number, content)
                    self.calls.fsync(number)
                except (OSError, EstuiError):
                    # a half written file under its own fresh name is worth nothing to anybody
                    with contextlib.suppress(OSError):
                        self.calls.unlink(name, dir_fd=folder)
                    raise
            self.calls.fsync(folder)

    def _labels(self, root: str, path: str) -> dict[str, bytes]:
        with (
            self._parent(root, path) as (folder, name),
            self._opened(folder, name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK) as number,
        ):
            return labels.read(self.calls, number)

    def _own(self, number: int, mode: int, owner: Owner) -> None:
        """Owner before mode: a change of owner clears setuid and setgid."""
        if owner != Owner():
            found = self.calls.fstat(number)
            uid = owner.uid if owner.uid != found.st_uid else -1
            gid = owner.gid if owner.gid != found.st_gid else -1
            if (uid, gid) != (-1, -1):
                self.calls.fchown(number, uid, gid)
        self.calls.fchmod(number, mode)
        if stat.S_IMODE(self.calls.fstat(number).st_mode) != mode:
            # chmod drops setgid without a word where the caller is not in the group
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def _write(self, number: int, content: bytes) -> None:
        view = memoryview(content)
        while view:
            view = view[self.calls.write(number, view) :]

    # names

    def rename(self, root: str, source: str, target: str) -> None:
        self.rename_all(root, [(source, target)])

    def rename_all(self, root: str, pairs: Sequence[tuple[str, str]]) -> None:
        with contextlib.ExitStack() as stack:
            opened = []
            for source, target in pairs:
                old = stack.enter_context(self._parent(root, source))
                new = stack.enter_context(self._parent(root, target))
                opened.append((old, new, target))
            for (old_folder, old_name), (new_folder, new_name), target in opened:
                with _told(root, target):
                    self.calls.rename(old_name, new_name, src_dir_fd=old_folder, dst_dir_fd=new_folder)
            for _, (new_folder, _), target in opened:
                with _told(root, target):
                    self.calls.fsync(new_folder)

    def move_new(self, root: str, source: str, target: str) -> None:
        with self._parent(root, source) as (old_folder, old_name), self._parent(root, target) as (folder, name):
            try:
                self.calls.link(old_name, name, src_dir_fd=old_folder, dst_dir_fd=folder, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if self._exists(folder, name):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
                self.calls.rename(old_name, name, src_dir_fd=old_folder, dst_dir_fd=folder)
            else:
                self.calls.unlink(old_name, dir_fd=old_folder)
            self.calls.fsync(folder)

    def _exists(self, folder: int, name: str) -> bool:
        try:
            self.calls.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def keep(self, root: str, path: str, kept: str) -> None:
        with self._parent(root, path) as (folder, name), self._parent(root, kept) as (kept_folder, kept_name):
            try:
                self.calls.link(name, kept_name, src_dir_fd=folder, dst_dir_fd=kept_folder, follow_symlinks=False)
            except FileExistsError:
                pass  # the oldest image wins
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                if not self._exists(kept_folder, kept_name):
                    self._copy(root, path, kept, self._state(folder, name))
            self.calls.fsync(kept_folder)

    def _copy(self, root: str, path: str, kept: str, state: FileState) -> None:
        """Whole or not at all: a half written copy must never pass for the oldest image."""
        temporary = temporary_name(kept)
        self.remove(root, temporary)
        self.create(root, temporary, state.content, state.mode, Owner(state.uid, state.gid), like=path)
        self.rename(root, temporary, kept)

    def switch_link(self, root: str, path: str, target: str) -> None:
        with self._parent(root, path) as (folder, name):
            temporary = temporary_name(name)
            with contextlib.suppress(FileNotFoundError):
                self.calls.unlink(temporary, dir_fd=folder)
            self.calls.symlink(target, temporary, dir_fd=folder)
            self.calls.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            self.calls.fsync(folder)

    def remove(self, root: str, path: str) -> None:
        parts, name = _split(path)
        with _told(root, path):
            try:
                with self._folder(root, parts) as folder:
                    with contextlib.suppress(FileNotFoundError):
                        found = self.calls.stat(name, dir_fd=folder, follow_symlinks=False)
                        drop = self.calls.rmdir if stat.S_ISDIR(found.st_mode) else self.calls.unlink
                        drop(name, dir_fd=folder)
                    self.calls.fsync(folder)  # also where it is gone: whoever removed it may have ended before this
            except FileNotFoundError:
                return

    def append(self, root: str, path: str, line: bytes) -> None:
        with self._parent(root, path) as (folder, name):
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
            with self._opened(folder, name, flags, 0o600) as number:
                self._write(number, line)
                self.calls.fsync(number)
            self.calls.fsync(folder)
