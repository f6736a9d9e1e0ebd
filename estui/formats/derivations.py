"""How much work a file asks for before its password can be tried: counted first, refused where it is too much.

A count of iterations stands in the file in clear, and whoever wrote the file chose it: up to 2**31, which takes an
hour, and the libraries derive without asking.
Owns the walk that finds such counts in a store or an encrypted key, at any depth, and what is too much.
"""

from __future__ import annotations

from estui.errors import Location, StoreError
from estui.formats import ber, der

MOST_ROUNDS = 2_000_000
"""Of one file, all its derivations together: a second or two. Writers use 2,048 to 600,000 for each of up to three."""
_MOST_MEMORY = 64 << 20
"""Bytes that scrypt may take; OpenSSL's own limit is 32 MiB."""
_BYTES_A_ROUND = 128
"""Of scrypt's memory that take about as long as a round of PBKDF2."""
_MOST_VALUES = 300_000
"""Looked at in one file: a store of ten thousand certificates has half of it."""
_PBKDF2, _SCRYPT = "1.2.840.113549.1.5.12", "1.3.6.1.4.1.11591.4.11"
_PBES1 = ("1.2.840.113549.1.5.", "1.2.840.113549.1.12.1.")
"""Schemes of PKCS#5 version 1.5 and of PKCS#12: their parameters are a salt and a count."""
_IV_LENGTHS = {
    "2.16.840.1.101.3.4.1.2": 16,
    "2.16.840.1.101.3.4.1.22": 16,
    "2.16.840.1.101.3.4.1.42": 16,
    "1.2.840.113549.3.7": 8,
}
"""AES in CBC mode, and 3DES."""
_CERTIFICATE = "1.2.840.113549.1.9.22.1"
_MAC_DATA = [der.SEQUENCE, der.OCTET_STRING, der.INTEGER]
_DEEPEST = 24


def check_rounds(path: str, *parts: bytes) -> None:
    """Looks at the parts of one file in DER or BER: a PKCS#12 store, what was decrypted of it, an encrypted key.

    Raises StoreError: it asks for more work than a maker of such files would, or has too many parts. What is neither
    asks for nothing, and its reader will say so.
    """
    count = _Count(path)
    for part in parts:
        count.walk(part, 0)


class _Count:
    """What one file has asked for so far."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._rounds = 0
        self._values = 0

    def walk(self, content: bytes, depth: int) -> None:
        try:
            values = ber.parse_values(content) if depth <= _DEEPEST else []
        except der.DerError:
            return
        self._values += len(values)
        if self._values > _MOST_VALUES:
            raise StoreError(
                f"has more than {_MOST_VALUES} parts",
                hint="no store of certificates has so many; is this the right file?",
                location=Location(self._path),
            )
        if self._is_certificate(values):
            return
        self._look_at(values)
        for value in values:
            if value.tag & 0x20 or value.tag in (der.OCTET_STRING, 0x80):
                self.walk(value.content, depth + 1)

    def _is_certificate(self, values: list[der.Tlv]) -> bool:
        return bool(values) and values[0].tag == der.OID and _oid(values[0]) == _CERTIFICATE

    def _look_at(self, values: list[der.Tlv]) -> None:
        """Values that stand side by side: an algorithm and its parameters, or the data of a MAC (RFC 7292 §4)."""
        tags = [value.tag for value in values]
        if tags == _MAC_DATA:
            self._add(values[2].integer, 0)
        elif tags == [der.OID, der.SEQUENCE]:
            self._add_algorithm(_oid(values[0]), values[1])
        elif tags == [der.OID, der.OCTET_STRING] and len(values[1].content) != _IV_LENGTHS.get(
            _oid(values[0]), len(values[1].content)
        ):
            # which cryptography does not survive
            raise StoreError("is damaged: an IV of an impossible length", location=Location(self._path))

    def _add_algorithm(self, oid: str, parameters: der.Tlv) -> None:
        try:
            numbers = [each.integer for each in ber.parse_values(parameters.content) if each.tag == der.INTEGER]
        except der.DerError:
            return
        if oid == _SCRYPT and len(numbers) >= 3:
            n, r, p = numbers[:3]
            memory = 128 * n * r
            self._add(memory * p // _BYTES_A_ROUND, memory)
        elif (oid == _PBKDF2 or oid.startswith(_PBES1)) and numbers:
            self._add(numbers[0], 0)

    def _add(self, rounds: int, memory: int) -> None:
        self._rounds += max(rounds, 0)
        if self._rounds > MOST_ROUNDS or memory > _MOST_MEMORY:
            raise StoreError(
                "asks for far more key derivation than its password is worth",
                hint=f"it may be made to stall its readers; make it anew, with {MOST_ROUNDS} iterations at most",
                location=Location(self._path),
            )


def _oid(value: der.Tlv) -> str:
    try:
        return value.oid
    except der.DerError:
        return ""
