"""How a client that estui does not manage talks to this cluster: its addresses, whom it has to trust, what it has to
show. What that means for each kind of client is `present/client_guides.py`'s.

Source: elastic-stack-security.md §4.6 to §4.8, §6.8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from estui.decide.authorities import authority_named, trust_for
from estui.decide.hosts import known_hosts
from estui.decide.mutual import demand_of
from estui.decide.rung import has_tls
from estui.model.certificate import CertificateFacts
from estui.model.goal import Demand
from estui.model.inventory import Layer
from estui.model.observed import Observed, OnDisk
from estui.model.rollover import SEEN, Client
from estui.model.version import Version

_PRODUCTS = (
    ("logstash", re.compile(r"logstash", re.IGNORECASE)),
    ("fleet", re.compile(r"fleet|elastic-agent|elastic agent|elastic-defend", re.IGNORECASE)),
    ("curl", re.compile(r"\b(curl|wget)/", re.IGNORECASE)),
    ("beats", re.compile(r"beat\b", re.IGNORECASE)),
    ("kibana", re.compile(r"kibana", re.IGNORECASE)),
)
"""Names of guides by what clients of them call themselves; any other agent is a program with a client library."""
LIBRARIES = "languages"


@dataclass(frozen=True)
class Authority:
    """A CA that clients have to trust, and the name that `estui ca export` knows it by; empty where it has none."""

    name: str
    certificate: CertificateFacts


@dataclass(frozen=True)
class ClientWay:
    """One cluster, as its clients see it."""

    cluster: str
    hosts: tuple[str, ...]
    """`host:port` of each node, as the inventory and the yml have it."""
    https: bool
    """Whether every node speaks HTTPS, by its files."""
    authorities: tuple[Authority, ...]
    """In the middle of a rollover the old one and its successor; empty where there is none yet."""
    sends_authority: bool
    """Whether every node sends one of these CAs along, so that a pinned fingerprint can match."""
    demand: Demand
    """Whether client certificates are asked for."""
    version: Version | None
    """The oldest of the nodes' versions, as far as they are known."""


def client_way(observed: Observed) -> ClientWay:
    """The way to this cluster's HTTP layer, by the nodes' files."""
    nodes = observed.nodes
    authorities = _authorities(observed)
    digests = {each.certificate.sha256 for each in authorities}
    sent = [{each.sha256 for each in _chain(observed, number) if each.is_ca} for number in range(len(nodes))]
    demands = [demand_of(node) for node in nodes]
    return ClientWay(
        cluster=observed.inventory.cluster,
        hosts=tuple(str(node.http_address) for node in nodes if node.http_address),
        https=bool(nodes) and all(has_tls(node, Layer.HTTP) for node in nodes),
        authorities=authorities,
        sends_authority=bool(sent) and all(not digests.isdisjoint(each) for each in sent),
        demand=next((each for each in (Demand.REQUIRED, Demand.OPTIONAL) if each in demands), Demand.NONE),
        version=min((node.version for node in nodes if node.version), default=None),
    )


def _chain(observed: Observed, number: int) -> tuple[CertificateFacts, ...]:
    node = observed.nodes[number]
    return node.port(Layer.HTTP).chain or node.disk.get(Layer.HTTP, OnDisk()).chain


def _authorities(observed: Observed) -> tuple[Authority, ...]:
    """CAs of the workspace that HTTP clients need; without any, the roots that the nodes themselves send or name."""
    known = [authority_named(observed, name) for name in trust_for(observed, Layer.HTTP)]
    found = [Authority(each.name, each.certificate) for each in known if each is not None]
    if found or not any(has_tls(node, Layer.HTTP) for node in observed.nodes):
        return tuple(found)
    roots = {}
    for node in observed.nodes:
        disk = node.disk.get(Layer.HTTP, OnDisk())
        above = (*disk.chain[1:], *disk.trusted)
        roots.update({each.sha256: each for each in above if each.is_ca and each.issuer == each.subject})
    return tuple(Authority("", each) for each in roots.values())


def cluster_addresses(observed: Observed) -> tuple[str, ...]:
    """Every `host:port` of the HTTP layer under which clients may know a node, lower-case."""
    return tuple(sorted({str(each) for node in observed.nodes for each in known_hosts(node, observed)}))


def guide_for(client: Client) -> str:
    """Name of the guide for a client of the HTTP layer, by what it calls itself in its requests; empty for an entry of
    a checklist that is no client which was seen."""
    if not client.id.startswith(SEEN):
        return ""
    return next((name for name, words in _PRODUCTS if words.search(client.text)), LIBRARIES)
