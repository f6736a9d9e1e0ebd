"""Commit and undo: switches what is ready, name by name, and can go back the same way.

A target is announced in the journal with the image of everything it had before; each name is then switched by
one rename. What was replaced stays on the target in `estui/before/<run>/`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence

from estui.act import credentials
from estui.act.context import Context
from estui.act.crew import for_each, in_groups
from estui.act.fs import Owner, temporary_name
from estui.act.items import BEFORE, Item, Ready, Switched, difference, identical, items_of, ready_of, same, switched_of
from estui.act.journal import Journal, Record
from estui.act.pins import compare_pins, image_of
from estui.act.signals import deferred_signals
from estui.errors import ApplyError, EstuiError, Location, StalePlanError
from estui.formats.wire import Json
from estui.model.observed import FileKind

_SWITCHABLE = (FileKind.FILE.value, FileKind.LINK.value, FileKind.ABSENT.value)


def ready_items(context: Context, stage: str, targets: Collection[str]) -> dict[str, tuple[Item, ...]]:
    """Items of a stage for these targets, as the journal has them."""
    return {
        record.text("target"): items_of(record.fields.get("items"), context.journal.path)
        for record in context.journal.find("prepare")
        if record.text("stage") == stage and record.text("target") in targets
    }


def _place_of(record: Record) -> str:
    return f"{record.text('stage')}/{record.text('target')}"


def announced(journal: Journal) -> dict[str, Record]:
    """Announcements by `stage/target`, in order; those that were withdrawn are left out."""
    found: dict[str, Record] = {}
    for record in journal.records:
        if record.act == "committing":
            found[_place_of(record)] = record
        elif record.act == "withdrawn":
            found.pop(_place_of(record), None)
    return found


def committed_targets(journal: Journal) -> set[str]:
    """`stage/target` of everything that was switched."""
    return {_place_of(record) for record in journal.find("committed")}


def open_announcements(journal: Journal) -> list[Record]:
    """Announcements without their result: what an interruption left half done."""
    done = committed_targets(journal)
    return [record for place, record in announced(journal).items() if place not in done]


def commit(context: Context, stage: str, targets: Sequence[str], step: str) -> None:
    """Switches everything of these targets, after everything pinned on all of them was compared again.

    Raises StalePlanError where something moved since, ApplyError where something that was made ready is no longer
    whole: nothing of the step is switched then.
    """
    ready = ready_items(context, stage, set(targets))
    done = committed_targets(context.journal)
    open_targets = [target for target in targets if target in ready and f"{stage}/{target}" not in done]
    if context.journal.has("undoes"):
        _compare_items(context, ready, open_targets)
    else:
        compare_pins(context, open_targets, _switched_by(context, set(open_targets)))
    _check_ready(context, stage, set(open_targets))

    def switch_one(target: str) -> None:
        switch(context, stage, target, ready[target])
        names = ", ".join(item.path for item in ready[target])
        context.evidence(step, target, f"switched {names}")

    for group in in_groups(open_targets):
        with deferred_signals():
            for_each(group, switch_one)


def _switched_by(context: Context, targets: Collection[str]) -> set[tuple[str, str]]:
    """These targets' pinned paths that this run switched itself, in an earlier stage."""
    return {
        (each.item.target, each.item.pinned)
        for record in announced(context.journal).values()
        if record.text("target") in targets
        for each in switched_of(record.fields.get("items"), context.journal.path)
    }


def _compare_items(context: Context, ready: dict[str, tuple[Item, ...]], targets: Sequence[str]) -> None:
    """For an undo: what will be replaced must be what the undone run left there."""
    expected = {
        (record.text("target"), each.item.path): each.before
        for record in context.journal.find("expects")
        if record.text("target") in targets
        for each in switched_of(record.fields.get("items"), context.journal.path)
    }
    moved = []
    for target in targets:
        for item in ready[target]:
            wanted = expected.get((target, item.path))
            found = image_of(context, item.root, item.path)
            if wanted is not None and not same(wanted, found) and not same(item.after, found):
                moved.append(f"{item.root}/{item.path}: {difference(wanted, found)}")
    if moved:
        raise StalePlanError(
            "files changed since; nothing was undone",
            reasons=tuple(moved),
            hint="look at them; estui rollback takes this undo back, then: estui rollback --force FILE",
        )


def _check_ready(context: Context, stage: str, targets: Collection[str]) -> None:
    """Every file that was made ready is still there and whole."""
    broken = [
        f"{record.text('root')}/{each.path}"
        for record in context.journal.find("prepare")
        if record.text("stage") == stage and record.text("target") in targets
        for each in ready_of(record.fields.get("files"), context.journal.path)
        if not is_whole(context, record.text("root"), each)
    ]
    if broken:
        raise ApplyError(
            "files that were made ready are missing or changed; nothing was switched",
            reasons=tuple(broken),
            hint="is every folder mounted? else: estui rollback, and plan again",
        )


def is_whole(context: Context, root: str, each: Ready) -> bool:
    """Whether a file that was made ready is as it was written."""
    state = context.fs.read(root, each.path)
    return state.kind is FileKind.FILE and (state.sha256, state.mode, state.uid, state.gid) == (
        each.sha256,
        each.mode,
        each.uid,
        each.gid,
    )


