"""`elasticsearch.keystore`: what Python writes, the real class loads, and the other way round."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from estui.errors import StoreError
from estui.formats.es_keystore import SEED_SYMBOLS, format_for, read_secure_settings, write_secure_settings
from estui.model.version import Version
from estui.secret import Secret
from tests.real.artifacts import VERSION
from tests.real.keystore_tool import KeystoreTool, RefusedError

pytestmark = pytest.mark.real

FILE = "elasticsearch.keystore"
PASSWORDS = ("", "pä€-pass", "x" * 130)
FORMATS = (3, 4, 5, 6, 7)
STRINGS = {
    "keystore.seed": "A" * 20,
    "bootstrap.password": "pass word\t€ \U0001f511",
    "xpack.security.transport.ssl.keystore.secure_password": "",
}
BINARY = {"gcs.client.default.credentials_file": bytes(range(256))}
ENTRIES = {**{name: value.encode() for name, value in STRINGS.items()}, **BINARY}


def write(folder: Path, entries: dict[str, bytes], version: int, password: str = "") -> bytes:
    secret = Secret(password) if password else None
    salt, iv = os.urandom(64), os.urandom(12)
    content = write_secure_settings(entries, version=version, password=secret, salt=salt, iv=iv)
    (folder / FILE).write_bytes(content)
    return content


@pytest.mark.parametrize(("version", "password"), [*itertools.product(FORMATS, PASSWORDS)])
def test_java_loads_what_python_writes(
    keystore_tool: KeystoreTool, tmp_path: Path, version: int, password: str
) -> None:
    write(tmp_path, ENTRIES, version, password)
    loaded = keystore_tool.read(tmp_path, password)
    assert (loaded.format, loaded.has_password) == (version, bool(password))
    assert loaded.entries == ENTRIES


@pytest.mark.parametrize("password", PASSWORDS)
def test_python_loads_what_java_writes(keystore_tool: KeystoreTool, tmp_path: Path, password: str) -> None:
    strings = {name: value for name, value in STRINGS.items() if name != "keystore.seed"}
    written = keystore_tool.write(tmp_path, password, strings, BINARY)
    found = read_secure_settings((tmp_path / FILE).read_bytes(), Secret(password) if password else None, FILE)
    seed = found.entries["keystore.seed"].decode()
    assert written == format_for(Version.parse(VERSION) or Version(0, 0, 0))
    assert len(seed) == 20
    assert set(seed) <= set(SEED_SYMBOLS)
    assert found.entries == {**ENTRIES, "keystore.seed": seed.encode()}


def test_a_round_through_both_keeps_every_entry(keystore_tool: KeystoreTool, tmp_path: Path) -> None:
    """Java writes, Python adds one setting and writes, Java loads all of them."""
    keystore_tool.write(tmp_path, "old", {"bootstrap.password": "first"}, BINARY)
    found = read_secure_settings((tmp_path / FILE).read_bytes(), Secret("old"), FILE)
    entries = {**found.entries, "xpack.security.http.ssl.keystore.secure_password": b"added"}
    write(tmp_path, entries, 7, "old")
    assert keystore_tool.read(tmp_path, "old").entries == entries


@pytest.mark.parametrize("given", ["", "wrong"])
def test_a_wrong_password_is_refused_by_both(keystore_tool: KeystoreTool, tmp_path: Path, given: str) -> None:
    content = write(tmp_path, ENTRIES, 7, "right")
    with pytest.raises(RefusedError) as refused:
        keystore_tool.read(tmp_path, given)
    assert refused.value.kind == "java.lang.SecurityException"
    assert refused.value.message == "Provided keystore password was incorrect"
    with pytest.raises(StoreError):
        read_secure_settings(content, Secret(given) if given else None, FILE)


def test_a_flipped_bit_is_refused_by_both(keystore_tool: KeystoreTool, tmp_path: Path) -> None:
    content = bytearray(write(tmp_path, ENTRIES, 7))
    content[len(content) // 2] ^= 1
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(RefusedError, match="checksum failed"):
        keystore_tool.read(tmp_path)
    with pytest.raises(StoreError):
        read_secure_settings(bytes(content), None, FILE)


@pytest.mark.parametrize("name", ["a/b", "ä", "a b"])
def test_names_that_python_refuses_are_those_that_java_refuses(
    keystore_tool: KeystoreTool, tmp_path: Path, name: str
) -> None:
    with pytest.raises(StoreError):
        write(tmp_path, {**ENTRIES, name: b"x"}, 7)
    if " " not in name:
        with pytest.raises(RefusedError, match="does not match the allowed setting name pattern"):
            keystore_tool.write(tmp_path, "", {name: "x"})
