"""A cluster as the screen sees it, made by hand: three nodes and Kibana, on any rung, without a file or a port."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from estui.decide.rung import with_rungs
from estui.formats import yml
from estui.model.certificate import CertificateFacts
from estui.model.finding import Finding, Severity
from estui.model.inventory import Address, Commands, Inventory, KibanaEntry, Layer, NodeEntry
from estui.model.observed import (
    ApiFacts,
    AuthorityFacts,
    FileKind,
    FileState,
    Health,
    KeystoreFacts,
    Member,
    Observed,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)
from estui.model.version import Version

NOW = datetime(2026, 11, 25, 14, 37, tzinfo=UTC)
FIXTURES = Path(__file__).parent.parent / "fixtures" / "yml"
NAMES = ("es-1", "es-2", "es-3")
FOLDER = FileState(FileKind.FOLDER, mode=0o2750, uid=1000, gid=1000)


def _file(content: bytes) -> FileState:
    return FileState(FileKind.FILE, content, mode=0o660, uid=1000, gid=1000)


def commands(name: str) -> Commands:
    return Commands(
        stop=("systemctl", "stop", name), start=("systemctl", "start", name), restart=("systemctl", "restart", name)
    )


def node_yml(name: str, number: int) -> bytes:
    """The stock file, and what tells this node from the others."""
    stock = (FIXTURES / "elasticsearch-9.yml").read_text()
    own = [
        "cluster.name: logs-demo",
        f"node.name: {name}",
        "network.host: 127.0.0.1",
        f"http.port: {9200 + number}",
        f"transport.port: {9300 + number}",
        'discovery.seed_hosts: ["127.0.0.1:9301", "127.0.0.1:9302", "127.0.0.1:9303"]',
        "xpack.security.enabled: false",
    ]
    return (stock + "\n" + "\n".join(own) + "\n").encode()


KIBANA_YML = b"""# Kibana is served by a back end server.
server.port: 5601
server.host: "127.0.0.1"
elasticsearch.hosts: ["http://127.0.0.1:9201", "http://127.0.0.1:9202", "http://127.0.0.1:9203"]
"""


def plain_node(name: str, number: int, *, with_commands: bool = True) -> ObservedNode:
    """An unsecured node that answers."""
    content = node_yml(name, number)
    http, transport = Address("127.0.0.1", 9200 + number), Address("127.0.0.1", 9300 + number)
    entry = NodeEntry(f"/etc/{name}", commands=commands(name) if with_commands else Commands())
    return ObservedNode(
        entry=entry,
        name=name,
        name_stated=True,
        files={".": FOLDER, "elasticsearch.yml": _file(content), "elasticsearch.keystore": _file(b"sealed")},
        settings=yml.parse_settings(content, "elasticsearch.yml"),
        keystore=KeystoreFacts(present=True, version=6, opened=True, names=("keystore.seed",), entries_digest="00"),
        disk={layer: OnDisk() for layer in Layer},
        http_address=http,
        transport_address=transport,
        served={
            Layer.HTTP: Served(http, PortState.PLAIN),
            Layer.TRANSPORT: Served(transport, PortState.PLAIN),
        },
        api=ApiFacts(
            reachable=True,
            status=200,
            secured=False,
            name=name,
            cluster_name="logs-demo",
            cluster_uuid="bM9wZl0oQoyJmq8s3uTq2A",
            version=Version(9, 1, 0),
            members=tuple(Member(each, "9.1.0", ("master", "data")) for each in NAMES),
            health=Health("green", 3, 3),
        ),
        version=Version(9, 1, 0),
        version_source="API",
    )


def plain_kibana(*, with_commands: bool = True) -> ObservedKibana:
    address = Address("127.0.0.1", 5601)
    return ObservedKibana(
        entry=KibanaEntry(
            "/etc/kibana",
            on_host="/etc/kibana",
            data="/var/lib/kibana",
            commands=commands("kibana") if with_commands else Commands(),
        ),
        name="kibana",
        files={".": FOLDER, "kibana.yml": _file(KIBANA_YML)},
        settings=yml.parse_settings(KIBANA_YML, "kibana.yml"),
        address=address,
        served=Served(address, PortState.PLAIN),
        status="available",
        version=Version(9, 1, 0),
    )


def unsecured(*, with_commands: bool = True, production: bool = False) -> Observed:
    """The demo's cluster before anything was done."""
    nodes = tuple(plain_node(name, number, with_commands=with_commands) for number, name in enumerate(NAMES, start=1))
    kibana = plain_kibana(with_commands=with_commands)
    inventory = Inventory(
        "logs-demo", tuple(node.entry for node in nodes), kibana=(kibana.entry,), production=production
    )
    return with_rungs(Observed(inventory, nodes, (kibana,)))


