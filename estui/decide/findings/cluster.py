"""Rules about the cluster as it answers: members, health, allocation, versions."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.compare import NO_UUID
from estui.decide.findings.rule import NEWEST, Facts, Hit, Text, about_cluster, about_node, is_newer
from estui.decide.findings.view import apart, at, listed, odd_one
from estui.model.finding import Severity
from estui.model.observed import ObservedNode


def _answering(facts: Facts) -> ObservedNode | None:
    """A node that told who belongs to the cluster."""
    return next((node for node in facts.observed.nodes if node.api.members), None)


def _api(node: ObservedNode) -> str:
    return f"http {node.http_address}" if node.http_address else node.entry.config


@about_cluster(
    Text(
        "members-missing",
        Severity.WARNING,
        "nodes of the inventory that the cluster does not have",
        "the cluster goes on without them as long as it has a majority; estui waits for them in its gates",
        "start them, and look into their logs",
        "GET /_nodes",
    )
)
def members_missing(facts: Facts) -> Iterator[Hit]:
    witness = _answering(facts)
    if witness is None:
        return
    seen = {member.name for node in facts.observed.nodes for member in node.api.members}
    absent = [node.target for node in facts.observed.nodes if node.name and node.name not in seen]
    if absent:
        yield Hit(absent[0], f"{listed(absent)}: not in the cluster", _api(witness))


@about_cluster(
    Text(
        "members-unknown",
        Severity.WARNING,
        "the cluster has nodes that the inventory lacks",
        "transport and CA plans are refused: such a node would be shut out",
        "add their folders to estui.yaml",
        "GET /_nodes",
    )
)
def members_unknown(facts: Facts) -> Iterator[Hit]:
    witness = _answering(facts)
    if witness is None or not all(node.name for node in facts.observed.nodes):
        return
    known = {node.name for node in facts.observed.nodes}
    strange = sorted({member.name for node in facts.observed.nodes for member in node.api.members} - known)
    if strange:
        # folders without an inventory were not said to be all of the cluster's
        severity = None if facts.observed.inventory.cluster else Severity.NOTE
        yield Hit(witness.target, f"unknown: {listed(strange)}", _api(witness), severity=severity)


@about_cluster(
    Text(
        "cluster-uuids-differ",
        Severity.ERROR,
        "the nodes belong to different clusters",
        "they never join one another: each keeps the data of its own cluster",
        "compare addresses and mounts; a node that formed a cluster by itself has to be emptied to join another",
        "GET /: cluster_uuid",
    )
)
def cluster_uuids_differ(facts: Facts) -> Iterator[Hit]:
    nodes = [node for node in facts.observed.nodes if node.api.cluster_uuid not in ("", NO_UUID)]
    uuids = {node.target: node.api.cluster_uuid for node in nodes}
    difference = apart(nodes, uuids)
    if difference:
        odd = odd_one(nodes, uuids)
        yield Hit(odd.target, difference, _api(odd))


@about_cluster(
    Text(
        "health-red",
        Severity.ERROR,
        "the health of the cluster is red",
        "a primary shard is missing; restarting more nodes can make it worse",
        "bring back what is missing before anything is restarted: GET _cluster/allocation/explain",
        "GET /_cluster/health",
    )
)
def health_red(facts: Facts) -> Iterator[Hit]:
    for node in facts.observed.nodes:
        if node.api.health and node.api.health.status == "red":
            yield Hit(node.target, f"red, {node.api.health.unassigned_shards} shards unassigned", _api(node))
            return


@about_cluster(
    Text(
        "health-yellow",
        Severity.NOTE,
        "the health of the cluster is yellow",
        "replicas are not in place: the next node that fails may take the only copy of a shard with it; of a single "
        "node it is the usual colour",
        "wait for green before nodes are restarted one by one: GET _cluster/allocation/explain",
        "GET /_cluster/health",
    )
)
def health_yellow(facts: Facts) -> Iterator[Hit]:
    for node in facts.observed.nodes:
        if node.api.health and node.api.health.status == "yellow":
            yield Hit(node.target, f"yellow, {node.api.health.unassigned_shards} shards unassigned", _api(node))
            return


@about_cluster(
    Text(
        "allocation-off",
        Severity.WARNING,
        "shard allocation is restricted",
        "Elasticsearch makes no new replicas: data is lost with the next node; a restart that was broken off leaves "
        "this behind",
        "if no run is waiting (estui runbook) and nobody wants it: PUT _cluster/settings "
        '{"persistent":{"cluster.routing.allocation.enable":null},'
        '"transient":{"cluster.routing.allocation.enable":null}}',
        "cluster.routing.allocation.enable (elastic.co documentation)",
    )
)
def allocation_off(facts: Facts) -> Iterator[Hit]:
    for node in facts.observed.nodes:
        if node.api.allocation not in ("", "all"):
            summary = f"cluster.routing.allocation.enable is {node.api.allocation}"
            yield Hit(node.target, summary, _api(node))
            return


@about_node(
    Text(
        "version-unknown",
        Severity.NOTE,
        "the version of a node is not known",
        f"it is judged as {NEWEST.major}.{NEWEST.minor} would be; whether security is on by default depends on it",
        "write version: for it into estui.yaml, or let it answer",
        "8.0 and later: on by default",
    )
)
def version_unknown(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if node.version is None:
        yield Hit(node.target, f"judged as {NEWEST.major}.{NEWEST.minor}", node.entry.config)


@about_node(
    Text(
        "version-newer",
        Severity.NOTE,
        "a release of Elasticsearch that is newer than what the rules were checked against",
        f"it is judged as {NEWEST.major}.{NEWEST.minor} would be",
        "look for a newer estui",
        f"checked against 8.19.0 and {NEWEST}",
    )
)
def version_newer(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if node.version is not None and is_newer(node.version):
        yield Hit(node.target, f"{node.version} is judged as {NEWEST.major}.{NEWEST.minor}", _api(node))


@about_cluster(
    Text(
        "versions-differ",
        Severity.NOTE,
        "nodes of different versions",
        "fine during a rolling upgrade; each node is judged by its own version",
        "finish the upgrade before security is changed",
        "rolling upgrades (elastic.co documentation)",
    )
)
def versions_differ(facts: Facts) -> Iterator[Hit]:
    nodes = [node for node in facts.observed.nodes if node.version and node.version_source == "API"]
    versions = {node.target: str(node.version) for node in nodes}
    difference = apart(nodes, versions)
    if difference:
        odd = odd_one(nodes, versions)
        yield Hit(odd.target, difference, _api(odd))


@about_node(
    Text(
        "name-not-stated",
        Severity.NOTE,
        "node.name is left to its default",
        "Elasticsearch takes the host name at start; what ties folder and node cannot be proven from the folder",
        "write node.name into elasticsearch.yml, or name: into estui.yaml",
        "node.name (elastic.co documentation)",
    )
)
def name_not_stated(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if not node.name_stated:
        yield Hit(node.target, "node.name is not written down", at(node, "node.name"))


RULES = (
    members_missing,
    members_unknown,
    cluster_uuids_differ,
    health_red,
    health_yellow,
    allocation_off,
    version_unknown,
    version_newer,
    versions_differ,
    name_not_stated,
)
