"""Owns the one trick that lets a node start with a key that does not match its certificate.

Java pairs them without looking, and every handshake then fails because the signature does not verify. OpenSSL refuses
such a pair when it is loaded, by comparing public halves: so it is given a key that claims the certificate's public
half and signs with something else. Peers see exactly what they see of a real node (`BAD_SIGNATURE`).
"""

from __future__ import annotations

import base64
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_CURVES = {
    "secp256r1": bytes.fromhex("2a8648ce3d030107"),
    "secp384r1": bytes.fromhex("2b81040022"),
    "secp521r1": bytes.fromhex("2b81040023"),
}
_INTEGER, _BITS, _OCTETS, _OID, _SEQUENCE = 0x02, 0x03, 0x04, 0x06, 0x30


def pretending_key_pem(public: object) -> bytes | None:
    """PEM of a key that passes for the private half of `public` and cannot sign for it; None for other kinds.

    SEC 1 (RFC 5915) and PKCS#1 (RFC 8017 A.1.2).
    """
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in _CURVES:
        return _pem("EC", _ec_key(public))
    if isinstance(public, rsa.RSAPublicKey):
        return _pem("RSA", _rsa_key(public))
    return None


def _ec_key(public: ec.EllipticCurvePublicKey) -> bytes:
    point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    size = (public.curve.key_size + 7) // 8
    body = (
        _integer(1)
        + _value(_OCTETS, secrets.token_bytes(16).rjust(size, b"\0"))
        + _value(0xA0, _value(_OID, _CURVES[public.curve.name]))
        + _value(0xA1, _value(_BITS, b"\0" + point))
    )
    return _value(_SEQUENCE, body)


def _rsa_key(public: rsa.RSAPublicKey) -> bytes:
    numbers = public.public_numbers()
    half = numbers.n.bit_length() // 2
    p, q = (secrets.randbits(half) | 1 | 1 << (half - 1) for _ in range(2))
    d = secrets.randbits(2 * half - 2) | 1
    parts = (0, numbers.n, numbers.e, d, p, q, d % (p - 1), d % (q - 1), secrets.randbits(half - 2))
    return _value(_SEQUENCE, b"".join(_integer(part) for part in parts))


def _pem(kind: str, der: bytes) -> bytes:
    label = f"{kind} PRIVATE KEY"
    return f"-----BEGIN {label}-----\n".encode() + base64.encodebytes(der) + f"-----END {label}-----\n".encode()


def _integer(value: int) -> bytes:
    return _value(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _value(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 + size)) + length.to_bytes(size, "big") + content
