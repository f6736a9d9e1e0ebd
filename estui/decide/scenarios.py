"""The scenarios minimal, basic and basic + HTTPS: what each changes on a node, and when it is refused.

Source: reference pages "Set up minimal security", "Set up basic security", "Set up basic security plus HTTPS".
"""

from __future__ import annotations

from datetime import datetime

from estui.decide import hosts
from estui.decide.layers import NODE_YML, layer_changes, setting_changes
from estui.decide.rung import SECURITY, has_tls, is_secured
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import Observed, ObservedNode, OnDisk, Rung
from estui.model.plan import Change, RemoveSetting, SetSetting

WHY_SECURITY = "users must log in"
_SINGLE = "single-node"


def layers_of(scenario: Scenario) -> tuple[Layer, ...]:
    """Layers that speak TLS at the end of a scenario."""
    return {
        Scenario.MINIMAL: (),
        Scenario.BASIC: (Layer.TRANSPORT,),
        Scenario.HTTPS: (Layer.TRANSPORT, Layer.HTTP),
        Scenario.MUTUAL: (Layer.TRANSPORT, Layer.HTTP),
    }[scenario]


def touched(observed: Observed, goal: Goal) -> tuple[ObservedNode, ...]:
    """Nodes that the goal covers."""
    return tuple(node for node in observed.nodes if not goal.only or node.target in goal.only)


def store_format(node: ObservedNode, observed: Observed, goal: Goal) -> StoreFormat:
    """PEM or PKCS#12: as asked for, else as the node's managed layers have it, else the policy's."""
    if goal.format:
        return goal.format
    for disk in node.disk.values():
        if disk.managed and any(path.endswith(".p12") for path in disk.files):
            return StoreFormat.PKCS12
    return observed.inventory.policy.format


def verification(observed: Observed) -> tuple[str, str]:
    """`verification_mode` of the transport layer, and why."""
    open_hosts = hosts.unchecked_hosts(observed)
    if open_hosts:
        return "certificate", "names are not checked, because " + "; ".join(open_hosts)
    return "full", "every node's address is known and in its certificate"


def _is_single(observed: Observed) -> bool:
    members = {member.name for node in observed.nodes for member in node.api.members}
    return len(observed.nodes) == 1 and len(members) <= 1


def _other_seeds(node: ObservedNode) -> tuple[str, ...]:
    """Seed hosts that are not the node itself."""
    seeds = node.settings.get("discovery.seed_hosts")
    own = {"127.0.0.1", "localhost", "[::1]", "::1", node.name}
    if node.transport_address:
        own |= {node.transport_address.host, str(node.transport_address)}
    port = f":{node.transport_address.port}" if node.transport_address else ":9300"
    return tuple(
        seed for seed in (seeds.items if seeds else ()) if seed not in own and seed.removesuffix(port) not in own
    )


def minimal_refusals(observed: Observed) -> list[str]:
    """Minimal is for one node: several nodes with security need transport TLS to start in production mode."""
    if len(observed.nodes) > 1 or not _is_single(observed):
        return [
            "minimal is for a single node: Elasticsearch refuses to start several nodes with security but "
            "without TLS between them (bootstrap check); choose basic or https"
        ]
    node = observed.nodes[0]
    seeds = _other_seeds(node)
    if seeds and not has_tls(node, Layer.TRANSPORT):
        return [f"minimal is for a single node, but discovery.seed_hosts of {node.name} names {', '.join(seeds)}"]
    return []


def tls_refusals(observed: Observed, goal: Goal) -> list[str]:
    """Layers that are half set up by somebody else, and transport changes that do not reach every node."""
    reasons = []
    for layer in layers_of(goal.scenario):
        foreign = [
            node.target
            for node in observed.nodes
            if has_tls(node, layer) and not node.disk.get(layer, OnDisk()).managed
        ]
        lacking = [node.target for node in observed.nodes if not has_tls(node, layer)]
        if foreign and lacking:
            reasons.append(
                f"{layer.value} TLS of {', '.join(foreign)} was set up without estui and {', '.join(lacking)} "
                "has none: estui cannot sign for their CA; take the existing set-up over first"
            )
    if goal.only and changes_all(observed, goal):
        left = sorted({node.target for node in observed.nodes} - set(goal.only))
        if left:
            reasons.append(
                "security and transport TLS cannot be switched on for some nodes only, since secured and "
                f"unsecured nodes cannot talk: leave out --only, or add {', '.join(left)}"
            )
    return reasons


def changes_all(observed: Observed, goal: Goal) -> bool:
    """Whether some node's security or transport TLS is switched: what forces a full restart."""
    transport = Layer.TRANSPORT in layers_of(goal.scenario)
    return any(not is_secured(node) or (transport and not has_tls(node, Layer.TRANSPORT)) for node in observed.nodes)


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Why this scenario cannot be planned for this cluster."""
    if goal.scenario is Scenario.MUTUAL:
        return ["mutual TLS on HTTP is not available in this release; basic + HTTPS is the highest rung"]
    reasons = minimal_refusals(observed) if goal.scenario is Scenario.MINIMAL else []
    reasons += tls_refusals(observed, goal)
    wants_store = [node for node in touched(observed, goal) if store_format(node, observed, goal) is StoreFormat.PKCS12]
    for node in wants_store:
        if node.keystore.present and not node.keystore.opened:
            reasons.append(
                f"{node.target}: elasticsearch.keystore cannot be opened ({node.keystore.error}); its password is "
                "needed for PKCS#12 files: --keystore-password-file, or --format pem"
            )
    return reasons


def _security_changes(node: ObservedNode) -> list[Change]:
    if node.setting(SECURITY) == "true":
        return []
    return setting_changes(node, [(SECURITY, True, WHY_SECURITY)])


def _single_node_changes(node: ObservedNode) -> list[Change]:
    """Single-node discovery, which keeps other nodes out and the bootstrap checks away.

    Elasticsearch refuses it beside `cluster.initial_master_nodes`, so that goes with the same change.
    """
    if node.setting("discovery.type") == _SINGLE:
        return []
    found = node.settings.get("discovery.type")
    why = "one node only: no other may join without TLS"
    changes: list[Change] = [
        SetSetting(node.target, NODE_YML, "discovery.type", _SINGLE, found.value if found else None, why)
    ]
    masters = node.settings.get("cluster.initial_master_nodes")
    if masters is not None:
        why = "is not allowed together with discovery.type: single-node"
        changes.append(RemoveSetting(node.target, NODE_YML, masters.key, masters.value, why))
    return changes


def node_changes(node: ObservedNode, observed: Observed, goal: Goal, now: datetime) -> list[Change]:
    """Everything one node needs to reach the goal; a node that stands higher already keeps what it has."""
    changes = _security_changes(node)
    if goal.scenario is Scenario.MINIMAL:
        if node.rung.height < Rung.BASIC.height:
            changes += _single_node_changes(node)
        return changes
    store = store_format(node, observed, goal)
    for layer in layers_of(goal.scenario):
        changes += layer_changes(node, layer, observed, store, verification(observed), now)
    return changes
