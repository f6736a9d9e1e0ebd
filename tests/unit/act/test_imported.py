"""Imported leaves in a run: the one that was reviewed, with its key and everything above it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from estui.act.csr import Made, answer_file, fetch_leaf, store_answers, store_requests
from estui.act.prepare import Preparer
from estui.errors import ApplyError, StoreError
from estui.formats import pkcs12
from estui.model.csr import CsrAnswer, CsrAnswers, CsrEntry, CsrSet
from estui.model.inventory import KeyType, StoreFormat
from estui.model.plan import LeafRequest, Plan, PublishSet, Stage
from estui.observe.workspace import read_issued
from estui.pki.csr import build_request, request_pem
from estui.pki.facts import certificate_facts
from estui.pki.keys import encrypt_key, generate_key, public_key_sha256
from estui.secret import Secret
from tests.corporate import Corporate
from tests.unit.act.folders import NOW, PASSPHRASE, Cluster
from tests.unit.act.offline import go_offline
from tests.unit.act.test_commit import prepared

CSR = "2026-11-24T01-02-03Z-aaaa"
REQUEST = LeafRequest("n1", "http", "", "n1", ("n1",), ("127.0.0.1",), ("serverAuth",), KeyType.EC_P256, 90)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


@pytest.fixture
def corporate() -> Corporate:
    return Corporate(now=NOW)


def answered(cluster: Cluster, corporate: Corporate) -> x509.Certificate:
    """A request of n1 and its answer, in the workspace; the leaf."""
    workspace = cluster.workspace
    key = generate_key(KeyType.EC_P256)
    entry = CsrEntry(REQUEST, "n1-http", public_key_sha256(key), ("n1",))
    content = request_pem(build_request(REQUEST, key))
    store_requests(workspace, CsrSet(CSR, "now", (entry,)), [Made(entry, key, content)], PASSPHRASE)
    workspace.import_authority("corporate", corporate.root, None, None)
    return again(cluster, corporate, content)


def again(cluster: Cluster, corporate: Corporate, content: bytes) -> x509.Certificate:
    leaf = corporate.sign(content)
    digest = certificate_facts(leaf).sha256
    answer = CsrAnswer("n1-http", "corporate", answer_file("n1-http", digest), digest)
    store_answers(cluster.workspace, CSR, CsrAnswers("", ()), [answer], {"n1-http": [leaf, corporate.issuing]})
    return leaf


def change_for(leaf: x509.Certificate, store: StoreFormat = StoreFormat.PEM) -> PublishSet:
    request = replace(REQUEST, authority="corporate")
    return PublishSet(
        "n1",
        "http",
        request,
        ("corporate",),
        store,
        False,
        "t",
        imported=CSR,
        leaf_sha256=certificate_facts(leaf).sha256,
    )


def with_change(plan: Plan, change: PublishSet) -> Plan:
    """The plan with one set in the place of its own."""
    kept = [each for each in plan.stages[0].changes if not isinstance(each, PublishSet)]
    stage = replace(plan.stages[0], changes=(*kept, change))
    assert isinstance(stage, Stage)
    return replace(plan, stages=(stage,))


def test_leaf_intermediate_and_root_are_published_with_the_key_of_the_request(
    single: Cluster, corporate: Corporate
) -> None:
    leaf = answered(single, corporate)
    context = prepared(single, with_change(single.plan(sets=("http",), pkcs12=()), change_for(leaf)))
    folder = single.root("n1") / "estui/http" / context.run
    assert x509.load_pem_x509_certificates((folder / "node.crt").read_bytes()) == [
        leaf,
        corporate.issuing,
        corporate.root,
    ]
    key = load_pem_private_key((folder / "node.key").read_bytes(), None)
    assert key.public_key() == leaf.public_key()
    assert x509.load_pem_x509_certificates((folder / "ca.crt").read_bytes()) == [corporate.root]
    (record,) = read_issued(Path(single.workspace.path), "corporate")
    assert (record["sha256"], record["target"]) == (certificate_facts(leaf).sha256, "n1")


def test_a_pkcs12_holds_the_same_chain(single: Cluster, corporate: Corporate) -> None:
    leaf = answered(single, corporate)
    change = change_for(leaf, StoreFormat.PKCS12)
    context = single.context(with_change(single.plan(sets=("http",), pkcs12=("http",)), change))
    preparer = Preparer(context)
    preparer.store_passwords["n1", "http"] = Secret("store")
    files, _ = preparer._set(change)
    (entry,) = pkcs12.read_pkcs12(files["node.p12"], Secret("store"), "node.p12").keys
    assert (entry.leaf, entry.chain) == (leaf, (corporate.issuing, corporate.root))


def test_another_import_since_the_review_stops_the_run(single: Cluster, corporate: Corporate) -> None:
    leaf = answered(single, corporate)
    content = Path(single.workspace.path, "csr", CSR, "n1-http.csr").read_bytes()
    again(single, corporate, content)
    with pytest.raises(ApplyError, match="was imported since the review"):
        fetch_leaf(single.workspace, change_for(leaf), PASSPHRASE)


def test_a_wrong_passphrase_or_a_swapped_key_stops_the_run(single: Cluster, corporate: Corporate) -> None:
    leaf = answered(single, corporate)
    with pytest.raises(StoreError, match="wrong passphrase"):
        fetch_leaf(single.workspace, change_for(leaf), Secret("wrong"))
    path = Path(single.workspace.path, "csr", CSR, "n1-http.key")

    path.write_bytes(encrypt_key(generate_key(KeyType.EC_P256), PASSPHRASE, salt=bytes(16), iv=bytes(16)))
    with pytest.raises(StoreError, match="do not belong together"):
        fetch_leaf(single.workspace, change_for(leaf), PASSPHRASE)


def test_an_import_that_is_gone_is_told(single: Cluster, corporate: Corporate) -> None:
    leaf = answered(single, corporate)
    with pytest.raises(StoreError, match="no certificate of n1 http is imported as other"):
        fetch_leaf(single.workspace, replace(change_for(leaf), imported="other"), PASSPHRASE)


def test_a_set_of_requests_that_was_cut_short_is_no_hindrance(single: Cluster) -> None:
    """Half a key without the record of its set is nothing that a passphrase has to open."""
    folder = Path(single.workspace.path, "csr", "2026-11-24T01-02-03Z-bbbb")
    folder.mkdir(parents=True)
    (folder / "n1-http.key").write_bytes(b"-----BEGIN ENC")
    assert single.workspace.sealed_files() == ()
    single.workspace.check_passphrase(PASSPHRASE)


def test_the_passphrase_is_held_to_the_keys_of_requests(single: Cluster, corporate: Corporate) -> None:
    """A workspace whose only secrets are those keys has a passphrase already."""
    told = [single.workspace.needs_new_passphrase]
    answered(single, corporate)
    assert [*told, single.workspace.needs_new_passphrase] == [True, False]
    single.workspace.check_passphrase(PASSPHRASE)
    with pytest.raises(StoreError):
        single.workspace.check_passphrase(Secret("wrong"))
