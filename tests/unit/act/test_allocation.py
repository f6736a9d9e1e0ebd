"""No node is taken down while the cluster cannot do without it, and nothing is asked of a broken one before an undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from estui.act import cluster
from estui.act.allocation import Allocation
from estui.act.context import Options
from estui.act.journal import make_run_folder
from estui.act.peers import Peers
from estui.act.watching import Watching
from estui.errors import WaitingError
from estui.model.observed import Health
from estui.model.run import Step, StepKind
from estui.observe import es_api
from tests.unit.act.folders import Cluster

OFF = Step("allocation-off n1", StepKind.ALLOCATION_OFF, "no replica allocation", ("n1",))
RESTART = Step("restart n1", StepKind.RESTART, "restart n1", ("n1",))


class Lab:
    """A cluster whose health is made up, and what is asked of it."""

    def __init__(self, folders: Cluster, patch: pytest.MonkeyPatch) -> None:
        plan = replace(folders.plan(), steps=(OFF, RESTART))
        self.context = folders.context(plan, options=Options(start_timeout_s=0.0))
        make_run_folder(folders.fs, str(folders.workspace_path), self.context.run)
        self.health = Health("green", 3, 3, 0)
        self.set: list[str | None] = []
        patch.setattr(es_api, "health", lambda _: self.health)
        patch.setattr(cluster, "set_allocation", lambda _, value: self.set.append(value))
        patch.setattr(cluster, "flush", lambda _: None)
        watching = Watching(self.context, Peers(self.context))
        patch.setattr(watching.gates, "first_answering", lambda targets: targets[0])
        client: Any = self.client
        self.allocation = Allocation(self.context, watching, client, lambda: 3)

    @contextmanager
    def client(self, _: str) -> Iterator[None]:
        yield None


@pytest.fixture
def lab(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(cluster, monkeypatch)


def test_a_whole_cluster_may_lose_a_node_for_a_while(lab: Lab) -> None:
    lab.allocation.off(OFF)
    assert lab.set == ["primaries"]


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        (Health("red", 3, 3, 4), "health is red"),
        (Health("green", 2, 2, 0), "2 of 3 nodes are there"),
    ],
)
def test_a_red_cluster_or_one_that_lacks_a_node_keeps_the_others(lab: Lab, health: Health, reason: str) -> None:
    lab.health = health
    with pytest.raises(WaitingError, match=f"n1 is not taken down: {reason}"):
        lab.allocation.off(OFF)
    assert lab.set == []


def test_copies_that_went_with_the_node_before_have_to_be_back_first(lab: Lab) -> None:
    lab.health = Health("yellow", 3, 3, 2)  # as it was before: an index that never gets all its copies
    lab.allocation.off(OFF)
    lab.health = Health("yellow", 3, 3, 7)
    with pytest.raises(WaitingError, match="7 shard copies are not back yet"):
        lab.allocation.off(OFF)
    lab.health = Health("yellow", 3, 3, 2)
    lab.allocation.off(OFF)
    assert lab.set == ["primaries", "primaries"]


def test_an_undo_asks_for_no_whole_cluster(lab: Lab) -> None:
    lab.context.journal.write("undoes", run="another")
    lab.health = Health("red", 2, 2, 9)
    lab.allocation.off(OFF)
    assert lab.set == ["primaries"]
