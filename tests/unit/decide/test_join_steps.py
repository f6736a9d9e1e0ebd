"""The way out of the cluster again stops the new node and nobody else; the way in can be taken up again."""

from __future__ import annotations

from dataclasses import replace

from estui.decide.join_steps import is_leaving, join_steps, leaving
from estui.decide.runbook import rollback_steps, start_order
from estui.model.goal import Goal, Scenario
from estui.model.plan import Place, Plan
from estui.model.run import StepKind
from tests.unit.decide.samples import Lab

ORDER = ("es-1", "es-2", "es-3", "es-4")
PLAN = Plan("w", "lab", "u-1", Goal(Scenario.HTTPS, joins=("es-4",)), expect_nodes=4)
JOIN = replace(PLAN, steps=tuple(join_steps(PLAN, "join", ORDER, ())))
LEAVE = replace(PLAN, steps=rollback_steps(JOIN, ("es-4",), ORDER))
REJOIN = replace(PLAN, steps=rollback_steps(LEAVE, ("es-4",), ORDER))


def _kinds(plan: Plan) -> list[str]:
    return [step.kind.value for step in plan.steps]


def test_an_undo_stops_the_node_for_good_and_asks_the_others_only() -> None:
    assert _kinds(LEAVE) == ["prepare", "stop", "undo", "cluster", "verify"]
    by_kind = {step.kind: step.targets for step in LEAVE.steps}
    assert by_kind[StepKind.STOP] == by_kind[StepKind.UNDO] == ("es-4",)
    assert by_kind[StepKind.CLUSTER] == by_kind[StepKind.VERIFY] == ("es-1", "es-2", "es-3")


def test_an_undo_that_was_not_finished_is_undone_by_a_start() -> None:
    assert _kinds(REJOIN) == ["prepare", "stop", "undo", "start", "cluster", "verify"]
    assert {target for step in REJOIN.steps[:-1] for target in step.targets} == {"es-4"}


def test_only_the_way_out_leaves() -> None:
    assert [is_leaving(plan) for plan in (JOIN, LEAVE, REJOIN)] == [False, True, False]
    assert (leaving(JOIN), leaving(LEAVE)) == ((), ("es-4",))
    assert not is_leaving(Plan("w", "lab", "u-1", Goal(Scenario.HTTPS)))


def test_a_renamed_node_keeps_the_name_that_a_plan_knows_its_folder_by(lab: Lab) -> None:
    """An undo of what was done under the old name finds its files."""
    observed = lab.three().look()
    place = Place("old-3", observed.nodes[2].entry.config, 0, 0, 0o750, 0o640, 0o660)
    assert start_order(observed, (place,)) == ("es-1", "es-2", "old-3")
