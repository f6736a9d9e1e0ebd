"""`users` and `users_roles`, the files of Elasticsearch's file realm, and the password hashes in them.

Owns their lines: what is not asked for stays byte-identical, comments too. When a node sees a change, and who may be
such a user, is left to others. Names are read as leniently as Elasticsearch reads them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from estui.errors import Location, StoreError, UsageError
from estui.secret import Secret

PBKDF2 = "{PBKDF2}"
PBKDF2_STRETCH = "{PBKDF2_STRETCH}"
ITERATIONS = (1_000, 10_000, 50_000, 100_000, 500_000, 1_000_000)
"""The counts that Elasticsearch knows; it refuses every other one (seen on 9.1.0)."""
SALT_LENGTH = 32
"""Bytes; 7.6 parses hashes by fixed width and knows no other length."""

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_NAME = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?")
# Java's String.trim: everything up to and including the space.
_TRIM = "".join(map(chr, range(0x21)))


def parse_users(content: bytes, path: str = "users") -> dict[str, str]:
    """User name to password hash; lines that Elasticsearch skips are left out, the last of a repeated name counts.

    A hash without a known prefix is a password in clear. Raises StoreError: not UTF-8.
    Source: `FileUserPasswdStore.parseFile`.
    """
    users: dict[str, str] = {}
    for line in _lines(_checked(content, path)):
        name, stored = _user_of(line)
        if name is not None:
            users[name] = stored
    return users


def with_user(content: bytes, name: str, password_hash: str) -> bytes:
    """The file with this user: its line replaced where there is one, else a new last line.

    Raises UsageError: a name or a hash that cannot stand in the file.
    """
    check_name(name)
    if not password_hash or set(password_hash) & set("\r\n") or password_hash != password_hash.strip(_TRIM):
        raise UsageError(f"the password hash of user {name} cannot stand in a line")
    line = f"{name}:{password_hash}".encode()
    kept: list[bytes] = []
    written = False
    for old in _lines(content):
        if _user_of(old)[0] != name:
            kept.append(old)
        elif not written:
            kept.append(line + (_ending(old) or _line_end(content)))
            written = True
    return b"".join(kept) if written else _appended(content, line)


def without_user(content: bytes, name: str) -> bytes:
    """The file without this user's lines; the same bytes where there is none."""
    return b"".join(line for line in _lines(content) if _user_of(line)[0] != name)


def parse_users_roles(content: bytes, path: str = "users_roles") -> dict[str, tuple[str, ...]]:
    """Role name to its users; lines of the same role are joined. Raises StoreError: not UTF-8.

    Source: `FileUserRolesStore.parseFile`.
    """
    roles: dict[str, tuple[str, ...]] = {}
    for line in _lines(_checked(content, path)):
        role, users = _role_of(line)
        if role and users and _NAME.fullmatch(role):
            known = roles.get(role, ())
            roles[role] = known + tuple(user for user in dict.fromkeys(users) if user not in known)
    return roles


def with_role(content: bytes, role: str, user: str) -> bytes:
    """The file with this user in this role.

    A line of its own is added even where the role has one: Elasticsearch joins them, and taking ours away again leaves
    every other line as it was. Raises UsageError: a name that cannot stand in the file.
    """
    check_name(role)
    check_name(user)
    if "," in user:
        raise UsageError(f"user name {user} cannot stand in users_roles: it has a comma")
    if user in parse_users_roles(content).get(role, ()):
        return content
    return _appended(content, f"{role}:{user}".encode())


def without_user_in_roles(content: bytes, user: str) -> bytes:
    """The file without this user in any role; a line that names nobody else goes away."""
    kept: list[bytes] = []
    for line in _lines(content):
        role, users = _role_of(line)
        if role is None or user not in users:
            kept.append(line)
            continue
        others = [other for other in users if other != user]
        if others:
            kept.append(line[: line.index(b":") + 1] + ",".join(others).encode() + _ending(line))
    return b"".join(kept)


def check_name(name: str) -> None:
    """Raises UsageError: a user or role name that Elasticsearch refuses, or that its files cannot hold.

    Printable ASCII of 1 to 1024 characters without spaces around (`Validation.java`); the files take no `:`, and
    `#` at the start of a line makes a comment.
    """
    if not _NAME.fullmatch(name) or ":" in name or name.startswith("#"):
        raise UsageError(
            f"{name!r} cannot be a user or role name in the file realm",
            hint="use printable ASCII without ':', without spaces around and without '#' at the start",
        )


