"""Old runs go with what they kept; the last one in effect never does."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta

import pytest

from estui.act.context import Options
from estui.act.prune import Pruned, prunable, prune
from estui.engine import Engine, history, silent
from estui.errors import ApplyError
from estui.model.goal import Phase, Rollover
from estui.model.run import RunPhase
from tests.unit.act.folders import NOW, Cluster
from tests.unit.act.offline import go_offline

AGES = timedelta(days=30)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def rotate(cluster: Cluster, times: int) -> tuple[Engine, list[str]]:
    """Runs on end, each with a new set of the transport layer, one a month."""
    ids = []
    for number in range(times):
        cluster.now = NOW + number * timedelta(days=31)
        ids.append(cluster.engine().apply(cluster.plan(sets=("transport",), pkcs12=(), settings=number == 0)).id)
    return cluster.engine(), ids


def go(cluster: Cluster, engine: Engine, keep: int, older_than: timedelta = AGES) -> Pruned:
    runs = engine.runs()
    going = prunable(runs, keep=keep, older_than=older_than, now=cluster.now)
    return prune(lambda run: engine.open_run(run, silent, Options()), cluster.fs, engine.path, runs, going)


def test_old_runs_and_their_sets_go_but_those_in_use_and_the_one_before_stay(single: Cluster) -> None:
    engine, ids = rotate(single, 5)
    pruned = go(single, engine, keep=1)
    assert pruned.runs == tuple(ids[:4])
    assert [run.id for run in engine.runs()] == [ids[4]]
    root = single.root("n1") / "estui"
    assert {path.name for path in (root / "transport").iterdir()} == {"current", ids[3], ids[4]}
    assert not (root / "before" / ids[0]).exists()
    engine.rollback()  # the run that stayed can still be undone
    assert str((root / "transport/current").readlink()) == ids[3]


def test_young_runs_stay(single: Cluster) -> None:
    engine, ids = rotate(single, 4)
    assert go(single, engine, keep=1, older_than=timedelta(days=50)).runs == tuple(ids[:2])


def test_the_last_apply_in_effect_stays_whatever_came_after(single: Cluster) -> None:
    engine, ids = rotate(single, 2)
    engine.rollback()
    single.now += timedelta(days=300)
    pruned = go(single, engine, keep=0)
    assert ids[0] not in pruned.runs
    last = engine.last_done()
    assert last is not None
    assert last.id == ids[0]
    engine.rollback()


def test_an_unfinished_run_stays(single: Cluster) -> None:
    rotate(single, 1)
    state = prunable(
        [run for run in single.engine().runs() if run.phase is RunPhase.WAITING],
        keep=0,
        older_than=timedelta(0),
        now=single.now,
    )
    assert state == ()


def test_a_node_that_is_not_mounted_keeps_its_run(single: Cluster) -> None:
    engine, _ = rotate(single, 3)
    root = single.root("n1")
    root.rename(root.with_name("away"))
    root.mkdir()
    pruned = go(single, engine, keep=1)
    assert pruned.runs == ()
    assert all("mounted" in reason for reason in pruned.skipped)
    shutil.rmtree(root)
    root.with_name("away").rename(root)
    assert len(go(single, engine, keep=1).runs) == 2


def test_a_run_that_is_half_pruned_cannot_be_undone_any_more(single: Cluster) -> None:
    engine, ids = rotate(single, 1)
    engine.open_run(ids[0], silent, Options()).journal.write("pruning")
    with pytest.raises(ApplyError, match="was pruned"):
        engine.rollback(ids[0])


def test_a_set_that_a_yml_names_itself_stays(single: Cluster) -> None:
    engine, ids = rotate(single, 5)
    with (single.root("n1") / "elasticsearch.yml").open("ab") as yml:
        yml.write(f"other.path: estui/transport/{ids[0]}/ca.crt\n".encode())
    go(single, engine, keep=1)
    assert (single.root("n1") / "estui/transport" / ids[0] / "ca.crt").exists()


def test_runs_of_a_rollover_under_way_stay(single: Cluster) -> None:
    """An abort has to undo them, however old they are."""
    phase = Rollover("rollover", Phase.TRUST, (("transport", "transport-2"),))
    plan = single.plan(sets=("transport",), pkcs12=())
    first = single.engine().apply(replace(plan, goal=replace(plan.goal, rollover=phase)))
    for number in (1, 2):
        single.now = NOW + number * timedelta(days=31)
        single.engine().apply(single.plan(sets=("transport",), pkcs12=(), settings=False))
    engine = single.engine()
    assert first.id not in {run.id for run in history.prunable(engine, keep=1)}
    assert first.id in {run.id for run in prunable(engine.runs(), keep=1, older_than=timedelta(0), now=single.now)}
