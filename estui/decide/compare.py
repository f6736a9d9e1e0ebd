"""The inventory compared with the cluster, and everything that forbids a plan before any scenario is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from estui.decide.rung import SECURITY, is_secured, ssl_key
from estui.model.finding import Severity
from estui.model.goal import Goal
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedNode, OnDisk
from estui.model.plan import RemoveSetting, SetSetting, Stage
from estui.model.setting import value_text
from estui.pki.names import covers

LOCKED_KEYSTORE = "keystore-locked"
"""Only scenarios that write secure settings need the keystore open; they refuse by themselves."""
DECIDING = (SECURITY, ssl_key(Layer.TRANSPORT, "enabled"), ssl_key(Layer.HTTP, "enabled"), "discovery.type")
"""Settings whose value decides what a plan does."""
NO_UUID = "_na_"
"""Cluster UUID of a node that has not formed or joined a cluster."""
STATE_NODES = "state the number of nodes with `expect_nodes:` in estui.yaml or --expect-nodes"


def folder_refusals(observed: Observed) -> list[str]:
    """Folders that cannot be planned for: unreadable, broken, another product's."""
    return [
        f"{finding.where or finding.target}: {finding.summary}" + (f" ({finding.hint})" if finding.hint else "")
        for thing in observed.things
        for finding in thing.problems
        if finding.severity is Severity.FATAL and finding.rule != LOCKED_KEYSTORE
    ]


def name_refusals(observed: Observed, joins: tuple[str, ...] = ()) -> list[str]:
    """Nodes without a name, or with the same one; those that are to join have not the cluster's name yet."""
    reasons = []
    for node in observed.nodes:
        if not node.name:
            reasons.append(
                f"{node.entry.config}: node.name is not set and the node does not answer; "
                "write `name:` for it into estui.yaml"
            )
        elif node.http_address is None:
            reasons.append(f"{node.name}: its HTTP address cannot be told; write `http: HOST:PORT` into estui.yaml")
    for name, count in Counter(node.name for node in observed.nodes if node.name).items():
        if count > 1:
            reasons.append(f"{count} folders of the inventory carry the node name {name}")
    for target, count in Counter(kibana.target for kibana in observed.kibana).items():
        if count > 1:
            reasons.append(f"{count} Kibana folders go by the name {target}; write `name:` for each into estui.yaml")
    members = [node for node in observed.nodes if node.target not in joins]
    names = {node.setting("cluster.name") or "elasticsearch" for node in members if not node.problems}
    if len(names) > 1:
        reasons.append(f"the folders belong to different clusters: {', '.join(sorted(names))}")
    return reasons


def version_refusals(observed: Observed) -> list[str]:
    """Nodes whose version decides something and is unknown."""
    return [
        f"{node.target}: the version is unknown and decides whether security is on by default; "
        "write `version:` for it into estui.yaml"
        for node in observed.nodes
        if is_secured(node) is None and not node.problems
    ]


def placeholder_refusals(observed: Observed) -> list[str]:
    """Deciding settings that come from the environment of the node's process (`${NAME}`), which nobody here sees."""
    return [
        f"{node.target}: {key} is taken from the environment ({node.setting(key)}), which estui cannot see; "
        "state the variable under `environment:` of the node in estui.yaml, or write its value into elasticsearch.yml"
        for node in observed.nodes
        for key in DECIDING
        if "${" in (node.setting(key) or "")
    ]


def unseen_refusals(observed: Observed) -> list[str]:
    """A secured cluster that nobody may ask: a restart, or a reload, would be without proof."""
    running = [node for node in observed.nodes if node.api.reachable and is_secured(node)]
    if not running or any(node.api.authenticated_as for node in running):
        return []
    return [
        "the cluster asks for a login, and nobody is let in: give --user or the workspace passphrase (over plain HTTP "
        "also --plain-http)"
    ]


def outside_refusals(observed: Observed, stages: Sequence[Stage]) -> list[str]:
    """Settings that a plan would write, and that the operator says are set outside the yml: what is set there wins."""
    things = {thing.target: thing for thing in observed.things}
    reasons = []
    for stage in stages:
        for change in stage.changes:
            if not isinstance(change, SetSetting | RemoveSetting) or change.target not in things:
                continue
            found = things[change.target].settings.get(change.key)
            if found is None or not found.source:
                continue
            wanted = f"be {value_text(change.value)}" if isinstance(change, SetSetting) else "go"
            reasons.append(
                f"{change.target}: {change.key} has to {wanted}, but it is set to {found.text} outside of "
                f"{change.path}, and that wins: {found.source}"
            )
    return reasons


