"""The life of certificates: on disk, served, and of authorities."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer, Policy
from estui.model.observed import AuthorityFacts, ObservedNode, PortState, Served
from tests.unit.decide.findings.builders import (
    NOW,
    SECURED,
    Case,
    ca,
    check,
    disk,
    facts,
    fire,
    kibana,
    names,
    node,
    on,
    seen,
)


def holding(leaf: CertificateFacts, *trusted: CertificateFacts, **given: Any) -> ObservedNode:
    return node(SECURED, disk=on(Layer.TRANSPORT, disk(leaf, trusted or (ca(),))), **given)


def ends(certificate: CertificateFacts, days: int) -> CertificateFacts:
    return replace(certificate, not_after=NOW + timedelta(days=days))


LEAF = facts()
GOOD = seen(holding(LEAF))
AUTO = "CN=Elasticsearch security auto-configuration transport CA"

CASES = [
    Case("leaf-expired", seen(holding(facts(days=10, age=13))), GOOD, "expired 3 d ago"),
    Case("leaf-expires-soon", seen(holding(facts(days=100, age=90))), GOOD, "ends in 10 d"),
    Case("leaf-not-yet-valid", seen(holding(replace(LEAF, not_before=NOW + timedelta(days=1)))), GOOD, "2026-11-26"),
    Case("leaf-outlives-authority", seen(holding(LEAF, ends(ca(), 100))), GOOD, "by 297 d"),
    Case("leaf-short-lived", seen(holding(facts(days=20))), GOOD, "lives 20 d"),
    Case("authority-expired", seen(holding(LEAF, ends(ca(), -2))), GOOD, "expired 2 d ago"),
    Case("authority-expires-soon", seen(holding(LEAF, ends(ca(), 60))), GOOD, "ends in 60 d"),
    Case(
        "authority-key-missing",
        seen(authorities=(AuthorityFacts("http", ca(), has_key=False),)),
        seen(authorities=(AuthorityFacts("http", ca(), has_key=True),)),
    ),
    Case("authority-key-discarded", seen(holding(replace(LEAF, issuer=AUTO))), GOOD),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_a_served_certificate_that_is_not_the_one_on_disk_is_judged_too() -> None:
    served = {Layer.TRANSPORT: Served(None, PortState.TLS, chain=(facts(days=10, age=13),))}
    (found,) = fire("leaf-expired", seen(holding(LEAF, served=served)))
    assert found.summary.startswith("served transport certificate")


def test_the_file_is_named_where_the_certificate_lies() -> None:
    (found,) = fire("leaf-expires-soon", seen(holding(facts(days=100, age=90))))
    assert found.where == "/mnt/es-1/t.crt"


def test_the_policy_says_when_it_is_soon() -> None:
    observed = GOOD
    patient = replace(observed, inventory=replace(observed.inventory, policy=Policy(renew_before_days=390)))
    assert fire("leaf-expires-soon", patient) == []
    eager = replace(observed, inventory=replace(observed.inventory, policy=Policy(renew_before_days=398)))
    assert len(fire("leaf-expires-soon", eager)) == 1


def test_certificates_of_a_layer_that_is_off_do_not_count() -> None:
    off = "xpack.security.enabled: true\nxpack.security.transport.ssl.enabled: false"
    observed = seen(node(off, disk=on(Layer.TRANSPORT, disk(facts(days=10, age=13)))))
    assert fire("leaf-expired", observed) == []


def test_kibanas_own_certificate_counts() -> None:
    (found,) = fire("leaf-expired", seen(kibana("server.ssl.enabled: true", disk=disk(facts(days=10, age=13)))))
    assert found.target == "kibana/kibana"


def test_an_authority_of_the_workspace_counts() -> None:
    (found,) = fire("authority-expires-soon", seen(authorities=(AuthorityFacts("http", ends(ca(), 5), has_key=True),)))
    assert found.target == "ca/http"
