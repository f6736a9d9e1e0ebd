"""Who could no longer talk to whom while a plan takes effect, by the CAs that each side trusts: before it is planned.

Works with sets of CA identities: leaves are grouped by the CAs of their chain, peers by the CAs that they trust, so
that a thousand nodes of one CA are one comparison. Dates, names and usage are the findings' matter; a pair that cannot
talk today either is too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from estui.decide.certificate_paths import Identities, Identity, Paths, identity
from estui.decide.findings.peers import sent_by, trust_of
from estui.decide.findings.view import listed
from estui.decide.rung import has_tls, ssl_key
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode, OnDisk
from estui.model.plan import CreateAuthority, PublishSet, RemoveSetting, Restart, SetSetting, Stage
from estui.model.setting import value_text

MOST_LINES = 10
"""Failing groups that are named; the rest is counted."""
_CLIENT_TRUST_SET = "elasticsearch"
_FINGERPRINT = "output.elasticsearch.ssl.ca_trusted_fingerprint"
"""SHA-256 of a CA in the served chain, in hex (beats.md §2): the other way by which a Beat states its trust."""
_TRUST_FILES = ("certificate_authorities", "truststore.path", "keystore.path")

_T = TypeVar("_T")
_K = TypeVar("_K", bound=Hashable)


@dataclass(frozen=True)
class _Leaf:
    """What a peer needs to know of a leaf: itself and the CAs above it, any of which may be the anchor."""

    path: Identities
    issuer: str
    """In words, for messages."""
    own: Identity = ("", "")
    """The CA itself, for a leaf that is yet to be issued."""


@dataclass(frozen=True)
class _Trust:
    """CAs that one side accepts."""

    anchors: Identities
    words: str
    checks: bool = True
    """False where everything is accepted (`verification_mode: none`)."""
    open: bool = False
    """No CA is named, so that whatever the process trusts by itself counts, which cannot be seen from here."""


_Trouble = tuple[_Leaf, _Trust]
"""A leaf and a trust that do not fit."""


@dataclass(frozen=True)
class _Side:
    """One node's layer, Kibana's or a Beat's context, at one moment; a part that cannot be told is None."""

    leaf: _Leaf | None = None
    trust: _Trust | None = None


_Sides = dict[str, _Side]


@dataclass(frozen=True)
class _Moment:
    """All sides before and after one stage."""

    before: _Sides
    after: _Sides
    together: bool
    """Everybody stops and starts: there is no in-between."""


def accepts(trust: _Trust, leaf: _Leaf) -> bool:
    """Whether a side that trusts `trust` accepts `leaf`: some CA of its chain, or the leaf itself, is an anchor."""
    return not trust.checks or not leaf.path.isdisjoint(trust.anchors)


def broken_pairs(before: Observed, stages: Iterable[Stage]) -> list[str]:
    """Every group of peers that could talk before and could not any more while or after the stages take effect.

    Nodes switch one after the other where a stage needs no full restart, so each of two peers may be before or after.
    """
    check = _Check(before, tuple(stages))
    return shortened([*check.transport(), *check.clients(in_between=False)])


def interim_notes(before: Observed, stages: Iterable[Stage]) -> list[str]:
    """Clients that are cut off for a while, until a later stage of the same plan brings them back."""
    planned = tuple(stages)
    if any(stage.restart is Restart.FULL for stage in planned):
        return []  # clients are down or without an answer in any case
    return shortened(list(_Check(before, planned).clients(in_between=True)))


def shortened(lines: list[str]) -> list[str]:
    """The first lines, and how many there are more."""
    distinct = list(dict.fromkeys(lines))
    if len(distinct) <= MOST_LINES:
        return distinct
    return [*distinct[:MOST_LINES], f"and {len(distinct) - MOST_LINES} more like these"]


