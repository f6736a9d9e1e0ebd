"""Which CA signed what here, who trusts it, where its key is, and what is possible with it.

A CA is a subject and a key, in however many files and certificates (a renewal keeps both). Looking and reading keys
is `observe/adoption.py`'s, sentences are `present/adoption.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from estui.model.adoption import (
    AdoptionReport,
    FilePlace,
    FoundFile,
    ReportedAuthority,
    SignedLeaf,
    Thing,
    UnknownIssuer,
    Unread,
    Use,
    Way,
    contexts_of,
)
from estui.model.certificate import CertificateFacts
from estui.model.observed import AuthorityFacts, Fault, NamedFile, Observed, ObservedBeat, OnDisk
from estui.pki.issuers import is_signed_by

TRANSPORT_OF_AUTO_CONFIGURATION = "CN=Elasticsearch security auto-configuration transport CA"
"""Elasticsearch throws the key of this CA away (elastic-stack-security.md §9.2)."""
WEAK_HASHES = ("md5", "sha1")
_LEAST_RSA_BITS = 2048
_Key = tuple[str, str]
"""Subject and digest of the public key: what makes a CA."""


@dataclass(frozen=True)
class _Context:
    """One TLS context with its files."""

    use: Use
    config: str
    disk: OnDisk


@dataclass
class _Group:
    """What is gathered about one CA."""

    certificates: dict[str, CertificateFacts] = field(default_factory=dict)
    keys: dict[str, FilePlace] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    files: dict[str, FilePlace] = field(default_factory=dict)
    trusted: list[Use] = field(default_factory=list)
    given: bool = False

    def newest(self) -> CertificateFacts:
        return max(self.certificates.values(), key=lambda each: (each.not_after, each.not_before, each.sha256))


def build_report(observed: Observed, found: Sequence[FoundFile], now: datetime) -> AdoptionReport:
    """Everything there is to say about the CAs behind an observed cluster and the files found beside it."""
    contexts = list(_contexts(observed))
    leaves = _leaves(contexts)
    groups = _groups(observed, contexts, found, leaves)
    every = [_reported(group, groups, leaves, observed.authorities, now) for group in groups.values()]
    shown = [each for each in every if each.in_use or each.keys or each.closed or each.given]
    signed = {leaf.certificate.sha256 for each in every for leaf in each.leaves}
    orphans = [leaf for leaf in leaves if leaf.certificate.sha256 not in signed]
    unused = sum(not each.workspace for each in every if each not in shown)
    return AdoptionReport(
        authorities=tuple(sorted(shown, key=_order)),
        unknown=_unknown(orphans),
        self_signed=tuple(each for each in orphans if is_signed_by(each.certificate, each.certificate)),
        unread=tuple(dict.fromkeys((*_unread(observed), *(_unread_file(file) for file in found if file.problem)))),
        passed_over=unused,
    )


def _order(each: ReportedAuthority) -> tuple[int, str, str]:
    """Those that sign leaves first, transport before HTTP; then those that sign CAs, are trusted, or only lie about."""
    layers = [rank for rank, context in enumerate(("transport", "http")) if context in each.contexts]
    rank = layers[0] if layers else 2 if each.leaves else 3 if each.signs else 4 if each.trusted else 5
    return rank, f"{each.certificate.not_before:%Y%m%d%H%M%S}", each.certificate.sha256


# contexts


def _contexts(observed: Observed) -> Iterator[_Context]:
    for thing in (*observed.things, *observed.beats):
        for name, disk in contexts_of(thing).items():
            yield _Context(Use(thing.target, name), thing.entry.config.rstrip("/"), disk)


def _leaves(contexts: Iterable[_Context]) -> list[SignedLeaf]:
    """Every leaf once, with all who use it."""
    uses: dict[str, list[Use]] = {}
    leaves: dict[str, CertificateFacts] = {}
    for context in contexts:
        if leaf := context.disk.leaf:
            leaves[leaf.sha256] = leaf
            uses.setdefault(leaf.sha256, []).append(context.use)
    return [SignedLeaf(leaf, tuple(uses[digest])) for digest, leaf in leaves.items()]


# authorities


def _groups(
    observed: Observed, contexts: Sequence[_Context], found: Sequence[FoundFile], leaves: Sequence[SignedLeaf]
) -> dict[_Key, _Group]:
    groups: dict[_Key, _Group] = {}

    def group(facts: CertificateFacts) -> _Group:
        known = groups.setdefault((facts.subject, facts.key_sha256), _Group())
        known.certificates[facts.sha256] = facts
        return known

    for authority in observed.authorities:
        group(authority.certificate)
    for context in contexts:
        for facts in (*context.disk.chain, *context.disk.trusted):
            if facts.is_ca or _signs_unmarked(facts, leaves):
                group(facts)
        for facts in context.disk.trusted:
            if (known := groups.get((facts.subject, facts.key_sha256))) and context.use not in known.trusted:
                known.trusted.append(context.use)
        for facts, place in _named_keys(context):
            group(facts).keys.setdefault(place.path, place)
    for file in found:
        for facts in file.authorities:
            known = group(facts)
            known.given = known.given or file.given
            known.files.setdefault(file.path, FilePlace(file.path, file.name, file.target))
    _add_loose_keys(groups, found)
    return groups


def _signs_unmarked(facts: CertificateFacts, leaves: Sequence[SignedLeaf]) -> bool:
    """Whether a certificate without the CA flag, such as a root of version 1, signed somebody else's leaf."""
    return any(leaf.certificate.sha256 != facts.sha256 and is_signed_by(leaf.certificate, facts) for leaf in leaves)


