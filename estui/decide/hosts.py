"""Hosts, names and addresses of nodes: who is reached under which name, and which SANs a leaf needs."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from estui.decide.once import once
from estui.errors import CertificateError
from estui.model.inventory import Address, Layer
from estui.model.observed import Member, Observed, ObservedNode, OnDisk
from estui.pki.names import normalised_address, split_names

_WILDCARD_HOSTS = {"0.0.0.0", "::", "0", "*"}  # noqa: S104 - compared, not bound
_LOCAL_HOSTS = {"_local_", "_local:ipv4_", "localhost"}
_PUBLISH_KEYS = ("transport.publish_host", "transport.host", "network.publish_host", "network.host")
"""In the order in which Elasticsearch looks (`NetworkService`, elastic-stack-security.md §12.2)."""
LOOPBACK = ("localhost", "127.0.0.1")
HTTP_DEFAULT_PORT = 9200


def is_ip(host: str) -> bool:
    """Whether `host` can stand in an address SAN: no zone, brackets allowed."""
    return normalised_address(host) is not None


def publish_hosts(publish_address: str) -> tuple[str, ...]:
    """Hosts in a publish address as Elasticsearch prints it: `ip:port` or `name/ip:port`."""
    if not publish_address:
        return ()
    name, _, rest = publish_address.rpartition("/")
    host = rest.rpartition(":")[0].strip("[]")
    return tuple(part for part in (name, host) if part)


def member_of(node: ObservedNode, observed: Observed) -> Member | None:
    """The node as the cluster itself lists it, from any node that answered."""
    own = next((member for member in node.api.members if member.name == node.name), None)
    return own or _members(observed).get(node.name)


@once
def _members(observed: Observed) -> dict[str, Member]:
    """Members by name, as the first node that answered lists each."""
    told = [member for witness in observed.nodes for member in witness.api.members]
    return {member.name: member for member in reversed(told)}


def static_transport_host(node: ObservedNode) -> str | None:
    """The transport publish host if the yml or inventory fixes it, else None.

    Without any host setting Elasticsearch binds and publishes loopback, which is as static as it gets.
    """
    if node.entry.transport:
        return node.entry.transport.host
    for key in _PUBLISH_KEYS:
        found = node.settings.get(key)
        if found is None or not found.items:
            continue
        host = found.items[0].strip("[]")
        if len(found.items) > 1 or "$" in host or host in _WILDCARD_HOSTS:
            return None
        if host in _LOCAL_HOSTS:
            return "127.0.0.1"
        return None if host.startswith("_") else host
    return "127.0.0.1"


@once
def unchecked_hosts(observed: Observed) -> tuple[str, ...]:
    """Nodes whose transport address cannot be put into a certificate for certain, with the reason.

    Empty means that `verification_mode: full` is safe. A host name alone is not enough: nodes connect to the
    IP address that it resolves to, so that address must have been seen or stated as well.
    """
    reasons = []
    for node in observed.nodes:
        host = static_transport_host(node)
        member = member_of(node, observed)
        seen = publish_hosts(member.transport) if member else ()
        if host is None:
            reasons.append(f"{node.target}: its publish address is not fixed in elasticsearch.yml or the inventory")
        elif not is_ip(host) and not any(is_ip(each) for each in seen):
            reasons.append(f"{node.target}: the IP address behind {host} was not observed")
    return tuple(reasons)


def _unique(hosts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host for host in hosts if host))


def split(hosts: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Host names and IP addresses apart, as a certificate holds them, each once, in order.

    What can be neither (a node name with spaces, a link-local address with its zone) is left out.
    """
    names: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for host in _unique(hosts):
        try:
            found_names, found_addresses = split_names([host])
        except CertificateError:
            continue
        names.update(dict.fromkeys(found_names))
        addresses.update(dict.fromkeys(found_addresses))
    return tuple(names), tuple(addresses)


def _names_before(node: ObservedNode, layer: Layer, *, managed_only: bool) -> tuple[str, ...]:
    """Names of the certificate in use: a new one is never narrower."""
    disk = node.disk.get(layer, OnDisk())
    return disk.leaf.names if disk.leaf and (disk.managed or not managed_only) else ()


def transport_names(
    node: ObservedNode, observed: Observed, *, fresh: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """SANs of a node's transport leaf: its name, every host its peers connect to, and unless `fresh` the names before,
    which cover what cannot be asked while the cluster is down."""
    member = member_of(node, observed)
    hosts = [
        node.name,
        static_transport_host(node) or "",
        node.transport_address.host if node.transport_address else "",
        *(publish_hosts(member.transport) if member else ()),
        *LOOPBACK,
        *(() if fresh else _names_before(node, Layer.TRANSPORT, managed_only=True)),
    ]
    return split(hosts)


def http_names(
    node: ObservedNode, observed: Observed, *, fresh: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """SANs of a node's HTTP leaf: the union of inventory, publish addresses, hosts that clients use, localhost,
    and unless `fresh` the names of the certificate before."""
    member = member_of(node, observed)
    hosts = [
        node.name,
        node.http_address.host if node.http_address else "",
        *(publish_hosts(member.http) if member else ()),
        *node.entry.names,
        *client_hosts(node, observed),
        *LOOPBACK,
        *(() if fresh else _names_before(node, Layer.HTTP, managed_only=False)),
    ]
    return split(hosts)


def address_of_url(url: str) -> Address | None:
    """Host and port of an Elasticsearch URL or `host:port`; the port defaults to 9200."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        return Address(parts.hostname, parts.port or HTTP_DEFAULT_PORT) if parts.hostname else None
    except ValueError:
        return None


def known_hosts(node: ObservedNode, observed: Observed) -> set[Address]:
    """Every HTTP address under which this node is known, in lower case as URLs are read."""
    member = member_of(node, observed)
    port = node.http_address.port if node.http_address else HTTP_DEFAULT_PORT
    hosts = _unique(
        [
            node.name,
            node.http_address.host if node.http_address else "",
            *(publish_hosts(member.http) if member else ()),
            *node.entry.names,
        ]
    )
    return {Address(host.lower(), port) for host in hosts}


def client_hosts(node: ObservedNode, observed: Observed) -> tuple[str, ...]:
    """Hosts under which Kibana and Beats reach this node: its own, and those that belong to no node
    (load balancers, aliases), which therefore may end at any of them."""
    mine, taken = known_hosts(node, observed), _taken_hosts(observed)
    used = [address_of_url(url) for _, urls in client_settings(observed) for url in urls]
    return _unique(address.host for address in used if address and (address in mine or address not in taken))


@once
def _taken_hosts(observed: Observed) -> frozenset[Address]:
    """Every HTTP address that is known to be some node's."""
    return frozenset(address for node in observed.nodes for address in known_hosts(node, observed))


def client_settings(observed: Observed) -> list[tuple[str, tuple[str, ...]]]:
    """Every list of Elasticsearch hosts that Kibana and Beats are configured with, with its owner."""
    found = []
    for kibana in observed.kibana:
        setting = kibana.settings.get("elasticsearch.hosts")
        found.append((kibana.target, setting.items if setting else ()))
    for beat in observed.beats:
        setting = beat.settings.get("output.elasticsearch.hosts")
        found.append((beat.target, setting.items if setting else ()))
    return found
