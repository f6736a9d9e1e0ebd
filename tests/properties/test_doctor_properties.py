"""Rules never raise, whatever was seen: empty stores, files that nothing names, answers of every shape."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estui.decide.findings.registry import RULES, all_findings
from estui.model.certificate import CertificateFacts
from estui.model.finding import Severity
from estui.model.inventory import Address, Layer
from estui.model.observed import (
    NO_API,
    ApiFacts,
    DiskUse,
    Fault,
    FileKind,
    FileState,
    Health,
    KeystoreFacts,
    NamedFile,
    Observed,
    ObservedBeat,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    SeenFile,
    Served,
)
from estui.model.setting import Setting
from tests.unit.decide.findings.builders import (
    NOW,
    V7,
    V8,
    V9,
    answers,
    beat,
    ca,
    facts,
    kibana,
    node,
    seen,
)

LEAF = facts("es-1")
CERTIFICATES = (
    LEAF,
    facts("es-2", of=1),
    ca(),
    ca(1),
    replace(LEAF, key_type="ed25519", extended_key_usage=()),
    replace(LEAF, not_after=NOW - timedelta(days=1), dns_names=(), addresses=()),
    replace(LEAF, subject="", issuer="", sha256="", key_sha256="", der=b"no certificate"),
)
certificate = st.sampled_from(CERTIFICATES)
word = st.sampled_from(("", "a", "t.crt", "/etc/x", "${X}", "true", "false", "full", "none", "required", "0", "es-1"))
SETTINGS = (
    *("cluster.name", "node.name", "node.roles", "network.host", "discovery.type", "cluster.initial_master_nodes"),
    *("xpack.security.enabled", "xpack.security.authc.realms.pki.p.order", "xpack.security.authc.realms.x.y.z"),
    *("xpack.security.authc.realms.pki", "resource.reload.enabled", "xpack.watcher.encrypt_sensitive_data"),
    *("elasticsearch.hosts", "elasticsearch.username", "elasticsearch.ssl.verificationMode", "server.ssl.enabled"),
    *("output.elasticsearch.hosts", "output.elasticsearch.username", "output.elasticsearch.ssl.key", "zebra", "a..b"),
    *(
        f"xpack.security.{layer}.ssl.{name}"
        for layer in ("transport", "http")
        for name in ("enabled", "key", "certificate", "keystore.path", "truststore.path", "verification_mode", "")
    ),
    *("xpack.security.http.ssl.client_authentication", "xpack.security.http.ssl.supported_protocols"),
)


@st.composite
def written(draw: st.DrawFn) -> dict[str, Setting]:
    values = st.one_of(word, st.none(), st.booleans(), st.integers(), st.tuples(word, word), st.just(()))
    keys = draw(st.lists(st.sampled_from(SETTINGS), unique=True, max_size=12))
    return {key: Setting(key, draw(values), number) for number, key in enumerate(keys, 1)}


@st.composite
def chains(draw: st.DrawFn) -> tuple[CertificateFacts, ...]:
    return tuple(draw(st.lists(certificate, max_size=3)))


@st.composite
def files(draw: st.DrawFn) -> NamedFile:
    setting = st.sampled_from(("certificate", "key", "certificate_authorities", "keystore.path", "truststore.path", ""))
    return NamedFile(
        draw(setting),
        draw(word),
        mode=draw(st.sampled_from((0, 0o600, 0o666))),
        fault=draw(st.one_of(st.none(), st.sampled_from(list(Fault)))),
        detail="is faulty",
        format=draw(st.sampled_from(("", "PEM", "PKCS12", "JKS"))),
        keys=draw(st.integers(0, 2)),
        trusted=draw(st.integers(0, 2)),
        authority_keys=draw(st.sampled_from(((), ("CN=a",)))),
    )


@st.composite
def disks(draw: st.DrawFn) -> OnDisk:
    """A context whose parts need not fit together."""
    chain = draw(chains())
    return OnDisk(
        enabled=draw(st.booleans()),
        leaf=draw(st.one_of(st.none(), certificate)),
        chain=chain,
        trusted=draw(chains()),
        key_sha256=draw(st.sampled_from(("", "00", LEAF.key_sha256))),
        problem=draw(st.sampled_from(("", "cannot be read"))),
        named=tuple(draw(st.lists(files(), max_size=3))),
    )


@st.composite
def ports(draw: st.DrawFn) -> Served:
    address = draw(st.sampled_from((None, Address("127.0.0.1", 9200))))
    return Served(address, draw(st.sampled_from(list(PortState))), draw(word), chain=draw(chains()))


@st.composite
def apis(draw: st.DrawFn) -> ApiFacts:
    return draw(
        st.sampled_from(
            (
                NO_API,
                answers(),
                answers("", "es-2", health=None, cluster_uuid="_na_"),
                answers(health=Health("", 0, 0), without_password=("kibana_system",), disabled=("elastic",)),
                answers(listed=(SeenFile("t.crt", -1),), disks=(DiskUse("", 0, 0), DiskUse("es-1", 10, 1))),
                ApiFacts(reachable=True, status=401, secured=True, licence="basic (expired)", watermark="?"),
            )
        )
    )


@st.composite
def states(draw: st.DrawFn) -> FileState:
    content = st.sampled_from((b"", b"a:b\n", b"\xff\xfe", b"role:a,b\n", b"estui-tmp-1:x\n", b"x: [\n"))
    kind = draw(st.sampled_from(list(FileKind)))
    return FileState(kind, draw(content), mode=draw(st.sampled_from((0, 0o600, 0o777))), link=draw(st.none() | word))


FILES = ("elasticsearch.yml", "elasticsearch.keystore", "users", "users_roles", "service_tokens", "role_mapping.yml")


@st.composite
def keystores(draw: st.DrawFn) -> KeystoreFacts:
    names = st.sampled_from(("keystore.seed", "bootstrap.password", "cluster.name", "a.b", "elasticsearch.password"))
    return KeystoreFacts(
        draw(st.booleans()),
        draw(st.sampled_from((None, 3, 7))),
        draw(st.booleans()),
        draw(st.booleans()),
        tuple(draw(st.lists(names, unique=True, max_size=3))),
        not_text=draw(st.sampled_from(((), ("elasticsearch.password",)))),
    )


@st.composite
def nodes(draw: st.DrawFn) -> ObservedNode:
    layers = draw(st.sampled_from(((), (Layer.HTTP,), tuple(Layer))))
    return replace(
        node("", name=draw(st.sampled_from(("es-1", "es-2")))),
        name=draw(st.sampled_from(("", "es-1", "es-2"))),
        name_stated=draw(st.booleans()),
        files=draw(st.dictionaries(st.sampled_from(FILES), states(), max_size=4)),
        settings=draw(written()),
        keystore=draw(keystores()),
        disk={layer: draw(disks()) for layer in layers},
        served={layer: draw(ports()) for layer in layers},
        api=draw(apis()),
        version=draw(st.sampled_from((None, V7, V8, V9))),
        extra=draw(st.sampled_from(((), (("realm/a/b", OnDisk(named=(NamedFile("", "", fault=Fault.MISSING),))),)))),
    )


@st.composite
def clients(draw: st.DrawFn) -> ObservedKibana | ObservedBeat:
    trust = draw(disks())
    if draw(st.booleans()):
        return replace(beat(""), settings=draw(written()), trust=trust, modules={"modules.d/a.yml": draw(written())})
    return replace(kibana(""), settings=draw(written()), trust=trust, disk=draw(disks()), keystore=draw(keystores()))


@given(st.lists(st.one_of(nodes(), clients()), max_size=4))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_rule_raises_and_everything_found_can_be_told(
    things: list[ObservedNode | ObservedKibana | ObservedBeat],
) -> None:
    observed: Observed = seen(*things)
    for found in all_findings(observed, NOW):
        assert found.rule in RULES
        assert isinstance(found.severity, Severity)
        assert found.summary
        assert found.hint
        assert found.effect
