"""PKCS#12: stores of Java, Elasticsearch and cryptography are read; what is written, Java can read (test_interop)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import pkcs12

from estui.errors import StoreError, UsageError
from estui.formats.pkcs12 import KeyEntry, Pkcs12Content, read_pkcs12, write_keystore, write_store, write_truststore
from estui.secret import Secret
from tests.unit.pki import samples

PASSWORD = Secret("store-pass")


def read(name: str, password: str) -> Pkcs12Content:
    return read_pkcs12((samples.STORES / name).read_bytes(), Secret(password), name)


def shape(content: Pkcs12Content) -> tuple[list[tuple[str, int]], list[str]]:
    """Key aliases with the length of their chains, and aliases of trusted entries."""
    return [(entry.alias, len(entry.chain)) for entry in content.keys], [alias for alias, _ in content.trusted]


@pytest.mark.parametrize(
    ("name", "password", "keys", "trusted"),
    [
        ("certutil/elastic-stack-ca.p12", "ca-pass", [("ca", 0)], []),
        ("certutil/elastic-stack-ca-empty.p12", "", [("ca", 0)], []),
        ("certutil/elastic-certificates.p12", "node-pass", [("instance", 1)], ["ca"]),
        ("certutil/elastic-certificates-empty.p12", "", [("instance", 1)], ["ca"]),
        ("certutil/certs-p12/es-1/es-1.p12", "node-pass", [("es-1", 1)], ["ca"]),
        ("certutil/http/elasticsearch/es-1/http.p12", "http-pass", [("http", 1)], ["ca"]),
        ("auto-configured/http.p12", "auto-pass", [("http_ca", 0), ("http", 1)], []),
        ("auto-configured/transport.p12", "auto-pass", [("transport", 1)], ["transport_ca"]),
        ("java/legacy.p12", "legacy-pass", [("instance", 0)], []),
        ("java/jdk25.p12", "new-pass", [("instance", 0)], []),
    ],
)
def test_stores_of_elasticsearch_and_java_are_read(
    name: str, password: str, keys: list[tuple[str, int]], trusted: list[str]
) -> None:
    content = read(name, password)
    assert shape(content) == (keys, trusted)
    for entry in content.keys:
        assert entry.key
        assert entry.leaf
        assert entry.key.public_key() == entry.leaf.public_key()


def test_a_keystore_has_key_leaf_and_chain_and_trusts_nobody() -> None:
    key, leaf, ca = samples.key(100), samples.leaf(), samples.authority()
    (entry,) = read_pkcs12(write_keystore("node", key, leaf, [ca], PASSWORD), PASSWORD, "x").keys
    assert (entry.alias, entry.leaf, entry.chain) == ("node", leaf, (ca,))
    assert entry.key
    assert entry.key.public_key() == key.public_key()
    assert not read_pkcs12(write_keystore("node", key, leaf, [ca], PASSWORD), PASSWORD, "x").trusted


def test_a_truststore_has_trusted_entries_only() -> None:
    certificates = [("ca", samples.authority()), ("ca-2", samples.authority(1))]
    content = read_pkcs12(write_truststore(certificates, PASSWORD), PASSWORD, "x")
    assert content == Pkcs12Content((), tuple(certificates))


@pytest.mark.parametrize("password", ["", "pä", "a\nb"])
def test_passwords_that_java_does_not_take_are_refused(password: str) -> None:
    with pytest.raises(UsageError, match="ASCII"):
        write_truststore([("ca", samples.authority())], Secret(password))


def test_a_ca_that_java_does_not_trust_is_no_trusted_entry() -> None:
    """The ordinary serializer leaves out Oracle's attribute: Java sees no entry in such a file."""
    bag = pkcs12.PKCS12Certificate(samples.authority(), b"ca")
    encryption = serialization.BestAvailableEncryption(PASSWORD.encode())
    content = pkcs12.serialize_key_and_certificates(None, None, None, [bag], encryption)
    assert read_pkcs12(content, PASSWORD, "x") == Pkcs12Content((), ())


