"""Signals wait for the target in hand."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from estui.act.commit import commit
from estui.act.runs import read_run
from estui.act.signals import DEFERRED, deferred_signals, is_committing, wait_idle
from estui.model.run import RunPhase
from tests.unit.act.folders import STAGE, Cluster
from tests.unit.act.test_commit import prepared


class Asked(BaseException):
    """What the command line raises when a signal asks it to end."""


def _raise(number: int, frame: FrameType | None) -> None:
    raise Asked(number)


@pytest.fixture(params=DEFERRED, ids=lambda number: signal.Signals(number).name)
def number(request: pytest.FixtureRequest) -> Iterator[int]:
    before = signal.signal(request.param, _raise)
    yield request.param
    signal.signal(request.param, before)


def test_a_signal_is_heard_after_the_block(number: int) -> None:
    done = []

    def switch() -> None:
        with deferred_signals():
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            done.append("renames")
            assert is_committing()

    with pytest.raises(Asked):
        switch()
    assert done == ["renames"]
    assert not is_committing()
    assert signal.getsignal(number) is _raise


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with deferred_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_node_in_hand_is_finished_and_recorded_and_the_next_is_not_begun(
    cluster: Cluster, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = prepared(cluster, cluster.plan())
    real = context.fs.rename_all

    def signalled(root: str, pairs: list[tuple[str, str]]) -> None:
        os.kill(os.getpid(), number)
        real(root, pairs)

    monkeypatch.setattr(context.fs, "rename_all", signalled)
    with pytest.raises(Asked):
        commit(context, STAGE, cluster.names, "commit")
    changed = [b"xpack" in (cluster.root(name) / "elasticsearch.yml").read_bytes() for name in cluster.names]
    assert changed == [True, False, False]
    assert read_run(cluster.fs, str(cluster.workspace_path), context.run).phase is RunPhase.WAITING
    assert [record.text("target") for record in context.journal.find("committed")] == ["n1"]


def test_another_thread_that_commits_is_waited_for() -> None:
    inside, go = threading.Event(), threading.Event()

    def work() -> None:
        with deferred_signals():
            inside.set()
            go.wait(10)

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(10)
    assert is_committing()
    assert not wait_idle(0.01)
    go.set()
    assert wait_idle(10)
    thread.join()
