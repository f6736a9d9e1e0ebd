"""Nodes, Kibana instances and Beats made of a yml in memory, and certificates that really verify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from cryptography import x509

from estui.decide.findings.registry import RULES
from estui.decide.findings.rule import Facts
from estui.decide.rung import with_rungs
from estui.formats.yml import parse_settings
from estui.model.certificate import CertificateFacts
from estui.model.finding import Finding
from estui.model.inventory import BeatEntry, Inventory, KibanaEntry, Layer, NodeEntry
from estui.model.observed import (
    ApiFacts,
    FileKind,
    FileState,
    Health,
    KeystoreFacts,
    Member,
    NamedFile,
    Observed,
    ObservedBeat,
    ObservedKibana,
    ObservedNode,
    OnDisk,
)
from estui.model.version import Version
from estui.observe.addresses import node_address
from estui.pki.authority import create_authority, issue_leaf
from estui.pki.facts import certificate_facts
from tests.unit.pki.samples import NOW as NOW
from tests.unit.pki.samples import authority_request, key, leaf_request

V7, V8, V9 = Version(7, 17, 0), Version(8, 19, 0), Version(9, 1, 0)
SSL = "xpack.security.{}.ssl"
BOTH = ("serverAuth", "clientAuth")
SECURED = """cluster.name: lab
discovery.seed_hosts: [127.0.0.1:9300]
xpack.security.enabled: true
xpack.security.transport.ssl.enabled: true
xpack.security.transport.ssl.key: t.key
xpack.security.transport.ssl.certificate: t.crt
xpack.security.transport.ssl.certificate_authorities: t-ca.crt
xpack.security.http.ssl.enabled: true
xpack.security.http.ssl.key: h.key
xpack.security.http.ssl.certificate: h.crt
xpack.security.http.ssl.certificate_authorities: h-ca.crt
"""


def state(content: bytes = b"", mode: int = 0o660, uid: int = 0, gid: int = 1000) -> FileState:
    return FileState(FileKind.FILE, content, mode=mode, uid=uid, gid=gid)


def secure(*names: str, **values: str) -> KeystoreFacts:
    """An opened keystore with these names; values are told apart by their digests only."""
    digests = tuple((name.replace("__", "."), value) for name, value in values.items())
    return KeystoreFacts(
        present=True, version=7, opened=True, names=(*names, *(name for name, _ in digests)), digests=digests
    )


def node(yml: str = SECURED, name: str = "es-1", version: Version | None = V9, **given: Any) -> ObservedNode:
    """A node of this yml; `users`, `users_roles` and `service_tokens` are contents of those files."""
    content = f"node.name: {name}\n{yml}".encode()
    settings = parse_settings(content, "elasticsearch.yml")
    entry = NodeEntry(f"/mnt/{name}")
    files = {".": FileState(FileKind.FOLDER, mode=0o750), "elasticsearch.yml": state(content)}
    for file in ("users", "users_roles", "service_tokens"):
        if file in given:
            files[file] = state(str(given.pop(file)).encode())
    made = ObservedNode(
        entry=entry,
        name=name,
        name_stated=True,
        files=files,
        settings=settings,
        keystore=secure("keystore.seed"),
        disk={layer: OnDisk() for layer in Layer},
        http_address=node_address(entry, settings, Layer.HTTP),
        transport_address=node_address(entry, settings, Layer.TRANSPORT),
        version=version,
        version_source="API" if version else "",
    )
    return replace(made, **given)


def kibana(yml: str = "", name: str = "kibana", version: Version | None = V9, **given: Any) -> ObservedKibana:
    content = yml.encode()
    made = ObservedKibana(
        KibanaEntry("/mnt/kibana"),
        name,
        {"kibana.yml": state(content)},
        settings=parse_settings(content, "kibana.yml"),
        version=version,
    )
    return replace(made, **given)


def beat(yml: str = "", **given: Any) -> ObservedBeat:
    content = yml.encode()
    made = ObservedBeat(
        BeatEntry("/mnt/metricbeat", kind="metricbeat"),
        "metricbeat",
        {"metricbeat.yml": state(content, 0o600)},
        settings=parse_settings(content, "metricbeat.yml"),
        kind="metricbeat",
    )
    return replace(made, **given)


def seen(*things: ObservedNode | ObservedKibana | ObservedBeat, **given: Any) -> Observed:
    made = Observed(
        Inventory("lab", tuple(thing.entry for thing in things if isinstance(thing, ObservedNode))),
        nodes=tuple(thing for thing in things if isinstance(thing, ObservedNode)),
        kibana=tuple(thing for thing in things if isinstance(thing, ObservedKibana)),
        beats=tuple(thing for thing in things if isinstance(thing, ObservedBeat)),
    )
    return with_rungs(replace(made, **given))


def fire(rule: str, observed: Observed) -> list[Finding]:
    return list(RULES[rule].findings(Facts(observed, NOW)))


@dataclass(frozen=True)
class Case:
    """A rule, an observation in which it fires, and one like it in which it is silent."""

    rule: str
    fires: Observed
    silent: Observed
    words: str = ""
    """Part of what is said."""


def check(case: Case) -> None:
    """It fires once at least, with all its words and a place, and is silent beside it."""
    found = fire(case.rule, case.fires)
    assert found, f"{case.rule} is silent"
    first = found[0]
    assert first.severity is RULES[case.rule].severity
    assert first.target
    assert first.effect
    assert first.hint
    assert case.words in f"{first.summary} {first.where}"
    assert fire(case.rule, case.silent) == []


def names(cases: list[Case]) -> list[str]:
    return [case.rule for case in cases]


# certificates


def facts(
    *names: str,
    addresses: tuple[str, ...] = ("127.0.0.1",),
    usages: tuple[str, ...] = BOTH,
    of: int = 0,
    days: int = 397,
    age: int = 0,
    common_name: str = "es-1",
) -> CertificateFacts:
    """A leaf of CA `of`, `age` days old."""
    request = leaf_request(names or ("es-1",), addresses, usages, common_name=common_name, days=days)
    made = issue_leaf(
        request,
        authority=_authority(of),
        authority_key=key(of),
        key=key(100),
        serial=1000,
        now=NOW - timedelta(days=age),
    )
    return certificate_facts(made)


@cache
def _authority(number: int) -> x509.Certificate:
    """The CA of key(number), 400 days old, so that it can have issued what has expired; all have the same name."""
    return create_authority(
        authority_request(days=3650), key=key(number), serial=number + 1, now=NOW - timedelta(days=400)
    )


def ca(number: int = 0) -> CertificateFacts:
    return certificate_facts(_authority(number))


def disk(
    certificate: CertificateFacts | None = None, trusted: tuple[CertificateFacts, ...] = (), **given: Any
) -> OnDisk:
    """A PEM context that really verifies."""
    certificate = certificate or facts()
    made = OnDisk(
        enabled=True,
        leaf=certificate,
        chain=(certificate,),
        trusted=trusted or (ca(),),
        key_sha256=certificate.key_sha256,
        named=(
            named("certificate", "t.crt", format="PEM"),
            named("key", "t.key", format="PEM", keys=1),
            named("certificate_authorities", "t-ca.crt", format="PEM"),
        ),
    )
    return replace(made, **given)


def named(setting: str, name: str, **given: Any) -> NamedFile:
    made = NamedFile(setting, name, relative=name, mode=0o640, uid=0, gid=1000)
    return replace(made, **given)


def on(layer: Layer, found: OnDisk) -> Mapping[Layer, OnDisk]:
    return {each: found if each is layer else OnDisk() for each in Layer}


def transport(*files: NamedFile, yml: str = SECURED, **given: Any) -> ObservedNode:
    """A node whose transport context names these files."""
    return node(yml, disk=on(Layer.TRANSPORT, OnDisk(enabled=True, named=files)), **given)


def answers(name: str = "es-1", *others: str, **given: Any) -> ApiFacts:
    """What a node says that is in a cluster with the others."""
    made = ApiFacts(
        reachable=True,
        status=200,
        name=name,
        cluster_name="lab",
        cluster_uuid="uuid-1",
        version=V9,
        members=tuple(Member(each, "9.1.0") for each in (name, *others)),
        health=Health("green", 1 + len(others), 1 + len(others)),
    )
    return replace(made, **given)
