"""Clusters that estui did not secure: the files that elasticsearch-certutil leaves, and those of a first start of 8.x.

Both begin as a cluster that estui secured, so that everybody trusts one another; then its traces are taken away.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from estui.act.workspace import serial
from estui.engine import open_engine, read_secret_file
from estui.formats import es_keystore, pkcs12
from estui.formats.pem import PrivateKey
from estui.model.inventory import KeyType
from estui.model.plan import LeafRequest
from estui.pki.authority import issue_leaf
from estui.pki.keys import generate_key
from estui.sandbox.cluster import Sandbox
from estui.secret import Secret
from tests.docs.hosts import Hosts
from tests.job.by_hand import put, remove

_PEM = serialization.Encoding.PEM
PASSWORD = "changeme"
STACK_STORE = "certs/elastic-certificates.p12"


class _Authority:
    """A CA of the workspace with its key, as whoever made the files had it."""

    def __init__(self, workspace: Path, name: str) -> None:
        opened = open_engine(str(workspace)).workspace
        self.name = name
        self.certificate: x509.Certificate = opened.authority_certificate(name)
        self.key: PrivateKey = opened.authority_key(name, read_secret_file(workspace.parent / "estui-passphrase"))
        self.now = opened.clock()

    def entry(self, alias: str, node: str) -> pkcs12.KeyEntry:
        """A leaf for a node, with its key."""
        key = generate_key(KeyType.EC_P256)
        request = LeafRequest(
            node, "http", self.name, node, (node, "localhost"), ("127.0.0.1",), (), KeyType.EC_P256, 730
        )
        leaf = issue_leaf(
            request, authority=self.certificate, authority_key=self.key, key=key, serial=serial(), now=self.now
        )
        return pkcs12.KeyEntry(alias, key, leaf, (self.certificate,))

    def own_entry(self) -> pkcs12.KeyEntry:
        return pkcs12.KeyEntry(f"{self.name}_ca", self.key, self.certificate)


def by_certutil(hosts: Hosts) -> None:
    """Each node has one store for both layers; the CA is in `~/elastic-stack-ca.p12`, its password is in a file."""
    workspace = hosts.home / "estui-logs"
    authority = _Authority(workspace, "transport")
    paths = [(layer, kind, STACK_STORE) for layer in ("transport", "http") for kind in ("keystore", "truststore")]
    for name in hosts.sandbox.node_names:
        store = pkcs12.write_store([authority.entry(name, name)], [("ca", authority.certificate)], Secret(PASSWORD))
        _reconfigure(hosts.sandbox, name, paths, {STACK_STORE: store})
    content = pkcs12.write_store([authority.own_entry()], [], Secret(PASSWORD))
    _private(hosts.home / "elastic-stack-ca.p12", content)
    _private(hosts.home / "ca-password", PASSWORD.encode())
    _forget(hosts)


def by_first_start(hosts: Hosts) -> None:
    """As 8.x and 9.x configure themselves: the CA of HTTP with its key in `http.p12`, that of transport without."""
    workspace = hosts.home / "estui-logs"
    http, transport = _Authority(workspace, "http"), _Authority(workspace, "transport")
    paths = [("http", "keystore", "certs/http.p12")]
    paths += [("transport", kind, "certs/transport.p12") for kind in ("keystore", "truststore")]
    for name in hosts.sandbox.node_names:
        files = {
            "certs/http.p12": pkcs12.write_store([http.entry("http", name), http.own_entry()], [], Secret(PASSWORD)),
            "certs/transport.p12": pkcs12.write_store(
                [transport.entry("transport", name)], [("transport_ca", transport.certificate)], Secret(PASSWORD)
            ),
            "certs/http_ca.crt": http.certificate.public_bytes(_PEM),
        }
        _reconfigure(hosts.sandbox, name, paths, files)
    _forget(hosts)


def _reconfigure(sandbox: Sandbox, name: str, paths: list[tuple[str, str, str]], files: dict[str, bytes]) -> None:
    """The node with these files and settings instead of estui's."""
    sandbox.stop(name)
    config = sandbox.config(name)
    lines = [line for line in (config / "elasticsearch.yml").read_text().splitlines() if "/current/" not in line]
    lines += [f"xpack.security.{layer}.ssl.{kind}.path: {file}" for layer, kind, file in paths]
    (config / "elasticsearch.yml").write_text("\n".join(lines).replace("written by estui", "") + "\n")
    for file, content in files.items():
        put(config / file, content)
    keystore = config / "elasticsearch.keystore"
    entries = dict(es_keystore.read_secure_settings(keystore.read_bytes(), None, str(keystore)).entries)
    for layer, kind, _ in paths:
        entries[f"xpack.security.{layer}.ssl.{kind}.secure_password"] = PASSWORD.encode()
    keystore.write_bytes(
        es_keystore.write_secure_settings(entries, version=7, password=None, salt=b"s" * 64, iv=b"i" * 12)
    )
    remove(config / "estui")
    sandbox.start(name)


def _forget(hosts: Hosts) -> None:
    """The workspace goes; what stays is what such an operator has."""
    code, printed = hosts.run("estui passwords show elastic --to ~/elastic-password")
    assert code == 0, printed
    remove(hosts.home / "estui-logs")


def _private(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
