"""What is issued and written here, OpenSSL and Java take; each check is skipped where its program is absent."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estui.formats.pem import certificate_pem, private_key_pem
from estui.formats.pkcs12 import KeyEntry, write_keystore, write_store, write_truststore
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.pki.authority import create_authority, issue_leaf
from estui.pki.keys import PrivateKey
from estui.secret import Secret
from tests.unit.pki import samples

PASSWORD = "store-pass"
# Java and OpenSSL judge by their own clock.
NOW = datetime.now(UTC)


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def output(*command: str) -> str:
    """What the program printed; a failure fails the test with it."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Files:
    """A CA and one leaf in every form that a node may have."""

    def __init__(self, folder: Path, key: PrivateKey) -> None:
        ca_key = samples.key()
        ca = create_authority(
            AuthorityRequest("http", "Interop CA", KeyType.EC_P256, 3650), key=ca_key, serial=1, now=NOW
        )
        request = LeafRequest(
            *("es-1", "http", "http", "es-1", ("es-1.example.net", "*.wild.example.net"), ("10.0.0.1", "::1")),
            *(("serverAuth", "clientAuth"), KeyType.EC_P256, 397),
        )
        leaf = issue_leaf(request, authority=ca, authority_key=ca_key, key=key, serial=2**158, now=NOW)
        contents = {
            "ca.crt": certificate_pem(ca),
            "node.crt": certificate_pem(leaf),
            "node.key": private_key_pem(key, Secret(PASSWORD)),
            "node.p12": write_keystore("node", key, leaf, [ca], Secret(PASSWORD)),
            "both.p12": write_store(
                [KeyEntry("instance", key, leaf, (ca,))], [("ca", ca), ("ca-2", samples.authority(1))], Secret(PASSWORD)
            ),
            "both-empty.p12": write_store([KeyEntry("instance", key, leaf, (ca,))], [("ca", ca)], Secret("")),
            "ca.p12": write_truststore([("ca", ca), ("ca-2", samples.authority(1))], Secret(PASSWORD)),
        }
        self.folder = folder
        for name, content in contents.items():
            (folder / name).write_bytes(content)

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def ec(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("ec"), samples.key(100))


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("rsa"), samples.rsa_key())


@pytest.fixture(params=["ec", "rsa"])
def files(request: pytest.FixtureRequest) -> Files:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Files)
    return found


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_openssl_verifies_a_leaf_strictly_and_by_name(files: Files, purpose: str) -> None:
    """`-x509_strict` is what Python's ssl module asks for since 3.13."""
    verify = (tool("openssl"), "verify", "-x509_strict", "-purpose", purpose, "-CAfile", files["ca.crt"])
    names = (
        ("-verify_hostname", "es-1.example.net"),
        ("-verify_hostname", "a.wild.example.net"),
        ("-verify_ip", "::1"),
    )
    for name in names:
        assert output(*verify, *name, files["node.crt"]).strip().endswith("OK")


def test_openssl_shows_the_names_and_opens_the_key(files: Files) -> None:
    openssl = tool("openssl")
    shown = output(openssl, "x509", "-in", files["node.crt"], "-noout", "-ext", "subjectAltName")
    assert "DNS:es-1.example.net, DNS:*.wild.example.net, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1" in shown
    public = output(openssl, "pkey", "-in", files["node.key"], "-passin", f"pass:{PASSWORD}", "-pubout")
    assert public == output(openssl, "x509", "-in", files["node.crt"], "-noout", "-pubkey")


def test_openssl_opens_the_keystore(files: Files) -> None:
    command = (tool("openssl"), "pkcs12", "-in", files["node.p12"], "-passin", f"pass:{PASSWORD}", "-nodes")
    assert output(*command).count("BEGIN CERTIFICATE") == 2


def test_keytool_sees_a_key_entry_with_its_chain(rsa: Files) -> None:
    keystore = ("-keystore", rsa["node.p12"], "-storepass", PASSWORD)
    shown = output(tool("keytool"), "-J-Duser.language=en", "-list", "-v", *keystore)
    assert "Your keystore contains 1 entry" in shown
    assert "Alias name: node" in shown
    assert "Entry type: PrivateKeyEntry" in shown
    assert "Certificate chain length: 2" in shown


def test_keytool_sees_trusted_entries(ec: Files) -> None:
    shown = output(
        *(tool("keytool"), "-J-Duser.language=en", "-list", "-keystore", ec["ca.p12"], "-storepass", PASSWORD)
    )
    assert shown.count("trustedCertEntry") == 2
    assert "PrivateKeyEntry" not in shown


def test_keytool_sees_key_and_trusted_entries_in_one_store(rsa: Files) -> None:
    """A file that is keystore and truststore at once, as certutil makes it."""
    keystore = ("-keystore", rsa["both.p12"], "-storepass", PASSWORD)
    shown = output(tool("keytool"), "-J-Duser.language=en", "-list", "-v", *keystore)
    assert "Your keystore contains 3 entries" in shown
    assert shown.count("Entry type: PrivateKeyEntry") == 1
    assert shown.count("Entry type: trustedCertEntry") == 2
    assert "Certificate chain length: 2" in shown


def test_java_opens_such_a_store_with_the_empty_password(ec: Files) -> None:
    """As Elasticsearch does where no password is set: `new char[0]`."""
    program = str(Path(__file__).with_name("StoreList.java"))
    assert output(tool("java"), program, "", ec["both-empty.p12"]).split() == ["ca:trusted", "instance:key:2"]


def test_java_trusts_the_leaf_and_uses_its_key(ec: Files, rsa: Files) -> None:
    """The classes that Elasticsearch itself uses: key managers, trust managers, PKIX."""
    program = str(Path(__file__).with_name("TrustCheck.java"))
    shown = output(tool("java"), program, PASSWORD, str(ec.folder), str(rsa.folder))
    assert shown.split() == ["server-trusted", "client-trusted", "key-matches", "stranger-refused"] * 2
