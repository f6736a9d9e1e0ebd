"""Stores of any content: what is written is read again, and no damage passes for content."""

from __future__ import annotations

import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from estui.errors import CertificateError, StoreError, UsageError
from estui.formats import file_realm
from estui.formats.der import DerError, encode, parse_value, parse_values
from estui.formats.es_keystore import entries_digest, read_header, read_secure_settings, write_secure_settings
from estui.formats.kibana_keystore import JsonValue, read_kibana_keystore, write_kibana_keystore
from estui.formats.pem import load_certificates, load_private_key
from estui.formats.pkcs12 import read_pkcs12
from estui.formats.secrets import Cost, seal, unseal
from estui.pki.names import split_names
from estui.secret import Secret

# Key derivations are slow on purpose: few examples, and no deadline for one.
slow = settings(max_examples=25, deadline=None)
quick = settings(max_examples=100, deadline=None)

setting_names = st.text(string.ascii_letters + string.digits + "_-.", min_size=1, max_size=40)
entries = st.dictionaries(setting_names, st.binary(max_size=80), max_size=6)
passwords = st.text(max_size=12)
salts, ivs = st.binary(min_size=64, max_size=64), st.binary(min_size=12, max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
realm_names = (
    st.text(string.printable[:95], min_size=1, max_size=20)
    .map(lambda text: text.strip())
    .filter(lambda text: text and ":" not in text and "," not in text and not text.startswith("#"))
)
realm_lines = st.lists(
    st.sampled_from(["anna:x", "#c", "", " ", "a:b:c", "superuser:anna,bob", "r: anna , zoe ", ":", "é:x"])
    | st.text("ab:,# ", max_size=8),
    max_size=8,
)


@slow
@given(entries, st.sampled_from([3, 4, 5]), passwords, salts, ivs)
def test_secure_settings_round_trip(
    content: dict[str, bytes], version: int, password: str, salt: bytes, iv: bytes
) -> None:
    written = write_secure_settings(content, version=version, password=Secret(password), salt=salt, iv=iv)
    read = read_secure_settings(written, Secret(password), "x")
    assert (dict(read.entries), read.version, read.protected) == (content, version, bool(password))


@quick
@given(st.integers(0, 198), st.integers(1, 255), st.sampled_from([3, 4, 5]))
def test_no_flipped_byte_of_secure_settings_passes(at: int, flip: int, version: int) -> None:
    content = bytearray(KEYSTORES[version])
    content[at] ^= flip
    with pytest.raises(StoreError):
        read_header(bytes(content), "x")


KEYSTORES = {
    version: write_secure_settings(
        {"keystore.seed": b"A" * 20}, version=version, password=None, salt=bytes(64), iv=bytes(12)
    )
    for version in (3, 4, 5)
}


@quick
@given(entries, entries)
def test_different_entries_have_different_digests(first: dict[str, bytes], second: dict[str, bytes]) -> None:
    for content in (first, second):
        content.pop("keystore.seed", None)
    assert (entries_digest(first, b"k") == entries_digest(second, b"k")) is (first == second)


@slow
@given(st.dictionaries(st.text(), json_values, max_size=4), passwords, salts, ivs)
def test_kibana_keystores_round_trip(content: dict[str, JsonValue], password: str, salt: bytes, iv: bytes) -> None:
    written = write_kibana_keystore(content, password=Secret(password), salt=salt, iv=iv)
    assert read_kibana_keystore(written, Secret(password), "x") == content


@slow
@given(st.dictionaries(st.text(), passwords, max_size=4), passwords.filter(bool))
def test_sealed_secrets_round_trip(values: dict[str, str], passphrase: str) -> None:
    secrets = {name: Secret(text) for name, text in values.items()}
    content = seal(secrets, Secret(passphrase), salt=bytes(32), nonce=bytes(12), cost=Cost(n=2**4))
    assert unseal(content, Secret(passphrase), "x") == secrets


@quick
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_in_words(content: bytes) -> None:
    """No reader lets anything but a StoreError out."""
    readers = (
        lambda: read_secure_settings(content, None, "x"),
        lambda: read_kibana_keystore(content, None, "x"),
        lambda: unseal(content, Secret("p"), "x"),
        lambda: read_pkcs12(content, Secret("p"), "x"),
        lambda: load_certificates(content, "x"),
        lambda: load_private_key(content, Secret("p"), "x"),
    )
    for read in readers:
        with pytest.raises(StoreError):
            read()


@quick
@given(realm_lines, st.sampled_from(["\n", "\r\n"]), realm_names)
def test_a_user_that_came_and_went_leaves_the_files_as_they_were(lines: list[str], end: str, name: str) -> None:
    content = "".join(line + end for line in lines).encode()
    users = file_realm.parse_users(content)
    # A line that Elasticsearch skips may name somebody too, and would go with the user.
    assume(name not in users and file_realm.without_user_in_roles(content, name) == content)
    with_user = file_realm.with_user(content, name, "{PBKDF2}x")
    assert file_realm.parse_users(with_user) == {**users, name: "{PBKDF2}x"}
    assert file_realm.without_user(with_user, name) == content
    with_role = file_realm.with_role(content, "superuser", name)
    assert name in file_realm.parse_users_roles(with_role)["superuser"]
    assert file_realm.without_user_in_roles(with_role, name) == content


@quick
@given(st.text(max_size=8))
def test_a_name_is_either_refused_or_kept(name: str) -> None:
    try:
        content = file_realm.with_user(b"", name, "hash")
    except UsageError:
        return
    assert file_realm.parse_users(content) == {name: "hash"}


@quick
@given(st.recursive(st.binary(max_size=200), lambda inner: st.lists(inner, max_size=4), max_leaves=10))
def test_der_values_round_trip(tree: object) -> None:
    def encoded(part: object) -> bytes:
        if isinstance(part, bytes):
            return encode(0x04, part)
        assert isinstance(part, list)
        return encode(0x30, *map(encoded, part))

    def decoded(whole: bytes) -> object:
        value = parse_value(whole)
        return value.content if value.tag == 0x04 else [decoded(child.whole) for child in value.children()]

    assert decoded(encoded(tree)) == tree


@quick
@given(st.binary(max_size=40))
def test_arbitrary_bytes_are_der_or_refused(content: bytes) -> None:
    try:
        values = parse_values(content)
    except DerError:
        return
    assert b"".join(value.whole for value in values) == content


@quick
@given(st.lists(st.ip_addresses().map(str) | st.from_regex(r"\A(\*\.)?[a-z][a-z0-9]{0,8}(\.[a-z]{2,5}){0,2}\Z")))
def test_split_names_are_stable_and_complete(names: list[str]) -> None:
    hosts, addresses = split_names(names)
    assert split_names((*hosts, *addresses)) == (hosts, addresses)
    assert len({*hosts, *addresses}) == len(set(names))


@quick
@given(st.text(max_size=20))
def test_any_text_is_a_name_or_refused(name: str) -> None:
    try:
        hosts, addresses = split_names([name])
    except CertificateError:
        return
    assert len(hosts) + len(addresses) == 1
