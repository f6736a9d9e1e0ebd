"""Rollover: a new CA in three phases, so that nobody is cut off: trust both, switch leaves, drop the old.

What each phase changes, what it needs to have seen before it may begin, and who has to be looked after by hand.
Everything is read from what is on disk and served now; which phases are done is told by the runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from estui.decide import beats as beat_rules
from estui.decide import external
from estui.decide import kibana as kibana_rules
from estui.decide.authorities import (
    FAMILIES,
    anchor_of,
    authority_named,
    issuers_of,
    next_name,
    split_name,
    strangers,
    trusted_names,
)
from estui.decide.fixed import unusable, written_files
from estui.decide.layers import format_of
from estui.decide.rotation import Held, fixed_files, held_leaves, request_for, sharing, told_once
from estui.decide.runbook import PROOF_STAGE
from estui.decide.switching import switch_stages
from estui.model.goal import Goal, Phase, Rollover
from estui.model.inventory import StoreFormat
from estui.model.observed import (
    AuthorityFacts,
    ImportedLeaf,
    Observed,
    ObservedBeat,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
)
from estui.model.plan import Change, LeafRequest, Manual, PublishSet, Restart, Stage
from estui.model.rollover import Client

NODE_STAGE = "nodes"
KIBANA_STAGE = "kibana"
BEAT_STAGE = "beats"
_TIED = {"transport": "the transport layer", "http": "the HTTP layer", "client": "clients"}
"""What CAs of estui's own are for, by the first of their names."""
WHY = {
    Phase.TRUST: "trusts {old} and {new}, so that leaves can change one by one",
    Phase.SWITCH: "the leaf comes from {new}; everyone trusts both CAs by now",
    Phase.DROP: "{old} is trusted no longer",
}


def successors(observed: Observed, names: tuple[str, ...], to: str = "") -> tuple[tuple[str, str], ...]:
    """Each CA that is to go, with the name of the one that follows it: `to`, or a new one of estui's own."""
    return tuple((name, to or _own_successor(observed, name)) for name in names)


def _own_successor(observed: Observed, name: str) -> str:
    """`http-2` after `http`; a CA of others is followed by one with the name of what it signs for."""
    old = authority_named(observed, name)
    if old is None or not external.is_external(old, observed):
        return next_name(observed, name)
    families = _signed_families(observed, (name,))
    base = families.pop() if len(families) == 1 else "cluster"
    return base if authority_named(observed, base) is None else next_name(observed, base)


def _issuer_name(observed: Observed, held: Held) -> str:
    issuer = anchor_of(observed, held.disk)
    return issuer.name if issuer else ""


def start_refusals(observed: Observed, names: tuple[str, ...], to: str = "", *, now: datetime) -> list[str]:
    """Why no rollover can begin for these CAs, or none to the CA `to`."""
    reasons = _successor_reasons(observed, names, to, now) if to else []
    for name in names:
        if authority_named(observed, name) is None:
            reasons.append(f"the workspace has no CA {name}: estui ca list; estui adopt takes over one that is there")
        elif split_name(name)[0] == "client":
            way = f"estui ca create {next_name(observed, name)}, then estui apply mutual"
            reasons.append(f"CA {name} is followed without phases: {way}")
        elif not any(_concerns(observed, held, name) for held in held_leaves(observed)):
            reasons.append(_unused_reason(observed, name))
    return reasons


def _unused_reason(observed: Observed, name: str) -> str:
    """An intermediate is trusted through its root, which is the one to be followed by another CA."""
    above = {
        anchor.name: None
        for held in held_leaves(observed)
        if any(each.name == name for each in issuers_of(observed, held.disk))
        and (anchor := anchor_of(observed, held.disk))
    }
    if above:
        roots = " ".join(above)
        return f"CA {name} is trusted through its root, so it is the root that goes: estui ca rollover start {roots}"
    return f"no leaf of CA {name} is in use, so nothing has to be rolled over"


def _concerns(observed: Observed, held: Held, old: str) -> bool:
    issuer = anchor_of(observed, held.disk)
    return (issuer is not None and issuer.name == old) or old in trusted_names(observed, held.disk)


