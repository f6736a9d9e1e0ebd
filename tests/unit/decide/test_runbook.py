"""The steps are made before anything is done, in the only order that works."""

from __future__ import annotations

import pytest

from estui.decide.runbook import is_master_eligible, leaves_allocation_off, rollback_steps, start_order, takes_down
from estui.model.goal import Goal, Scenario
from estui.model.plan import Plan
from estui.model.run import Step, StepKind, StepRecord, StepState
from tests.unit.decide.samples import Lab, node_yml

BASIC, HTTPS = Goal(Scenario.BASIC), Goal(Scenario.HTTPS)
K = StepKind
KIBANA = 'elasticsearch.hosts: ["http://127.0.0.1:9201"]\n'


def kinds(steps: tuple[Step, ...]) -> list[StepKind]:
    return [step.kind for step in steps]


def test_a_full_restart_commits_while_everything_is_down(lab: Lab) -> None:
    plan = lab.three().with_kibana(KIBANA, on_host="/k").plan(HTTPS)
    assert kinds(plan.steps) == [
        K.PREPARE, K.ALLOCATION_OFF, K.STOP, K.STOP, K.COMMIT, K.START, K.FIRST_LOGIN, K.CLUSTER, K.ALLOCATION_ON,
        K.PASSWORDS, K.REMOVE_LOGIN, K.COMMIT, K.START, K.VERIFY,
    ]  # fmt: skip
    assert [step.targets for step in plan.steps if step.kind is K.STOP] == [
        ("kibana/kibana-1",), ("es-1", "es-2", "es-3"),
    ]  # fmt: skip


def test_kibana_is_down_during_a_full_restart_even_where_it_does_not_change(lab: Lab) -> None:
    lab.three().with_kibana(KIBANA + "elasticsearch.serviceAccountToken: x\n", on_host="/k")
    steps = lab.plan(BASIC).steps
    assert [step.title for step in steps if "kibana/kibana-1" in step.targets and step.kind is not K.VERIFY] == [
        "stop Kibana",
        "start Kibana",
    ]


def test_a_rolling_restart_makes_the_cluster_whole_before_the_next_node(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(BASIC))
    steps = lab.plan(HTTPS).steps
    turn = [K.ALLOCATION_OFF, K.COMMIT, K.RESTART, K.CLUSTER, K.ALLOCATION_ON]
    assert kinds(steps) == [K.PREPARE, *turn * 3, K.VERIFY]
    assert [step.targets for step in steps if step.kind is K.RESTART] == [("es-1",), ("es-2",), ("es-3",)]
    assert len({step.id for step in steps}) == len(steps)


def test_a_leaf_that_is_loaded_while_the_node_runs_needs_one_commit(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(BASIC))
    assert kinds(lab.later(days=380).plan(BASIC).steps) == [K.PREPARE, K.COMMIT, K.VERIFY]


@pytest.mark.parametrize(
    ("line", "eligible"),
    [
        ("", True),
        ("node.roles: [master, data]", True),
        ("node.roles: [data, ingest]", False),
        ("node.roles: []", False),
        ("node.roles: data,master", True),
        ("node.master: false", False),
    ],
)
def test_who_may_be_master_is_told_by_roles_or_the_setting_before_them(lab: Lab, line: str, eligible: bool) -> None:
    lab.node("es-1", node_yml("es-1", 1, line))
    assert is_master_eligible(lab.look().nodes[0]) is eligible


def test_master_eligible_nodes_start_first(lab: Lab) -> None:
    lab.node("a", node_yml("a", 1, "node.roles: [data]")).node("c", node_yml("c", 3)).node("b", node_yml("b", 2))
    assert start_order(lab.look()) == ("b", "c", "a")


def test_a_full_restart_is_undone_by_a_full_restart(lab: Lab) -> None:
    plan = lab.three().with_kibana(KIBANA, on_host="/k").plan(HTTPS)
    order = ("es-1", "es-2", "es-3")
    steps = rollback_steps(plan, (*order, "kibana/kibana-1"), order)
    assert kinds(steps) == [
        K.PREPARE, K.ALLOCATION_OFF, K.STOP, K.STOP, K.UNDO, K.START, K.CLUSTER, K.ALLOCATION_ON, K.START, K.VERIFY,
    ]  # fmt: skip


