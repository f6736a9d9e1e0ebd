"""BER, as far as PKCS#12 stores of other makers need it: bytes to the values of `der.py`.

Owns open lengths and octet strings in pieces (X.690 §8.1.3.6, §8.7.3), which Bouncy Castle and NSS write.
"""

from __future__ import annotations

from estui.formats import der

_CONSTRUCTED = 0x20
_OPEN = 0x80
_PIECES = der.OCTET_STRING | _CONSTRUCTED
_DEEPEST = 32


def parse_values(content: bytes) -> list[der.Tlv]:
    """The values that follow each other in `content`, as DER has them. Raises DerError: damaged, nested too deep."""
    values: list[der.Tlv] = []
    at = 0
    while at < len(content):
        value, at = _value(content, at, 0)
        values.append(value)
        der.check_count(len(values))
    return values


def _value(content: bytes, at: int, depth: int) -> tuple[der.Tlv, int]:
    """The value at `at`, and where it ends."""
    if depth > _DEEPEST or at + 2 > len(content):
        raise der.DerError("nested too deep, or cut off")
    tag = content[at]
    if content[at + 1] == _OPEN and tag & _CONSTRUCTED:
        parts, end = _open_parts(content, at + 2, depth)
    else:
        start, end = der.bounds(content, at)
        if tag != _PIECES:
            return der.Tlv(tag, content[start:end], content[at:end]), end
        parts = parse_values(content[start:end])
    return _joined(tag, parts), end


def _open_parts(content: bytes, at: int, depth: int) -> tuple[list[der.Tlv], int]:
    """The values of one whose length is open, and where it ends, which two zero bytes say."""
    parts: list[der.Tlv] = []
    while content[at : at + 2] != b"\0\0":
        part, at = _value(content, at, depth + 1)
        parts.append(part)
        der.check_count(len(parts))
    return parts, at + 2


def _joined(tag: int, parts: list[der.Tlv]) -> der.Tlv:
    """A constructed value of these parts; the pieces of an octet string as one."""
    if tag == _PIECES:
        tag, inner = der.OCTET_STRING, b"".join(part.content for part in parts)
    else:
        inner = b"".join(part.whole for part in parts)
    return der.Tlv(tag, inner, der.encode(tag, inner))
