"""No node is taken down while the cluster cannot do without it, and nothing is asked of a broken one before an undo."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from estui.act import cluster
from estui.act.allocation import Allocation
from estui.act.context import Context
from estui.act.journal import Journal, make_run_folder
from estui.act.peers import Peers
from estui.act.watching import Watching
from estui.errors import ProbeError, WaitingError
from estui.model.inventory import Limits
from estui.model.observed import Health
from estui.model.run import Step, StepKind
from estui.observe import es_api
from tests.unit.act.folders import Cluster

OFF = Step("allocation-off n1", StepKind.ALLOCATION_OFF, "no replica allocation", ("n1",))
ON = Step("allocation-on n1", StepKind.ALLOCATION_ON, "allocation back on", ("n1",))
RESTART = Step("restart n1", StepKind.RESTART, "restart n1", ("n1",))


class Lab:
    """A cluster whose health is made up, and what is asked of it."""

    def __init__(self, folders: Cluster, patch: pytest.MonkeyPatch) -> None:
        plan = replace(folders.plan(), steps=(OFF, RESTART))
        self.context = folders.context(plan)
        self.context.inventory = replace(self.context.inventory, limits=Limits(start_seconds=0))
        make_run_folder(folders.fs, str(folders.workspace_path), self.context.run)
        self.health = Health("green", 3, 3, 0)
        self.settings: dict[str, str | None] = {"persistent": None, "transient": None}
        self.set: list[str | None] = []
        patch.setattr(es_api, "health", lambda _: self.health)
        patch.setattr(es_api, "allocation_scopes", lambda _: dict(self.settings))
        patch.setattr(cluster, "set_allocation", lambda _, values: self._put(values))
        patch.setattr(cluster, "flush", lambda _: None)
        watching = Watching(self.context, Peers(self.context))
        self.answers = True
        patch.setattr(watching.gates, "first_answering", lambda targets: targets[0] if self.answers else None)
        self.watching = watching
        self.allocation = self.of(self.context)

    def of(self, context: Context) -> Allocation:
        """The same cluster, to another walk or another run."""
        client: Any = self.client
        return Allocation(context, self.watching, client, lambda: 3)

    def undo(self, run: str) -> Allocation:
        """That of a run which undoes the first one."""
        journal = Journal(self.context.fs, self.context.journal.workspace, run)
        make_run_folder(self.context.fs, journal.workspace, run)
        journal.write("undoes", run=self.context.run)
        return self.of(replace(self.context, journal=journal))

    def _put(self, values: dict[str, str | None]) -> None:
        self.settings |= values
        self.set.append(values["persistent"])

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


OWN = [
    {"persistent": None, "transient": None},
    {"persistent": "new_primaries", "transient": None},
    {"persistent": "none", "transient": "all"},
    {"persistent": None, "transient": "new_primaries"},
]


@pytest.mark.parametrize("own", OWN)
def test_what_the_operator_had_set_is_put_back(lab: Lab, own: dict[str, str | None]) -> None:
    """A transient setting, which wins, is switched too, and none is made where there was none."""
    lab.settings = dict(own)
    lab.allocation.off(OFF)
    assert (lab.settings["transient"] or lab.settings["persistent"]) == "primaries"
    assert lab.settings["transient"] in (None, "primaries" if own["transient"] else None)
    lab.allocation.on(ON, "n1")
    assert lab.settings == own


@pytest.mark.parametrize("own", OWN)
def test_a_walk_that_was_cut_short_does_not_take_its_own_setting_for_the_operators(
    lab: Lab, own: dict[str, str | None]
) -> None:
    lab.settings = dict(own)
    lab.allocation.off(OFF)
    lab.of(replace(lab.context, journal=Journal(lab.context.fs, lab.context.journal.workspace, lab.context.run))).off(
        OFF
    )
    lab.allocation.on(ON, "n1")
    lab.allocation.on(ON, "n1")  # once more, after a crash between the call and the record of the step
    assert lab.settings == own


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("own", OWN)
def test_the_undo_of_an_abandoned_run_puts_back_what_that_run_found(
    lab: Lab, own: dict[str, str | None], *, again: bool
) -> None:
    """Whether the undo takes the nodes down itself or only starts them."""
    lab.settings = dict(own)
    lab.allocation.off(OFF)
    undo = lab.undo("2026-11-25T00-00-00Z-ffff")
    if again:
        undo.off(OFF)
    undo.on(ON, "n1")
    assert lab.settings == own


def test_a_setting_that_was_changed_between_two_nodes_is_the_operators(lab: Lab) -> None:
    lab.allocation.off(OFF)
    lab.allocation.on(ON, "n1")
    lab.settings["persistent"] = "new_primaries"
    lab.allocation.off(OFF)
    lab.allocation.on(ON, "n1")
    assert lab.settings["persistent"] == "new_primaries"


@pytest.mark.parametrize(("found", "left"), [("primaries", None), ("new_primaries", "new_primaries"), (None, None)])
def test_a_cluster_that_was_down_already_keeps_what_is_not_meant_for_a_restart(
    lab: Lab, found: str | None, left: str | None
) -> None:
    lab.settings["persistent"] = found
    lab.answers = False
    lab.allocation.off(OFF)
    lab.allocation.on(ON, "n1")
    assert lab.settings["persistent"] == left


def test_an_undo_of_a_cluster_that_lets_nobody_in_yet_goes_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that failed between the start of secured nodes and the first password: nobody has to be asked."""
    lab.settings["persistent"] = "new_primaries"
    lab.allocation.off(OFF)

    def refused(*_: object) -> None:
        raise ProbeError("allocation was not changed: HTTP 401")

    undo = lab.undo("2026-11-25T00-00-00Z-ffff")
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "set_allocation", refused)
        undo.off(OFF)
        assert [each.ok for each in lab.watching.evidence][-1] is False
        with pytest.raises(ProbeError, match="401"):
            lab.allocation.off(OFF)  # a run that goes forward needs it
    undo.on(ON, "n1")
    assert lab.settings["persistent"] == "new_primaries"
