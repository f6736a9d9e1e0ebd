"""Who accepts whom: certificates against the anchors of peers, computed once for every distinct set of anchors.

A thousand nodes with one CA are a thousand checks, not a million. What that means is said by the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509

from estui.errors import CertificateError, StoreError
from estui.formats.pem import parse_certificate
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer
from estui.model.observed import ObservedNode, OnDisk
from estui.pki.chain import Purpose, verify_chain

Chain = tuple[CertificateFacts, ...]


def trust_of(disk: OnDisk) -> Chain:
    """Certificates that a context accepts as anchors. A store that is keystore and truststore at once trusts its own
    leaf too, and a context without trust settings the certificates of its own keystore (elastic-stack-security.md
    §2.4, file-formats.md §5.1); public CAs of the JDK are left out."""
    names = {named.setting: named.name for named in disk.named}
    own_store = names.get("keystore.path") is not None and names.get("keystore.path") == names.get("truststore.path")
    stated = {"truststore.path", "certificate_authorities"} & set(names)
    return disk.trusted + (disk.chain if own_store or not stated else ())


def sent_by(node: ObservedNode, layer: Layer) -> Chain:
    """The chain that a node sends after its next start: as its files have it, else as served."""
    return node.disk.get(layer, OnDisk()).chain or node.port(layer).chain


@dataclass(frozen=True)
class Trusting:
    """Peers that have the same anchors."""

    anchors: Chain
    peers: tuple[ObservedNode, ...]


def trusting(nodes: Iterable[ObservedNode], layer: Layer) -> tuple[Trusting, ...]:
    """Nodes grouped by the CAs that they trust on this layer."""
    found: dict[tuple[str, ...], tuple[Chain, list[ObservedNode]]] = {}
    for node in nodes:
        anchors = {facts.sha256: facts for facts in trust_of(node.disk.get(layer, OnDisk())) if facts.is_ca}
        key = tuple(sorted(anchors))
        found.setdefault(key, (tuple(anchors[sha256] for sha256 in key), []))[1].append(node)
    return tuple(Trusting(anchors, tuple(peers)) for anchors, peers in found.values())


def trusts_itself(peer: ObservedNode, layer: Layer, leaf: CertificateFacts) -> bool:
    """Whether a leaf is among the anchors of a peer, as where all nodes share one store: no CA is asked then."""
    return any(facts.sha256 == leaf.sha256 for facts in trust_of(peer.disk.get(layer, OnDisk())))


def refusal(trusted: Chain, chain: Chain, purposes: Iterable[Purpose], now: datetime, host: str | None = None) -> str:
    """Why a peer with these anchors does not accept this chain, in words; empty where it does."""
    for purpose in purposes:
        try:
            verify_chain(
                _loaded(chain[0]),
                [_loaded(facts) for facts in chain[1:]],
                [_loaded(facts) for facts in trusted],
                now=now,
                purpose=purpose,
                host=host,
            )
        except (CertificateError, StoreError) as exc:
            return exc.summary
    return ""


@lru_cache(maxsize=8192)
def _loaded(facts: CertificateFacts) -> x509.Certificate:
    return parse_certificate(facts.der, facts.subject)
