"""PBES2 is decrypted as cryptography encrypts it; other schemes are left alone."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization

from estui.formats import der, pbes2
from estui.formats.pem import parse_private_key
from estui.secret import Secret
from tests.unit.pki import samples


def encrypted() -> der.Tlv:
    """An EncryptedPrivateKeyInfo: algorithm and ciphertext."""
    encryption = serialization.BestAvailableEncryption(b"right")
    return der.parse_value(
        samples.key().private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, encryption)
    )


def test_a_key_is_decrypted() -> None:
    algorithm, ciphertext = encrypted().children()
    clear = pbes2.decrypt(algorithm, ciphertext.content, Secret("right"))
    assert clear
    assert parse_private_key(clear, None, "x").public_key() == samples.key().public_key()


@pytest.mark.parametrize("password", ["other", ""])
def test_what_is_encrypted_is_decrypted_again(password: str) -> None:
    """By the same parameters, for the empty password as well."""
    algorithm, _ = encrypted().children()
    sealed = pbes2.encrypt(algorithm, b"clear", Secret(password))
    assert sealed
    assert pbes2.decrypt(algorithm, sealed, Secret(password)) == b"clear"


def test_another_scheme_is_not_encrypted() -> None:
    scheme = der.parse_value(bytes.fromhex("300b0609608648016503040201"))
    assert pbes2.encrypt(scheme, b"clear", Secret("x")) is None


def test_a_damaged_ciphertext_is_refused() -> None:
    algorithm, ciphertext = encrypted().children()
    with pytest.raises(der.DerError):
        pbes2.decrypt(algorithm, ciphertext.content[:-1], Secret("right"))


def changed(before: str, after: str) -> der.Tlv:
    whole = encrypted().child(0, der.SEQUENCE).whole
    assert whole.count(bytes.fromhex(before)) == 1
    return der.parse_value(whole.replace(bytes.fromhex(before), bytes.fromhex(after)))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2a864886f70d01050d", "2a864886f70d010503"),  # another scheme than PBES2
        ("2a864886f70d01050c", "2a864886f70d01050e"),  # another derivation than PBKDF2
        ("60864801650304012a", "60864801650304012e"),  # AES-GCM instead of CBC
        ("2a864886f70d0209", "2a864886f70d0204"),  # HMAC-MD5
    ],
)
def test_other_schemes_are_left_alone(before: str, after: str) -> None:
    assert pbes2.decrypt(changed(before, after), bytes(16), Secret("right")) is None


def test_a_monstrous_count_of_rounds_is_not_run() -> None:
    salt, rounds = der.encode(der.OCTET_STRING, bytes(8)), der.encode(der.INTEGER, bytes.fromhex("7fffffff"))
    oids = ("2a864886f70d01050d", "2a864886f70d01050c", "60864801650304012a")
    pbes2_oid, pbkdf2_oid, aes_oid = (der.encode(der.OID, bytes.fromhex(oid)) for oid in oids)
    kdf = der.encode(der.SEQUENCE, pbkdf2_oid, der.encode(der.SEQUENCE, salt, rounds))
    cipher = der.encode(der.SEQUENCE, aes_oid, der.encode(der.OCTET_STRING, bytes(16)))
    algorithm = der.encode(der.SEQUENCE, pbes2_oid, der.encode(der.SEQUENCE, kdf, cipher))
    assert pbes2.decrypt(der.parse_value(algorithm), bytes(16), Secret("x")) is None
