"""What one handshake proves, and the commands that ask the same by hand."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide.probing import commands, judge
from estui.model.inventory import Address
from estui.model.observed import PortState, Served
from estui.present.status import certificate_lines
from tests.unit.decide.findings.builders import NOW, ca, facts

PORT = Address("es-1", 9200)
LEAF = facts("es-1")
TLS = Served(PORT, PortState.TLS, tls_version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384", chain=(LEAF, ca()))


def verdicts(served: Served, name: str = "es-1", *, trusted: bool = True) -> list[bool]:
    return [proof.ok for proof in judge(served, name, (ca(),) if trusted else (), NOW)]


def test_a_good_port_proves_everything() -> None:
    proofs = judge(TLS, "es-1", (ca(),), NOW)
    assert all(proof.ok for proof in proofs)
    assert proofs[0].evidence == "TLSv1.3, TLS_AES_256_GCM_SHA384"


def test_each_claim_can_fail_by_itself() -> None:
    assert verdicts(TLS, "other") == [True, True, False, True]
    assert verdicts(replace(TLS, chain=(facts("es-1", of=1),))) == [True, True, True, False]
    ended = replace(LEAF, not_after=NOW - timedelta(days=1))
    assert verdicts(replace(TLS, chain=(ended, ca())), trusted=False) == [True, False, True, True]
    early = replace(LEAF, not_before=NOW + timedelta(days=1))
    assert verdicts(replace(TLS, chain=(early, ca())), trusted=False) == [True, False, True, True]


def test_a_chain_out_of_order_is_told_without_any_ca() -> None:
    (*_, proof) = judge(replace(TLS, chain=(LEAF, facts("es-2", common_name="es-2"))), "es-1", (), NOW)
    assert not proof.ok
    assert "is not followed by its issuer CN=Test CA" in proof.evidence


def test_without_a_ca_nothing_is_called_trusted() -> None:
    (*_, proof) = judge(TLS, "es-1", (), NOW)
    assert "no CA was given" in proof.evidence


@pytest.mark.parametrize("state", [PortState.REFUSED, PortState.PLAIN, PortState.TIMED_OUT])
def test_a_port_without_tls_proves_one_thing_only(state: PortState) -> None:
    (proof,) = judge(Served(PORT, state, "in words"), "es-1", (), NOW)
    assert (proof.ok, proof.evidence) == (False, "in words")


def test_a_failed_handshake_tells_its_reason() -> None:
    (proof,) = judge(Served(PORT, PortState.TLS, "refused the handshake"), "es-1", (), NOW)
    assert (proof.ok, proof.evidence) == (False, "refused the handshake")


def test_foreign_text_is_quoted_for_the_shell() -> None:
    served = replace(TLS, address=Address("es-1; rm -rf /", 9200))
    line = commands(served, "$(id)", "/tmp/my ca.crt")[0]
    words = shlex.split(line.removesuffix(" </dev/null"))
    assert words[words.index("-connect") + 1] == "es-1; rm -rf /:9200"
    assert words[words.index("-servername") + 1] == "$(id)"
    assert words[words.index("-CAfile") + 1] == "/tmp/my ca.crt"


def test_an_address_is_checked_as_an_address() -> None:
    line = commands(replace(TLS, address=Address("::1", 9200)), "::1")[0]
    assert "-connect '[::1]:9200'" in line or "-connect [::1]:9200" in line
    assert "-verify_ip ::1" in line
    assert "-servername" not in line


def test_curl_checks_the_name_that_estui_checks() -> None:
    """A port behind a name of its own is asked where it is, under that name."""
    line = commands(TLS, "kibana.example.net", "/ca.crt")[1]
    assert line == (
        "curl -v --cacert /ca.crt --connect-to kibana.example.net:9200:es-1:9200 https://kibana.example.net:9200/"
    )
    assert commands(TLS, "es-1", "/ca.crt")[1] == "curl -v --cacert /ca.crt https://es-1:9200/"


def test_plain_http_is_asked_with_curl_and_a_closed_port_with_openssl() -> None:
    assert commands(Served(PORT, PortState.PLAIN, "HTTP without TLS"), "es-1") == ("curl -v http://es-1:9200/",)
    assert commands(Served(PORT, PortState.REFUSED), "es-1")[0].startswith("openssl s_client")
    assert commands(Served(None, PortState.NOT_ASKED), "es-1") == ()


def test_a_wrong_name_is_told_with_the_names_that_are_there() -> None:
    proof = judge(TLS, "other", (ca(),), NOW)[2]
    assert (proof.ok, proof.evidence) == (False, "no name other: it has es-1, 127.0.0.1")


def test_a_leaf_without_sans_says_who_takes_its_cn() -> None:
    bare = replace(LEAF, dns_names=(), addresses=())
    proof = judge(replace(TLS, chain=(bare,)), "es-1", (), NOW)[2]
    assert not proof.ok
    assert "only CN=es-1; Elasticsearch, Kibana and curl take that" in proof.evidence
    other = judge(replace(TLS, chain=(bare,)), "es-2", (), NOW)[2]
    assert other.evidence == "no name es-2: it has no SAN at all, only CN=es-1"


def test_an_ended_certificate_says_since_when() -> None:
    ended = replace(LEAF, not_after=NOW - timedelta(days=9))
    proof = judge(replace(TLS, chain=(ended,)), "es-1", (), NOW)[1]
    assert proof.evidence == f"ended {NOW - timedelta(days=9):%Y-%m-%d}, 9 d ago"


@pytest.mark.parametrize(("hours", "days"), [(1, 0), (23, 0), (25, 1), (49, 2)])
def test_whole_days_have_gone_by_since_the_end(hours: int, days: int) -> None:
    ended = replace(LEAF, not_after=NOW - timedelta(hours=hours))
    (proof,) = [each for each in judge(replace(TLS, chain=(ended,)), "es-1", (), NOW) if each.claim == "is valid now"]
    assert proof.evidence.endswith(f", {days} d ago")
    assert f"(expired {days} d ago)" in certificate_lines(ended, NOW)[2].text
