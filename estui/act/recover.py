"""After an interruption: finishes the act that the journal announces, from what is on disk."""

from __future__ import annotations

from estui.act.commit import image_of, make_kept_folders, switch_item
from estui.act.context import Context
from estui.act.items import same, switched_of
from estui.act.peers import Peers
from estui.errors import ApplyError
from estui.model.plan import Restart
from estui.observe.probe import is_refused

PROBE_TIMEOUT_S = 3.0


def finish_commit(context: Context) -> None:
    """Completes every target that was announced and not finished; idempotent.

    Raises ApplyError where a node of a full restart runs meanwhile: its old files go on being used, and the new
    ones would take effect under it.
    """
    journal = context.journal
    done = {(record.text("stage"), record.text("target")) for record in journal.find("committed")}
    for record in journal.find("committing"):
        stage, target = record.text("stage"), record.text("target")
        if (stage, target) in done:
            continue
        _refuse_running(context, stage, target)
        switched = switched_of(record.fields.get("items"), journal.path)
        for each in switched:
            still_old = same(each.before, image_of(context, each.item.root, each.item.path))
            if each.kept and still_old:
                make_kept_folders(context, each)
                context.fs.keep(each.item.root, each.item.path, each.kept)
        for each in switched:
            switch_item(context, each.item)
        journal.write("committed", stage=stage, target=target)


def _refuse_running(context: Context, stage: str, target: str) -> None:
    plan_stage = next((each for each in context.plan.stages if each.id == stage), None)
    if plan_stage is None or plan_stage.restart is not Restart.FULL:
        return
    addresses = Peers(context).addresses(target).values()
    if any(not is_refused(address, PROBE_TIMEOUT_S) for address in addresses):
        raise ApplyError(f"{target} runs", hint="stop all nodes first, then: estui recover")
