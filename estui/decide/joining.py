"""A node that joins a cluster which is secured already: what it gets, and when it may not.

Nothing of the other nodes changes: they trust its leaf because they trust its CA, and hear of it from the master.
Source: elastic-stack-security.md §2.2 (discovery, `cluster.initial_master_nodes`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from estui.decide import compare, hosts, mutual
from estui.decide.authorities import authority_named, disks_of, in_force, issuer_of, trust_for, trusted_names
from estui.decide.external import date_reasons, imported_for, is_external, request_of
from estui.decide.join_steps import is_running
from estui.decide.layers import (
    NODE_YML,
    clashes,
    leaf_request,
    managed_format,
    meets,
    setting_changes,
    store_passwords,
    wanted_settings,
)
from estui.decide.masking import shown_value
from estui.decide.rotation import standing_goal
from estui.decide.runbook import is_master_eligible
from estui.decide.rung import SECURITY, has_tls, is_secured, ssl_key
from estui.decide.scenarios import SEED_KEYS, layers_of
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import Observed, ObservedNode, OnDisk
from estui.model.plan import Change, PublishSet, RemoveSetting, Restart, SetSecureSetting, Stage
from estui.pki.names import normalised_address

STAGE = "join"
DEFAULT_CLUSTER = "elasticsearch"
"""`cluster.name` without a setting."""
BOOTSTRAP = "cluster.initial_master_nodes"
SINGLE_NODE = "single-node"
SEED_SOURCES = (*SEED_KEYS, "discovery.seed_providers", "discovery.zen.hosts_provider")
"""What tells a node where to look for others; the second of each is the name until 7.x."""
_HOST_KEYS = ("transport.publish_host", "transport.host", "network.publish_host", "network.host")
WHY = "the new node reads its files when it is started; the others trust its leaf, for they trust its CA"
WHY_BOOTSTRAP = "a node that joins a formed cluster must not bootstrap another one"


def members_of(observed: Observed, goal: Goal) -> Observed:
    """The cluster without the nodes that are to join."""
    inventory = replace(observed.inventory, expect_nodes=None)
    return replace(
        observed, inventory=inventory, nodes=tuple(node for node in observed.nodes if node.target not in goal.joins)
    )


def joiners(observed: Observed, goal: Goal) -> tuple[ObservedNode, ...]:
    return tuple(node for node in observed.nodes if node.target in goal.joins)


def is_member(node: ObservedNode, observed: Observed) -> bool:
    """Whether the cluster lists the node already, by another one's answer."""
    others = (other for other in observed.nodes if other is not node)
    return any(member.name == node.name for other in others for member in other.api.members)


def join_goal(observed: Observed, name: str) -> Goal:
    """The goal that this node stands where the others stand, with files of the same format."""
    goal = Goal(Scenario.HTTPS, joins=(name,), only=(name,))
    members = members_of(observed, goal)
    found = (managed_format(disk) for layer in Layer for disk in disks_of(members, layer.value))
    store = next((form for form in found if form), None)
    return replace(goal, scenario=standing_goal(members).scenario, format=store or observed.inventory.policy.format)


# refusals


def refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Every reason why these nodes cannot join, worst first."""
    members = members_of(observed, goal)
    first = compare.folder_refusals(observed) + compare.name_refusals(observed, goal.joins)
    first += compare.version_refusals(members) + compare.placeholder_refusals(observed)
    unknown = sorted(set(goal.joins) - {node.target for node in observed.nodes})
    first += [f"the inventory has no node {name}" for name in unknown]
    if first:
        return first
    reasons = _cluster_refusals(members, goal) + compare.swapped_mounts(observed)
    for node in joiners(observed, goal):
        reasons += _node_refusals(node, members) + _tls_refusals(node, members, goal, now)
    return reasons


def _cluster_refusals(members: Observed, goal: Goal) -> list[str]:
    """The cluster has to stand on a rung that nodes can join, to be whole, and to say so itself."""
    if goal.scenario is Scenario.MINIMAL:
        return [
            "the nodes have no TLS between them: in an unsecured cluster start the new node as it is, then estui node "
            "add it; else climb to basic or https first"
        ]
    if not any(node.api.members for node in members.nodes):
        return [
            "no node of the cluster tells who belongs to it: it has to run, and to let you ask (the passphrase, or "
            "--user; --plain-http where it speaks no HTTPS)"
        ]
    reasons = compare.membership_refusals(members, replace(goal, expect_nodes=None))
    return reasons + [
        f"{name} is not in the cluster at the moment; start it, or estui node remove it, first"
        for name in compare.missing_members(members)
    ]


def _node_refusals(node: ObservedNode, members: Observed) -> list[str]:
    reasons = []
    ours, stated = cluster_name(members), node.setting("cluster.name")
    if stated is not None and stated != ours:
        reasons.append(
            f"{node.target}: its cluster.name is {stated}, and the cluster's is {ours}; is it the right folder?"
        )
    if is_member(node, replace(members, nodes=(*members.nodes, node))):
        reasons.append(f"the cluster has a node {node.name} already")
    for other in members.nodes:
        for layer in Layer:
            mine = node.http_address if layer is Layer.HTTP else node.transport_address
            theirs = other.http_address if layer is Layer.HTTP else other.transport_address
            if mine is not None and mine == theirs:
                reasons.append(f"{node.target}: {mine} is the {layer.value} address of {other.target} already")
    if node.transport_address is None:
        reasons.append(f"{node.target}: its transport address cannot be told; give --transport HOST:PORT")
    return reasons + _state_refusals(node, members) + _reach_refusals(node, members) + _version_refusals(node, members)


def _state_refusals(node: ObservedNode, members: Observed) -> list[str]:
    """A node that formed or joined another cluster keeps its UUID, and no other cluster lets it in."""
    ours = members.cluster_uuid
    told = node.api.cluster_uuid or (node.data.cluster_uuid if node.data else "")
    where = node.data.path if node.data else node.setting("path.data") or "its data folder"
    empty = f"if nobody needs what is in it, stop the node and empty {where} by hand, then add it"
    if told and told not in (compare.NO_UUID, ours):
        return [f"{node.target} belongs to another cluster already (UUID {told}): {empty}"]
    if not told and node.data and node.data.has_state:
        return [f"{node.target}: {where} holds the state of a node, and does not tell of which cluster: {empty}"]
    return []


def _reach_refusals(node: ObservedNode, members: Observed) -> list[str]:
    """A stock node listens on loopback only."""
    if node.entry.transport or any(key in node.settings for key in _HOST_KEYS):
        return []
    away = [other.target for other in members.nodes if hosts.static_transport_host(other) != "127.0.0.1"]
    if not away:
        return []
    return [f"{node.target}: network.host is not set, so it listens on loopback only and {away[0]} cannot reach it"]


def _version_refusals(node: ObservedNode, members: Observed) -> list[str]:
    """Source: Elasticsearch class `NodeJoinExecutor` (no node older than the oldest one)."""
    oldest = min((other.version for other in members.nodes if other.version), default=None)
    stated = node.version_source in ("API", "inventory")  # a keystore's format tells the oldest one that it may be
    if stated and node.version and oldest and node.version < oldest:
        return [f"{node.target} has version {node.version}, and no node older than the cluster's {oldest} can join"]
    return []


def _tls_refusals(node: ObservedNode, members: Observed, goal: Goal, now: datetime) -> list[str]:
    if goal.scenario is Scenario.MINIMAL:
        return []
    reasons = []
    for layer in layers_of(goal.scenario):
        if _signer(members, layer) is None:
            reasons.append(
                f"{layer.value} TLS of the cluster was set up without estui, and the workspace lacks its CA: estui "
                "adopt shows it, and estui adopt --import takes it over where its key is at hand"
            )
    reasons += _request_refusals(node, members, goal, now)
    modes = _modes(members)
    if modes == {"full"} and hosts.unchecked_hosts(replace(members, nodes=(node,))):
        reasons.append(
            f"{node.target}: the other nodes check names (verification_mode: full), and its transport address cannot "
            "be told for certain; give --transport IP:PORT"
        )
    if goal.format is StoreFormat.PKCS12 and node.keystore.present and not node.keystore.opened:
        reasons.append(
            f"{node.target}: elasticsearch.keystore cannot be opened ({node.keystore.error}); its password is needed "
            "for PKCS#12 files: --keystore-password-file"
        )
    return reasons


def external_layers(members: Observed, goal: Goal) -> dict[Layer, str]:
    """Layers for which a CA of others signs, with its name."""
    found = {}
    for layer in layers_of(goal.scenario):
        signer = _signer(members, layer)
        authority = authority_named(members, signer[0]) if signer else None
        if authority is not None and is_external(authority, members):
            found[layer] = authority.name
    return found


def _request_refusals(node: ObservedNode, members: Observed, goal: Goal, now: datetime) -> list[str]:
    """Leaves that a CA of others has to sign first."""
    reasons: list[str] = []
    missing: dict[str, str] = {}
    for layer, name in external_layers(members, goal).items():
        imported = imported_for(members, node.target, layer.value, name)
        if imported is None:
            missing[layer.value] = name
        else:
            reasons += date_reasons(imported, now)
    if missing:
        reasons.append(
            f"{node.target} {' and '.join(missing)}: CA {', '.join(dict.fromkeys(missing.values()))} has no key here, "
            f"and no certificate of it is imported for this node: estui node add {node.entry.config} --requests-to DIR "
            "writes the requests; once they are answered: estui csr import FILE... --ca FILE, then estui node add again"
        )
    return reasons


# changes


def cluster_name(members: Observed) -> str:
    """`cluster.name` of the cluster, as its folders have it."""
    return next((name for node in members.nodes if (name := node.setting("cluster.name"))), DEFAULT_CLUSTER)


def _modes(members: Observed) -> set[str]:
    """Transport verification modes of the cluster; Elasticsearch's default is full."""
    return {(node.setting(ssl_key(Layer.TRANSPORT, "verification_mode")) or "full").lower() for node in members.nodes}


