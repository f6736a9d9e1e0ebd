"""Private keys are made in the kinds that Elasticsearch takes, and compared by their public halves."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, x25519

from estui.errors import StoreError, UsageError
from estui.model.inventory import KeyType
from estui.pki.keys import decrypt_key, encrypt_key, generate_key, key_kind, public_key_sha256
from estui.secret import Secret
from tests.unit.pki import samples


@pytest.mark.parametrize("kind", [KeyType.EC_P256, KeyType.RSA_2048, KeyType.RSA_3072])
def test_a_key_is_of_the_kind_asked_for(kind: KeyType) -> None:
    assert key_kind(generate_key(kind).public_key()) == kind


def test_other_kinds_have_names_too() -> None:
    keys: list[Any] = [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
        ed448.Ed448PrivateKey.generate(),
        x25519.X25519PrivateKey.generate(),
    ]
    assert [key_kind(key.public_key()) for key in keys] == ["ec-p384", "ec-secp256k1", "ed25519", "ed448", "unknown"]
    assert (
        key_kind(dsa.DSAPublicNumbers(2, dsa.DSAParameterNumbers(2**1023 + 1, 2**159 + 1, 2)).public_key())
        == "dsa-1024"
    )


def test_a_certificate_and_its_key_have_the_same_digest() -> None:
    assert public_key_sha256(samples.leaf()) == public_key_sha256(samples.key(100))
    assert public_key_sha256(samples.leaf()) != public_key_sha256(samples.key(0))


def test_an_encrypted_key_opens_with_its_passphrase_only() -> None:
    content = encrypt_key(samples.key(), Secret("right"), salt=bytes(16), iv=bytes(16))
    assert public_key_sha256(decrypt_key(content, Secret("right"), "ca.key")) == public_key_sha256(samples.key())
    with pytest.raises(StoreError, match="wrong passphrase"):
        decrypt_key(content, Secret("wrong"), "ca.key")


def test_an_empty_passphrase_encrypts_nothing() -> None:
    with pytest.raises(UsageError):
        encrypt_key(samples.key(), Secret(""), salt=bytes(16), iv=bytes(16))
