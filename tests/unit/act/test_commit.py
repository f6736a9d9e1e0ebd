"""Apply and undo on real folders: everything reviewed and nothing else, or nothing at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from estui.act.commit import commit
from estui.act.context import Context
from estui.act.lock import take_nodes
from estui.act.prepare import Preparer
from estui.act.runs import begin_run
from estui.engine import Engine
from estui.errors import ApplyError, EstuiError, StalePlanError
from estui.formats import es_keystore
from estui.model.plan import Plan
from estui.model.run import RunPhase
from tests.unit.act.folders import OLD_VALUE, SETS, STAGE, Cluster, keystore
from tests.unit.act.offline import go_offline
from tests.unit.act.test_fs import needs_root


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def entries(path: Path) -> dict[str, bytes]:
    return dict(es_keystore.read_secure_settings(path.read_bytes(), None, str(path)).entries)


def prepared(cluster: Cluster, plan: Plan) -> Context:
    """A run that is ready to be switched."""
    context = cluster.context(plan)
    begin_run(context, "apply")
    take_nodes(context)
    Preparer(context).prepare()
    return context


def test_apply_writes_what_was_planned_and_touches_nothing_else(cluster: Cluster) -> None:
    before = cluster.trees()
    state = cluster.engine().apply(cluster.plan())
    assert state.phase is RunPhase.DONE
    for name in cluster.names:
        root = cluster.root(name)
        yml = (root / "elasticsearch.yml").read_bytes()
        assert yml.startswith(str(before[name]["elasticsearch.yml"][1], "utf-8").encode())  # type: ignore[arg-type]
        assert b"xpack.security.enabled: true" in yml
        for each in SETS:
            assert str((root / "estui" / each / "current").readlink()) == state.id
        secure = entries(root / "elasticsearch.keystore")
        assert secure["s3.client.default.secret_key"] == OLD_VALUE.encode()
        assert "xpack.security.http.ssl.keystore.secure_password" in secure
        after = cluster.trees(without=("estui",))[name]
        for path in ("jvm.options", "users"):
            assert after[path] == before[name][path]
        assert set(after) == set(before[name])


@needs_root
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_owners_and_modes_are_as_promised_whatever_the_umask(single: Cluster, umask: int) -> None:
    plan = single.plan()
    old = os.umask(umask)
    try:
        single.engine().apply(plan)
    finally:
        os.umask(old)
    for path, (kind, _, mode, uid, gid) in single.trees()["n1"].items():
        if path == "users" or path == "jvm.options":
            continue
        wanted = 0o2750 if kind == "folder" else 0 if kind == "link" else 0o640
        if path.rpartition("/")[2] in ("elasticsearch.yml", "elasticsearch.keystore"):
            wanted = 0o660
        assert (path, oct(mode), uid, gid) == (path, oct(wanted), 0, 977)


def test_a_yml_keeps_its_own_odd_mode(single: Cluster) -> None:
    (single.root("n1") / "elasticsearch.yml").chmod(0o604)
    single.engine().apply(single.plan())
    assert (single.root("n1") / "elasticsearch.yml").stat().st_mode & 0o7777 == 0o604


Change = Callable[[Path], None]


def edit(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"# by hand\n")


def chmod(path: Path) -> None:
    path.chmod(0o600)


def chown(path: Path) -> None:
    os.chown(path, 1234, -1)


def to_link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("change", [edit, chmod, pytest.param(chown, marks=needs_root), to_link, gone])
def test_a_file_changed_since_the_review_is_refused_with_nothing_written(cluster: Cluster, change: Change) -> None:
    plan = cluster.plan()
    change(cluster.root("n3") / "elasticsearch.yml")
    before = cluster.trees()
    with pytest.raises(StalePlanError) as caught:
        cluster.engine().apply(plan)
    assert [str(cluster.root("n3") / "elasticsearch.yml") in reason for reason in caught.value.reasons] == [True]
    assert cluster.trees() == before
    assert cluster.engine().runs() == ()


def test_a_link_that_leads_elsewhere_since_the_review_is_refused(single: Cluster) -> None:
    single.engine().apply(single.plan())
    plan = single.plan()
    link = single.root("n1") / "estui/http/current"
    link.unlink()
    link.symlink_to("elsewhere")
    with pytest.raises(StalePlanError, match="nothing was written"):
        single.engine().apply(plan)


def test_a_keystore_with_a_new_entry_is_refused(single: Cluster) -> None:
    plan = single.plan()
    (single.root("n1") / "elasticsearch.keystore").write_bytes(keystore({"a.new.secret": b"x"}))
    with pytest.raises(StalePlanError):
        single.engine().apply(plan)


def test_a_keystore_that_the_node_rewrote_is_no_difference(single: Cluster) -> None:
    plan = single.plan()
    (single.root("n1") / "elasticsearch.keystore").write_bytes(keystore())
    assert single.engine().apply(plan).phase is RunPhase.DONE


@pytest.mark.parametrize(("found", "refused"), [({}, False), ({"a.new.secret": b"x"}, True)])
def test_a_keystore_that_appeared_may_hold_its_seed_only(
    single: Cluster, found: dict[str, bytes], refused: bool
) -> None:
    path = single.root("n1") / "elasticsearch.keystore"
    path.unlink()
    plan = single.plan()
    context = prepared(single, plan)
    path.write_bytes(keystore(found))
    path.chmod(0o660)
    if refused:
        with pytest.raises(StalePlanError):
            commit(context, STAGE, ["n1"], "commit")
        assert entries(path).keys() == {"keystore.seed", "a.new.secret"}
    else:
        commit(context, STAGE, ["n1"], "commit")
        assert "xpack.security.http.ssl.keystore.secure_password" in entries(path)


def test_a_change_between_preparing_and_switching_switches_no_node(cluster: Cluster) -> None:
    context = prepared(cluster, cluster.plan())
    edit(cluster.root("n2") / "elasticsearch.yml")
    before = cluster.trees()
    with pytest.raises(StalePlanError):
        commit(context, STAGE, cluster.names, "commit")
    assert cluster.trees() == before


@pytest.mark.parametrize("change", [edit, chmod, gone])
def test_what_was_made_ready_must_still_be_whole(cluster: Cluster, change: Change) -> None:
    context = prepared(cluster, cluster.plan())
    change(cluster.root("n2") / "estui/transport" / context.run / "node.key")
    before = cluster.trees()
    with pytest.raises(ApplyError, match="nothing was switched") as caught:
        commit(context, STAGE, cluster.names, "commit")
    assert [reason.endswith("node.key") for reason in caught.value.reasons] == [True]
    assert cluster.trees() == before


def test_a_failed_preparation_leaves_no_trace(cluster: Cluster) -> None:
    plan = cluster.plan()
    before = cluster.trees()
    engine = cluster.engine()
    engine.apply(cluster.plan(targets=("n1",)))  # makes the CAs
    engine.rollback()
    before = cluster.trees()
    (cluster.workspace_path / "ca/http/ca.key").write_bytes(b"damaged")
    plan = cluster.plan()
    with pytest.raises(EstuiError):
        cluster.engine().apply(plan)
    assert cluster.trees() == before
    assert cluster.engine().unfinished() is None
    assert cluster.engine().runs()[-1].phase is RunPhase.ROLLED_BACK


def test_files_that_cannot_be_kept_withdraw_the_announcement(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    context = prepared(single, single.plan())
    before = single.trees()

    def refuse(*_: object) -> None:
        raise ApplyError("cannot be written: No space left on device")

    monkeypatch.setattr(context.fs, "keep", refuse)
    with pytest.raises(ApplyError):
        commit(context, STAGE, ["n1"], "commit")
    assert single.engine().run(context.run).phase is RunPhase.WAITING
    assert single.trees(without=("estui",)) == {
        "n1": {k: v for k, v in before["n1"].items() if "estui/" not in k and k != "estui"}
    }
    monkeypatch.undo()
    commit(single.context(context.plan, context.run), STAGE, ["n1"], "commit")
    assert b"xpack.security.enabled: true" in (single.root("n1") / "elasticsearch.yml").read_bytes()


def test_a_plan_of_another_workspace_is_refused(single: Cluster) -> None:
    plan = replace(single.plan(), workspace="somebody-else")
    before = single.trees()
    with pytest.raises(StalePlanError, match="another workspace"):
        single.engine().apply(plan)
    assert single.trees() == before


def test_a_link_inside_the_folder_is_followed_and_stays(single: Cluster) -> None:
    root = single.root("n1")
    (root / "shared").mkdir()
    (root / "elasticsearch.yml").rename(root / "shared/node.yml")
    (root / "elasticsearch.yml").symlink_to("shared/node.yml")
    plan = single.plan()
    engine = single.engine()
    engine.apply(plan)
    assert str((root / "elasticsearch.yml").readlink()) == "shared/node.yml"
    assert b"xpack.security.enabled: true" in (root / "shared/node.yml").read_bytes()
    assert (root / "shared/node.yml").read_bytes().startswith(b"# ours, do not touch\n")
    engine.rollback()
    assert b"xpack" not in (root / "shared/node.yml").read_bytes()


def test_a_change_behind_a_followed_link_is_refused(single: Cluster) -> None:
    root = single.root("n1")
    (root / "shared").mkdir()
    (root / "elasticsearch.yml").rename(root / "shared/node.yml")
    (root / "elasticsearch.yml").symlink_to("shared/node.yml")
    plan = single.plan()
    edit(root / "shared/node.yml")
    with pytest.raises(StalePlanError):
        single.engine().apply(plan)


def test_a_second_apply_keeps_the_first_sets(single: Cluster) -> None:
    engine: Engine = single.engine()
    first = engine.apply(single.plan())
    second = engine.apply(single.plan(settings=False, pkcs12=()))
    folder = single.root("n1") / "estui/transport"
    assert {path.name for path in folder.iterdir()} == {first.id, second.id, "current"}
    assert str((folder / "current").readlink()) == second.id
