"""Who may write: one process per workspace, one run per node; stale marks told from live ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estui.act.context import Context, Options
from estui.act.journal import Journal
from estui.act.lock import (
    Mark,
    boot_id,
    is_alive,
    process_start,
    release_nodes,
    require_nodes,
    take_nodes,
    workspace_lock,
)
from estui.act.runs import begin_run
from estui.errors import LockedError
from estui.model.run import RunPhase
from tests.unit.act.folders import Cluster, make_cluster


def mark(cluster: Cluster, name: str = "n1") -> dict[str, Any]:
    body: dict[str, Any] = json.loads((cluster.root(name) / "estui/run.json").read_bytes())
    return body


def begun(cluster: Cluster, **options: bool) -> Context:
    context = cluster.context(cluster.plan(), options=Options(**options))
    begin_run(context, "apply")
    return context


def shift(cluster: Cluster, name: str = "n1", **fields: object) -> None:
    path = cluster.root(name) / "estui/run.json"
    path.write_text(json.dumps({**mark(cluster, name), **fields}))


@pytest.fixture
def other(cluster: Cluster, tmp_path: Path) -> Cluster:
    """Another workspace over the same folders."""
    there = make_cluster(tmp_path / "other", 1)
    there.names = cluster.names
    there.root = cluster.root  # type: ignore[method-assign]
    return there


def test_a_second_process_is_told_who_is_at_work(tmp_path: Path) -> None:
    with (
        workspace_lock(str(tmp_path), "apply"),
        pytest.raises(LockedError, match=rf"estui apply \(process {os.getpid()} "),
        workspace_lock(str(tmp_path), "rollback"),
    ):
        pass
    with workspace_lock(str(tmp_path), "again"):
        pass


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom estui.act.lock import workspace_lock\n"
        f"with workspace_lock({str(tmp_path)!r}, 'apply'):\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    with workspace_lock(str(tmp_path), "apply"):
        pass


def test_a_lock_file_that_was_replaced_is_locked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, path = os.open, tmp_path / "lock"
    opened: list[int] = []

    def replaced(name: Any, *args: Any, **kwargs: Any) -> int:
        number = real(name, *args, **kwargs)
        opened.append(number)
        if len(opened) == 1:
            path.unlink()  # somebody cleans up between opening and locking
        return number

    monkeypatch.setattr(os, "open", replaced)
    with workspace_lock(str(tmp_path), "apply"):
        assert os.fstat(opened[-1]).st_ino == path.stat().st_ino
    assert len(opened) == 2


def test_a_workspace_that_cannot_be_written_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(LockedError, match="cannot be locked"), workspace_lock(str(tmp_path / "none"), "apply"):
        pass


def test_a_mark_says_which_run_of_whom_where_and_since_when(cluster: Cluster) -> None:
    context = begun(cluster)
    take_nodes(context)
    take_nodes(context)  # the run that has it goes on
    found = mark(cluster, "n3")
    assert (found["run"], found["folder"], found["pid"]) == (context.run, str(cluster.workspace_path), os.getpid())
    assert (found["boot_id"], found["started"]) == (boot_id(), process_start(os.getpid()))
    assert is_alive(found)
    assert (cluster.root("n1") / "estui/run.json").stat().st_mode & 0o777 == 0o600


def test_releasing_removes_the_mark_and_the_folder_that_was_made_for_it(cluster: Cluster) -> None:
    (cluster.root("n2") / "estui").mkdir()
    before = cluster.trees()
    context = begun(cluster)
    take_nodes(context)
    release_nodes(context)
    release_nodes(context)
    assert cluster.trees() == before


def test_another_workspace_is_refused_whether_or_not_its_process_lives(cluster: Cluster, other: Cluster) -> None:
    take_nodes(begun(other))
    mine = begun(cluster)
    with pytest.raises(LockedError, match=r"n1 belongs to run .* \(its process runs\)") as caught:
        take_nodes(mine)
    assert str(other.workspace_path) in caught.value.hint
    shift(cluster, started="1")  # the process number is somebody else's now
    with pytest.raises(LockedError, match="its process is gone; the run may still wait"):
        take_nodes(mine)
    shift(cluster, boot_id="before the reboot")
    with pytest.raises(LockedError, match="its process is gone"):
        take_nodes(mine)


def test_two_estui_over_the_same_folders_never_both_write(cluster: Cluster, other: Cluster) -> None:
    take_nodes(begun(other))
    before = cluster.trees()
    with pytest.raises(LockedError):
        cluster.engine().apply(cluster.plan())
    assert cluster.trees() == before
    assert cluster.engine().runs()[-1].phase is RunPhase.ROLLED_BACK


def test_a_mark_of_another_workspace_whose_run_ended_is_stale(cluster: Cluster, other: Cluster) -> None:
    theirs = begun(other)
    take_nodes(theirs)
    theirs.journal.write("ended", phase=RunPhase.DONE)
    for name in cluster.names:
        shift(cluster, name, started="1")
    mine = begun(cluster)
    take_nodes(mine)
    assert mark(cluster)["run"] == mine.run


def test_a_mark_of_an_own_run_that_ended_is_stale_and_one_that_waits_is_not(cluster: Cluster) -> None:
    old = begun(cluster)
    take_nodes(old)
    with pytest.raises(LockedError):
        take_nodes(begun(cluster))
    old.journal.write("ended", phase=RunPhase.DONE)
    take_nodes(begun(cluster))


@pytest.mark.parametrize("fields", [{"host": "elsewhere"}, {"machine": "another"}])
def test_a_mark_of_another_host_is_refused_until_it_is_taken_over(cluster: Cluster, fields: dict[str, str]) -> None:
    old = begun(cluster)
    take_nodes(old)
    old.journal.write("ended", phase=RunPhase.DONE)
    shift(cluster, **fields)
    with pytest.raises(LockedError, match="n1 belongs to run"):
        take_nodes(begun(cluster))
    mine = begun(cluster, take_over=True)
    take_nodes(mine)
    assert mark(cluster)["run"] == mine.run
    assert not list(cluster.root("n1").glob("estui/.*"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run": 5}'])
def test_an_unreadable_mark_is_somebody_elses(cluster: Cluster, content: bytes) -> None:
    (cluster.root("n1") / "estui").mkdir()
    (cluster.root("n1") / "estui/run.json").write_bytes(content)
    with pytest.raises(LockedError, match="n1 belongs to run"):
        take_nodes(begun(cluster))
    take_nodes(begun(cluster, take_over=True))


def test_of_two_who_come_at_once_one_has_the_node(
    cluster: Cluster, other: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = begun(cluster), begun(other)
    real = mine.fs.make_folder

    def late(*args: Any) -> None:
        real(*args)
        if not (cluster.root("n1") / "estui/run.json").exists():
            take_nodes(theirs)  # between looking and taking

    monkeypatch.setattr(mine.fs, "make_folder", late)
    with pytest.raises(LockedError, match="n1 belongs to run"):
        take_nodes(mine)
    assert mark(cluster)["run"] == theirs.run


def test_a_run_goes_on_only_where_its_marks_still_stand(cluster: Cluster) -> None:
    context = begun(cluster)
    take_nodes(context)
    require_nodes(context)
    (cluster.root("n2") / "estui/run.json").unlink()
    with pytest.raises(LockedError, match="is gone from n2") as caught:
        require_nodes(context)
    assert "mounted" in caught.value.hint
    context.options.take_over = True
    require_nodes(context)
    assert mark(cluster, "n2")["run"] == context.run


def test_nodes_go_back_to_the_run_that_was_not_undone(cluster: Cluster) -> None:
    old = begun(cluster)
    take_nodes(old)
    undo = cluster.context(cluster.plan())
    begin_run(undo, "rollback", undoes=old.run)
    take_nodes(undo)
    assert mark(cluster)["run"] == undo.run
    release_nodes(undo, heir=old.run)
    release_nodes(undo, heir=old.run)
    require_nodes(Context(**{**vars(old), "journal": Journal(old.fs, old.workspace.path, old.run)}))
    assert mark(cluster)["run"] == old.run


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    process.communicate()


def test_a_process_is_known_by_its_number_and_its_start(child: subprocess.Popen[bytes]) -> None:
    alive: Mark = {"pid": child.pid, "boot_id": boot_id(), "started": process_start(child.pid)}
    assert is_alive(alive)
    assert not is_alive({**alive, "started": "1"})
    assert not is_alive({**alive, "boot_id": "other"})
    child.communicate()
    assert not is_alive(alive)
