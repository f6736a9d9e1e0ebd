"""Rotation: new leaves from the same CA, with the same names, loaded without a restart where nodes reload files.

What falls due, what cannot be rotated and why, and what differs between the old leaf and the new one. Sets of estui's
own are switched by their link; files that were there before keep their names (`fixed.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from estui.decide import client_rotation, fixed, lifetimes
from estui.decide import kibana as kibana_rules
from estui.decide.authorities import anchor_of, issuer_of, strangers, trusted_names
from estui.decide.layers import USAGES, format_of, leaf_request, managed_format, password_changes
from estui.decide.rung import cluster_rung
from estui.decide.switching import switch_stages
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
    Served,
)
from estui.model.plan import Change, FixedFile, LeafRequest, PublishSet, Restart, Stage
from estui.pki.issuers import is_signed_by

ADOPT = "estui adopt shows what is there, and estui adopt --import takes a CA over whose key is at hand"
NODE_STAGE = "leaves"
KIBANA_STAGE = "kibana-leaves"
STORE_WHY = (
    "a running node opens new files with the password that it read at its start, and a new one is read only there: "
    "each node gets its stores and their password right before its restart, one after the other"
)
"""elastic-stack-security.md §6.3: secure settings of TLS are not reloadable."""
CLIMBED = {
    Rung.UNSECURED: Scenario.MINIMAL,
    Rung.UNKNOWN: Scenario.MINIMAL,
    Rung.MINIMAL: Scenario.MINIMAL,
    Rung.BASIC: Scenario.BASIC,
    Rung.HTTPS: Scenario.HTTPS,
    Rung.MUTUAL: Scenario.MUTUAL,
}
_COMMON_NAME = re.compile(r"(?:^|,)CN=((?:\\.|[^,+\\])*)")
"""In RFC 4514 text, where commas of a value are escaped."""


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

    @property
    def served(self) -> Served:
        """What its port shows now."""
        return self.thing.port(Layer(self.set_name)) if isinstance(self.thing, ObservedNode) else self.thing.served


def standing_goal(observed: Observed) -> Goal:
    """The goal of the rung that the cluster stands on; with a rotation or a rollover, of new leaves on it."""
    return Goal(CLIMBED[cluster_rung(observed)])


def rotation_goal(observed: Observed, targets: tuple[str, ...], rotation: Rotation) -> Goal:
    """The goal of new leaves of the same CAs."""
    return replace(standing_goal(observed), only=targets, rotation=rotation)


def held_leaves(observed: Observed) -> Iterator[Held]:
    """Every leaf of every node and Kibana instance that its files name, managed or not."""
    for node in observed.nodes:
        yield from node_leaves(node)
    for each in observed.kibana:
        if each.disk.leaf and each.setting("server.ssl.enabled") == "true":
            yield Held(each, kibana_rules.SERVER_SET, each.disk)


def node_leaves(node: ObservedNode) -> Iterator[Held]:
    """Those of one node."""
    for layer in Layer:
        disk = node.disk.get(layer, OnDisk())
        if disk.enabled and disk.leaf:
            yield Held(node, layer.value, disk)


def fixed_files(held: Held) -> tuple[FixedFile, ...]:
    """Files that keep their names, for a leaf that is no set of estui's; empty for a managed one."""
    return fixed.fixed_of(held.disk)


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
        and (not rotation.new_store_password or _has_own_store(held))
    ]


def _has_own_store(held: Held) -> bool:
    """Whether the leaf is in a PKCS#12 set of estui's on a node, whose password estui made."""
    return isinstance(held.thing, ObservedNode) and managed_format(held.disk) is StoreFormat.PKCS12


def signer_of(observed: Observed, held: Held) -> AuthorityFacts | None:
    """The workspace CA whose key signed the leaf in use, by its signature: one that was made anew under the same name
    is another. One with its key goes first."""
    leaf = held.disk.leaf
    found = [each for each in observed.authorities if leaf is not None and is_signed_by(leaf, each.certificate)]
    return next((each for each in found if each.has_key), found[0] if found else None)


def refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Why some chosen leaf cannot be rotated."""
    reasons = []
    known = {thing.target for thing in observed.things} | client_rotation.targets(observed)
    unknown = sorted(set(goal.only) - known)
    reasons += [f"the inventory has no {name}" for name in unknown]
    picked = chosen(observed, goal, now)
    if goal.rotation and goal.rotation.new_store_password:
        reasons = reasons or _without_store(observed, goal, picked)
        return reasons or [reason for held in picked for reason in _refusal(observed, held)]
    of_clients = client_rotation.refusals(observed, goal)
    reasons += of_clients
    due_only = goal.rotation is not None and goal.rotation.due_only
    unread = [] if due_only else _unread(observed, goal)
    others = bool(client_rotation.chosen(observed, goal, now) or of_clients)
    if goal.only and not picked and not others and not unknown and not due_only and not unread:
        reasons.append(f"{', '.join(goal.only)}: there is no certificate to rotate")
    reasons += unread
    for held in picked:
        reasons += _refusal(observed, held) or _half_shared(held, picked)
    return list(dict.fromkeys(reasons))


def _without_store(observed: Observed, goal: Goal, picked: list[Held]) -> list[str]:
    """Targets that are asked for by name, or all of them, and have no PKCS#12 set of estui's to get a new password."""
    due_only = goal.rotation is not None and goal.rotation.due_only
    wanted = goal.only or (() if picked or due_only else tuple(node.target for node in observed.nodes))
    adopted = [
        held
        for held in held_leaves(observed)
        if held.target in wanted and not held.disk.managed and format_of(held.disk) is StoreFormat.PKCS12
    ]
    known = {held.target for held in (*picked, *adopted)}
    without = ", ".join(name for name in wanted if name not in known)
    reasons = [f"{without}: no PKCS#12 set of estui's is in use there, and PEM files have no password"]
    return (reasons if without and not due_only else []) + [
        f"{held.name}: {', '.join(sorted(fixed.leaf_paths(fixed_files(held))))} was there before estui and keeps its "
        "name and its password: write a store with another password under a new name (keytool -importkeystore), name "
        "it in the yml, set its password (estui secure-settings set), and restart the node"
        for held in adopted
    ]


def _unread(observed: Observed, goal: Goal) -> list[str]:
    """Leaves that are asked for and cannot be read."""
    sets = goal.rotation.sets if goal.rotation else ()
    reasons = []
    for node in observed.nodes:
        for layer in Layer:
            disk = node.disk.get(layer, OnDisk())
            asked = (not goal.only or node.target in goal.only) and (not sets or layer.value in sets)
            if asked and disk.enabled and disk.leaf is None and disk.named:
                name = f"{node.target} {layer.value}"
                reasons += fixed.unusable(name, disk.named) or [f"{name}: its certificate cannot be read"]
    return reasons


def _refusal(observed: Observed, held: Held) -> list[str]:
    if not held.disk.managed and (broken := fixed.unusable(held.name, held.disk.named)):
        return broken
    authority = signer_of(observed, held)
    if authority is None or not authority.has_key:
        issuer = held.disk.leaf.issuer if held.disk.leaf else "?"
        known_issuer = issuer_of(observed, held.disk)
        if known_issuer is not None and not known_issuer.has_key:
            return [
                f"{held.name} was signed by CA {known_issuer.name}, which has no key here: ask those who run it for a "
                f"new leaf (estui csr export {held.target}), or where nobody has it any more have another CA follow "
                f"(estui ca rollover start {(anchor_of(observed, held.disk) or known_issuer).name})"
            ]
        return [
            f"{held.name} was signed by {issuer}, whose key is not in the workspace: {ADOPT}; "
            "without its key only a new CA helps"
        ]
    return switch_reasons(observed, held)[:1]


def switch_reasons(observed: Observed, held: Held) -> list[str]:
    """Why a set of a leaf in use cannot be switched now, whatever is in the new one."""
    reasons = []
    if held.disk.managed and strangers(observed, held.disk):
        reasons.append(f"{held.name} trusts a CA that is not in the workspace, which a new set would lose: {ADOPT}")
    if held.served.state not in (PortState.TLS, PortState.NOT_ASKED):
        reasons.append(
            f"{held.name} does not answer with TLS now ({held.served.state.value}): no set is switched while its node "
            "may be starting; bring it up first"
        )
    return reasons


