"""Private keys: made, named, compared, encrypted.

Reading key files of others is `formats/pem.py`.
"""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from estui.formats.pem import PrivateKey, load_private_key, sealed_key_pem
from estui.model.inventory import KeyType
from estui.secret import Secret

__all__ = ["PrivateKey", "decrypt_key", "encrypt_key", "generate_key", "key_kind", "public_key_sha256"]

_RSA_BITS = {KeyType.RSA_2048: 2048, KeyType.RSA_3072: 3072, KeyType.RSA_4096: 4096}
_CURVES = {"secp256r1": "ec-p256", "secp384r1": "ec-p384", "secp521r1": "ec-p521"}


def generate_key(kind: KeyType) -> PrivateKey:
    """A new private key; RSA-4096 takes up to a second."""
    if kind is KeyType.EC_P256:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[kind])


def key_kind(public_key: object) -> str:
    """Kind and size of a public key in the words of `KeyType`, such as `ec-p256`; others likewise (`ed25519`)."""
    match public_key:
        case ec.EllipticCurvePublicKey():
            return _CURVES.get(public_key.curve.name, f"ec-{public_key.curve.name.lower()}")
        case rsa.RSAPublicKey():
            return f"rsa-{public_key.key_size}"
        case dsa.DSAPublicKey():
            return f"dsa-{public_key.key_size}"
        case ed25519.Ed25519PublicKey():
            return "ed25519"
        case ed448.Ed448PublicKey():
            return "ed448"
        case _:
            return "unknown"


def public_key_sha256(holder: PrivateKey | x509.Certificate) -> str:
    """Hex SHA-256 of the SubjectPublicKeyInfo: equal for a certificate and its key.

    Raises ValueError, UnsupportedAlgorithm: a certificate whose key cryptography cannot read.
    """
    info = holder.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(info).hexdigest()


def encrypt_key(key: PrivateKey, passphrase: Secret, *, salt: bytes, iv: bytes) -> bytes:
    """PKCS#8 PEM under the passphrase, as `sealed_key_pem` has it. Raises UsageError: an empty one."""
    return sealed_key_pem(key, passphrase, salt=salt, iv=iv)


def decrypt_key(content: bytes, passphrase: Secret, path: str) -> PrivateKey:
    """The key of such a file. Raises StoreError: wrong passphrase, damaged, no key in it."""
    return load_private_key(content, passphrase, path)
