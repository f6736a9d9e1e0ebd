"""`elasticsearch.keystore` is read and written as Elasticsearch does it."""

from __future__ import annotations

import hashlib
import zlib

import pytest

from estui.errors import StoreError
from estui.formats.es_keystore import (
    SEED_SYMBOLS,
    Header,
    entries_digest,
    format_for,
    make_seed,
    read_header,
    read_secure_settings,
    write_secure_settings,
)
from estui.model.version import Version
from estui.secret import Secret

SALT, IV = bytes(range(64)), bytes(range(12))
SEED_ONLY = {"keystore.seed": b"A" * 20}
PATH = "elasticsearch.keystore"


def written(
    entries: dict[str, bytes] | None = None, *, version: int = 5, password: str = "", salt: bytes = SALT
) -> bytes:
    return write_secure_settings(
        SEED_ONLY if entries is None else entries, version=version, password=Secret(password), salt=salt, iv=IV
    )


def resummed(content: bytes) -> bytes:
    """The bytes with a right checksum: only what is inside can be wrong then."""
    return content[:-8] + zlib.crc32(content[:-8]).to_bytes(8, "big")


# SHA-256 of whole files that Elasticsearch's own class and an independent writer made alike.
VECTORS = [
    (4, "", "4cedae6db2eb524338ed8de139c1814afe6e3e2fc6f7758f29dbbc42ec159f19"),
    (4, "pä€", "a1bda6e3b155c4cf7ee9ddc81b8d26284da3ef3354e8253de97f370ddee1eda9"),
    (5, "", "6e5d7c1660075be2f0c8fce6b8aa056e8b9bcdd8181e4c8f09362039d3a2127a"),
    (6, "", "f6ea008d09a3571e8ad67734440d88e5d75e6b7912424034c6a8c49bf9f4ee75"),
    (7, "", "a28663484a58e94824714a3cc30bdb68215fbf3fb357be56623e192943a89696"),
    (7, "pä€", "afbeda535de4b9418fb134c691a433899a0bf0611c81922fdeeaf6282bccc65d"),
]


@pytest.mark.parametrize(("version", "password", "digest"), VECTORS)
def test_files_equal_those_of_elasticsearch_byte_for_byte(version: int, password: str, digest: str) -> None:
    assert hashlib.sha256(written(version=version, password=password)).hexdigest() == digest


@pytest.mark.parametrize(
    ("version", "password"),
    [(3, ""), (4, "pä€-pass"), (5, ""), (5, "pä€-pass"), (5, "x" * 130), (6, ""), (7, "pä€-pass")],
)
def test_what_was_written_is_read_again(version: int, password: str) -> None:
    entries = {
        "keystore.seed": b"A" * 20,
        "bootstrap.password": "pä€😀".encode(),
        "some.file": bytes(range(256)),
        "e": b"",
    }
    read = read_secure_settings(written(entries, version=version, password=password), Secret(password), PATH)
    assert (read.version, read.entries, read.protected) == (version, entries, bool(password))


def test_sizes_are_those_seen_on_real_files() -> None:
    assert [len(written(version=version)) for version in (3, 4, 7)] == [207, 199, 199]


def test_the_header_needs_no_password() -> None:
    assert read_header(written(version=6, password="secret"), PATH) == Header(6, True)
    assert read_header(written(version=5), PATH) == Header(5, False)


def test_a_password_for_an_unprotected_file_is_not_looked_at() -> None:
    """The node never asks for one then, so neither may a left-over option stop us."""
    assert read_secure_settings(written(), Secret("left over"), PATH).entries == SEED_ONLY


def test_a_missing_and_a_wrong_password_are_told_apart() -> None:
    content = written(password="right")
    with pytest.raises(StoreError, match="protected by a password"):
        read_secure_settings(content, None, PATH)
    with pytest.raises(StoreError, match="wrong password or damaged"):
        read_secure_settings(content, Secret("wrong"), PATH)


@pytest.mark.parametrize("version", [1, 2])
def test_formats_of_elasticsearch_5_are_recognised_and_refused(version: int) -> None:
    content = bytearray(written())
    content[27:31] = version.to_bytes(4, "big")
    with pytest.raises(StoreError, match=f"format {version} is too old") as caught:
        read_header(bytes(content), PATH)
    assert "create it again" in caught.value.hint


def test_a_newer_format_is_refused_as_such() -> None:
    content = bytearray(written())
    content[27:31] = (8).to_bytes(4, "big")
    with pytest.raises(StoreError, match="format 8 is newer"):
        read_header(bytes(content), PATH)


