"""The bags inside a PKCS#12 store (RFC 7292 §4), with the attributes that decide what Java makes of them.

Owns the walk through a PFX. cryptography hands out one key only, while a store of Elasticsearch's own set-up has two
(`http`, `http_ca`), and it does not show Oracle's attribute that makes an entry trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography import x509

from estui.formats import ber, der, pbes2
from estui.formats.derivations import check_rounds
from estui.formats.pem import PrivateKey, parse_certificate, parse_private_key
from estui.secret import Secret

_DATA, _ENCRYPTED_DATA = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.6"
_BAGS = "1.2.840.113549.1.12.10.1."
_KEY, _SHROUDED_KEY, _CERTIFICATE = _BAGS + "1", _BAGS + "2", _BAGS + "3"
_FRIENDLY_NAME = "1.2.840.113549.1.9.20"
_TRUSTED_KEY_USAGE = "2.16.840.1.113894.746875.1.1"
"""Oracle's attribute: Java takes a certificate without it for part of a chain (`PKCS12KeyStore`, JDK 8 and newer)."""


@dataclass(frozen=True)
class Bags:
    """What could be opened, in file order."""

    keys: tuple[tuple[str, PrivateKey], ...] = field(repr=False)
    """Alias and key."""
    certificates: tuple[tuple[str, x509.Certificate, bool], ...]
    """Alias, certificate, and whether it is trusted."""
    complete: bool
    """Whether all contents could be opened; otherwise their certificates are missing."""


def open_bags(content: bytes, password: Secret, path: str, loaded: PrivateKey | None) -> Bags:
    """Keys and certificates of a store whose MAC was checked with this password.

    `loaded` is the key that was loaded while it was checked: that of a store with one key, since loading an RSA key
    takes up to 0.2 s. A store of an unexpected shape is not complete and may have nothing at all. Raises StoreError: a
    damaged key or certificate in it.
    """
    keys: list[tuple[str, PrivateKey]] = []
    certificates: list[tuple[str, x509.Certificate, bool]] = []
    try:
        bags, complete = _contents(content, password)
        if sum(bag.child(0, der.OID).oid in (_KEY, _SHROUDED_KEY) for bag in bags) > 1:
            loaded = None
        for bag in bags:
            kind, attributes = bag.child(0, der.OID).oid, _attributes(bag)
            alias = _alias(attributes)
            if kind in (_KEY, _SHROUDED_KEY):
                key = loaded or _key(bag.child(1, 0xA0).child(0, der.SEQUENCE), kind, password, path)
                keys += [(alias, key)] if key else []
            elif kind == _CERTIFICATE:
                certificate = parse_certificate(_certificate(bag), path)
                certificates.append((alias, certificate, _TRUSTED_KEY_USAGE in attributes))
    except der.DerError:
        return Bags((), (), complete=False)
    return Bags(tuple(keys), tuple(certificates), complete)


def check_work(content: bytes, password: Secret, path: str) -> None:
    """Looks at what the derivations of a store cost, also those of keys inside what is encrypted, before it is loaded.

    What an older scheme than PBES2 encrypts stays unseen. Raises StoreError: too much.
    """
    check_rounds(path, content)
    try:
        clear = [each for each in _clear_contents(content, password) if each is not None]
    except der.DerError:
        return
    check_rounds(path, content, *clear)


def _contents(content: bytes, password: Secret) -> tuple[list[der.Tlv], bool]:
    """Bags of all contents that could be opened, and whether those were all."""
    bags: list[der.Tlv] = []
    complete = True
    for clear in _clear_contents(content, password):
        if clear is None:
            complete = False
        else:
            bags += _one(clear).children()
    return bags, complete


def _clear_contents(content: bytes, password: Secret) -> list[bytes | None]:
    """Octets of each ContentInfo; None for an encrypted one of another scheme."""
    outer = _one(content).child(1, der.SEQUENCE)  # version, authSafe, macData
    return [
        _octets(info) if info.child(0, der.OID).oid == _DATA else _decrypted(info, password)
        for info in _one(_octets(outer)).children()
    ]


def _one(content: bytes) -> der.Tlv:
    """The one value in `content`, which may be BER: Bouncy Castle and NSS write stores so."""
    values = ber.parse_values(content)
    if len(values) != 1:
        raise der.DerError("not exactly one value")
    return values[0]


def _octets(info: der.Tlv) -> bytes:
    """Octets of a ContentInfo of type data (RFC 5652 §4)."""
    return info.child(1, 0xA0).child(0, der.OCTET_STRING).content


def _decrypted(info: der.Tlv, password: Secret) -> bytes | None:
    """Clear octets of a ContentInfo of type encrypted data (RFC 5652 §8); None for another type or scheme."""
    if info.child(0, der.OID).oid != _ENCRYPTED_DATA:
        return None
    inner = info.child(1, 0xA0).child(0, der.SEQUENCE).child(1, der.SEQUENCE)  # version, encryptedContentInfo
    return pbes2.decrypt(inner.child(1, der.SEQUENCE), inner.child(2, 0x80).content, password)


def _key(value: der.Tlv, kind: str, password: Secret, path: str) -> PrivateKey | None:
    """Key of a bag; None where an older scheme meets the empty password, which cryptography takes for no password."""
    if kind == _KEY:
        return parse_private_key(value.whole, None, path)
    clear = pbes2.decrypt(value.child(0, der.SEQUENCE), value.child(1, der.OCTET_STRING).content, password)
    if clear is not None:
        return parse_private_key(clear, None, path)
    return parse_private_key(value.whole, password, path) if password else None


def _certificate(bag: der.Tlv) -> bytes:
    """DER inside a certificate bag of type X.509 (RFC 7292 §4.2.3)."""
    return bag.child(1, 0xA0).child(0, der.SEQUENCE).child(1, 0xA0).child(0, der.OCTET_STRING).content


def _attributes(bag: der.Tlv) -> dict[str, der.Tlv]:
    """Attributes by their object identifiers: each a SET of values."""
    found: dict[str, der.Tlv] = {}
    for part in bag.children()[2:]:
        for attribute in part.children():
            found[attribute.child(0, der.OID).oid] = attribute.child(1, der.SET)
    return found


def _alias(attributes: dict[str, der.Tlv]) -> str:
    name = attributes.get(_FRIENDLY_NAME)
    return name.child(0, der.BMP_STRING).content.decode("utf-16-be", "replace") if name else ""
