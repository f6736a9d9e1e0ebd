"""Beats: their output's settings and user, the modes of their files."""

from __future__ import annotations

import pytest

from estui.formats.yml import parse_settings
from estui.model.observed import Fault, Observed, OnDisk
from tests.unit.decide.findings.builders import (
    SECURED,
    V7,
    V8,
    Case,
    beat,
    check,
    fire,
    named,
    names,
    node,
    seen,
    state,
)

OUT = "output.elasticsearch"
GOOD_YML = f"{OUT}.hosts: [a]\n{OUT}.username: metricbeat_writer\n{OUT}.password: ${{ES_PWD}}\n"
GOOD = seen(node(), beat(GOOD_YML))
PIN = "ab" * 32
DEMANDING = SECURED + "xpack.security.http.ssl.client_authentication: required\n"


def written(line: str) -> Observed:
    return seen(node(), beat(f"{OUT}.{line}"))


def file(name: str, fault: Fault | None = None) -> Observed:
    found = named("certificate_authorities", name, fault=fault, detail=f"{name} does not exist" if fault else "")
    return seen(beat(GOOD_YML, trust=OnDisk(named=(found,))))


CASES = [
    Case("beat-setting-unknown", written("ssl.certificateAuthorities: [a]"), GOOD, "certificateAuthorities"),
    Case(
        "beat-verification-invalid",
        written("ssl.verification_mode: 4"),
        written("ssl.verification_mode: strict"),
        "'4'",
    ),
    Case("beat-verification-none", written("ssl.verification_mode: none"), written("ssl.verification_mode: full")),
    Case(
        "beat-fingerprint-form",
        written("ssl.ca_trusted_fingerprint: AB:CD"),
        written(f"ssl.ca_trusted_fingerprint: {'aF' * 32}"),
    ),
    Case("beat-user", written("username: elastic"), GOOD, "metricbeat.yml:1"),
    Case("beat-user-is-role", written("username: monitoring_user"), GOOD),
    Case("beat-setup-user", written("username: metricbeat_setup"), GOOD),
    Case("beat-password-in-yml", written("password: hunter2"), GOOD),
    Case("beat-client-certificate-missing", seen(node(DEMANDING), beat(GOOD_YML)), GOOD, "es-1 demand one"),
    Case("beat-file-unusable", file("/etc/metricbeat/ca.crt", Fault.MISSING), file("/etc/metricbeat/ca.crt")),
    Case("beat-path-relative", file("ca.crt"), file("/etc/metricbeat/ca.crt"), "ca.crt is relative"),
    Case("beat-yml-writable", seen(beat("", files={"metricbeat.yml": state(b"", 0o660)})), GOOD, "0660"),
    Case(
        "beat-fingerprint-ignored",
        seen(beat(f"{OUT}.ssl.ca_trusted_fingerprint: {PIN}", version=V7)),
        seen(beat(f"{OUT}.ssl.ca_trusted_fingerprint: {PIN}", version=V8)),
        "Beats 7.17.0 do not know it",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_a_misspelt_option_names_the_right_one() -> None:
    (found,) = fire("beat-setting-unknown", seen(beat(f"{OUT}.ssl.certificate_authority: a")))
    assert found.hint == "did you mean certificate_authorities?"


def test_no_password_is_ever_shown() -> None:
    for case in CASES:
        assert "hunter2" not in str(fire(case.rule, seen(beat(f"{OUT}.password: hunter2"))))


def test_modules_are_looked_at_like_the_yml() -> None:
    module = parse_settings(
        b"- module: elasticsearch\n  username: monitoring_user\n  ssl.verification_mode: none\n", "m.yml", "modules"
    )
    observed = seen(beat(modules={"modules.d/e.yml": module}))
    (role,) = fire("beat-user-is-role", observed)
    assert role.where == "/mnt/metricbeat/modules.d/e.yml:2: modules.0.username"
    (none,) = fire("beat-verification-none", observed)
    assert none.where.startswith("/mnt/metricbeat/modules.d/e.yml:3")


def test_tls_options_of_modules_that_ask_the_stack_are_checked_too() -> None:
    text = (
        "- module: elasticsearch\n  ssl.certificateAuthorities: [/ca]\n  ssl.verification_mode: strict\n"
        f"  ssl.ca_trusted_fingerprint: {PIN}\n- module: mysql\n  ssl.whatever: 1\n"
        "- module: kibana\n  enabled: false\n  ssl.nothing: 1\n"
    )
    observed = seen(beat(modules={"modules.d/e.yml": parse_settings(text.encode(), "e.yml", "modules")}))
    (unknown,) = fire("beat-setting-unknown", observed)
    assert unknown.where == "/mnt/metricbeat/modules.d/e.yml:2: modules.0.ssl.certificateAuthorities"
    (ignored,) = fire("beat-fingerprint-ignored", observed)
    assert "strict does not look at it" in ignored.summary