def _named_keys(context: _Context) -> Iterator[tuple[CertificateFacts, FilePlace]]:
    """CAs whose key is in a file that the context names."""
    for named in context.disk.named:
        place = FilePlace(f"{context.config}/{named.relative}", named.relative, context.use.target, named.setting)
        for facts in named.authorities:
            yield facts, place
        leaf = context.disk.leaf
        if named.setting == "key" and leaf and leaf.is_ca and context.disk.key_sha256 == leaf.key_sha256:
            yield leaf, place


def _add_loose_keys(groups: dict[_Key, _Group], found: Sequence[FoundFile]) -> None:
    for (_, digest), known in groups.items():
        for file in found:
            if digest in file.keys:
                place = FilePlace(file.path, file.name, file.target, clear=file.clear)
                known.keys.setdefault(file.path, place)
                known.given = known.given or file.given
            if digest in file.closed and file.shown not in known.closed:
                known.closed.append(file.shown)


def _reported(
    group: _Group,
    groups: dict[_Key, _Group],
    leaves: Sequence[SignedLeaf],
    authorities: Sequence[AuthorityFacts],
    now: datetime,
) -> ReportedAuthority:
    newest = group.newest()
    signs = [
        other
        for other in (each.newest() for each in groups.values())
        if other.sha256 != newest.sha256 and other.subject != newest.subject and is_signed_by(other, newest)
    ]
    own = tuple(leaf for leaf in leaves if is_signed_by(leaf.certificate, newest) and _is_of(leaf, newest))
    there = _in_workspace(group, authorities)
    made = ReportedAuthority(
        certificate=newest,
        way=Way.NONE,
        earlier=tuple(each for each in group.certificates.values() if each.sha256 != newest.sha256),
        leaves=own,
        signs=tuple(each.subject for each in signs),
        trusted=tuple(group.trusted),
        keys=tuple(group.keys.values()),
        closed=tuple(group.closed),
        files=tuple(group.files.values()),
        weak=tuple(_weak(newest, own, group, now)),
        workspace=there.name if there else "",
        has_key=bool(there and there.has_key),
        given=group.given,
    )
    return _with_way(made, bool(signs), now)


def _is_of(leaf: SignedLeaf, authority: CertificateFacts) -> bool:
    """Not its own certificate, unless that is a CA which somebody serves as a leaf."""
    return leaf.certificate.key_sha256 != authority.key_sha256 or leaf.certificate.is_ca


def _in_workspace(group: _Group, authorities: Sequence[AuthorityFacts]) -> AuthorityFacts | None:
    """The workspace CA of the same subject and key; of two the one that has the key."""
    keys = {(each.subject, each.key_sha256) for each in group.certificates.values()}
    same = [each for each in authorities if (each.certificate.subject, each.certificate.key_sha256) in keys]
    return next((each for each in same if each.has_key), same[0] if same else None)


def _with_way(made: ReportedAuthority, signs_authorities: bool, now: datetime) -> ReportedAuthority:
    facts = made.certificate
    if made.keys or made.has_key:
        if facts.not_after <= now:
            way = Way.RENEW
        elif facts.not_before > now or not may_sign(facts):
            way = Way.BARRED
        else:
            way = Way.ROTATE if made.has_key else Way.IMPORT
    elif made.closed:
        way = Way.CONVERT
    elif not made.leaves and not signs_authorities:
        way = Way.NONE
    else:
        way = Way.EXTERNAL if signs_authorities or facts.subject != facts.issuer else Way.NEW_CA
    return replace(made, way=way)


def may_sign(facts: CertificateFacts) -> bool:
    """Whether the certificate lets its key sign others (RFC 5280 §4.2.1.3, §4.2.1.9)."""
    return facts.is_ca and (facts.key_usage is None or "keyCertSign" in facts.key_usage)


