"""The scenarios minimal, basic and basic + HTTPS: what each changes on a node, and when it is refused.

Source: reference pages "Set up minimal security", "Set up basic security", "Set up basic security plus HTTPS".
"""

from __future__ import annotations

from datetime import datetime

from estui.decide import hosts
from estui.decide.layers import NODE_YML, layer_changes, managed_format, setting_changes
from estui.decide.rung import SECURITY, has_tls, is_secured, rung_of
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


def own_layers(node: ObservedNode, goal: Goal) -> tuple[Layer, ...]:
    """Layers of the scenario that are estui's to set up on this node: all but those that somebody else has."""
    return tuple(
        layer
        for layer in layers_of(goal.scenario)
        if not has_tls(node, layer) or node.disk.get(layer, OnDisk()).managed
    )


def signs_http(observed: Observed, goal: Goal) -> bool:
    """Whether the nodes' HTTP leaves come from the workspace: else trust in them is not estui's to hand out."""
    return goal.scenario is Scenario.HTTPS and all(Layer.HTTP in own_layers(node, goal) for node in observed.nodes)


def is_fresh(observed: Observed) -> bool:
    """Whether some node has no security yet, so that no password exists."""
    return any(not is_secured(node) for node in observed.nodes)


def touched(observed: Observed, goal: Goal) -> tuple[ObservedNode, ...]:
    """Nodes that the goal covers."""
    return tuple(node for node in observed.nodes if not goal.only or node.target in goal.only)


def store_format(node: ObservedNode, layer: Layer, observed: Observed, goal: Goal) -> StoreFormat:
    """PEM or PKCS#12 for a layer: as asked for, else as estui wrote it before, else as the node's other layer has
    it, else the policy's."""
    others = (node.disk.get(each, OnDisk()) for each in (layer, *Layer))
    found = next((form for disk in others if (form := managed_format(disk))), None)
    return goal.format or found or observed.inventory.policy.format


def verification(observed: Observed) -> tuple[str, str]:
    """`verification_mode` of the transport layer, and why."""
    open_hosts = hosts.unchecked_hosts(observed)
    if open_hosts:
        return "certificate", "names are not checked, because " + "; ".join(open_hosts)
    return "full", "every node's address is known and in its certificate"


def _is_single(observed: Observed) -> bool:
    members = {member.name for node in observed.nodes for member in node.api.members}
    return len(observed.nodes) == 1 and len(members) <= 1


SEED_KEYS = ("discovery.seed_hosts", "discovery.zen.ping.unicast.hosts")
"""The second is the name until 7.x."""


def other_seeds(node: ObservedNode, observed: Observed) -> tuple[str, ...]:
    """Seed hosts that are not the node itself."""
    member = hosts.member_of(node, observed)
    own = {"127.0.0.1", "localhost", "[::1]", "::1", node.name, hosts.static_transport_host(node)}
    own.update(hosts.publish_hosts(member.transport) if member else ())
    port = node.transport_address.port if node.transport_address else 9300
    if node.transport_address:
        own.add(node.transport_address.host)
    seeds = [seed for key in SEED_KEYS if key in node.settings for seed in node.settings[key].items]
    return tuple(seed for seed in seeds if {seed, seed.removesuffix(f":{port}").strip("[]")}.isdisjoint(own))


def minimal_refusals(observed: Observed) -> list[str]:
    """Minimal is for one node: several nodes with security need transport TLS to start in production mode."""
    if len(observed.nodes) > 1 or not _is_single(observed):
        return [
            "minimal is for a single node: Elasticsearch refuses to start several nodes with security but "
            "without TLS between them (bootstrap check); choose basic or https"
        ]
    node = observed.nodes[0]
    seeds = other_seeds(node, observed)
    if seeds and not has_tls(node, Layer.TRANSPORT):
        return [f"minimal is for a single node, but discovery.seed_hosts of {node.name} names {', '.join(seeds)}"]
    return []


def tls_refusals(observed: Observed, goal: Goal) -> list[str]:
    """Layers that are half set up by somebody else, and changes that would not reach everyone who needs them."""
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
    return reasons + _half_switched(observed, goal)


def _half_switched(observed: Observed, goal: Goal) -> list[str]:
    """`--only` that would leave nodes, or a Kibana, unable to talk to the secured ones."""
    switched = switched_nodes(observed, goal)
    if not goal.only or not switched:
        return []
    left = sorted({node.target for node in switched} - set(goal.only))
    left += sorted({each.target for each in observed.kibana} - set(goal.only))
    if not left:
        return []
    return [
        "security and transport TLS cannot be switched on for some only, since secured and unsecured ones cannot "
        f"talk: leave out --only, or add {', '.join(left)}"
    ]


def switched_nodes(observed: Observed, goal: Goal) -> tuple[ObservedNode, ...]:
    """Nodes whose security or transport TLS the goal switches on: what forces a full restart."""
    transport = Layer.TRANSPORT in layers_of(goal.scenario)
    return tuple(
        node for node in observed.nodes if not is_secured(node) or (transport and not has_tls(node, Layer.TRANSPORT))
    )


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Why this scenario cannot be planned for this cluster."""
    reasons = minimal_refusals(observed) if goal.scenario is Scenario.MINIMAL else []
    reasons += tls_refusals(observed, goal)
    for node in touched(observed, goal):
        stores = {store_format(node, layer, observed, goal) for layer in own_layers(node, goal)}
        if StoreFormat.PKCS12 in stores and node.keystore.present and not node.keystore.opened:
            reasons.append(
                f"{node.target}: elasticsearch.keystore cannot be opened ({node.keystore.error}); its password is "
                "needed for PKCS#12 files: --keystore-password-file, or --format pem"
            )
    return reasons


def _security_changes(node: ObservedNode) -> list[Change]:
    if is_secured(node):
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
        if rung_of(node).height < Rung.BASIC.height:
            changes += _single_node_changes(node)
        return changes
    for layer in layers_of(goal.scenario):
        store = store_format(node, layer, observed, goal)
        changes += layer_changes(node, layer, observed, store, verification(observed), now)
    return changes
