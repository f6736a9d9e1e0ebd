"""A served chain judged by those who connect to the port."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide.probing_peers import judges_of, opinions
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedNode, OnDisk, PortState, Served
from estui.model.run import Proof
from tests.unit.decide.findings.builders import (
    NOW,
    SECURED,
    beat,
    ca,
    disk,
    facts,
    kibana,
    named,
    node,
    on,
    seen,
)

T = "xpack.security.transport.ssl"
TRUST = OnDisk(trusted=(ca(),), named=(named("certificate_authorities", "ca.crt", format="PEM"),))
HTTPS = "elasticsearch.hosts: [https://127.0.0.1:9200]\n"


def peer(name: str, found: OnDisk, yml: str = SECURED) -> ObservedNode:
    return node(yml, name=name, disk=on(Layer.TRANSPORT, found))


def said(layer: Layer, observed: Observed, leaf: object = None) -> list[Proof]:
    first = observed.nodes[0]
    served = Served(None, PortState.TLS, chain=(leaf or facts("es-1"),))  # type: ignore[arg-type]
    return list(opinions("es-1", served, judges_of(first, layer, observed, NOW), NOW))


def test_other_nodes_judge_transport_by_their_own_truststores_and_the_address() -> None:
    observed = seen(peer("es-1", disk()), peer("es-2", disk()), peer("es-3", disk(trusted=(ca(1),))))
    good, bad = said(Layer.TRANSPORT, observed)
    assert (good.target, good.ok, good.evidence) == ("es-2", True, "trusts CN=Test CA, finds the name 127.0.0.1")
    assert (bad.target, bad.ok) == ("es-3", False)
    assert "es-1" not in {proof.target for proof in (good, bad)}


def test_a_name_that_is_missing_is_told_with_those_that_are_there() -> None:
    observed = seen(peer("es-1", disk()), peer("es-2", disk()))
    (proof,) = said(Layer.TRANSPORT, observed, facts("es-1", addresses=("10.1.1.1",)))
    assert (proof.ok, proof.evidence) == (False, "no name 127.0.0.1: it has es-1, 10.1.1.1")


def test_verification_mode_decides_what_a_node_looks_at() -> None:
    nameless = facts("es-1", addresses=("10.1.1.1",))
    by_chain = peer("es-2", disk(), f"{SECURED}{T}.verification_mode: certificate\n")
    (proof,) = said(Layer.TRANSPORT, seen(peer("es-1", disk()), by_chain), nameless)
    assert (proof.ok, proof.evidence) == (True, "trusts CN=Test CA, checks no name")
    blind = peer("es-2", disk(trusted=(ca(1),)), f"{SECURED}{T}.verification_mode: none\n")
    (proof,) = said(Layer.TRANSPORT, seen(peer("es-1", disk()), blind), nameless)
    assert (proof.ok, proof.evidence) == (True, "it verifies nobody")


def test_kibana_and_beats_judge_http_by_their_ca_files() -> None:
    clients = (
        kibana(HTTPS, trust=TRUST),
        beat("output.elasticsearch.hosts: [https://127.0.0.1:9200]", trust=replace(TRUST, trusted=(ca(1),))),
    )
    good, bad = said(Layer.HTTP, seen(node(), *clients))
    assert (good.target, good.ok) == ("kibana/kibana", True)
    assert (bad.target, bad.ok) == ("beat/metricbeat", False)


def test_an_expired_certificate_is_told_with_its_date() -> None:
    ended = facts("es-1", age=400)
    (proof,) = said(Layer.HTTP, seen(node(), kibana(HTTPS, trust=TRUST)), ended)
    assert not proof.ok
    assert f"expired on {NOW - timedelta(days=3):%Y-%m-%d}" in proof.evidence


def test_a_client_of_another_node_is_not_asked() -> None:
    assert said(Layer.HTTP, seen(node(), kibana("elasticsearch.hosts: [https://10.0.0.9:9200]", trust=TRUST))) == []


def test_the_ca_file_of_a_judge_is_named_for_the_command_line() -> None:
    (one,) = judges_of(node(), Layer.HTTP, seen(node(), kibana(HTTPS, trust=TRUST)), NOW)
    assert one.authority == "/mnt/kibana/ca.crt"


@pytest.mark.parametrize(("mode", "ok"), [("full", True), ("strict", False)])
def test_a_leaf_without_sans_is_taken_by_its_cn_except_by_strict_beats(mode: str, ok: bool) -> None:
    bare = replace(facts("es-1", common_name="localhost"), dns_names=(), addresses=())
    yml = f"output.elasticsearch.hosts: [https://localhost:9200]\noutput.elasticsearch.ssl.verification_mode: {mode}"
    (proof,) = said(Layer.HTTP, seen(node(), beat(yml, trust=replace(TRUST, trusted=(bare,)))), bare)
    assert proof.ok is ok


def test_trust_that_cannot_be_read_is_no_acceptance() -> None:
    (proof,) = said(Layer.HTTP, seen(node(), kibana(HTTPS, trust=replace(TRUST, problem="ca.crt: is empty"))))
    assert (proof.ok, proof.evidence) == (False, "whom it trusts cannot be told: ca.crt: is empty")
