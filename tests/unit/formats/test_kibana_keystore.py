"""`kibana.keystore` is read and written as Kibana does it."""

from __future__ import annotations

import base64

import pytest

from estui.errors import StoreError
from estui.formats.kibana_keystore import JsonValue, is_protected, read_kibana_keystore, write_kibana_keystore
from estui.secret import Secret

SALT, IV = bytes(range(64)), bytes(range(12))
PATH = "kibana.keystore"
ENTRIES: dict[str, JsonValue] = {
    "elasticsearch.password": "pä€😀",
    "some.number": 3,
    "a.list": [1, "two", None, {"deep": True}],
    "flag": False,
}


def written(entries: dict[str, JsonValue], password: str = "") -> bytes:
    return write_kibana_keystore(entries, password=Secret(password), salt=SALT, iv=IV)


@pytest.mark.parametrize("password", ["", "pä€-pass"])
def test_entries_of_any_type_survive(password: str) -> None:
    assert read_kibana_keystore(written(ENTRIES, password), Secret(password), PATH) == ENTRIES


def test_the_tag_stands_before_the_ciphertext() -> None:
    """An empty store is `{}`: two bytes of ciphertext after salt, IV and tag. (Vector: OpenSSL's AES-256-GCM.)"""
    content = written({})
    assert content.startswith(b"1:")
    assert b"\n" not in content
    assert len(base64.b64decode(content[2:])) == 64 + 12 + 16 + 2
    assert base64.b64decode(content[2:])[:76] == SALT + IV


def test_a_line_end_after_it_does_no_harm() -> None:
    assert read_kibana_keystore(written({"a": "b"}) + b"\n", None, PATH) == {"a": "b"}


def test_a_password_that_is_not_needed_does_no_harm() -> None:
    """Kibana tries the empty password first."""
    assert read_kibana_keystore(written({"a": "b"}), Secret("left over"), PATH) == {"a": "b"}


def test_protection_is_told_without_the_password() -> None:
    assert not is_protected(written({}), PATH)
    assert is_protected(written({}, "pw"), PATH)


def test_a_missing_and_a_wrong_password_are_told_apart() -> None:
    with pytest.raises(StoreError, match="is protected"):
        read_kibana_keystore(written({}, "pw"), None, PATH)
    with pytest.raises(StoreError, match="wrong password"):
        read_kibana_keystore(written({}, "pw"), Secret("other"), PATH)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"v1abc", "not a Kibana keystore"), (b"1:%%%", "no base64"), (b"1:AAAA", "ends early")],
)
def test_another_file_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        read_kibana_keystore(content, None, PATH)


def test_a_flipped_byte_is_noticed() -> None:
    packed = bytearray(base64.b64decode(written({"a": "b"})[2:]))
    for at in range(0, len(packed), 5):
        broken = bytearray(packed)
        broken[at] ^= 1
        with pytest.raises(StoreError):
            read_kibana_keystore(b"1:" + base64.b64encode(broken), None, PATH)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_not_written(value: float) -> None:
    with pytest.raises(StoreError):
        written({"a": value})


@pytest.mark.parametrize("plain", ["[1]", '{"a":', "[" * 100_000, '"hidden'])
def test_content_that_is_no_json_object_is_refused_without_showing_it(
    plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estui.formats.kibana_keystore.json.dumps", lambda *_, **__: plain)
    content = written({})
    with pytest.raises(StoreError, match="damaged") as caught:
        read_kibana_keystore(content, None, PATH)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    assert "hidden" not in str(caught.value.lines())
