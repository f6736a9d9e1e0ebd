"""Several PKCS#12 stores made one (RFC 7292 §4 and appendix B): contents side by side under one MAC.

cryptography writes either a key with its chain or trusted entries, never both; Elasticsearch's own tools put both in
one file that is keystore and truststore. Nothing random is made here: salts and IVs are those of the parts.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from estui.formats import der, pbes2
from estui.secret import Secret

_DATA = bytes.fromhex("06092a864886f70d010701")
"""1.2.840.113549.1.7.1, as an object identifier's whole DER."""
_SHROUDED_KEY = "1.2.840.113549.1.12.10.1.2"
_HASHES = {"2.16.840.1.101.3.4.2.1": ("sha256", 64)}
"""Digest of a MAC: name, and block length in bytes."""
_MAC_KEY = 3
"""Diversifier of appendix B.3 for a key of a MAC."""


def splice(parts: Sequence[bytes], password: Secret, new: Secret) -> bytes:
    """One store with the entries of all parts, which `password` opens; `new` opens the result.

    The parts are as cryptography writes them, with PBES2 and a MAC of SHA-256. Raises DerError: of another shape.
    """
    infos = []
    for part in parts:
        safe = der.parse_value(_octets(der.parse_value(part).child(1, der.SEQUENCE)))
        infos += [info.whole if new == password else _encrypted_anew(info, password, new) for info in safe.children()]
    safe_bytes = der.encode(der.SEQUENCE, *infos)
    version = der.encode(der.INTEGER, b"\x03")
    mac = _mac(der.parse_value(parts[0]).child(2, der.SEQUENCE), safe_bytes, new)
    return der.encode(der.SEQUENCE, version, _data_info(safe_bytes), mac)


def _octets(info: der.Tlv) -> bytes:
    return info.child(1, 0xA0).child(0, der.OCTET_STRING).content


def _data_info(content: bytes) -> bytes:
    """A ContentInfo of type data (RFC 5652 §4)."""
    return der.encode(der.SEQUENCE, _DATA, der.encode(0xA0, der.encode(der.OCTET_STRING, content)))


def _encrypted_anew(info: der.Tlv, password: Secret, new: Secret) -> bytes:
    """The same ContentInfo under another password: encrypted data, or data with shrouded keys."""
    kind = info.child(0, der.OID)
    if kind.whole == _DATA:
        bags = der.parse_value(_octets(info)).children()
        return _data_info(der.encode(der.SEQUENCE, *(_bag_anew(bag, password, new) for bag in bags)))
    version, inner = info.child(1, 0xA0).child(0, der.SEQUENCE).children()[:2]
    algorithm, sealed = inner.child(1, der.SEQUENCE), inner.child(2, 0x80).content
    again = der.encode(
        der.SEQUENCE,
        inner.child(0, der.OID).whole,
        algorithm.whole,
        der.encode(0x80, _turned(algorithm, sealed, password, new)),
    )
    return der.encode(der.SEQUENCE, kind.whole, der.encode(0xA0, der.encode(der.SEQUENCE, version.whole, again)))


def _bag_anew(bag: der.Tlv, password: Secret, new: Secret) -> bytes:
    kind = bag.child(0, der.OID)
    if kind.oid != _SHROUDED_KEY:
        return bag.whole
    value = bag.child(1, 0xA0).child(0, der.SEQUENCE)
    algorithm, sealed = value.child(0, der.SEQUENCE), value.child(1, der.OCTET_STRING).content
    again = der.encode(der.OCTET_STRING, _turned(algorithm, sealed, password, new))
    attributes = b"".join(part.whole for part in bag.children()[2:])
    return der.encode(
        der.SEQUENCE, kind.whole, der.encode(0xA0, der.encode(der.SEQUENCE, algorithm.whole, again)), attributes
    )


def _turned(algorithm: der.Tlv, sealed: bytes, password: Secret, new: Secret) -> bytes:
    clear = pbes2.decrypt(algorithm, sealed, password)
    again = pbes2.encrypt(algorithm, clear, new) if clear is not None else None
    if again is None:
        raise der.DerError("encrypted in another way than with PBES2")
    return again


def _mac(pattern: der.Tlv, content: bytes, password: Secret) -> bytes:
    """MacData over `content`, with digest, salt and rounds of `pattern` (RFC 7292 §4, §5.1)."""
    digest_info, salt = pattern.child(0, der.SEQUENCE), pattern.child(1, der.OCTET_STRING)
    algorithm = digest_info.child(0, der.SEQUENCE)
    named = _HASHES.get(algorithm.child(0, der.OID).oid)
    if named is None:
        raise der.DerError("a MAC of another digest than SHA-256")
    rounds = pattern.child(2, der.INTEGER)
    key = _mac_key(password, salt.content, rounds.integer, *named)
    digest = der.encode(der.OCTET_STRING, hmac.digest(key, content, named[0]))
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, algorithm.whole, digest), salt.whole, rounds.whole)


def _mac_key(password: Secret, salt: bytes, rounds: int, name: str, block: int) -> bytes:
    """Appendix B.2, as far as a key of the digest's own length needs it: one round of blocks."""
    text = password.reveal().encode("utf-16-be") + b"\0\0"
    found = bytes([_MAC_KEY]) * block + _filled(salt, block) + _filled(text, block)
    for _ in range(rounds):
        found = hashlib.new(name, found).digest()
    return found


def _filled(text: bytes, block: int) -> bytes:
    """As many whole blocks of copies of `text` as it takes to hold it."""
    length = -(-len(text) // block) * block
    return (text * (length // len(text) + 1))[:length] if text else b""