class _Known:
    """Certificates and CAs that the observation and the plan know of, as leaves and as trust."""

    def __init__(self, observed: Observed, stages: tuple[Stage, ...]) -> None:
        self.paths = Paths(_certificates(observed))
        self.authorities = {each.name: each.certificate for each in observed.authorities}
        made = [change.request for stage in stages for change in stage.changes if isinstance(change, CreateAuthority)]
        self.made = {request.name: request.common_name for request in made}
        self.telling = _telling(observed)
        self._leaves: dict[str, _Leaf] = {}
        self.imported = {each.leaf.sha256: each.chain for each in observed.imported}
        self.in_use: Identities = frozenset(
            found for node in observed.nodes for found in self.paths.path(sent_by(node, Layer.HTTP))
        )

    def leaf(self, chain: tuple[CertificateFacts, ...]) -> _Leaf | None:
        return _Leaf(self.paths.path(chain) & self.telling, chain[0].issuer) if chain else None

    def trust(self, disk: OnDisk, *, checks: bool, pinned: str = "") -> _Trust | None:
        """What a context accepts, None where a file that would tell cannot be read."""
        if not checks:
            return _Trust(frozenset(), "anything", checks=False)
        if any(named.fault and named.setting in _TRUST_FILES for named in disk.named):
            return None
        anchors = frozenset(identity(facts) for facts in trust_of(disk)) | self._pinned(pinned)
        if not anchors and not pinned:
            return _Trust(self.in_use & self.telling, "no CA that its files name", open=True)
        return _trusting(anchors & self.telling)

    def _pinned(self, fingerprint: str) -> Identities:
        if not fingerprint:
            return frozenset()
        digest = fingerprint.replace(":", "").lower()
        return frozenset(identity(facts) for facts in self.paths.known if facts.sha256 == digest)

    def published(self, change: PublishSet, side: _Side) -> _Side:
        """A side once a set of its is in use."""
        leaf = side.leaf if change.request is None else self._planned(change.request.authority)
        if change.leaf_sha256 in self.imported:
            leaf = self.leaf(self.imported[change.leaf_sha256])
        if not change.trust:
            return replace(side, leaf=leaf)
        trust = _trusting(frozenset(self._planned(name).own for name in change.trust))
        return _Side(leaf, replace(trust, checks=side.trust.checks if side.trust else True))

    def _planned(self, authority: str) -> _Leaf:
        if authority not in self._leaves:
            self._leaves[authority] = self._leaf_of(authority)
        return self._leaves[authority]

    def _leaf_of(self, authority: str) -> _Leaf:
        """A leaf that a workspace CA is going to issue, also one that is yet to be made."""
        certificate = self.authorities.get(authority)
        if certificate is None:
            own = (f"CN={self.made.get(authority, authority)}", f"new {authority}")
            return _Leaf(frozenset((own,)), own[0], own)
        return _Leaf(self.paths.path((certificate,)) & self.telling, certificate.subject, identity(certificate))


def _certificates(observed: Observed) -> Iterator[CertificateFacts]:
    for node in observed.nodes:
        for layer in Layer:
            disk = node.disk.get(layer, OnDisk())
            yield from (*disk.chain, *disk.trusted, *node.port(layer).chain)
    for disk in _client_disks(observed):
        yield from disk.trusted
    yield from (each.certificate for each in observed.authorities)
    yield from (facts for each in observed.imported for facts in each.chain)


def _client_disks(observed: Observed) -> Iterator[OnDisk]:
    yield from (each.trust for each in observed.kibana)
    yield from (beat.trust for beat in observed.beats)


def _telling(observed: Observed) -> Identities:
    """CAs, and those other certificates whose trust can make a difference between two peers.

    A node whose store is keystore and truststore at once trusts its own leaf, which nobody else sends: were it kept,
    every node would be a group of its own.
    """
    found: set[Identity] = set()
    senders: Counter[Identity] = Counter()
    for node in observed.nodes:
        for layer in Layer:
            chain = sent_by(node, layer)
            own = identity(chain[0]) if chain else None
            senders.update([own] if own else [])
            anchors = (*trust_of(node.disk.get(layer, OnDisk())), *chain[1:])
            found.update(identity(facts) for facts in anchors if facts.is_ca or identity(facts) != own)
    found.update(own for own, count in senders.items() if count > 1)
    found.update(identity(facts) for disk in _client_disks(observed) for facts in trust_of(disk))
    found.update(identity(authority.certificate) for authority in observed.authorities)
    return frozenset(found)


def _trusting(anchors: Identities) -> _Trust:
    names = sorted({subject for subject, _ in anchors})
    return _Trust(anchors, f"CA {listed(names, 3)} only" if names else "no CA")