def _weak(facts: CertificateFacts, leaves: Sequence[SignedLeaf], group: _Group, now: datetime) -> Iterator[str]:
    if facts.not_after <= now:
        yield f"expired on {facts.not_after:%Y-%m-%d}: it cannot sign, and nobody accepts what it signed"
    if facts.not_before > now:
        yield f"valid from {facts.not_before:%Y-%m-%d} only: it cannot sign before"
    if not facts.is_ca:
        yield "has no CA flag (BasicConstraints): Java accepts it as trusted, it cannot be imported"
    elif facts.key_usage is None:
        yield "no KeyUsage, as certutil left it out before 8.18.1: Python 3.13 and newer refuse it"
    elif "keyCertSign" not in facts.key_usage:
        yield "its KeyUsage lacks keyCertSign: it may not sign certificates"
    yield from _weak_algorithms(facts)
    if any(leaf.certificate.is_ca for leaf in leaves):
        yield "serves as a leaf itself, so that its key is on a node"
    ends = [leaf for leaf in leaves if (leaf.certificate.not_after - facts.not_after).days >= 1]
    if ends and facts.not_after > now:
        yield f"ends before {len(ends)} of the leaves that it signed, which end with it on {facts.not_after:%Y-%m-%d}"
    clear = [place for place in group.keys.values() if place.clear and place.target]
    if clear:
        yield "its key lies open: " + ", ".join(f"{place.name} of {place.target}" for place in clear)


def _weak_algorithms(facts: CertificateFacts) -> Iterator[str]:
    kind, _, bits = facts.key_type.partition("-")
    if kind in ("rsa", "dsa") and bits.isdigit() and int(bits) < _LEAST_RSA_BITS:
        yield f"{kind.upper()}-{bits}: too short, newer Java versions refuse it"
    if facts.signature_hash in WEAK_HASHES:
        yield f"signed with {facts.signature_hash.upper()}"


# what has no CA, and what could not be read


def _unknown(orphans: Sequence[SignedLeaf]) -> tuple[UnknownIssuer, ...]:
    by_issuer: dict[str, list[SignedLeaf]] = {}
    for leaf in orphans:
        if not is_signed_by(leaf.certificate, leaf.certificate):
            by_issuer.setdefault(leaf.certificate.issuer, []).append(leaf)
    return tuple(UnknownIssuer(subject, tuple(leaves)) for subject, leaves in by_issuer.items())


def _unread(observed: Observed) -> Iterator[Unread]:
    for thing in (*observed.things, *observed.beats):
        yield from (Unread(each.where or each.target, each.summary, each.hint) for each in thing.problems)
        for name, disk in contexts_of(thing).items():
            for named in disk.named:
                if named.fault and named.fault is not Fault.FOREIGN:
                    yield _unread_named(thing, name, named)


def _unread_named(thing: Thing, context: str, named: NamedFile) -> Unread:
    place = f"{named.relative or named.name} of {thing.target}"
    detail = named.detail.removeprefix(f"{named.name}: ")
    if named.fault is not Fault.PASSWORD:
        return Unread(place, detail)
    settings = tried_settings(thing, context, named.setting)
    words = ", ".join(settings) if settings else "no password is set"
    return Unread(place, detail, f"tried: {words}")


def tried_settings(thing: Thing, context: str, setting: str) -> tuple[str, ...]:
    """Settings, in the yml or among the secure settings, that give the password of a file which a context names."""
    store = setting.removesuffix(".path")
    names = [f"{store}.secure_password", f"{store}.password"]
    if setting == "key":
        names = ["secure_key_passphrase", "key_passphrase", "keyPassphrase"]
    present = [*thing.settings, *(() if isinstance(thing, ObservedBeat) else thing.keystore.names)]
    ends = tuple(f".ssl.{name}" for name in names)
    fits = (key for key in dict.fromkeys(present) if key.endswith(ends) and _is_setting_of(key, context))
    return tuple(fits)


def _is_setting_of(key: str, context: str) -> bool:
    """Whether a setting belongs to a context; those of realms and the like are not told apart."""
    layers = ("xpack.security.transport.", "xpack.security.http.")
    if context in ("transport", "http"):
        return key.startswith(f"xpack.security.{context}.")
    if context in ("server", "elasticsearch"):
        return key.startswith((f"{context}.", f"output.{context}."))
    return not key.startswith(layers)


def _unread_file(file: FoundFile) -> Unread:
    what = f"{file.problem} (entries: {', '.join(file.aliases)})" if file.aliases else file.problem
    was_tried = f"tried: {', '.join(file.tried)}; " if file.tried else ""
    return Unread(file.shown, what, f"{was_tried}{file.hint}")
