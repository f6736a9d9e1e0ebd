"""A file system that keeps only what was synced: a recorded apply, and every tree a loss of power may leave of it.

The model is the one of ALICE and CrashMonkey. What `fsync` of a file covers is its content, owner and mode, not its
name; `fsync` of a folder covers the names in it. Until then each change of a name may be there or not, whatever came
after it; content may be missing, cut, or zeros; a rename is one change, as on every file system with a journal.
"""

from __future__ import annotations

import inspect
import os
import random
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from estui.act import fs
from tests.faults.points import changes
from tests.unit.act.folders import Entry, Tree, tree

MOST_STATES = 40
"""States tried at one point: all of them up to here, a seeded sample of them beyond."""

Meta = tuple[int, int, int]
"""Mode, owner, group."""


@dataclass(frozen=True)
class Event:
    """One call that changed something. `node` is the inode it is about, `names` what it does to names in `folder`."""

    call: str
    path: str
    node: int = 0
    folder: int = 0
    names: tuple[tuple[str, int | str | None], ...] = ()
    content: bytes = b""
    meta: Meta | None = None
    site: str = ""
    """Method of the seam that made the call, and for a sync whether of a file or a folder."""


class Recorder:
    """Writes down an apply, call by call."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.events: list[Event] = []
        self._ids: dict[int, int] = {}
        self._next = 1
        self.first: dict[int, Node] = {}
        self.root = self._load(base)

    def _load(self, path: Path) -> int:
        """The tree as it is, all of it synced."""
        seen = path.lstat()
        number = self._new(seen.st_ino)
        meta = (stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid)
        node = Node(path.is_dir(), meta, meta)
        self.first[number] = node
        if path.is_dir():
            for each in path.iterdir():
                node.kept[each.name] = str(each.readlink()) if each.is_symlink() else self._load(each)
        else:
            node.data = node.kept_data = path.read_bytes()
        return number

    def _new(self, inode: int) -> int:
        self._ids[inode] = self._next
        self._next += 1
        return self._ids[inode]

    def _id(self, descriptor: int) -> int:
        return self._ids[os.fstat(descriptor).st_ino]

    def __call__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:
        if not changes(name, args):
            return call()
        there = self._before(name, args, kwargs)
        result = call()
        event = getattr(self, f"_{name}")(args, kwargs, result, there)
        if event is not None:
            self.events.append(replace(event, site=_site(event.path)))
        return result

    def _before(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if name != "open":
            return False
        try:
            os.stat(args[0], dir_fd=kwargs["dir_fd"], follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    @staticmethod
    def _where(descriptor: int) -> str:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())

    def _meta_of(self, descriptor: int) -> Meta:
        seen = os.fstat(descriptor)
        return stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid

    def _open(self, args: Any, kwargs: Any, result: int, there: bool) -> Event | None:
        if there:
            return None
        node = self._new(os.fstat(result).st_ino)
        folder, meta = self._id(kwargs["dir_fd"]), self._meta_of(result)
        return Event("open", self._where(result), node, folder, ((args[0], node),), meta=meta)

    def _mkdir(self, args: Any, kwargs: Any, result: None, there: bool) -> Event:
        seen = os.stat(args[0], dir_fd=kwargs["dir_fd"])
        node = self._new(seen.st_ino)
        meta = (stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid)
        path = f"{self._where(kwargs['dir_fd'])}/{args[0]}"
        return Event("mkdir", path, node, self._id(kwargs["dir_fd"]), ((args[0], node),), meta=meta)

    def _write(self, args: Any, kwargs: Any, result: int, there: bool) -> Event:
        return Event("write", self._where(args[0]), self._id(args[0]), content=bytes(args[1][:result]))

    def _fsync(self, args: Any, kwargs: Any, result: None, there: bool) -> Event:
        return Event("fsync", self._where(args[0]), self._id(args[0]))

    def _fchmod(self, args: Any, kwargs: Any, result: None, there: bool) -> Event:
        return Event("fchmod", self._where(args[0]), self._id(args[0]), meta=self._meta_of(args[0]))

    _fchown = _fchmod

    def _link(self, args: Any, kwargs: Any, result: None, there: bool) -> Event:
        folder = kwargs["dst_dir_fd"]
        node = self._ids[os.stat(args[1], dir_fd=folder, follow_symlinks=False).st_ino]
        return Event("link", f"{self._where(folder)}/{args[1]}", node, self._id(folder), ((args[1], node),))

    def _symlink(self, args: Any, kwargs: Any, result: None, there: bool) -> Event:
        folder = kwargs["dir_fd"]
        return Event("symlink", f"{self._where(folder)}/{args[1]}", 0, self._id(folder), ((args[1], args[0]),))

    def _unlink(self, args: Any, kwargs: Any, result: None, there: bool) -> Event:
        folder = kwargs["dir_fd"]
        return Event("unlink", f"{self._where(folder)}/{args[0]}", 0, self._id(folder), ((args[0], None),))

    _rmdir = _unlink

    def _rename(self, args: Any, kwargs: Any, result: None, there: bool) -> Event:
        folder = kwargs["dst_dir_fd"]
        assert self._id(folder) == self._id(kwargs["src_dir_fd"]), "renames stay in their folder"
        seen = os.stat(args[1], dir_fd=folder, follow_symlinks=False)
        link = stat.S_ISLNK(seen.st_mode)
        value: int | str = os.readlink(args[1], dir_fd=folder) if link else self._ids[seen.st_ino]
        names = ((args[0], None), (args[1], value))
        return Event("rename", f"{self._where(folder)}/{args[1]}", 0, self._id(folder), names)


def _site(path: str) -> str:
    """The public method of `RealFs` that is at work, such as `create` or `switch_link`."""
    frame = inspect.currentframe()
    found = ""
    while frame is not None:
        code = frame.f_code
        if code.co_filename == fs.__file__ and not code.co_name.startswith("_"):
            found = found or code.co_name
        frame = frame.f_back
    return f"{found} {'folder' if Path(path).is_dir() else 'file'}"


@dataclass
class Node:
    """A file or folder: what is synced, and what came after."""

    is_folder: bool
    meta: Meta
    kept_meta: Meta
    data: bytes = b""
    kept_data: bytes = b""
    kept: dict[str, int | str] = field(default_factory=dict)
    """Names that are synced: a node, or the text of a link."""
    pending: list[tuple[tuple[str, int | str | None], ...]] = field(default_factory=list)

    @property
    def is_synced(self) -> bool:
        return (self.data, self.meta) == (self.kept_data, self.kept_meta)

    def contents(self) -> list[tuple[bytes, Meta]]:
        """What may be read after a loss of power."""
        if self.is_synced:
            return [(self.data, self.meta)]
        old = self.kept_data if self.data.startswith(self.kept_data) else b""
        rest = self.data[len(old) :]
        found = [
            (self.data, self.meta),
            (old, self.kept_meta),
            (old + rest[: len(rest) // 2], self.meta),
            (old + bytes(len(rest)), self.meta),
            (self.data, self.kept_meta),
        ]
        return list(dict.fromkeys(found))


class Disk:
    """What is on disk after some of the events."""

    def __init__(self, recorder: Recorder) -> None:
        self.root = recorder.root
        self.nodes = {
            number: Node(node.is_folder, node.meta, node.meta, node.data, node.data, dict(node.kept))
            for number, node in recorder.first.items()
        }

    def apply(self, event: Event) -> None:
        if event.call in ("open", "mkdir"):
            assert event.meta is not None
            self.nodes[event.node] = Node(event.call == "mkdir", event.meta, event.meta)
        if event.folder:
            self.nodes[event.folder].pending.append(event.names)
        elif event.call == "write":
            self.nodes[event.node].data += event.content
        elif event.call == "fsync":
            self._sync(self.nodes[event.node])
        elif event.meta is not None:
            self.nodes[event.node].meta = event.meta

    def sync_all_but(self, node: int) -> None:
        """As if all else had reached the disk in time."""
        for number, each in self.nodes.items():
            if number != node:
                self._sync(each)

    @staticmethod
    def _sync(node: Node) -> None:
        node.kept_data, node.kept_meta = node.data, node.meta
        for names in node.pending:
            _rename_in(node.kept, names)
        node.pending.clear()

    def has_nothing_to_sync(self, node: int) -> bool:
        return self.nodes[node].is_synced and not self.nodes[node].pending

    def states(self, seed: int) -> Iterator[Tree]:
        """Every tree that may be left now, up to `MOST_STATES` of them; the first keeps everything."""
        choices: list[list[tuple[str, int, Any]]] = []
        for number, node in self.nodes.items():
            if node.pending:
                count = len(node.pending)
                masks = (
                    range(2**count - 1, -1, -1) if count <= 6 else [2**count - 1, 0, *(1 << n for n in range(count))]
                )
                choices.append([("names", number, mask) for mask in masks])
            if not node.is_synced:
                choices.append([("content", number, index) for index in range(len(node.contents()))])
        total = 1
        for each in choices:
            total *= len(each)
        if total <= MOST_STATES:
            picked = list(product(*choices))
        else:
            chance = random.Random(seed)
            picked = [tuple(each[0] for each in choices), tuple(each[-1] for each in choices)]
            picked += [tuple(chance.choice(each) for each in choices) for _ in range(MOST_STATES - 2)]
        for choice in picked:
            yield self._tree({(kind, number): value for kind, number, value in choice})

    def _tree(self, choice: dict[tuple[str, int], Any]) -> Tree:
        found: Tree = {}
        self._walk(self.root, "", choice, found)
        return found

    def _walk(self, number: int, prefix: str, choice: dict[tuple[str, int], Any], found: Tree) -> None:
        node = self.nodes[number]
        names = dict(node.kept)
        mask = choice.get(("names", number), 0)
        for position, change in enumerate(node.pending):
            if mask >> position & 1:
                _rename_in(names, change)
        for name, value in sorted(names.items()):
            path = prefix + name
            if isinstance(value, str):
                found[path] = ("link", value, 0, 0, 0)
                continue
            below = self.nodes[value]
            data, meta = below.contents()[choice.get(("content", value), 0)]
            entry: Entry = ("folder", "", *meta) if below.is_folder else ("file", data, *meta)
            found[path] = entry
            if below.is_folder:
                self._walk(value, path + "/", choice, found)


def _rename_in(names: dict[str, int | str], change: tuple[tuple[str, int | str | None], ...]) -> None:
    for name, value in change:
        if value is None:
            names.pop(name, None)
        else:
            names[name] = value


def check_model(recorder: Recorder, base: Path) -> None:
    """With everything kept, the model shows what is really there; the lock file is written past the seam."""
    disk = Disk(recorder)
    for event in recorder.events:
        disk.apply(event)
    modelled, real = next(disk.states(0)), tree(base)
    for path in set(modelled) | set(real):
        if path.endswith("workspace/lock"):
            continue
        one, other = modelled.get(path), real.get(path)
        assert one is not None, f"{path} is not in the model"
        assert other is not None, f"{path} is in the model only"
        assert one[:2] == other[:2], path
        if one[0] != "link":
            assert one == other, path
