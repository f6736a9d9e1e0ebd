"""PEM and DER: what tools write is read, with errors that name the line."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519

from estui.errors import StoreError, UsageError
from estui.formats.pem import (
    certificate_pem,
    load_certificates,
    load_private_key,
    private_key_pem,
    split_pem,
)
from estui.secret import Secret
from tests.unit.pki import samples

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS8, TRADITIONAL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
CLEAR = serialization.NoEncryption()


def test_certificates_keep_their_order_and_text_around_them_is_allowed() -> None:
    leaf, ca = samples.leaf(), samples.authority()
    content = b"Bag Attributes\n  name: x\n" + certificate_pem(leaf) + b"\r\nnext one\r\n" + certificate_pem(ca)
    assert load_certificates(content, "chain.crt") == [leaf, ca]


def test_windows_line_ends_do_no_harm() -> None:
    assert load_certificates(certificate_pem(samples.leaf()).replace(b"\n", b"\r\n"), "x") == [samples.leaf()]


def test_a_der_certificate_is_read() -> None:
    assert load_certificates(samples.leaf().public_bytes(DER), "x.der") == [samples.leaf()]


def test_a_key_beside_the_certificate_is_passed_over_and_can_be_seen() -> None:
    content = private_key_pem(samples.key()) + certificate_pem(samples.leaf())
    assert load_certificates(content, "x") == [samples.leaf()]
    assert [(block.label, block.line) for block in split_pem(content, "x")] == [("PRIVATE KEY", 1), ("CERTIFICATE", 6)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x: holds no certificate"),
        (b"hello", "x: holds no certificate"),
        (b"a\n-----BEGIN CERTIFICATE-----\nAAAA\n", "x:2: CERTIFICATE block has no END line"),
        (b"-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n", "x:1: CERTIFICATE block is damaged"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "x:1: a certificate is damaged"),
        (b"\x30\x03\x02\x01\x00", "x: a certificate is damaged"),
    ],
)
def test_what_is_no_certificate_is_refused_with_its_place(content: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        load_certificates(content, "x")


def test_a_file_with_a_key_only_says_what_it_holds() -> None:
    with pytest.raises(StoreError) as caught:
        load_certificates(private_key_pem(samples.key()), "x")
    assert caught.value.hint == "it holds: PRIVATE KEY"


@pytest.mark.parametrize("encoding", [PEM, DER])
@pytest.mark.parametrize("form", [PKCS8, TRADITIONAL])
def test_ec_and_rsa_keys_in_clear_are_read(encoding: serialization.Encoding, form: serialization.PrivateFormat) -> None:
    for key in (samples.key(), samples.rsa_key()):
        content = key.private_bytes(encoding, form, CLEAR)
        assert load_private_key(content, None, "x").public_key() == key.public_key()
        assert load_private_key(content, Secret("not needed"), "x").public_key() == key.public_key()


@pytest.mark.parametrize("form", [PKCS8, TRADITIONAL])
def test_encrypted_keys_need_the_right_passphrase(form: serialization.PrivateFormat) -> None:
    content = samples.key().private_bytes(PEM, form, serialization.BestAvailableEncryption(b"right"))
    assert load_private_key(content, Secret("right"), "x").public_key() == samples.key().public_key()
    with pytest.raises(StoreError, match="x:1: wrong passphrase or damaged"):
        load_private_key(content, Secret("wrong"), "x")
    with pytest.raises(StoreError, match="x:1: the private key is encrypted"):
        load_private_key(content, None, "x")


def test_an_encrypted_der_key_needs_its_passphrase() -> None:
    content = samples.key().private_bytes(DER, PKCS8, serialization.BestAvailableEncryption(b"right"))
    assert load_private_key(content, Secret("right"), "x").public_key() == samples.key().public_key()
    for password in (None, Secret("wrong")):
        with pytest.raises(StoreError):
            load_private_key(content, password, "x")


def test_curve_parameters_before_an_openssl_key_are_passed_over() -> None:
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    content = parameters + samples.key().private_bytes(PEM, TRADITIONAL, CLEAR)
    assert load_private_key(content, None, "x").public_key() == samples.key().public_key()


def test_a_key_that_cannot_sign_is_refused() -> None:
    content = x25519.X25519PrivateKey.generate().private_bytes(PEM, PKCS8, CLEAR)
    with pytest.raises(StoreError, match="cannot sign"):
        load_private_key(content, None, "x")


def test_a_file_without_a_key_is_refused() -> None:
    with pytest.raises(StoreError, match="holds no private key"):
        load_private_key(certificate_pem(samples.leaf()), None, "x")


def test_a_damaged_key_is_refused() -> None:
    content = b"-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n"
    with pytest.raises(StoreError, match="damaged or of an unknown kind"):
        load_private_key(content, None, "x")


@pytest.mark.parametrize("cipher", ["AES-256-CBC", "AES-128-CBC", "DES-EDE3-CBC"])
def test_an_older_encrypted_key_with_a_cut_vector_is_refused(cipher: str) -> None:
    """cryptography would abort in Rust; found by the fuzzer."""
    content = (
        f"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {cipher},7FC723F42B1E02\n\n"
        "5Qmq5n/e5FqEJaDoJ7ZF5w==\n-----END EC PRIVATE KEY-----\n"
    )
    with pytest.raises(StoreError, match="DEK-Info line is cut") as told:
        load_private_key(content.encode(), Secret("changeme"), "node.key")
    assert str(told.value.location) == "node.key:1"


def test_keys_are_written_as_pkcs8_in_clear_or_encrypted() -> None:
    assert private_key_pem(samples.rsa_key()).startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert private_key_pem(samples.rsa_key(), Secret("pw")).startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(UsageError, match="empty"):
        private_key_pem(samples.key(), Secret(""))


def test_no_key_is_shown_by_a_block() -> None:
    assert "PRIVATE KEY'" in repr(split_pem(private_key_pem(samples.key()), "x"))
    assert "BEGIN" not in repr(split_pem(private_key_pem(samples.key()), "x"))


@pytest.mark.parametrize("name", ["es-1", "es-2", "es-3"])
def test_files_of_certutil_are_read(name: str) -> None:
    folder = samples.STORES / "certutil" / "certs-pem" / name
    (certificate,) = load_certificates((folder / f"{name}.crt").read_bytes(), name)
    assert load_private_key((folder / f"{name}.key").read_bytes(), None, name).public_key() == certificate.public_key()
