"""Rules about how nodes find one another and form a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.compare import NO_UUID
from estui.decide.findings.rule import Facts, Hit, Text, about_cluster, about_node
from estui.decide.findings.view import (
    apart,
    at,
    in_production,
    is_master_eligible,
    is_single,
    is_stock_container,
    listed,
    odd_one,
)
from estui.model.finding import Severity
from estui.model.observed import ObservedNode

MASTERS = "cluster.initial_master_nodes"
SEEDS = ("discovery.seed_hosts", "discovery.seed_providers")


@about_node(
    Text(
        "single-node-with-masters",
        Severity.FATAL,
        "single-node discovery together with initial master nodes",
        "Elasticsearch refuses to start: setting [cluster.initial_master_nodes] is not allowed when [discovery.type] "
        "is set to [single-node]",
        "remove cluster.initial_master_nodes",
        "seen on Elasticsearch 9.1.0",
    )
)
def single_node_with_masters(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if is_single(node) and MASTERS in node.settings and node.settings[MASTERS].items:
        yield Hit(node.target, f"discovery.type is single-node, and {MASTERS} is set", at(node, MASTERS))


@about_node(
    Text(
        "single-node-among-others",
        Severity.ERROR,
        "single-node discovery on a node of a cluster of several",
        "at its next start the node elects itself and joins nobody",
        "remove discovery.type",
        "bootstrap checks, single-node discovery (elastic.co documentation)",
    )
)
def single_node_among_others(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    others = len(facts.observed.nodes) > 1 or len(node.api.members) > 1
    if is_single(node) and others:
        yield Hit(node.target, "discovery.type is single-node in a cluster of several", at(node, "discovery.type"))


@about_node(
    Text(
        "initial-masters-left",
        Severity.NOTE,
        "initial master nodes are still set in a cluster that has formed",
        "a warning at every start; if this node ever loses its data it can form a second cluster of the same name",
        "remove cluster.initial_master_nodes; it takes effect at the next start",
        "ClusterBootstrapService: remove this setting to avoid possible data loss",
    )
)
def initial_masters_left(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    formed = facts.observed.cluster_uuid not in ("", NO_UUID)
    if formed and MASTERS in node.settings and node.settings[MASTERS].items:
        yield Hit(node.target, f"{MASTERS} is still set", at(node, MASTERS))


@about_node(
    Text(
        "initial-masters-without-role",
        Severity.WARNING,
        "initial master nodes on a node that cannot be master",
        "Elasticsearch ignores it there and says so in its log",
        "remove cluster.initial_master_nodes from this node",
        "cluster bootstrapping: on master-eligible nodes only (elastic.co documentation)",
    )
)
def initial_masters_without_role(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if MASTERS in node.settings and node.settings[MASTERS].items and not is_master_eligible(node):
        yield Hit(node.target, f"{MASTERS} is set, and the node is not master-eligible", at(node, MASTERS))


@about_cluster(
    Text(
        "initial-masters-unknown",
        Severity.ERROR,
        "an initial master node that is the name of no node",
        "a new cluster waits for it and does not form: master not discovered yet",
        "write names exactly as node.name has them, or remove the setting where the cluster has formed",
        "ClusterBootstrapService: names must be equal, a host name is another name than its FQDN",
    )
)
def initial_masters_unknown(facts: Facts) -> Iterator[Hit]:
    if len(facts.nodes) < len(facts.observed.nodes) or not all(node.name for node in facts.nodes):
        return  # a name that is not known may be the one
    names = {node.name for node in facts.nodes}
    hosts = {str(node.transport_address) for node in facts.nodes} | {
        node.transport_address.host for node in facts.nodes if node.transport_address
    }
    formed = facts.observed.cluster_uuid not in ("", NO_UUID)
    all_known = bool(facts.observed.inventory.cluster)  # folders without an inventory may be some of many
    for node in facts.nodes:
        stated = node.settings[MASTERS].items if MASTERS in node.settings else ()
        strange = [name for name in stated if "$" not in name and name not in names | hosts]
        if strange:
            severity = Severity.NOTE if formed or not all_known else None
            where = "the inventory" if all_known else "the folders that were given"
            summary = f"{listed(strange)} is no node of {where}"
            yield Hit(node.target, summary, at(node, MASTERS), severity=severity)


@about_cluster(
    Text(
        "initial-masters-differ",
        Severity.WARNING,
        "nodes that name different initial master nodes",
        "a new cluster can form twice, each half with its own data",
        "write the same list on every master-eligible node, or remove it where the cluster has formed",
        "cluster bootstrapping (elastic.co documentation)",
    )
)
def initial_masters_differ(facts: Facts) -> Iterator[Hit]:
    if facts.observed.cluster_uuid not in ("", NO_UUID):
        return
    stated = {
        node.target: ", ".join(sorted(node.settings[MASTERS].items)) for node in facts.nodes if MASTERS in node.settings
    }
    difference = apart(facts.nodes, stated)
    if difference:
        odd = odd_one(facts.nodes, stated)
        yield Hit(odd.target, difference, at(odd, MASTERS))


@about_node(
    Text(
        "discovery-unset",
        Severity.FATAL,
        "a node that is reachable from elsewhere and has no discovery setting",
        "Elasticsearch refuses to start (exit code 78): the default discovery settings are unsuitable for "
        "production use",
        "set discovery.seed_hosts; for one deliberate node discovery.type: single-node or discovery.seed_hosts: []",
        "DiscoveryConfiguredBootstrapCheck",
    )
)
def discovery_unset(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if in_production(node) and not is_stock_container(node) and not {MASTERS, *SEEDS} & set(node.settings):
        yield Hit(node.target, f"none of {', '.join((*SEEDS, MASTERS))} is set", at(node, SEEDS[0]))


@about_cluster(
    Text(
        "cluster-name-differs",
        Severity.ERROR,
        "nodes with different cluster names",
        "a node does not join a cluster of another name",
        "write the same cluster.name everywhere; changing it needs a restart of all nodes",
        "cluster.name (elastic.co documentation)",
    )
)
def cluster_name_differs(facts: Facts) -> Iterator[Hit]:
    names = {node.target: node.setting("cluster.name") or "elasticsearch" for node in facts.nodes}
    difference = apart(facts.nodes, names)
    if difference:
        odd = odd_one(facts.nodes, names)
        yield Hit(odd.target, difference, at(odd, "cluster.name"))


@about_cluster(
    Text(
        "node-name-twice",
        Severity.ERROR,
        "two folders with the same node name",
        "Elasticsearch lets both join, and whoever works on one works on the other; nothing is planned for them",
        "give each its own node.name, or leave one folder out",
        "node.name (elastic.co documentation)",
    )
)
def node_name_twice(facts: Facts) -> Iterator[Hit]:
    by_name: dict[str, list[ObservedNode]] = {}
    for node in facts.nodes:
        if node.name:
            by_name.setdefault(node.name, []).append(node)
    for name, nodes in by_name.items():
        if len(nodes) > 1:
            folders = listed(node.entry.config for node in nodes)
            yield Hit(name, f"{name} is the name in {folders}", at(nodes[-1], "node.name"))


RULES = (
    single_node_with_masters,
    single_node_among_others,
    initial_masters_left,
    initial_masters_without_role,
    initial_masters_unknown,
    initial_masters_differ,
    discovery_unset,
    cluster_name_differs,
    node_name_twice,
)
