"""A cluster as the screen sees it, made by hand: three nodes and Kibana, on any rung, without a file or a port."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from estui.decide.diff import edited_yml
from estui.decide.plan import build_plan
from estui.decide.rung import with_rungs
from estui.formats import yml
from estui.model.certificate import CertificateFacts
from estui.model.finding import Finding, Severity
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Address, Commands, Inventory, KibanaEntry, Layer, NodeEntry
from estui.model.observed import (
    ApiFacts,
    AuthorityFacts,
    FileKind,
    FileState,
    Health,
    KeystoreFacts,
    Member,
    NamedFile,
    Observed,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)
from estui.model.plan import Plan, PublishSet
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
    digest = sha256(f"{name} {days} {issuer}".encode()).hexdigest()
    return CertificateFacts(
        subject=f"CN={name}",
        issuer=issuer,
        serial=0x4F9A_0000_0000_0000 + int(digest[:8], 16),
        not_before=NOW - timedelta(days=1),
        not_after=NOW + timedelta(days=days, hours=1),
        sha256=digest,
        key_sha256=digest[::-1],
        key_type="ec-p256",
        dns_names=(name, "localhost"),
        addresses=("127.0.0.1",),
        der=_der(f"CN={name}", issuer),
    )


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _der(subject: str, issuer: str) -> bytes:
    """A certificate that this issuer really signed: only names and signature count, the facts stand beside it."""
    names = [
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each.removeprefix("CN="))]) for each in (subject, issuer)
    ]
    made = x509.CertificateBuilder(names[1], names[0], _key(subject).public_key(), 1, NOW, NOW + timedelta(days=1))
    return made.sign(_key(issuer), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def secured(*, soon: str = "", https: bool = True) -> Observed:
    """The same cluster as the plan for basic + HTTPS, or for basic, leaves it; leaves of `soon` end in 12 days."""
    before = unsecured()
    goal = Goal(Scenario.HTTPS if https else Scenario.BASIC)
    plan = build_plan(before, goal, workspace="workspace", now=NOW)
    nodes = tuple(_secured_node(node, plan, 12 if node.name == soon else 396) for node in before.nodes)
    kibana = tuple(_secured_kibana(each, plan) for each in before.kibana)
    names = ("http", "transport") if https else ("transport",)
    authorities = tuple(AuthorityFacts(name, authority(name), has_key=True, issued=3) for name in names)
    return with_rungs(replace(before, nodes=nodes, kibana=kibana, authorities=authorities))


def authority(name: str) -> CertificateFacts:
    subject = f"logs-demo {name} CA"
    return replace(certificate(subject, 3649, issuer=f"CN={subject}"), is_ca=True)


def _edited(thing: ObservedNode | ObservedKibana, plan: Plan, path: str) -> bytes:
    return edited_yml(thing.files[path].content, plan.changes, thing.target, path)


def _on_disk(plan: Plan, target: str, set_name: str, days: int) -> OnDisk:
    """What a published set looks like."""
    for change in plan.changes:
        if isinstance(change, PublishSet) and (change.target, change.set_name) == (target, set_name):
            trusted = tuple(authority(name) for name in change.trust)
            folder = f"estui/{set_name}/current"
            bundle = NamedFile("certificate_authorities", f"{folder}/ca.crt", f"{folder}/ca.crt", mode=0o640)
            if change.request is None:
                return OnDisk(trusted=trusted, managed=True, named=(bundle,))
            request = change.request
            issuer = authority(request.authority)
            leaf = replace(
                certificate(request.common_name, days, issuer=issuer.subject),
                dns_names=request.dns_names,
                addresses=request.addresses,
                extended_key_usage=request.usages,
            )
            crt = NamedFile("certificate", f"{folder}/node.crt", f"{folder}/node.crt", mode=0o640)
            named = (crt, NamedFile("key", f"{folder}/node.key", f"{folder}/node.key", mode=0o640), bundle)
            chain = (leaf, issuer)
            return OnDisk(enabled=True, leaf=leaf, chain=chain, trusted=trusted, managed=True, named=named)
    return OnDisk()


def _served(address: Address | None, disk: OnDisk) -> Served:
    if disk.leaf is None:
        return Served(address, PortState.PLAIN)
    return Served(address, PortState.TLS, tls_version="TLSv1.3", chain=disk.chain)


def _secured_node(node: ObservedNode, plan: Plan, days: int) -> ObservedNode:
    content = _edited(node, plan, "elasticsearch.yml")
    disk = {layer: _on_disk(plan, node.target, layer.value, days) for layer in Layer}
    addresses = {Layer.HTTP: node.http_address, Layer.TRANSPORT: node.transport_address}
    return replace(
        node,
        files={**node.files, "elasticsearch.yml": _file(content)},
        settings=yml.parse_settings(content, "elasticsearch.yml"),
        disk=disk,
        served={layer: _served(addresses[layer], disk[layer]) for layer in Layer},
        api=replace(node.api, secured=True, authenticated_as="elastic"),
    )


def _secured_kibana(kibana: ObservedKibana, plan: Plan) -> ObservedKibana:
    content = _edited(kibana, plan, "kibana.yml")
    disk = _on_disk(plan, kibana.target, "server", 396)
    return replace(
        kibana,
        files={**kibana.files, "kibana.yml": _file(content), "kibana.keystore": _file(b"sealed")},
        settings=yml.parse_settings(content, "kibana.yml"),
        keystore=KeystoreFacts(present=True, version=1, opened=True, names=("elasticsearch.password",)),
        disk=disk,
        trust=_on_disk(plan, kibana.target, "elasticsearch", 396),
        served=_served(kibana.address, disk),
    )


def trusting_both() -> Observed:
    """The secured cluster after the first phase of a rollover of the HTTP CA: everyone trusts `http` and `http-2`."""
    before = secured()
    new = authority("http-2")

    def both(disk: OnDisk) -> OnDisk:
        http = authority("http") in disk.trusted
        return replace(disk, trusted=(*disk.trusted, new)) if http else disk

    nodes = tuple(replace(node, disk={layer: both(disk) for layer, disk in node.disk.items()}) for node in before.nodes)
    kibana = tuple(replace(each, trust=both(each.trust)) for each in before.kibana)
    known = (*before.authorities, AuthorityFacts("http-2", new, has_key=True))
    return replace(before, nodes=nodes, kibana=kibana, authorities=known)


def many(count: int) -> Observed:
    """A large cluster."""
    names = [f"node-{number:04d}" for number in range(count)]
    one = plain_node("es-1", 1)
    nodes = tuple(
        replace(one, name=name, entry=NodeEntry(f"/etc/{name}"), http_address=Address(name, 9200)) for name in names
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
