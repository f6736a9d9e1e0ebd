"""Makes what the sandbox reads: authorities, leaves, stores, configuration folders; and plain HTTP requests to it."""

from __future__ import annotations

import base64
import http.client
import ipaddress
import json
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from estui.formats.es_keystore import write_secure_settings
from estui.secret import Secret

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
SALT, IV = bytes(range(64)), bytes(range(12))
SEED = "A" * 20


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def crt(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pem_key(self) -> bytes:
        return key_pem(self.key)


def key_pem(key: Any, encryption: serialization.KeySerializationEncryption | None = None) -> bytes:
    shape = serialization.PrivateFormat.PKCS8
    pem: bytes = key.private_bytes(serialization.Encoding.PEM, shape, encryption or serialization.NoEncryption())
    return pem


def make_key(kind: str = "ec") -> Key:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def make_ca(name: str = "Lab CA") -> Pair:
    key = make_key()
    subject = _name(name)
    builder = _builder(subject, subject, key, timedelta(days=-1), timedelta(days=300))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Pair(builder.sign(key, hashes.SHA256()), key)


def make_leaf(
    ca: Pair,
    name: str = "node",
    *,
    sans: Sequence[str] = ("127.0.0.1", "localhost"),
    usages: Sequence[str] = ("serverAuth", "clientAuth"),
    days: tuple[int, int] = (-1, 90),
    kind: str = "ec",
) -> Pair:
    key = make_key(kind)
    builder = _builder(_name(name), ca.certificate.subject, key, timedelta(days=days[0]), timedelta(days=days[1]))
    if sans:
        names: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(san)) if san[0].isdigit() else x509.DNSName(san) for san in sans
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    oids = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage([oids[usage] for usage in usages]), critical=False)
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, begin: timedelta, end: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
    )


def keystore(entries: dict[str, str] | None = None, *, password: str = "", version: int = 4, seed: str = SEED) -> bytes:
    """Format 4 by default: quick to open, and the node then raises it to 7. Without a seed the node adds one."""
    full = {**({"keystore.seed": seed} if seed else {}), **(entries or {})}
    return write_secure_settings(
        {name: value.encode() for name, value in full.items()},
        version=version,
        password=Secret(password) if password else None,
        salt=SALT,
        iv=IV,
    )


def write_node(folder: Path, settings: dict[str, Any], files: dict[str, bytes] | None = None) -> Path:
    """A configuration folder; the files' names may have folders in them."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}: {json.dumps(value)}" for key, value in settings.items()]
    (config / "elasticsearch.yml").write_text("\n".join(lines) + "\n")
    contents = {"users": b"", "users_roles": b"", **(files or {})}
    for name, content in contents.items():
        path = config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return config


def pem_settings(layer: str, *, folder: str = "certs", enabled: bool = True) -> dict[str, Any]:
    """Settings of a PEM context whose files are those of `pem_files`."""
    prefix = f"xpack.security.{layer}.ssl"
    return {
        f"{prefix}.enabled": enabled,
        f"{prefix}.certificate": f"{folder}/{layer}.crt",
        f"{prefix}.key": f"{folder}/{layer}.key",
        f"{prefix}.certificate_authorities": [f"{folder}/{layer}-ca.crt"],
    }


def pem_files(layer: str, pair: Pair, *cas: Pair, folder: str = "certs") -> dict[str, bytes]:
    return {
        f"{folder}/{layer}.crt": pair.crt,
        f"{folder}/{layer}.key": pair.pem_key,
        f"{folder}/{layer}-ca.crt": b"".join(ca.crt for ca in cas),
    }


def until(condition: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Waits for a condition and returns what it gave; fails when it does not come."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"did not come in {seconds} s: {condition}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: list[tuple[str, str]]


def ask(
    port: int,
    path: str = "/",
    *,
    method: str = "GET",
    body: Any = None,
    user: str = "",
    header: str = "",
    context: ssl.SSLContext | None = None,
    timeout: float = 10,
) -> Answer:
    """One request on a connection of its own; `user` is `name:password`."""
    connection: http.client.HTTPConnection
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=timeout, context=context)
    headers = {"content-type": "application/json"}
    if user:
        headers["authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    if header:
        headers["authorization"] = header
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        content = answer.read()
        shown = json.loads(content) if "json" in answer.getheader("content-type", "") and content else content.decode()
        return Answer(answer.status, shown, answer.getheaders())
    finally:
        connection.close()


def client(ca: Pair | None = None, own: Path | None = None) -> ssl.SSLContext:
    """A client that trusts `ca`, or anybody; `own` is a PEM file with its certificate and key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=ca.crt.decode())
    if own is not None:
        context.load_cert_chain(own)
    return context
