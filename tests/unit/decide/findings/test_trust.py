"""Who trusts whom between nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estui.model.inventory import Address, Layer, NodeEntry
from estui.model.observed import ObservedNode, OnDisk
from tests.unit.decide.findings.builders import (
    SECURED,
    Case,
    ca,
    check,
    disk,
    facts,
    fire,
    named,
    names,
    node,
    on,
    seen,
)

T, H = "xpack.security.transport.ssl", "xpack.security.http.ssl"
STORE = f"xpack.security.enabled: true\n{T}.enabled: true\n{T}.keystore.path: s.p12\n"


def peer(name: str, found: OnDisk, yml: str = SECURED, **given: Any) -> ObservedNode:
    return node(yml, name=name, disk=on(Layer.TRANSPORT, found), **given)


def http(found: OnDisk, yml: str = SECURED) -> ObservedNode:
    return node(yml, disk=on(Layer.HTTP, found))


ONE, TWO = disk(facts("es-1")), disk(facts("es-2", common_name="es-2"))
GOOD = seen(peer("es-1", ONE), peer("es-2", TWO))
STRANGER = disk(facts("es-3", of=1, common_name="es-3"), trusted=(ca(0), ca(1)))
STRANGE_HTTP = disk(facts("es-1", of=1), trusted=(ca(1),))
ELSEWHERE = SECURED + "network.host: 10.1.1.1\n"

CASES = [
    Case("tls-verification-none", seen(node(SECURED + f"{T}.verification_mode: none")), GOOD),
    Case("transport-client-authentication", seen(node(SECURED + f"{T}.client_authentication: optional")), GOOD),
    Case(
        "tls-leaf-usage",
        seen(peer("es-1", disk(facts(usages=("serverAuth",))))),
        seen(peer("es-1", disk(facts(usages=("serverAuth", "clientAuth"))))),
        "lacks clientAuth",
    ),
    Case(
        "transport-names-missing",
        seen(peer("es-1", ONE, ELSEWHERE), peer("es-2", TWO)),
        GOOD,
        "does not cover 10.1.1.1",
    ),
    Case("transport-certificate-shared", seen(peer("es-1", ONE), peer("es-2", ONE)), GOOD, "es-1, es-2"),
    Case(
        "tls-certificate-on-both-layers",
        seen(node(disk={Layer.TRANSPORT: ONE, Layer.HTTP: ONE})),
        seen(node(disk={Layer.TRANSPORT: ONE, Layer.HTTP: TWO})),
    ),
    Case("transport-trusts-public-authorities", seen(node(STORE)), GOOD),
    Case(
        "transport-authority-public",
        seen(peer("es-1", disk(trusted=(replace(ca(), subject="CN=R3,O=Let's Encrypt,C=US"),)))),
        GOOD,
        "O=Let's Encrypt",
    ),
    Case(
        "transport-authority-issues-http",
        seen(node(disk={Layer.TRANSPORT: ONE, Layer.HTTP: TWO})),
        seen(node(disk={Layer.TRANSPORT: ONE, Layer.HTTP: STRANGE_HTTP})),
        "CN=Test CA issues for both",
    ),
    Case(
        "http-names-missing",
        seen(replace(http(ONE), entry=NodeEntry("/mnt/es-1", names=("logs.example.net",)))),
        seen(replace(http(ONE), entry=NodeEntry("/mnt/es-1", http=Address("127.0.0.1", 9200)))),
        "does not cover logs.example.net",
    ),
    Case("remote-clusters", seen(node("cluster.remote.other.seeds: [a]")), GOOD, "cluster.remote.other.seeds"),
    Case(
        "transport-store-trusts-itself",
        seen(node(STORE + f"{T}.truststore.path: s.p12")),
        seen(node(STORE + f"{T}.truststore.path: trust.p12")),
    ),
    Case(
        "transport-peers-refuse",
        seen(peer("es-1", ONE), peer("es-2", TWO), peer("es-3", STRANGER)),
        seen(peer("es-1", replace(ONE, trusted=(ca(0), ca(1)))), peer("es-3", STRANGER)),
        "es-1, es-2 would refuse",
    ),
    Case(
        "http-clients-untrusted",
        seen(node(f"xpack.security.enabled: true\n{H}.enabled: true\n{H}.client_authentication: optional")),
        seen(node(SECURED + f"{H}.client_authentication: optional")),
    ),
    Case("http-client-certificates-demanded", seen(node(SECURED + f"{H}.client_authentication: required")), GOOD),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_http_needs_no_client_usage() -> None:
    assert fire("tls-leaf-usage", seen(http(disk(facts(usages=("serverAuth",)))))) == []
    (found,) = fire("tls-leaf-usage", seen(http(disk(facts(usages=("clientAuth",))))))
    assert "lacks serverAuth" in found.summary


def test_names_are_not_asked_for_where_nobody_checks_them() -> None:
    lenient = SECURED + f"{T}.verification_mode: certificate\n"
    elsewhere = lenient + "network.host: 10.1.1.1\n"
    assert fire("transport-names-missing", seen(peer("es-1", ONE, elsewhere), peer("es-2", TWO, lenient))) == []


def test_a_stated_transport_address_counts() -> None:
    stated = replace(peer("es-1", ONE), entry=NodeEntry("/mnt/es-1", transport=Address("10.9.9.9", 9300)))
    (found,) = fire("transport-names-missing", seen(stated, peer("es-2", TWO)))
    assert "10.9.9.9" in found.summary


def test_the_reason_names_the_unknown_authority_and_who_refuses() -> None:
    observed = seen(peer("es-1", ONE), peer("es-2", TWO), peer("es-3", STRANGER))
    found = fire("transport-peers-refuse", observed)
    assert [each.target for each in found] == ["es-3"]
    assert "signed by another CN=Test CA" in found[0].summary


def test_an_expired_certificate_is_refused_by_its_peers() -> None:
    expired = disk(facts("es-1", days=10, age=20))
    found = fire("transport-peers-refuse", seen(peer("es-1", expired), peer("es-2", TWO)))
    assert [each.target for each in found] == ["es-1"]
    assert "expired" in found[0].summary


def test_one_store_as_key_and_trust_lets_its_own_certificate_pass_after_its_end() -> None:
    """Java trusts the leaf of a key entry (elastic-stack-security.md §2.4)."""
    stores = (named("keystore.path", "s.p12"), named("truststore.path", "s.p12"))
    shared = disk(facts("es-1", days=10, age=20), named=stores)
    assert fire("transport-peers-refuse", seen(peer("es-1", shared), peer("es-2", shared))) == []


def test_a_peer_whose_trust_could_not_be_read_refuses_nobody() -> None:
    unread = OnDisk(enabled=True, problem="ca.crt cannot be read", named=ONE.named)
    assert fire("transport-peers-refuse", seen(peer("es-1", ONE), peer("es-2", unread))) == []


def test_leaves_of_contexts_without_a_named_file_have_a_place_all_the_same() -> None:
    """What a port served stands in for a folder that tells nothing: there is a leaf, and no file that names it."""
    shared = disk(facts("es-1"), named=())
    (found,) = fire("transport-certificate-shared", seen(peer("es-1", shared), peer("es-2", shared)))
    assert found.where == "/mnt/es-1/elasticsearch.yml:5: xpack.security.transport.ssl.enabled"