def _half_shared(held: Held, picked: list[Held]) -> list[str]:
    """A leaf that another layer uses as well, which is not to be rotated: it would get a new one unasked."""
    return [
        f"{held.name} and {other.name} share one leaf, {files}: it is replaced for both or not at all; "
        "leave out --layer"
        for other, files in sharing(held)
        if other not in picked
    ]


def sharing(held: Held) -> list[tuple[Held, str]]:
    """Leaves of other layers of the same node that are in the same files, which can hold one only, and those files."""
    found = []
    for other in node_leaves(held.thing) if isinstance(held.thing, ObservedNode) else ():
        files = fixed.leaf_paths(fixed_files(held)) & fixed.leaf_paths(fixed_files(other))
        if other.set_name != held.set_name and files:
            found.append((other, ", ".join(sorted(files))))
    return found


def common_name(subject: str) -> str:
    """CN of a subject in RFC 4514 text; the whole text where it has none."""
    found = _COMMON_NAME.search(subject)
    return re.sub(r"\\(.)", r"\1", found.group(1)) if found else subject


def request_for(held: Held, observed: Observed, *, fresh: bool = False) -> LeafRequest:
    """The same subject and names as the leaf in use; key and life by policy.

    With `fresh`, and for a leaf without any SAN, the names that the inventory and the addresses of today want.
    """
    leaf, policy = held.disk.leaf, observed.inventory.policy
    authority = signer_of(observed, held) or issuer_of(observed, held.disk)
    if leaf is None or authority is None:
        raise ValueError("a rotation needs a leaf and its CA")
    is_node = isinstance(held.thing, ObservedNode)
    usages = USAGES[Layer(held.set_name)] if is_node else ("serverAuth",)
    allowed = tuple(usage for usage in leaf.extended_key_usage or () if usage in ("serverAuth", "clientAuth"))
    request = LeafRequest(
        target=held.target,
        set_name=held.set_name,
        authority=authority.name,
        common_name=common_name(leaf.subject),
        dns_names=leaf.dns_names,
        addresses=leaf.addresses,
        # a leaf that was there before may serve as a client somewhere
        usages=usages if held.disk.managed else tuple(dict.fromkeys((*usages, *allowed))),
        key=policy.transport_key if held.set_name == Layer.TRANSPORT.value else policy.http_key,
        days=policy.leaf_days,
    )
    if not fresh and leaf.names:
        return request
    today = _fresh_request(held, observed)
    if fresh:
        request = replace(request, common_name=today.common_name)
    return replace(request, dns_names=today.dns_names, addresses=today.addresses)


def _fresh_request(held: Held, observed: Observed) -> LeafRequest:
    """What the target would get had it no leaf yet."""
    if isinstance(held.thing, ObservedNode):
        return leaf_request(held.thing, Layer(held.set_name), observed, fresh=True)
    return kibana_rules.server_request(held.thing, observed, fresh=True)


def differences(held: Held, request: LeafRequest, now: datetime) -> list[str]:
    """What the new leaf does otherwise than the old one: narrower or wider names, another subject or kind of key, a
    shorter life."""
    leaf = held.disk.leaf
    if leaf is None:
        return []
    notes = []
    wanted = (*request.dns_names, *request.addresses)
    lost = [name for name in leaf.names if name not in wanted]
    gained = [name for name in wanted if name not in leaf.names]
    if lost:
        notes.append(f"{held.name}: loses names: {', '.join(lost)}; who connects by one of them is refused then")
    if gained:
        notes.append(f"{held.name}: gets names: {', '.join(gained)}")
    if common_name(leaf.subject) != request.common_name or leaf.subject.count("=") > 1:
        notes.append(f"{held.name}: another subject, {leaf.subject} → CN={request.common_name}")
    if leaf.key_type != request.key.value:
        notes.append(f"{held.name}: another kind of key, {leaf.key_type} → {request.key.value}")
    life = (leaf.not_after - leaf.not_before).days
    if request.days < life - 1:
        notes.append(f"{held.name}: a shorter life, {life} → {request.days} days")
    return notes


