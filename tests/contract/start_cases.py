"""Folders that a node takes, and folders that it refuses, with the words that it says (real-elasticsearch.md §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import pkcs12

from estui.formats.pkcs12 import write_keystore, write_truststore
from estui.secret import Secret
from tests.unit.sandbox.makers import Pair, key_pem, make_ca, make_leaf, pem_files, pem_settings

T = "xpack.security.transport.ssl"
H = "xpack.security.http.ssl"
FAILED = f"failed to load SSL configuration [{T}] - "
CA = make_ca()
LEAF = make_leaf(CA)
P12 = write_keystore("instance", LEAF.key, LEAF.certificate, [CA.certificate], Secret("node-pass"))
TRUST = write_truststore([("ca", CA.certificate)], Secret("trust-pass"))
PEM = pem_settings("transport")
PEM_FILES = pem_files("transport", LEAF, CA)
STORE = {f"{T}.enabled": True, f"{T}.keystore.path": "node.p12"}
STORE_PASSWORD = {f"{T}.keystore.secure_password": "node-pass"}
BOTH = {**STORE, f"{T}.truststore.path": "trust.p12"}
BOTH_PASSWORDS = {**STORE_PASSWORD, f"{T}.truststore.secure_password": "trust-pass"}
STORES = {"node.p12": P12, "trust.p12": TRUST}


def encrypted(pair: Pair, password: str) -> bytes:
    return key_pem(pair.key, serialization.BestAvailableEncryption(password.encode()))


RSA = make_leaf(CA, kind="rsa")
TRADITIONAL = serialization.PrivateFormat.TraditionalOpenSSL


def traditional(pair: Pair) -> bytes:
    """SEC 1 or PKCS#1, as OpenSSL wrote keys for decades."""
    pem: bytes = pair.key.private_bytes(serialization.Encoding.PEM, TRADITIONAL, serialization.NoEncryption())
    return pem


KEYS = (
    ("SEC 1", LEAF, traditional(LEAF)),
    ("RSA PKCS#8", RSA, RSA.pem_key),
    ("RSA PKCS#1", RSA, traditional(RSA)),
)
"""Forms of private keys that a node takes, beside EC PKCS#8."""


@dataclass(frozen=True)
class Case:
    """One folder; `says` has {config} for its path, and is empty where the node starts."""

    name: str
    settings: dict[str, Any]
    says: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    secure: dict[str, str] = field(default_factory=dict)
    change: Callable[[Path], None] = lambda _: None


def directory(name: str) -> Callable[[Path], None]:
    def change(config: Path) -> None:
        (config / name).unlink(missing_ok=True)
        (config / name).mkdir()

    return change


def remove(name: str) -> Callable[[Path], None]:
    return lambda config: (config / name).unlink()


def moved_out(name: str) -> Callable[[Path], None]:
    def change(config: Path) -> None:
        (config / name).rename(config.parent / "elsewhere")
        (config / name).symlink_to(config.parent / "elsewhere")

    return change


