"""PBES2 (RFC 8018 §6.2), the encryption of PKCS#12 contents since JDK 16: ciphertext to bytes and back.

Owns PBKDF2 with AES-CBC, which is what Java, OpenSSL 3 and cryptography write. Older schemes are left to cryptography,
which opens them but does not show what is inside.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from estui.formats import der
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
_MOST_ROUNDS = 10_000_000  # seconds; writers use 2,048 to 600,000


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
    if prf is None or not 1 <= rounds <= _MOST_ROUNDS:
        return None
    return hashlib.pbkdf2_hmac(prf, password.encode(), salt, rounds, length)