def test_a_rolling_restart_is_undone_node_by_node_as_carefully(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(BASIC))
    order = ("es-1", "es-2", "es-3")
    steps = rollback_steps(lab.plan(HTTPS), ("es-1", "es-2"), order)
    turn = [K.ALLOCATION_OFF, K.UNDO, K.RESTART, K.CLUSTER, K.ALLOCATION_ON]
    assert kinds(steps) == [K.PREPARE, *turn * 2, K.VERIFY]


def test_what_was_loaded_without_a_restart_is_undone_without_one(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(BASIC))
    steps = rollback_steps(lab.later(days=380).plan(BASIC), ("es-1",), ("es-1", "es-2", "es-3"))
    assert kinds(steps) == [K.PREPARE, K.UNDO, K.VERIFY]


def test_a_rolling_restart_is_undone_from_its_last_node(lab: Lab) -> None:
    """The one that did not come back is the last that was switched: no other goes down before it is there again."""
    lab.three()
    lab.apply(lab.plan(BASIC))
    plan, order = lab.plan(HTTPS), ("es-1", "es-2", "es-3")
    restarts = [step.targets for step in rollback_steps(plan, ("es-1", "es-2"), order) if step.kind is K.RESTART]
    assert restarts == [("es-2",), ("es-1",)]


def test_what_was_taken_down_is_brought_up_although_nothing_was_switched(lab: Lab) -> None:
    plan, order = lab.three().plan(HTTPS), ("es-1", "es-2", "es-3")
    assert kinds(rollback_steps(plan, (), order, taken_down=True)) == [
        K.PREPARE, K.START, K.CLUSTER, K.ALLOCATION_ON, K.VERIFY,
    ]  # fmt: skip


def _records(plan: Plan, *states: tuple[StepKind, StepState]) -> list[StepRecord]:
    known = dict(states)
    return [StepRecord(step, known.get(step.kind, StepState.WAITING)) for step in plan.steps]


@pytest.mark.parametrize("state", [StepState.RUNNING, StepState.FAILED, StepState.DONE])
def test_allocation_counts_as_off_from_the_moment_it_may_be(lab: Lab, state: StepState) -> None:
    plan = lab.three().plan(HTTPS)
    assert leaves_allocation_off(_records(plan, (K.ALLOCATION_OFF, state)))
    assert takes_down(_records(plan, (K.ALLOCATION_OFF, state)))
    assert not leaves_allocation_off(_records(plan))
    assert not takes_down(_records(plan, (K.PREPARE, state)))


@pytest.mark.parametrize("state", [StepState.RUNNING, StepState.FAILED])
def test_allocation_counts_as_on_only_once_it_is(lab: Lab, state: StepState) -> None:
    plan = lab.three().plan(HTTPS)
    off = (K.ALLOCATION_OFF, StepState.DONE)
    assert leaves_allocation_off(_records(plan, off, (K.ALLOCATION_ON, state)))
    assert not leaves_allocation_off(_records(plan, off, (K.ALLOCATION_ON, StepState.DONE)))


def test_no_step_goes_on_by_itself_there_or_back(lab: Lab) -> None:
    """A change request is asked `and when do you go on?` for every line: unsecured to HTTPS, one layer more, new leaves
    and new Beats, and the way back of each."""
    lab.three().with_kibana(KIBANA, on_host="/k").with_beat(
        "output.elasticsearch.hosts: ['http://127.0.0.1:9201']\n", on_host="/etc/metricbeat"
    )
    plans = [lab.plan(HTTPS), lab.plan(BASIC)]
    lab.apply(plans[1])
    plans.append(lab.plan(HTTPS))
    lab.apply(plans[2])
    plans.append(lab.later(days=380).plan(HTTPS))
    order = ("es-1", "es-2", "es-3")
    everyone = (*order, "kibana/kibana-1", "beat/metricbeat")
    for plan in plans:
        assert [step.title for step in plan.steps if not step.gate] == []
        for done in (everyone, ("es-1",), ()):
            assert [step.title for step in rollback_steps(plan, done, order, taken_down=True) if not step.gate] == []
