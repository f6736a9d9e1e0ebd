"""Runs as their journals tell them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from estui.act.commit import commit, undo_prepared
from estui.act.journal import RUNS
from estui.act.runs import PLAN, in_effect, read_plan, read_run, read_runs, unfinished, with_undone
from estui.errors import ApplyError, StoreError, UsageError
from estui.model.run import RunPhase, RunState
from tests.unit.act.folders import STAGE, Cluster
from tests.unit.act.offline import go_offline
from tests.unit.act.test_commit import prepared


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def state(run: str, phase: RunPhase = RunPhase.DONE, undoes: str = "") -> RunState:
    return RunState(run, "rollback" if undoes else "apply", phase, (), "2026-11-24T01:02:03.000Z", undoes=undoes)


def test_a_run_waits_after_everything_is_ready_and_is_done_at_its_end(cluster: Cluster) -> None:
    context = prepared(cluster, cluster.plan())
    assert read_run(cluster.fs, str(cluster.workspace_path), context.run).phase is RunPhase.WAITING
    commit(context, STAGE, cluster.names, "commit")
    assert read_run(cluster.fs, str(cluster.workspace_path), context.run).phase is RunPhase.WAITING
    context.journal.write("ended", phase=RunPhase.DONE)
    assert read_run(cluster.fs, str(cluster.workspace_path), context.run).phase is RunPhase.DONE


def test_an_announcement_without_a_result_is_an_interruption(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    context = prepared(cluster, cluster.plan())

    def cut(*_: object) -> None:
        raise ApplyError("cut here")

    monkeypatch.setattr("estui.act.commit.switch_all", cut)
    with pytest.raises(ApplyError):
        commit(context, STAGE, ["n1"], "commit")
    assert read_run(cluster.fs, str(cluster.workspace_path), context.run).phase is RunPhase.INTERRUPTED


def test_a_run_whose_files_are_being_discarded_can_only_be_undone(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = prepared(cluster, cluster.plan())
    before = context.fs.remove
    calls: list[str] = []

    def once(root: str, path: str) -> None:
        calls.append(path)
        if len(calls) > 3:
            raise ApplyError("cut here")
        before(root, path)

    monkeypatch.setattr(context.fs, "remove", once)
    with pytest.raises(ApplyError):
        undo_prepared(context)
    monkeypatch.undo()
    go_offline(monkeypatch)
    engine = cluster.engine()
    assert engine.run(context.run).phase is RunPhase.PREPARING
    with pytest.raises(UsageError, match="only be undone"):
        engine.recover(complete=True)
    assert engine.recover(complete=False).phase is RunPhase.ROLLED_BACK


def test_a_run_that_never_began_stands_in_nobodys_way(cluster: Cluster) -> None:
    run = "2026-11-24T00-00-00Z-0000"
    folder = cluster.workspace_path / RUNS / run
    folder.mkdir(parents=True)
    (folder / PLAN).write_bytes(b'{"half a pl')
    assert read_run(cluster.fs, str(cluster.workspace_path), run).phase is RunPhase.ABANDONED
    assert unfinished(cluster.fs, str(cluster.workspace_path)) is None
    assert cluster.engine().apply(cluster.plan()).phase is RunPhase.DONE


def test_a_plan_that_was_edited_or_is_newer_is_refused(cluster: Cluster) -> None:
    run = cluster.engine().apply(cluster.plan()).id
    path = cluster.workspace_path / RUNS / run / PLAN
    path.write_bytes(path.read_bytes().replace(b"xpack.security.enabled", b"xpack.security.disabled"))
    with pytest.raises(StoreError, match="edited or damaged"):
        read_plan(cluster.fs, str(cluster.workspace_path), run)


def test_a_clock_that_was_set_back_changes_no_order(single: Cluster) -> None:
    engine = single.engine()
    first = engine.apply(single.plan(sets=()))
    single.now -= timedelta(days=400)
    late = single.engine()
    second = late.apply(single.plan(sets=()))
    assert second.id < first.id
    assert [run.id for run in read_runs(single.fs, str(single.workspace_path))] == [first.id, second.id]
    last = late.last_done()
    assert last is not None
    assert last.id == second.id
    late.rollback()
    last = late.last_done()
    assert last is not None
    assert last.id == first.id


def test_undoing_an_undo_brings_a_run_back_into_effect() -> None:
    one, two = state("1"), state("2")
    undo, redo = state("3", undoes="2"), state("4", undoes="3")
    assert [run.id for run in in_effect([one, two])] == ["1", "2"]
    assert [run.id for run in in_effect([one, two, undo])] == ["1", "3"]
    assert [run.id for run in in_effect([one, two, undo, redo])] == ["1", "2", "4"]
    assert [run.id for run in in_effect([one, replace(two, phase=RunPhase.ROLLED_BACK)])] == ["1"]


def test_an_unfinished_run_that_was_undone_counts_as_ended() -> None:
    waiting = state("1", RunPhase.WAITING)
    undo = state("2", undoes="1")
    assert [run.phase for run in with_undone([waiting, undo])] == [RunPhase.ROLLED_BACK, RunPhase.DONE]
    left = replace(undo, phase=RunPhase.ROLLED_BACK)
    assert [run.phase for run in with_undone([waiting, left])] == [RunPhase.WAITING, RunPhase.ROLLED_BACK]
