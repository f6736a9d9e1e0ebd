"""What would make an apply fail on the way is found before anything is written."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from estui.act import preflight
from estui.act.preflight import Rights
from estui.errors import ApplyError, EstuiError
from estui.model.run import RunPhase
from estui.observe import mounts
from tests.unit.act.folders import Cluster
from tests.unit.act.offline import go_offline
from tests.unit.act.test_fs import is_root, needs_root


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def refused(cluster: Cluster, prepare: Callable[[Path], None] = lambda root: None) -> tuple[str, ...]:
    """Reasons why an apply is refused; fails where anything was written for it."""
    plan = cluster.plan()
    prepare(cluster.root("n1"))
    return refused_plan(cluster, plan)


def refused_plan(cluster: Cluster, plan: Any) -> tuple[str, ...]:
    before, runs = cluster.trees(), cluster.engine().runs()
    with pytest.raises(EstuiError) as caught:
        cluster.engine().apply(plan)
    assert cluster.trees() == before
    assert cluster.engine().runs() == runs
    return caught.value.reasons or (str(caught.value),)


def test_a_sound_folder_is_not_refused(single: Cluster) -> None:
    assert preflight.preflight(single.context(single.plan())) == []


def test_a_link_that_leads_out_of_the_folder(single: Cluster) -> None:
    root = single.root("n1")
    (root / "elasticsearch.yml").rename(single.base / "shared.yml")
    (root / "elasticsearch.yml").symlink_to("../shared.yml")
    plan = single.context(single.plan(settings=False)).plan
    found = preflight.preflight(single.context(_with_yml(single, plan)))
    assert [f"leads out of the configuration folder, to {single.base}/shared.yml" in each for each in found] == [True]


def _with_yml(cluster: Cluster, plan: Any) -> Any:
    """The plan with a yml change but no pin for it, which could not be made for such a link."""
    from dataclasses import replace

    from tests.unit.act.folders import node_changes

    stage = replace(plan.stages[0], changes=(*plan.stages[0].changes, *node_changes("n1", (), (), True)))
    return replace(plan, stages=(stage,))


def test_a_link_in_a_circle(single: Cluster) -> None:
    root = single.root("n1")
    plan = _with_yml(single, single.plan(settings=False))
    (root / "elasticsearch.yml").unlink()
    (root / "elasticsearch.yml").symlink_to("b")
    (root / "b").symlink_to("elasticsearch.yml")
    assert "circle" in refused_plan(single, plan)[0]


def test_a_file_with_several_names(single: Cluster) -> None:
    root = single.root("n1")
    found = refused(single, lambda root: os.link(root / "elasticsearch.yml", root / "copy.yml"))
    assert found[0].startswith(f"{root}/elasticsearch.yml: has 2 names (hard links)")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.mknod(path, stat.S_IFSOCK | 0o600)])
def test_something_else_in_the_place_of_a_file(single: Cluster, make: Callable[[Path], None]) -> None:
    root = single.root("n1")
    plan = _with_yml(single, single.plan(settings=False))
    (root / "elasticsearch.yml").unlink()
    make(root / "elasticsearch.yml")
    assert "not a file" in refused_plan(single, plan)[0]


@pytest.mark.parametrize("path", ["estui", "estui/http", "estui/http/current"])
def test_something_else_in_the_place_of_our_folder(single: Cluster, path: str) -> None:
    place = single.root("n1") / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"")
    (reason,) = refused(single)
    assert f"{place}: is a file, not a {'link' if path.endswith('current') else 'folder'}" in reason


def test_a_folder_of_ours_that_is_a_link(single: Cluster) -> None:
    (single.root("n1") / "elsewhere").mkdir()
    (single.root("n1") / "estui").symlink_to("elsewhere")
    assert any("is a link, not a folder" in reason for reason in refused(single))


def test_a_folder_that_is_not_there(single: Cluster) -> None:
    plan = single.plan(settings=False, pkcs12=())
    root = single.root("n1")
    root.rename(root.with_name("away"))
    with pytest.raises(ApplyError) as caught:
        single.engine().apply(plan)
    assert f"{root}: n1: No such file or directory" in caught.value.reasons
    assert not root.exists()


@pytest.mark.parametrize("where", ["workspace", "n1"])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"f_flag": os.ST_RDONLY}, "mounted read-only"),
        ({"f_bavail": 1, "f_frsize": 4096}, "4096 bytes are free"),
        ({"f_files": 1000, "f_favail": 1}, "no room for more files"),
    ],
)
def test_a_file_system_without_room_or_read_only(
    single: Cluster, monkeypatch: pytest.MonkeyPatch, where: str, fields: dict[str, int], words: str
) -> None:
    real = os.statvfs
    names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_flag")

    def told(path: str) -> os.statvfs_result:
        seen = real(path)
        if str(path) != str(single.base / where):
            return seen
        return os.statvfs_result([fields.get(name, getattr(seen, name)) for name in names] + [255])

    monkeypatch.setattr(os, "statvfs", told)
    (reason,) = refused(single)
    assert str(single.base / where) in reason
    assert words in reason


def test_an_owner_that_this_user_cannot_give(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = (single.root("n1") / "elasticsearch.yml").stat()
    monkeypatch.setattr(preflight, "rights", lambda: Rights(seen.st_uid + 1, frozenset({seen.st_gid}), False))
    assert any(f"belongs to uid {seen.st_uid}" in reason for reason in refused(single))
    monkeypatch.setattr(preflight, "rights", lambda: Rights(seen.st_uid, frozenset({seen.st_gid + 1}), False))
    assert any(f"belongs to group {seen.st_gid}" in reason for reason in refused(single))
    monkeypatch.setattr(preflight, "rights", lambda: Rights(seen.st_uid, frozenset({seen.st_gid}), False))
    assert preflight.preflight(single.context(single.plan())) == []


def in_child(act: Callable[[], None]) -> None:
    """Runs something in a forked child, which may give up its rights; fails with what it said."""
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        text = ""
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - the child must not live on as a second test run
            text = f"{type(error).__name__}: {error}"
        os.write(start, text.encode())
        os._exit(0)
    os.close(start)
    with os.fdopen(end, "rb") as file:
        said = file.read().decode()
    os.waitpid(child, 0)
    assert said == ""


@needs_root
def test_an_ordinary_user_is_refused_for_the_node_whose_owner_it_cannot_give(cluster: Cluster) -> None:
    plan = cluster.plan()
    for path in (cluster.base, *cluster.base.rglob("*")):
        os.chown(path, 65534, 65534)
        path.chmod(0o2770 if path.is_dir() else 0o660)
    for path in (cluster.workspace_path, cluster.workspace_path / "estui.yaml"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    plan = cluster.plan()
    os.chown(cluster.root("n2") / "elasticsearch.yml", 0, 65534)
    from dataclasses import replace

    plan = replace(
        plan,
        pins=tuple(cluster.pin(pin.target, pin.path) for pin in plan.pins),
        places=tuple(cluster.place(name) for name in cluster.names),
    )
    before = cluster.trees()
    parents = [path for path in cluster.base.parents if path.stat().st_mode & 0o001 == 0]
    if parents:
        for path in parents:
            path.chmod(path.stat().st_mode | 0o011)

    def ordinary() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            cluster.engine().apply(plan)
        except ApplyError as error:
            reasons = error.reasons
        assert all(f"{cluster.root('n2')}/" in reason and "uid 0" in reason for reason in reasons), reasons
        assert reasons

    in_child(ordinary)
    assert cluster.trees() == before


def _unshare() -> None:
    """A mount table of its own for this process. OSError where that is not allowed."""
    libc = ctypes.CDLL(None, use_errno=True)
    private = 1 << 18 | 1 << 14  # MS_PRIVATE | MS_REC
    if libc.unshare(0x00020000) or libc.mount(b"none", b"/", None, private, None):
        raise OSError(ctypes.get_errno(), "unshare")


def _mount(source: Path, target: Path, flags: int, kind: bytes = b"none", options: bytes = b"") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(str(source).encode(), str(target).encode(), kind, flags, options):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


BIND, REMOUNT, READ_ONLY = 4096, 32, 1


def with_mounts(act: Callable[[], None]) -> None:
    if not is_root:
        pytest.skip("mounts something, which only root may")

    def inside() -> None:
        _unshare()
        act()

    in_child(inside)


def test_a_file_that_is_mounted_by_itself(single: Cluster) -> None:
    root = single.root("n1")
    yml = root / "elasticsearch.yml"
    (single.base / "source.yml").write_bytes(yml.read_bytes())

    def act() -> None:
        _mount(single.base / "source.yml", yml, BIND)
        (reason,) = refused(single)
        assert f"{yml}: is mounted by itself" in reason
        assert os.strerror(errno.EBUSY) in reason

    with_mounts(act)


def test_a_folder_that_is_mounted_read_only(single: Cluster) -> None:
    root = single.root("n1")

    def act() -> None:
        _mount(root, root, BIND)
        _mount(root, root, BIND | REMOUNT | READ_ONLY)
        (reason,) = refused(single)
        assert f"{root}: n1: is on a file system that is mounted read-only" in reason

    with_mounts(act)


def test_our_folder_on_another_file_system_works(single: Cluster) -> None:
    root = single.root("n1")
    (root / "estui").mkdir()
    before = single.trees(without=("estui",))

    def act() -> None:
        _mount(Path("none"), root / "estui", 0, b"tmpfs", b"size=4m,mode=0750")
        (root / "estui").chmod(0o750)
        engine = single.engine()
        assert engine.apply(single.plan()).phase is RunPhase.DONE
        kept = next((root / "estui/before").glob("*/elasticsearch.yml"))
        assert kept.stat().st_dev != (root / "elasticsearch.yml").stat().st_dev
        engine.rollback()
        assert single.trees(without=("estui",)) == before

    with_mounts(act)


def test_a_full_file_system_is_refused_before_a_node_is_touched(single: Cluster) -> None:
    root = single.root("n1")

    def act() -> None:
        content = {path.name: path.read_bytes() for path in root.iterdir()}
        _mount(Path("none"), root, 0, b"tmpfs", b"size=64k,mode=0750")
        for name, each in content.items():
            (root / name).write_bytes(each)
        plan = single.plan()
        (reason,) = refused_plan(single, plan)
        assert "bytes are free" in reason

    with_mounts(act)


def test_sets_are_refused_where_links_mean_nothing_to_the_node(
    single: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "file_system", lambda folder: "cifs")
    (reason,) = refused(single)
    assert "does not carry symbolic links" in reason
