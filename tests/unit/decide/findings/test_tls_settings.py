"""Combinations, names and values of TLS settings that Elasticsearch refuses."""

from __future__ import annotations

import pytest

from estui.model.finding import Severity
from tests.unit.decide.findings.builders import V7, Case, check, fire, names, node, secure, seen

T, H = "xpack.security.transport.ssl", "xpack.security.http.ssl"
PEM = f"{T}.enabled: true\n{T}.key: k\n{T}.certificate: c\n{T}.certificate_authorities: ca\n"
STORE = f"{T}.enabled: true\n{T}.keystore.path: s.p12\n{T}.truststore.path: s.p12\n"
GOOD = seen(node(PEM))

CASES = [
    Case("tls-enabled-unset", seen(node(f"{T}.keystore.path: a.p12")), GOOD, "/mnt/es-1/elasticsearch.yml:2"),
    Case("tls-no-key-material", seen(node(f"{T}.enabled: true")), GOOD, f"elasticsearch.yml:2: {T}.enabled"),
    Case("tls-key-without-certificate", seen(node(f"{T}.enabled: true\n{T}.key: k")), GOOD),
    Case("tls-certificate-without-key", seen(node(f"{T}.enabled: true\n{T}.certificate: k")), GOOD),
    Case("tls-pem-and-keystore", seen(node(PEM + f"{T}.keystore.path: a.p12")), GOOD, "both certificate"),
    Case("tls-authorities-and-truststore", seen(node(PEM + f"{T}.truststore.path: a.p12")), GOOD),
    Case(
        "tls-password-twice",
        seen(node(STORE + f"{T}.keystore.password: x", keystore=secure(f"{T}.keystore.secure_password"))),
        seen(node(STORE, keystore=secure(f"{T}.keystore.secure_password"))),
    ),
    Case("tls-password-in-yml", seen(node(STORE + f"{T}.keystore.password: hunter2")), seen(node(STORE))),
    Case("tls-setting-unknown", seen(node(PEM + f"{T}.verification_mod: full")), GOOD, "verification_mod"),
    Case("tls-value-invalid", seen(node(PEM + f"{T}.verification_mode: ful")), GOOD, "'ful'"),
    Case(
        "tls-old-protocol",
        seen(node(f"xpack.security.enabled: true\n{PEM}{T}.supported_protocols: [TLSv1.2, TLSv1.1]")),
        seen(node(f"xpack.security.enabled: true\n{PEM}{T}.supported_protocols: [TLSv1.2]")),
        "TLSv1.1",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_a_left_over_secure_password_alone_is_fatal_and_named() -> None:
    (found,) = fire("tls-enabled-unset", seen(node("", keystore=secure(f"{H}.keystore.secure_password"))))
    assert found.severity is Severity.FATAL
    assert "keystore.secure_password (in the keystore)" in found.summary
    switched_off = seen(node(f"{H}.enabled: false", keystore=secure(f"{H}.keystore.secure_password")))
    assert fire("tls-enabled-unset", switched_off) == []


@pytest.mark.parametrize(
    ("rule", "yml", "severity"),
    [
        ("tls-enabled-unset", f"{T}.keystore.path: a.p12", Severity.WARNING),
        ("tls-certificate-without-key", f"{T}.enabled: true\n{T}.certificate: c", Severity.ERROR),
    ],
)
def test_what_is_fatal_in_8_is_milder_in_7(rule: str, yml: str, severity: Severity) -> None:
    (found,) = fire(rule, seen(node(yml, version=V7)))
    assert found.severity is severity


def test_in_7_it_is_the_key_that_clashes_with_a_keystore() -> None:
    yml = f"{T}.enabled: true\n{T}.key: k\n{T}.certificate: c\n{T}.keystore.path: a.p12"
    (found,) = fire("tls-pem-and-keystore", seen(node(yml, version=V7)))
    assert "both key and keystore.path" in found.summary


def test_a_misspelt_setting_names_the_right_one() -> None:
    (found,) = fire("tls-setting-unknown", seen(node(f"{T}.enabled: true\n{T}.certificate_authority: a")))
    assert found.hint == f"did you mean {T}.certificate_authorities?"


def test_no_password_is_ever_shown() -> None:
    yml = STORE + f"{T}.keystore.password: hunter2\n{T}.truststore.password: hunter2"
    found = fire("tls-password-in-yml", seen(node(yml)))
    assert len(found) == 2
    assert "hunter2" not in str(found)


def test_a_value_from_the_environment_is_not_judged() -> None:
    assert fire("tls-value-invalid", seen(node(PEM + f"{T}.verification_mode: ${{MODE}}"))) == []
