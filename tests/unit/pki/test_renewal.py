"""A renewed CA: same name, same key, longer; what it issued before holds with either certificate."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from estui.errors import CertificateError
from estui.formats.pem import PrivateKey
from estui.pki.chain import verify_chain
from estui.pki.facts import certificate_facts
from estui.pki.renewal import renew_authority
from tests.corporate import Corporate
from tests.unit.pki.samples import NOW, authority, key, leaf

LATER = NOW + timedelta(days=200)


def renewed(old: x509.Certificate | None = None, *, holder: PrivateKey | None = None) -> x509.Certificate:
    return renew_authority(old or authority(), key=holder or key(), serial=77, now=LATER, days=3650, name="http")


def extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def test_name_key_and_identifier_stay_and_serial_and_dates_change() -> None:
    old, new = certificate_facts(authority()), certificate_facts(renewed())
    assert (new.subject, new.key_sha256, new.serial) == (old.subject, old.key_sha256, 77)
    assert new.not_after > old.not_after
    assert extension(renewed(), x509.SubjectKeyIdentifier) == extension(authority(), x509.SubjectKeyIdentifier)
    assert extension(renewed(), x509.BasicConstraints) == extension(authority(), x509.BasicConstraints)


def test_a_leaf_from_before_holds_with_the_new_certificate_and_one_from_after_with_the_old_one() -> None:
    """Nodes get the new one one by one, so every mix of old and new has to hold."""
    verify_chain(leaf(), [], [renewed()], now=LATER, purpose="server", host="es-1.example.net")
    verify_chain(leaf(), [renewed()], [authority()], now=LATER, purpose="server", host="es-1.example.net")


def unusual(*, usage: bool, identifier: bool) -> x509.Certificate:
    """A CA as certutil made them: no KeyUsage; the authority key identifier names its own serial."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Odd CA")])
    public = key().public_key()
    builder = (
        x509.CertificateBuilder(name, name, public, 5)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=400))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
    )
    own = x509.SubjectKeyIdentifier.from_public_key(public)
    if identifier:
        builder = builder.add_extension(own, critical=False).add_extension(
            x509.AuthorityKeyIdentifier(own.digest, [x509.DirectoryName(name)], 5), critical=False
        )
    if usage:
        signing = x509.KeyUsage(False, False, False, False, False, True, False, False, False)
        builder = builder.add_extension(signing, critical=True)
    return builder.sign(key(), hashes.SHA256())


def test_a_key_usage_is_added_where_there_was_none() -> None:
    assert certificate_facts(renewed(unusual(usage=False, identifier=True))).key_usage == ("keyCertSign", "cRLSign")
    assert certificate_facts(renewed(unusual(usage=True, identifier=True))).key_usage == ("keyCertSign",)


def test_the_old_serial_is_named_nowhere() -> None:
    """An authority key identifier with a serial would keep OpenSSL from taking the certificate for its own issuer."""
    found = extension(renewed(unusual(usage=True, identifier=True)), x509.AuthorityKeyIdentifier)
    assert isinstance(found, x509.AuthorityKeyIdentifier)
    assert found.authority_cert_serial_number is None


def test_an_identifier_that_is_absent_stays_absent() -> None:
    """Leaves of others may carry one that was computed otherwise, and would not match a new one."""
    assert extension(renewed(unusual(usage=True, identifier=False)), x509.SubjectKeyIdentifier) is None


def test_an_intermediate_is_renewed_by_its_root_alone() -> None:
    corporate = Corporate(now=NOW)
    with pytest.raises(CertificateError, match="was issued by CN=Corp Root"):
        renewed(corporate.issuing, holder=corporate.issuing_key)


def test_another_key_is_another_ca() -> None:
    with pytest.raises(CertificateError, match="do not belong together"):
        renewed(holder=key(9))