def _signer(members: Observed, layer: Layer) -> tuple[str, tuple[str, ...]] | None:
    """CA that signs for this layer and CAs to be trusted; None where the workspace lacks the one in use."""
    disks = [disk for disk in disks_of(members, layer.value) if disk.enabled]
    if any(disk.managed for disk in disks):
        return in_force(members, layer.value), trust_for(members, layer)
    # a set-up that was taken over: its files are not estui's, its CA is
    issuers = [issuer_of(members, disk) for disk in disks]
    names = [issuer.name for issuer in issuers if issuer is not None]
    if not names or len(names) < len(issuers):
        return None
    trusted = (name for disk in disks for name in trusted_names(members, disk))
    return names[0], tuple(dict.fromkeys((*names, *trusted)))


def stages(observed: Observed, goal: Goal, now: datetime) -> tuple[Stage, ...]:
    """One stage with everything that the new nodes get; none where they have it."""
    changes: list[Change] = []
    for node in joiners(observed, goal):
        changes += node_changes(node, observed, goal, now)
    return (Stage(STAGE, Restart.JOIN, tuple(changes), WHY),) if changes else ()


def node_changes(node: ObservedNode, observed: Observed, goal: Goal, now: datetime) -> list[Change]:
    """Names, security, TLS of every layer of the rung, discovery."""
    members = members_of(observed, goal)
    ours = cluster_name(members)
    changes: list[Change] = []
    if (node.setting("cluster.name") or DEFAULT_CLUSTER) != ours:
        changes += setting_changes(node, [("cluster.name", ours, "nodes of another name are kept out")])
    if node.setting("node.name") is None:
        changes += setting_changes(node, [("node.name", node.name, "the name under which it is looked for")])
    if node.setting(SECURITY) is not None or not is_secured(node):
        changes += setting_changes(node, [(SECURITY, True, "as the other nodes have it")])
    for layer in Layer:
        if layer in layers_of(goal.scenario):
            changes += _layer_changes(node, layer, observed, goal, now)
        elif has_tls(node, layer):
            why = "the other nodes speak plain HTTP, and so do their clients"
            changes += setting_changes(node, [(ssl_key(layer, "enabled"), False, why)])
    if goal.scenario is Scenario.MUTUAL:
        changes = mutual.joined_changes(node, members, changes)
    return changes + _discovery_changes(node, members)


