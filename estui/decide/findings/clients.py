"""Rules about Kibana and Beats as clients of the nodes: scheme, names, and the CAs that they trust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from estui.decide.beats_pins import pin_in_force
from estui.decide.findings.peers import refusal, sent_by, trust_of, trusting, trusts_itself
from estui.decide.findings.rule import Facts, Hit, Text, about_cluster
from estui.decide.findings.view import (
    at_beat,
    at_kibana,
    client_authentication,
    disk_of,
    listed,
    tls_on,
    verification,
)
from estui.decide.hosts import address_of_url, known_hosts
from estui.decide.mutual import trust_context
from estui.model.certificate import CertificateFacts
from estui.model.finding import Severity
from estui.model.inventory import Address, Layer
from estui.model.observed import Observed, ObservedNode, OnDisk, PortState
from estui.pki.names import covers


@dataclass(frozen=True)
class Client:
    """One list of Elasticsearch hosts, and how they are checked."""

    target: str
    where: str
    at_trust: str
    urls: tuple[str, ...]
    default_scheme: str
    mode: str
    trust: OnDisk
    config: str = ""
    """Its configuration folder, as this host sees it."""
    by_common_name: bool = True
    """Whether it looks at the CN of a certificate without SANs."""
    pin: str = ""
    """Fingerprint of a CA that it trusts where a node sends it along."""

    def is_https(self, url: str) -> bool:
        return (url.split("://", 1)[0] if "://" in url else self.default_scheme) == "https"


def clients(facts: Facts) -> Iterator[Client]:
    for kibana in facts.kibana:
        hosts = kibana.settings.get("elasticsearch.hosts")
        yield Client(
            kibana.target,
            at_kibana(kibana, "elasticsearch.hosts"),
            at_kibana(kibana, "elasticsearch.ssl.certificateAuthorities"),
            hosts.items if hosts else ("http://localhost:9200",),
            "http",
            kibana.setting("elasticsearch.ssl.verificationMode") or "full",
            kibana.trust,
            kibana.entry.config,
        )
    for beat in facts.beats:
        hosts = beat.settings.get("output.elasticsearch.hosts")
        if hosts is not None:
            yield Client(
                beat.target,
                at_beat(beat, "output.elasticsearch.hosts"),
                at_beat(beat, "output.elasticsearch.ssl.certificate_authorities"),
                hosts.items,
                beat.setting("output.elasticsearch.protocol") or "http",
                beat.setting("output.elasticsearch.ssl.verification_mode") or "full",
                beat.trust,
                beat.entry.config,
                beat.setting("output.elasticsearch.ssl.verification_mode") != "strict",
                pin_in_force(beat),
            )


def _shown(url: str) -> str:
    """A URL without the user and password that it may carry."""
    scheme, separator, rest = url.rpartition("://")
    return scheme + separator + rest.rpartition("@")[2]


class Hosts:
    """Nodes by the HTTP addresses under which they are known, looked up once for all clients."""

    def __init__(self, facts: Facts) -> None:
        self._nodes: dict[Address, list[ObservedNode]] = {}
        for node in facts.observed.nodes:
            for address in _known(node, facts.observed):
                self._nodes.setdefault(address, []).append(node)

    def behind(self, url: str) -> list[ObservedNode]:
        """Nodes that a client's URL means; empty for a load balancer or a stranger."""
        address = address_of_url(url)
        return self._nodes.get(Address(address.host.lower(), address.port), []) if address else []


def _known(node: ObservedNode, observed: Observed) -> set[Address]:
    mine = known_hosts(node, observed)
    loopback = {"localhost", "127.0.0.1", "::1"}
    if any(address.host in loopback for address in mine):
        mine |= {Address(host, address.port) for host in loopback for address in mine}
    return mine


@about_cluster(
    Text(
        "client-speaks-http",
        Severity.ERROR,
        "a client uses http:// where Elasticsearch speaks HTTPS",
        "Elasticsearch closes the connection without an answer: received plaintext http traffic on an https channel",
        "write https:// and the CA to trust: estui plan https",
        "seen on Elasticsearch 9.1.0",
    )
)
def client_speaks_http(facts: Facts) -> Iterator[Hit]:
    hosts = Hosts(facts)
    for client in clients(facts):
        wrong = [
            url
            for url in client.urls
            if not client.is_https(url) and any(tls_on(node, Layer.HTTP) for node in hosts.behind(url))
        ]
        if wrong:
            yield Hit(client.target, f"{listed(map(_shown, wrong))} speaks HTTPS", client.where)