def _successor_reasons(observed: Observed, names: tuple[str, ...], to: str, now: datetime) -> list[str]:
    found = authority_named(observed, to)
    if found is None:
        return [
            f"the workspace has no CA {to}: give its certificate with --ca-file FILE; without --to a new CA of estui's "
            "own is made"
        ]
    if to in names:
        return [f"CA {to} cannot follow itself"]
    if found.certificate.not_after <= now:
        return [f"CA {to} ended on {found.certificate.not_after:%Y-%m-%d}"]
    return _of_another_layer(observed, names, found)


def _of_another_layer(observed: Observed, names: tuple[str, ...], to: AuthorityFacts) -> list[str]:
    """Why a CA of estui's that is there for something else cannot follow: estui keeps one for each, so that a key that
    leaks is worth nothing elsewhere. A CA of others may sign for several layers."""
    family = split_name(to.name)[0]
    if family not in _TIED:
        return []
    mine = _signed_families(observed, names)
    others = _signed_families(observed, (to.name,)) | ({family} if family == "client" else set())
    if not mine or not others - mine:
        return []
    follow = " ".join(names)
    return [
        f"CA {to.name} is the one of {_TIED[family]}, and not of what {', '.join(names)} signs: leave out --to, and a "
        f"new CA follows (estui ca rollover start {follow}); or give one of others (--to NAME --ca-file FILE)"
    ]


def _signed_families(observed: Observed, names: tuple[str, ...]) -> set[str]:
    """Families of the sets whose leaves in use these CAs signed."""
    return {FAMILIES[held.set_name] for held in held_leaves(observed) if _issuer_name(observed, held) in names}


# what a phase changes


def _trust_after(trusted: tuple[str, ...], goal: Rollover) -> tuple[str, ...]:
    """Workspace CAs that a set trusts at the end of a phase."""
    trust = list(trusted)
    for old, new in goal.successors:
        if goal.phase is Phase.DROP:
            trust = [name for name in trust if name != old]
        elif old in trust and new not in trust:
            trust.insert(trust.index(old) + 1, new)
    return tuple(trust)


def _signer_after(issuer: str, goal: Rollover) -> str:
    """The CA that signs a leaf in a phase: the successor from the switch on."""
    return issuer if goal.phase is Phase.TRUST else dict(goal.successors).get(issuer, issuer)


def _why(goal: Rollover, trust: tuple[str, ...], signer: str) -> str:
    pairs = [pair for pair in goal.successors if not {*pair}.isdisjoint({*trust, signer})] or list(goal.successors)
    return "; ".join(WHY[goal.phase].format(old=old, new=new) for old, new in pairs)


def _leaf_set(held: Held, observed: Observed, goal: Rollover) -> list[Change]:
    """The set of one leaf in a phase; nothing where the phase does not concern it.

    Wherever its CA can sign, the set gets a new leaf in every phase: a set is loaded as a whole, so the new serial in
    a handshake proves that the trust beside it is in use as well.
    """
    issuer = anchor_of(observed, held.disk)
    before = trusted_names(observed, held.disk)
    if issuer is None:
        return []
    signer, trust = _signer_after(issuer.name, goal), _trust_after(before, goal)
    if signer == issuer.name and set(trust) == set(before):
        return []
    imported = _answer(observed, held, issuer.name, signer)
    request = external.request_of(imported) if imported else _request(observed, held, signer)
    if isinstance(held.thing, ObservedKibana):
        if signer == issuer.name:
            return []
        trust = ()
    return [
        PublishSet(
            held.target,
            held.set_name,
            request,
            trust,
            format_of(held.disk),
            replaces=True,
            why=_why(goal, (*before, *trust), signer),
            keep_leaf=request is None,
            fixed=fixed_files(held),
            imported=imported.csr if imported else "",
            leaf_sha256=imported.leaf.sha256 if imported else "",
        )
    ]


def _answer(observed: Observed, held: Held, issuer: str, signer: str) -> ImportedLeaf | None:
    """The imported leaf that takes the place of one in use, where its next CA has its key elsewhere."""
    if signer == issuer or not _is_keyless(observed, signer):
        return None
    return external.imported_for(observed, held.target, held.set_name, signer)