CASES = [
    Case("PEM set", PEM, "", PEM_FILES),
    Case("key of another certificate", PEM, "", {**PEM_FILES, "certs/transport.key": make_leaf(CA).pem_key}),
    Case(
        "encrypted key, its passphrase",
        *(PEM, "", {**PEM_FILES, "certs/transport.key": encrypted(LEAF, "key-pass")}),
        secure={f"{T}.secure_key_passphrase": "key-pass"},
    ),
    *(
        Case(f"{title} key", PEM, "", {**pem_files("transport", pair, CA), "certs/transport.key": content})
        for title, pair, content in KEYS
    ),
    Case("passphrase for a clear key", PEM, "", PEM_FILES, {f"{T}.secure_key_passphrase": "unused"}),
    Case("expired leaf", PEM, "", pem_files("transport", make_leaf(CA, days=(-9, -1)), CA)),
    Case("leaf for servers only", PEM, "", pem_files("transport", make_leaf(CA, usages=("serverAuth",)), CA)),
    Case(
        "encrypted key, wrong passphrase",
        PEM,
        FAILED + "cannot load PEM private key from [{config}/certs/transport.key] due to InvalidKeySpecException "
        "(Cannot retrieve the PKCS8EncodedKeySpec)",
        {**PEM_FILES, "certs/transport.key": encrypted(LEAF, "key-pass")},
        {f"{T}.secure_key_passphrase": "wrong"},
    ),
    Case(
        "encrypted key, no passphrase",
        PEM,
        FAILED + "cannot load PEM private key from [{config}/certs/transport.key] due to InvalidKeySpecException "
        "(Cannot retrieve the PKCS8EncodedKeySpec)",
        {**PEM_FILES, "certs/transport.key": encrypted(LEAF, "key-pass")},
    ),
    Case(
        "Ed25519 key",
        PEM,
        FAILED + "cannot load PEM private key from [{config}/certs/transport.key] due to GeneralSecurityException "
        "(Error parsing key algorithm identifier. Algorithm with OID [1.3.101.112] is not supported)",
        {**PEM_FILES, "certs/transport.key": key_pem(ed25519.Ed25519PrivateKey.generate())},
    ),
    Case(
        "CA file missing",
        PEM,
        FAILED + "cannot read configured PEM certificate_authorities [{config}/certs/transport-ca.crt] because the "
        "file does not exist",
        PEM_FILES,
        change=remove("certs/transport-ca.crt"),
    ),
    Case(
        "certificate missing",
        PEM,
        FAILED
        + "cannot read configured PEM certificate [{config}/certs/transport.crt] because the file does not exist",
        PEM_FILES,
        change=remove("certs/transport.crt"),
    ),
    Case(
        "key missing",
        PEM,
        FAILED
        + "cannot read configured PEM private key [{config}/certs/transport.key] because the file does not exist",
        PEM_FILES,
        change=remove("certs/transport.key"),
    ),
    Case(
        "link out of the configuration folder",
        PEM,
        FAILED + "cannot read configured SSL file [{config}/certs/transport.key] because access to read the file is "
        "blocked; SSL resources should be placed in the [{config}] directory",
        PEM_FILES,
        change=moved_out("certs/transport.key"),
    ),
    Case(
        "empty certificate file",
        PEM,
        FAILED + "failed to parse any certificates from [{config}/certs/transport.crt]",
        {**PEM_FILES, "certs/transport.crt": b""},
    ),
    Case(
        "garbage in the certificate file",
        PEM,
        FAILED + "cannot load PEM certificate from [{config}/certs/transport.crt] due to CertificateException "
        "(No certificate data found)",
        {**PEM_FILES, "certs/transport.crt": b"garbage\n"},
    ),
    Case(
        "directory instead of the CA file",
        PEM,
        FAILED + "cannot load PEM certificate_authorities from [{config}/certs/transport-ca.crt] due to "
        "CertificateException (java.io.IOException: Is a directory)",
        PEM_FILES,
        change=directory("certs/transport-ca.crt"),
    ),
    Case(
        "CA file that also holds a key",
        PEM,
        FAILED + "cannot load PEM certificate_authorities from [{config}/certs/transport-ca.crt] due to "
        "CertificateParsingException (signed fields invalid)",
        {**PEM_FILES, "certs/transport-ca.crt": CA.pem_key + CA.crt},
    ),
    Case("PKCS#12 keystore and truststore", BOTH, "", STORES, BOTH_PASSWORDS),
    Case("PKCS#12 keystore alone", STORE, "", STORES, STORE_PASSWORD),
    Case(
        "PKCS#12 under a name of the JKS kind",
        *({**STORE, f"{T}.keystore.path": "node.keystore"}, "", {"node.keystore": P12}, STORE_PASSWORD),
    ),
    Case("store password in the yml", {**STORE, f"{T}.keystore.password": "node-pass"}, "", STORES),
    Case(
        "keystore whose key is not encrypted",
        BOTH,
        FAILED + "the PKCS12 keystore [{config}/node.p12]does not contain a private key entry",
        {
            **STORES,
            "node.p12": pkcs12.serialize_key_and_certificates(
                b"instance", LEAF.key, LEAF.certificate, None, serialization.NoEncryption()
            ),
        },
        {f"{T}.truststore.secure_password": "trust-pass"},
    ),
    Case(
        "keystore as a truststore",
        {**BOTH, f"{T}.truststore.path": "node.p12"},
        FAILED + "the truststore [{config}/node.p12] does not contain any trusted certificate entries",
        STORES,
        {**BOTH_PASSWORDS, f"{T}.truststore.secure_password": "node-pass"},
    ),
    Case(
        "wrong keystore password",
        BOTH,
        FAILED
        + "cannot read configured [PKCS12] keystore [{config}/node.p12] - this is usually caused by an incorrect "
        "password",
        STORES,
        {**BOTH_PASSWORDS, f"{T}.keystore.secure_password": "wrong"},
    ),
    Case(
        "no keystore password",
        BOTH,
        FAILED
        + "cannot read configured [PKCS12] keystore [{config}/node.p12] - this is usually caused by an incorrect "
        "password",
        STORES,
        {f"{T}.truststore.secure_password": "trust-pass"},
    ),
    Case(
        "wrong truststore password",
        BOTH,
        FAILED + "cannot read configured [PKCS12] keystore (as a truststore) [{config}/trust.p12] - this is usually "
        "caused by an incorrect password; (a keystore password was provided)",
        STORES,
        {**BOTH_PASSWORDS, f"{T}.truststore.secure_password": "wrong"},
    ),
    Case(
        "keystore missing, no truststore named",
        STORE,
        FAILED + "cannot read configured [PKCS12] keystore (as a truststore) [{config}/node.p12] because the file does "
        "not exist",
        {},
        STORE_PASSWORD,
    ),
    Case(
        "secure setting in the yml",
        {"bootstrap.password": "changeme"},
        "Setting [bootstrap.password] is a secure setting and must be stored inside the Elasticsearch keystore, but "
        "was found inside elasticsearch.yml",
    ),
    Case(
        "plain setting in the keystore",
        {},
        "Setting [cluster.name] is a non-secure setting and must be stored inside elasticsearch.yml, but was found "
        "inside the Elasticsearch keystore",
        secure={"cluster.name": "x"},
    ),
    Case(
        "unknown secure setting",
        {},
        "unknown secure setting [xpack.security.foo.bar] did you mean [xpack.security.user]?",
        secure={"xpack.security.foo.bar": "x"},
    ),
    Case("unknown setting", {"cluster.nmae": "x"}, "unknown setting [cluster.nmae] did you mean [cluster.name]?"),
    Case(
        "unknown setting like nothing",
        {"zebra.stripes": "x"},
        "unknown setting [zebra.stripes] please check that any required plugins are installed, or check the breaking "
        "changes documentation for removed settings",
    ),
    Case(
        "left-over secure password",
        {},
        f"invalid configuration for {T} - [{T}.enabled] is not set, but the following settings have been configured in "
        f"elasticsearch.yml : [{T}.keystore.secure_password]",
        secure=STORE_PASSWORD,
    ),
    Case(
        "left-over secure password of HTTP",
        {},
        f"invalid configuration for {H} - [{H}.enabled] is not set, but the following settings have been configured in "
        f"elasticsearch.yml : [{H}.keystore.secure_password]",
        secure={f"{H}.keystore.secure_password": "x"},
    ),
    Case("left-over secure password, switched off", {f"{T}.enabled": False}, "", secure=STORE_PASSWORD),
    Case(
        "certificate and key without enabled",
        {f"{T}.key": "certs/transport.key", f"{T}.certificate": "certs/transport.crt"},
        f"invalid configuration for {T} - [{T}.enabled] is not set, but the following settings have been configured in "
        f"elasticsearch.yml : [{T}.certificate,{T}.key]",
        PEM_FILES,
    ),
    Case(
        "enabled without material",
        {f"{T}.enabled": True},
        f"invalid SSL configuration for {T} - server ssl configuration requires a key and certificate, but these have "
        f"not been configured; you must set either [{T}.keystore.path], or both [{T}.key] and [{T}.certificate]",
    ),
    Case(
        "key without certificate",
        *({f"{T}.enabled": True, f"{T}.key": "k"}, FAILED + "cannot specify [key] without also setting [certificate]"),
    ),
    Case(
        "certificate without key",
        {f"{T}.enabled": True, f"{T}.certificate": "c"},
        FAILED + "cannot specify [certificate] without also setting [key]",
    ),
    Case(
        "certificate and keystore",
        {**PEM, f"{T}.keystore.path": "node.p12"},
        FAILED + "cannot specify both [certificate] and [keystore.path]",
        {**PEM_FILES, **STORES},
    ),
    Case(
        "key and keystore",
        {**STORE, f"{T}.key": "k"},
        FAILED + "cannot specify [key] without also setting [certificate]",
        STORES,
    ),
    Case(
        "authorities and truststore",
        {**PEM, f"{T}.truststore.path": "trust.p12"},
        FAILED + "cannot specify both [certificate_authorities] and [truststore.path]",
        {**PEM_FILES, **STORES},
    ),
    Case(
        "secure and clear password",
        {**STORE, f"{T}.keystore.password": "node-pass"},
        FAILED + "cannot specify both [keystore.secure_password] and [keystore.password]",
        STORES,
        STORE_PASSWORD,
    ),
    Case("secure password beside PEM", PEM, "", PEM_FILES, STORE_PASSWORD),
    Case(
        "a disabled context is loaded too",
        {f"{H}.enabled": False, f"{H}.keystore.path": "missing.p12"},
        f"failed to load SSL configuration [{H}] - cannot read configured [PKCS12] keystore (as a truststore) "
        "[{config}/missing.p12] because the file does not exist",
    ),
    Case(
        "unknown verification mode",
        {**PEM, f"{T}.verification_mode": "ful"},
        f"Failed to parse value for setting [{T}.verification_mode]",
        PEM_FILES,
    ),
    Case(
        "unknown protocol",
        {**PEM, f"{T}.supported_protocols": ["TLSv9"]},
        FAILED + "java.lang.IllegalArgumentException: no supported SSL/TLS protocol was found in the configured "
        "supported protocols: [TLSv9]",
        PEM_FILES,
    ),
    Case(
        "single node that names initial masters",
        {"discovery.type": "single-node", "cluster.initial_master_nodes": ["n1"]},
        "setting [cluster.initial_master_nodes] is not allowed when [discovery.type] is set to [single-node]",
    ),
    Case(
        "no boolean",
        {"xpack.security.enabled": "maybe"},
        "Failed to parse value [maybe] as only [true] or [false] are allowed.",
    ),
    Case(
        "config/ in front of a file",
        {**PEM, f"{T}.key": "config/certs/transport.key"},
        FAILED + "cannot read configured PEM private key [{config}/config/certs/transport.key] because the file does "
        "not exist",
        PEM_FILES,
    ),
    Case(
        "one password for keystore and truststore",
        {**STORE, f"{T}.truststore.path": "node.p12"},
        FAILED + "cannot read configured [PKCS12] keystore (as a truststore) [{config}/node.p12] - this is usually "
        "caused by an incorrect password; (no password was provided)",
        STORES,
        STORE_PASSWORD,
    ),
    Case(
        "setting of 6.x about the default password",
        {"xpack.security.authc.accept_default_password": False},
        "unknown setting [xpack.security.authc.accept_default_password] please check that any required plugins are "
        "installed, or check the breaking changes documentation for removed settings",
    ),
    Case("stock file without a setting", {}),
]
