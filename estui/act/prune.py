"""Old runs go: their records in the workspace, and on the nodes the files they replaced and the sets nobody uses.

The last run in effect stays whatever its age, and so does every set that a link, a yml or a run that stays needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from estui.act.commit import announced
from estui.act.context import Context
from estui.act.fs import Fs
from estui.act.items import BEFORE, items_of, switched_of
from estui.act.journal import RUNS
from estui.act.runs import in_effect
from estui.model.observed import FileKind
from estui.model.plan import Place
from estui.model.run import RunState

KEEP = 10
"""Newest runs that stay, whatever their age."""
KEEP_SETS = 2
"""Newest sets of a layer that stay on a node."""

Open = Callable[[str], Context]
"""Opens a run of the workspace by its id."""


@dataclass(frozen=True)
class Pruned:
    """What went, and what could not: a node whose folder is not there keeps its run."""

    runs: tuple[str, ...] = ()
    files: int = 0
    skipped: tuple[str, ...] = ()


def prunable(runs: Sequence[RunState], *, keep: int, older_than: timedelta, now: datetime) -> tuple[RunState, ...]:
    """Runs that may go, oldest first: ended, not among the newest `keep`, older than `older_than`, and not the last
    apply in effect. Runs that never began may always go."""
    good = [run for run in in_effect(runs) if run.kind == "apply"][-1:]
    spared = {run.id for run in (*good, *(runs[-keep:] if keep else ()))}
    return tuple(
        run
        for run in runs
        if not run.unfinished and (not run.started or (run.id not in spared and _age(run, now) >= older_than))
    )


def _age(run: RunState, now: datetime) -> timedelta:
    return now - datetime.fromisoformat(run.started.replace("Z", "+00:00"))


def prune(open_run: Open, fs: Fs, workspace: str, runs: Sequence[RunState], going: Sequence[RunState]) -> Pruned:
    """Removes these runs of all `runs`; idempotent, so that an interrupted one is done again. The lock must be held."""
    gone = {run.id for run in going}
    staying = [open_run(run.id) for run in runs if run.id not in gone and run.started]
    needed = {link for context in staying for link in _links(context)}
    pruned: list[str] = []
    skipped: list[str] = []
    files = 0
    for run in going:
        missing = ""
        if run.started:
            context = open_run(run.id)
            missing = next((place.root for place in context.plan.places if not fs.names(place.root, "")), "")
            if missing:
                skipped.append(f"{run.id}: {missing} is empty or not there: is it mounted?")
                continue
            if not context.journal.has("pruning"):
                context.journal.write("pruning")  # from here on it cannot be undone any more
            files += sum(_prune_node(context, place, needed) for place in context.plan.places)
        remove_tree(fs, workspace, f"{RUNS}/{run.id}")
        pruned.append(run.id)
    return Pruned(tuple(pruned), files, tuple(skipped))


def _links(context: Context) -> set[tuple[str, str, str]]:
    """Target, link and set of everything that undoing a run, or undoing its undo, would link to."""
    found = set()
    path = context.journal.path
    for record in announced(context.journal).values():
        for each in switched_of(record.fields.get("items"), path):
            for link in (each.before.link, each.item.after.link):
                if link is not None:
                    found.add((each.item.root, each.item.path, link))
    for record in context.journal.find("prepare"):
        for item in items_of(record.fields.get("items"), path):
            if item.after.link is not None:
                found.add((item.root, item.path, item.after.link))
    return found


def _prune_node(context: Context, place: Place, needed: set[tuple[str, str, str]]) -> int:
    fs, folder, root = context.fs, context.plan.folder, place.root
    count = remove_tree(fs, root, f"{folder}/{BEFORE}/{context.run}")
    for name in fs.names(root, folder):
        base = f"{folder}/{name}"
        if name == BEFORE or fs.read(root, base).kind is not FileKind.FOLDER:
            continue
        link = fs.read(root, f"{base}/current").link
        sets = [each for each in fs.names(root, base) if each[:1].isdigit()]
        for own in (each for each in sets if each == context.run or each.startswith(f"{context.run}-")):
            used = own in (link, *sets[-KEEP_SETS:]) or (root, f"{base}/current", own) in needed
            if not used and not _is_named(fs, root, f"{base}/{own}"):
                count += remove_tree(fs, root, f"{base}/{own}")
    return count


def _is_named(fs: Fs, root: str, path: str) -> bool:
    """Whether a yml at the top of the folder names the set itself instead of its link."""
    return any(
        path.encode() in fs.read(root, name).content for name in fs.names(root, "") if name.endswith((".yml", ".yaml"))
    )


def remove_tree(fs: Fs, root: str, path: str) -> int:
    """Removes a folder and everything in it, links unfollowed; the count of files that went."""
    count = 0
    for name in fs.names(root, path):
        below = f"{path}/{name}"
        if fs.read(root, below).kind is FileKind.FOLDER:
            count += remove_tree(fs, root, below)
        else:
            fs.remove(root, below)
            count += 1
    fs.remove(root, path)
    return count


__all__ = ["KEEP", "Pruned", "prunable", "prune", "remove_tree"]