def _request(observed: Observed, held: Held, signer: str) -> LeafRequest | None:
    """The leaf in use once more, of this CA; None where nobody here can sign in its name."""
    return None if _is_keyless(observed, signer) else replace(request_for(held, observed), authority=signer)


def _is_keyless(observed: Observed, name: str) -> bool:
    known = authority_named(observed, name)
    return known is not None and not known.has_key


def _kibana_trust(each: ObservedKibana, observed: Observed, goal: Rollover) -> list[Change]:
    """What one Kibana instance trusts towards Elasticsearch."""
    before = trusted_names(observed, each.trust)
    trust = _trust_after(before, goal)
    if set(trust) == set(before):
        return []
    why = _why(goal, (*before, *trust), "")
    if not each.trust.managed:
        return [Manual(each.target, _by_hand(goal, trust, before, each.trust.files), why)]
    return [PublishSet(each.target, kibana_rules.TRUST_SET, None, trust, StoreFormat.PEM, replaces=True, why=why)]


def _by_hand(goal: Rollover, trust: tuple[str, ...], before: tuple[str, ...], files: tuple[str, ...]) -> str:
    where = ", ".join(files) or "its CA file"
    added = [name for name in trust if name not in before]
    if added:
        return (
            f"add the certificate of CA {', '.join(added)} to {where} and restart it (estui ca export NAME --to FILE)"
        )
    gone = [name for name in before if name not in trust]
    return f"take the certificate of CA {', '.join(gone)} out of {where} and restart it"


def _beat_trust(beat: ObservedBeat, observed: Observed, goal: Rollover) -> list[Change]:
    before = trusted_names(observed, beat.trust)
    trust = _trust_after(before, goal)
    if set(trust) == set(before):
        return []
    why = _why(goal, (*before, *trust), "")
    if beat.trust.managed:
        return [PublishSet(beat.target, beat_rules.TRUST_SET, None, trust, StoreFormat.PEM, replaces=True, why=why)]
    return [Manual(beat.target, _by_hand(goal, trust, before, beat.trust.files), why)]


def stages(observed: Observed, goal: Goal, now: datetime) -> tuple[Stage, ...]:
    """The phase's changes: nodes without a restart where they load files by themselves, Kibana with one."""
    rollover = _rollover_of(goal)
    if rollover.phase is Phase.PROOF:
        why = "connections that were open before keep the old trust until their node starts anew"
        return (Stage(PROOF_STAGE, Restart.ROLLING, (), why),)
    nodes: list[Change] = []
    kibana: list[Change] = []
    for held in held_leaves(observed):
        (nodes if isinstance(held.thing, ObservedNode) else kibana).extend(_leaf_set(held, observed, rollover))
    for each in observed.kibana:
        kibana += _kibana_trust(each, observed, rollover)
    beats = [change for beat in observed.beats for change in _beat_trust(beat, observed, rollover)]
    # what a person has to do at a Beat stands with the first stage that there is
    (nodes if nodes else kibana).extend(change for change in beats if isinstance(change, Manual))
    written = tuple(change for change in beats if not isinstance(change, Manual))
    found = switch_stages(observed, nodes, kibana, (NODE_STAGE, KIBANA_STAGE))
    last = (Stage(BEAT_STAGE, Restart.BEAT, written, beat_rules.WHY_RESTART),) if written else ()
    return (*found, *last)


def _rollover_of(goal: Goal) -> Rollover:
    if goal.rollover is None:
        raise ValueError("the goal is no rollover")
    return goal.rollover


