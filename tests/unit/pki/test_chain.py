"""Chains are judged as peers judge them, with the reason in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from estui.errors import CertificateError
from estui.formats.pem import load_certificates
from estui.formats.pkcs12 import read_pkcs12
from estui.pki.authority import create_authority
from estui.pki.chain import Purpose, verify_chain
from estui.secret import Secret
from tests.unit.pki import samples
from tests.unit.pki.samples import NOW

HOST = "es-1.example.net"


def refusal(
    leaf: x509.Certificate | None = None,
    trusted: list[x509.Certificate] | None = None,
    intermediates: list[x509.Certificate] | None = None,
    *,
    now: datetime = NOW,
    purpose: Purpose = "server",
    host: str | None = HOST,
) -> CertificateError:
    anchors = [samples.authority()] if trusted is None else trusted
    with pytest.raises(CertificateError) as caught:
        verify_chain(leaf or samples.leaf(), intermediates or [], anchors, now=now, purpose=purpose, host=host)
    return caught.value


def issuer(name: str, number: int, *, by: int | None = None, ca: bool = True, days: int = 100) -> x509.Certificate:
    """A certificate for key(number), self-signed or signed by key(by), whose name is `Root`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    above = subject if by is None else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Root")])
    return (
        x509.CertificateBuilder(above, subject, samples.key(number).public_key(), number + 1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .sign(samples.key(number if by is None else by), hashes.SHA256())
    )


def test_a_leaf_of_ours_is_accepted_for_its_names() -> None:
    for host in (HOST, "10.0.0.1", None):
        verify_chain(samples.leaf(), [], [samples.authority()], now=NOW, purpose="server", host=host)


def test_a_client_leaf_is_accepted_for_clients() -> None:
    leaf = samples.leaf(samples.leaf_request(usages=("clientAuth",)))
    verify_chain(leaf, [], [samples.authority()], now=NOW, purpose="client", host=None)
    assert "is not for serverAuth: it allows clientAuth" in refusal(leaf).summary


def test_one_of_several_authorities_of_the_same_name_is_enough() -> None:
    """During a rollover both are trusted."""
    verify_chain(samples.leaf(), [], [samples.authority(1), samples.authority()], now=NOW, purpose="server", host=HOST)


def test_an_expired_leaf_says_since_when() -> None:
    assert refusal(now=NOW + timedelta(days=398)).summary == "certificate CN=es-1 expired on 2027-12-27 12:00 UTC"


def test_a_leaf_of_the_future_says_from_when() -> None:
    assert "not valid before 2026-11-25 11:00 UTC" in refusal(now=NOW - timedelta(days=1)).summary


def test_a_name_that_is_not_covered_lists_those_that_are() -> None:
    error = refusal(host="es-2.example.net")
    assert error.summary == "certificate CN=es-1 does not cover es-2.example.net"
    assert error.hint == "the names it has: es-1.example.net, 10.0.0.1"


def test_an_unknown_authority_is_named() -> None:
    error = refusal(
        trusted=[create_authority(samples.authority_request("Other"), key=samples.key(5), serial=1, now=NOW)]
    )
    assert error.summary == "unknown certificate authority: CN=Test CA"
    assert error.hint == "trusted here: CN=Other"
    assert error.reasons[0].startswith("verifier: ")


def test_nothing_trusted_is_said() -> None:
    assert "no certificate authority is trusted" in refusal(trusted=[]).summary


def test_an_authority_of_the_same_name_and_another_key_is_told() -> None:
    assert "signed by another CN=Test CA" in refusal(trusted=[samples.authority(1)]).summary


def test_an_expired_authority_is_told() -> None:
    leaf, ca = samples.leaf(), create_authority(samples.authority_request(days=1), key=samples.key(), serial=9, now=NOW)
    assert "authority CN=Test CA expired on 2026-11-26" in refusal(leaf, [ca], now=NOW + timedelta(days=2)).summary


def test_a_chain_with_an_intermediate_holds_only_with_it() -> None:
    root, middle = issuer("Root", 10), issuer("Test CA", 0, by=10)
    verify_chain(samples.leaf(), [middle], [root], now=NOW, purpose="server", host=HOST)
    assert refusal(trusted=[root]).summary == "unknown certificate authority: CN=Test CA"


def test_an_issuer_that_is_no_authority_is_refused() -> None:
    root, middle = issuer("Root", 10), issuer("Test CA", 0, by=10, ca=False)
    assert refusal(trusted=[root], intermediates=[middle]).summary == "issuer CN=Test CA is no certificate authority"


def test_an_anchor_that_is_no_authority_is_refused() -> None:
    """Java refuses such an anchor as well (`jdk.security.allowNonCaAnchor` is off)."""
    anchor = issuer("Test CA", 0, ca=False)
    assert refusal(trusted=[anchor]).summary == "issuer CN=Test CA is no certificate authority"


def test_a_certificate_that_is_trusted_itself_is_accepted() -> None:
    verify_chain(samples.leaf(), [], [samples.leaf()], now=NOW, purpose="server", host=HOST)


@pytest.mark.parametrize(
    ("name", "password"), [("http/elasticsearch/es-1/http.p12", "http-pass"), ("elastic-certificates.p12", "node-pass")]
)
def test_chains_of_certutil_hold_although_their_ca_has_no_key_usage(name: str, password: str) -> None:
    content = read_pkcs12((samples.STORES / "certutil" / name).read_bytes(), Secret(password), name)
    (_, ca), leaf = content.trusted[0], content.keys[0].leaf
    assert leaf
    now = leaf.not_valid_before_utc + timedelta(days=1)
    for purpose in ("server", "client"):
        verify_chain(leaf, [], [ca], now=now, purpose=purpose, host=None)


def test_the_chain_of_elasticsearchs_own_setup_holds() -> None:
    folder = samples.STORES / "auto-configured"
    content = read_pkcs12((folder / "http.p12").read_bytes(), Secret("auto-pass"), "http.p12")
    leaf = next(entry.leaf for entry in content.keys if entry.alias == "http")
    assert leaf
    trusted = load_certificates((folder / "http_ca.crt").read_bytes(), "http_ca.crt")
    verify_chain(leaf, [], trusted, now=leaf.not_valid_before_utc, purpose="server", host="localhost")