def switch(context: Context, stage: str, target: str, items: Sequence[Item]) -> None:
    """One target: announce, keep, rename, record.

    Raises ApplyError or StalePlanError. Where that happens before the first rename, the announcement is withdrawn.
    """
    before_folder = f"{context.plan.folder}/{BEFORE}/{context.run}"
    switched = []
    for item in items:
        before = image_of(context, item.root, item.path)
        if before.kind not in _SWITCHABLE:
            raise ApplyError(
                f"is a {before.kind}, which estui does not replace",
                location=Location(f"{item.root}/{item.path}"),
                hint="move it away, then go on",
            )
        kept = f"{before_folder}/{item.path}" if before.kind == FileKind.FILE.value else ""
        switched.append(Switched(item, before, kept))
    context.journal.write("committing", stage=stage, target=target, items=switched)
    try:
        keep_all(context, switched)
    except EstuiError:
        _withdraw(context, stage, target, switched)
        raise
    switch_all(context, items)
    context.journal.write("committed", stage=stage, target=target)


def keep_all(context: Context, switched: Iterable[Switched]) -> None:
    """Keeps every file that is going to be replaced.

    Raises StalePlanError where what was kept is not what was announced: somebody changed it in between.
    """
    for each in switched:
        if not each.kept:
            continue
        root = each.item.root
        make_kept_folders(context, each)
        context.fs.keep(root, each.item.path, each.kept)
        if not identical(each.before, image_of(context, root, each.kept)):
            raise StalePlanError(
                "changed while it was being replaced; nothing was switched",
                location=Location(f"{root}/{each.item.path}"),
                hint="plan again and review the new plan",
            )


def _withdraw(context: Context, stage: str, target: str, switched: Sequence[Switched]) -> None:
    """Takes an announcement back after which nothing was switched. Where even that fails, recovery finds it."""
    with contextlib.suppress(EstuiError):
        for each in switched:
            if each.kept:
                context.fs.remove(each.item.root, each.kept)
        context.journal.write("withdrawn", stage=stage, target=target)


def make_kept_folders(context: Context, each: Switched) -> None:
    place = context.plan.place(each.item.target)
    parts = each.kept.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        context.fs.make_folder(each.item.root, "/".join(parts[:count]), place.folder_mode, Owner(place.uid, place.gid))


def switch_all(context: Context, items: Sequence[Item]) -> None:
    """All names of a target, in order; renames that follow one another are done back to back. Idempotent."""
    pairs: list[tuple[str, str]] = []
    for item in items:
        if item.after.link is None and not item.after.absent:
            if _is_staged(context, item):
                pairs.append((item.staged, item.path))
            continue
        _rename(context, item.root, pairs)
        _switch_link(context, item)
    if items:
        _rename(context, items[0].root, pairs)


def _rename(context: Context, root: str, pairs: list[tuple[str, str]]) -> None:
    if pairs:
        context.fs.rename_all(root, pairs)
        pairs.clear()


def _switch_link(context: Context, item: Item) -> None:
    """A link, or a removal; the name that an interrupted switch left beside it goes as well."""
    if item.after.link is not None and image_of(context, item.root, item.path) != item.after:
        context.fs.switch_link(item.root, item.path, item.after.link)
        return
    if item.after.link is None:
        context.fs.remove(item.root, item.path)
    context.fs.remove(item.root, temporary_name(item.path))


def _is_staged(context: Context, item: Item) -> bool:
    """Whether the file is still to be renamed; False where it is in place.

    Raises ApplyError where neither is so.
    """
    if context.fs.read(item.root, item.staged).exists:
        return True
    if same(item.after, image_of(context, item.root, item.path)):
        return False
    raise ApplyError(
        "is neither as before nor as planned, and the prepared file is gone",
        location=Location(f"{item.root}/{item.path}"),
        hint="estui recover --undo",
    )


def undo_prepared(context: Context) -> None:
    """Removes everything that was written beside the old files; idempotent. Nothing may have been switched."""
    journal = context.journal
    if journal.has("materialised") and not journal.has("discarding"):
        # from here on the run cannot be completed any more
        journal.write("discarding")
    for record in reversed(journal.find("prepare")):
        root = record.text("root")
        drop_staged(context, record)
        for each in ready_of(record.fields.get("files"), journal.path):
            context.fs.remove(root, each.path)
        drop_empty_kept(context, root)
        for folder in reversed(_texts(record.fields.get("folders"))):
            if not context.fs.names(root, folder):
                context.fs.remove(root, folder)
    for kind in credentials.KINDS:
        credentials.drop_unused(context, kind)


def drop_staged(context: Context, record: Record) -> None:
    """Removes what a target had ready beside names that were not switched."""
    for item in items_of(record.fields.get("items"), context.journal.path):
        context.fs.remove(item.root, item.staged or temporary_name(item.path))


def drop_empty_kept(context: Context, root: str) -> None:
    """Removes the folders for replaced files in which none was kept; some may not even be finished."""
    before = f"{context.plan.folder}/{BEFORE}"
    _remove_empty(context, root, f"{before}/{context.run}")
    if not context.fs.names(root, before):
        context.fs.remove(root, before)


def _remove_empty(context: Context, root: str, folder: str) -> None:
    """Removes a folder tree that holds no file."""
    for name in context.fs.names(root, folder):
        if context.fs.read(root, f"{folder}/{name}").kind is FileKind.FOLDER:
            _remove_empty(context, root, f"{folder}/{name}")
    if not context.fs.names(root, folder):
        context.fs.remove(root, folder)


def _texts(value: Json | None) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
