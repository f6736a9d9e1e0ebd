"""Set-ups that estui did not make: certificate files with names of their own, written as a person would."""

from __future__ import annotations

from pathlib import Path

from estui.act.workspace import serial
from estui.engine import open_engine, read_secret_file
from estui.formats import es_keystore, pkcs12
from estui.model.inventory import KeyType
from estui.model.plan import LeafRequest
from estui.pki.authority import issue_leaf
from estui.pki.keys import generate_key
from estui.secret import Secret
from tests.job.conftest import Bastion
from tests.job.test_rotation import _served
from tests.waiting import until

STORE = "certs/elastic-certificates.p12"
STORE_PASSWORD = "typed-by-a-person"


def with_own_names(here: Bastion, *more: str) -> None:
    """The sets of estui's become `certs/<layer>.crt`, `.key` and `-ca.crt`; estui's folder is gone. `more` are further
    lines of each yml."""
    for name in here.sandbox.node_names:
        here.sandbox.stop(name)
        config = here.sandbox.config(name)
        text = (config / "elasticsearch.yml").read_text()
        for layer in ("transport", "http"):
            for file, own in (
                ("node.crt", f"{layer}.crt"),
                ("node.key", f"{layer}.key"),
                ("ca.crt", f"{layer}-ca.crt"),
            ):
                managed = f"estui/{layer}/current/{file}"
                put(config / "certs" / own, (config / managed).read_bytes())
                text = text.replace(managed, f"certs/{own}")
        (config / "elasticsearch.yml").write_text("\n".join([text.rstrip("\n"), *more]) + "\n")
        remove(config / "estui")
        here.sandbox.start(name)
    _await_ports(here)


def with_one_store(here: Bastion) -> None:
    """Both layers of all nodes use a copy of one `elastic-certificates.p12`, keystore and truststore at once."""
    workspace = open_engine(str(here.workspace)).workspace
    passphrase = read_secret_file(here.workspace / "passphrase")
    ca, ca_key = workspace.authority_certificate("transport"), workspace.authority_key("transport", passphrase)
    key = generate_key(KeyType.EC_P256)
    request = LeafRequest(
        "all", "transport", "transport", "instance", ("localhost",), ("127.0.0.1",), (), KeyType.EC_P256, 1095
    )
    leaf = issue_leaf(request, authority=ca, authority_key=ca_key, key=key, serial=serial(), now=workspace.clock())
    entry = pkcs12.KeyEntry("instance", key, leaf, (ca,))
    store = pkcs12.write_store([entry], [("ca", ca)], Secret(STORE_PASSWORD))
    for name in here.sandbox.node_names:
        here.sandbox.stop(name)
    for name in here.sandbox.node_names:
        config = here.sandbox.config(name)
        put(config / STORE, store)
        lines = [line for line in (config / "elasticsearch.yml").read_text().splitlines() if "/current/" not in line]
        for layer in ("transport", "http"):
            lines += [f"xpack.security.{layer}.ssl.{kind}.path: {STORE}" for kind in ("keystore", "truststore")]
        (config / "elasticsearch.yml").write_text("\n".join(lines) + "\n")
        _add_passwords(config / "elasticsearch.keystore")
        remove(config / "estui")
    here.sandbox.up()
    _await_ports(here)


def _await_ports(here: Bastion) -> None:
    """A node opens HTTP once it has joined, a moment after its process is up."""
    until(lambda: len(_served(here)) == 2 * len(here.sandbox.node_names), 20)


def _add_passwords(path: Path) -> None:
    entries = dict(es_keystore.read_secure_settings(path.read_bytes(), None, str(path)).entries)
    for layer in ("transport", "http"):
        for kind in ("keystore", "truststore"):
            entries[f"xpack.security.{layer}.ssl.{kind}.secure_password"] = STORE_PASSWORD.encode()
    path.write_bytes(es_keystore.write_secure_settings(entries, version=7, password=None, salt=b"s" * 64, iv=b"i" * 12))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o640)


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()
