"""Leaves of an external CA: which imported ones take the place of what is in use, and who would refuse them.

How requests are made and answers checked is `csr.py`'s. An imported leaf is published like any other; its CA has no key
here, so nothing else can be signed in its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from estui.decide import kibana as kibana_rules
from estui.decide.authorities import OWN_NAMES, SERVER_SET, authority_named, issuer_of, split_name, trusted_names
from estui.decide.fixed import fixed_of, unusable
from estui.decide.layers import format_of, managed_format
from estui.decide.once import once
from estui.decide.rotation import (
    KIBANA_STAGE,
    NODE_STAGE,
    Held,
    common_name,
    held_leaves,
    sharing,
    switch_reasons,
)
from estui.decide.rung import has_tls
from estui.decide.switching import switch_stages
from estui.model.goal import Goal
from estui.model.inventory import KeyType, Layer
from estui.model.observed import AuthorityFacts, ImportedLeaf, Observed, ObservedNode, OnDisk
from estui.model.plan import Change, LeafRequest, PublishSet, Stage
from estui.pki.names import covers


def imported_for(observed: Observed, target: str, set_name: str, authority: str = "") -> ImportedLeaf | None:
    """The newest imported leaf of a set, or the newest that this CA signed."""
    known = _imported(observed).get((target, set_name), [])
    found = [each for each in known if authority in ("", each.authority)]
    return found[-1] if found else None


@once
def _imported(observed: Observed) -> dict[tuple[str, str], list[ImportedLeaf]]:
    """Imported leaves by target and set, oldest first."""
    found: dict[tuple[str, str], list[ImportedLeaf]] = {}
    for each in observed.imported:
        found.setdefault((each.target, each.set_name), []).append(each)
    return found


def is_external(authority: AuthorityFacts, observed: Observed) -> bool:
    """Whether others hold the key of a CA: one of estui's own whose key was lost has the name of a layer."""
    known = any(each.authority == authority.name for each in observed.imported)
    return not authority.has_key and (known or split_name(authority.name)[0] not in OWN_NAMES)


def request_of(imported: ImportedLeaf) -> LeafRequest:
    """The imported leaf in the words of a request, for reviews and records; its key type is what it has."""
    leaf = imported.leaf
    known = {kind.value: kind for kind in KeyType}
    return LeafRequest(
        target=imported.target,
        set_name=imported.set_name,
        authority=imported.authority,
        common_name=common_name(leaf.subject),
        dns_names=leaf.dns_names,
        addresses=leaf.addresses,
        usages=tuple(usage for usage in ("serverAuth", "clientAuth") if usage in (leaf.extended_key_usage or ())),
        key=known.get(leaf.key_type, KeyType.RSA_4096),
        days=(leaf.not_after - leaf.not_before).days,
    )


# in place of leaves in use: `estui csr apply`


def chosen(observed: Observed, goal: Goal) -> list[tuple[Held, ImportedLeaf]]:
    """Leaves in use for which another one was imported."""
    sets = goal.rotation.sets if goal.rotation else ()
    found = []
    for held in held_leaves(observed):
        imported = imported_for(observed, held.target, held.set_name)
        wanted = (not goal.only or held.target in goal.only) and (not sets or held.set_name in sets)
        if imported and wanted and held.disk.leaf and held.disk.leaf.sha256 != imported.leaf.sha256:
            found.append((held, imported))
    return found


def refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Why imported leaves cannot take the place of those in use."""
    known = {thing.target for thing in observed.things}
    reasons = [f"the inventory has no {name}" for name in goal.only if name not in known]
    if not observed.imported:
        reasons.append("nothing was imported yet: estui csr export, then estui csr import")
    reasons += _without_tls(observed, goal)
    picked = chosen(observed, goal)
    for held, imported in picked:
        reasons += [*date_reasons(imported, now), *switch_reasons(observed, held)]
        reasons += unusable(held.name, () if held.disk.managed else held.disk.named)
        reasons += _untrusting(observed, held, imported)
    return reasons + _shared_files(observed, picked)


def _shared_files(observed: Observed, picked: Sequence[tuple[Held, ImportedLeaf]]) -> list[str]:
    """Layers of one node that read one file, which cannot hold two leaves."""
    leaves = {(held.target, held.set_name): imported.leaf.sha256 for held, imported in picked}
    return [
        alone(held, other, files)
        for held, imported in picked
        for other, files in sharing(held)
        if leaves.get((other.target, other.set_name)) != imported.leaf.sha256
    ]


def alone(held: Held, other: Held, files: str) -> str:
    """Why a leaf that was imported for one layer of a node cannot be used: another one reads the same file."""
    return (
        f"{held.target}: {held.set_name} and {other.set_name} share {files}, and the leaf was imported for "
        f"{held.set_name} alone: ask for one for both (estui csr export {held.target} --to DIR makes one request), and "
        "import that"
    )


def _without_tls(observed: Observed, goal: Goal) -> list[str]:
    """Imported leaves of layers that speak no TLS yet: the scenario that brings TLS uses them."""
    in_use = {(held.target, held.set_name) for held in held_leaves(observed)}
    waiting = [each for each in observed.imported if (each.target, each.set_name) not in in_use]
    found = dict.fromkeys(f"{each.target} {each.set_name}" for each in waiting if each.target in goal.only)
    return [f"{name} has no TLS yet: estui plan https uses the imported leaf" for name in found]


def date_reasons(imported: ImportedLeaf, now: datetime) -> Iterator[str]:
    """Why an imported leaf is good for nothing today."""
    name, leaf = f"{imported.target} {imported.set_name}", imported.leaf
    if leaf.not_after <= now:
        yield f"{name}: the imported leaf expired on {leaf.not_after:%Y-%m-%d}"
    if leaf.not_before > now:
        yield f"{name}: the imported leaf is not valid before {leaf.not_before:%Y-%m-%d %H:%M} UTC"


def _untrusting(observed: Observed, held: Held, imported: ImportedLeaf) -> list[str]:
    """Peers that would refuse the leaf: another CA is a rollover, in which everyone trusts both first."""
    authority = authority_named(observed, imported.authority)
    peers = [name for name, disk in _peers(observed, held) if not _trusts(disk, imported, authority)]
    if not peers:
        return []
    before = issuer_of(observed, held.disk)
    name = before.name if before else held.set_name
    return [
        f"{held.name}: {', '.join(peers)} would refuse the imported leaf, since CA {imported.authority} is not trusted "
        f"there yet: everyone has to trust both first, as in: estui ca rollover start {name} --to {imported.authority}"
    ]


def _peers(observed: Observed, held: Held) -> Iterator[tuple[str, OnDisk]]:
    """Who checks a leaf, as far as estui sees: the other nodes, or Kibana and the Beats; browsers it does not see."""
    if held.set_name == Layer.TRANSPORT.value:
        for node in observed.nodes:
            if node.target != held.target and has_tls(node, Layer.TRANSPORT):
                yield node.target, node.disk.get(Layer.TRANSPORT, OnDisk())
    elif held.set_name == Layer.HTTP.value:
        clients = [(each.target, each.trust) for each in observed.kibana]
        clients += [(beat.target, beat.trust) for beat in observed.beats]
        yield from ((name, trust) for name, trust in clients if trust.trusted)


def _trusts(disk: OnDisk, imported: ImportedLeaf, authority: AuthorityFacts | None) -> bool:
    """Whether some CA of the leaf's chain is trusted, by name and key."""
    chain = (*imported.chain[1:], *((authority.certificate,) if authority else ()))
    held = {(each.subject, each.key_sha256) for each in disk.trusted}
    return any((each.subject, each.key_sha256) in held for each in chain)


def _published(observed: Observed, held: Held, imported: ImportedLeaf) -> PublishSet:
    before = trusted_names(observed, held.disk)
    trust: tuple[str, ...] = ()
    if held.disk.managed and held.set_name != SERVER_SET:
        trust = tuple(dict.fromkeys((*before, imported.authority)))
    left = held.disk.leaf
    why = "the leaf that was imported" + (f"; the one in use ends {left.not_after:%Y-%m-%d}" if left else "")
    return PublishSet(
        held.target,
        held.set_name,
        request_of(imported),
        trust,
        format_of(held.disk),
        replaces=True,
        why=why,
        fixed=() if held.disk.managed else fixed_of(held.disk),
        imported=imported.csr,
        leaf_sha256=imported.leaf.sha256,
    )


def stages(observed: Observed, goal: Goal) -> tuple[Stage, ...]:
    """Nodes without any restart where they reload files, Kibana with one, as for a rotation."""
    picked = chosen(observed, goal)
    nodes: list[Change] = []
    kibana: list[Change] = []
    for held, imported in picked:
        into = nodes if isinstance(held.thing, ObservedNode) else kibana
        into.append(_published(observed, held, imported))
    return switch_stages(observed, nodes, kibana, (NODE_STAGE, KIBANA_STAGE))


