"""Materialise: everything beside what is there, nothing switched, and no secret outside the files it belongs in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from estui.act.items import LeafRecord
from estui.act.prepare import Preparer
from estui.act.staging import merged
from estui.engine import Engine
from estui.errors import ApplyError, EstuiError
from estui.formats import es_keystore, pkcs12
from estui.formats.wire import decode
from estui.model.goal import Goal, Scenario
from estui.secret import Secret
from tests.unit.act.folders import OLD_VALUE, PASSPHRASE, VERSION, Cluster, keystore
from tests.unit.act.offline import go_offline
from tests.unit.act.test_commit import prepared
from tests.unit.act.test_fs import access_list, set_attribute


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def test_nothing_in_use_changes(cluster: Cluster) -> None:
    before = cluster.trees()
    prepared(cluster, cluster.plan())
    for name, after in cluster.trees().items():
        assert {path: after[path] for path in before[name]} == before[name]
        assert not [path for path in after if path.endswith("/current")]


def test_key_certificate_and_ca_of_a_set_belong_together(single: Cluster) -> None:
    context = prepared(single, single.plan())
    folder = single.root("n1") / "estui/transport" / context.run
    leaf, issuer = x509.load_pem_x509_certificates((folder / "node.crt").read_bytes())
    (trusted,) = x509.load_pem_x509_certificates((folder / "ca.crt").read_bytes())
    key = load_pem_private_key((folder / "node.key").read_bytes(), None)
    assert leaf.public_key() == key.public_key()
    assert issuer == trusted == single.workspace.authority_certificate("transport")
    leaf.verify_directly_issued_by(trusted)


def test_the_store_password_in_the_keystore_opens_the_store(single: Cluster) -> None:
    context = prepared(single, single.plan())
    staged = single.root("n1") / f".estui-{context.run}-elasticsearch.keystore"
    entries = es_keystore.read_secure_settings(staged.read_bytes(), None, "keystore").entries
    password = Secret(entries["xpack.security.http.ssl.keystore.secure_password"].decode())
    store = (single.root("n1") / "estui/http" / context.run / "node.p12").read_bytes()
    assert pkcs12.read_pkcs12(store, password, "node.p12") is not None
    assert entries["s3.client.default.secret_key"] == OLD_VALUE.encode()


def test_the_journal_knows_every_leaf_by_serial_and_digest(cluster: Cluster) -> None:
    context = prepared(cluster, cluster.plan())
    for record in context.journal.find("prepare"):
        leaves = record.fields["leaves"]
        assert isinstance(leaves, list)
        for each in leaves:
            leaf = decode(LeafRecord, each, "journal")
            if leaf.set_name == "transport":
                path = cluster.root(leaf.target) / "estui/transport" / context.run / "node.crt"
                found = x509.load_pem_x509_certificates(path.read_bytes())[0]
                assert int(leaf.serial.replace(":", ""), 16) == found.serial_number


def test_labels_of_a_replaced_file_go_along(single: Cluster) -> None:
    yml = single.root("n1") / "elasticsearch.yml"
    set_attribute(yml, "system.posix_acl_access", access_list(1234))
    set_attribute(yml, "user.note", b"mine")
    engine = single.engine()
    engine.apply(single.plan())
    for _ in range(2):
        assert os.getxattr(yml, "system.posix_acl_access") == access_list(1234)
        assert os.getxattr(yml, "user.note") == b"mine"
        if b"xpack" in yml.read_bytes():
            engine.rollback()
    assert b"xpack" not in yml.read_bytes()


def test_without_the_passphrase_nothing_is_begun(single: Cluster) -> None:
    context = single.context(single.plan())
    context.passphrase = None
    with pytest.raises(ApplyError, match="passphrase is needed"):
        Preparer(context).prepare()


def test_a_protected_keystore_stays_protected(single: Cluster) -> None:
    path = single.root("n1") / "elasticsearch.keystore"
    password = Secret("of the keystore")
    content = es_keystore.write_secure_settings(
        {es_keystore.SEED: b"s" * 20}, version=4, password=password, salt=os.urandom(64), iv=os.urandom(12)
    )
    path.write_bytes(content)
    context = single.context(single.plan(settings=False))
    context.keystore_password = password
    preparer = Preparer(context)
    written = preparer._node_keystore(single.place("n1"), path.name, content, {"a": Secret("1")})
    assert es_keystore.read_header(written, "k").protected
    assert es_keystore.read_secure_settings(written, password, "k").entries["a"] == b"1"


def test_the_keystore_keeps_to_what_the_node_reads(single: Cluster) -> None:
    preparer = Preparer(single.context(single.plan(settings=False)))
    assert VERSION == "7.17.0"
    written = preparer._node_keystore(single.place("n1"), "elasticsearch.keystore", None, {"a": Secret("1")})
    assert es_keystore.read_header(written, "k").version == 4
    kept = preparer._node_keystore(single.place("n1"), "elasticsearch.keystore", keystore(), {"a": None})
    assert "a" not in es_keystore.read_secure_settings(kept, None, "k").entries


def test_merging_removes_what_is_none() -> None:
    assert merged({"a": 1, "b": 2}, {"b": None, "c": 3, "d": None}) == {"a": 1, "c": 3}


# secrets


def secrets_of(cluster: Cluster, engine: Engine) -> list[bytes]:
    """Every value that must not be found outside the file it belongs in."""
    found = [PASSPHRASE.encode(), OLD_VALUE.encode()]
    found += [secret.encode() for secret in cluster.workspace.secrets(PASSPHRASE).values()]
    for name in cluster.names:
        store = (cluster.root(name) / "elasticsearch.keystore").read_bytes()
        entries = es_keystore.read_secure_settings(store, None, "k").entries
        found += [value for key, value in entries.items() if key != es_keystore.SEED]
        for path in cluster.root(name).rglob("*.key"):
            found += [line for line in path.read_bytes().splitlines() if not line.startswith(b"-----")]
    return [secret for secret in found if len(secret) >= 8]


def texts_of(workspace: Path) -> dict[str, bytes]:
    return {str(path.relative_to(workspace)): path.read_bytes() for path in workspace.rglob("*") if path.is_file()}


def test_no_secret_is_in_the_workspace_whatever_happens(single: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[object] = []
    engine = single.engine()
    engine.expect_nodes = 1
    plan = engine.plan(engine.observe(network=False), Goal(Scenario.HTTPS))  # sets the built-in users' passwords
    engine.apply(plan, said.append)
    engine.rollback(emit=said.append)
    engine.apply(single.plan(), said.append)
    failing = single.plan()
    (single.workspace_path / "ca/http/ca.key").write_bytes(b"damaged")
    with pytest.raises(EstuiError) as caught:
        engine.apply(failing, said.append)
    told = "\n".join((repr(said), str(caught.value), repr(caught.value), *capfd.readouterr()))
    files = {**texts_of(single.workspace_path), "events and errors": told.encode()}
    secrets = secrets_of(single, engine)
    assert len(secrets) > 6
    for secret in secrets:
        for name, content in files.items():
            assert secret not in content, f"a secret is in {name}"
