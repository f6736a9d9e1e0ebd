"""`elasticsearch.keystore`, the secure settings of a node: bytes to entries and back.

Owns formats 3 to 7 (Elasticsearch 6.3 to 9.x), byte for byte as the class `KeyStoreWrapper` of Elasticsearch
reads and writes them. Which entries a node needs, and files themselves, are left to others.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from estui.errors import Location, StoreError
from estui.model.version import Version
from estui.secret import Secret

ByteOrder = Literal["big", "little"]

OLDEST_FORMAT, NEWEST_FORMAT = 3, 7
SEED = "keystore.seed"
"""Entry that every file holds; a node without it rewrites the file at its start."""
SEED_SYMBOLS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789~!@#$%^&*-_=+?"
SEED_LENGTH = 20
SALT_LENGTH, IV_LENGTH = 64, 12
"""Bytes that `write_secure_settings` wants."""

_HEADER_MAGIC = bytes.fromhex("3fd76c17")
_FOOTER_MAGIC = bytes.fromhex("c02893e8")
_CODEC_NAME = b"elasticsearch.keystore"
_PREFIX = _HEADER_MAGIC + bytes([len(_CODEC_NAME)]) + _CODEC_NAME
_BODY = len(_PREFIX) + 4 + 1 + 4
_FOOTER = 16
_TAG = 16
_NAME = re.compile(r"[A-Za-z0-9_\-.]+")
_RECREATE = "stop the node, move the file away and create it again with elasticsearch-keystore of the node's version"
_DAMAGED = "restore the file from a copy, or create it again with elasticsearch-keystore"


@dataclass(frozen=True)
class Header:
    """What can be told without a password."""

    version: int
    protected: bool


@dataclass(frozen=True)
class SecureSettings:
    """A whole file: setting name to raw bytes. The format does not say whether a value is text or a file."""

    version: int
    entries: Mapping[str, bytes] = field(repr=False)
    protected: bool


@dataclass(frozen=True)
class _Envelope:
    version: int
    protected: bool
    salt: bytes
    iv: bytes
    ciphertext: bytes


def format_for(version: Version) -> int:
    """Format that a node of this version writes itself, so that it does not rewrite the file at its start.

    Raises StoreError: before 6.3 (formats 1 and 2). Source: Elasticsearch `KeyStoreWrapper`, changes 6.3, 6.8/7.1, 8.0,
    8.14 and 8.18; 8.19.0 and 9.1.0 were seen to write 7.
    """
    # 7.0 came out with format 3, before 6.8 and 7.1 dropped the type of an entry.
    if version < Version(6, 3):
        raise StoreError(f"secure settings of Elasticsearch {version} have a format that is not supported")
    if version < Version(6, 8) or Version(7, 0) <= version < Version(7, 1):
        return 3
    if version < Version(8, 0):
        return 4
    if version < Version(8, 14):
        return 5
    return 6 if version < Version(8, 18) else 7


def make_seed(choice: Callable[[str], str]) -> str:
    """Value for `keystore.seed`: 20 symbols, each picked by `choice` (such as `secrets.choice`)."""
    return "".join(choice(SEED_SYMBOLS) for _ in range(SEED_LENGTH))


def entries_digest(entries: Mapping[str, bytes], key: bytes) -> str:
    """Hex HMAC-SHA256 over all entries but the seed, in order of their names.

    Lengths go in before contents, so that no two different sets of entries give the same text. The seed stays out
    because a node adds a missing one by itself.
    """
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for name in sorted(entries):
        if name != SEED:
            for part in (name.encode(), entries[name]):
                mac.update(len(part).to_bytes(8, "big") + part)
    return mac.hexdigest()


def read_header(content: bytes, path: str) -> Header:
    """Format and protection of a file, after checking its frame and checksum; derives no key.

    Raises StoreError: not such a file, a format other than 3 to 7, or damaged.
    """
    envelope = _open_envelope(content, path)
    return Header(envelope.version, envelope.protected)


def read_secure_settings(content: bytes, password: Secret | None, path: str) -> SecureSettings:
    """Entries of a whole file; `password` is not looked at where the file is not protected.

    Raises StoreError: as `read_header`, password missing or wrong, or damaged inside.
    """
    envelope = _open_envelope(content, path)
    if envelope.protected and not password:
        raise _error(path, "is protected by a password", "name the file that holds it with --keystore-password-file")
    shown = password if envelope.protected and password else Secret("")
    try:
        plain = AESGCM(_key(shown, envelope.salt, envelope.version)).decrypt(
            envelope.iv, envelope.ciphertext, envelope.salt
        )
    except InvalidTag as exc:
        # The checksum was right: a wrong password is by far the likeliest where there is one.
        if envelope.protected:
            raise _error(path, "wrong password or damaged file", "check the password of the secure settings") from exc
        raise _error(path, "the encrypted part is damaged", _DAMAGED) from exc
    entries = _parse_entries(plain, envelope.version, path)
    return SecureSettings(envelope.version, MappingProxyType(entries), envelope.protected)


def write_secure_settings(
    entries: Mapping[str, bytes], *, version: int, password: Secret | None, salt: bytes, iv: bytes
) -> bytes:
    """A whole file of format `version` with the entries in order of their names.

    `salt` is 64 and `iv` 12 random bytes, never used twice. The caller adds `keystore.seed`. Elasticsearch before
    7.7 cannot open a file with a password.
    Raises StoreError: unknown format, or a name that Elasticsearch refuses.
    """
    if not OLDEST_FORMAT <= version <= NEWEST_FORMAT:
        raise StoreError(f"secure settings cannot be written in format {version}", hint="formats 3 to 7 are known")
    if len(salt) != SALT_LENGTH or len(iv) != IV_LENGTH:
        raise StoreError(f"secure settings need a salt of {SALT_LENGTH} and an IV of {IV_LENGTH} bytes")
    secret = password or Secret("")
    plain = _entries_bytes(entries, version)
    ciphertext = AESGCM(_key(secret, salt, version)).encrypt(iv, plain, salt)
    block = b"".join(_int(len(part), version) + part for part in (salt, iv, ciphertext))
    head = _PREFIX + version.to_bytes(4, "big") + bytes([bool(secret)]) + _int(len(block), version)
    checked = head + block + _FOOTER_MAGIC + bytes(4)
    return checked + zlib.crc32(checked).to_bytes(8, "big")


def check_setting_name(name: str, path: str = "elasticsearch.keystore") -> None:
    """Raises StoreError: a name that Elasticsearch refuses (`KeyStoreWrapper.validateSettingName`)."""
    if not _NAME.fullmatch(name):
        raise _error(path, f"secure setting name {name!r} is not allowed", "use letters, digits, '_', '-' and '.'")


@functools.lru_cache(maxsize=4096)  # one for each file of a run: a derivation costs a tenth of a second
def _key(password: Secret, salt: bytes, version: int) -> bytes:
    rounds = 10_000 if version < 6 else 210_000
    length = 16 if version < 7 else 32
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, length)


def _byte_order(version: int) -> ByteOrder:
    # Lucene 9, and with it Elasticsearch 8.0, turned these four integers round; header and footer stayed.
    return "big" if version < 5 else "little"


def _int(value: int, version: int) -> bytes:
    return value.to_bytes(4, _byte_order(version))


def _open_envelope(content: bytes, path: str) -> _Envelope:
    version, protected = _parse_header(content, path)
    _check_footer(content, path)
    order = _byte_order(version)
    reader = _Reader(content[_BODY - 4 : -_FOOTER], path)
    block = reader.take(reader.int32(order), "its data")
    reader.end()
    inner = _Reader(block, path)
    parts = [inner.take(inner.int32(order), what) for what in ("its salt", "its IV", "its ciphertext")]
    inner.end()
    salt, iv, ciphertext = parts
    if len(salt) != SALT_LENGTH or len(iv) != IV_LENGTH or len(ciphertext) < _TAG:
        raise _error(path, "is damaged: salt, IV or ciphertext have an impossible length", _DAMAGED)
    return _Envelope(version, protected, salt, iv, ciphertext)


def _parse_header(content: bytes, path: str) -> tuple[int, bool]:
    if not content:
        raise _error(path, "is empty", _RECREATE)
    if not content.startswith(_PREFIX):
        if _PREFIX.startswith(content):
            raise _error(path, "ends early", _DAMAGED)
        raise _error(path, "is not a file of secure settings (other first bytes)", _RECREATE)
    if len(content) < _BODY:
        raise _error(path, "ends early", _DAMAGED)
    version = int.from_bytes(content[len(_PREFIX) : len(_PREFIX) + 4], "big", signed=True)
    if version in (1, 2):
        raise _error(path, f"format {version} is too old (Elasticsearch 5.3 to 6.2)", _RECREATE)
    if version > NEWEST_FORMAT:
        raise _error(path, f"format {version} is newer than this estui knows", "formats 3 to 7 are known")
    if version < 1:
        raise _error(path, f"is damaged: format {version}", _DAMAGED)
    flag = content[len(_PREFIX) + 4]
    if flag not in (0, 1):
        raise _error(path, f"is damaged: its password flag is {flag:#04x}", _DAMAGED)
    return version, flag == 1


def _check_footer(content: bytes, path: str) -> None:
    if len(content) < _BODY + _FOOTER:
        raise _error(path, "ends early", _DAMAGED)
    footer = content[-_FOOTER:]
    if footer[:8] != _FOOTER_MAGIC + bytes(4):
        raise _error(path, "is damaged: cut off, or something follows its end", _DAMAGED)
    if int.from_bytes(footer[8:], "big") != zlib.crc32(content[:-8]):
        raise _error(path, "is damaged: its checksum does not match its content", _DAMAGED)


def _parse_entries(plain: bytes, version: int, path: str) -> dict[str, bytes]:
    reader = _Reader(plain, path)
    count = reader.int32("big")
    if count < 0:
        raise _error(path, "is damaged: its count of entries is wrong", _DAMAGED)
    entries: dict[str, bytes] = {}
    for _ in range(count):
        name = reader.text("the name of an entry")
        check_setting_name(name, path)
        if version == 3:
            reader.text("the type of an entry")  # STRING or FILE; not looked at by later versions either
        entries[name] = reader.take(reader.int32("big"), f"the value of {name}")
    reader.end()
    return entries


def _entries_bytes(entries: Mapping[str, bytes], version: int) -> bytes:
    parts = [len(entries).to_bytes(4, "big")]
    for name in sorted(entries):
        check_setting_name(name)
        value = entries[name]
        parts.append(_text(name))
        if version == 3:
            parts.append(_text("STRING" if _is_text(value) else "FILE"))
        parts.append(len(value).to_bytes(4, "big") + value)
    return b"".join(parts)


def _text(value: str) -> bytes:
    raw = value.encode("ascii")
    if len(raw) > 0xFFFF:
        raise StoreError("a secure setting name is longer than 65535 bytes")
    return len(raw).to_bytes(2, "big") + raw


def _is_text(value: bytes) -> bool:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return not set(text) & set("\0\r\n")


class _Reader:
    """Takes pieces off bytes; a piece that is not there is damage."""

    def __init__(self, content: bytes, path: str) -> None:
        self._content, self._at, self._path = content, 0, path

    def take(self, length: int, what: str) -> bytes:
        if length < 0 or length > len(self._content) - self._at:
            raise _error(self._path, f"is damaged: the length of {what} is wrong", _DAMAGED)
        self._at += length
        return self._content[self._at - length : self._at]

    def int32(self, order: ByteOrder) -> int:
        return int.from_bytes(self.take(4, "a number"), order, signed=True)

    def text(self, what: str) -> str:
        raw = self.take(int.from_bytes(self.take(2, what), "big"), what)
        try:
            return raw.decode("ascii")
        except UnicodeDecodeError as exc:
            raise _error(self._path, f"is damaged: {what} is no ASCII text", _DAMAGED) from exc

    def end(self) -> None:
        if self._at != len(self._content):
            raise _error(self._path, "is damaged: something follows its last entry", _DAMAGED)


def _error(path: str, summary: str, hint: str) -> StoreError:
    return StoreError(summary, hint=hint, location=Location(path))
