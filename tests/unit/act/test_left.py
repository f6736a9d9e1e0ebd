"""What runs left is read from their journals: as prepared, as switched, as undone."""

from __future__ import annotations

import pytest

from estui.act.commit import commit
from estui.act.journal import JOURNAL, RUNS
from estui.act.left import what_runs_left, with_workspace
from estui.model.inventory import Inventory
from estui.model.observed import Observed
from estui.model.run import RunPhase
from estui.model.views import Desired
from tests.unit.act.folders import STAGE, Cluster
from tests.unit.act.offline import go_offline
from tests.unit.act.test_commit import prepared


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def left(cluster: Cluster) -> Desired:
    found = what_runs_left(cluster.fs, str(cluster.workspace_path))
    assert found is not None
    return found


def test_a_workspace_without_a_run_wants_nothing(cluster: Cluster) -> None:
    assert what_runs_left(cluster.fs, str(cluster.workspace_path)) is None


def test_what_is_ready_waits_and_what_is_switched_counts(cluster: Cluster) -> None:
    context = prepared(cluster, cluster.plan())
    ready = left(cluster)
    assert (ready.run, ready.waiting) == ("", context.run)
    assert ready.files
    assert all(each.waiting for each in ready.files)
    assert all(each.waiting for each in ready.leaves)
    commit(context, STAGE, cluster.names, "commit")
    assert not any(each.waiting for each in left(cluster).files)
    assert not any(each.waiting for each in left(cluster).leaves)
    context.journal.write("ended", phase=RunPhase.DONE)
    done = left(cluster)
    assert (done.run, done.waiting) == (context.run, "")
    assert done.layers
    assert {leaf.set_name for leaf in done.leaves} == set(done.layers)
    assert "xpack.security.enabled" in {setting.key for setting in done.settings}
    paths = {each.path for each in done.of(context.plan.places[0].root)}
    assert {"elasticsearch.yml", "estui/transport/current"} <= paths


def test_a_run_that_was_rolled_back_wants_nothing_more(cluster: Cluster) -> None:
    context = prepared(cluster, cluster.plan())
    context.journal.write("ended", phase=RunPhase.ROLLED_BACK)
    assert what_runs_left(cluster.fs, str(cluster.workspace_path)) is None


def test_a_damaged_journal_stops_nobody_who_only_looks(cluster: Cluster) -> None:
    context = prepared(cluster, cluster.plan())
    path = cluster.workspace_path / RUNS / context.run / JOURNAL
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    seen = with_workspace(Observed(Inventory("lab", ()), ()), cluster.fs, str(cluster.workspace_path))
    assert seen.desired is None