@about_cluster(
    Text(
        "client-speaks-https",
        Severity.ERROR,
        "a client uses https:// where Elasticsearch speaks plain HTTP",
        "the client fails: wrong version number, first record does not look like a TLS handshake",
        "switch on HTTPS (estui plan https), or write http://",
        "seen on Elasticsearch 9.1.0",
    )
)
def client_speaks_https(facts: Facts) -> Iterator[Hit]:
    hosts = Hosts(facts)
    read = {node.entry.config for node in facts.nodes}
    for client in clients(facts):
        wrong = []
        for url in filter(client.is_https, client.urls):
            plain = [node for node in hosts.behind(url) if not tls_on(node, Layer.HTTP) and not _serves_tls(node)]
            if any(node.entry.config in read for node in plain):
                wrong.append(url)
        if wrong:
            yield Hit(client.target, f"{listed(map(_shown, wrong))} speaks plain HTTP", client.where)


def _serves_tls(node: ObservedNode) -> bool:
    return node.port(Layer.HTTP).state is PortState.TLS


@about_cluster(
    Text(
        "client-mixes-schemes",
        Severity.WARNING,
        "a client with http:// and https:// hosts in one list",
        "it is legal, and fails on those of the wrong scheme",
        "write the same scheme for all",
        "elasticsearch.hosts (elastic.co documentation)",
    )
)
def client_mixes_schemes(facts: Facts) -> Iterator[Hit]:
    for client in clients(facts):
        if len({client.is_https(url) for url in client.urls}) > 1:
            yield Hit(client.target, f"both schemes in {listed(map(_shown, client.urls))}", client.where)


@about_cluster(
    Text(
        "client-names-missing",
        Severity.ERROR,
        "a client uses a name that the node's certificate does not have",
        "the client refuses the node as soon as it connects anew: the name is not in the certificate",
        "issue it with that name (names: of the node in estui.yaml, then estui rotate), or use another name",
        "RFC 9525; verificationMode full",
    )
)
def client_names_missing(facts: Facts) -> Iterator[Hit]:
    hosts = Hosts(facts)
    for client in clients(facts):
        if client.mode not in ("full", "strict"):
            continue
        for url in filter(client.is_https, client.urls):
            address = address_of_url(url)
            for node in hosts.behind(url):
                chain = sent_by(node, Layer.HTTP)
                if address and chain and not covers(chain[0], address.host):
                    names = ", ".join(chain[0].names) or "none"
                    yield Hit(client.target, f"{node.target} has no name {address.host} (names: {names})", client.where)


@about_cluster(
    Text(
        "client-distrusts-node",
        Severity.ERROR,
        "a client that does not accept the certificate of a node",
        "the client fails as soon as it connects anew: unable to verify the first certificate, unknown authority",
        "give it the CA that issued the certificates of the nodes, before they are switched: estui plan https",
        "certificateAuthorities, certificate_authorities",
    )
)
def client_distrusts_node(facts: Facts) -> Iterator[Hit]:
    hosts = Hosts(facts)
    for client in clients(facts):
        if client.mode == "none" or client.trust.problem or not any(map(client.is_https, client.urls)):
            continue
        anchors = client.trust.trusted
        if not anchors and (client.pin or not _issued_privately(facts)):
            continue  # a pin is a rule of its own; public CAs of the system may do
        refused: dict[str, list[str]] = {}
        for node in _used_nodes(client, facts, hosts):
            chain = sent_by(node, Layer.HTTP)
            if _sends_pinned(chain, client.pin):
                continue
            if chain and chain[0].sha256 not in {facts.sha256 for facts in anchors}:
                reason = refusal(anchors, chain, ("server",), facts.now)
                if reason:
                    refused.setdefault(reason, []).append(node.target)
        for reason, names in refused.items():
            yield Hit(client.target, f"would refuse {listed(names)}: {reason}", client.at_trust)


def _sends_pinned(chain: Sequence[CertificateFacts], pin: str) -> bool:
    return any(each.is_ca and each.sha256 == pin for each in chain)


