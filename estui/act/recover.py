"""After an interruption: finishes the act that the journal announces, from what is on disk."""

from __future__ import annotations

from estui.act.commit import is_whole, keep_all, open_announcements, switch_all
from estui.act.context import Context
from estui.act.items import Item, Ready, Switched, difference, switched_of
from estui.act.peers import Peers
from estui.act.pins import image_of
from estui.act.signals import deferred_signals
from estui.errors import ApplyError, StalePlanError
from estui.model.plan import Restart
from estui.observe.probe import is_refused

PROBE_TIMEOUT_S = 3.0


def finish_commit(context: Context) -> None:
    """Completes every target that was announced and not finished; idempotent.

    Raises ApplyError where a node of a full restart runs meanwhile: its old files go on being used, and the new
    ones would take effect under it. Raises StalePlanError where somebody changed a file since. Nothing is switched
    then.
    """
    journal = context.journal
    for record in open_announcements(journal):
        stage, target = record.text("stage"), record.text("target")
        _refuse_running(context, stage, target)
        switched = switched_of(record.fields.get("items"), journal.path)
        _refuse_changed(context, switched)
        with deferred_signals():
            keep_all(context, [each for each in switched if is_open(context, each)])
            switch_all(context, [each.item for each in switched])
            journal.write("committed", stage=stage, target=target)


def is_open(context: Context, each: Switched) -> bool:
    """Whether a name is still to be switched: its new file is ready beside it, or its link leads to the old set."""
    item = each.item
    if item.staged:
        return context.fs.read(item.root, item.staged).exists
    return image_of(context, item.root, item.path) != item.after


def _refuse_changed(context: Context, switched: tuple[Switched, ...]) -> None:
    changed = []
    for each in switched:
        found = image_of(context, each.item.root, each.item.path)
        expected = each.before if is_open(context, each) else each.item.after
        problem = difference(expected, found)
        if problem:
            changed.append(f"{each.item.root}/{each.item.path}: {problem}")
        elif expected is each.before and not _is_ready(context, each.item):
            changed.append(f"{each.item.root}/{each.item.staged}: is not what was made ready")
    if changed:
        raise StalePlanError(
            "files changed since the run was cut short; nothing was switched",
            reasons=tuple(changed),
            hint="look at them; then: estui recover --undo, with --force FILE for those that may be overwritten",
        )


def _is_ready(context: Context, item: Item) -> bool:
    after = item.after
    ready = Ready(item.staged, after.sha256, after.mode, after.uid, after.gid)
    return not item.staged or is_whole(context, item.root, ready)


def _refuse_running(context: Context, stage: str, target: str) -> None:
    plan_stage = next((each for each in context.plan.stages if each.id == stage), None)
    if plan_stage is None or plan_stage.restart is not Restart.FULL:
        return
    addresses = Peers(context).addresses(target).values()
    if any(not is_refused(address, PROBE_TIMEOUT_S) for address in addresses):
        raise ApplyError(f"{target} runs", hint="stop all nodes first, then: estui recover")
