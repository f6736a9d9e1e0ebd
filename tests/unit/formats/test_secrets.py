"""`secrets.json` opens with its passphrase and with nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from estui.errors import StoreError, UsageError
from estui.formats import secrets
from estui.formats.secrets import Cost, seal, unseal
from estui.secret import Secret

QUICK = Cost(n=2**4)
VALUES = {"password:elastic": Secret("pä€"), "password:kibana_system": Secret("hidden")}
PASSPHRASE = Secret("correct horse")


def sealed(cost: Cost = QUICK) -> bytes:
    return seal(VALUES, PASSPHRASE, salt=bytes(32), nonce=bytes(12), cost=cost)


def test_what_was_sealed_is_unsealed() -> None:
    assert unseal(sealed(), PASSPHRASE, "secrets.json") == VALUES


def test_the_default_cost_is_read_from_the_file() -> None:
    content = seal(VALUES, PASSPHRASE, salt=bytes(32), nonce=bytes(12))
    assert json.loads(content)["kdf"]["n"] == secrets.DEFAULT_COST.n
    assert unseal(content, PASSPHRASE, "secrets.json") == VALUES


def test_neither_names_nor_values_are_in_the_file() -> None:
    assert b"hidden" not in sealed()
    assert b"elastic" not in sealed()


def test_a_wrong_passphrase_is_told() -> None:
    with pytest.raises(StoreError, match="wrong passphrase or damaged file"):
        unseal(sealed(), Secret("other"), "secrets.json")


def test_an_empty_passphrase_seals_nothing() -> None:
    with pytest.raises(UsageError):
        seal(VALUES, Secret(""), salt=bytes(32), nonce=bytes(12))


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    def apply(document: dict[str, Any]) -> None:
        *folders, name = path.split(".")
        for folder in folders:
            document = document[folder]
        document[name] = value

    return apply


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format", 2, "format 2 is newer"),
        ("format", "1", "no format number"),
        ("format", True, "no format number"),
        ("kdf", None, "kdf or cipher"),
        ("kdf.name", "pbkdf2", "unknown way"),
        ("kdf.n", 2**21, "out of bounds"),
        ("kdf.n", 1000, "out of bounds"),
        ("kdf.n", 0, "out of bounds"),
        ("kdf.n", -2, "out of bounds"),
        ("kdf.n", True, "are numbers"),
        ("kdf.r", 2**20, "out of bounds"),
        ("kdf.r", 0, "out of bounds"),
        ("kdf.p", 17, "out of bounds"),
        ("kdf.salt", "%%", "salt is no base64"),
        ("kdf.salt", "ä", "salt is no base64"),
        ("kdf.salt", "", "impossible length"),
        ("cipher.nonce", 3, "nonce is missing"),
        ("cipher.nonce", "AAAA", "impossible length"),
        ("ciphertext", "AAAA", "impossible length"),
        ("ciphertext", "A" * 64, "wrong passphrase or damaged"),
    ],
)
def test_a_doctored_file_is_refused_before_it_costs_anything(path: str, value: object, words: str) -> None:
    document = json.loads(sealed())
    change(path, value)(document)
    with pytest.raises(StoreError, match=words):
        unseal(json.dumps(document).encode(), PASSPHRASE, "secrets.json")


def test_a_doctored_file_cannot_buy_time_with_small_blocks() -> None:
    """n alone has a bound too, not only the memory that n and r take together."""
    document = json.loads(sealed(Cost(n=2**4, r=1)))
    document["kdf"]["n"] = 2**21
    with pytest.raises(StoreError, match="out of bounds"):
        unseal(json.dumps(document).encode(), PASSPHRASE, "secrets.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(StoreError, match="damaged"):
        unseal(content, PASSPHRASE, "secrets.json")
