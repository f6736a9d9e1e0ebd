"""`users` and `users_roles`: read as leniently as Elasticsearch does, edited without touching other lines."""

from __future__ import annotations

import base64
import hashlib

import pytest

from estui.errors import StoreError, UsageError
from estui.formats.file_realm import (
    parse_users,
    parse_users_roles,
    pbkdf2_hash,
    verify_hash,
    with_role,
    with_user,
    without_user,
    without_user_in_roles,
)
from estui.secret import Secret

USERS = b"# people\nanna:{PBKDF2}x\r\n  bob:$2a$10$abc \n\n:nobody\nempty:\nno colon\n#carl:x\nanna:second\n"
ROLES = b"# roles\nsuperuser:anna , bob\nviewer:bob\nsuperuser:carl,anna\nnone:\n : x\n"


def test_users_are_those_that_elasticsearch_takes() -> None:
    """Comments, blank lines and broken lines are skipped; the last line of a name counts."""
    assert parse_users(USERS) == {"anna": "second", "bob": "$2a$10$abc"}


def test_roles_are_joined_over_lines() -> None:
    assert parse_users_roles(ROLES) == {"superuser": ("anna", "bob", "carl"), "viewer": ("bob",)}


@pytest.mark.parametrize("parse", [parse_users, parse_users_roles])
def test_a_file_that_is_not_utf8_is_refused_with_its_line(parse: object) -> None:
    assert callable(parse)
    with pytest.raises(StoreError, match="users:2: is not UTF-8"):
        parse(b"a:b\nc:\xff\n", "users")


def test_a_new_user_comes_last_and_goes_again_without_a_trace() -> None:
    added = with_user(USERS, "tmp", "{PBKDF2}y")
    assert added == USERS + b"tmp:{PBKDF2}y\n"
    assert without_user(added, "tmp") == USERS


def test_a_known_user_is_replaced_in_place_once() -> None:
    assert with_user(USERS, "anna", "new") == USERS.replace(b"anna:{PBKDF2}x", b"anna:new").replace(
        b"anna:second\n", b""
    )


def test_line_ends_of_the_file_are_kept() -> None:
    assert with_user(b"a:b\r\n", "c", "d") == b"a:b\r\nc:d\r\n"
    assert with_user(b"a:b", "c", "d") == b"a:b\nc:d\n"
    assert with_user(b"", "c", "d") == b"c:d\n"
    assert with_user(b"x:y\r\na:b", "a", "new") == b"x:y\r\na:new\r\n"


def test_removing_a_user_that_is_not_there_changes_nothing() -> None:
    assert without_user(USERS, "zoe") == USERS
    assert without_user_in_roles(ROLES, "zoe") == ROLES


def test_a_role_is_given_on_a_line_of_its_own_and_taken_without_a_trace() -> None:
    added = with_role(ROLES, "superuser", "tmp")
    assert added == ROLES + b"superuser:tmp\n"
    assert "tmp" in parse_users_roles(added)["superuser"]
    assert without_user_in_roles(added, "tmp") == ROLES


def test_a_role_that_the_user_has_is_not_given_twice() -> None:
    assert with_role(ROLES, "superuser", "bob") == ROLES


def test_taking_a_user_out_of_roles_leaves_the_others_in() -> None:
    assert without_user_in_roles(ROLES, "bob") == ROLES.replace(b"superuser:anna , bob", b"superuser:anna").replace(
        b"viewer:bob\n", b""
    )


@pytest.mark.parametrize("name", ["", " a", "a ", "ä", "a:b", "#a", "a\nb", "x" * 1025])
def test_names_that_the_files_cannot_hold_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        with_user(b"", name, "hash")
    with pytest.raises(UsageError):
        with_role(b"", name, "user")


def test_a_user_name_with_a_comma_has_no_role() -> None:
    with pytest.raises(UsageError, match="comma"):
        with_role(b"", "superuser", "a,b")


@pytest.mark.parametrize("stored", ["", "a\nb:c", "a\r", " a"])
def test_hashes_that_would_break_the_line_are_refused(stored: str) -> None:
    with pytest.raises(UsageError):
        with_user(b"", "a", stored)


def test_a_hash_has_the_fixed_width_that_7_6_parses() -> None:
    stored = pbkdf2_hash(Secret("pä€"), bytes(32))
    assert stored.startswith("{PBKDF2}10000$" + "A" * 43 + "=$")
    assert len(stored.rsplit("$", 1)[1]) == 44
    assert verify_hash(Secret("pä€"), stored)
    assert not verify_hash(Secret("pa"), stored)


@pytest.mark.parametrize(("salt", "iterations"), [(bytes(16), 10_000), (bytes(32), 210_000)])
def test_hashes_that_not_every_version_takes_are_not_made(salt: bytes, iterations: int) -> None:
    with pytest.raises(UsageError):
        pbkdf2_hash(Secret("pw"), salt, iterations)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def pbkdf2(clear: bytes, salt: bytes, iterations: int, length: int) -> str:
    return f"{iterations}${b64(salt)}${b64(hashlib.pbkdf2_hmac('sha512', clear, salt, iterations, length))}"


PASSWORD = b"secret"
SALT8 = b"12345678"
ACCEPTED = [
    "{PBKDF2}" + pbkdf2(PASSWORD, bytes(16), 1000, 64),
    "{PBKDF2_STRETCH}" + pbkdf2(hashlib.sha512(PASSWORD).hexdigest().encode(), bytes(32), 1000, 32),
    "{SSHA256}" + b64(SALT8) + b64(hashlib.sha256(PASSWORD + SALT8).digest()),
    "{SHA}" + b64(hashlib.sha1(PASSWORD).digest()),
    "{MD5}" + b64(hashlib.md5(PASSWORD).digest()),
    "secret",
]


@pytest.mark.parametrize("stored", ACCEPTED)
def test_every_kind_of_hash_is_checked(stored: str) -> None:
    assert verify_hash(Secret("secret"), stored)
    assert not verify_hash(Secret("Secret"), stored)


@pytest.mark.parametrize(
    "stored",
    [
        "{PBKDF2}" + pbkdf2(PASSWORD, bytes(32), 2000, 32),
        "{PBKDF2}" + pbkdf2(PASSWORD, bytes(4), 1000, 32),
        "{PBKDF2}" + pbkdf2(PASSWORD, bytes(32), 1000, 33),
        "{PBKDF2}1000$%%$AAAA",
        "{PBKDF2}",
        "{PBKDF2}-1$AAAA$AAAA",
        "{SSHA256}ä",
    ],
)
def test_what_elasticsearch_refuses_is_no_match(stored: str) -> None:
    assert not verify_hash(Secret("secret"), stored)


def test_bcrypt_is_refused_in_words() -> None:
    with pytest.raises(StoreError, match="bcrypt"):
        verify_hash(Secret("secret"), "$2a$10$" + "x" * 53)