@pytest.mark.parametrize("scheme", [pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC, pkcs12.PBES.PBESv2SHA256AndAES256CBC])
def test_older_and_newer_encryption_are_read_alike(scheme: pkcs12.PBES) -> None:
    encryption = serialization.PrivateFormat.PKCS12.encryption_builder().key_cert_algorithm(scheme).build(b"pw")
    bag = pkcs12.PKCS12Certificate(samples.authority(), None)
    key = samples.key(100)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    content = pkcs12.serialize_key_and_certificates(b"node", key, samples.leaf(), [bag], encryption)
    assert shape(read_pkcs12(content, Secret("pw"), "x")) == ([("node", 1)], [])


@pytest.mark.parametrize("password", ["store-pass", ""])
def test_a_store_is_keystore_and_truststore_at_once(password: str) -> None:
    """Like `elastic-certificates.p12`, also with the empty password that certutil proposes."""
    ca = samples.authority()
    entries = [KeyEntry("instance", samples.key(100), samples.leaf(), (ca,)), KeyEntry("http_ca", samples.key(), ca)]
    trusted = [("ca", ca), ("ca-2", samples.authority(1))]
    content = read_pkcs12(write_store(entries, trusted, Secret(password)), Secret(password), "x")
    assert shape(content) == ([("instance", 1), ("http_ca", 0)], ["ca", "ca-2"])
    assert content.trusted == tuple(trusted)
    for found, entry in zip(content.keys, entries, strict=True):
        assert found.key
        assert entry.key
        assert found.key.public_key() == entry.key.public_key()
        assert (found.leaf, found.chain) == (entry.leaf, entry.chain)


@pytest.mark.parametrize(("password", "wrong"), [("store-pass", ""), ("store-pass", "passing"), ("", "passing")])
def test_another_password_does_not_open_such_a_store(password: str, wrong: str) -> None:
    entry = KeyEntry("node", samples.key(100), samples.leaf())
    store = write_store([entry], [("ca", samples.authority())], Secret(password))
    with pytest.raises(StoreError, match="wrong password"):
        read_pkcs12(store, Secret(wrong), "x")


def test_a_key_without_certificate_is_not_written() -> None:
    with pytest.raises(UsageError, match="no certificate"):
        write_store([KeyEntry("node", samples.key(100), None)], [], PASSWORD)
    with pytest.raises(UsageError, match="needs an entry"):
        write_store([], [], PASSWORD)


def test_an_empty_truststore_is_not_written() -> None:
    with pytest.raises(UsageError):
        write_truststore([], PASSWORD)


def test_keys_that_elasticsearch_refuses_are_not_written() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(UsageError, match="EC and RSA"):
        write_keystore("x", key, samples.leaf(holder=key), [], PASSWORD)


@pytest.mark.parametrize("password", [None, Secret("wrong"), Secret("")])
@pytest.mark.parametrize("name", ["certutil/elastic-certificates.p12", "java/jdk25.p12"])
def test_a_wrong_password_is_told(name: str, password: Secret | None) -> None:
    with pytest.raises(StoreError, match="wrong password or damaged"):
        read_pkcs12((samples.STORES / name).read_bytes(), password, name)


@pytest.mark.parametrize("name", ["node.jks", "trust.jks"])
def test_jks_is_recognised_and_the_way_out_is_named(name: str) -> None:
    with pytest.raises(StoreError, match="JKS") as caught:
        read_pkcs12((samples.STORES / "java" / name).read_bytes(), Secret("jks-pass"), name)
    assert "keytool -importkeystore" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----", b"\x30\x80\x00\x00", b"\x30\x03\x02\x01\x03"])
def test_another_file_is_refused(content: bytes) -> None:
    with pytest.raises(StoreError):
        read_pkcs12(content, PASSWORD, "x")


def test_every_cut_is_noticed() -> None:
    content = write_keystore("node", samples.key(100), samples.leaf(), [samples.authority()], PASSWORD)
    for length in range(0, len(content), 7):
        with pytest.raises(StoreError):
            read_pkcs12(content[:length], PASSWORD, "x")
