"""What the runs of a workspace left on the targets, read from their journals: the *desired* view of design §5.

Reads the workspace only, never a node's folder; whether the folder still looks so is `decide/views.py`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from estui.act.commit import announced
from estui.act.fs import Fs
from estui.act.items import Item, LeafRecord, items_of, switched_of
from estui.act.journal import Clock, Journal, Record, utc_now
from estui.act.runs import in_effect, read_plan, read_runs
from estui.decide.scenarios import layers_of
from estui.errors import StoreError
from estui.formats.wire import decode
from estui.model.observed import Observed
from estui.model.plan import Plan, RemoveSetting, SetSetting
from estui.model.run import RunState
from estui.model.setting import value_text
from estui.model.views import Desired, DesiredFile, DesiredLeaf, DesiredSetting
from estui.observe.client_files import read_clients, read_connected
from estui.observe.csr import read_imported


def with_workspace(observed: Observed, fs: Fs, workspace: str, clock: Clock = utc_now) -> Observed:
    """The observation with what the workspace itself knows: imported leaves, and what its runs left."""
    home = Path(workspace)
    seen = replace(
        observed,
        imported=read_imported(home),
        clients=read_clients(home),
        connected=read_connected(home),
    )
    try:
        return replace(seen, desired=what_runs_left(fs, workspace, clock))
    except StoreError:
        return seen  # a damaged journal stops whoever wants to change something, nobody who looks


def what_runs_left(fs: Fs, workspace: str, clock: Clock = utc_now) -> Desired | None:
    """Files and leaves as the runs in effect left them, and as the one in hand wants them; None without any run.

    Runs that were undone count no more, a run that was pruned is not known any more. Raises StoreError: a damaged
    journal.
    """
    runs = read_runs(fs, workspace)
    kept, hand = in_effect(runs), next((run for run in reversed(runs) if run.unfinished), None)
    if not kept and hand is None:
        return None
    files: dict[tuple[str, str], DesiredFile] = {}
    leaves: dict[tuple[str, str], DesiredLeaf] = {}
    settings: dict[tuple[str, str, str], DesiredSetting] = {}
    for run in (*kept, *((hand,) if hand else ())):
        journal = Journal(fs, workspace, run.id, clock)
        for file in _files(journal, run, waiting=run is hand):
            files[file.root, file.path] = file
        for leaf in _leaves(journal, waiting=run is hand):
            leaves[leaf.root, leaf.set_name] = leaf
        for setting in _settings(read_plan(fs, workspace, run.id), run) if run is not hand else ():
            settings[setting.root, setting.path, setting.key] = setting
    last = next((run for run in reversed(kept) if run.kind == "apply"), None)
    plan = read_plan(fs, workspace, last.id) if last else None
    return Desired(
        run=last.id if last else "",
        goal=plan.goal.label if plan else "",
        layers=tuple(layer.value for layer in layers_of(plan.goal.scenario)) if plan else (),
        leaves=tuple(leaves.values()),
        files=tuple(files.values()),
        waiting=hand.id if hand else "",
        settings=tuple(settings.values()),
    )


def _settings(plan: Plan | None, run: RunState) -> Iterator[DesiredSetting]:
    for change in plan.changes if plan else ():
        if isinstance(change, SetSetting | RemoveSetting):
            value = value_text(change.value) if isinstance(change, SetSetting) else None
            root = plan.place(change.target).root if plan else ""
            yield DesiredSetting(root, change.path, change.key, value, run.id)


def _files(journal: Journal, run: RunState, *, waiting: bool) -> Iterator[DesiredFile]:
    """Names in the order in which they were switched; of a run in hand, those that are ready first."""
    if waiting:
        for record in journal.find("prepare"):
            for item in items_of(record.fields.get("items"), journal.path):
                yield _file(item, run.id, waiting=True)
    for record in announced(journal).values():
        for each in switched_of(record.fields.get("items"), journal.path):
            yield _file(each.item, run.id, waiting=False)


def _file(item: Item, run: str, *, waiting: bool) -> DesiredFile:
    return DesiredFile(item.root, item.path, item.after, run, waiting)


def _leaves(journal: Journal, *, waiting: bool) -> Iterator[DesiredLeaf]:
    switched = {(record.text("stage"), record.text("target")) for record in announced(journal).values()}
    for record in journal.find("prepare"):
        ready = waiting and (record.text("stage"), record.text("target")) not in switched
        for leaf in _records(record, journal.path):
            yield DesiredLeaf(
                record.text("root"),
                leaf.set_name,
                leaf.authority,
                leaf.serial,
                leaf.sha256,
                leaf.not_after,
                journal.run,
                ready,
            )


def _records(record: Record, path: str) -> Iterator[LeafRecord]:
    found = record.fields.get("leaves")
    for each in found if isinstance(found, list) else ():
        yield decode(LeafRecord, each, path)
