"""What would make an undo fail on the way is found before anything is touched, like before an apply."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from estui.act import preflight
from estui.act.commit import commit, switch_all
from estui.act.preflight import Rights
from estui.engine import Engine
from estui.errors import ApplyError
from estui.model.plan import FirstLogin
from estui.model.run import RunPhase
from tests.unit.act.folders import STAGE, Cluster
from tests.unit.act.offline import go_offline
from tests.unit.act.test_commit import prepared
from tests.unit.act.test_preflight import BIND, READ_ONLY, REMOUNT, _mount, with_mounts


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def refused(cluster: Cluster, force: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Reasons why an undo is refused; fails where anything was touched for it."""
    before, runs = cluster.trees(), cluster.engine().runs()
    with pytest.raises(ApplyError, match="cannot be undone; nothing was written") as caught:
        cluster.engine().rollback(force=force)
    assert cluster.trees() == before
    assert cluster.engine().runs() == runs
    return caught.value.reasons


def test_a_file_that_got_a_second_name_since(cluster: Cluster) -> None:
    before = cluster.trees()
    cluster.engine().apply(cluster.plan())
    root = cluster.root("n2")
    os.link(root / "elasticsearch.yml", root / "copy.yml")
    (reason,) = refused(cluster)
    assert reason.startswith(f"{root}/elasticsearch.yml: has 2 names (hard links)")
    (root / "copy.yml").unlink()
    assert cluster.engine().rollback().phase is RunPhase.DONE
    assert cluster.trees(without=("estui",)) == before


def test_a_folder_in_the_place_of_a_file_also_where_it_is_forced(single: Cluster) -> None:
    single.engine().apply(single.plan())
    yml = single.root("n1") / "elasticsearch.yml"
    yml.unlink()
    yml.mkdir()
    (reason,) = refused(single, force=("elasticsearch.yml",))
    assert reason == f"{yml}: is a folder, not a file; move it away"


def test_an_owner_that_this_user_cannot_give_back(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = (single.root("n1") / "elasticsearch.yml").stat()
    single.engine().apply(single.plan())
    monkeypatch.setattr(preflight, "rights", lambda: Rights(seen.st_uid + 1, frozenset({seen.st_gid}), False))
    assert any(f"elasticsearch.yml: belongs to uid {seen.st_uid}" in reason for reason in refused(single))


def test_a_file_that_is_mounted_by_itself_since(single: Cluster) -> None:
    single.engine().apply(single.plan())
    yml = single.root("n1") / "elasticsearch.yml"
    (single.base / "source.yml").write_bytes(yml.read_bytes())

    def act() -> None:
        _mount(single.base / "source.yml", yml, BIND)
        (reason,) = refused(single, force=("elasticsearch.yml",))
        assert f"{yml}: is mounted by itself" in reason
        assert os.strerror(errno.EBUSY) in reason

    with_mounts(act)


@pytest.mark.parametrize("folder", ["", "estui", "estui/before", "estui/http"])
def test_a_folder_that_is_mounted_read_only_since(single: Cluster, folder: str) -> None:
    single.engine().apply(single.plan())
    place = single.root("n1") / folder

    def act() -> None:
        _mount(place, place, BIND)
        _mount(place, place, BIND | REMOUNT | READ_ONLY)
        reasons = refused(single)
        assert f"{place}: n1: is on a file system that is mounted read-only; mount it writable" in reasons

    with_mounts(act)


def test_a_full_file_system(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    single.engine().apply(single.plan())
    real = os.statvfs
    names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_flag")

    def told(path: str) -> os.statvfs_result:
        seen = real(path)
        if str(path) != str(single.root("n1")):
            return seen
        fields = {"f_bavail": 1, "f_frsize": 16}
        return os.statvfs_result([fields.get(name, getattr(seen, name)) for name in names] + [255])

    monkeypatch.setattr(os, "statvfs", told)
    (reason,) = refused(single)
    assert "16 bytes are free" in reason


def test_a_name_that_the_interrupted_run_kept_is_no_second_name(
    single: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between keeping and replacing a file has two names, one of them ours: an undo must go on from there."""
    before = single.trees()
    context = prepared(single, single.plan())
    monkeypatch.setattr("estui.act.commit.switch_all", lambda *_: (_ for _ in ()).throw(ApplyError("killed here")))
    with pytest.raises(ApplyError, match="killed here"):
        commit(context, STAGE, ["n1"], "commit")
    monkeypatch.setattr("estui.act.commit.switch_all", switch_all)
    assert (single.root("n1") / "elasticsearch.yml").stat().st_nlink == 2
    single.engine().recover(complete=False)
    assert single.trees(without=("estui",)) == before


def test_what_is_refused_leaves_the_temporary_superuser_alone(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[str] = []
    monkeypatch.setattr(Engine, "_drop_login", lambda self, context: touched.append(context.run))
    state = single.engine().apply(single.plan())
    os.link(single.root("n1") / "elasticsearch.yml", single.root("n1") / "copy.yml")
    refused(single)
    assert touched == []
    (single.root("n1") / "copy.yml").unlink()
    single.engine().rollback()
    assert touched == [state.id]


@pytest.mark.parametrize("make", [lambda path: os.link(path, f"{path}.bak"), lambda path: path.with_name("x").mkdir()])
def test_an_apply_that_will_add_a_user_looks_at_the_users_file_first(
    single: Cluster, make: Callable[[Path], None]
) -> None:
    plan = single.plan()
    login = FirstLogin("n1", ("elastic",), "tested")
    plan = replace(plan, stages=(replace(plan.stages[0], changes=(*plan.stages[0].changes, login)),))
    users = single.root("n1") / "users"
    make(users)
    found = preflight.preflight(single.context(plan))
    linked = users.stat().st_nlink > 1
    assert [reason.split(":")[0] for reason in found] == [str(users)] * linked
