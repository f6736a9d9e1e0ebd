"""The file realm: `users`, `users_roles`, `service_tokens`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.findings.users import hash_kind
from estui.formats.file_realm import pbkdf2_hash
from estui.model.observed import Observed
from estui.secret import Secret
from tests.unit.decide.findings.builders import Case, check, fire, names, node, seen, state

GOOD_HASH = pbkdf2_hash(Secret("hunter22"), b"s" * 32)
BCRYPT = "$2a$10$" + "a" * 53
ADMIN = f"admin:{GOOD_HASH}\n"
ROLE = "superuser:admin\n"
GOOD = seen(node("", users=ADMIN, users_roles=ROLE), node("", "es-2", users=ADMIN, users_roles=ROLE))
TOKEN = f"elastic/kibana/t1:{GOOD_HASH}\n"


def owned_by_root() -> Observed:
    made = node("", users=ADMIN, users_roles=ROLE)
    return seen(replace(made, files={**made.files, "users": state(ADMIN.encode(), 0o600, 0, 0)}))


CASES = [
    Case("users-clear-text", seen(node("", users="# us\nadmin:hunter22\n", users_roles=ROLE)), GOOD, "users:2"),
    Case("users-hash-refused", seen(node("", users="admin:{PBKDF2}210000$c2FsdA==$aGFzaA==\n")), GOOD, "admin"),
    Case("users-temporary-left", seen(node("", users=f"estui-tmp-1a2b3c4d:{GOOD_HASH}\n")), GOOD, "estui-tmp-1a2b3c4d"),
    Case("users-reserved-name", seen(node("", users=f"elastic:{GOOD_HASH}\n")), GOOD, "elastic is a built-in"),
    Case("users-line-skipped", seen(node("", users=f"{ADMIN}\nnobody\n")), GOOD, "users:2"),
    Case("users-not-text", seen(node("", files={"users": state(b"\xff:x\n")})), GOOD, "not UTF-8"),
    Case("users-without-role", seen(node("", users=ADMIN)), GOOD, "admin has no role"),
    Case("users-owner", owned_by_root(), GOOD, "0600 0:0"),
    Case("users-differ", seen(node("", users=ADMIN, users_roles=ROLE), node("", "es-2")), GOOD, "missing on es-2"),
    Case("service-tokens-differ", seen(node("", service_tokens=TOKEN), node("", "es-2")), GOOD, "elastic/kibana/t1"),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_no_password_or_hash_is_ever_shown() -> None:
    observed = seen(node("", users=f"admin:hunter22\nold:{GOOD_HASH}\nhunter22\n"))
    for case in CASES:
        told = str(fire(case.rule, observed))
        assert "hunter22" not in told
        assert GOOD_HASH not in told


def test_a_temporary_user_that_is_left_in_the_roles_only_is_told_too() -> None:
    (found,) = fire("users-temporary-left", seen(node("", users_roles="superuser:estui-tmp-1\n")))
    assert found.where == "/mnt/es-1/users_roles"


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        (BCRYPT, "known"),
        (BCRYPT.replace("$2a$", "$2y$"), "known"),
        (BCRYPT.replace("$10$", "$20$"), "refused"),
        (GOOD_HASH, "known"),
        ("{SSHA256}abc", "known"),
        ("{ARGON2}abc", "refused"),
        ("secret", "clear"),
    ],
)
def test_hashes_are_told_apart_as_elasticsearch_does(stored: str, kind: str) -> None:
    assert hash_kind(stored) == kind