def notes(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Differences of every chosen leaf, and how files with names of their own are replaced: for the top of the
    review."""
    picked = chosen(observed, goal, now)
    requests = _requests(picked, observed, goal)
    kept = [held.name for held in picked if not held.disk.managed]
    pairs = any(not held.disk.managed and format_of(held.disk) is StoreFormat.PEM for held in picked)
    found = [f"{', '.join(kept)}: {fixed.WHY}"] if kept else []
    found += [fixed.GAP] if pairs else []
    found += _copies(picked)
    return found + told_once(zip(picked, requests, strict=True), now)


def told_once(leaves: Iterable[tuple[Held, LeafRequest]], now: datetime) -> list[str]:
    """Differences of leaves in use from those that take their place; what is the same for several is one note."""
    texts: dict[str, list[str]] = {}
    for held, request in leaves:
        for note in differences(held, request, now):
            texts.setdefault(note.removeprefix(f"{held.name}: "), []).append(held.name)
    return [f"{', '.join(names)}: {text}" for text, names in texts.items()]


def _requests(picked: list[Held], observed: Observed, goal: Goal) -> list[LeafRequest]:
    """The leaf that each chosen one is replaced by, those that layers share joined."""
    changes = fixed.joined([_publish(held, observed, goal) for held in picked])
    return [change.request for change in changes if isinstance(change, PublishSet) and change.request]


def _copies(picked: list[Held]) -> list[str]:
    """One certificate on several nodes: each gets a leaf of its own."""
    users: dict[str, list[Held]] = {}
    for held in picked:
        if held.disk.leaf:
            users.setdefault(held.disk.leaf.sha256, []).append(held)
    return [
        f"{', '.join(dict.fromkeys(held.target for held in group))} use copies of one certificate, "
        f"{group[0].disk.leaf.subject if group[0].disk.leaf else ''}: each gets a leaf and key of its own"
        for group in users.values()
        if len({held.target for held in group}) > 1
    ]


def _publish(held: Held, observed: Observed, goal: Goal) -> PublishSet:
    request = request_for(held, observed, fresh=bool(goal.rotation and goal.rotation.fresh_names))
    # a rotation changes the leaf, never the trust: a set is written whole, other files stay as they are
    whole = held.disk.managed and isinstance(held.thing, ObservedNode)
    trust = trusted_names(observed, held.disk) if whole else ()
    left = held.disk.leaf
    why = f"the leaf in use ends {left.not_after:%Y-%m-%d}" if left else "a new leaf"
    return PublishSet(
        held.target,
        held.set_name,
        request,
        trust,
        format_of(held.disk),
        True,
        why,
        fixed=fixed_files(held),
    )


def stages(observed: Observed, goal: Goal, now: datetime) -> tuple[Stage, ...]:
    """Nodes without any restart where all of them reload files; Kibana with one, since it reads its certificate at
    start."""
    picked = chosen(observed, goal, now)
    nodes: tuple[Change, ...] = tuple(
        _publish(held, observed, goal) for held in picked if isinstance(held.thing, ObservedNode)
    )
    if goal.rotation and goal.rotation.new_store_password:
        return _with_passwords(picked, nodes)
    of_kibana, of_beats, own = client_rotation.changes(observed, goal, now)
    kibana: tuple[Change, ...] = (
        *of_kibana,
        *(_publish(held, observed, goal) for held in picked if isinstance(held.thing, ObservedKibana)),
        *lifetimes.renewed_trust(observed, goal, now),
    )
    switched = switch_stages(observed, nodes, kibana, (NODE_STAGE, KIBANA_STAGE))
    return client_rotation.added(switched, of_beats, own)


def _with_passwords(picked: list[Held], published: tuple[Change, ...]) -> tuple[Stage, ...]:
    """New stores with new passwords, node by node."""
    passwords: list[Change] = []
    for held in picked:
        if isinstance(held.thing, ObservedNode):
            passwords += password_changes(held.thing, Layer(held.set_name))
    return (Stage(NODE_STAGE, Restart.ROLLING, (*published, *passwords), STORE_WHY),) if passwords else ()
