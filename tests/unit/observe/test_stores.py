"""Files of others open without a password or with the first that fits, and the words say which were tried."""

from __future__ import annotations

import pytest

from estui.errors import StoreError
from estui.formats.pem import certificate_pem, private_key_pem
from estui.observe.stores import Opened, open_file
from estui.pki.keys import public_key_sha256
from estui.secret import Secret
from tests.unit.pki.samples import STORES, authority, key


def opened(path: str, **passwords: str) -> Opened:
    given = {name: Secret(value) for name, value in passwords.items()}
    return open_file((STORES / path).read_bytes(), path, given)


@pytest.mark.parametrize(
    ("path", "password", "certificates", "keys"),
    [
        ("certutil/elastic-stack-ca.p12", "ca-pass", 1, 1),
        ("certutil/elastic-stack-ca-empty.p12", "", 1, 1),
        ("certutil/elastic-certificates.p12", "node-pass", 2, 1),
        ("certutil/elastic-certificates-empty.p12", "", 2, 1),
        ("certutil/certs-p12/es-1/es-1.p12", "node-pass", 2, 1),
        ("certutil/http/elasticsearch/es-1/http.p12", "http-pass", 2, 1),
        ("certutil/http/kibana/elasticsearch-ca.pem", "", 1, 0),
        ("certutil/ca-pem/ca/ca.crt", "", 1, 0),
        ("certutil/ca-pem/ca/ca.key", "", 0, 1),
        ("certutil/certs-pem/es-1/es-1.crt", "", 1, 0),
        ("auto-configured/http.p12", "auto-pass", 2, 2),
        ("auto-configured/transport.p12", "auto-pass", 2, 1),
        ("auto-configured/http_ca.crt", "", 1, 0),
        ("java/legacy.p12", "legacy-pass", 1, 1),
        ("java/jdk25.p12", "new-pass", 1, 1),
    ],
)
def test_what_other_programs_wrote_opens(path: str, password: str, certificates: int, keys: int) -> None:
    found = opened(path, wrong="not-this-one", right=password)
    assert (len(found.certificates), len(found.keys)) == (certificates, keys)
    assert found.clear is (not password)
    assert not found.locked


def test_the_hint_says_which_passwords_were_tried_and_never_their_values() -> None:
    with pytest.raises(StoreError) as caught:
        opened("certutil/elastic-stack-ca.p12", first="guess-one", second="guess-two")
    assert caught.value.hint == "tried: no password, first, second"
    assert "guess" not in "\n".join(caught.value.lines())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"noise", "neither a certificate nor a key"),
        (b"0\x82\x01\x00\x02\x01\x03garbage", "wrong password or damaged store"),
        (b"0\x82\x01\x00garbage", "damaged"),
    ],
)
def test_what_is_no_store_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        open_file(content, "a.p12", {})


def test_a_jks_store_is_refused_with_the_command_that_converts_it() -> None:
    with pytest.raises(StoreError, match="JKS") as caught:
        opened("java/node.jks", right="jks-pass")
    assert "keytool -importkeystore" in caught.value.hint


def test_a_locked_key_beside_its_certificate_is_told_apart_from_none() -> None:
    content = certificate_pem(authority()) + private_key_pem(key(), Secret("key-pass"))
    locked = open_file(content, "ca.pem", {"wrong": Secret("x")})
    assert (len(locked.certificates), locked.keys, locked.locked) == (1, (), True)
    found = open_file(content, "ca.pem", {"right": Secret("key-pass")})
    assert [public_key_sha256(each) for each in found.keys] == [public_key_sha256(key())]
    assert (found.locked, found.clear) == (False, False)


def test_no_key_is_in_what_is_printed() -> None:
    assert "PrivateKey" not in repr(open_file(private_key_pem(key()), "ca.key", {}))
