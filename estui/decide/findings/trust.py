"""Rules about who trusts whom between nodes: verification, client certificates, usages, names, authorities."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.peers import refusal, sent_by, trusting, trusts_itself
from estui.decide.findings.rule import Facts, Hit, Text, about_cluster, about_layer, about_node
from estui.decide.findings.view import (
    at,
    at_files_of,
    client_authentication,
    disk_of,
    listed,
    ssl_settings,
    tls_on,
    verification,
)
from estui.decide.hosts import member_of, publish_hosts, static_transport_host
from estui.decide.mutual import trust_context
from estui.decide.rung import ssl_key
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import ObservedNode
from estui.pki.names import covers, normalised_address

_MODES = "verification_mode: full, certificate, none (ssl settings of Elasticsearch)"
_RECONNECT = "nothing at once: open connections live on, and it fails at the next reconnect"


@about_layer(
    Text(
        "tls-verification-none",
        Severity.ERROR,
        "certificates of peers are not verified",
        "Elasticsearch accepts every certificate: whoever reaches the port can pretend to be a node",
        "set verification_mode to certificate, or to full where every certificate has the names that are used",
        _MODES,
    )
)
def verification_none(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    if tls_on(node, layer) and verification(node, layer) == "none":
        yield Hit(node.target, f"{layer.value} verifies nobody", at(node, ssl_key(layer, "verification_mode")))


@about_node(
    Text(
        "transport-client-authentication",
        Severity.ERROR,
        "the transport layer does not demand certificates",
        "anybody who reaches the transport port can call what is meant for nodes only",
        "remove the setting, or set it to required",
        "client_authentication of transport: required by default",
    )
)
def transport_client_authentication(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    mode = client_authentication(node, Layer.TRANSPORT)
    if tls_on(node, Layer.TRANSPORT) and mode in ("none", "optional"):
        yield Hit(
            node.target,
            f"transport client_authentication is {mode}",
            at(node, ssl_key(Layer.TRANSPORT, "client_authentication")),
        )


@about_layer(
    Text(
        "tls-leaf-usage",
        Severity.ERROR,
        "a certificate that is not for what it is used for",
        "the node starts; its peers or clients refuse it: Extended key usage does not permit use for TLS",
        "get one with serverAuth, and for transport with clientAuth too, or without EKU: estui rotate",
        "ValidatorException; seen on Elasticsearch 9.1.0; public CAs no longer give clientAuth",
    )
)
def leaf_usage(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    leaf = disk_of(node, layer).leaf
    if leaf is None or not tls_on(node, layer) or "anyExtendedKeyUsage" in (leaf.extended_key_usage or ()):
        return
    needed = ("serverAuth", "clientAuth") if layer is Layer.TRANSPORT else ("serverAuth",)
    missing = [usage for usage in needed if not leaf.allows(usage)]
    if layer is Layer.TRANSPORT and client_authentication(node, layer) == "none":
        missing = [usage for usage in missing if usage != "clientAuth"]
    if missing:
        where = at_files_of(node, layer)
        yield Hit(node.target, f"{layer.value}: {leaf.subject} lacks {listed(missing)}", where)


def transport_hosts(node: ObservedNode, facts: Facts) -> tuple[str, ...]:
    """Addresses by which peers connect to this node, as far as they are certain."""
    member = member_of(node, facts.observed)
    stated = static_transport_host(node) or ""
    seen = publish_hosts(member.transport) if member else ()
    # Peers connect to the address, not to the name that it was resolved from.
    return tuple(dict.fromkeys(host for host in (stated, *seen) if host and normalised_address(host)))


@about_cluster(
    Text(
        "transport-names-missing",
        Severity.ERROR,
        "verification_mode full, and a certificate without the address of its node",
        f"{_RECONNECT}: No subject alternative names matching IP address ... found",
        "issue it with that address (estui rotate), or set verification_mode to certificate",
        "seen on Elasticsearch 9.1.0: only the name of the node that is connected to is checked",
    )
)
def transport_names_missing(facts: Facts) -> Iterator[Hit]:
    layer = Layer.TRANSPORT
    strict = [node for node in facts.nodes if tls_on(node, layer) and verification(node, layer) == "full"]
    for node in facts.nodes:
        leaf = disk_of(node, layer).leaf
        if leaf is None or not tls_on(node, layer):
            continue
        missing = [host for host in transport_hosts(node, facts) if not covers(leaf, host)]
        checkers = [other.target for other in strict if other is not node] if missing else []
        if checkers:
            names = ", ".join(leaf.names) or "none"
            summary = f"the transport certificate does not cover {listed(missing)} (names: {names}); {listed(checkers)}"
            where = at_files_of(node, layer)
            yield Hit(node.target, f"{summary} would refuse it", where)


@about_cluster(
    Text(
        "transport-certificate-shared",
        Severity.NOTE,
        "several nodes have the same transport certificate",
        "Elasticsearch does not care with verification_mode certificate: the file works like a key to the cluster, and "
        "one stolen copy means new certificates for all",
        "give each node its own: estui plan basic",
        "elasticsearch-certutil cert without --multiple; enrolment of 8.0 and later",
    )
)
def transport_certificate_shared(facts: Facts) -> Iterator[Hit]:
    by_leaf: dict[str, list[ObservedNode]] = {}
    for node in facts.nodes:
        leaf = disk_of(node, Layer.TRANSPORT).leaf
        if leaf is not None and tls_on(node, Layer.TRANSPORT):
            by_leaf.setdefault(leaf.sha256, []).append(node)
    for sharing in by_leaf.values():
        if len(sharing) > 1:
            first = sharing[0]
            names = listed(node.target for node in sharing)
            where = at_files_of(first, Layer.TRANSPORT)
            yield Hit(first.target, f"the same transport certificate on {names}", where)


@about_node(
    Text(
        "tls-certificate-on-both-layers",
        Severity.WARNING,
        "one certificate for transport and HTTP",
        "Elasticsearch does not care; whoever may issue certificates for clients' eyes can let nodes into the cluster",
        "use another CA for HTTP: estui plan https",
        "external CAs for transport, elastic.co documentation",
    )
)
def certificate_on_both_layers(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    transport, http = disk_of(node, Layer.TRANSPORT), disk_of(node, Layer.HTTP)
    if not (tls_on(node, Layer.TRANSPORT) and tls_on(node, Layer.HTTP) and transport.leaf and http.leaf):
        return
    if transport.leaf.sha256 == http.leaf.sha256:
        where = at_files_of(node, Layer.HTTP)
        yield Hit(node.target, f"{http.leaf.subject} serves transport and HTTP", where)


@about_node(
    Text(
        "transport-trusts-public-authorities",
        Severity.WARNING,
        "transport names no CA that it trusts",
        "Elasticsearch trusts every CA of its JDK beside its own certificate: whoever gets a certificate from a public "
        "CA can join",
        "set certificate_authorities or truststore.path of transport",
        "SslConfigurationLoader: default trust is the JDK's and the keystore's own",
    )
)
def transport_trusts_public_authorities(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, Layer.TRANSPORT)
    stated = {"certificate_authorities", "truststore.path", "trust_restrictions.path"} & set(settings)
    if tls_on(node, Layer.TRANSPORT) and not stated and verification(node, Layer.TRANSPORT) != "none":
        yield Hit(node.target, "transport has no list of trusted CAs", at(node, ssl_key(Layer.TRANSPORT, "enabled")))


_PUBLIC = (
    *("Let's Encrypt", "ISRG", "DigiCert", "Sectigo", "GlobalSign", "GoDaddy", "Entrust", "Google Trust Services"),
    *(
        "Amazon",
        "Buypass",
        "ZeroSSL",
        "IdenTrust",
        "COMODO",
        "USERTrust",
        "GeoTrust",
        "Thawte",
        "QuoVadis",
        "SwissSign",
    ),
)
"""Names under which public CAs issue; enough to warn, not to prove."""


@about_node(
    Text(
        "transport-authority-public",
        Severity.ERROR,
        "transport trusts a public CA",
        "Elasticsearch lets in whoever has a certificate of that CA with clientAuth, and anybody can get one",
        "use a CA that issues to the nodes of this cluster only: estui plan basic",
        "external CAs for transport (elastic.co documentation)",
    )
)
def transport_authority_public(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    disk = disk_of(node, Layer.TRANSPORT)
    public = [each.subject for each in disk.trusted if any(f"O={name}" in each.subject for name in _PUBLIC)]
    if public and tls_on(node, Layer.TRANSPORT):
        where = at_files_of(node, Layer.TRANSPORT, "truststore.path", "certificate_authorities")
        yield Hit(node.target, f"transport trusts {listed(public)}", where)


@about_node(
    Text(
        "transport-authority-issues-http",
        Severity.NOTE,
        "the CA that transport trusts has issued the HTTP certificate",
        "Elasticsearch does not care; whoever gets certificates for HTTP from it may be let in as a node",
        "use a CA of its own for each layer: estui plan https",
        "external CAs for transport (elastic.co documentation)",
    )
)
def transport_authority_issues_http(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    http, transport = disk_of(node, Layer.HTTP), disk_of(node, Layer.TRANSPORT)
    both = tls_on(node, Layer.HTTP) and tls_on(node, Layer.TRANSPORT)
    if both and http.leaf and http.leaf.issuer in {each.subject for each in transport.trusted}:
        shared = {each.sha256 for each in transport.trusted} & {each.sha256 for each in (*http.chain, *http.trusted)}
        if shared:
            where = at_files_of(node, Layer.HTTP)
            yield Hit(node.target, f"{http.leaf.issuer} issues for both layers", where)


@about_node(
    Text(
        "http-names-missing",
        Severity.WARNING,
        "the HTTP certificate lacks an address that the node publishes",
        "clients that check names fail there, elasticsearch-reset-password too: No subject alternative DNS name",
        "issue it with that name: names: of the node in estui.yaml, then estui rotate",
        "trb-security-setup (elastic.co documentation)",
    )
)
def http_names_missing(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    leaf = disk_of(node, Layer.HTTP).leaf
    if leaf is None or not tls_on(node, Layer.HTTP):
        return
    member = member_of(node, facts.observed)
    stated = (node.entry.http.host,) if node.entry.http else ()
    hosts = dict.fromkeys((*stated, *node.entry.names, *(publish_hosts(member.http) if member else ())))
    missing = [host for host in hosts if not covers(leaf, host)]
    if missing:
        where = at_files_of(node, Layer.HTTP)
        names = ", ".join(leaf.names) or "none"
        yield Hit(node.target, f"the HTTP certificate does not cover {listed(missing)} (names: {names})", where)


@about_node(
    Text(
        "remote-clusters",
        Severity.NOTE,
        "remote clusters are connected",
        "they trust the transport CA of this cluster: a new CA that they do not know cuts them off",
        "give the new CA to the remote clusters before certificates are switched; GET _remote/info tells",
        "remote clusters with certificates, deprecated since 9.0 (elastic.co documentation)",
    )
)
def remote_clusters(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    keys = [key for key in node.settings if key.startswith(("cluster.remote.", "xpack.security.remote_cluster_"))]
    if keys:
        yield Hit(node.target, f"{keys[0]} is set", at(node, keys[0]))


@about_node(
    Text(
        "transport-store-trusts-itself",
        Severity.NOTE,
        "one store is keystore and truststore of transport",
        "Elasticsearch trusts the certificate in it by itself, so peers with the same file are let in even after it "
        "has expired",
        "keep trusted CAs in a file of their own: estui plan basic",
        "Java's trust manager trusts the leaf of a PrivateKeyEntry; docs-content pull request 7918",
    )
)
def transport_store_trusts_itself(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, Layer.TRANSPORT)
    stores = [settings[name].text for name in ("keystore.path", "truststore.path") if name in settings]
    if len(stores) == 2 and stores[0] == stores[1]:
        yield Hit(node.target, f"{stores[0]} is both", at(node, ssl_key(Layer.TRANSPORT, "truststore.path")))


@about_cluster(
    Text(
        "transport-peers-refuse",
        Severity.ERROR,
        "nodes that do not accept one another's transport certificate",
        f"{_RECONNECT}; a node that is restarted stays out of the cluster",
        "trust the new CA on every node first, then switch certificates, then drop the old CA: estui ca rollover",
        "seen on Elasticsearch 9.1.0 and 8.19.0: PKIX path building failed",
    )
)
def transport_peers_refuse(facts: Facts) -> Iterator[Hit]:
    """Each certificate on disk against the trust on disk of each other node, in both directions of a connection."""
    layer = Layer.TRANSPORT
    nodes = [node for node in facts.nodes if tls_on(node, layer) and sent_by(node, layer)]
    judges = [node for node in nodes if verification(node, layer) != "none" and not disk_of(node, layer).problem]
    groups = trusting(judges, layer)
    for node in nodes:
        chain = sent_by(node, layer)
        for group in groups:
            reason = refusal(group.anchors, chain, ("server", "client"), facts.now)
            if not reason:
                continue
            peers = [peer for peer in group.peers if peer is not node and not trusts_itself(peer, layer, chain[0])]
            if peers:
                where = at_files_of(node, layer)
                names = listed(peer.target for peer in peers)
                yield Hit(node.target, f"{names} would refuse its transport certificate: {reason}", where)


@about_node(
    Text(
        "http-clients-untrusted",
        Severity.ERROR,
        "HTTP asks for client certificates, but names no CA for them",
        "Elasticsearch accepts only certificates of public CAs and its own: your clients are refused in the handshake",
        "set xpack.security.http.ssl.certificate_authorities to the CA of the clients",
        "SslConfigurationLoader: default trust is the JDK's and the keystore's own",
    )
)
def http_clients_untrusted(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    asks = client_authentication(node, Layer.HTTP) in ("required", "optional")
    stated = {"certificate_authorities", "truststore.path"} & set(ssl_settings(node, Layer.HTTP))
    if tls_on(node, Layer.HTTP) and asks and not stated and not disk_of(node, Layer.HTTP).trusted:
        where = at(node, ssl_key(Layer.HTTP, "client_authentication"))
        yield Hit(node.target, "client certificates are asked for, and no CA of clients is trusted", where)


@about_node(
    Text(
        "http-client-certificates-demanded",
        Severity.WARNING,
        "HTTP demands a client certificate from everybody",
        "browsers, elasticsearch-reset-password and every client without one are refused in the handshake",
        "set client_authentication to optional, unless every client has a certificate",
        "seen on Elasticsearch 9.1.0: Empty client certificate chain",
    )
)
def http_client_certificates_demanded(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    # with a CA of estui's own for clients the demand was made on purpose, with everybody looked after
    meant = trust_context(node).managed
    if tls_on(node, Layer.HTTP) and client_authentication(node, Layer.HTTP) == "required" and not meant:
        where = at(node, ssl_key(Layer.HTTP, "client_authentication"))
        yield Hit(node.target, "client certificates are required", where)


RULES = (
    verification_none,
    transport_client_authentication,
    leaf_usage,
    transport_names_missing,
    transport_certificate_shared,
    certificate_on_both_layers,
    transport_trusts_public_authorities,
    transport_authority_public,
    transport_authority_issues_http,
    http_names_missing,
    remote_clusters,
    transport_store_trusts_itself,
    transport_peers_refuse,
    http_clients_untrusted,
    http_client_certificates_demanded,
)
