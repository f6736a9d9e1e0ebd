"""JKS stores are listed without their password: aliases and certificates lie in clear; keys stay closed."""

from __future__ import annotations

import contextlib

import pytest

from estui.errors import StoreError
from estui.formats.jks import convert_command, is_jks, read_jks
from estui.pki.facts import certificate_facts
from tests.unit.pki.samples import STORES

NODE, TRUST = ((STORES / "java" / name).read_bytes() for name in ("node.jks", "trust.jks"))


def test_a_keystore_shows_its_key_entry_and_chain() -> None:
    store = read_jks(NODE, "node.jks")
    assert [(entry.alias, entry.is_key, len(entry.certificates)) for entry in store.entries] == [("node", True, 1)]
    assert store.complete
    assert certificate_facts(store.entries[0].certificates[0]).subject


def test_a_truststore_shows_its_trusted_entries() -> None:
    store = read_jks(TRUST, "trust.jks")
    assert [entry.is_key for entry in store.entries] == [False]
    assert certificate_facts(store.entries[0].certificates[0]).sha256


def test_every_store_that_is_cut_off_is_refused() -> None:
    """Never another exception, never a shorter list."""
    for length in range(4, len(NODE) - 20):
        with pytest.raises(StoreError):
            read_jks(NODE[:length], "node.jks")


@pytest.mark.parametrize("at", [4, 5, 8, 9, 30, 31])
def test_a_store_with_a_wrong_byte_in_it_is_refused_or_read(at: int) -> None:
    """No other exception comes out, whatever length or count the byte makes."""
    with contextlib.suppress(StoreError):
        read_jks(NODE[:at] + b"\xff" + NODE[at + 1 :], "node.jks")


def test_a_secret_key_of_jceks_hides_what_is_behind_it_and_that_is_told() -> None:
    head = bytes.fromhex("cececece 00000002 00000001 00000003".replace(" ", ""))
    store = read_jks(head + b"\x00\x01k" + bytes(8) + b"\xac\xed", "keys.jks")
    assert (store.entries, store.complete) == ((), False)


def test_other_files_are_no_jks() -> None:
    assert not is_jks((STORES / "java" / "legacy.p12").read_bytes())
    with pytest.raises(StoreError, match="not a JKS store"):
        read_jks(b"", "node.jks")


def test_the_command_that_converts_a_store_survives_a_shell() -> None:
    command = convert_command("/mnt/es 1/node.jks")
    assert "-srckeystore '/mnt/es 1/node.jks' -destkeystore '/mnt/es 1/node.p12' -deststoretype pkcs12" in command
