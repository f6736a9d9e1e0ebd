"""PBES2 (RFC 8018 §6.2), the encryption of PKCS#12 contents since JDK 16: ciphertext to bytes and back.

Owns PBKDF2 with AES-CBC, which is what Java, OpenSSL 3 and cryptography write, and the private keys that estui seals
itself. Older schemes are left to cryptography, which opens them but does not show what is inside.
"""

from __future__ import annotations

import functools
import hashlib

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from estui.errors import UsageError
from estui.formats import der
from estui.formats.derivations import MOST_ROUNDS
from estui.secret import Secret

_PBES2, _PBKDF2 = "1.2.840.113549.1.5.13", "1.2.840.113549.1.5.12"
_PRFS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
_KEY_LENGTHS = {
    "2.16.840.1.101.3.4.1.2": 16,
    "2.16.840.1.101.3.4.1.22": 24,
    "2.16.840.1.101.3.4.1.42": 32,
}
"""AES in CBC mode by its key length."""
ROUNDS = 600_000
"""Of PBKDF2 with HMAC-SHA256 for what estui seals (OWASP, Password Storage Cheat Sheet). They stand in each file: a
later number holds for what is written from then on, and every file opens as it was sealed."""
SALT_LENGTH, IV_LENGTH = 16, 16
"""Bytes that `seal_key` wants."""
_OWN_SCHEME, _OWN_KDF, _OWN_PRF, _OWN_CIPHER = (
    der.encode(der.OID, bytes.fromhex(number))
    for number in ("2a864886f70d01050d", "2a864886f70d01050c", "2a864886f70d0209", "60864801650304012a")
)
"""PBES2, PBKDF2, HMAC-SHA256 and AES-256-CBC, as DER has their identifiers."""


def seal_key(clear: bytes, password: Secret, *, salt: bytes, iv: bytes) -> bytes:
    """An EncryptedPrivateKeyInfo (RFC 5958 §3) of a PKCS#8 key. `salt` and `iv` are 16 random bytes each; of keys that
    are made together the salt may be the same, so that they cost one derivation, the IV never.

    Raises UsageError: an empty password, or another length.
    """
    if not password:
        raise UsageError("a private key cannot be encrypted with an empty passphrase")
    if len(salt) != SALT_LENGTH or len(iv) != IV_LENGTH:
        raise UsageError(f"sealing a key needs a salt of {SALT_LENGTH} and an IV of {IV_LENGTH} bytes")
    rounds = der.encode(der.INTEGER, ROUNDS.to_bytes(ROUNDS.bit_length() // 8 + 1, "big"))
    prf = der.encode(der.SEQUENCE, _OWN_PRF, b"\x05\x00")
    kdf = der.encode(der.SEQUENCE, der.encode(der.OCTET_STRING, salt), rounds, prf)
    cipher = der.encode(der.SEQUENCE, _OWN_CIPHER, der.encode(der.OCTET_STRING, iv))
    parameters = der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, _OWN_KDF, kdf), cipher)
    algorithm = der.parse_value(der.encode(der.SEQUENCE, _OWN_SCHEME, parameters))
    sealed = encrypt(algorithm, clear, password)
    assert sealed is not None  # noqa: S101 - a scheme of its own
    return der.encode(der.SEQUENCE, algorithm.whole, der.encode(der.OCTET_STRING, sealed))


def open_key(sealed: bytes, password: Secret) -> bytes | None:
    """The PKCS#8 key in an EncryptedPrivateKeyInfo; None for another scheme, another shape or a wrong password."""
    try:
        info = der.parse_value(sealed)
        return decrypt(info.child(0, der.SEQUENCE), info.child(1, der.OCTET_STRING).content, password)
    except der.DerError:
        return None


def decrypt(algorithm: der.Tlv, ciphertext: bytes, password: Secret) -> bytes | None:
    """The clear bytes; None where `algorithm` (an AlgorithmIdentifier) is another scheme.

    Raises DerError: parameters of another shape, or a ciphertext that this password does not open.
    """
    cipher = _cipher(algorithm, password)
    if cipher is None:
        return None
    decryptor = cipher.decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    try:
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as exc:
        raise der.DerError("wrong password or damaged ciphertext") from exc


def encrypt(algorithm: der.Tlv, clear: bytes, password: Secret) -> bytes | None:
    """The ciphertext by the parameters that `algorithm` has, salt and IV among them; None for another scheme.

    For the empty password too, which cryptography does not write. Raises DerError: parameters of another shape.
    """
    cipher = _cipher(algorithm, password)
    if cipher is None:
        return None
    padder, encryptor = padding.PKCS7(128).padder(), cipher.encryptor()
    return encryptor.update(padder.update(clear) + padder.finalize()) + encryptor.finalize()


def _cipher(algorithm: der.Tlv, password: Secret) -> Cipher[modes.CBC] | None:
    if algorithm.child(0, der.OID).oid != _PBES2:
        return None
    kdf, scheme = algorithm.child(1, der.SEQUENCE).children()[:2]
    length = _KEY_LENGTHS.get(scheme.child(0, der.OID).oid)
    if kdf.child(0, der.OID).oid != _PBKDF2 or length is None:
        return None
    key = _derive(kdf.child(1, der.SEQUENCE), length, password)
    iv = scheme.child(1, der.OCTET_STRING).content
    return Cipher(algorithms.AES(key), modes.CBC(iv)) if key is not None and len(iv) == 16 else None


def _derive(parameters: der.Tlv, length: int, password: Secret) -> bytes | None:
    """Key by the PBKDF2 parameters: salt, rounds, optional key length, optional PRF (default HMAC-SHA1)."""
    salt = parameters.child(0, der.OCTET_STRING).content
    rounds = parameters.child(1, der.INTEGER).integer
    named = [part.child(0, der.OID).oid for part in parameters.children()[2:] if part.tag == der.SEQUENCE]
    prf = _PRFS.get(named[0]) if named else "sha1"
    if prf is None or not 1 <= rounds <= MOST_ROUNDS:
        return None
    return _pbkdf2(prf, password, salt, rounds, length)


@functools.lru_cache(maxsize=64)  # a key is opened again and again in one run, and each time takes a third of a second
def _pbkdf2(prf: str, password: Secret, salt: bytes, rounds: int, length: int) -> bytes:
    return hashlib.pbkdf2_hmac(prf, password.encode(), salt, rounds, length)
