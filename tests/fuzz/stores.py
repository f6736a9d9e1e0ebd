"""Targets for binary files: keystores, certificates, keys, stores, DER."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from estui.errors import EstuiError
from estui.formats import beats_keystore, bundle, der, es_keystore, jks, kibana_keystore, pem, pkcs12_bags, secrets
from estui.formats import pkcs12 as stores
from estui.formats.cluster_state import state_cluster_uuid
from estui.formats.derivations import check_rounds
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.observe.stores import open_file
from estui.pki.authority import create_authority, issue_leaf
from estui.pki.chain import verify_chain
from estui.pki.csr import build_request, request_pem
from estui.pki.facts import certificate_facts
from estui.pki.keys import PrivateKey, generate_key
from estui.secret import Secret
from tests.fuzz.engine import Target
from tests.fuzz.mutation import mutate_json

FIXTURES = Path(__file__).parents[1] / "fixtures"
PASSWORD = Secret("changeme")
NOW = datetime(2026, 11, 25, tzinfo=UTC)
_SALT, _IV = bytes(range(64)), bytes(range(12))


@cache
def _issued() -> tuple[x509.Certificate, PrivateKey, x509.Certificate, PrivateKey]:
    """A CA and a leaf with their keys; the small ones of EC."""
    key, leaf_key = generate_key(KeyType.EC_P256), generate_key(KeyType.EC_P256)
    ca = create_authority(AuthorityRequest("http", "fuzz CA", KeyType.EC_P256, 3650), key=key, serial=7, now=NOW)
    request = LeafRequest(
        "es-1", "http", "http", "es-1", ("es-1", "*.lab"), ("127.0.0.1", "::1"), ("serverAuth",), KeyType.EC_P256, 3650
    )
    leaf = issue_leaf(request, authority=ca, authority_key=key, key=leaf_key, serial=8, now=NOW)
    return ca, key, leaf, leaf_key


def _fixtures(pattern: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((FIXTURES / "stores").rglob(pattern))]


def _certificates() -> list[bytes]:
    """DER of certificates of many makers."""
    ca, _, leaf, _ = _issued()
    found = [each.public_bytes(serialization.Encoding.DER) for each in (ca, leaf)]
    for content in _fixtures("*.crt"):
        found += [each.public_bytes(serialization.Encoding.DER) for each in pem.load_certificates(content, "x")]
    return found


def _pems() -> list[bytes]:
    ca, key, leaf, leaf_key = _issued()
    chain = pem.certificate_pem(leaf) + pem.certificate_pem(ca)
    request = LeafRequest("es-1", "http", "http", "es-1", ("es-1",), (), ("serverAuth",), KeyType.EC_P256, 10)
    return [
        chain,
        chain + pem.private_key_pem(leaf_key),
        b"Bag Attributes\n    friendlyName: x\n" + chain.replace(b"\n", b"\r\n"),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ),
        request_pem(build_request(request, key)),
        serialization.pkcs7.serialize_certificates([leaf, ca], serialization.Encoding.PEM)
        if hasattr(serialization, "pkcs7")
        else chain,
    ]


def _read_pem(content: bytes) -> None:
    for read in (
        lambda: pem.split_pem(content, "x"),
        lambda: pem.load_certificates(content, "x"),
        lambda: pem.load_private_key(content, None, "x"),
        lambda: pem.refuse_tail(content, "x"),
        lambda: bundle.load_bundle(content, "x"),
        lambda: open_file(content, "x", {}) if not content.startswith(b"0") else None,
    ):
        _tolerating(read)


def _tolerating(read: Callable[[], object]) -> None:
    """Tries one of several readers; a refusal by it is no end of the input."""
    try:
        read()
    except EstuiError:
        return


def _read_certificate(content: bytes) -> None:
    certificate = pem.parse_certificate(content, "x")
    facts = certificate_facts.__wrapped__(certificate)
    hash(facts)


def _check_chain(content: bytes) -> None:
    ca, _, _, _ = _issued()
    certificate = pem.parse_certificate(content, "x")
    check = partial(verify_chain, certificate, [certificate, ca], now=NOW, purpose="server")
    _tolerating(partial(check, [ca], host="es-1"))
    _tolerating(partial(check, [certificate, ca], host="127.0.0.1"))
    _tolerating(partial(check, [ca], host=None))


def _bundles() -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import pkcs7

    ca, _, leaf, _ = _issued()
    return [
        pkcs7.serialize_certificates([leaf, ca], serialization.Encoding.DER),
        pkcs7.serialize_certificates([leaf], serialization.Encoding.PEM),
        *_certificates()[:2],
    ]


def _walk_der(content: bytes) -> None:
    """Everything that can be asked of any value."""
    waiting = [content]
    for _ in range(200):
        if not waiting:
            return
        try:
            values = der.parse_values(waiting.pop())
        except der.DerError:
            continue
        for value in values:
            assert der.encode(value.tag, value.content)[0] == value.tag
            _ = value.integer
            with suppress(der.DerError):
                _ = value.oid
        waiting += [value.content for value in values]


# secure settings of Elasticsearch


def _secure_settings(*versions: int) -> list[bytes]:
    entries = {"keystore.seed": b"x" * 20, "xpack.security.http.ssl.keystore.secure_password": b"pw", "f": bytes(99)}
    return [
        es_keystore.write_secure_settings(entries, version=version, password=password, salt=_SALT, iv=_IV)
        for version in versions
        for password in (None, PASSWORD)
    ]


def _right_checksum(content: bytes) -> bytes:
    body = content[:-8]
    return body + zlib.crc32(body).to_bytes(8, "big")


def _plain_entries() -> list[bytes]:
    entries = {"keystore.seed": b"x" * 20, "a.b_c-d": b"", "file": bytes(range(256))}
    return [es_keystore._entries_bytes(entries, version) for version in (3, 4)]


def _read_entries(content: bytes) -> None:
    es_keystore._parse_entries(content, 3, "x") if content[:1] == b"\1" else None
    es_keystore._parse_entries(content, 7, "x")


# keystores of Kibana and Beats


def _kibana_files() -> list[bytes]:
    entries: dict[str, kibana_keystore.JsonValue] = {"elasticsearch.password": "x", "n": 1, "l": [None, {"a": True}]}
    return [
        kibana_keystore.write_kibana_keystore(entries, password=password, salt=_SALT, iv=_IV)
        for password in (None, PASSWORD)
    ]


def _beats_files() -> list[bytes]:
    return [
        beats_keystore.write_beats_keystore({"A": Secret("x"), "B": Secret("")}, salt=_SALT, iv=_IV, is_fips=fips)
        for fips in (False, True)
    ]


def _unpack_beats(content: bytes) -> None:
    """Everything before the key derivation: a wrong tag is certain, so the salt is made one that is known."""
    beats_keystore.read_beats_keystore(content[:30], "x")


# PKCS#12 and keys


def _open_stores() -> list[bytes]:
    """Stores without encryption, so that no key is derived: what is inside an encrypted one, once it is open."""
    ca, _, leaf, leaf_key = _issued()
    return [
        pkcs12.serialize_key_and_certificates(b"http", leaf_key, leaf, [ca], serialization.NoEncryption()),
        pkcs12.serialize_java_truststore([pkcs12.PKCS12Certificate(ca, b"ca")], serialization.NoEncryption()),
    ]


def _open_bags(content: bytes) -> None:
    pkcs12_bags.open_bags(content, Secret(""), "x", None)


def _store_frames(content: bytes) -> None:
    stores.check_is_pkcs12(content, "x")
    check_rounds("x", content)


def _sealed_stores() -> list[bytes]:
    ca, _, leaf, leaf_key = _issued()
    entry = stores.KeyEntry("http", leaf_key, leaf, (ca,))
    return [
        stores.write_keystore("http", leaf_key, leaf, [ca], PASSWORD),
        stores.write_truststore([("ca", ca)], PASSWORD),
        stores.write_store([entry], [("ca", ca)], PASSWORD),
        *[content for content in _fixtures("*.p12") if len(content) < 6000],
    ]


def _sealed_keys() -> list[bytes]:
    _, key, _, _ = _issued()
    old = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    return [pem.private_key_pem(key, PASSWORD), old]


def _sealed_secrets() -> list[bytes]:
    cost = secrets.Cost(2**10, 8, 1)
    values = {"elastic": Secret("x"), "kibana_system": Secret("y")}
    return [secrets.seal(values, PASSWORD, salt=bytes(32), nonce=bytes(12), cost=cost)]


def _read_secrets_frame(content: bytes) -> None:
    secrets._parameters(secrets._parse(content, "x"), "x")


def _jks() -> Sequence[bytes]:
    return [content for content in _fixtures("*.jks") + _fixtures("*.jceks") if len(content) < 16_000]


STORES = (
    Target("der", lambda: [*_certificates()[:3], *_open_stores()], _walk_der),
    Target("pem", _pems, _read_pem),
    Target("certificate", _certificates, _read_certificate),
    Target("chain", lambda: _certificates()[:2], _check_chain),
    Target("pkcs7", _bundles, lambda content: bundle.load_bundle(content, "x")),
    Target("jks", _jks, lambda content: jks.read_jks(content, "x")),
    Target(
        "cluster-state",
        lambda: [path.read_bytes() for path in sorted((FIXTURES / "state").iterdir())],
        state_cluster_uuid,
    ),
    Target(
        "es-keystore-frame",
        lambda: _secure_settings(3, 4, 5, 6, 7),
        lambda content: es_keystore.read_header(content, "x"),
        repair=_right_checksum,
    ),
    Target("es-keystore-entries", _plain_entries, _read_entries),
    Target(
        "es-keystore",
        lambda: _secure_settings(3, 4, 5),
        lambda content: es_keystore.read_secure_settings(content, PASSWORD, "x"),
        repair=_right_checksum,
        derives=True,
    ),
    Target("kibana-keystore-frame", _kibana_files, lambda content: kibana_keystore._unpack(content, "x")),
    Target(
        "kibana-keystore-entries",
        lambda: [json.dumps({"a": "x", "n": 1, "l": [None, {"a": True}]}).encode()],
        lambda content: kibana_keystore._parse_entries(content, "x"),
        mutate_json,
    ),
    Target(
        "kibana-keystore",
        _kibana_files,
        lambda content: kibana_keystore.read_kibana_keystore(content, PASSWORD, "x"),
        derives=True,
    ),
    Target("beats-keystore-frame", lambda: [each[:90] for each in _beats_files()], _unpack_beats),
    Target(
        "beats-keystore-entries",
        lambda: [b'{"A":{"value":"eA=="},"B":{"value":""}}\n'],
        lambda content: beats_keystore._parse_entries(content, "x"),
        mutate_json,
    ),
    Target(
        "beats-keystore", _beats_files, lambda content: beats_keystore.read_beats_keystore(content, "x"), derives=True
    ),
    Target("pkcs12-frame", lambda: [*_sealed_stores(), *_open_stores()], _store_frames),
    Target("pkcs12-bags", _open_stores, _open_bags),
    Target("pkcs12", _sealed_stores, lambda content: stores.read_pkcs12(content, PASSWORD, "x"), derives=True),
    Target("key", _sealed_keys, lambda content: pem.load_private_key(content, PASSWORD, "x"), derives=True),
    Target("secrets-frame", _sealed_secrets, _read_secrets_frame, mutate_json),
    Target(
        "secrets", _sealed_secrets, lambda content: secrets.unseal(content, PASSWORD, "x"), mutate_json, derives=True
    ),
)
