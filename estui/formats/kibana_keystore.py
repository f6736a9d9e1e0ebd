"""`kibana.keystore`: bytes to entries and back.

Owns the one format there is (Kibana 6.x to 9.x). Values are JSON of any type: entries that estui does not know are
carried over as they are. Where the file lives is left to others.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from estui.errors import Location, StoreError
from estui.secret import Secret

ENCRYPTION_KEYS = (
    "xpack.security.encryptionKey",
    "xpack.encryptedSavedObjects.encryptionKey",
    "xpack.reporting.encryptionKey",
)
"""Entries that Kibana makes up anew at each start where it has none, and that all instances need the same of."""

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"

SALT_LENGTH, IV_LENGTH = 64, 12
"""Bytes that `write_kibana_keystore` wants."""
_TAG = 16
_ROUNDS = 10_000
_RECREATE = "move the file away and create it again with kibana-keystore create"


def is_protected(content: bytes, path: str) -> bool:
    """Whether the file has a password of its own: Kibana too finds out by trying the empty one.

    A file that is damaged inside looks the same as a protected one. Raises StoreError: not such a file.
    """
    return _decrypt(_unpack(content, path), Secret("")) is None


def read_kibana_keystore(content: bytes, password: Secret | None, path: str) -> dict[str, JsonValue]:
    """Entries of a whole file: setting name to JSON value. The empty password is tried first, as Kibana does.

    Raises StoreError: not such a file, password missing or wrong, damaged.
    Source: Kibana `src/cli/keystore/keystore.js` (6.x to 9.x).
    """
    packed = _unpack(content, path)
    plain = _decrypt(packed, Secret(""))
    if plain is None and password:
        plain = _decrypt(packed, password)
    if plain is None:
        if password:
            raise _error(path, "wrong password or damaged file", "check the password of the Kibana keystore")
        raise _error(path, "is protected by a password, or damaged", "give the password of the Kibana keystore")
    return _parse_entries(plain, path)


def write_kibana_keystore(
    entries: Mapping[str, JsonValue], *, password: Secret | None, salt: bytes, iv: bytes
) -> bytes:
    """A whole file with the entries in the order given; `salt` is 64 and `iv` 12 random bytes, never used twice."""
    if len(salt) != SALT_LENGTH or len(iv) != IV_LENGTH:
        raise StoreError(f"a Kibana keystore needs a salt of {SALT_LENGTH} and an IV of {IV_LENGTH} bytes")
    try:
        plain = json.dumps(dict(entries), separators=(",", ":"), allow_nan=False).encode()
    except ValueError as exc:  # not a number, infinite, or in a circle
        raise StoreError("a value of the Kibana keystore cannot be written as JSON") from exc
    sealed = AESGCM(_key(password or Secret(""), salt)).encrypt(iv, plain, None)
    # Node's crypto module hands the tag out apart from the ciphertext, and Kibana stores it first.
    ciphertext, tag = sealed[:-_TAG], sealed[-_TAG:]
    return b"1:" + base64.b64encode(salt + iv + tag + ciphertext)


def _key(password: Secret, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 32)


def _unpack(content: bytes, path: str) -> bytes:
    head, colon, body = content.strip().partition(b":")
    if not colon or not head.isdigit():
        raise _error(path, "is empty" if not content else "is not a Kibana keystore", _RECREATE)
    try:
        packed = base64.b64decode(body, validate=True)
    except binascii.Error as exc:
        raise _error(path, "is damaged: its text is no base64", _RECREATE) from exc
    if len(packed) < SALT_LENGTH + IV_LENGTH + _TAG:
        raise _error(path, "ends early", _RECREATE)
    return packed


def _decrypt(packed: bytes, password: Secret) -> bytes | None:
    salt, rest = packed[:SALT_LENGTH], packed[SALT_LENGTH:]
    iv, tag, ciphertext = rest[:IV_LENGTH], rest[IV_LENGTH : IV_LENGTH + _TAG], rest[IV_LENGTH + _TAG :]
    try:
        return AESGCM(_key(password, salt)).decrypt(iv, ciphertext + tag, None)
    except InvalidTag:
        return None


def _parse_entries(plain: bytes, path: str) -> dict[str, JsonValue]:
    # Nothing of the JSON error is passed on: it quotes the text around the mistake.
    try:
        entries = json.loads(plain.decode())
    except (ValueError, RecursionError):
        raise _error(path, "is damaged: its content is no JSON", _RECREATE) from None
    if not isinstance(entries, dict):
        raise _error(path, "is damaged: its content is no JSON object", _RECREATE)
    return entries


def _error(path: str, summary: str, hint: str) -> StoreError:
    return StoreError(summary, hint=hint, location=Location(path))
