"""Kibana: who it is to Elasticsearch, and its own port."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estui.model.finding import Severity
from estui.model.observed import Fault, KeystoreFacts, Observed, OnDisk
from tests.unit.decide.findings.builders import (
    SECURED,
    V7,
    Case,
    check,
    disk,
    fire,
    kibana,
    named,
    names,
    node,
    seen,
)

SESSIONS = "xpack.security.encryptionKey"
USER = "elasticsearch.username: kibana_system\n"
STORED = KeystoreFacts(present=True, opened=True, names=("elasticsearch.password", "xpack.security.encryptionKey"))
GOOD_KIBANA = kibana(USER, keystore=STORED)
GOOD = seen(node(), GOOD_KIBANA)
PKI = SECURED + "xpack.security.authc.realms.pki.p.order: 1\n"
DEMANDING = SECURED + "xpack.security.http.ssl.client_authentication: required\n"
CLIENT = "elasticsearch.ssl.certificate: /etc/kibana/c.crt\nelasticsearch.ssl.key: /etc/kibana/c.key\n"
SERVER = "server.ssl.enabled: true\nserver.ssl.certificate: /k.crt\nserver.ssl.key: /k.key\n"


def server_file(**given: Any) -> Observed:
    return seen(kibana(SERVER, disk=OnDisk(enabled=True, named=(named("key", "/etc/kibana/k.key", **given),))))


CASES = [
    Case("kibana-user-elastic", seen(kibana("elasticsearch.username: elastic")), GOOD, "kibana.yml:1"),
    Case("kibana-user-kibana", seen(kibana("elasticsearch.username: kibana")), GOOD),
    Case("kibana-token-and-user", seen(kibana(USER + "elasticsearch.serviceAccountToken: x")), GOOD),
    Case(
        "kibana-password-is-number",
        seen(kibana(USER, keystore=replace(STORED, not_text=("elasticsearch.password",)))),
        seen(kibana(USER, keystore=replace(STORED, not_text=("server.port",)))),
        "kibana.keystore",
    ),
    Case("kibana-password-in-yml", seen(kibana(USER + "elasticsearch.password: hunter2")), GOOD),
    Case("kibana-without-credentials", seen(node(), kibana("")), GOOD, "elasticsearch.username is not set"),
    Case("kibana-certificate-and-user", seen(node(PKI), kibana(USER + CLIENT)), seen(node(PKI), kibana(CLIENT))),
    Case(
        "kibana-client-certificate-missing", seen(node(DEMANDING), kibana(USER)), seen(node(DEMANDING), kibana(CLIENT))
    ),
    Case("kibana-half-client-certificate", seen(kibana(CLIENT.splitlines()[0])), seen(kibana(CLIENT))),
    Case("kibana-pem-and-keystore", seen(kibana(SERVER + "server.ssl.keystore.path: /k.p12")), seen(kibana(SERVER))),
    Case("kibana-tls-without-certificate", seen(kibana("server.ssl.enabled: true")), seen(kibana(SERVER))),
    Case(
        "kibana-client-authentication-without-tls",
        seen(kibana("server.ssl.clientAuthentication: required")),
        seen(kibana(SERVER + "server.ssl.clientAuthentication: required")),
    ),
    Case("kibana-value-invalid", seen(kibana("elasticsearch.ssl.verificationMode: ful")), GOOD, "'ful'"),
    Case("kibana-setting-removed", seen(kibana("xpack.security.enabled: true")), GOOD),
    Case("kibana-verification-none", seen(kibana("elasticsearch.ssl.verificationMode: none")), GOOD),
    Case(
        "kibana-file-unusable",
        server_file(fault=Fault.MISSING, detail="/etc/kibana/k.key does not exist"),
        server_file(),
        "server.ssl.key",
    ),
    Case("kibana-file-unseen", server_file(fault=Fault.OUTSIDE, detail="lies outside"), server_file()),
    Case("kibana-key-readable", server_file(mode=0o644), server_file(mode=0o640), "0644"),
    Case(
        "kibana-key-of-another-certificate",
        seen(kibana(SERVER, disk=disk(key_sha256="00"))),
        seen(kibana(SERVER, disk=disk())),
    ),
    Case("kibana-encryption-key-short", seen(kibana("xpack.security.encryptionKey: short")), GOOD, "5 characters"),
    Case("kibana-encryption-key-unset", seen(node(), kibana(USER)), GOOD),
    Case(
        "kibana-encryption-keys-differ",
        seen(kibana(USER, shared=((SESSIONS, "a"),)), kibana(USER, "kibana-2", shared=((SESSIONS, "b"),))),
        seen(kibana(USER, shared=((SESSIONS, "a"),)), kibana(USER, "kibana-2", shared=((SESSIONS, "a"),))),
        "kibana-2",
    ),
    Case("kibana-public-url", seen(kibana(SERVER + "server.publicBaseUrl: http://k")), seen(kibana(SERVER))),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_7_only_warns_of_elastic_and_knows_the_old_setting() -> None:
    (found,) = fire("kibana-user-elastic", seen(kibana("elasticsearch.username: elastic", version=V7)))
    assert found.severity is Severity.WARNING
    assert fire("kibana-setting-removed", seen(kibana("xpack.security.enabled: true", version=V7))) == []


def test_no_secret_is_ever_shown() -> None:
    secret = "x" * 8
    yml = f"elasticsearch.password: {secret}\nxpack.security.encryptionKey: {secret}\n"
    for case in CASES:
        assert secret not in str(fire(case.rule, seen(node(), kibana(yml))))


def test_a_service_token_is_a_credential_and_an_unsecured_cluster_needs_none() -> None:
    token = kibana("", keystore=KeystoreFacts(True, opened=True, names=("elasticsearch.serviceAccountToken",)))
    assert fire("kibana-without-credentials", seen(node(), token)) == []
    assert fire("kibana-without-credentials", seen(node("xpack.security.enabled: false"), kibana(""))) == []


def test_a_keystore_that_cannot_be_read_may_hold_the_password() -> None:
    unread = kibana("", keystore=KeystoreFacts(present=True, error="is protected"))
    assert fire("kibana-without-credentials", seen(node(), unread)) == []
    assert fire("kibana-encryption-key-unset", seen(node(), unread)) == []


def test_several_instances_without_a_session_key_are_more_than_a_note() -> None:
    two = seen(node(), kibana(USER), kibana(USER, "kibana-2"))
    assert {found.severity for found in fire("kibana-encryption-key-unset", two)} == {Severity.WARNING}


def test_a_key_that_only_some_instances_have_is_told_where_it_lacks() -> None:
    some = seen(kibana(USER, shared=((SESSIONS, "a"),)), kibana(USER, "kibana-2"))
    (found,) = fire("kibana-encryption-keys-differ", some)
    assert (found.target, found.severity) == ("kibana/kibana-2", Severity.WARNING)


def test_the_ca_of_an_enrolment_is_looked_for_in_the_data_folder() -> None:
    lost = named("certificate_authorities", "/usr/share/kibana/data/ca_1700000000000.crt", fault=Fault.OUTSIDE)
    (found,) = fire("kibana-file-unseen", seen(kibana(USER, trust=OnDisk(enabled=True, named=(lost,)))))
    assert "`data:`" in found.hint