def _leaves(sides: tuple[_Side, ...]) -> tuple[_Leaf | None, ...]:
    return tuple(side.leaf for side in sides)


def _trusts(sides: tuple[_Side, ...]) -> tuple[_Trust | None, ...]:
    return tuple(side.trust for side in sides)


class _Check:
    def __init__(self, observed: Observed, stages: tuple[Stage, ...]) -> None:
        self.observed = observed
        self.stages = stages
        self.known = _Known(observed, stages)

    # transport: every node against every other

    def transport(self) -> Iterator[str]:
        for moment in self._moments(self._node_sides(Layer.TRANSPORT), Layer.TRANSPORT.value):
            yield from _refused(moment)

    def _node_sides(self, layer: Layer) -> _Sides:
        return {node.target: self._node_side(node, layer) for node in self.observed.nodes}

    def _node_side(self, node: ObservedNode, layer: Layer) -> _Side:
        """A node's layer as its files have it, nothing of it where it does not speak TLS."""
        if not has_tls(node, layer):
            return _Side()
        disk = node.disk.get(layer, OnDisk())
        mode = (node.setting(ssl_key(layer, "verification_mode")) or "full").lower()
        return _Side(self.known.leaf(sent_by(node, layer)), self.known.trust(disk, checks=mode != "none"))

    def _moments(self, sides: _Sides, set_name: str) -> list[_Moment]:
        """The sides before and after each stage that changes some of them."""
        moments = []
        for stage in self.stages:
            after = {**sides, **self._changed(stage, sides, set_name)}
            if after != sides:
                moments.append(_Moment(sides, after, stage.restart is Restart.FULL))
            sides = after
        return moments

    def _changed(self, stage: Stage, sides: _Sides, set_name: str) -> _Sides:
        found: _Sides = {}
        for change in stage.changes:
            target = getattr(change, "target", "")
            if target not in sides:
                continue
            side = found.get(target, sides[target])
            match change:
                case PublishSet() if change.set_name == set_name:
                    found[target] = self.known.published(change, side)
                case SetSetting(key=key, value=value) if key == f"xpack.security.{set_name}.ssl.enabled":
                    found[target] = side if value_text(value) == "true" else _Side()
                case RemoveSetting(key=key) if key == f"xpack.security.{set_name}.ssl.enabled":
                    found[target] = _Side()
                case SetSetting(key=key, value=value) if key.endswith(f".{set_name}.ssl.verification_mode"):
                    checks = value_text(value).lower() != "none"
                    found[target] = replace(side, trust=side.trust and replace(side.trust, checks=checks))
                case _:
                    pass
        return found

    # http: every node against Kibana and the Beats

    def clients(self, *, in_between: bool) -> Iterator[str]:
        """Clients that refuse a node's leaf at the end; with `in_between` those that do so only for a while."""
        clients = self._client_sides()
        if not clients:
            return
        nodes = self._history(self._node_sides(Layer.HTTP), Layer.HTTP.value)
        trusts = self._history(clients, _CLIENT_TRUST_SET)
        for names, leaf_at in _grouped(nodes.items(), _leaves):
            for peers, trust_at in _grouped(trusts.items(), _trusts):
                trouble = _client_trouble(leaf_at, trust_at, in_between=in_between)
                if trouble:
                    until = ", until a later stage of this plan" if in_between and not trouble[1].open else ""
                    yield _sentence(names, "HTTP", trouble, peers) + until

    def _client_sides(self) -> _Sides:
        """Who asks the nodes for HTTPS now. A Beat whose files name no CA may well speak plain HTTP."""
        found = {
            each.target: _Side(trust=self.known.trust(each.trust, checks=_checks(each)))
            for each in self.observed.kibana
            if each.trust.enabled
        }
        for beat in self.observed.beats:
            pinned = beat.setting(_FINGERPRINT) or ""
            if beat.trust.enabled and (beat.trust.named or pinned):
                found[beat.target] = _Side(trust=self.known.trust(beat.trust, checks=_checks(beat), pinned=pinned))
        return found

    def _history(self, sides: _Sides, set_name: str) -> dict[str, tuple[_Side, ...]]:
        """Each side at the beginning and after every stage."""
        history = {target: [side] for target, side in sides.items()}
        for stage in self.stages:
            sides = {**sides, **self._changed(stage, sides, set_name)}
            for target, side in sides.items():
                history[target].append(side)
        return {target: tuple(found) for target, found in history.items()}


