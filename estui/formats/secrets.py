"""`secrets.json`, the workspace's generated passwords: sealed bytes to values and back.

Owns format 1: a key from the workspace passphrase by scrypt (RFC 7914), the values as one JSON object under
AES-256-GCM. Which names there are, and the file itself, are left to others.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from estui.errors import Location, StoreError, UsageError
from estui.secret import Secret

SECRETS_FORMAT = 1
SALT_LENGTH, NONCE_LENGTH = 32, 12
"""Bytes that `seal` wants."""
_ABOUT = b"estui secrets 1"  # authenticated with the ciphertext, so that it opens as nothing else


@dataclass(frozen=True)
class Cost:
    """Parameters of scrypt: memory is 128·n·r bytes, time grows with n·r·p."""

    n: int = 2**15
    r: int = 8
    p: int = 3


# 32 MiB and a few tenths of a second: one of the equal choices of OWASP's Password Storage Cheat Sheet. They are read
# from the file, and each change of a value writes it anew: a later release raises them without a new format.
DEFAULT_COST = Cost()
# What a file may ask for: 128 MiB and a second or two, so that a doctored file cannot stall the reader.
_MOST_MEMORY, _MOST_WORK, _MOST_P = 2**27, 2**22, 16


def seal(
    values: Mapping[str, Secret], passphrase: Secret, *, salt: bytes, nonce: bytes, cost: Cost | None = None
) -> bytes:
    """The whole file. `salt` is 32 and `nonce` 12 random bytes, never used twice. Without `cost` it is `DEFAULT_COST`.

    Raises UsageError: an empty passphrase.
    """
    cost = cost or DEFAULT_COST
    if not passphrase:
        raise UsageError("the workspace passphrase is empty")
    if len(salt) != SALT_LENGTH or len(nonce) != NONCE_LENGTH:
        raise StoreError(f"sealing needs a salt of {SALT_LENGTH} and a nonce of {NONCE_LENGTH} bytes")
    plain = json.dumps({name: values[name].reveal() for name in sorted(values)}).encode()
    document = {
        "format": SECRETS_FORMAT,
        "kdf": {"name": "scrypt", "n": cost.n, "r": cost.r, "p": cost.p, "salt": _text(salt)},
        "cipher": {"name": "aes-256-gcm", "nonce": _text(nonce)},
        "ciphertext": _text(AESGCM(_key(passphrase, salt, cost)).encrypt(nonce, plain, _ABOUT)),
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def unseal(content: bytes, passphrase: Secret, path: str) -> dict[str, Secret]:
    """Values of a whole file by name.

    Raises StoreError: not such a file, a newer format, parameters out of bounds, wrong passphrase or damaged.
    """
    document = _parse(content, path)
    salt, nonce, ciphertext, cost = _parameters(document, path)
    try:
        plain = AESGCM(_key(passphrase, salt, cost)).decrypt(nonce, ciphertext, _ABOUT)
    except InvalidTag as exc:
        raise _error(path, "wrong passphrase or damaged file", "check the workspace passphrase") from exc
    values = json.loads(plain)
    return {name: Secret(text) for name, text in values.items()}


@functools.lru_cache(maxsize=16)
def _key(passphrase: Secret, salt: bytes, cost: Cost) -> bytes:
    return Scrypt(salt=salt, length=32, n=cost.n, r=cost.r, p=cost.p).derive(passphrase.encode())


def _parse(content: bytes, path: str) -> dict[str, object]:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise _damaged(path, "no JSON") from exc
    if not isinstance(document, dict):
        raise _damaged(path, "no JSON object")
    found = document.get("format")
    if type(found) is not int or found < 1:
        raise _damaged(path, "no format number")
    if found > SECRETS_FORMAT:
        raise _error(path, f"format {found} is newer than this estui knows", "use the estui that wrote it")
    return document


def _parameters(document: dict[str, object], path: str) -> tuple[bytes, bytes, bytes, Cost]:
    kdf, cipher = document.get("kdf"), document.get("cipher")
    if not isinstance(kdf, dict) or not isinstance(cipher, dict):
        raise _damaged(path, "kdf or cipher is missing")
    if kdf.get("name") != "scrypt" or cipher.get("name") != "aes-256-gcm":
        raise _error(path, "is sealed in an unknown way", "scrypt with aes-256-gcm is known")
    cost = _cost(kdf, path)
    salt = _bytes(kdf.get("salt"), "salt", path)
    nonce = _bytes(cipher.get("nonce"), "nonce", path)
    ciphertext = _bytes(document.get("ciphertext"), "ciphertext", path)
    if not 16 <= len(salt) <= 64 or len(nonce) != NONCE_LENGTH or len(ciphertext) < 16:
        raise _damaged(path, "salt, nonce or ciphertext has an impossible length")
    return salt, nonce, ciphertext, cost


def _cost(kdf: dict[str, object], path: str) -> Cost:
    """Checked before any key is derived."""
    n, r, p = kdf.get("n"), kdf.get("r"), kdf.get("p")
    # bool is an int for isinstance, hence type().
    if type(n) is not int or type(r) is not int or type(p) is not int:
        raise _damaged(path, "n, r and p are numbers")
    power_of_two = n > 1 and n & (n - 1) == 0
    if not power_of_two or r < 1 or not 1 <= p <= _MOST_P or 128 * n * r > _MOST_MEMORY or n * r * p > _MOST_WORK:
        raise _error(path, f"asks for scrypt with n={n}, r={r}, p={p}, which is out of bounds", "restore a copy")
    return Cost(n, r, p)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bytes(value: object, name: str, path: str) -> bytes:
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _damaged(path, f"{name} is no base64") from exc
    raise _damaged(path, f"{name} is missing")


def _damaged(path: str, what: str) -> StoreError:
    return _error(path, f"is damaged: {what}", "restore it from a copy of the workspace")


def _error(path: str, summary: str, hint: str) -> StoreError:
    return StoreError(summary, hint=hint, location=Location(path))
