"""Rotation: new leaves from the same CA for managed sets, with the same names, loaded without a restart.

What falls due, what cannot be rotated and why, and what differs between the old leaf and the new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from estui.decide import kibana as kibana_rules
from estui.decide.layers import USAGES
from estui.model.goal import Goal, Rotation, Scenario
from estui.model.inventory import Layer, Policy, StoreFormat
from estui.model.observed import (
    AuthorityFacts,
    Observed,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Rung,
)
from estui.model.plan import Change, LeafRequest, PublishSet, Restart, Stage

NODE_STAGE = "leaves"
KIBANA_STAGE = "kibana-leaves"
CLIMBED = {
    Rung.UNSECURED: Scenario.MINIMAL,
    Rung.UNKNOWN: Scenario.MINIMAL,
    Rung.MINIMAL: Scenario.MINIMAL,
    Rung.BASIC: Scenario.BASIC,
    Rung.HTTPS: Scenario.HTTPS,
    Rung.MUTUAL: Scenario.MUTUAL,
}


@dataclass(frozen=True)
class Held:
    """One leaf on one target: where it is, and what it was issued for."""

    thing: ObservedNode | ObservedKibana
    set_name: str
    disk: OnDisk

    @property
    def target(self) -> str:
        return self.thing.target

    @property
    def name(self) -> str:
        return f"{self.target} {self.set_name}"


def held_leaves(observed: Observed) -> Iterator[Held]:
    """Every leaf of every node and Kibana instance that its files name, managed or not."""
    for node in observed.nodes:
        for layer in Layer:
            disk = node.disk.get(layer, OnDisk())
            if disk.enabled and disk.leaf:
                yield Held(node, layer.value, disk)
    for each in observed.kibana:
        if each.disk.leaf and each.setting("server.ssl.enabled") == "true":
            yield Held(each, kibana_rules.SERVER_SET, each.disk)


def is_due(held: Held, policy: Policy, now: datetime) -> bool:
    """Whether the leaf falls inside the renewal window."""
    return held.disk.leaf is not None and held.disk.leaf.days_left(now) <= policy.renew_before_days


def chosen(observed: Observed, goal: Goal, now: datetime) -> list[Held]:
    """The leaves that a rotation is about."""
    rotation = goal.rotation or Rotation()
    return [
        held
        for held in held_leaves(observed)
        if (not goal.only or held.target in goal.only)
        and (not rotation.sets or held.set_name in rotation.sets)
        and (not rotation.due_only or is_due(held, observed.inventory.policy, now))
    ]


def _authority(observed: Observed, held: Held) -> AuthorityFacts | None:
    leaf = held.disk.leaf
    return next(
        (each for each in observed.authorities if leaf is not None and each.certificate.subject == leaf.issuer), None
    )


def refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Why some chosen leaf cannot be rotated."""
    reasons = []
    unknown = sorted(set(goal.only) - {thing.target for thing in observed.things})
    reasons += [f"the inventory has no {name}" for name in unknown]
    picked = chosen(observed, goal, now)
    if goal.only and not picked and not unknown and not (goal.rotation and goal.rotation.due_only):
        reasons.append(f"{', '.join(goal.only)}: there is no certificate to rotate")
    for held in picked:
        reasons += _refusal(observed, held)
    return reasons


def _refusal(observed: Observed, held: Held) -> list[str]:
    if not held.disk.managed:
        return [f"{held.name} was set up without estui: its files keep their names, and its CA is not here"]
    authority = _authority(observed, held)
    if authority is None or not authority.has_key:
        issuer = held.disk.leaf.issuer if held.disk.leaf else "?"
        return [f"{held.name} was signed by {issuer}, whose key is not in the workspace: only a new CA helps"]
    known = {each.certificate.sha256 for each in observed.authorities}
    if any(each.sha256 not in known for each in held.disk.trusted):
        return [f"{held.name} trusts a CA that is not in the workspace, which a new set would lose"]
    served = held.thing.port(Layer(held.set_name)) if isinstance(held.thing, ObservedNode) else held.thing.served
    if served.state not in (PortState.TLS, PortState.NOT_ASKED):
        return [
            f"{held.name} does not answer with TLS now ({served.state.value}): no set is switched while its node "
            "may be starting; bring it up first"
        ]
    if isinstance(held.thing, ObservedNode) and held.thing.setting("resource.reload.enabled") == "false":
        return [f"{held.target} has resource.reload.enabled: false, so only a restart would load new files"]
    return []


