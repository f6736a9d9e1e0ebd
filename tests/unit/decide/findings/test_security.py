"""Whether security is on, its bootstrap checks, realms and services."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import ABSENT, DataFolder, KeystoreFacts, Observed, ObservedNode
from tests.unit.decide.findings.builders import (
    SECURED,
    V7,
    V8,
    V9,
    Case,
    check,
    fire,
    named,
    names,
    node,
    secure,
    seen,
    state,
    transport,
)

T, H = "xpack.security.transport.ssl", "xpack.security.http.ssl"
ON, OFF = "xpack.security.enabled: true\n", "xpack.security.enabled: false\n"
OUT = "network.host: 10.0.0.1\ndiscovery.seed_hosts: []\n"
REALM = "xpack.security.authc.realms"
GOOD = seen(node(SECURED), node(SECURED, "es-2"))
FIPS = "xpack.security.fips_mode.enabled: true\n"
HASHING = "xpack.security.authc.password_hashing.algorithm"
WATCHER = "xpack.watcher.encrypt_sensitive_data: true"
PKI = f"{SECURED}{REALM}.pki.p1.order: 1\n"
NO_MUTUAL = PKI + f"{T}.client_authentication: none\n"
BLOCK = """cluster.name: lab
#----------------------- BEGIN SECURITY AUTO CONFIGURATION -----------------------
xpack.security.enabled: true
xpack.security.http.ssl:
  enabled: true
  keystore.path: certs/http.p12
