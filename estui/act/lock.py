"""Who may write: a lock on the workspace for the life of a process, and a mark on each node for the life of a run."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from estui.act.context import Context
from estui.act.fs import Fs, Owner
from estui.act.journal import stamp, utc_now
from estui.act.workspace import PRIVATE_FILE
from estui.errors import Location, LockedError
from estui.formats.wire import Json, dumps
from estui.model.plan import Place

LOCK = "lock"
RUN_MARK = "run.json"
MARK_FORMAT = 1


@contextlib.contextmanager
def workspace_lock(workspace: str, what: str) -> Iterator[None]:
    """Holds the workspace's lock.

    Raises LockedError saying who holds it and since when. The lock goes with the process, however it ends.
    """
    path = Path(workspace) / LOCK
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise LockedError(
            f"the workspace cannot be locked: {os.strerror(error.errno or 0)}",
            location=Location(str(path)),
            hint="make the workspace writable",
        ) from error
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise _held(number, str(path)) from error
        os.ftruncate(number, 0)
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "what": what, "since": stamp(utc_now())}
        os.pwrite(number, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(number)


def _held(number: int, path: str) -> LockedError:
    try:
        holder = json.loads(os.pread(number, 4096, 0))
        who = f"estui {holder['what']} (process {holder['pid']} on {holder['host']}) since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        who = "another estui"
    return LockedError(f"{who} is at work here", location=Location(path), hint="wait until it ends")


def boot_id() -> str:
    """Changes with every boot of this host: tells a stale mark from a live one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def mark_path(folder: str) -> str:
    return f"{folder}/{RUN_MARK}"


def read_mark(fs: Fs, root: str, folder: str) -> dict[str, Json] | None:
    """Who is at work on a node, or None."""
    state = fs.read(root, mark_path(folder))
    if not state.exists:
        return None
    try:
        body = json.loads(state.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def take_node(context: Context, place: Place) -> None:
    """Marks a node as belonging to this run.

    Raises LockedError where another run, workspace or host has it; `take_over` replaces such a mark.
    """
    folder = context.plan.folder
    found = read_mark(context.fs, place.root, folder)
    host = socket.gethostname()
    mine = {"run": context.run, "workspace": context.workspace.identity().id, "host": host}
    if found is not None:
        if all(found.get(name) == value for name, value in mine.items()):
            return
        if not context.options.take_over:
            raise LockedError(
                f"{place.target} belongs to run {found.get('run', '?')} of {found.get('host', '?')} "
                f"since {found.get('since', '?')}",
                location=Location(f"{place.root}/{mark_path(folder)}"),
                hint="finish or undo that run there; --take-over if it is certainly dead",
            )
        context.fs.remove(place.root, mark_path(folder))
    body = {
        "format": MARK_FORMAT,
        **mine,
        "boot_id": boot_id(),
        "pid": os.getpid(),
        "since": stamp(context.now()),
    }
    owner = Owner(place.uid, place.gid)
    context.fs.make_folder(place.root, folder, place.folder_mode, owner)
    context.fs.create(place.root, mark_path(folder), dumps(body), PRIVATE_FILE, owner)


def release_nodes(context: Context) -> None:
    """Removes this run's marks; idempotent."""
    for place in context.plan.places:
        found = read_mark(context.fs, place.root, context.plan.folder)
        if found is not None and found.get("run") == context.run:
            context.fs.remove(place.root, mark_path(context.plan.folder))