def pbkdf2_hash(password: Secret, salt: bytes, iterations: int = 10_000) -> str:
    """A hash string that every version from 6.x accepts, also in FIPS mode. `salt` is 32 random bytes.

    Raises UsageError: a salt length or count of iterations that not every version accepts.
    """
    if iterations not in ITERATIONS or len(salt) != SALT_LENGTH:
        raise UsageError(f"Elasticsearch takes {SALT_LENGTH} bytes of salt and one of {ITERATIONS} iterations")
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, 32)
    return f"{PBKDF2}{iterations}${_base64(salt)}${_base64(digest)}"


def verify_hash(password: Secret, stored: str) -> bool:
    """Whether Elasticsearch would take this password for this stored string.

    A string without a known prefix is compared as clear text, as Elasticsearch does. What Elasticsearch refuses
    (broken base64, unknown count of iterations) is False. Raises StoreError: a bcrypt hash, which takes a library that
    estui does not carry.
    """
    if re.match(r"\$2[a-z]?\$", stored):
        raise StoreError("a bcrypt hash cannot be checked here", hint="write the user's password hash as {PBKDF2}")
    clear = password.encode()
    if stored.startswith(PBKDF2):
        return _verify_pbkdf2(clear, stored.removeprefix(PBKDF2))
    if stored.startswith(PBKDF2_STRETCH):
        # Stretched: the password becomes the lower-case hex text of its SHA-512 first.
        stretched = hashlib.sha512(clear).hexdigest().encode()
        return _verify_pbkdf2(stretched, stored.removeprefix(PBKDF2_STRETCH))
    if stored.startswith("{SSHA256}"):
        salt, digest = _decoded(stored[9:21]), stored[21:]
        return salt is not None and _same(_base64(hashlib.sha256(clear + salt).digest()), digest)
    if stored.startswith("{SHA}"):
        return _same(_base64(hashlib.sha1(clear, usedforsecurity=False).digest()), stored[5:])
    if stored.startswith("{MD5}"):
        return _same(_base64(hashlib.md5(clear, usedforsecurity=False).digest()), stored[5:])
    return hmac.compare_digest(clear, stored.encode())


def _verify_pbkdf2(clear: bytes, rest: str) -> bool:
    parts = rest.split("$")
    if len(parts) != 3 or parts[0] not in map(str, ITERATIONS):
        return False
    salt, digest = _decoded(parts[1]), _decoded(parts[2])
    # Bounds of Elasticsearch's Hasher: 8 bytes of salt at least, hashes of whole 128 bits.
    if not salt or not digest or len(salt) < 8 or len(digest) % 16 or len(digest) > 1024:
        return False
    return hmac.compare_digest(hashlib.pbkdf2_hmac("sha512", clear, salt, int(parts[0]), len(digest)), digest)


def _same(computed: str, stored: str) -> bool:
    return hmac.compare_digest(computed.encode(), stored.encode())


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, or not ASCII
        return None


def _checked(content: bytes, path: str) -> bytes:
    try:
        content.decode()
    except UnicodeDecodeError as exc:
        line = content[: exc.start].count(b"\n") + 1
        raise StoreError(
            "is not UTF-8", hint="Elasticsearch drops every user of such a file", location=Location(path, line)
        ) from exc
    return content


def _lines(content: bytes) -> list[bytes]:
    """Lines with their ends, cut where Java's `Files.readAllLines` cuts."""
    return _LINE.findall(content)


def _ending(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]


def _line_end(content: bytes) -> bytes:
    first = _LINE.match(content)
    return (_ending(first.group()) if first else b"") or b"\n"


def _appended(content: bytes, line: bytes) -> bytes:
    end = _line_end(content)
    between = end if content and not content.endswith((b"\n", b"\r")) else b""
    return content + between + line + end


def _user_of(line: bytes) -> tuple[str | None, str]:
    """Name and hash of a line of `users`; no name where Elasticsearch skips the line."""
    text = line.decode(errors="replace").rstrip("\r\n")
    name, colon, stored = text.strip(_TRIM).partition(":")
    if text.startswith("#") or not colon or not stored or not _NAME.fullmatch(name):
        return None, ""
    return name, stored


def _role_of(line: bytes) -> tuple[str | None, tuple[str, ...]]:
    """Role and users of a line of `users_roles`; no role where the line is a comment or has no users."""
    text = line.decode(errors="replace").rstrip("\r\n")
    role, colon, rest = text.partition(":")
    if text.startswith("#") or not colon or not role.strip(_TRIM):
        return None, ()
    users = re.split(r"\s*,\s*", rest.strip(_TRIM))
    return role.strip(_TRIM), tuple(user for user in users if user)