def _checks(client: ObservedKibana | ObservedBeat) -> bool:
    key = "elasticsearch.ssl.verificationMode"
    if isinstance(client, ObservedBeat):
        key = "output.elasticsearch.ssl.verification_mode"
    return (client.setting(key) or "full").lower() != "none"


def _client_trouble(
    leaves: tuple[_Leaf | None, ...], trusts: tuple[_Trust | None, ...], *, in_between: bool
) -> _Trouble | None:
    """The leaf and the trust that do not fit: at the end, or at some moment before an end at which they do.

    Within a stage either of the two may be ahead. Nothing where they did not fit at the beginning either.
    """
    if leaves[0] is None or trusts[0] is None or _unfit(leaves[0], trusts[0]):
        return None
    end = _unfit(leaves[-1], trusts[-1])
    if end and trusts[-1] and trusts[-1].open:
        return end if in_between else None
    if end or not in_between:
        return None if in_between else end
    moments = [
        pair
        for at in range(1, len(leaves))
        for pair in ((leaves[at], trusts[at]), (leaves[at], trusts[at - 1]), (leaves[at - 1], trusts[at]))
    ]
    return next((trouble for leaf, trust in moments if (trouble := _unfit(leaf, trust))), None)


def _unfit(leaf: _Leaf | None, trust: _Trust | None) -> _Trouble | None:
    return (leaf, trust) if leaf and trust and not accepts(trust, leaf) else None


def _refused(moment: _Moment) -> Iterator[str]:
    """Groups of nodes whose leaf some peers would refuse, where these peers did not refuse the leaf before."""
    pairs = [(name, (moment.before[name], side)) for name, side in moment.after.items()]
    senders = _grouped(pairs, lambda pair: (pair[0].leaf, pair[1].leaf))
    receivers = _grouped(pairs, lambda pair: (pair[0].trust, pair[1].trust))
    for names, leaf_at in senders:
        for peers, trust_at in receivers:
            trouble = _peer_trouble(leaf_at, trust_at, together=moment.together)
            if trouble:
                talkers, listeners = _apart(names, peers)
                if talkers and listeners:
                    yield _sentence(talkers, "transport", trouble, listeners)


def _apart(names: list[str], peers: list[str]) -> tuple[list[str], list[str]]:
    """The two groups without a node that would be its own only peer."""
    others = [name for name in peers if [name] != names]
    return [name for name in names if [name] != peers], others


def _peer_trouble(
    leaf_at: tuple[_Leaf | None, _Leaf | None], trust_at: tuple[_Trust | None, _Trust | None], *, together: bool
) -> _Trouble | None:
    """The leaf and the trust of two peers that do not fit, before or after the change of each; None where all do, or
    where these two could not talk before either."""
    (leaf, new_leaf), (trust, new_trust) = leaf_at, trust_at
    if _unfit(leaf, trust):
        return None
    mixed = [] if together else [(new_leaf, trust), (leaf, new_trust)]
    return next((trouble for pair in ((new_leaf, new_trust), *mixed) if (trouble := _unfit(*pair))), None)


def _sentence(names: list[str], layer: str, trouble: _Trouble, peers: list[str]) -> str:
    leaf, trust = trouble
    who, verb = (
        ("one another", "trust") if names == peers else (listed(peers), "trusts" if len(peers) == 1 else "trust")
    )
    return (
        f"{listed(names)}: the {layer} leaf (CA {leaf.issuer}) would not be accepted by {who}, which {verb} "
        f"{trust.words}"
    )


def _grouped(items: Iterable[tuple[str, _T]], key: Callable[[_T], _K]) -> list[tuple[list[str], _K]]:
    """Names by what decides, in the order in which they came."""
    groups: dict[_K, list[str]] = {}
    for name, value in items:
        groups.setdefault(key(value), []).append(name)
    return [(names, value) for value, names in groups.items()]
