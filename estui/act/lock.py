"""Who may write: a lock on the workspace for the life of a process, and a mark on each node for the life of a run."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from estui.act.context import Context
from estui.act.crew import for_each
from estui.act.fs import Fs, Owner
from estui.act.journal import run_ids, stamp, utc_now
from estui.act.runs import read_run
from estui.act.staging import staged_name
from estui.act.workspace import PRIVATE_FILE
from estui.errors import ApplyError, EstuiError, Location, LockedError
from estui.formats.wire import Json, dumps
from estui.model.observed import FileState
from estui.model.plan import Place

LOCK = "lock"
RUN_MARK = "run.json"
MARK_FORMAT = 1
_TRIES = 10


@contextlib.contextmanager
def workspace_lock(workspace: str, what: str) -> Iterator[None]:
    """Holds the workspace's lock.

    Raises LockedError saying who holds it and since when. The lock goes with the process, however it ends.
    """
    path = Path(workspace) / LOCK
    number = _locked(path)
    try:
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "what": what, "since": stamp(utc_now())}
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same
            os.ftruncate(number, 0)
            os.pwrite(number, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(number)


def _locked(path: Path) -> int:
    """Descriptor of the locked file, which is the one that stands there: it may have been replaced meanwhile."""
    for _ in range(_TRIES):
        try:
            number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError as error:
            raise _unlockable(error, path) from error
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            there = path.stat(follow_symlinks=False)
            locked = os.fstat(number)
        except BlockingIOError as error:
            held = _held(number, str(path))
            os.close(number)
            raise held from error
        except FileNotFoundError:
            os.close(number)
            continue
        except OSError as error:
            os.close(number)
            raise _unlockable(error, path) from error
        if (there.st_dev, there.st_ino) == (locked.st_dev, locked.st_ino):
            return number
        os.close(number)
    raise LockedError("the lock file is replaced again and again", location=Location(str(path)), hint="who does that?")


def _unlockable(error: OSError, path: Path) -> LockedError:
    return LockedError(
        f"the workspace cannot be locked: {os.strerror(error.errno or 0)}",
        location=Location(str(path)),
        hint="make the workspace writable, on a file system that has locks and room",
    )


def _held(number: int, path: str) -> LockedError:
    try:
        holder = json.loads(os.pread(number, 4096, 0))
        who = f"estui {holder['what']} (process {holder['pid']} on {holder['host']}) since {holder['since']}"
    except (ValueError, KeyError, TypeError, OSError):
        who = "another estui"
    return LockedError(f"{who} is at work here", location=Location(path), hint="wait until it ends")


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def boot_id() -> str:
    """Changes with every boot of this host: tells a stale mark from a live one."""
    return _text_of("/proc/sys/kernel/random/boot_id")


def process_start(pid: int) -> str:
    """When a process of this host started, in clock ticks since boot; empty where there is none.

    Source: proc(5), `/proc/PID/stat` field 22; the second field may hold spaces and brackets.
    """
    fields = _text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""


def mark_path(folder: str) -> str:
    return f"{folder}/{RUN_MARK}"


Mark = dict[str, Json]


def read_mark(fs: Fs, root: str, folder: str) -> Mark | None:
    """Who is at work on a node; empty where a mark cannot be read, None where there is none."""
    return _mark_of(fs.read(root, mark_path(folder)))


def _mark_of(state: FileState) -> Mark | None:
    if not state.exists:
        return None
    try:
        body = json.loads(state.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _identity(context: Context) -> Mark:
    return {
        "run": context.run,
        "workspace": context.workspace.identity().id,
        "host": socket.gethostname(),
        "machine": _text_of("/etc/machine-id"),
    }


def is_here(mark: Mark) -> bool:
    """Whether a mark was made on this host."""
    return (mark.get("host"), mark.get("machine")) == (socket.gethostname(), _text_of("/etc/machine-id"))


def is_alive(mark: Mark) -> bool:
    """Whether the process that made a mark on this host still runs: same boot, same process, started then."""
    pid = mark.get("pid")
    started = process_start(pid) if isinstance(pid, int) else ""
    return mark.get("boot_id") == boot_id() and bool(started) and started == mark.get("started")


def take_nodes(context: Context) -> None:
    """Marks every node of the plan as belonging to this run.

    Raises LockedError where another run, workspace or host has one; `take_over` replaces such a mark.
    """
    for_each(context.plan.places, partial(take_node, context))


def take_node(context: Context, place: Place) -> None:
    """Marks one node as belonging to this run; nothing where it does. LockedError where somebody else has it."""
    fs, folder = context.fs, context.plan.folder
    path = mark_path(folder)
    found = read_mark(fs, place.root, folder)
    mine = _identity(context)
    if found is not None and _agrees(found, mine):
        return
    if found is not None and not context.options.take_over and not is_stale(context, found):
        raise _taken(place, found, path)
    new = not fs.read(place.root, folder).exists
    context.journal.write("take", target=place.target, root=place.root, new_folder=new)
    owner = Owner(place.uid, place.gid)
    fs.make_folder(place.root, folder, place.folder_mode, owner)
    ready = staged_name(path, context.run)
    fs.remove(place.root, ready)
    fs.create(place.root, ready, dumps(_body(context, mine)), PRIVATE_FILE, owner)
    if found is None:
        # nobody had it a moment ago: whoever is first has it now
        try:
            fs.move_new(place.root, ready, path)
        except EstuiError:
            fs.remove(place.root, ready)
            other = read_mark(fs, place.root, folder)
            if other is None:
                raise
            raise _taken(place, other, path) from None
    else:
        fs.rename(place.root, ready, path)
    there = read_mark(fs, place.root, folder)
    if there is None or not _agrees(there, mine):
        raise _taken(place, there or {}, path)


def _agrees(found: Mark, mine: Mark) -> bool:
    return all(found.get(name) == value for name, value in mine.items())


def _body(context: Context, mine: Mark) -> Mark:
    return {
        "format": MARK_FORMAT,
        **mine,
        "folder": context.workspace.path,
        "boot_id": boot_id(),
        "pid": os.getpid(),
        "started": process_start(os.getpid()),
        "since": stamp(context.now()),
    }


def _taken(place: Place, found: Mark, path: str) -> LockedError:
    state = ""
    if found and is_here(found):
        state = " (its process runs)" if is_alive(found) else " (its process is gone; the run may still wait)"
    return LockedError(
        f"{place.target} belongs to run {found.get('run', '?')} of {found.get('host', '?')} "
        f"since {found.get('since', '?')}{state}",
        location=Location(f"{place.root}/{path}"),
        hint=f"finish or undo that run there, in workspace {found.get('folder', '?')}; "
        "--take-over if it is certainly dead",
    )


def is_stale(context: Context, found: Mark) -> bool:
    """Whether a mark was left behind: its process is gone and its run has ended, or is undone by this one.

    A run waits for days without a process, so that alone says nothing; and of another host nothing can be told.
    """
    run, folder = found.get("run"), found.get("folder")
    if not is_here(found) or not isinstance(run, str) or not isinstance(folder, str):
        return False
    mine = found.get("workspace") == context.workspace.identity().id
    if mine:
        folder = context.workspace.path  # whose lock is held: nobody is at work in it
        undoes = next((record.text("undoes") for record in context.journal.find("begin")), "")
        if run == undoes:
            return True
    elif is_alive(found):
        return False
    try:
        state = read_run(context.fs, folder, run)
    except EstuiError:
        return False
    return bool(state.started) and not state.unfinished


def require_nodes(context: Context) -> None:
    """That every node still is marked for this run, which goes on.

    Raises LockedError where a mark is gone or another's: the folder may not be mounted, or another estui took over.
    """
    if context.journal.has("releasing"):
        return
    for place in context.plan.places:
        found = read_mark(context.fs, place.root, context.plan.folder)
        if found is not None or context.options.take_over or _was_lent(context):
            take_node(context, place)
            continue
        raise LockedError(
            f"the mark of run {context.run} is gone from {place.target}",
            location=Location(f"{place.root}/{mark_path(context.plan.folder)}"),
            hint="is the right folder mounted? --take-over marks it again",
        )


def _was_lent(context: Context) -> bool:
    """Whether a run that was to undo this one has had its nodes: it may have been cut short before giving them back."""
    fs, workspace = context.fs, context.workspace.path
    return any(read_run(fs, workspace, run).undoes == context.run for run in run_ids(fs, workspace))


def release_nodes(context: Context, heir: str = "") -> None:
    """Removes this run's marks, and the folders that were made for them alone; idempotent.

    With `heir`, an unfinished run that this one was to undo, the nodes go back to that one.
    """
    fs, folder = context.fs, context.plan.folder
    taken = context.journal.find("take")
    made_for = {record.text("target") for record in taken if record.fields.get("new_folder") is True}
    if taken and not context.journal.has("releasing"):
        context.journal.write("releasing")

    def release(target: str) -> None:
        place = context.plan.place(target)
        _release(context, place, heir)
        if target in made_for and not fs.names(place.root, folder):
            fs.remove(place.root, folder)

    for_each(dict.fromkeys(record.text("target") for record in taken), release)


def _release(context: Context, place: Place, heir: str) -> None:
    fs, path = context.fs, mark_path(context.plan.folder)
    ready, mine = staged_name(path, context.run), _identity(context)
    fs.remove(place.root, ready)
    state = fs.read(place.root, path)
    if state.error:
        raise ApplyError(
            f"cannot be read: {state.error}",
            location=Location(f"{place.root}/{path}"),
            hint="mend that, then: estui runbook resume",
        )
    found = _mark_of(state)
    if found is None or not _agrees(found, mine):
        return
    if not heir:
        fs.remove(place.root, path)
        return
    body = dumps(_body(context, {**mine, "run": heir}))
    fs.create(place.root, ready, body, PRIVATE_FILE, Owner(place.uid, place.gid))
    fs.rename(place.root, ready, path)
