"""A certificate authority for longer: a new certificate for the same subject and key.

What differs from the old one is the serial, the dates, and a KeyUsage where there was none. Clock, serial and key
come in as arguments.
"""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from estui.errors import CertificateError
from estui.formats.pem import PrivateKey, tolerating_odd_certificates
from estui.pki.authority import check_authority, hash_for, key_usage, validity


def renew_authority(
    authority: x509.Certificate, *, key: PrivateKey, serial: int, now: datetime, days: int, name: str
) -> x509.Certificate:
    """The same CA, valid from an hour before `now`; the leaves that it issued hold with either certificate.

    Whoever checks a leaf finds its CA by subject and SubjectKeyIdentifier and checks the signature with its key (RFC
    5280 §4.2.1.1, §6.1): all three stay, also an identifier that is absent. A KeyUsage is added where certutil before
    8.18.1 left it out, since Python from 3.13 refuses a CA without.
    Raises CertificateError: no CA, not the CA of this key, not self-signed, or with extensions that cannot be read.
    """
    check_authority(authority, key, name)
    if authority.subject != authority.issuer:
        raise CertificateError(
            f"certificate authority {name} was issued by {authority.issuer.rfc4514_string()}",
            hint="only that one can renew it; bring the result in with: estui ca import",
        )
    start, end = validity(now, days)
    builder = (
        x509.CertificateBuilder(
            subject_name=authority.subject,
            issuer_name=authority.subject,
            public_key=key.public_key(),
            serial_number=serial,
        )
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension in _extensions(authority, name):
        builder = builder.add_extension(extension.value, critical=extension.critical)
    return builder.sign(key, hash_for(key))


def _extensions(authority: x509.Certificate, name: str) -> list[x509.Extension[x509.ExtensionType]]:
    """Those of the old certificate, but an AuthorityKeyIdentifier that names no serial: it would be the old one's."""
    try:
        with tolerating_odd_certificates():
            found = list(authority.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as exc:
        raise CertificateError(
            f"extensions of certificate authority {name} cannot be read, so it cannot be renewed",
            hint="bring in a new CA: estui ca rollover start",
        ) from exc
    own = next((each.value for each in found if isinstance(each.value, x509.SubjectKeyIdentifier)), None)
    kept = [each for each in found if not isinstance(each.value, x509.AuthorityKeyIdentifier)]
    if not any(isinstance(each.value, x509.KeyUsage) for each in kept):
        kept.append(x509.Extension(x509.KeyUsage.oid, True, key_usage(key_cert_sign=True)))
    if own is not None:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
        kept.append(x509.Extension(identifier.oid, False, identifier))
    return kept