def swapped_mounts(observed: Observed) -> list[str]:
    """Folders whose node.name is not the name answered at their address."""
    return [
        f"{node.entry.config} says node.name {node.name}, but {node.http_address} answers as {node.api.name}: "
        + (
            "it was renamed and not restarted since; restart it"
            if _was_renamed(node)
            else "a mount or an address is swapped"
        )
        for node in observed.nodes
        if node.name_stated and node.api.name and node.api.name != node.name
    ]


def _was_renamed(node: ObservedNode) -> bool:
    """Whether the folder is that of the node that answers, by the name in its transport leaf."""
    leaf = node.disk.get(Layer.TRANSPORT, OnDisk()).leaf
    return leaf is not None and node.api.name in leaf.dns_names and node.name not in leaf.dns_names


def membership_refusals(observed: Observed, goal: Goal) -> list[str]:
    """Clusters that disagree with the inventory about who belongs to them."""
    reasons = []
    uuids = {
        node.api.cluster_uuid: node.target
        for node in observed.nodes
        if node.api.cluster_uuid and node.api.cluster_uuid != NO_UUID
    }
    if len(uuids) > 1:
        reasons.append("the nodes belong to different clusters (UUIDs " + ", ".join(sorted(uuids)) + ")")
    known = {node.name for node in observed.nodes}
    seen = {member.name for node in observed.nodes for member in node.api.members}
    for stranger in sorted(seen - known):
        reasons.append(f"the cluster has a node {stranger} that the inventory lacks; add its folder to estui.yaml")
    return reasons + _count_refusals(observed, goal, asked=bool(seen))


def stated_nodes(observed: Observed, goal: Goal) -> int | None:
    """How many nodes the operator says the cluster has."""
    return goal.expect_nodes or observed.inventory.expect_nodes


def _count_refusals(observed: Observed, goal: Goal, *, asked: bool) -> list[str]:
    """The number of nodes, where nobody tells who they are or the operator states it anyway."""
    stated = stated_nodes(observed, goal)
    if stated is None and asked:
        return []
    if stated is None and (unchecked := unchecked_words(observed)):
        return [f"no node tells who belongs to the cluster: {'; '.join(unchecked)}; {STATE_NODES}"]
    if stated is None:
        return [
            "no node tells who belongs to the cluster (down, or credentials are needed); "
            "give credentials (over plain HTTP also --plain-http), or state the number with `expect_nodes:` or "
            "--expect-nodes"
        ]
    if stated != len(observed.nodes):
        return [f"{stated} nodes are expected, but the inventory has {len(observed.nodes)}"]
    return []


def unchecked_words(observed: Observed) -> list[str]:
    """Nodes that get no password, since the HTTP certificate that they serve is not for the host they are asked by.

    `elasticsearch-certutil cert` without `--dns` and `--ip` makes one without any name (`elastic-certificates.p12`).
    """
    nameless, others = [], []
    for node in observed.nodes:
        leaf = node.port(Layer.HTTP).leaf
        if leaf is None or node.http_address is None or covers(leaf, node.http_address.host):
            continue
        if leaf.names:
            others.append(
                f"{node.target} serves a certificate for {', '.join(leaf.names)} and not for {node.http_address.host}, "
                "so no password is sent there (`http:` in estui.yaml says by which name it is asked)"
            )
        else:
            nameless.append(node.target)
    if not nameless:
        return others
    words = (
        f"the HTTP certificate of {', '.join(nameless)} has no names (subjectAltName), so nobody can check who answers "
        "there and no password is sent (the leaves of the next rotation or rollover have names)"
    )
    return [words, *others]


def unproven(observed: Observed) -> list[ObservedNode]:
    """Nodes whose tie between folder and address is stated, not proven by an answer."""
    return [node for node in observed.nodes if node.name and node.api.name != node.name]


def missing_members(observed: Observed) -> list[str]:
    """Nodes of the inventory that the cluster, where it answers, does not have at the moment."""
    seen = {member.name for node in observed.nodes for member in node.api.members}
    return [node.target for node in observed.nodes if node.name not in seen] if seen else []


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Everything that forbids a plan whatever the scenario, worst first."""
    first = folder_refusals(observed) + name_refusals(observed) + version_refusals(observed)
    first += placeholder_refusals(observed)
    if first:
        return first
    unknown = sorted(set(goal.only) - {thing.target for thing in observed.things})
    if unknown:
        return [f"the inventory has no {name}" for name in unknown]
    return swapped_mounts(observed) + membership_refusals(observed, goal)