def _layer_changes(node: ObservedNode, layer: Layer, observed: Observed, goal: Goal, now: datetime) -> list[Change]:
    """A leaf of the cluster's own CA, whatever the node had before: with another one it would stay out."""
    members = members_of(observed, goal)
    signer = _signer(members, layer)
    store = goal.format or observed.inventory.policy.format
    if signer is None:
        return []
    request = replace(leaf_request(node, layer, observed, fresh=True), authority=signer[0])
    authority = authority_named(observed, request.authority)
    disk = node.disk.get(layer, OnDisk())
    changes: list[Change] = []
    stays = managed_format(disk) is store and meets(disk, request, authority, observed.inventory.policy, now)
    imported = None
    if authority is not None and is_external(authority, observed):
        imported = imported_for(observed, node.target, layer.value, authority.name)
    if imported is not None:
        request = request_of(imported)
        stays = managed_format(disk) is store and disk.leaf == imported.leaf
    trusts = set(trusted_names(observed, disk)) >= set(signer[1])
    if not stays or not trusts:
        why = f"the others trust {signer[0]}, the CA of this layer"
        replaces = disk.managed and disk.leaf is not None
        csr, digest = (imported.csr, imported.leaf.sha256) if imported else ("", "")
        changes.append(
            PublishSet(
                node.target,
                layer.value,
                request,
                signer[1],
                store,
                replaces,
                why,
                imported=csr,
                leaf_sha256=digest,
            )
        )
    if not disk.managed or managed_format(disk) is not store:
        changes += clashes(node, layer, store)
    mode = ("full" if _modes(members) == {"full"} else "certificate", "as the other nodes have it")
    changes += setting_changes(node, wanted_settings(layer, store, observed.inventory.folder, mode))
    if store is StoreFormat.PKCS12 and any(isinstance(change, PublishSet) for change in changes):
        changes += store_passwords(node, layer)
    return changes


def _discovery_changes(node: ObservedNode, members: Observed) -> list[Change]:
    changes: list[Change] = []
    if node.setting("discovery.type") == SINGLE_NODE:
        changes.append(_removed(node, "discovery.type", "a node that is to be alone joins nobody"))
    if BOOTSTRAP in node.settings:
        changes.append(_removed(node, BOOTSTRAP, WHY_BOOTSTRAP))
    if not any(key in node.settings for key in SEED_SOURCES):
        why = "where it finds the cluster"
        changes += setting_changes(node, [(SEED_KEYS[0], seed_hosts(members), why)])
    return changes


def _removed(node: ObservedNode, key: str, why: str) -> RemoveSetting:
    found = node.settings[key]
    return RemoveSetting(node.target, NODE_YML, found.key, shown_value(found.key, found.value), why)


def seed_hosts(members: Observed) -> tuple[str, ...]:
    """Transport addresses of the master-eligible members, as they publish them."""
    eligible = [node for node in members.nodes if is_master_eligible(node)]
    return tuple(found for node in eligible or members.nodes if (found := _seed(node, members)))


def _seed(node: ObservedNode, members: Observed) -> str:
    if node.entry.transport:
        return str(node.entry.transport)
    member = hosts.member_of(node, members)
    published = member.transport.rpartition("/")[2] if member else ""
    return published or str(node.transport_address or "")


# notes


def notes(observed: Observed, goal: Goal, planned: tuple[Stage, ...]) -> list[str]:
    """What the operator should know."""
    members = members_of(observed, goal)
    found = [f"{', '.join(node.target for node in members.nodes)}: no file changes, and none is restarted"]
    for node in joiners(observed, goal):
        found += _node_notes(node, members)
    if any(isinstance(change, SetSecureSetting) for stage in planned for change in stage.changes):
        found.append("secure settings are rewritten in the format of the node's version")
    return found


def _node_notes(node: ObservedNode, members: Observed) -> list[str]:
    found = []
    if is_running(node):
        found.append(f"{node.target} runs, and has to be stopped before its files are switched")
    if node.data is None or not node.data.seen:
        where = node.data.path if node.data else "its data folder"
        found.append(
            f"{node.target}: {where} cannot be seen from here; with the state of another cluster in it, it stays out"
        )
    known = {seed.lower() for each in members.nodes for seed in _names_of(each, members)}
    seeds = [seed for key in SEED_KEYS if key in node.settings for seed in node.settings[key].items]
    if seeds and not any(_host_of(seed).lower() in known for seed in seeds):
        found.append(f"{node.target}: none of its discovery.seed_hosts ({', '.join(seeds)}) is known as a node here")
    if is_master_eligible(node):
        found.append(f"the others find {node.target} by themselves; name it in their discovery.seed_hosts one day")
    return found


def _names_of(node: ObservedNode, members: Observed) -> list[str]:
    member = hosts.member_of(node, members)
    stated = node.transport_address.host if node.transport_address else ""
    return [node.name, stated, *(hosts.publish_hosts(member.transport) if member else ())]


def _host_of(seed: str) -> str:
    """Host of a seed: `host`, `host:port`, `[ip]:port` or a bare IPv6 address."""
    if normalised_address(seed):
        return seed.strip("[]")
    return seed.rpartition(":")[0].strip("[]") or seed
