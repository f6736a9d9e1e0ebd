"""Certificate authorities: making one, and issuing leaves with it.

Owns what goes into the certificates (RFC 5280). Clock, serials and keys come in as arguments; where files go is left
to others.
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from estui.errors import CertificateError
from estui.formats.pem import PrivateKey, tolerating_odd_certificates
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.pki.facts import certificate_facts
from estui.pki.keys import public_key_sha256

BACKDATED = timedelta(hours=1)
"""How far back validity starts: clocks of nodes differ, and a certificate from the future is refused."""
SERIAL_BYTES = 20
_LONGEST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1
_USAGES = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}


def new_serial(random_bytes: bytes) -> int:
    """A positive serial of 159 bits from 20 random bytes, so that its DER has at most 20 octets (RFC 5280 §4.1.2.2).

    Raises CertificateError: another count of bytes, or a zero, which no random source gives.
    """
    serial = int.from_bytes(random_bytes, "big") >> 1
    if len(random_bytes) != SERIAL_BYTES or serial == 0:
        raise CertificateError(f"a serial needs {SERIAL_BYTES} random bytes")
    return serial


def create_authority(request: AuthorityRequest, *, key: PrivateKey, serial: int, now: datetime) -> x509.Certificate:
    """A self-signed CA for leaves only (path length 0), valid from an hour before `now`.

    KeyUsage is there and critical, which certutil's CAs lacked before 8.18.1: Python from 3.13 refuses a CA without.
    Raises CertificateError: a common name or duration that cannot be.
    """
    name = _name(request.common_name)
    start, end = validity(now, request.days)
    public = key.public_key()
    own_id = x509.SubjectKeyIdentifier.from_public_key(public)
    builder = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=public, serial_number=serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(key_cert_sign=True), critical=True)
        .add_extension(own_id, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False)
    )
    return builder.sign(key, hash_for(key))


def issue_leaf(
    request: LeafRequest,
    *,
    authority: x509.Certificate,
    authority_key: PrivateKey,
    key: PrivateKey,
    serial: int,
    now: datetime,
) -> x509.Certificate:
    """A leaf for `key`, never valid outside the validity of its CA.

    Raises CertificateError: the CA is expired, no CA, or not the one of this key; no SAN; an unknown usage.
    """
    start, end = _leaf_validity(request, authority, now)
    check_authority(authority, authority_key, request.authority)
    public = key.public_key()
    # KeyUsage of an EC key has no encipherment: TLS agrees on keys and signs (RFC 8446 §4.4.2.2, RFC 8422 §5.3).
    usage = key_usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPrivateKey))
    builder = (
        x509.CertificateBuilder(
            subject_name=leaf_name(request),
            issuer_name=authority.subject,
            public_key=public,
            serial_number=serial,
        )
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(subject_names(request)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(_authority_key_id(authority, authority_key), critical=False)
    )
    if request.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage_ids(request)), critical=False)
    return builder.sign(authority_key, hash_for(authority_key))


def _name(common_name: str) -> x509.Name:
    if not 1 <= len(common_name) <= _LONGEST_COMMON_NAME:
        raise CertificateError(
            f"common name {common_name!r} has {len(common_name)} characters", hint="1 to 64 are allowed (RFC 5280)"
        )
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def leaf_name(request: LeafRequest) -> x509.Name:
    """Subject of a leaf."""
    # A long host name must not stop an apply: clients look at the SANs, so the CN may be cut.
    return _name((request.common_name or request.target)[:_LONGEST_COMMON_NAME])


def validity(now: datetime, days: int) -> tuple[datetime, datetime]:
    """First and last moment of a certificate made now. Raises CertificateError: days that cannot be."""
    if days < 1:
        raise CertificateError(f"a validity of {days} days cannot be")
    at = now.astimezone(UTC).replace(microsecond=0)
    try:
        return at - BACKDATED, at + timedelta(days=days)
    except OverflowError as exc:
        raise CertificateError(f"a validity of {days} days cannot be") from exc


def _leaf_validity(request: LeafRequest, authority: x509.Certificate, now: datetime) -> tuple[datetime, datetime]:
    ca_start, ca_end = authority.not_valid_before_utc, authority.not_valid_after_utc
    if ca_end <= now:
        raise CertificateError(
            f"certificate authority {request.authority} expired on {ca_end:%Y-%m-%d}",
            hint=f"renew it: estui ca renew {request.authority}",
        )
    if ca_start > now:
        raise CertificateError(f"certificate authority {request.authority} is valid from {ca_start:%Y-%m-%d} only")
    start, end = validity(now, request.days)
    return max(start, ca_start), min(end, ca_end)


def check_authority(authority: x509.Certificate, authority_key: PrivateKey, name: str) -> None:
    """Raises CertificateError: no CA, one that may not sign, or not the one of this key."""
    facts = certificate_facts(authority)
    if not facts.is_ca:
        raise CertificateError(f"certificate {facts.subject} is no certificate authority")
    if facts.key_usage is not None and "keyCertSign" not in facts.key_usage:
        raise CertificateError(f"certificate authority {facts.subject} may not sign certificates (its KeyUsage)")
    if facts.key_sha256 != public_key_sha256(authority_key):
        raise CertificateError(f"key and certificate of certificate authority {name} do not belong together")


def subject_names(request: LeafRequest) -> list[x509.GeneralName]:
    """SANs of a leaf, host names first. Raises CertificateError: none, or one that cannot be."""
    try:
        addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in request.addresses]
        names: list[x509.GeneralName] = [*map(x509.DNSName, request.dns_names), *addresses]
    except ValueError as exc:
        raise CertificateError(f"a name of the leaf for {request.target} cannot be: {exc}") from exc
    if not names:
        raise CertificateError(
            f"the leaf for {request.target} has no names", hint="give its host in the inventory (names:)"
        )
    return names


def usage_ids(request: LeafRequest) -> list[x509.ObjectIdentifier]:
    """Purposes of a leaf as its EKU names them. Raises CertificateError: an unknown one."""
    unknown = [usage for usage in request.usages if usage not in _USAGES]
    if unknown:
        raise CertificateError(f"usage {unknown[0]!r} is unknown", hint="serverAuth and clientAuth are known")
    return [_USAGES[usage] for usage in request.usages]


def _authority_key_id(authority: x509.Certificate, authority_key: PrivateKey) -> x509.AuthorityKeyIdentifier:
    with tolerating_odd_certificates():
        try:
            held = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        except x509.ExtensionNotFound:
            held = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(held)


def key_usage(
    *, digital_signature: bool = False, key_encipherment: bool = False, key_cert_sign: bool = False
) -> x509.KeyUsage:
    """The extension with these purposes; a CA signs revocation lists too."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def hash_for(key: PrivateKey) -> hashes.SHA256 | None:
    """The digest that a signature with this key uses."""
    # Edwards curves hash by themselves; an imported CA may have such a key although a node may not.
    return None if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
