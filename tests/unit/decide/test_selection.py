"""What `--only` means: names, tags and patterns, together and except."""

from __future__ import annotations

import pytest

from estui.decide.runbook import turns
from estui.decide.selection import group_of, select
from estui.errors import UsageError
from estui.model.inventory import Inventory, NodeEntry
from estui.model.observed import Observed, ObservedNode

TARGETS = [
    ("es-1", ("zone-a", "master")),
    ("es-2", ("zone-a", "hot")),
    ("es-3", ("zone-b", "hot")),
    ("kibana/main", ()),
]


@pytest.mark.parametrize(
    ("expressions", "meant"),
    [
        (["es-2"], ("es-2",)),
        (["zone-a"], ("es-1", "es-2")),
        (["zone-a+hot"], ("es-2",)),
        (["zone-a+^master"], ("es-2",)),
        (["^zone-a"], ("es-3", "kibana/main")),
        (["es-*"], ("es-1", "es-2", "es-3")),
        (["zone-*+hot", "kibana/*"], ("es-2", "es-3", "kibana/main")),
        (["es-3", "es-1"], ("es-1", "es-3")),
        ([], ()),
    ],
)
def test_expressions_mean_targets_in_their_order(expressions: list[str], meant: tuple[str, ...]) -> None:
    assert select(TARGETS, expressions) == meant


def test_a_word_that_nobody_has_stays_for_whoever_knows_more_names() -> None:
    assert select(TARGETS, ["client/estui", "hot"]) == ("es-2", "es-3", "client/estui")


@pytest.mark.parametrize("expression", ["zone-c+hot", "db-*", "^*", "hot+", "+"])
def test_an_expression_that_matches_nothing_is_refused_with_the_tags(expression: str) -> None:
    with pytest.raises(UsageError, match="nothing matches") as caught:
        select(TARGETS, [expression])
    assert "hot, master, zone-a, zone-b" in str(caught.value.hint)


def test_a_name_may_hold_the_signs() -> None:
    assert select([("a+b", ()), ("a", ("b",))], ["a+b"]) == ("a+b", "a")


def test_groups_come_in_the_order_that_is_stated_and_others_last() -> None:
    assert [group_of(tags, ("zone-b", "zone-a")) for tags in (("zone-a",), ("x", "zone-b"), ())] == [1, 0, 2]


def test_a_rolling_restart_goes_group_by_group_and_keeps_the_order_within_each() -> None:
    nodes = tuple(
        ObservedNode(NodeEntry(f"/{name}", name=name, tags=(zone,)), name, True, {})
        for name, zone in (("es-1", "zone-b"), ("es-2", "zone-a"), ("es-3", "zone-b"), ("es-4", "elsewhere"))
    )
    inventory = Inventory("c", tuple(node.entry for node in nodes), groups=("zone-a", "zone-b"))
    names = ("es-3", "es-1", "es-2", "es-4")
    assert turns(Observed(inventory, nodes), names) == ("es-2", "es-3", "es-1", "es-4")
    assert turns(Observed(Inventory("c", ()), nodes), names) == names
