"""Authorities and leaves carry what Elasticsearch, Java, OpenSSL and strict Python want to see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from estui.errors import CertificateError
from estui.formats.pkcs12 import read_pkcs12
from estui.model.plan import LeafRequest
from estui.pki.authority import create_authority, issue_leaf, new_serial
from estui.pki.facts import certificate_facts
from estui.secret import Secret
from tests.unit.pki import samples
from tests.unit.pki.samples import NOW, authority_request, leaf_request


def extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.Extension[x509.ExtensionType]:
    return certificate.extensions.get_extension_for_class(kind)


def issue(request: LeafRequest, **changed: object) -> x509.Certificate:
    arguments = {"authority": samples.authority(), "authority_key": samples.key(), "key": samples.key(100)}
    return issue_leaf(request, **{**arguments, "serial": 7, "now": NOW, **changed})  # type: ignore[arg-type]


def test_an_authority_may_sign_leaves_only() -> None:
    ca = samples.authority()
    constraints = extension(ca, x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)
    assert extension(ca, x509.KeyUsage).critical
    assert ca.subject == ca.issuer


def test_leaf_and_authority_are_tied_by_key_identifiers() -> None:
    own_id = extension(samples.authority(), x509.SubjectKeyIdentifier).value
    assert isinstance(own_id, x509.SubjectKeyIdentifier)
    for certificate in (samples.authority(), samples.leaf()):
        tie = extension(certificate, x509.AuthorityKeyIdentifier).value
        assert isinstance(tie, x509.AuthorityKeyIdentifier)
        assert (tie.key_identifier, tie.authority_cert_issuer) == (own_id.digest, None)


def test_a_leaf_is_signed_by_its_authority_and_is_none_itself() -> None:
    leaf = samples.leaf()
    leaf.verify_directly_issued_by(samples.authority())
    assert extension(leaf, x509.BasicConstraints).value == x509.BasicConstraints(ca=False, path_length=None)
    assert not extension(leaf, x509.SubjectAlternativeName).critical


def test_key_encipherment_is_for_rsa_only() -> None:
    assert certificate_facts(samples.leaf()).key_usage == ("digitalSignature",)
    facts = certificate_facts(issue(leaf_request(), key=samples.rsa_key()))
    assert facts.key_usage == ("digitalSignature", "keyEncipherment")


def test_a_leaf_without_usages_has_no_eku() -> None:
    assert certificate_facts(issue(leaf_request(usages=()))).extended_key_usage is None


def test_validity_starts_an_hour_back_but_never_before_the_authority() -> None:
    later = NOW + timedelta(days=1)
    assert issue(leaf_request(), now=later).not_valid_before_utc == later - timedelta(hours=1)
    earlier = NOW - timedelta(minutes=30)
    assert issue(leaf_request(), now=earlier).not_valid_before_utc == samples.authority().not_valid_before_utc


def test_validity_ends_with_the_authority_at_the_latest() -> None:
    late = NOW + timedelta(days=3600)
    assert issue(leaf_request(), now=late).not_valid_after_utc == samples.authority().not_valid_after_utc
    assert issue(leaf_request()).not_valid_after_utc == NOW + timedelta(days=397)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"now": NOW + timedelta(days=3650)}, "expired on 2036-11-22"),
        ({"now": NOW - timedelta(days=1)}, "valid from 2026-11-25"),
        ({"authority": samples.leaf(), "authority_key": samples.key(100)}, "is no certificate authority"),
        ({"authority_key": samples.key(1)}, "do not belong together"),
    ],
)
def test_an_authority_that_cannot_issue_is_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(CertificateError, match=words):
        issue(leaf_request(), **changed)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (leaf_request((), ()), "es-1 has no names"),
        (leaf_request(addresses=("10.0.0.999",)), "cannot be"),
        (leaf_request(("ä.net",)), "cannot be"),
        (leaf_request(usages=("codeSigning",)), "usage 'codeSigning' is unknown"),
        (leaf_request(days=0), "0 days"),
        (leaf_request(days=10**7), "10000000 days"),
    ],
)
def test_a_leaf_that_cannot_be_is_refused(request_: LeafRequest, words: str) -> None:
    with pytest.raises(CertificateError, match=words):
        issue(request_)


def test_a_long_host_name_is_cut_in_the_common_name_only() -> None:
    host = "node-" + "x" * 55 + ".example.net"
    facts = certificate_facts(issue(leaf_request((host,), common_name=host)))
    assert facts.subject == f"CN={host[:64]}"
    assert facts.dns_names == (host,)


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_a_common_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(CertificateError, match="characters"):
        create_authority(authority_request(name), key=samples.key(), serial=1, now=NOW)


def test_a_serial_has_159_bits_and_is_positive() -> None:
    assert new_serial(b"\xff" * 20) == 2**159 - 1
    for wrong in (b"", b"\xff" * 19, bytes(20)):
        with pytest.raises(CertificateError):
            new_serial(wrong)


def test_an_authority_of_certutil_issues_too() -> None:
    """Its CA has no KeyUsage, and a serial of 160 bits."""
    content = (samples.STORES / "certutil" / "elastic-stack-ca.p12").read_bytes()
    entry = read_pkcs12(content, Secret("ca-pass"), "x").keys[0]
    assert entry.leaf
    now = entry.leaf.not_valid_before_utc + timedelta(days=1)
    leaf = issue(leaf_request(), authority=entry.leaf, authority_key=entry.key, now=now)
    leaf.verify_directly_issued_by(entry.leaf)


def test_an_authority_without_key_identifier_gets_leaves_tied_to_its_key() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bare")])
    bare = (
        x509.CertificateBuilder(name, name, samples.key().public_key(), 1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(samples.key(), hashes.SHA256())
    )
    tie = extension(issue(leaf_request(), authority=bare), x509.AuthorityKeyIdentifier).value
    assert tie == extension(samples.leaf(), x509.AuthorityKeyIdentifier).value
