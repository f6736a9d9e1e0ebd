"""DER, as far as stores and odd certificates need it: bytes to tagged values.

Owns tags and lengths (X.690 §8.1, definite lengths only); what the values mean is left to the callers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SEQUENCE, SET, OCTET_STRING, OID, INTEGER, BOOLEAN, BMP_STRING = 0x30, 0x31, 0x04, 0x06, 0x02, 0x01, 0x1E


MOST_VALUES = 100_000
"""Values side by side: a store of ten thousand certificates has a tenth of it, a bomb of empty values millions."""
_LONGEST_OID = 64
"""Bytes; real ones have up to 20, and the time for a number grows with the square of its length."""


class DerError(ValueError):
    """The bytes are no DER; the callers say which file that is."""


@dataclass(frozen=True)
class Tlv:
    """One value: tag byte, content bytes, and the whole of it as it stood."""

    tag: int
    content: bytes = field(repr=False)
    whole: bytes = field(repr=False)

    def children(self) -> list[Tlv]:
        """The values inside a constructed one. Raises DerError."""
        return parse_values(self.content)

    def child(self, number: int, tag: int) -> Tlv:
        """The value inside at `number`, which must have this tag. Raises DerError."""
        children = self.children()
        if number >= len(children) or children[number].tag != tag:
            raise DerError(f"no value of tag {tag:#x} at {number}")
        return children[number]

    @property
    def oid(self) -> str:
        """Dotted text of an object identifier (X.690 §8.19). Raises DerError: empty, or longer than any real one."""
        if len(self.content) > _LONGEST_OID:
            raise DerError("an object identifier that is too long")
        arcs: list[int] = []
        value = 0
        for byte in self.content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                arcs.append(value)
                value = 0
        if not arcs:
            raise DerError("empty object identifier")
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))

    @property
    def integer(self) -> int:
        return int.from_bytes(self.content, "big", signed=True)


def parse_value(der: bytes) -> Tlv:
    """The one value that `der` consists of. Raises DerError."""
    values = parse_values(der)
    if len(values) != 1:
        raise DerError("not exactly one value")
    return values[0]


def parse_values(der: bytes) -> list[Tlv]:
    """The values that follow each other in `der`. Raises DerError."""
    values: list[Tlv] = []
    at = 0
    while at < len(der):
        start, end = bounds(der, at)
        values.append(Tlv(der[at], der[start:end], der[at:end]))
        check_count(len(values))
        at = end
    return values


def check_count(number: int) -> None:
    """Raises DerError: more values side by side than any file of ours has."""
    if number > MOST_VALUES:
        raise DerError("too many values")


def encode(tag: int, *contents: bytes) -> bytes:
    """One value of these contents, one after the other (X.690 §8.1.3, §10.1)."""
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def bounds(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the value at `at` starts and ends. Raises DerError."""
    if at + 2 > len(der) or der[at] & 0x1F == 0x1F:
        raise DerError("cut off, or a tag of several bytes")
    length, start = der[at + 1], at + 2
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 8:
            raise DerError("indefinite or overlong length")
        length = int.from_bytes(der[start : start + count], "big")
        start += count
    if start + length > len(der):
        raise DerError("a value is longer than what is there")
    return start, start + length
