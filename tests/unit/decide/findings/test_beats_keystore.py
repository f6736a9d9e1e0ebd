"""A Beat's keystore and keys: modes, leftovers, secrets that change, names that nobody holds, forms of keys."""

from __future__ import annotations

import pytest

from estui.formats.beats_keystore import FIPS_VERSION, PLAIN_VERSION
from estui.formats.yml import parse_settings
from estui.model.observed import KeystoreFacts, Observed, OnDisk
from estui.model.version import Version
from tests.unit.decide.findings.builders import V7, V8, Case, beat, check, fire, named, names, seen, state

OUT = "output.elasticsearch"
YML = f"{OUT}.password: ${{ES_PWD}}\n"
KEY = "/etc/metricbeat/client.key"
PKCS8, LEGACY = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n", b"-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES\n"


def keystore(*held: str, version: int = PLAIN_VERSION) -> KeystoreFacts:
    return KeystoreFacts(present=True, version=version, opened=True, names=held)


HELD = keystore("ES_PWD")
GOOD = seen(beat(YML, keystore=HELD, files={"metricbeat.keystore": state(b"", 0o600)}))


def with_key(content: bytes, version: Version | None, build: int = PLAIN_VERSION) -> Observed:
    found = OnDisk(named=(named("key", KEY, relative="client.key"),))
    files = {"client.key": state(content, 0o600)}
    return seen(beat(YML, trust=found, files=files, version=version, keystore=keystore("ES_PWD", version=build)))


CASES = [
    Case("beat-keystore-mode", seen(beat("", files={"metricbeat.keystore": state(b"", 0o640)})), GOOD, "0640"),
    Case("beat-keystore-leftover", seen(beat("", files={"metricbeat.keystore.tmp": state(b"", 0o600)})), GOOD, ".tmp"),
    Case(
        "beat-secret-altered",
        seen(beat(YML, keystore=HELD, altered=(("ES_PWD", "Beats read it as a number, and write that number"),))),
        GOOD,
        f"ES_PWD, which {OUT}.password is, does not arrive",
    ),
    Case("beat-name-unknown", seen(beat(YML, keystore=keystore("OTHER"))), GOOD, "asks for ${ES_PWD}"),
    Case("beat-key-encrypted", with_key(PKCS8, V7), with_key(PKCS8, V8), "client.key is encrypted"),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_a_fips_build_is_told_by_its_keystore_and_reads_no_encrypted_key() -> None:
    (found,) = fire("beat-key-encrypted", with_key(LEGACY, V8, FIPS_VERSION))
    assert "a FIPS build reads no encrypted key" in found.summary
    assert fire("beat-key-encrypted", with_key(LEGACY, V7)) == []


def test_a_secret_that_nothing_asks_for_does_no_harm() -> None:
    spare = beat("", keystore=keystore("SPARE"), altered=(("SPARE", "Beats read it as true or false"),))
    assert fire("beat-secret-altered", seen(spare)) == []


@pytest.mark.parametrize("value", ["${ES_PWD:fallback}", "${path.config}/ca", "$${ES_PWD}", "${name}"])
def test_a_name_that_is_known_or_has_a_default_is_no_mistake(value: str) -> None:
    assert fire("beat-name-unknown", seen(beat(f"name: x\ntags: '{value}'\n", keystore=keystore()))) == []


def test_names_of_modules_are_looked_for_too_and_an_unseen_keystore_may_hold_them() -> None:
    module = parse_settings(b"- module: elasticsearch\n  password: ${MOD:?say it}\n", "m.yml", "modules")
    (found,) = fire("beat-name-unknown", seen(beat(keystore=keystore(), modules={"modules.d/e.yml": module})))
    assert found.hint == "metricbeat keystore add MOD"
    assert fire("beat-name-unknown", seen(beat(YML))) == []