%s
#----------------------- END SECURITY AUTO CONFIGURATION -------------------------
"""


def block(line: str) -> Observed:
    content = (f"node.name: es-1\n{BLOCK % line}").encode()
    return seen(node(BLOCK % line, files={"elasticsearch.yml": state(content)}))


MAPPED = SECURED + f"{REALM}.ldap.l.order: 1\n{REALM}.ldap.l.files.role_mapping: role_mapping.yml\n"

CASES = [
    Case("security-off", seen(node(OFF + OUT)), GOOD, "elasticsearch.yml:2"),
    Case("security-not-stated", seen(node("")), GOOD),
    Case("transport-tls-missing", seen(node(ON + OUT)), GOOD, "reachable from elsewhere"),
    Case("http-tls-missing", seen(node(ON + OUT)), seen(node(SECURED + OUT.replace("discovery", "#"))), H),
    Case("security-differs", seen(node(ON), node(OFF, "es-2")), GOOD, "false on es-2; true on es-1"),
    Case("transport-tls-differs", seen(node(SECURED), node(ON, "es-2")), GOOD, T),
    Case("http-tls-differs", seen(node(SECURED), node(ON, "es-2")), GOOD, H),
    Case("boolean-invalid", seen(node("xpack.security.enabled: yes please")), GOOD, "'yes please'"),
    Case(
        "token-service-without-https",
        seen(node(ON + OUT + "xpack.security.authc.token.enabled: true")),
        seen(node(SECURED + "xpack.security.authc.token.enabled: true")),
    ),
    Case(
        "fips-store",
        seen(transport(named("keystore.path", "a.p12"), yml=FIPS)),
        seen(transport(named("key", "k"), yml=FIPS)),
    ),
    Case("fips-hashing", seen(node(f"{FIPS}{HASHING}: bcrypt")), seen(node(f"{FIPS}{HASHING}: pbkdf2_stretch"))),
    Case(
        "watcher-key-missing", seen(node(WATCHER)), seen(node(WATCHER, keystore=secure("xpack.watcher.encryption_key")))
    ),
    Case("reload-off", seen(node("resource.reload.enabled: false")), GOOD),
    Case("ip-filter", seen(node("xpack.security.http.filter.allow: 10.0.0.0/8")), GOOD, "http is filtered"),
    Case("auto-block-edited", block("action.auto_create_index: false"), block("http.host: 0.0.0.0"), "action"),
    Case("pki-without-client-certificates", seen(node(NO_MUTUAL)), seen(node(PKI)), "PKI realm p1"),
    Case("realm-format", seen(node(f"{REALM}.native1.type: native")), seen(node(f"{REALM}.native.native1.order: 0"))),
    Case("realm-order", seen(node(f"{REALM}.native.n.cache.ttl: 1m")), seen(node(f"{REALM}.native.n.order: 1"))),
    Case(
        "realms-without-file-or-native",
        seen(node(f"{REALM}.file.f.order: 0", version=V7)),
        seen(node(f"{REALM}.file.f.order: 0\n{REALM}.native.n.order: 1", version=V7)),
        "no native",
    ),
    Case("file-realm-off", seen(node(f"{REALM}.file.f.enabled: false")), seen(node(f"{REALM}.file.f.order: 0"))),
    Case("reserved-realm-off", seen(node("xpack.security.authc.reserved_realm.enabled: false")), GOOD),
    Case(
        "role-mapping-missing",
        seen(node(MAPPED, files={"role_mapping.yml": ABSENT})),
        seen(node(MAPPED, files={"role_mapping.yml": state(b"superuser: []")})),
    ),
    Case(
        "role-mapping-invalid",
        seen(node("", files={"role_mapping.yml": state(b"# none\nmonitoring: admins\n")})),
        seen(node("", files={"role_mapping.yml": state(b'monitoring: ["cn=admins,dc=example"]\n')})),
        "role_mapping.yml:2",
    ),
    Case("anonymous-access", seen(node("xpack.security.authc.anonymous.roles: [viewer]")), GOOD, "viewer"),
    Case("default-password-setting", seen(node("xpack.security.authc.accept_default_password: false")), GOOD),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_security_that_is_off_on_loopback_is_only_a_note() -> None:
    assert [found.severity for found in fire("security-off", seen(node(OFF)))] == [Severity.NOTE]


def test_a_yml_of_comments_is_unsecured_in_7_and_secured_from_8() -> None:
    assert len(fire("security-off", seen(node("", version=V7)))) == 1
    assert fire("security-off", seen(node("", version=V8))) == []
    assert fire("security-not-stated", seen(node("", version=V7))) == []


@pytest.mark.parametrize(
    ("yml", "others", "severity"),
    [
        (ON + OUT, (), Severity.FATAL),
        (ON, (node(ON, "es-2"),), Severity.WARNING),
        (ON, (), Severity.NOTE),
        (ON + OUT + "discovery.type: single-node", (), Severity.NOTE),
    ],
)
def test_missing_transport_tls_stops_a_node_in_production_mode_only(
    yml: str, others: tuple[ObservedNode, ...], severity: Severity
) -> None:
    found = fire("transport-tls-missing", seen(node(yml), *others))
    assert found[0].severity is severity


def test_in_7_the_check_asks_for_security_that_is_switched_on_in_the_yml() -> None:
    assert fire("transport-tls-missing", seen(node(OUT, version=V7))) == []
    (found,) = fire("transport-tls-missing", seen(node(ON + OUT, version=V7)))
    assert found.severity is Severity.FATAL


def test_the_token_service_without_https_only_warns_in_development_mode() -> None:
    (found,) = fire("token-service-without-https", seen(node(ON + "xpack.security.authc.token.enabled: true")))
    assert found.severity is Severity.WARNING


def test_two_realms_with_one_order_are_told_and_mild_in_7() -> None:
    yml = f"{REALM}.native.n.order: 1\n{REALM}.file.f.order: 1"
    (found,) = fire("realm-order", seen(node(yml)))
    assert (found.summary, found.severity) == ("2 realms have order 1", Severity.FATAL)
    assert [each.severity for each in fire("realm-order", seen(node(yml, version=V7)))] == [Severity.WARNING]


def test_from_8_file_and_native_need_not_be_listed() -> None:
    assert fire("realms-without-file-or-native", seen(node(f"{REALM}.ldap.l.order: 0", version=V8))) == []


def test_the_untouched_yml_of_the_container_image_says_nothing_bad() -> None:
    stock = 'cluster.name: "docker-cluster"\nnetwork.host: 0.0.0.0\n'
    observed = seen(node(stock, version=V8))
    without_name = {key: value for key, value in observed.nodes[0].settings.items() if key != "node.name"}
    observed = seen(node(stock, version=V8, settings=without_name))
    for rule in ("transport-tls-missing", "http-tls-missing", "security-off", "discovery-unset"):
        assert all(found.severity is Severity.NOTE for found in fire(rule, observed)), rule


def test_a_switch_from_the_environment_is_not_judged() -> None:
    assert fire("boolean-invalid", seen(node("xpack.security.enabled: ${SECURE}"))) == []


def test_the_layer_of_a_filter_is_told() -> None:
    observed = seen(node("xpack.security.transport.filter.deny: 10.0.0.0/8"))
    assert [found.summary for found in fire("ip-filter", observed)] == [f"{Layer.TRANSPORT.value} is filtered"]


def test_a_node_last_started_by_7_refuses_8_until_security_is_stated() -> None:
    old = KeystoreFacts(present=True, version=4, opened=True)
    upgraded = node("cluster.name: lab", version=V8, version_source="inventory", keystore=old)
    (found,) = fire("security-not-stated", seen(upgraded))
    assert found.severity is Severity.FATAL
    for other in (
        node("cluster.name: lab", version=V8, version_source="inventory"),
        node("cluster.name: lab", version=V9, keystore=old),
        replace(upgraded, version_source="keystore format 4"),
    ):
        assert [each.severity for each in fire("security-not-stated", seen(other))] == [Severity.NOTE]


def test_data_of_7_tells_more_than_the_keystore() -> None:
    """Where the data folder can be seen it decides, both ways."""
    old = KeystoreFacts(present=True, version=4, opened=True)
    moved = node("cluster.name: lab", version=V8, version_source="inventory", keystore=old)
    left = DataFolder("data", seen=True, has_state=True, before_8=True)
    (found,) = fire("security-not-stated", seen(replace(moved, keystore=KeystoreFacts(present=False), data=left)))
    assert found.severity is Severity.FATAL
    assert "the data in data was last written by 7.x" in found.summary
    for data in (DataFolder("data", seen=True, has_state=True), DataFolder("data", seen=True)):
        assert fire("security-not-stated", seen(replace(moved, data=data)))[0].severity is Severity.NOTE
    hidden = replace(moved, data=DataFolder("/var/lib/elasticsearch"))
    assert fire("security-not-stated", seen(hidden))[0].severity is Severity.FATAL