def notes(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """What differs from the leaves in use, and who is not seen."""
    found = []
    for held, imported in chosen(observed, goal):
        found += differences(held, imported, now)
        before = issuer_of(observed, held.disk)
        if held.set_name != Layer.TRANSPORT.value and (before is None or before.name != imported.authority):
            found.append(
                f"{held.name}: clients that estui cannot see have to trust CA {imported.authority} before, or they are "
                "cut off"
            )
    return found


def differences(held: Held, imported: ImportedLeaf, now: datetime) -> list[str]:
    """How long an imported leaf lasts, and the names of the one in use that it lacks."""
    old, new = held.disk.leaf, imported.leaf
    found = [f"{held.name}: the imported leaf ends {new.not_after:%Y-%m-%d} ({new.days_left(now)} days)"]
    lost = [name for name in old.names if not covers(new, name)] if old else []
    return found + ([f"{held.name}: it no longer covers {', '.join(lost)}"] if lost else [])


# within a scenario


def with_imported(
    nodes: Sequence[Change], kibana: Sequence[Change], observed: Observed, now: datetime
) -> tuple[list[Change], list[Change]]:
    """The changes of a scenario for nodes and for Kibana, with imported leaves where nothing else is in use, or where
    one is renewed.

    Leaves of an external CA that fall due and have no successor yet stay as they are: nobody here can sign for them.
    """
    signers = _signers((*nodes, *kibana), observed, now)
    return _with_leaves(nodes, signers, observed, now), _with_leaves(kibana, signers, observed, now)


def _with_leaves(
    changes: Sequence[Change], signers: dict[str, tuple[str, ...]], observed: Observed, now: datetime
) -> list[Change]:
    found: list[Change] = []
    for change in changes:
        if isinstance(change, PublishSet):
            change = _with_leaf(change, observed, now)
            authority = authority_named(observed, change.request.authority) if change.request else None
            others = authority is not None and is_external(authority, observed)
            if change.replaces and others and not change.imported and _keeps_format(change, observed):
                continue
            change = _with_trust(change, signers, observed)
        found.append(change)
    return found


def _signers(changes: Iterable[Change], observed: Observed, now: datetime) -> dict[str, tuple[str, ...]]:
    """CAs of the leaves that each kind of set gets, where imported ones are among them."""
    found: dict[str, dict[str, None]] = {}
    external: set[str] = set()
    for change in changes:
        if isinstance(change, PublishSet) and change.request:
            leaf = _with_leaf(change, observed, now)
            external |= {change.set_name} if leaf.imported else set()
            found.setdefault(change.set_name, {})[leaf.request.authority if leaf.request else ""] = None
    return {name: tuple(names) for name, names in found.items() if name in external}


def _with_leaf(change: PublishSet, observed: Observed, now: datetime) -> PublishSet:
    """The set with the imported leaf, where there is one that fits and that nobody who trusts another CA would see."""
    imported = imported_for(observed, change.target, change.set_name) if change.request else None
    if imported is None or change.request is None or not imported.leaf.not_before <= now < imported.leaf.not_after:
        return change
    in_use = [held for held in held_leaves(observed) if held.set_name == change.set_name]
    if change.set_name == SERVER_SET:
        in_use = [held for held in in_use if held.target == change.target]
    issuers = [issuer_of(observed, held.disk) for held in in_use]
    if any(issuer is None or issuer.name != imported.authority for issuer in issuers):
        return change
    there = any(held.target == change.target and held.disk.leaf == imported.leaf for held in in_use)
    if there and _keeps_format(change, observed):
        return change
    return replace(
        change,
        request=request_of(imported),
        why=f"{change.why}; the leaf was imported",
        imported=imported.csr,
        leaf_sha256=imported.leaf.sha256,
    )


def _keeps_format(change: PublishSet, observed: Observed) -> bool:
    """Whether the files in use are of the format that the set would have."""
    held = [each for each in held_leaves(observed) if (each.target, each.set_name) == (change.target, change.set_name)]
    return all(managed_format(each.disk) in (None, change.format) for each in held)


def _with_trust(change: PublishSet, signers: dict[str, tuple[str, ...]], observed: Observed) -> PublishSet:
    """Trust in the CAs that really sign: for Kibana's view of Elasticsearch those of the HTTP layer."""
    layer = Layer.HTTP.value if change.set_name == kibana_rules.TRUST_SET else change.set_name
    names = signers.get(layer, ())
    if not names or not change.trust:
        return change
    disks = [node.disk.get(Layer(layer), OnDisk()) for node in observed.nodes]
    trusted = {name for disk in disks for name in trusted_names(observed, disk)}
    kept = [name for name in change.trust if name in trusted]
    return replace(change, trust=tuple(dict.fromkeys((*names, *kept))))


def due_notes(observed: Observed, now: datetime) -> list[str]:
    """Leaves of external CAs that are due: they come by request."""
    within = observed.inventory.policy.renew_before_days
    due = []
    for held in held_leaves(observed):
        issuer = issuer_of(observed, held.disk)
        if issuer and is_external(issuer, observed) and held.disk.leaf and held.disk.leaf.days_left(now) <= within:
            due.append(f"{held.name} ({held.disk.leaf.days_left(now)} days)")
    if not due:
        return []
    return [f"due, and signed by a CA that has no key here: {', '.join(due)}; ask for new ones: estui csr export"]
