"""Secure settings: in the right file, known, the same everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.model.finding import Severity
from estui.model.observed import FileState, KeystoreFacts, ObservedNode
from tests.unit.decide.findings.builders import V8, Case, check, fire, names, node, secure, seen, state

T = "xpack.security.transport.ssl"
S3 = "s3.client.default.secret_key"
GOOD = seen(node("", keystore=secure("keystore.seed", S3)), node("", "es-2", keystore=secure("keystore.seed", S3)))


def holding(name: str, found: KeystoreFacts, **files: FileState) -> ObservedNode:
    made = node("", name, keystore=found)
    return replace(made, files={**made.files, **{key.replace("__", "."): value for key, value in files.items()}})


CASES = [
    Case("secure-setting-in-yml", seen(node(f"{T}.keystore.secure_password: x")), GOOD, f":2: {T}.keystore"),
    Case("plain-setting-in-keystore", seen(node("", keystore=secure("cluster.name"))), GOOD, "elasticsearch.keystore"),
    Case("secure-setting-unknown", seen(node("", keystore=secure("xpack.security.foo.bar"))), GOOD, "foo.bar"),
    Case(
        "secure-settings-missing",
        seen(*(holding(f"es-{n}", secure(*((S3,) if n < 3 else ()))) for n in (1, 2, 3))),
        GOOD,
        "is missing on es-3",
    ),
    Case(
        "secure-settings-differ",
        seen(*(holding(f"es-{n}", secure(s3__client__default__secret_key="b" if n == 3 else "a")) for n in (1, 2, 3))),
        seen(*(holding(f"es-{n}", secure(s3__client__default__secret_key="a")) for n in (1, 2, 3))),
        "another than most on es-3",
    ),
    Case(
        "keystore-readable",
        seen(holding("es-1", secure(), elasticsearch__keystore=state(b"", 0o664))),
        seen(holding("es-1", secure(), elasticsearch__keystore=state(b"", 0o660))),
        "0664",
    ),
    Case(
        "keystore-owner",
        seen(holding("es-1", secure(), elasticsearch__keystore=state(b"", 0o600, uid=0, gid=0))),
        seen(holding("es-1", secure(), elasticsearch__keystore=state(b"", 0o660))),
        "0600 0:0",
    ),
    Case(
        "keystore-temporary-left",
        seen(holding("es-1", secure(), elasticsearch__keystore__tmp=state())),
        GOOD,
        "elasticsearch.keystore.tmp",
    ),
    Case("bootstrap-password-left", seen(node("", keystore=secure("bootstrap.password"))), GOOD),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_8_19_starts_with_a_bootstrap_password_in_the_yml() -> None:
    """Seen: 8.19.0 started, 9.1.0 did not (real-elasticsearch.md §4.1)."""
    (old,) = fire("secure-setting-in-yml", seen(node("bootstrap.password: x", version=V8)))
    (new,) = fire("secure-setting-in-yml", seen(node("bootstrap.password: x")))
    assert (old.severity, new.severity) == (Severity.ERROR, Severity.FATAL)


@pytest.mark.parametrize(
    "name",
    [
        "xpack.security.authc.realms.ldap.l1.secure_bind_password",
        "xpack.notification.email.account.work.smtp.secure_password",
        "cluster.remote.other.credentials",
        "azure.client.default.sas_token",
        "xpack.watcher.encryption_key",
        "cluster.state.encryption.active_password_id",
    ],
)
def test_names_of_the_products_families_are_known(name: str) -> None:
    assert fire("secure-setting-unknown", seen(node("", keystore=secure(name)))) == []


def test_a_name_that_a_plugin_may_know_only_warns() -> None:
    (found,) = fire("secure-setting-unknown", seen(node("", keystore=secure("my.plugin.token"))))
    assert found.severity is Severity.WARNING


def test_a_misspelt_name_is_fatal_and_names_the_right_one() -> None:
    (found,) = fire("secure-setting-unknown", seen(node("", keystore=secure("bootstrap.pasword"))))
    assert found.severity is Severity.FATAL
    assert "did you mean bootstrap.password?" in found.hint


def test_passwords_of_tls_stores_may_differ_from_node_to_node() -> None:
    own = f"{T}.keystore.secure_password".replace(".", "__")
    nodes = [holding(f"es-{n}", secure(**{own: str(n)})) for n in (1, 2, 3)]
    assert fire("secure-settings-differ", seen(*nodes)) == []
    assert fire("secure-settings-missing", seen(*nodes, node("", "es-4"))) == []


def test_a_keystore_that_is_protected_may_be_read() -> None:
    locked = KeystoreFacts(present=True, version=7, protected=True)
    assert fire("keystore-readable", seen(holding("es-1", locked, elasticsearch__keystore=state(b"", 0o664)))) == []
