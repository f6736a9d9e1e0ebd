"""How nodes find one another and form a cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.model.finding import Severity
from estui.model.observed import ApiFacts
from tests.unit.decide.findings.builders import V8, Case, answers, check, fire, names, node, seen

MASTERS = "cluster.initial_master_nodes"
SINGLE = "discovery.type: single-node"
OUT = "network.host: 10.0.0.1\n"
GOOD = seen(node("discovery.seed_hosts: [es-1]"), node("discovery.seed_hosts: [es-1]", "es-2"))
FORMED = answers("es-1", "es-2")

CASES = [
    Case("single-node-with-masters", seen(node(f"{SINGLE}\n{MASTERS}: [es-1]")), seen(node(SINGLE)), f":3: {MASTERS}"),
    Case("single-node-among-others", seen(node(SINGLE), node("", "es-2")), seen(node(SINGLE))),
    Case("initial-masters-left", seen(node(f"{MASTERS}: [es-1]", api=FORMED)), seen(node(f"{MASTERS}: [es-1]"))),
    Case(
        "initial-masters-without-role",
        seen(node(f"node.roles: [data]\n{MASTERS}: [es-1]")),
        seen(node(f"node.roles: [data, master]\n{MASTERS}: [es-1]")),
    ),
    Case(
        "initial-masters-unknown",
        seen(node(f"{MASTERS}: [es-1.example.net]")),
        seen(node(f"{MASTERS}: [es-1]")),
        "es-1.example.net is no node",
    ),
    Case(
        "initial-masters-differ",
        seen(node(f"{MASTERS}: [es-1]"), node(f"{MASTERS}: [es-2]", "es-2")),
        seen(node(f"{MASTERS}: [es-1, es-2]"), node(f"{MASTERS}: [es-2, es-1]", "es-2")),
    ),
    Case("discovery-unset", seen(node(OUT)), seen(node(f"{OUT}discovery.seed_hosts: []")), "discovery.seed_hosts"),
    Case("cluster-name-differs", seen(node("cluster.name: a"), node("", "es-2")), GOOD, "elasticsearch on es-2"),
    Case("node-name-twice", seen(node(""), node("")), GOOD),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_an_unknown_initial_master_of_a_cluster_that_has_formed_is_only_a_note() -> None:
    observed = seen(node(f"{MASTERS}: [gone]", api=FORMED))
    assert [found.severity for found in fire("initial-masters-unknown", observed)] == [Severity.NOTE]


def test_of_some_folders_of_a_cluster_an_unknown_initial_master_is_only_a_note() -> None:
    """Without an inventory nobody says that these folders are all there are."""
    observed = seen(node(f"{MASTERS}: [es-1, es-2, es-3]"))
    assert [found.severity for found in fire("initial-masters-unknown", observed)] == [Severity.ERROR]
    alone = replace(observed, inventory=replace(observed.inventory, cluster=""))
    (found,) = fire("initial-masters-unknown", alone)
    assert found.severity is Severity.NOTE
    assert found.summary == "es-2, es-3 is no node of the folders that were given"


def test_a_cluster_that_has_not_formed_keeps_its_initial_masters() -> None:
    waiting = ApiFacts(reachable=True, name="es-1", cluster_uuid="_na_")
    assert fire("initial-masters-left", seen(node(f"{MASTERS}: [es-1]", api=waiting))) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "_local_", "'[::1]'"])
def test_on_loopback_no_discovery_setting_is_needed(host: str) -> None:
    assert fire("discovery-unset", seen(node(f"network.host: '{host.strip(chr(39))}'", version=V8))) == []


def test_transport_alone_on_loopback_is_development_mode() -> None:
    assert fire("discovery-unset", seen(node(OUT + "transport.host: 127.0.0.1"))) == []
    assert fire("discovery-unset", seen(node("http.host: 0.0.0.0"))) == []


def test_single_node_discovery_needs_no_other_setting() -> None:
    assert fire("discovery-unset", seen(node(OUT + SINGLE))) == []


def test_initial_masters_may_be_addresses() -> None:
    assert fire("initial-masters-unknown", seen(node(f'{MASTERS}: ["127.0.0.1:9300"]'))) == []