def request_for(held: Held, observed: Observed) -> LeafRequest:
    """The same subject and names as the leaf in use; key and life by policy."""
    leaf, policy = held.disk.leaf, observed.inventory.policy
    authority = _authority(observed, held)
    if leaf is None or authority is None:
        raise ValueError("a rotation needs a leaf and its CA")
    usages = USAGES[Layer(held.set_name)] if isinstance(held.thing, ObservedNode) else ("serverAuth",)
    return LeafRequest(
        target=held.target,
        set_name=held.set_name,
        authority=authority.name,
        common_name=leaf.subject.removeprefix("CN="),
        dns_names=leaf.dns_names,
        addresses=leaf.addresses,
        usages=usages,
        key=policy.transport_key if held.set_name == Layer.TRANSPORT.value else policy.http_key,
        days=policy.leaf_days,
    )


def differences(held: Held, request: LeafRequest, now: datetime) -> list[str]:
    """What the new leaf does otherwise than the old one: another kind of key, a shorter life."""
    leaf = held.disk.leaf
    if leaf is None:
        return []
    notes = []
    if leaf.key_type != request.key.value:
        notes.append(f"{held.name}: another kind of key, {leaf.key_type} → {request.key.value}")
    life = (leaf.not_after - leaf.not_before).days
    if request.days < life - 1:
        notes.append(f"{held.name}: a shorter life, {life} → {request.days} days")
    return notes


def notes(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Differences of every chosen leaf, for the top of the review."""
    return [
        note for held in chosen(observed, goal, now) for note in differences(held, request_for(held, observed), now)
    ]


def _publish(held: Held, observed: Observed) -> PublishSet:
    request = request_for(held, observed)
    is_node = isinstance(held.thing, ObservedNode)
    trust = _trusted_authorities(held, observed) if is_node else ()
    store = StoreFormat.PKCS12 if any(path.endswith(".p12") for path in held.disk.files) else StoreFormat.PEM
    left = held.disk.leaf
    why = f"the leaf in use ends {left.not_after:%Y-%m-%d}" if left else "a new leaf"
    return PublishSet(held.target, held.set_name, request, trust, store, True, why)


def _trusted_authorities(held: Held, observed: Observed) -> tuple[str, ...]:
    """Workspace CAs that the set in use trusts: a rotation changes the leaf, never the trust."""
    digests = {each.sha256 for each in held.disk.trusted}
    return tuple(each.name for each in observed.authorities if each.certificate.sha256 in digests)


def stages(observed: Observed, goal: Goal, now: datetime) -> tuple[Stage, ...]:
    """Nodes without any restart; Kibana with one, since it reads its certificate at start."""
    picked = chosen(observed, goal, now)
    nodes: tuple[Change, ...] = tuple(
        _publish(held, observed) for held in picked if isinstance(held.thing, ObservedNode)
    )
    kibana: tuple[Change, ...] = tuple(
        _publish(held, observed) for held in picked if isinstance(held.thing, ObservedKibana)
    )
    found = []
    if nodes:
        why = "Elasticsearch loads changed certificate files by itself within seconds"
        found.append(Stage(NODE_STAGE, Restart.NONE, nodes, why))
    if kibana:
        found.append(Stage(KIBANA_STAGE, Restart.KIBANA, kibana, "Kibana reads its files at start only"))
    return tuple(found)