@about_cluster(
    Text(
        "client-pin-unsent",
        Severity.ERROR,
        "a pinned CA fingerprint that no certificate of a node's chain has",
        "the Beat fails: x509: certificate signed by unknown authority; only a CA that the node sends along counts",
        "write ssl.certificate_authorities with the CA file; or let the nodes send leaf and CA",
        "elastic-agent-libs, tlscommon; seen with filebeat 9",
    )
)
def client_pin_unsent(facts: Facts) -> Iterator[Hit]:
    hosts = Hosts(facts)
    for client in clients(facts):
        if not client.pin or client.trust.trusted or client.mode == "none":
            continue
        for node in _used_nodes(client, facts, hosts):
            chain = sent_by(node, Layer.HTTP)
            if chain and not _sends_pinned(chain, client.pin):
                others = any(each.is_ca for each in chain)
                why = "sends CAs with other fingerprints only" if others else "sends its leaf without a CA"
                yield Hit(client.target, f"{node.target} {why}", client.at_trust)


def _used_nodes(client: Client, facts: Facts, hosts: Hosts) -> list[ObservedNode]:
    """Nodes that the client names, or all where it goes through a name that belongs to none."""
    behind = [hosts.behind(url) for url in filter(client.is_https, client.urls)]
    named = {node.entry.config for nodes in behind for node in nodes}
    nodes = [node for node in facts.nodes if tls_on(node, Layer.HTTP)]
    return [node for node in nodes if node.entry.config in named] if all(behind) else nodes


def _issued_privately(facts: Facts) -> bool:
    """Whether a node's HTTP certificate is of a CA that is at hand, so of no public one."""
    known = {facts.certificate.subject for facts in facts.observed.authorities}
    for node in facts.nodes:
        disk = node.disk.get(Layer.HTTP, OnDisk())
        own = {each.subject for each in (*disk.chain[1:], *trust_of(disk)) if each.is_ca}
        if disk.leaf is not None and (disk.leaf.issuer in known | own or disk.leaf.issuer == disk.leaf.subject):
            return True
    return False


@about_cluster(
    Text(
        "client-certificate-refused",
        Severity.ERROR,
        "a client certificate that a node does not accept",
        "the handshake fails where the node asks for client certificates, also where they are optional: "
        "certificate_unknown",
        "add the CA that issued it to the http certificate_authorities or truststore of every node",
        "seen on Elasticsearch 9.1.0: a foreign certificate is refused, none at all is not",
    )
)
def client_certificate_refused(facts: Facts) -> Iterator[Hit]:
    asking = [
        _with_client_trust(node)
        for node in facts.nodes
        if tls_on(node, Layer.HTTP)
        and client_authentication(node, Layer.HTTP) != "none"
        and verification(node, Layer.HTTP) != "none"
        and not disk_of(node, Layer.HTTP).problem
    ]
    for client in clients(facts):
        leaf = client.trust.leaf
        if leaf is None:
            continue
        refused: dict[str, list[str]] = {}
        for group in trusting(asking, Layer.HTTP):
            reason = refusal(group.anchors, client.trust.chain, ("client",), facts.now)
            peers = [node.target for node in group.peers if not trusts_itself(node, Layer.HTTP, leaf)]
            if reason and peers:
                refused.setdefault(reason, []).extend(peers)
        for reason, names in refused.items():
            yield Hit(client.target, f"{listed(names)} would refuse {leaf.subject}: {reason}", client.at_trust)


def _with_client_trust(node: ObservedNode) -> ObservedNode:
    """The node, its HTTP layer with the CAs of client certificates, which lie in a set of their own."""
    disk = node.disk.get(Layer.HTTP, OnDisk())
    trusted = (*disk.trusted, *trust_context(node).trusted)
    return replace(node, disk={**node.disk, Layer.HTTP: replace(disk, trusted=trusted)})


@about_cluster(
    Text(
        "client-trusts-leaf",
        Severity.WARNING,
        "a client's list of CAs holds a certificate that is no CA",
        "Kibana refuses it unless it is the very certificate that is served, and then fails with the next one",
        "give it the CA that issued the certificates",
        "helm-charts issue 1792: the CA setting held a leaf",
    )
)
def client_trusts_leaf(facts: Facts) -> Iterator[Hit]:
    for client in clients(facts):
        leaves = [each.subject for each in client.trust.trusted if not each.is_ca and each.issuer != each.subject]
        if leaves:
            yield Hit(client.target, f"{listed(leaves)} is no CA", client.at_trust)


RULES = (
    client_speaks_http,
    client_speaks_https,
    client_mixes_schemes,
    client_names_missing,
    client_distrusts_node,
    client_pin_unsent,
    client_certificate_refused,
    client_trusts_leaf,
)
