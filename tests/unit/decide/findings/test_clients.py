"""Kibana and Beats as clients of the nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.model.inventory import Layer
from estui.model.observed import ObservedBeat, ObservedNode, OnDisk
from tests.unit.decide.findings.builders import (
    SECURED,
    Case,
    beat,
    ca,
    check,
    disk,
    facts,
    fire,
    kibana,
    named,
    names,
    node,
    on,
    seen,
)

PLAIN = "cluster.name: lab\nxpack.security.enabled: false\n"
TRUST = OnDisk(trusted=(ca(),), named=(named("certificate_authorities", "/etc/kibana/ca.crt"),))
STRANGE = OnDisk(trusted=(ca(1),), named=TRUST.named)


def http(yml: str = SECURED, found: OnDisk | None = None) -> ObservedNode:
    return node(yml, disk=on(Layer.HTTP, found or disk(facts("es-1", "localhost"))))


def hosts(*urls: str) -> str:
    return f"elasticsearch.hosts: {list(urls)}\n"


HTTPS, HTTP = hosts("https://127.0.0.1:9200"), hosts("http://127.0.0.1:9200")
GOOD = seen(http(), kibana(HTTPS, trust=TRUST))
ASKING = SECURED + "xpack.security.http.ssl.client_authentication: optional\n"
STRANGER = facts("kibana", of=1)
BEAT = 'output.elasticsearch:\n  hosts: ["127.0.0.1:9200"]\n'


def pinning(digest: str, more: str = "") -> ObservedBeat:
    return beat(f"{BEAT}  protocol: https\n  ssl.ca_trusted_fingerprint: {digest}\n{more}")


CASES = [
    Case("client-speaks-http", seen(http(), kibana(HTTP)), GOOD, "kibana.yml:1: elasticsearch.hosts"),
    Case("client-speaks-https", seen(http(PLAIN), kibana(HTTPS)), GOOD, "speaks plain HTTP"),
    Case(
        "client-mixes-schemes",
        seen(http(), kibana(hosts("https://127.0.0.1:9200", "http://other:9200"))),
        GOOD,
    ),
    Case(
        "client-names-missing",
        seen(http(found=disk(facts("es-1", addresses=()))), kibana(HTTPS, trust=TRUST)),
        GOOD,
        "has no name 127.0.0.1",
    ),
    Case("client-distrusts-node", seen(http(), kibana(HTTPS, trust=STRANGE)), GOOD, "would refuse es-1"),
    Case(
        "client-pin-unsent",
        seen(http(found=disk(facts("localhost"))), pinning(ca().sha256)),
        seen(http(found=disk(facts("localhost"), chain=(facts("localhost"), ca()))), pinning(ca().sha256.upper())),
        "es-1 sends its leaf without a CA",
    ),
    Case(
        "client-certificate-refused",
        seen(http(ASKING), kibana(HTTPS, trust=replace(TRUST, leaf=STRANGER, chain=(STRANGER,)))),
        seen(http(ASKING), kibana(HTTPS, trust=replace(TRUST, leaf=facts("kibana"), chain=(facts("kibana"),)))),
        "es-1 would refuse CN=es-1",
    ),
    Case(
        "client-trusts-leaf",
        seen(http(), kibana(HTTPS, trust=OnDisk(trusted=(facts(),)))),
        GOOD,
        "CN=es-1 is no CA",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_a_beat_speaks_http_unless_it_is_told_otherwise() -> None:
    assert [found.target for found in fire("client-speaks-http", seen(http(), beat(BEAT)))] == ["beat/metricbeat"]
    secure = beat(BEAT + "  protocol: https\n", trust=TRUST)
    assert fire("client-speaks-http", seen(http(), secure)) == []


def test_kibana_without_any_ca_distrusts_a_private_one() -> None:
    (found,) = fire("client-distrusts-node", seen(http(), kibana(HTTPS)))
    assert "certificateAuthorities" in found.where


def test_a_ca_that_nobody_here_knows_may_be_a_public_one() -> None:
    public = disk(facts("es-1", "localhost", of=5), named=())
    unknown = OnDisk(enabled=True, leaf=public.leaf, chain=public.chain)
    assert fire("client-distrusts-node", seen(http(found=unknown), kibana(HTTPS))) == []


def test_a_load_balancer_may_end_at_any_node() -> None:
    balanced = kibana(hosts("https://logs.example.net:9200"), trust=STRANGE)
    assert len(fire("client-distrusts-node", seen(http(), balanced))) == 1
    assert fire("client-names-missing", seen(http(), balanced)) == []


def test_who_verifies_nothing_distrusts_nobody() -> None:
    lax = kibana(HTTPS + "elasticsearch.ssl.verificationMode: none", trust=STRANGE)
    assert fire("client-distrusts-node", seen(http(), lax)) == []
    assert fire("client-names-missing", seen(http(found=disk(facts("es-1", addresses=()))), lax)) == []


def test_a_trust_file_that_could_not_be_read_proves_nothing() -> None:
    unread = OnDisk(problem="/etc/kibana/ca.crt lies outside")
    assert fire("client-distrusts-node", seen(http(), kibana(HTTPS, trust=unread))) == []


def test_a_password_in_a_url_is_never_shown() -> None:
    for urls in (["http://u:hunter2@127.0.0.1:9200"], ["https://u:hunter2@127.0.0.1:9200", "http://u:hunter2@a:9200"]):
        for case in CASES:
            assert "hunter2" not in str(fire(case.rule, seen(http(), kibana(hosts(*urls)))))
            assert "hunter2" not in str(fire(case.rule, seen(http(PLAIN), kibana(hosts(*urls)))))


def test_a_pinned_ca_that_is_sent_along_is_trust_enough() -> None:
    node = http(found=disk(facts("localhost"), chain=(facts("localhost"), ca())))
    assert fire("client-distrusts-node", seen(node, pinning(ca().sha256))) == []
    strict = pinning(ca().sha256, "  ssl.verification_mode: strict\n")
    assert fire("client-pin-unsent", seen(node, strict)) == []
    (other,) = fire("client-pin-unsent", seen(node, pinning(ca(1).sha256)))
    assert "CAs with other fingerprints" in other.summary
