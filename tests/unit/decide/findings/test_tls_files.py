"""Files behind TLS settings: where they lie, whether they open, what they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import Fault, KeystoreFacts, Observed
from tests.unit.decide.findings.builders import (
    V7,
    Case,
    check,
    disk,
    facts,
    fire,
    named,
    names,
    node,
    on,
    secure,
    seen,
    state,
    transport,
)

T = "xpack.security.transport.ssl"
STORES = f"{T}.enabled: true\n{T}.keystore.path: s.p12\n{T}.truststore.path: s.p12\n"
ONE = secure(f"{T}.keystore.secure_password")
GOOD = seen(node(disk=on(Layer.TRANSPORT, disk())))
LOCKED = named("keystore.path", "s.p12", fault=Fault.PASSWORD, detail="s.p12: wrong password or damaged store")
LOCKED_TRUST = replace(LOCKED, setting="truststore.path")


def fault(kind: Fault, name: str = "x.crt", setting: str = "certificate") -> Observed:
    return seen(transport(named(setting, name, fault=kind, detail=f"{name} is {kind}")))


def store(setting: str, **given: Any) -> Observed:
    return seen(transport(named(setting, "s.p12", format="PKCS12", **given)))


CASES = [
    Case(
        "tls-file-outside",
        seen(transport(named("key", "/elsewhere/k", fault=Fault.OUTSIDE, detail="/elsewhere/k lies outside"))),
        GOOD,
        "elasticsearch.yml:6",
    ),
    Case(
        "tls-file-config-prefix",
        fault(Fault.MISSING, "config/x.crt"),
        fault(Fault.MISSING, "certs/x.crt"),
        "config/x.crt",
    ),
    Case("tls-file-missing", fault(Fault.MISSING, "certs/x.crt"), fault(Fault.MISSING, "config/x.crt")),
    Case("tls-file-unreadable", fault(Fault.UNREADABLE), GOOD),
    Case("tls-file-broken", fault(Fault.BROKEN), GOOD),
    Case("tls-jks-unread", seen(transport(named("keystore.path", "a.jks", format="JKS"))), GOOD, "JKS"),
    Case(
        "tls-one-password-of-two",
        seen(transport(LOCKED_TRUST, yml=STORES, keystore=ONE)),
        seen(transport(LOCKED, LOCKED_TRUST, yml=STORES)),
        "truststore.secure_password is missing",
    ),
    Case(
        "tls-store-password",
        seen(transport(LOCKED, yml=STORES)),
        seen(transport(LOCKED_TRUST, yml=STORES, keystore=ONE)),
    ),
    Case("tls-key-passphrase", fault(Fault.PASSWORD, "k.key", "key"), GOOD),
    Case(
        "tls-store-type",
        seen(transport(named("keystore.path", "node.keystore", format="PKCS12", keys=1))),
        store("keystore.path", keys=1),
    ),
    Case("tls-truststore-empty", store("truststore.path", keys=1), store("truststore.path", trusted=1)),
    Case("tls-keystore-without-key", store("keystore.path", trusted=1), store("keystore.path", keys=1)),
    Case(
        "tls-authority-key-on-node",
        store("truststore.path", trusted=1, authority_keys=("CN=ca",)),
        store("truststore.path", trusted=1),
        "CN=ca",
    ),
    Case(
        "tls-authority-key-in-keystore",
        store("keystore.path", keys=2, authority_keys=("CN=ca",)),
        store("keystore.path", keys=1),
    ),
    Case(
        "tls-authorities-hold-key",
        seen(transport(named("certificate_authorities", "ca.crt", format="PEM", keys=1))),
        GOOD,
    ),
    Case("tls-key-of-another-certificate", seen(node(disk=on(Layer.TRANSPORT, disk(key_sha256="00")))), GOOD, "t.key"),
    Case(
        "tls-key-type",
        seen(node(disk=on(Layer.TRANSPORT, disk(leaf=replace(disk().chain[0], key_type="ed25519"))))),
        GOOD,
        "ed25519",
    ),
    Case("tls-key-readable", seen(transport(named("key", "t.key", mode=0o644))), GOOD, "0644"),
    Case("tls-key-owner", seen(transport(named("key", "t.key", mode=0o600))), GOOD, "0600 0:1000"),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_files_of_a_layer_that_is_switched_off_count_too() -> None:
    """Elasticsearch loads disabled contexts at start (real-elasticsearch.md §0.11)."""
    yml = f"{T}.enabled: false\n{T}.keystore.path: gone.p12"
    missing = named("keystore.path", "gone.p12", fault=Fault.MISSING, detail="gone.p12 does not exist")
    (found,) = fire("tls-file-missing", seen(transport(missing, yml=yml)))
    assert found.severity is Severity.FATAL


def test_without_the_keystores_password_no_store_is_called_wrong() -> None:
    locked = KeystoreFacts(present=True, version=7, protected=True)
    observed = seen(transport(LOCKED, yml=STORES, keystore=locked))
    assert fire("tls-store-password", observed) == []
    assert fire("tls-key-passphrase", observed) == []


def test_one_file_that_is_named_twice_is_told_once() -> None:
    assert len(fire("tls-store-password", seen(transport(LOCKED, LOCKED_TRUST, yml=STORES)))) == 1


def test_an_empty_truststore_starts_in_7() -> None:
    empty = named("truststore.path", "s.p12", format="PKCS12")
    assert fire("tls-truststore-empty", seen(transport(empty, version=V7))) == []


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "readable"),
    [
        (0o640, 0, 1000, True),  # as packages have it
        (0o600, 1000, 1000, True),  # owned by the user of Elasticsearch itself, most likely
        (0o600, 0, 1000, False),
        (0o640, 0, 0, False),  # made by root, group forgotten
        (0o644, 0, 0, True),
    ],
)
def test_a_key_is_readable_if_whoever_reads_the_yml_reads_it(mode: int, uid: int, gid: int, readable: bool) -> None:
    observed = seen(transport(named("key", "t.key", mode=mode, uid=uid, gid=gid)))
    assert (fire("tls-key-owner", observed) == []) is readable


def test_a_key_of_the_same_owner_as_the_yml_is_readable() -> None:
    own = transport(named("key", "t.key", mode=0o600, uid=1000, gid=1000))
    files = {**own.files, "elasticsearch.yml": state(b"", 0o600, 1000, 1000)}
    assert fire("tls-key-owner", seen(replace(own, files=files))) == []
    foreign = {**own.files, "elasticsearch.yml": state(b"", 0o600, 2000, 2000)}
    assert len(fire("tls-key-owner", seen(replace(own, files=foreign)))) == 1


def test_a_key_that_elasticsearch_does_not_read_is_known_by_itself() -> None:
    """The certificate beside it may be of another key, and then tells nothing about it."""
    found = disk(facts(), named=(named("key", "t.key", keys=1, key_type="ed25519"), named("certificate", "t.crt")))
    (told,) = fire("tls-key-type", seen(node(disk=on(Layer.TRANSPORT, found))))
    assert told.where.endswith("transport.ssl.key")


def test_a_store_whose_key_is_not_encrypted_has_none_for_java() -> None:
    file = named("keystore.path", "s.p12", format="PKCS12", keys=1, clear_key=True)
    (told,) = fire("tls-keystore-without-key", seen(transport(file)))
    assert "in the clear" in told.summary


@pytest.mark.parametrize("setting", ["certificate", "certificate_authorities", "truststore.path"])
def test_files_that_hold_no_key_have_to_be_readable_too(setting: str) -> None:
    file = named(setting, "t.crt", mode=0o600, uid=0, gid=0)
    assert len(fire("tls-key-owner", seen(transport(file)))) == 1