def certificate(name: str, days: int, *, issuer: str = "CN=logs-demo HTTP CA") -> CertificateFacts:
    return CertificateFacts(
        subject=f"CN={name}",
        issuer=issuer,
        serial=0x4F9A_0000_0000_0001 + days,
        not_before=NOW - timedelta(days=1),
        not_after=NOW + timedelta(days=days, hours=1),
        sha256=f"{days:064x}",
        key_sha256=f"{days + 1:064x}",
        key_type="ec-p256",
        dns_names=(name, "localhost"),
        addresses=("127.0.0.1",),
    )


def secured(*, soon: str = "") -> Observed:
    """The same cluster on the rung basic + HTTPS; the leaf of `soon` ends in 12 days."""
    observed = unsecured()
    nodes = tuple(_secured_node(node, 12 if node.name == soon else 396) for node in observed.nodes)
    authorities = tuple(
        AuthorityFacts(name, certificate(f"logs-demo {name} CA", 3649), has_key=True, issued=3)
        for name in ("http", "transport")
    )
    return with_rungs(replace(observed, nodes=nodes, authorities=authorities))


def _secured_node(node: ObservedNode, days: int) -> ObservedNode:
    content = node.files["elasticsearch.yml"].content.replace(
        b"xpack.security.enabled: false",
        b"xpack.security.enabled: true\nxpack.security.transport.ssl.enabled: true\nxpack.security.http.ssl.enabled: true",
    )
    leaf = certificate(node.name, days)
    served = {layer: Served(node.http_address, PortState.TLS, tls_version="TLSv1.3", chain=(leaf,)) for layer in Layer}
    return replace(
        node,
        files={**node.files, "elasticsearch.yml": _file(content)},
        settings=yml.parse_settings(content, "elasticsearch.yml"),
        disk={layer: OnDisk(enabled=True, leaf=leaf, managed=True) for layer in Layer},
        served=served,
    )


def many(count: int) -> Observed:
    """A large cluster."""
    names = [f"node-{number:04d}" for number in range(count)]
    nodes = tuple(
        replace(plain_node("es-1", 1), name=name, entry=NodeEntry(f"/etc/{name}"), http_address=Address(name, 9200))
        for name in names
    )
    return with_rungs(Observed(Inventory("large", tuple(node.entry for node in nodes)), nodes))


HOSTILE = "[red]x[/] [@click=app.quit]y[/] \x1b[31m\x07 ‮evil‬ [/etc/x]"
"""Markup, a link that quits, an escape sequence, a bell, a right-to-left override, a closing tag of nothing."""


def hostile() -> Observed:
    """Every name, path, address and message is out to do harm."""
    observed = unsecured()
    finding = Finding("rule", Severity.ERROR, HOSTILE, HOSTILE, hint=HOSTILE, where=HOSTILE)
    node = replace(
        observed.nodes[0],
        name=HOSTILE,
        entry=NodeEntry(HOSTILE),
        http_address=Address(HOSTILE, 9200),
        version_source=HOSTILE,
        problems=(finding,),
        api=replace(observed.nodes[0].api, name=HOSTILE, detail=HOSTILE),
    )
    kibana = replace(observed.kibana[0], name=HOSTILE, status=HOSTILE, problems=(finding,))
    inventory = replace(observed.inventory, cluster=HOSTILE)
    authority = AuthorityFacts(HOSTILE, replace(certificate(HOSTILE, 30), dns_names=(HOSTILE,)), has_key=True)
    return with_rungs(replace(observed, inventory=inventory, nodes=(node,), kibana=(kibana,), authorities=(authority,)))