@pytest.mark.parametrize("version", [4, 7])
def test_every_flipped_byte_is_noticed(version: int) -> None:
    content = written(version=version)
    for at in range(len(content)):
        broken = bytearray(content)
        broken[at] ^= 0x40
        with pytest.raises(StoreError):
            read_header(bytes(broken), PATH)


def test_every_cut_is_noticed_and_so_is_what_follows_the_end() -> None:
    content = written()
    for length in range(len(content)):
        with pytest.raises(StoreError):
            read_header(content[:length], PATH)
    with pytest.raises(StoreError, match="follows its end"):
        read_header(content + b"\0", PATH)


@pytest.mark.parametrize("at", [32, 36, 104, 120])
@pytest.mark.parametrize("value", [0x7FFFFFFF, 0xFFFFFFFF, 0, 11, 13, 65])
def test_a_lying_length_under_a_right_checksum_is_noticed(at: int, value: int) -> None:
    """Lengths of the data, the salt, the IV and the ciphertext, in turn."""
    content = bytearray(written())
    content[at : at + 4] = value.to_bytes(4, "little")
    with pytest.raises(StoreError):
        read_header(resummed(bytes(content)), PATH)


def test_a_changed_ciphertext_under_a_right_checksum_is_noticed() -> None:
    content = bytearray(written())
    content[130] ^= 1
    with pytest.raises(StoreError, match="encrypted part is damaged"):
        read_secure_settings(resummed(bytes(content)), None, PATH)


@pytest.mark.parametrize(
    "plain", ["00000002", "000000010001610000000599", "ffffffff", "00000000ff", "00000001000361ff62"]
)
def test_lying_counts_and_lengths_inside_are_noticed(plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("estui.formats.es_keystore._entries_bytes", lambda entries, version: bytes.fromhex(plain))
    content = written()
    with pytest.raises(StoreError, match="damaged"):
        read_secure_settings(content, None, PATH)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 something else", b"\xfe\xed\xfe\xed"])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(StoreError):
        read_header(content, PATH)


@pytest.mark.parametrize("name", ["a/b", "", "ä", "a b", "a\n"])
def test_names_that_elasticsearch_refuses_are_not_written(name: str) -> None:
    with pytest.raises(StoreError, match="not allowed"):
        written({name: b""})


@pytest.mark.parametrize("version", [2, 8])
def test_unknown_formats_are_not_written(version: int) -> None:
    with pytest.raises(StoreError, match=f"format {version}"):
        written(version=version)


def test_format_3_tells_text_from_files() -> None:
    """Elasticsearch 6.3 to 6.7 refuse to give a file as text; later versions do not look."""
    assert len(written({"a": b"text"}, version=3)) - len(written({"a": b"text"}, version=4)) == 2 + len("STRING")
    assert len(written({"a": b"\xff\x00"}, version=3)) - len(written({"a": b"\xff\x00"}, version=4)) == 2 + len("FILE")


@pytest.mark.parametrize(
    ("version", "number"),
    [
        *(("6.3.0", 3), ("6.8.2", 4), ("7.0.1", 3), ("7.1.0", 4), ("7.6.0", 4), ("7.17.29", 4), ("8.0.0", 5)),
        *(("8.13.4", 5), ("8.14.0", 6), ("8.17.9", 6), ("8.18.0", 7), ("8.19.0", 7), ("9.1.0", 7), ("10.0.0", 7)),
    ],
)
def test_each_version_gets_the_format_that_it_writes_itself(version: str, number: int) -> None:
    parsed = Version.parse(version)
    assert parsed
    assert format_for(parsed) == number


def test_versions_before_6_3_are_refused() -> None:
    with pytest.raises(StoreError):
        format_for(Version(6, 2, 4))


def test_a_seed_has_20_of_the_76_symbols() -> None:
    offered: list[str] = []

    def choice(symbols: str) -> str:
        offered.append(symbols)
        return symbols[len(offered)]

    seed = make_seed(choice)
    assert len(seed) == 20
    assert set(offered) == {SEED_SYMBOLS}
    assert len(set(SEED_SYMBOLS)) == 76


def test_the_digest_ignores_seed_and_order_and_sees_everything_else() -> None:
    digest = entries_digest({"a": b"1", "b": b"2"}, b"key")
    assert digest == entries_digest({"b": b"2", "keystore.seed": b"x", "a": b"1"}, b"key")
    others = [
        entries_digest({"a": b"1", "b": b"3"}, b"key"),
        entries_digest({"a": b"1"}, b"key"),
        entries_digest({"a": b"1", "b": b"2"}, b"other"),
        entries_digest({"a": b"1b", "": b"2"}, b"key"),
    ]
    assert digest not in others


def test_no_value_is_shown() -> None:
    read = read_secure_settings(written({"a": b"hidden-value"}), None, PATH)
    assert "hidden" not in repr(read)
