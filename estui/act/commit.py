"""Commit and undo: switches what is ready, name by name, and can go back the same way.

A target is announced in the journal with the image of everything it had before; each name is then switched by
one rename. What was replaced stays on the target in `estui/before/<run>/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from estui.act.context import Context
from estui.act.fs import Owner
from estui.act.items import BEFORE, GONE, Image, Item, Switched, difference, items_of, same, switched_of
from estui.act.prepare import STAGED_PREFIX
from estui.errors import ApplyError, Location, StalePlanError
from estui.model.observed import FileKind
from estui.model.plan import Pin


def image_of(context: Context, root: str, path: str) -> Image:
    """How a name looks now."""
    return context.digests.image(path, context.fs.read(root, path))


def pin_image(pin: Pin) -> Image:
    """A pin as the image that it expects."""
    if pin.kind == FileKind.ABSENT.value:
        return GONE
    if pin.link is not None:
        return Image(pin.kind, link=pin.link)
    return Image(pin.kind, pin.sha256, pin.entries, pin.mode, pin.uid, pin.gid)


def compare_pins(context: Context, targets: Iterable[str] | None = None) -> None:
    """Raises StalePlanError naming every pinned file that is no longer as it was reviewed.

    A keystore that appeared is no difference: a node makes one for itself at its first start.
    """
    wanted = None if targets is None else set(targets)
    moved = []
    for pin in context.plan.pins:
        if wanted is not None and pin.target not in wanted:
            continue
        root = context.plan.place(pin.target).root
        expected, found = pin_image(pin), image_of(context, root, pin.path)
        if pin.path.endswith(".keystore") and (expected.absent or (pin.entries and pin.entries == found.entries)):
            continue
        problem = difference(expected, found)
        if problem:
            moved.append(f"{root}/{pin.path}: {problem}")
    if moved:
        raise StalePlanError(
            "files changed since the plan was made; nothing was written",
            reasons=tuple(moved),
            hint="plan again and review the new plan",
        )


def ready_items(context: Context, stage: str) -> dict[str, tuple[Item, ...]]:
    """Items of a stage by target, as the journal has them."""
    return {
        record.text("target"): items_of(record.fields.get("items"), context.journal.path)
        for record in context.journal.find("prepare")
        if record.text("stage") == stage
    }


def committed_targets(context: Context) -> set[str]:
    """`stage/target` of everything that was switched."""
    return {f"{record.text('stage')}/{record.text('target')}" for record in context.journal.find("committed")}


def commit(context: Context, stage: str, targets: Sequence[str], step: str) -> None:
    """Switches everything of these targets, after everything pinned on all of them was compared again.

    Raises StalePlanError where something moved since: nothing of the step is switched then.
    """
    ready = ready_items(context, stage)
    done = committed_targets(context)
    open_targets = [target for target in targets if target in ready and f"{stage}/{target}" not in done]
    if context.journal.has("undoes"):
        _compare_items(context, ready, open_targets)
    else:
        compare_pins(context, open_targets)
    for target in open_targets:
        switch(context, stage, target, ready[target])
        names = ", ".join(item.path for item in ready[target])
        context.evidence(step, target, f"switched {names}")


def _compare_items(context: Context, ready: dict[str, tuple[Item, ...]], targets: Sequence[str]) -> None:
    """For an undo: what will be replaced must be what the undone run left there."""
    expected = {
        (record.text("target"), item.path): image
        for record in context.journal.find("expects")
        for item, image in _expected(record.fields.get("items"), context.journal.path)
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
            hint="look at them; --force FILE overwrites one all the same",
        )


def _expected(value: object, path: str) -> list[tuple[Item, Image]]:
    return [(each.item, each.before) for each in switched_of(value, path)]  # type: ignore[arg-type]


def switch(context: Context, stage: str, target: str, items: Sequence[Item]) -> None:
    """One target: announce, keep, rename, record."""
    before_folder = f"{context.plan.folder}/{BEFORE}/{context.run}"
    switched = []
    for item in items:
        before = image_of(context, item.root, item.path)
        kept = f"{before_folder}/{item.path}" if before.kind == FileKind.FILE.value else ""
        switched.append(Switched(item, before, kept))
    context.journal.write("committing", stage=stage, target=target, items=switched)
    for each in switched:
        if each.kept:
            make_kept_folders(context, each)
            context.fs.keep(each.item.root, each.item.path, each.kept)
    for each in switched:
        switch_item(context, each.item)
    context.journal.write("committed", stage=stage, target=target)


def make_kept_folders(context: Context, each: Switched) -> None:
    place = context.plan.place(each.item.target)
    parts = each.kept.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        context.fs.make_folder(each.item.root, "/".join(parts[:count]), place.folder_mode, Owner(place.uid, place.gid))


def switch_item(context: Context, item: Item) -> None:
    """One name, by one rename; nothing where it is switched already."""
    if item.after.link is not None:
        context.fs.switch_link(item.root, item.path, item.after.link)
    elif item.after.absent:
        context.fs.remove(item.root, item.path)
    elif context.fs.read(item.root, item.staged).exists:
        context.fs.rename(item.root, item.staged, item.path)
    elif not same(item.after, image_of(context, item.root, item.path)):
        raise ApplyError(
            "is neither as before nor as planned, and the prepared file is gone",
            location=Location(f"{item.root}/{item.path}"),
            hint="estui recover --undo",
        )


def undo_prepared(context: Context) -> None:
    """Removes everything that was written beside the old files; idempotent."""
    for record in reversed(context.journal.find("prepare")):
        root = record.text("root")
        items = items_of(record.fields.get("items"), context.journal.path)
        for item in items:
            if item.staged:
                context.fs.remove(root, item.staged)
        files = record.fields.get("files")
        for path in files if isinstance(files, list) else []:
            if f"/{context.run}/" in str(path):
                context.fs.remove(root, str(path))
        folders = record.fields.get("folders")
        for folder in reversed(folders if isinstance(folders, list) else []):
            if not context.fs.names(root, str(folder)):
                context.fs.remove(root, str(folder))


def staged_name(path: str, run: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/" * bool(folder) + f"{STAGED_PREFIX}{run}-{name}"
