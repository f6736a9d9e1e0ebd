"""`<beat>.keystore`: bytes to entries and back.

Owns the one layout there is (Beats 6.x to 9.x), with both of its magics: `v1`, and `v2` of FIPS builds, which refuse
one another's files. What a Beat makes of a value is `beats_values`; where the file lives is left to others.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from estui.errors import Location, StoreError
from estui.secret import Secret

SALT_LENGTH, IV_LENGTH = 64, 12
"""Bytes that `write_beats_keystore` wants."""
PLAIN_VERSION, FIPS_VERSION = 1, 2
"""Number in the magic: that of FIPS builds is another one."""
_PLAIN, _FIPS = b"v1", b"v2"
_ROUNDS = 10_000
_SHORTEST = SALT_LENGTH + IV_LENGTH + 1
_RECREATE = "move the file away and create it again with the Beat's own `keystore create`"


@dataclass(frozen=True)
class BeatsKeystore:
    """Entries of a file by name, in its order. `is_fips`: only FIPS builds read it (elastic-agent-libs 0.18.10)."""

    entries: Mapping[str, Secret] = field(default_factory=dict)
    is_fips: bool = False


def read_beats_keystore(content: bytes, path: str) -> BeatsKeystore:
    """Everything in a whole file. Its password is always empty: no Beat can use another (beats#5737).

    As lax as the library is: line ends in the base64, text after the JSON and unknown fields are let pass; of a name
    that is there twice the last one counts.
    Raises StoreError: not such a file, damaged, or a value that is no text.
    Source: elastic-agent-libs `keystore/file_keystore.go` (beats.md §1).
    """
    magic, body = content[:2], content[2:].replace(b"\r", b"").replace(b"\n", b"")
    if magic not in (_PLAIN, _FIPS):
        raise _error(path, "is empty" if not content else "is not the keystore of a Beat")
    try:
        packed = base64.b64decode(body, validate=True)
    except binascii.Error as exc:
        raise _error(path, "is damaged: its text is no base64") from exc
    if len(packed) < _SHORTEST:
        raise _error(path, "ends early")
    salt, iv, sealed = packed[:SALT_LENGTH], packed[SALT_LENGTH : SALT_LENGTH + IV_LENGTH], packed[76:]
    try:
        plain = AESGCM(_key(salt)).decrypt(iv, sealed, None)
    except InvalidTag as exc:
        raise _error(path, "is damaged, or protected by a password, which no Beat can use") from exc
    return BeatsKeystore(_parse_entries(plain, path), magic == _FIPS)


def write_beats_keystore(entries: Mapping[str, Secret], *, salt: bytes, iv: bytes, is_fips: bool = False) -> bytes:
    """A whole file, entries by name; `salt` is 64 and `iv` 12 random bytes, never used twice.

    Raises StoreError: salt or IV of another length.
    """
    if len(salt) != SALT_LENGTH or len(iv) != IV_LENGTH:
        raise StoreError(f"a Beat's keystore needs a salt of {SALT_LENGTH} and an IV of {IV_LENGTH} bytes")
    listed = {name: {"value": base64.b64encode(entries[name].encode()).decode()} for name in sorted(entries)}
    plain = json.dumps(listed, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    sealed = AESGCM(_key(salt)).encrypt(iv, plain, None)
    return (_FIPS if is_fips else _PLAIN) + base64.b64encode(salt + iv + sealed)


def _key(salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", b"", salt, _ROUNDS, 32)


def _parse_entries(plain: bytes, path: str) -> dict[str, Secret]:
    # Nothing of the JSON error is passed on: it quotes the text around the mistake.
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(plain.decode("utf-8", "replace").lstrip())
    except (ValueError, RecursionError):
        raise _error(path, "is damaged: its content is no JSON") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _error(path, "is damaged: its content is no JSON object")
    return {name: _value(entry, path) for name, entry in found.items()}


def _value(entry: object, path: str) -> Secret:
    fields = {str(name).lower(): value for name, value in entry.items()} if isinstance(entry, dict) else {}
    value = fields.get("value") or ""
    try:
        return Secret(base64.b64decode(str(value), validate=True).decode())
    except ValueError:  # no base64, no ASCII, or no UTF-8 inside
        raise _error(path, "holds a value that is no text") from None


def _error(path: str, summary: str) -> StoreError:
    return StoreError(summary, hint=_RECREATE, location=Location(path))
