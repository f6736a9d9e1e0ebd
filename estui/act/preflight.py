"""Everything that would make an apply or an undo fail on the way, found before anything is written.

Reads only. Whether the plan is still the reviewed one is `pins.compare_pins`' question.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from estui.act.context import Context
from estui.act.crew import gather
from estui.act.fs import Fs
from estui.act.items import BEFORE, Switched
from estui.act.login import ROLES, USERS
from estui.act.pins import follow
from estui.act.prepare import targets_of
from estui.decide.fixed import written_paths
from estui.errors import ApplyError
from estui.model.observed import FileKind
from estui.model.plan import (
    Change,
    FirstLogin,
    Place,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    SetAccess,
    SetKeystorePassword,
    SetSecureSetting,
    SetSetting,
)
from estui.observe import mounts

SET_BYTES = 64 * 1024
"""Room for one set of certificate files; they are a few kilobytes each."""
WORKSPACE_BYTES = 1024 * 1024
"""Room for plan, journal and report of a run, and for new CAs."""
FILES_EACH = 16
"""New names on a target, generously."""


@dataclass(frozen=True)
class Rights:
    """Which owners this process may give to a file."""

    uid: int
    groups: frozenset[int]
    may_chown: bool


def rights() -> Rights:
    """Of this process. Source: capabilities(7), CAP_CHOWN is bit 0 of `CapEff` in proc(5) `/proc/self/status`."""
    groups = frozenset({os.getegid(), *os.getgroups()})
    return Rights(os.geteuid(), groups, _has_chown())


def _has_chown() -> bool:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return os.geteuid() == 0
    line = next((line for line in status.splitlines() if line.startswith("CapEff:")), "CapEff: 0")
    return bool(int(line.split()[1], 16) & 1)


def refuse_unwritable(context: Context, undone: Sequence[Switched] = ()) -> None:
    """Raises ApplyError with every refusal: of `preflight`, or of `preflight_undo` where something is to be undone."""
    found = preflight_undo(context, undone) if undone else preflight(context)
    if found:
        done, again = ("undone", "undo it") if undone else ("applied", "apply")
        raise ApplyError(
            f"cannot be {done}; nothing was written",
            reasons=tuple(found),
            hint=f"mend what is listed, then {again} again",
        )


def preflight(context: Context) -> list[str]:
    """Every reason why this plan could not be written to the end, each naming its place."""
    refused = _folder_problems(context.workspace.path, WORKSPACE_BYTES, "the workspace")
    who, points = rights(), mounts.mount_points()
    with_files = {target for stage in context.plan.stages for target in targets_of(stage)}

    def problems(place: Place) -> list[str]:
        return _place_problems(context, place, who, points, with_files)

    return refused + [each for found in gather(context.plan.places, problems) for each in found]


def preflight_undo(context: Context, undone: Sequence[Switched]) -> list[str]:
    """Every reason why what a run switched could not be brought back to the end, each naming its place.

    Whether somebody changed a file since is `rollback.find_drift`'s question: that one can be forced, these cannot.
    """
    refused = _folder_problems(context.workspace.path, WORKSPACE_BYTES, "the workspace")
    who, points = rights(), mounts.mount_points()
    by_target: dict[str, list[Switched]] = {}
    for each in undone:
        by_target.setdefault(each.item.target, []).append(each)

    def problems(target: str) -> list[str]:
        return _undo_problems(context, context.plan.place(target), by_target[target], who, points)

    refused += [each for found in gather(by_target, problems) for each in found]
    return list(dict.fromkeys(refused))


def _undo_problems(
    context: Context, place: Place, undone: Sequence[Switched], who: Rights, points: frozenset[str]
) -> list[str]:
    root, folder = place.root, context.plan.folder
    refused: list[str] = []
    needed = 0
    for each in undone:
        item, before = each.item, each.before
        state = context.fs.read(root, item.path)
        shown = f"{root}/{item.path}"
        if before.kind == FileKind.FILE.value:
            needed += len(context.fs.read(root, each.kept).content) + len(state.content)
            refused += _owner_problems(shown, before.uid, before.gid, who)
        if state.exists and (state.error or state.kind is not FileKind.LINK):
            others = state.links - _kept_names(context.fs, root, folder, item.path)
            refused += _file_problems(shown, state.kind, others, state.error, points)
    folders = {str(Path(each.item.path).parent) for each in undone} | {folder, f"{folder}/{BEFORE}"}
    refused += _folder_problems(root, needed, place.target)
    for name in sorted(folders - {"."}):
        if context.fs.read(root, name).kind is FileKind.FOLDER:
            refused += _folder_problems(f"{root}/{name}", 0, place.target)
    return refused


def _kept_names(fs: Fs, root: str, folder: str, path: str) -> int:
    """Names of this very file that runs keep: an interruption leaves them before the file itself is replaced."""
    kept = (Path(root, folder, BEFORE, run, path) for run in fs.names(root, f"{folder}/{BEFORE}"))
    try:
        return sum(os.path.samestat(name.lstat(), Path(root, path).lstat()) for name in kept if name.exists())
    except OSError:
        return 0


def _place_problems(
    context: Context, place: Place, who: Rights, points: frozenset[str], with_files: Collection[str]
) -> list[str]:
    changes = list(context.plan.changes_of(place.target))
    if place.target not in with_files:
        changes = [change for change in changes if isinstance(change, FirstLogin)]
    sizes = 0
    refused: list[str] = []
    for path in _fixed_paths(changes):
        try:
            found, state = follow(context.fs, place.root, path)
        except ApplyError as error:
            refused.append(str(error))
            continue
        sizes += 2 * len(state.content)
        shown = f"{place.root}/{found}"
        if state.exists:
            refused += _file_problems(shown, state.kind, state.links, state.error, points)
            refused += _owner_problems(shown, state.uid, state.gid, who)
        refused += _folder_problems(str(Path(shown).parent), 0, place.target) if "/" in found else []
    refused += _folder_problems(place.root, sizes + SET_BYTES * len(changes), place.target)
    refused += _managed_problems(context.fs, place, context.plan.folder, changes)
    refused += _owner_problems(f"{place.root}/{context.plan.folder}", place.uid, place.gid, who)
    if any(isinstance(change, PublishSet) and not change.fixed for change in changes):
        refused += _link_problems(place.root)
    return refused


def _fixed_paths(changes: list[Change]) -> Iterator[str]:
    kinds = SetSetting | RemoveSetting | SetSecureSetting | RemoveSecureSetting | SetKeystorePassword | SetAccess
    yield from dict.fromkeys(change.path for change in changes if isinstance(change, kinds))
    for change in changes:
        if isinstance(change, PublishSet):
            yield from written_paths(change)
    if any(isinstance(change, FirstLogin) for change in changes):
        yield from (USERS, ROLES)


def _file_problems(shown: str, kind: FileKind, links: int, error: str, points: frozenset[str]) -> list[str]:
    if error:
        return [f"{shown}: cannot be read: {error}"]
    if kind is not FileKind.FILE:
        word = "a FIFO, device or socket" if kind is FileKind.OTHER else f"a {kind.value}"
        return [f"{shown}: is {word}, not a file; move it away"]
    if os.path.realpath(shown) in points:
        return [
            f"{shown}: is mounted by itself, so it cannot be replaced ({os.strerror(errno.EBUSY)}); "
            "mount its folder instead"
        ]
    if links > 1:
        return [
            f"{shown}: has {links} names (hard links), and the others would keep the old content; "
            "give it a copy of its own: cp -p, then mv over it"
        ]
    return []


def _owner_problems(shown: str, uid: int, gid: int, who: Rights) -> list[str]:
    if who.may_chown:
        return []
    if uid != who.uid:
        return [f"{shown}: belongs to uid {uid}, and uid {who.uid} may not give files away; run estui as root"]
    if gid not in who.groups:
        return [f"{shown}: belongs to group {gid}, of which uid {who.uid} is no member; run estui as root"]
    return []


def _folder_problems(folder: str, needed: int, whose: str) -> list[str]:
    """Missing, read-only, not writable for this user, or without room for `needed` bytes."""
    try:
        seen = os.statvfs(folder)
    except OSError as error:
        return [f"{folder}: {whose}: {os.strerror(error.errno or 0)}"]
    if not Path(folder).is_dir():
        return [f"{folder}: {whose}: is not a folder"]
    if seen.f_flag & os.ST_RDONLY:
        return [f"{folder}: {whose}: is on a file system that is mounted read-only; mount it writable"]
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return [f"{folder}: {whose}: uid {os.geteuid()} may not write there"]
    free = seen.f_bavail * seen.f_frsize
    if free < needed:
        return [f"{folder}: {whose}: {free} bytes are free, {needed} are needed; make room"]
    if seen.f_files and seen.f_favail < FILES_EACH:
        return [f"{folder}: {whose}: the file system has no room for more files"]
    return []


def _managed_problems(fs: Fs, place: Place, folder: str, changes: list[Change]) -> list[str]:
    """estui's own folder, the folders of its sets and their links, each of the kind that it has to be."""
    wanted = {folder: FileKind.FOLDER}
    for change in changes:
        if isinstance(change, PublishSet) and not change.fixed:
            wanted[f"{folder}/{change.set_name}"] = FileKind.FOLDER
            wanted[f"{folder}/{change.set_name}/current"] = FileKind.LINK
    refused: list[str] = []
    wrong: list[str] = []
    for path, kind in wanted.items():
        if any(path.startswith(f"{above}/") for above in wrong):
            continue
        state = fs.read(place.root, path)
        shown = f"{place.root}/{path}"
        if state.exists and (state.error or state.kind is not kind):
            wrong.append(path)
            word = f"cannot be read: {state.error}" if state.error else f"is a {state.kind.value}, not a {kind.value}"
            refused.append(f"{shown}: {word}; move it away, or choose another `folder:` in estui.yaml")
        elif state.exists and kind is FileKind.FOLDER:
            refused += _folder_problems(shown, 0, place.target)
    return refused


def _link_problems(root: str) -> list[str]:
    kind = mounts.file_system(root)
    if kind in mounts.WITHOUT_LINKS:
        return [
            f"{root}: is on {kind}, which does not carry symbolic links as the node would see them; mount it by NFS or "
            "sshfs (only certificates that are there already, under names of their own, can be replaced there)"
        ]
    return []
