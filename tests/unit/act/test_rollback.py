"""Undo: identical bytes, modes, owners and absence; itself a run that can be undone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from estui.act import recover
from estui.act.commit import commit, switch_all
from estui.engine import Options
from estui.errors import ApplyError, StalePlanError, UsageError, WaitingError
from estui.model.plan import Restart
from estui.model.run import RunPhase
from tests.unit.act.folders import STAGE, Cluster, tree
from tests.unit.act.offline import go_offline
from tests.unit.act.test_commit import edit, prepared


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def links(root: Path) -> dict[str, str]:
    return {path: str(entry[1]) for path, entry in tree(root).items() if entry[0] == "link"}


def test_undo_brings_back_bytes_modes_owners_and_absence(cluster: Cluster) -> None:
    root = cluster.root("n2")
    (root / "elasticsearch.yml").chmod(0o604)
    (root / "elasticsearch.keystore").unlink()
    if os.geteuid() == 0:
        os.chown(root / "elasticsearch.yml", 12, 34)
    before = cluster.trees()
    engine = cluster.engine()
    engine.apply(cluster.plan())
    assert cluster.trees(without=("estui",)) != before
    state = engine.rollback()
    assert (state.kind, state.phase) == ("rollback", RunPhase.DONE)
    assert cluster.trees(without=("estui",)) == before
    assert [links(cluster.root(name)) for name in cluster.names] == [{}, {}, {}]
    assert not list(cluster.base.glob("*/estui/run.json"))


def test_undo_of_a_second_run_links_the_first_set_again(single: Cluster) -> None:
    engine = single.engine()
    first = engine.apply(single.plan())
    after_first = single.trees(without=("estui",))
    engine.apply(single.plan())
    engine.rollback()
    assert single.trees(without=("estui",)) == after_first
    assert set(links(single.root("n1")).values()) == {first.id}


def test_undo_of_an_undo_brings_the_run_back(cluster: Cluster) -> None:
    engine = cluster.engine()
    first = engine.apply(cluster.plan())
    applied = cluster.trees(without=("estui",))
    undo = engine.rollback()
    again = engine.rollback(undo.id)
    assert cluster.trees(without=("estui",)) == applied
    assert set(links(cluster.root("n1")).values()) == {first.id}
    assert again.undoes == undo.id
    last = engine.last_done()
    assert last is not None
    assert last.id == first.id


def test_a_run_that_was_undone_is_not_undone_again(cluster: Cluster) -> None:
    engine = cluster.engine()
    first = engine.apply(cluster.plan())
    engine.rollback(first.id)
    before = cluster.trees()
    with pytest.raises(UsageError, match=f"run {first.id} was undone since"):
        engine.rollback(first.id)
    assert cluster.trees() == before


def test_a_file_changed_since_is_named_and_nothing_is_undone(cluster: Cluster) -> None:
    engine = cluster.engine()
    engine.apply(cluster.plan())
    edit(cluster.root("n2") / "elasticsearch.yml")
    before = cluster.trees()
    with pytest.raises(StalePlanError, match="nothing was undone") as caught:
        engine.rollback()
    assert caught.value.reasons == (f"{cluster.root('n2')}/elasticsearch.yml: content changed",)
    assert cluster.trees() == before


def test_force_is_for_the_file_that_it_names_and_what_it_overwrites_is_kept(cluster: Cluster) -> None:
    engine = cluster.engine()
    before = cluster.trees()
    engine.apply(cluster.plan())
    for name in ("n1", "n2"):
        edit(cluster.root(name) / "elasticsearch.yml")
    with pytest.raises(StalePlanError) as caught:
        engine.rollback(force=[f"{cluster.root('n1')}/elasticsearch.yml"])
    assert [str(cluster.root("n2")) in reason for reason in caught.value.reasons] == [True]
    state = engine.rollback(force=[f"{cluster.root(name)}/elasticsearch.yml" for name in ("n1", "n2")])
    assert cluster.trees(without=("estui",)) == before
    kept = cluster.root("n1") / "estui/before" / state.id / "elasticsearch.yml"
    assert kept.read_bytes().endswith(b"# by hand\n")


def test_a_kept_file_that_was_changed_is_never_brought_back(single: Cluster) -> None:
    engine = single.engine()
    state = engine.apply(single.plan())
    edit(single.root("n1") / "estui/before" / state.id / "elasticsearch.yml")
    before = single.trees()
    with pytest.raises(ApplyError, match="is not the file that the run replaced"):
        engine.rollback()
    assert single.trees() == before
    assert engine.unfinished() is None


def test_a_run_that_waits_is_undone_without_a_trace(cluster: Cluster) -> None:
    before = cluster.trees()
    context = prepared(cluster, cluster.plan())
    engine = cluster.engine()
    assert engine.run(context.run).phase is RunPhase.WAITING
    engine.passphrase = None
    assert engine.rollback().phase is RunPhase.ROLLED_BACK
    assert cluster.trees() == before


def test_an_undo_that_was_left_is_taken_back_and_the_run_waits_again(cluster: Cluster) -> None:
    engine = cluster.engine()
    context = prepared(cluster, cluster.plan())
    commit(context, STAGE, ["n1"], "commit")
    with pytest.raises(WaitingError):
        engine.rollback(emit=lambda event: engine.stop.set())
    engine.stop.clear()
    undo = engine.unfinished()
    assert undo is not None
    assert undo.undoes == context.run
    engine.recover(complete=False)  # the undo itself, of which nothing was switched
    left = engine.unfinished()
    assert left is not None
    assert left.id == context.run
    engine.resume()
    assert engine.run(context.run).phase is RunPhase.DONE


def test_after_the_undo_of_a_half_done_run_nothing_that_it_made_ready_is_left(cluster: Cluster) -> None:
    before = cluster.trees()
    context = prepared(cluster, cluster.plan())
    commit(context, STAGE, ["n1"], "commit")
    engine = cluster.engine()
    engine.rollback()
    assert cluster.trees(without=("estui",)) == before
    assert engine.unfinished() is None
    assert engine.run(context.run).phase is RunPhase.ROLLED_BACK
    with pytest.raises(UsageError, match="never finished"):
        engine.rollback(engine.runs()[-1].id)  # half a run is never brought back


def test_a_file_changed_between_keeping_and_switching_is_left_as_it_is_once_forced(
    single: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the switch the kept file and the one in use are one: an editor that writes in place changes both."""
    context = prepared(single, single.plan())
    monkeypatch.setattr("estui.act.commit.switch_all", lambda *_: (_ for _ in ()).throw(ApplyError("killed here")))
    with pytest.raises(ApplyError, match="killed here"):
        commit(context, STAGE, ["n1"], "commit")
    monkeypatch.setattr("estui.act.commit.switch_all", switch_all)
    yml = single.root("n1") / "elasticsearch.yml"
    with yml.open("ab") as stream:
        stream.write(b"# in place\n")
    edited = yml.read_bytes()
    engine = single.engine()
    with pytest.raises(StalePlanError, match="nothing was undone"):
        engine.recover(complete=False)
    engine.recover(complete=False, force=[str(yml)])
    assert yml.read_bytes() == edited
    assert engine.unfinished() is None
    assert not [path for path in single.root("n1").iterdir() if path.name.startswith(".estui-")]


def test_nothing_of_a_full_restart_is_completed_under_a_running_node(
    single: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = prepared(single, single.plan(restart=Restart.FULL))
    monkeypatch.setattr("estui.act.commit.switch_all", lambda *_: (_ for _ in ()).throw(ApplyError("killed here")))
    with pytest.raises(ApplyError, match="killed here"):
        commit(context, STAGE, ["n1"], "commit")
    monkeypatch.setattr("estui.act.commit.switch_all", switch_all)
    before = single.trees()
    engine = single.engine()
    monkeypatch.setattr(recover, "is_refused", lambda *_: False)
    with pytest.raises(ApplyError, match="n1 runs"):
        engine.recover(complete=True, options=Options())
    assert single.trees() == before
    monkeypatch.setattr(recover, "is_refused", lambda *_: True)
    assert engine.recover(complete=True).phase is RunPhase.WAITING
    assert single.trees() != before
