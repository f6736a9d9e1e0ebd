"""Certificates are described as they are, however odd."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from estui.errors import StoreError
from estui.formats.pem import load_certificates, parse_certificate
from estui.model.certificate import CertificateFacts
from estui.pki.facts import certificate_facts
from tests.unit.pki import samples

SUBJECT_ALTERNATIVE_NAME = bytes.fromhex("0603551d11")


def doctored(before: bytes, after: bytes) -> CertificateFacts:
    """Facts of a leaf with bytes changed in place; nobody checks its signature here."""
    der = samples.leaf().public_bytes(serialization.Encoding.DER)
    assert der.count(before) >= 1
    assert len(before) == len(after)
    return certificate_facts(parse_certificate(der.replace(before, after), "x"))


def test_a_leaf_is_described() -> None:
    request = samples.leaf_request(("es-1", "es-1.example.net"), ("10.0.0.1", "::1"), ("serverAuth", "clientAuth"))
    leaf = samples.leaf(request)
    facts = certificate_facts(leaf)
    assert (facts.subject, facts.issuer, facts.serial) == ("CN=es-1", "CN=Test CA", 1000)
    assert facts.not_before == datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
    assert facts.not_after == datetime(2027, 12, 27, 12, 0, tzinfo=UTC)
    assert facts.names == ("es-1", "es-1.example.net", "10.0.0.1", "::1")
    assert (facts.is_ca, facts.key_type, facts.signature_hash) == (False, "ec-p256", "sha256")
    assert facts.key_usage == ("digitalSignature",)
    assert facts.extended_key_usage == ("serverAuth", "clientAuth")
    assert facts.sha256 == hashlib.sha256(facts.der).hexdigest() == leaf.fingerprint(hashes.SHA256()).hex()


def test_an_authority_is_described() -> None:
    facts = certificate_facts(samples.authority())
    assert facts.is_ca
    assert facts.key_usage == ("keyCertSign", "cRLSign")
    assert facts.extended_key_usage is None


def test_a_ca_of_certutil_has_no_key_usage() -> None:
    content = (samples.STORES / "certutil" / "ca-pem" / "ca" / "ca.crt").read_bytes()
    facts = certificate_facts(load_certificates(content, "ca.crt")[0])
    assert (facts.is_ca, facts.key_usage, facts.key_type) == (True, None, "rsa-2048")


@pytest.mark.parametrize("serial", ["0202ffe8", "02020000"])
def test_serials_that_cryptography_rules_out_are_refused_in_words(serial: str) -> None:
    with pytest.raises(StoreError, match="such as a negative serial"):
        doctored(bytes.fromhex("020203e8"), bytes.fromhex(serial))


def test_a_broken_extension_does_not_hide_the_others() -> None:
    """Its SANs are a SET here instead of a SEQUENCE."""
    facts = doctored(SUBJECT_ALTERNATIVE_NAME + b"\x04\x1a\x30", SUBJECT_ALTERNATIVE_NAME + b"\x04\x1a\x31")
    assert facts.dns_names == ()
    assert facts.key_usage == ("digitalSignature",)
    assert facts.extended_key_usage == ("serverAuth",)


def test_an_unknown_curve_still_has_a_digest() -> None:
    facts = doctored(bytes.fromhex("06082a8648ce3d030107"), bytes.fromhex("06082a8648ce3d03017f"))
    assert facts.key_type == "unknown"
    assert len(facts.key_sha256) == 64


@pytest.mark.parametrize("at", range(0, 400, 3))
def test_no_flipped_byte_raises(at: int) -> None:
    """Whatever can be parsed can be described."""
    der = bytearray(samples.leaf().public_bytes(serialization.Encoding.DER))
    for bit in (0x01, 0x20, 0x80):
        broken = bytearray(der)
        broken[at % len(der)] ^= bit
        try:
            certificate = parse_certificate(bytes(broken), "x")
        except StoreError:
            continue
        certificate_facts(certificate)


def test_odd_names_and_usages_are_kept() -> None:
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, 'ä, "x" = [y]'), x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "net")]
    )
    unknown = x509.ObjectIdentifier("1.2.3.4")
    certificate = (
        x509.CertificateBuilder(name, name, samples.key().public_key(), 1)
        .not_valid_before(datetime(1950, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
        .add_extension(x509.ExtendedKeyUsage([unknown, x509.ObjectIdentifier("2.5.29.37.0")]), critical=True)
        .add_extension(x509.UnrecognizedExtension(unknown, b"\x00"), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name("a@b.c"), x509.OtherName(unknown, b"\x0c\x01a")]),
            critical=False,
        )
        .sign(samples.key(), hashes.SHA512())
    )
    facts = certificate_facts(certificate)
    assert facts.extended_key_usage == ("1.2.3.4", "anyExtendedKeyUsage")
    assert (facts.dns_names, facts.addresses) == ((), ())
    assert (facts.not_after.year, facts.signature_hash) == (9999, "sha512")
    assert "ä" in facts.subject
