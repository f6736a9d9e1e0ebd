"""Undo of a run: a run of its own that switches every committed name back, checked and journaled like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from estui.act import credentials
from estui.act.commit import announced, drop_empty_kept, drop_staged
from estui.act.context import Context
from estui.act.crew import for_each, gather
from estui.act.fs import Owner
from estui.act.grants import GONE as LOGIN_GONE
from estui.act.items import Item, Ready, Switched, difference, identical, same, switched_of
from estui.act.journal import Journal
from estui.act.passwords import announced as announced_passwords
from estui.act.pins import image_of
from estui.act.runs import step_record
from estui.act.staging import staged_name
from estui.decide.join_steps import is_leaving, leaving
from estui.decide.password_steps import LOGIN_KINDS, password_change
from estui.decide.runbook import UNDO_STAGE, rollback_steps, takes_down
from estui.errors import ApplyError, Location, StalePlanError, UsageError
from estui.model.observed import FileKind
from estui.model.plan import Plan, Stage
from estui.model.run import RunPhase


def committed(journal: Journal) -> tuple[Switched, ...]:
    """Everything that a run switched, or may have begun to switch, in the order it did.

    A name that was switched more than once, as with a set that was published again, is told once: as it was before
    the first time, and as it was left the last time.
    """
    found: dict[tuple[str, str], Switched] = {}
    for record in announced(journal).values():
        for each in switched_of(record.fields.get("items"), journal.path):
            key = (each.item.target, each.item.path)
            found[key] = replace(found[key], item=each.item) if key in found else each
    return tuple(found.values())


def has_taken_down(plan: Plan, journal: Journal) -> bool:
    """Whether a run has begun to take something down that its undo has to bring up again, whatever it switched."""
    if plan.goal.joins or plan.goal.passwords:
        return False
    return takes_down(step_record(journal, step) for step in plan.steps)


def is_untouched(run: Context) -> bool:
    """Whether nothing of a run can be seen outside of what it prepared: its undo needs no run-book."""
    journal = run.journal
    return not (committed(journal) or announced_passwords(journal) or has_taken_down(run.plan, journal))


def rollback_plan(plan: Plan, journal: Journal, order: tuple[str, ...]) -> Plan:
    """The plan of the undo: no changes of its own, the steps back.

    `order` is the start order of all nodes, under the names that the plan knows. Raises UsageError where a node that
    the run changed is no node of the inventory any more.
    """
    targets = tuple(dict.fromkeys(each.item.target for each in committed(journal)))
    gone = [name for name in targets if name not in order and "/" not in name]
    if gone:
        raise UsageError(f"{', '.join(gone)} is not in estui.yaml any more", hint="estui node add DIR")
    if any(map(journal.has, (*(kind.gone for kind in credentials.KINDS), LOGIN_GONE))):
        raise UsageError(
            f"run {journal.run} deleted a login that what it took back would need",
            hint="estui plan https makes another one (for Kibana with --kibana-token)",
        )
    why = next((stage.why for stage in plan.stages if stage.restart is plan.restart), "")
    undo = replace(
        plan,
        stages=(Stage(UNDO_STAGE, plan.restart, (), why),),
        steps=rollback_steps(plan, targets, order, taken_down=has_taken_down(plan, journal)),
        pins=(),
        expect_nodes=len(order),
        notes=("passwords that were set, CAs that were made and the security index stay",),
    )
    if plan.goal.passwords:
        return _with_passwords(undo, plan, journal)
    if not plan.goal.joins:
        return undo
    return replace(undo, expect_nodes=len(order) - len(leaving(undo)), notes=_leaving_notes(undo))


def _with_passwords(undo: Plan, plan: Plan, journal: Journal) -> Plan:
    """The undo of new passwords: those that the run set, or may have set, are set back by the same way in."""
    change, users = password_change(plan), announced_passwords(journal)
    back = (replace(change, users=users),) if change and users else ()
    stage = replace(undo.stages[0], changes=back)
    steps = undo.steps if back else tuple(step for step in undo.steps if step.kind not in LOGIN_KINDS)
    return replace(undo, stages=(stage,), steps=steps, notes=("a password whose value before is not known stays",))


def _leaving_notes(undo: Plan) -> tuple[str, ...]:
    if not is_leaving(undo):
        return ()
    names = ", ".join(undo.goal.joins)
    return (
        f"{names} leaves the cluster and estui.yaml; its data folder stays as it is",
        f"the certificates that {names} got are valid until they end, wherever their keys are",
    )


def undo_items(context: Context, switched: Sequence[Switched]) -> dict[str, list[tuple[Item, Switched]]]:
    """Items that bring everything back, by target, in the reverse order: yml first, links last."""
    by_target: dict[str, list[tuple[Item, Switched]]] = {}
    for each in reversed(switched):
        item = each.item
        staged = staged_name(item.path, context.run) if each.before.kind == FileKind.FILE.value else ""
        undone = Item(item.target, item.root, item.path, each.before, staged)
        by_target.setdefault(item.target, []).append((undone, each))
    return by_target


def find_drift(context: Context, switched: Sequence[Switched], force: Sequence[str] = ()) -> None:
    """Raises StalePlanError naming every file that somebody changed since the run left it, unless forced."""

    def drift(each: Switched) -> str:
        item = each.item
        found = image_of(context, item.root, item.path)
        if same(item.after, found) or same(each.before, found):
            return ""
        shown = f"{item.root}/{item.path}"
        return "" if shown in force or item.path in force else f"{shown}: {difference(item.after, found)}"

    drifted = [text for text in gather(switched, drift) if text]
    if drifted:
        raise StalePlanError(
            "files were changed since that run; nothing was undone",
            reasons=tuple(drifted),
            hint="look at them; estui rollback --force FILE (or recover --undo --force FILE) undoes one all the same",
        )


def prepare_undo(context: Context, undone: Journal, force: Sequence[str] = ()) -> None:
    """Puts every old file ready beside the one in use, with its old owner and mode.

    Raises StalePlanError (drift), ApplyError (a kept file is missing or changed).
    """
    if undone.has("pruning"):
        raise ApplyError(f"run {undone.run} was pruned: what it replaced is gone", hint="estui history")
    switched = committed(undone)
    find_drift(context, switched, force)
    switched = tuple(each for each in switched if not _is_edited_before(context, each))
    context.journal.write("undoes", run=undone.run)
    for_each(undo_items(context, switched).values(), partial(_prepare_target, context))
    context.journal.write("materialised")


def _prepare_target(context: Context, pairs: Sequence[tuple[Item, Switched]]) -> None:
    items = [item for item, _ in pairs]
    target = items[0].target
    expects = [replace(each, before=image_of(context, each.item.root, each.item.path)) for _, each in pairs]
    context.journal.write("expects", target=target, items=expects)
    context.journal.write(
        "prepare",
        stage=UNDO_STAGE,
        target=target,
        root=items[0].root,
        folders=[],
        files=[
            Ready(item.staged, item.after.sha256, item.after.mode, item.after.uid, item.after.gid)
            for item in items
            if item.staged
        ],
        items=items,
        leaves=[],
    )
    for item, each in pairs:
        if item.staged:
            _stage_kept(context, item, each)
    context.journal.write("prepared", stage=UNDO_STAGE, target=target)


def _is_edited_before(context: Context, each: Switched) -> bool:
    """Whether a name was not switched yet when somebody changed its old file in place, and what was kept with it,
    since both are one file until the switch: what they wrote stays, as the old content is nowhere."""
    item = each.item
    pending = bool(item.staged) and bool(each.kept) and context.fs.read(item.root, item.staged).exists
    return (
        pending
        and not identical(each.before, image_of(context, item.root, each.kept))
        and not same(each.before, image_of(context, item.root, item.path))
    )


def _stage_kept(context: Context, item: Item, each: Switched) -> None:
    source = each.kept
    kept = context.fs.read(item.root, source)
    if not kept.exists:
        # the run announced this name but never kept it: it is still the old one
        source = item.path
        kept = context.fs.read(item.root, source)
    before = each.before
    if not identical(before, context.digests.image(item.path, kept)):
        raise ApplyError(
            "is not the file that the run replaced",
            location=Location(f"{item.root}/{each.kept}"),
            hint="restore it from a backup",
        )
    context.fs.create(item.root, item.staged, kept.content, before.mode, Owner(before.uid, before.gid), like=source)


def drop_unswitched(undone: Context) -> None:
    """Before an undo ends: what the unfinished run that it takes back still had ready goes; idempotent."""
    if not undone.journal.has("ended"):
        for record in undone.journal.find("prepare"):
            drop_staged(undone, record)
            drop_empty_kept(undone, record.text("root"))


def close_undone(undone: Context, by: str) -> None:
    """After an undo has ended: the unfinished run that it took back ends as well; idempotent."""
    if not undone.journal.has("ended"):
        undone.journal.write("ended", phase=RunPhase.ROLLED_BACK, detail=f"by run {by}")
