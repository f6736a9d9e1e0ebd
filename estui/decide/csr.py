"""What an external CA is asked for, and what speaks against the certificates that come back, precisely."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from estui.decide import hosts, kibana
from estui.decide.admission import is_root, weak_key, weak_signature
from estui.decide.authorities import SERVER_SET
from estui.decide.fixed import union_of
from estui.decide.layers import leaf_request
from estui.decide.rotation import node_leaves, sharing
from estui.model.certificate import CertificateFacts
from estui.model.csr import CsrEntry, Received
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedKibana, ObservedNode
from estui.model.plan import LeafRequest
from estui.pki.issuers import is_signed_by
from estui.pki.names import covers

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_DEEPEST = 8
_USES = {
    Layer.TRANSPORT.value: "transport needs serverAuth and clientAuth, since nodes are each other's clients",
    Layer.HTTP.value: "HTTP needs serverAuth",
    SERVER_SET: "Kibana's server needs serverAuth",
}


# what is asked for


def wanted_requests(observed: Observed, targets: Sequence[str], layer: Layer | None) -> list[LeafRequest]:
    """One request for each chosen target and layer, with the names that a leaf of estui's own would have; one for both
    layers of a node that share one store.

    Kibana's server goes with the HTTP layer: the same clients talk to both.
    """
    requests = []
    for node in observed.nodes:
        if targets and node.target not in targets:
            continue
        every = [leaf_request(node, each, observed) for each in Layer]
        if _share_files(node):
            requests.append(union_of(every))
        else:
            requests += [each for each in every if layer in (None, Layer(each.set_name))]
    if layer is not Layer.TRANSPORT:
        requests += [
            kibana.server_request(each, observed) for each in observed.kibana if not targets or each.target in targets
        ]
    return requests


def _share_files(node: ObservedNode) -> bool:
    """Whether the layers of a node have their leaf in the same file, as `elastic-certificates.p12` is used."""
    return any(map(sharing, node_leaves(node)))


def further_sets(request: LeafRequest, observed: Observed) -> tuple[str, ...]:
    """The other sets that the certificate of a request is for."""
    nodes = [node for node in observed.nodes if node.target == request.target]
    is_first = request.set_name == Layer.TRANSPORT.value
    return (Layer.HTTP.value,) if is_first and any(map(_share_files, nodes)) else ()


def request_refusals(observed: Observed, targets: Sequence[str]) -> list[str]:
    """Why nothing can be asked for."""
    known = {thing.target for thing in observed.things}
    reasons = [f"the inventory has no {name}" for name in targets if name not in known]
    for thing in observed.things:
        if not targets or thing.target in targets:
            reasons += [f"{thing.target}: {problem.summary}" for problem in thing.problems]
    return reasons


def needed_names(request: LeafRequest, observed: Observed) -> tuple[str, ...]:
    """Names that the certificate must have: CAs often refuse loopback ones, which matter only where they are used."""
    used = {host for thing in observed.things if thing.target == request.target for host in _hosts(thing)}
    return tuple(
        name for name in (*request.dns_names, *request.addresses) if name not in hosts.LOOPBACK or name in used
    )


def _hosts(thing: ObservedNode | ObservedKibana) -> Iterator[str]:
    addresses = [thing.address] if isinstance(thing, ObservedKibana) else [thing.http_address, thing.transport_address]
    yield from (address.host for address in addresses if address)


def stems(requests: Iterable[LeafRequest]) -> list[str]:
    """Beginning of a file name for each request, no two alike: `es-1-http`, `kibana-main-server`."""
    found: list[str] = []
    for request in requests:
        stem = _UNSAFE.sub("-", f"{request.target}-{request.set_name}").strip("-.") or "request"
        twins = sum(each == stem or each.startswith(f"{stem}~") for each in found)
        found.append(f"{stem}~{twins + 1}" if twins else stem)
    return found


# what comes back


@dataclass(frozen=True)
class Pending:
    """A request that was made, and the set it belongs to."""

    csr: str
    entry: CsrEntry


@dataclass(frozen=True)
class Matched:
    """A certificate that answers a request, with the CAs above it up to the end of its chain."""

    pending: Pending
    received: Received
    intermediates: tuple[CertificateFacts, ...] = ()
    anchor: CertificateFacts | None = None


@dataclass(frozen=True)
class Sorted:
    """What the files hold: answers, CAs, and what is wrong already."""

    answers: tuple[Matched, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def sort_out(received: Sequence[Received], pending: Sequence[Pending], known: Sequence[CertificateFacts]) -> Sorted:
    """Which certificate answers which request, by public key, and which CAs stand above each.

    `known` are CAs that the workspace has already. Certificates that answer nothing are told with their file.
    """
    by_key = {each.entry.key_sha256: each for each in pending}
    distinct = list({each.facts.sha256: each for each in received}.values())
    answers = [Matched(by_key[each.facts.key_sha256], each) for each in distinct if each.facts.key_sha256 in by_key]
    others = [each for each in distinct if each.facts.key_sha256 not in by_key]
    reasons = [_foreign(each) for each in others if not each.facts.is_ca]
    reasons += _twice(answers)
    authorities = [*(each.facts for each in others if each.facts.is_ca), *known]
    notes = _order_notes(distinct, by_key)
    if not answers and not reasons:
        reasons.append("no certificate in these files answers a request of this workspace")
    return Sorted(tuple(_with_chain(each, authorities) for each in answers), tuple(reasons), tuple(notes))


def _foreign(received: Received) -> str:
    facts = received.facts
    return (
        f"{received.file}: {facts.subject} (serial {facts.serial_hex}) answers no request of this workspace: its key "
        "is another one; was it made from another request, or with a key of its own?"
    )


def _twice(answers: Sequence[Matched]) -> list[str]:
    by_request: dict[str, list[Matched]] = {}
    for each in answers:
        by_request.setdefault(each.pending.entry.key_sha256, []).append(each)
    return [
        f"{found[0].pending.entry.name}: {len(found)} different certificates answer its request "
        f"({', '.join(f'{each.received.file} serial {each.received.facts.serial_hex}' for each in found)}): "
        "give the one that is to be used"
        for found in by_request.values()
        if len(found) > 1
    ]


def _order_notes(received: Sequence[Received], by_key: dict[str, Pending]) -> list[str]:
    """Files in which the leaf is not the first: Elasticsearch and OpenSSL take the first one for the leaf."""
    return [
        f"{each.file}: the leaf is not the first certificate in it; it is stored in the right order"
        for each in received
        if each.facts.key_sha256 in by_key and each.position > 0
    ]


def _with_chain(answer: Matched, authorities: Sequence[CertificateFacts]) -> Matched:
    """The CAs that signed one another, from the leaf up; of several certificates of one CA the one that lasts longest.

    Whether the chain holds in every other respect is looked at by `pki/chain.py`.
    """
    chain: list[CertificateFacts] = []
    last = answer.received.facts
    lasting = sorted(authorities, key=lambda each: each.not_after, reverse=True)
    for _ in range(_DEEPEST):
        above = next((each for each in lasting if each not in chain and is_signed_by(last, each)), None)
        if above is None or is_root(last):
            break
        chain.append(above)
        last = above
    if chain:
        return Matched(answer.pending, answer.received, tuple(chain[:-1]), chain[-1])
    return answer


def answer_reasons(answer: Matched, now: datetime, *, partial: bool) -> list[str]:
    """What is wrong with an answer: what, in which file, what to do. `partial` lets a chain end below its root."""
    facts, entry = answer.received.facts, answer.pending.entry
    told = [
        *_leaf_reasons(facts, entry),
        *_date_reasons(facts, now),
        *(f"{weak}: have it issued anew" for weak in (weak_key(facts), weak_signature(facts)) if weak),
        *_chain_reasons(answer, now, partial=partial),
    ]
    return [f"{answer.received.file}: {entry.name}: {each}" for each in told]


def _leaf_reasons(facts: CertificateFacts, entry: CsrEntry) -> Iterator[str]:
    if facts.is_ca:
        yield "it is a CA certificate (CA:TRUE), and a leaf was asked for: have it issued with a server template"
    missing = [name for name in entry.needed if not covers(facts, name)]
    if missing:
        yield (
            f"it lacks the names {', '.join(missing)} (it has {', '.join(facts.names) or 'none'}): have it issued with "
            "the subjectAltName of the request, or make requests without them: estui csr export --without NAME"
        )
    lacking = [each for each in entry.request.usages if not _allows(facts, each)]
    if lacking:
        yield (
            f"its extended key usage lacks {' and '.join(lacking)} ({_USES[entry.request.set_name]}): have it issued "
            "with the extendedKeyUsage of the request"
        )
    if facts.key_usage is not None and "digitalSignature" not in facts.key_usage:
        yield (
            f"its key usage is {', '.join(facts.key_usage) or 'empty'} without digitalSignature, which TLS needs: have "
            "it issued with the keyUsage of the request"
        )


def _allows(facts: CertificateFacts, usage: str) -> bool:
    return facts.allows(usage) or facts.allows("anyExtendedKeyUsage")


def _date_reasons(facts: CertificateFacts, now: datetime) -> Iterator[str]:
    if facts.not_after <= now:
        yield f"it expired on {facts.not_after:%Y-%m-%d}: have it issued anew"
    if facts.not_before > now:
        yield (
            f"it is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC: import it after that, or compare the clocks"
        )


def _chain_reasons(answer: Matched, now: datetime, *, partial: bool) -> Iterator[str]:
    facts, anchor = answer.received.facts, answer.anchor
    if anchor is None and weak_signature(facts):
        return  # which is said already; who made such a signature is not checked
    if anchor is None:
        yield (
            f"the certificate of its issuer, {facts.issuer}, is missing: give it too, or with --ca FILE (one of that "
            "name that did not sign it does not count)"
        )
        return
    if not is_root(anchor) and not partial:
        yield (
            f"its chain ends at {anchor.subject}, whose issuer {anchor.issuer} is missing: give the root with --ca "
            "FILE; or --partial-chain to trust that intermediate itself, which Kibana and OpenSSL by default do not"
        )
    for each in (*answer.intermediates, anchor):
        yield from (f"its CA {each.subject}: {text}" for text in _authority_reasons(each, now))


def _authority_reasons(facts: CertificateFacts, now: datetime) -> Iterator[str]:
    if not facts.is_ca:
        yield "is no CA (no CA:TRUE)"
    if facts.key_usage is not None and "keyCertSign" not in facts.key_usage:
        yield f"may not sign certificates (key usage {', '.join(facts.key_usage)})"
    yield from _date_reasons(facts, now)
    if weak := weak_key(facts):
        yield weak
    if (weak := weak_signature(facts)) and not is_root(facts):
        yield weak


def answer_notes(answer: Matched, renew_before_days: int, now: datetime) -> list[str]:
    """What should be known about an answer that is let in."""
    facts, entry = answer.received.facts, answer.pending.entry
    found = []
    days = facts.days_left(now)
    if days <= renew_before_days:
        found.append(f"{entry.name}: it ends in {days} days, which is inside the renewal window already")
    ends = [each for each in (*answer.intermediates, answer.anchor) if each and each.not_after < facts.not_after]
    found += [f"{entry.name}: its CA {each.subject} ends before it, on {each.not_after:%Y-%m-%d}" for each in ends]
    asked = (*entry.request.dns_names, *entry.request.addresses)
    left = [name for name in asked if name not in entry.needed and not covers(facts, name)]
    if left:
        found.append(f"{entry.name}: it does not cover {', '.join(left)}, which was asked for and nobody uses")
    if answer.anchor and not is_root(answer.anchor):
        found.append(
            f"{entry.name}: trust ends at the intermediate {answer.anchor.subject}: Kibana and OpenSSL clients need "
            "the root as well"
        )
    return found


def unanswered(pending: Sequence[Pending], answers: Sequence[Matched], before: Iterable[str]) -> list[str]:
    """Requests of the sets in hand that nobody has answered; `before` are public keys that were answered earlier."""
    sets = {each.pending.csr for each in answers}
    there = {each.pending.entry.key_sha256 for each in answers} | set(before)
    return [each.entry.name for each in pending if each.csr in sets and each.entry.key_sha256 not in there]


def leaves_on_disk(observed: Observed) -> Iterator[CertificateFacts]:
    """Every leaf that the files of a target hold."""
    disks = [disk for node in observed.nodes for disk in node.disk.values()]
    for disk in (*disks, *(each.disk for each in observed.kibana)):
        if disk.leaf is not None:
            yield disk.leaf
