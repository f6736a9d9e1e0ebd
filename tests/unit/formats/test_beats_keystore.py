"""The keystore of Beats: the layout of the real library, its laxness, and what is refused."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from estui.errors import StoreError
from estui.formats.beats_keystore import read_beats_keystore, write_beats_keystore
from estui.secret import Secret

SALT, IV = bytes(range(64)), bytes(range(12))
VECTOR = "13e04afa149da85b0d9e87f3ecc5818e0c99acbe66c81657c7b1bc0bf1f0e171"
"""SHA-256 of the file that elastic-agent-libs opened."""


def _file(plain: bytes, magic: bytes = b"v1") -> bytes:
    """A file with any content, sealed as a Beat does."""
    key = hashlib.pbkdf2_hmac("sha512", b"", SALT, 10_000, 32)
    return magic + base64.b64encode(SALT + IV + AESGCM(key).encrypt(IV, plain, None))


def _text(found: dict[str, Secret] | object) -> dict[str, str]:
    assert isinstance(found, dict)
    return {name: value.reveal() for name, value in found.items()}


def test_it_writes_the_bytes_that_the_real_library_opened() -> None:
    content = write_beats_keystore({"ES_PWD": Secret("s3cret")}, salt=SALT, iv=IV)
    assert len(content) == 170
    assert hashlib.sha256(content).hexdigest() == VECTOR


def test_an_empty_store_has_130_bytes() -> None:
    content = write_beats_keystore({}, salt=SALT, iv=IV)
    assert len(content) == 130
    assert read_beats_keystore(content, "f").entries == {}


def test_what_was_written_is_read_again_in_the_same_kind_of_file() -> None:
    """A file of a FIPS build stays one: the other builds' files are refused by it."""
    entries = {"B": Secret("zwei < & ä 😀"), "a.b": Secret("\n")}
    content = write_beats_keystore(entries, salt=SALT, iv=IV, is_fips=True)
    assert content.startswith(b"v2")
    found = read_beats_keystore(content, "f")
    assert found.is_fips
    assert _text(found.entries) == {"B": "zwei < & ä 😀", "a.b": "\n"}
    assert not read_beats_keystore(write_beats_keystore(entries, salt=SALT, iv=IV), "f").is_fips


@pytest.mark.parametrize(
    ("plain", "entries"),
    [
        (b'{"K":{"value":"eA=="}}', {"K": "x"}),
        (b' {"K":{"value":"eA==","more":1}} trailing', {"K": "x"}),
        (b'{"K":{"Value":"eA=="}}\n', {"K": "x"}),
        (b'{"K":{"value":null}}\n', {"K": ""}),
        (b"null\n", {}),
        (b'{"K":{"value":"eA=="},"K":{"value":"eQ=="}}\n', {"K": "y"}),
        (b'{"":{"value":"eA=="}}\n', {"": "x"}),
    ],
)
def test_it_is_as_lax_as_the_library(plain: bytes, entries: dict[str, str]) -> None:
    assert _text(read_beats_keystore(_file(plain), "f").entries) == entries


def test_line_ends_in_the_text_do_not_matter() -> None:
    content = write_beats_keystore({"K": Secret("x")}, salt=SALT, iv=IV)
    assert _text(read_beats_keystore(content[:40] + b"\r\n" + content[40:] + b"\n", "f").entries) == {"K": "x"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"v", "is not the keystore of a Beat"),
        (b"1:AAAA", "is not the keystore of a Beat"),
        (b"v1", "ends early"),
        (b"v1AAAA", "ends early"),
        (b"v1*", "no base64"),
        (_file(b"{}")[:-8] + b"AAAAAAA=", "is damaged"),
        (_file(b""), "no JSON"),
        (_file(b"[1]"), "no JSON object"),
        (_file(b'{"K":{"value":"**"}}'), "no text"),
    ],
)
def test_what_is_no_keystore_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=words) as caught:
        read_beats_keystore(content, "x.keystore")
    assert caught.value.location is not None
    assert caught.value.location.path == "x.keystore"


def test_a_salt_of_another_length_is_refused() -> None:
    with pytest.raises(StoreError, match="64"):
        write_beats_keystore({}, salt=b"", iv=IV)