def notes(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """What the operator should know before a phase."""
    rollover = _rollover_of(goal)
    olds, news = ", ".join(old for old, _ in rollover.successors), ", ".join(new for _, new in rollover.successors)
    words = {
        Phase.TRUST: [
            f"phase 1 of 3: nobody uses {news} yet; from now on give its certificate to every client that checks "
            f"what it talks to, beside that of {olds}",
        ],
        Phase.SWITCH: [f"phase 2 of 3: a client that trusts {olds} only is cut off from here on"],
        Phase.DROP: [f"phase 3 of 3: a leaf of {olds} is refused from here on; connections that are open stay open"],
        Phase.PROOF: ["the last step after a leak: with it the stolen key is worth nothing any more"],
    }[rollover.phase]
    if rollover.leaked and rollover.phase is Phase.TRUST:
        words += [
            "Elasticsearch checks no revocation list: only a new CA makes a stolen key worthless. All phases follow in "
            f"one sitting, so clients that trust {olds} only are cut off until they get the certificate of {news}",
            "in the end every node is restarted once, "
            + ("one after the other" if len(observed.nodes) > 1 else "and the cluster is away as long")
            + ", because connections that are open keep the old trust",
        ]
    words += _external_notes(observed, rollover, now)
    words += told_once(_made_anew(observed, rollover), now)
    return words + [f"not looked after by anybody: {client.text}" for client in _unticked(observed)]


def _made_anew(observed: Observed, rollover: Rollover) -> Iterator[tuple[Held, LeafRequest]]:
    """Leaves in use with those that a CA of this workspace signs in their place."""
    if rollover.phase is Phase.PROOF:
        return
    for held in held_leaves(observed):
        for change in _leaf_set(held, observed, rollover):
            if isinstance(change, PublishSet) and change.request and not change.imported:
                yield held, change.request


def _external_notes(observed: Observed, rollover: Rollover, now: datetime) -> list[str]:
    """What is different where the leaves come by request."""
    words = []
    if rollover.phase is Phase.TRUST:
        missing = _missing(observed, rollover)
        if missing:
            news = ", ".join(dict.fromkeys(new for _, new in rollover.successors if _is_keyless(observed, new)))
            words.append(f"the key of {news} is elsewhere, and phase 2 needs its leaves: {_ask_for(missing)}")
        if missing and any(_is_keyless(observed, old) for old, _ in rollover.successors):
            words.append(
                "leaves stay as they are in this phase and nobody here can sign, so no new serial shows that the new "
                "trust is in use: each transport port is asked which CAs it accepts, and has to name the new one; give "
                "a minute before phase 2 to one that names none, which is told"
            )
    for held in held_leaves(observed) if rollover.phase is Phase.SWITCH else ():
        issuer = _issuer_name(observed, held)
        imported = _answer(observed, held, issuer, _signer_after(issuer, rollover))
        words += external.differences(held, imported, now) if imported else []
    return words


def _unticked(observed: Observed) -> tuple[Client, ...]:
    return observed.rollover.unticked if observed.rollover else ()


# what a phase needs to have seen


def phase_refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Why a phase may not be entered yet: whatever lacks evidence, by name."""
    rollover = _rollover_of(goal)
    reasons: list[str] = []
    for held in held_leaves(observed):
        if _in_scope(observed, held, rollover):
            reasons += _unproven(held, observed, rollover) or _unwritable(held, observed, rollover)
    if rollover.phase is not Phase.TRUST:
        for target, disk in _consumers(observed, rollover):
            reasons += _untrusting(target, trusted_names(observed, disk), rollover)
        if not rollover.leaked:
            reasons += [f"not ticked yet: {client.text}" for client in _unticked(observed)]
    reasons += _keyless(observed, rollover)
    if rollover.phase is Phase.SWITCH:
        reasons += _unanswered(observed, rollover, now)
    return list(dict.fromkeys(reasons))


def _to_switch(observed: Observed, rollover: Rollover) -> Iterator[tuple[Held, str]]:
    """Leaves in use whose next CA is one of others, with its name."""
    for held in held_leaves(observed):
        new = dict(rollover.successors).get(_issuer_name(observed, held))
        found = authority_named(observed, new) if new else None
        if found is not None and external.is_external(found, observed):
            yield held, found.name


def _missing(observed: Observed, rollover: Rollover) -> list[tuple[Held, str]]:
    """Leaves that have to come by request and are not imported yet."""
    return [
        (held, new)
        for held, new in _to_switch(observed, rollover)
        if external.imported_for(observed, held.target, held.set_name, new) is None
    ]


def _ask_for(missing: list[tuple[Held, str]]) -> str:
    """What to type for leaves that come by request."""
    targets = dict.fromkeys(held.target for held, _ in missing)
    layers = {FAMILIES[held.set_name] for held, _ in missing}
    layer = f" --layer {layers.pop()}" if len(layers) == 1 else ""
    return f"estui csr export {' '.join(targets)}{layer} --to DIR, then estui csr import FILE... --ca FILE"


def _unanswered(observed: Observed, rollover: Rollover, now: datetime) -> list[str]:
    missing, reasons = _missing(observed, rollover), []
    if missing:
        names, news = (", ".join(dict.fromkeys(each)) for each in zip(*((h.name, n) for h, n in missing), strict=True))
        reasons.append(f"no certificate of CA {news} is imported yet for {names}: {_ask_for(missing)}")
    for held, new in _to_switch(observed, rollover):
        imported = external.imported_for(observed, held.target, held.set_name, new)
        if imported is None:
            continue
        reasons += external.date_reasons(imported, now)
        for other, files in sharing(held):
            second = external.imported_for(observed, other.target, other.set_name, new)
            if second is not None and second.leaf.sha256 != imported.leaf.sha256:
                reasons.append(external.alone(held, other, files))
    return reasons


def _in_scope(observed: Observed, held: Held, rollover: Rollover) -> bool:
    return any(_concerns(observed, held, name) for pair in rollover.successors for name in pair)


def _unproven(held: Held, observed: Observed, rollover: Rollover) -> list[str]:
    served = held.served
    if served.state is not PortState.TLS or served.leaf is None:
        return [f"{held.name} does not answer with TLS now ({served.state.value}), so nothing can be seen of it"]
    if held.disk.leaf and served.leaf.sha256 != held.disk.leaf.sha256:
        return [f"{held.name} does not serve what is on disk: its last set is not loaded"]
    if strangers(observed, held.disk):
        return [f"{held.name} trusts a CA that is not in the workspace: estui adopt shows it, and takes it over"]
    if rollover.phase is Phase.TRUST:
        return []
    if isinstance(held.thing, ObservedNode):
        missing = _untrusting(held.name, trusted_names(observed, held.disk), rollover)
        if missing:
            return missing
    issuer = anchor_of(observed, held.disk)
    if rollover.phase is Phase.DROP and issuer is not None and issuer.name in dict(rollover.successors):
        return [f"{held.name} still has a leaf of CA {issuer.name}"]
    return []


def _unwritable(held: Held, observed: Observed, rollover: Rollover) -> list[str]:
    """Files that the phase would replace and that cannot be written: a JKS store."""
    if rollover.phase is Phase.PROOF:
        return []
    changes = [each for each in _leaf_set(held, observed, rollover) if isinstance(each, PublishSet) and each.fixed]
    written = {(file.role, file.path) for change in changes for file in written_files(change)}
    files = [each for each in held.disk.named if (each.setting, each.relative) in written]
    return unusable(held.name, files, tuple(each.setting for each in files))


def _untrusting(name: str, trust: tuple[str, ...], rollover: Rollover) -> list[str]:
    return [
        f"{name} trusts CA {old} but not {new}" for old, new in rollover.successors if old in trust and new not in trust
    ]


def _consumers(observed: Observed, rollover: Rollover) -> Iterator[tuple[str, OnDisk]]:
    """Kibana instances and Beats, with what they trust."""
    yield from ((each.target, each.trust) for each in observed.kibana)
    yield from ((beat.target, beat.trust) for beat in observed.beats)


def _keyless(observed: Observed, rollover: Rollover) -> list[str]:
    """Successors that have to sign and cannot."""
    if rollover.phase is Phase.TRUST:
        return []
    found = [authority_named(observed, new) for _, new in rollover.successors]
    lost = [each for each in found if each and not each.has_key and not external.is_external(each, observed)]
    return [f"ca/{each.name}: there is no ca.key, so it cannot sign" for each in lost]


def layers_in_scope(observed: Observed, rollover: Rollover) -> tuple[str, ...]:
    """Sets (`transport`, `http`, `server`) whose leaves or trust the rollover changes."""
    held = [each.set_name for each in held_leaves(observed) if _in_scope(observed, each, rollover)]
    return tuple(dict.fromkeys(held))
