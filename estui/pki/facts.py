"""What a certificate says, as plain values.

Owns the way from the certificate library to `model/certificate.py`. Tolerant: a certificate that could be parsed is
described, however odd, because estui has to show what others made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from estui.formats import der
from estui.formats.pem import tolerating_odd_certificates
from estui.model.certificate import CertificateFacts
from estui.pki.keys import key_kind, public_key_sha256

_T = TypeVar("_T")
_E = TypeVar("_E", bound=x509.ExtensionType)
_ODD = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)

_KEY_USAGES = {
    "digital_signature": "digitalSignature",
    "content_commitment": "nonRepudiation",
    "key_encipherment": "keyEncipherment",
    "data_encipherment": "dataEncipherment",
    "key_agreement": "keyAgreement",
    "key_cert_sign": "keyCertSign",
    "crl_sign": "cRLSign",
}
_MOST_EXTENSIONS = 64
"""Read one by one; each takes a copy of the certificate. Real ones have about ten."""
_EXTENDED_USAGES = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
}


@lru_cache(maxsize=4096)  # by its bytes: a folder is read anew at every look, its certificates rarely change
def certificate_facts(certificate: x509.Certificate) -> CertificateFacts:
    """Facts of any certificate; a part that cannot be read stays empty or says so, nothing is raised."""
    encoded = certificate.public_bytes(serialization.Encoding.DER)
    with tolerating_odd_certificates():
        extensions = _extensions(certificate, encoded)
        dns_names, addresses = _names(extensions)
        return CertificateFacts(
            subject=_or(lambda: certificate.subject.rfc4514_string(), "(unreadable name)"),
            issuer=_or(lambda: certificate.issuer.rfc4514_string(), "(unreadable name)"),
            serial=certificate.serial_number,
            not_before=_or(lambda: certificate.not_valid_before_utc, datetime.min.replace(tzinfo=UTC)),
            not_after=_or(lambda: certificate.not_valid_after_utc, datetime.min.replace(tzinfo=UTC)),
            sha256=hashlib.sha256(encoded).hexdigest(),
            key_sha256=_key_digest(certificate),
            key_type=_or(lambda: key_kind(certificate.public_key()), "unknown"),
            dns_names=dns_names,
            addresses=addresses,
            is_ca=_is_ca(extensions),
            key_usage=_key_usage(extensions),
            extended_key_usage=_extended_key_usage(extensions),
            signature_hash=_signature_hash(certificate),
            der=encoded,
        )


def _or(read: Callable[[], _T], otherwise: _T) -> _T:
    try:
        return read()
    except _ODD:
        return otherwise


def _extensions(certificate: x509.Certificate, encoded: bytes) -> list[x509.ExtensionType]:
    """Values of all extensions that can be read; cryptography by itself gives up on all because of one."""
    try:
        return [extension.value for extension in certificate.extensions]
    except _ODD:
        return _or(lambda: _extensions_one_by_one(encoded), [])


def _extensions_one_by_one(encoded: bytes) -> list[x509.ExtensionType]:
    """Reads each extension from a copy of the certificate that has no other one."""
    tbs, *signature = der.parse_value(encoded).children()
    *fields, wrapped = tbs.children()
    found: list[x509.ExtensionType] = []
    for extension in wrapped.child(0, der.SEQUENCE).children()[:_MOST_EXTENSIONS]:
        alone = der.encode(wrapped.tag, der.encode(der.SEQUENCE, extension.whole))
        body = der.encode(der.SEQUENCE, *(field.whole for field in fields), alone)
        copy = der.encode(der.SEQUENCE, body, *(part.whole for part in signature))
        found += _or(partial(_values, copy), [])
    return found


def _values(encoded: bytes) -> list[x509.ExtensionType]:
    return [extension.value for extension in x509.load_der_x509_certificate(encoded).extensions]


def _extension(extensions: Iterable[x509.ExtensionType], kind: type[_E]) -> _E | None:
    return next((value for value in extensions if isinstance(value, kind)), None)


def _names(extensions: list[x509.ExtensionType]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = _extension(extensions, x509.SubjectAlternativeName)
    if names is None:
        return (), ()
    addresses = tuple(str(address) for address in names.get_values_for_type(x509.IPAddress))
    return tuple(names.get_values_for_type(x509.DNSName)), addresses


def _is_ca(extensions: list[x509.ExtensionType]) -> bool:
    constraints = _extension(extensions, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _key_usage(extensions: list[x509.ExtensionType]) -> tuple[str, ...] | None:
    usage = _extension(extensions, x509.KeyUsage)
    if usage is None:
        return None
    words = [word for name, word in _KEY_USAGES.items() if getattr(usage, name)]
    if usage.key_agreement:  # the other two mean something only beside it (RFC 5280 §4.2.1.3)
        words += ["encipherOnly"] * usage.encipher_only + ["decipherOnly"] * usage.decipher_only
    return tuple(words)


def _extended_key_usage(extensions: list[x509.ExtensionType]) -> tuple[str, ...] | None:
    usage = _extension(extensions, x509.ExtendedKeyUsage)
    if usage is None:
        return None
    return tuple(_EXTENDED_USAGES.get(oid.dotted_string, oid.dotted_string) for oid in usage)


def _signature_hash(certificate: x509.Certificate) -> str | None:
    found: hashes.HashAlgorithm | None = _or(lambda: certificate.signature_hash_algorithm, None)
    return found.name if found else None


def _key_digest(certificate: x509.Certificate) -> str:
    try:
        return public_key_sha256(certificate)
    except _ODD:
        return _or(lambda: hashlib.sha256(_raw_public_key(certificate)).hexdigest(), "")


def _raw_public_key(certificate: x509.Certificate) -> bytes:
    """The SubjectPublicKeyInfo as it stands in the certificate (RFC 5280 §4.1)."""
    fields = der.parse_value(certificate.tbs_certificate_bytes).children()
    versioned = fields[0].tag == 0xA0
    return fields[6 if versioned else 5].whole
