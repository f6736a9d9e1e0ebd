"""Files that keep their names, on real folders: what stays of the old ones, what is refused, and the way back."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from estui.act.fs import RealFs
from estui.act.restarts import Restarts
from estui.act.workspace import serial
from estui.errors import ApplyError, EstuiError, StalePlanError
from estui.formats import es_keystore, pem, pkcs12
from estui.model.goal import Goal, Rotation, Scenario
from estui.model.inventory import KeyType, StoreFormat
from estui.model.plan import AuthorityRequest, FixedFile, LeafRequest, Plan, PublishSet, Restart, Stage
from estui.model.run import RunPhase, Step, StepKind
from estui.pki.authority import issue_leaf
from estui.pki.keys import PrivateKey, generate_key
from estui.secret import Secret
from tests.faults.points import Watched
from tests.unit.act.folders import PASSPHRASE, STAGE, Cluster, keystore
from tests.unit.act.offline import go_offline

OLD = Secret("known-to-the-node")
PEM_FILES = (
    FixedFile("certificate", "certs/http.crt"),
    FixedFile("key", "certs/http.key"),
    FixedFile("certificate_authorities", "certs/ca.crt"),
)
STORE = "certs/all.p12"
SSL = "xpack.security.{}.ssl.{}"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)
    monkeypatch.setattr(Restarts, "_start_times", lambda self: {})


def request(set_name: str = "http", authority: str = "http") -> LeafRequest:
    return LeafRequest("n1", set_name, authority, "n1", ("n1",), ("127.0.0.1",), ("serverAuth",), KeyType.EC_P256, 90)


def authority(cluster: Cluster, name: str) -> x509.Certificate:
    if not cluster.workspace.has_authority(name):
        cluster.workspace.create_authority(AuthorityRequest(name, f"CA {name}", KeyType.EC_P256, 900), PASSPHRASE)
    return cluster.workspace.authority_certificate(name)


def old_leaf(cluster: Cluster, name: str = "http") -> tuple[PrivateKey, x509.Certificate, x509.Certificate]:
    ca = authority(cluster, name)
    key = generate_key(KeyType.EC_P256)
    leaf = issue_leaf(
        request(authority=name),
        authority=ca,
        authority_key=cluster.workspace.authority_key(name, PASSPHRASE),
        key=key,
        serial=serial(),
        now=cluster.now,
    )
    return key, leaf, ca


def put(cluster: Cluster, path: str, content: bytes, mode: int = 0o640) -> Path:
    target = cluster.root("n1") / path
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)
    return target


def set_up(cluster: Cluster, *, passphrase: Secret | None = None, chain: bool = False) -> None:
    """PEM files of a person for the HTTP layer."""
    key, leaf, ca = old_leaf(cluster)
    put(cluster, "certs/http.crt", pem.certificate_pem(leaf) + (pem.certificate_pem(ca) if chain else b""))
    put(cluster, "certs/http.key", pem.private_key_pem(key, passphrase), 0o600)
    put(cluster, "certs/ca.crt", pem.certificate_pem(ca))
    settings(cluster, certificate="certs/http.crt", key="certs/http.key", certificate_authorities="certs/ca.crt")


def settings(cluster: Cluster, *layers: str, **values: str) -> None:
    path = cluster.root("n1") / "elasticsearch.yml"
    lines = [
        f"{SSL.format(layer, name.replace('__', '.'))}: {value}"
        for layer in layers or ("http",)
        for name, value in values.items()
    ]
    path.write_text(path.read_text() + "\n".join(lines) + "\n")


def secure(cluster: Cluster, **entries: Secret) -> None:
    named = {SSL.format("http", name.replace("__", ".")): value.encode() for name, value in entries.items()}
    put(cluster, "elasticsearch.keystore", keystore(named), 0o660)


def plan_of(cluster: Cluster, *changes: PublishSet, pins: tuple[str, ...] = ()) -> Plan:
    paths = pins or tuple(dict.fromkeys(each.path for change in changes for each in change.fixed))
    return Plan(
        workspace=cluster.workspace.identity().id,
        cluster="logs",
        cluster_uuid="",
        goal=Goal(Scenario.HTTPS),
        stages=(Stage(STAGE, Restart.ROLLING, changes, "tested"),),
        steps=(
            Step("prepare", StepKind.PREPARE, "make files"),
            Step("commit", StepKind.COMMIT, "switch", ("n1",), STAGE),
        ),
        pins=tuple(cluster.pin("n1", path) for path in paths),
        places=(cluster.place("n1"),),
    )


def change(
    fixed: tuple[FixedFile, ...] = PEM_FILES,
    *,
    leaf: bool = True,
    trust: tuple[str, ...] = (),
    set_name: str = "http",
    authority: str = "http",
) -> PublishSet:
    store = StoreFormat.PKCS12 if any(each.role == "keystore.path" for each in fixed) else StoreFormat.PEM
    wanted = request(set_name, authority) if leaf else None
    return PublishSet("n1", set_name, wanted, trust, store, True, "tested", keep_leaf=not leaf, fixed=fixed)


def certificates(cluster: Cluster, path: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((cluster.root("n1") / path).read_bytes())


def test_a_new_pair_with_its_ca_under_the_old_names(single: Cluster) -> None:
    """Owner and mode of each file stay, the CA file is not touched, and an undo brings everything back exactly."""
    set_up(single)
    before = single.trees(without=("estui",))
    engine = single.engine()
    assert engine.apply(plan_of(single, change())).phase is RunPhase.DONE
    after = single.trees(without=("estui",))
    changed = {path for path, entry in after["n1"].items() if before["n1"].get(path) != entry}
    assert changed == {"certs/http.crt", "certs/http.key"}
    assert [entry[2:] for entry in before["n1"].values()] == [entry[2:] for entry in after["n1"].values()]
    leaf, ca = certificates(single, "certs/http.crt")
    key = load_pem_private_key((single.root("n1") / "certs/http.key").read_bytes(), None)
    assert leaf.public_key() == key.public_key()
    assert ca == authority(single, "http")
    engine.rollback()
    assert single.trees(without=("estui",)) == before


def test_what_is_trusted_is_renamed_before_certificate_and_key(single: Cluster) -> None:
    set_up(single)
    authority(single, "http-2")
    run = single.engine().apply(plan_of(single, change(trust=("http", "http-2"))))
    (record,) = single.context(plan_of(single), run.id).journal.find("prepare")
    items = record.fields["items"]
    assert isinstance(items, list)
    paths = [item["path"] for item in items if isinstance(item, dict)]
    assert paths == ["certs/ca.crt", "certs/http.crt", "certs/http.key"]
    assert certificates(single, "certs/ca.crt") == [authority(single, "http"), authority(single, "http-2")]


def test_only_the_trust_changes_where_the_leaf_stays(single: Cluster) -> None:
    """Without any passphrase: nothing is signed."""
    set_up(single)
    authority(single, "http-2")
    engine = single.engine()
    engine.passphrase = None
    before = single.trees(without=("estui",))["n1"]
    engine.apply(plan_of(single, change(leaf=False, trust=("http", "http-2"))))
    after = single.trees(without=("estui",))["n1"]
    assert {path for path in after if before.get(path) != after[path]} == {"certs/ca.crt"}


def test_an_encrypted_key_stays_encrypted_with_its_passphrase(single: Cluster) -> None:
    set_up(single, passphrase=OLD)
    secure(single, secure_key_passphrase=OLD)
    single.engine().apply(plan_of(single, change()))
    content = (single.root("n1") / "certs/http.key").read_bytes()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in content
    assert (
        load_pem_private_key(content, OLD.encode()).public_key()
        == certificates(single, "certs/http.crt")[0].public_key()
    )


@pytest.mark.parametrize(
    ("known", "words"),
    [({}, "no setting has its passphrase"), ({"secure_key_passphrase": Secret("x")}, "wrong passphrase")],
)
def test_a_key_that_the_node_itself_could_not_open_is_refused(
    single: Cluster, known: dict[str, Secret], words: str
) -> None:
    set_up(single, passphrase=OLD)
    secure(single, **known)
    before = single.trees()
    with pytest.raises(EstuiError, match=words):
        single.engine().apply(plan_of(single, change()))
    assert single.trees() == before


def with_links(cluster: Cluster) -> None:
    """`certs` leads to another folder, and the key in it to another name."""
    set_up(cluster)
    root = cluster.root("n1")
    (root / "certs").rename(root / "certs-2025")
    (root / "certs").symlink_to("certs-2025")
    (root / "certs-2025/http.key").rename(root / "certs-2025/real.key")
    (root / "certs-2025/http.key").symlink_to("real.key")


def rotation(cluster: Cluster) -> Plan:
    """As planned from what is observed; the node does not reload, so that no gate needs the network."""
    settings(cluster, enabled="true")
    path = cluster.root("n1") / "elasticsearch.yml"
    path.write_text(path.read_text() + "xpack.security.enabled: true\nresource.reload.enabled: false\n")
    engine = cluster.engine()
    return engine.plan(engine.observe(network=False), Goal(Scenario.HTTPS, rotation=Rotation()))


def test_links_in_the_folder_stay_and_their_targets_are_replaced(single: Cluster) -> None:
    with_links(single)
    root = single.root("n1")
    plan = rotation(single)
    engine = single.engine()
    before = single.trees(without=("estui",))
    engine.apply(plan)
    assert (root / "certs").readlink() == Path("certs-2025")
    assert (root / "certs-2025/http.key").readlink() == Path("real.key")
    key = load_pem_private_key((root / "certs-2025/real.key").read_bytes(), None)
    assert key.public_key() == certificates(single, "certs/http.crt")[0].public_key()
    engine.rollback()
    assert single.trees(without=("estui",)) == before


@pytest.mark.parametrize("path", ["certs-2025/http.crt", "certs-2025/real.key"])
def test_what_a_link_leads_to_is_pinned(single: Cluster, path: str) -> None:
    with_links(single)
    plan = rotation(single)
    put(single, path, b"changed by a person meanwhile", 0o600)
    with pytest.raises(StalePlanError, match="changed since"):
        single.engine().apply(plan)


def test_a_link_that_leads_out_of_the_folder_is_refused(single: Cluster, tmp_path: Path) -> None:
    set_up(single)
    path = single.root("n1") / "certs/http.crt"
    (tmp_path / "outside.crt").write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(tmp_path / "outside.crt")
    with pytest.raises(ApplyError) as refused:
        single.engine().apply(plan_of(single, change(), pins=("certs/http.key",)))
    assert "leads out of the configuration folder" in refused.value.reasons[0]


def test_certificate_and_key_in_one_file_stay_in_one(single: Cluster) -> None:
    key, leaf, _ = old_leaf(single)
    put(single, "certs/both.pem", pem.private_key_pem(key) + pem.certificate_pem(leaf))
    settings(single, certificate="certs/both.pem", key="certs/both.pem")
    both = (FixedFile("certificate", "certs/both.pem"), FixedFile("key", "certs/both.pem"))
    single.engine().apply(plan_of(single, change(both)))
    content = (single.root("n1") / "certs/both.pem").read_bytes()
    assert load_pem_private_key(content, None).public_key() == certificates(single, "certs/both.pem")[0].public_key()


def test_a_chain_that_is_the_trust_as_well_keeps_what_it_trusts(single: Cluster) -> None:
    """`certificate` and `certificate_authorities` may name the same file."""
    key, leaf, ca = old_leaf(single)
    other = authority(single, "other")
    put(single, "certs/chain.pem", b"".join(pem.certificate_pem(each) for each in (leaf, ca, other)))
    put(single, "certs/http.key", pem.private_key_pem(key))
    files = (
        FixedFile("certificate", "certs/chain.pem"),
        FixedFile("key", "certs/http.key"),
        FixedFile("certificate_authorities", "certs/chain.pem"),
    )
    single.engine().apply(plan_of(single, change(files)))
    new, *rest = certificates(single, "certs/chain.pem")
    assert new != leaf
    assert rest == [ca, other]


def store_up(cluster: Cluster, password: Secret = OLD, *layers: str) -> tuple[x509.Certificate, x509.Certificate]:
    """One store, keystore and truststore at once; the CA has an alias of its own. Leaf and CA."""
    key, leaf, ca = old_leaf(cluster)
    entry = pkcs12.KeyEntry("instance", key, leaf, (ca,))
    put(cluster, STORE, pkcs12.write_store([entry], [("our-ca", ca)], password))
    settings(cluster, *layers, keystore__path=STORE, truststore__path=STORE)
    return leaf, ca


def read_store(cluster: Cluster, password: Secret = OLD, path: str = STORE) -> pkcs12.Pkcs12Content:
    return pkcs12.read_pkcs12((cluster.root("n1") / path).read_bytes(), password, path)


BOTH = (FixedFile("keystore.path", STORE), FixedFile("truststore.path", STORE))


@pytest.mark.parametrize("clear", [False, True])
def test_a_store_keeps_password_aliases_and_trust(single: Cluster, clear: bool) -> None:
    """The password is the one that the node knows: from its secure settings, or in clear from its yml."""
    leaf, ca = store_up(single)
    if clear:
        settings(single, keystore__password=OLD.reveal())
    else:
        secure(single, keystore__secure_password=OLD, truststore__secure_password=OLD)
    single.engine().apply(plan_of(single, change(BOTH)))
    content = read_store(single)
    (entry,) = content.keys
    assert (entry.alias, entry.chain) == ("instance", (ca,))
    assert entry.leaf
    assert entry.leaf != leaf
    assert content.trusted == (("our-ca", ca),)


def test_a_store_without_a_password_stays_without(single: Cluster) -> None:
    """certutil proposes the empty password."""
    store_up(single, Secret(""))
    single.engine().apply(plan_of(single, change(BOTH)))
    assert read_store(single, Secret("")).keys[0].alias == "instance"


def test_a_store_trusts_a_second_ca_beside_the_first(single: Cluster) -> None:
    """The alias of the CA that stays stays; without a new leaf the key entry is the same."""
    leaf, ca = store_up(single)
    secure(single, keystore__secure_password=OLD)
    second = authority(single, "http-2")
    single.engine().apply(plan_of(single, change(BOTH, leaf=False, trust=("http", "http-2"))))
    content = read_store(single)
    assert content.trusted == (("our-ca", ca), ("http-2", second))
    assert [(entry.alias, entry.leaf) for entry in content.keys] == [("instance", leaf)]


def test_a_truststore_of_its_own_is_written_with_its_own_password(single: Cluster) -> None:
    key, leaf, ca = old_leaf(single)
    trust = Secret("another-password")
    put(single, STORE, pkcs12.write_keystore("instance", key, leaf, [ca], OLD))
    put(single, "certs/trust.p12", pkcs12.write_truststore([("our-ca", ca)], trust))
    settings(single, keystore__path=STORE, truststore__path="certs/trust.p12")
    secure(single, keystore__secure_password=OLD, truststore__secure_password=trust)
    files = (FixedFile("keystore.path", STORE), FixedFile("truststore.path", "certs/trust.p12"))
    second = authority(single, "http-2")
    single.engine().apply(plan_of(single, change(files, trust=("http", "http-2"))))
    assert read_store(single, trust, "certs/trust.p12").trusted == (("our-ca", ca), ("http-2", second))
    content = read_store(single)
    assert content.keys[0].leaf != leaf
    assert content.trusted == ()


def test_both_layers_of_one_store_get_one_leaf(single: Cluster) -> None:
    """The journal has it as planned for both."""
    store_up(single, OLD, "transport", "http")
    secure(single, keystore__secure_password=OLD)
    put(
        single,
        "elasticsearch.keystore",
        keystore({SSL.format(each, "keystore.secure_password"): OLD.encode() for each in ("transport", "http")}),
    )
    changes = change(BOTH, set_name="transport"), change(BOTH)
    run = single.engine().apply(plan_of(single, *changes))
    (record,) = single.context(plan_of(single), run.id).journal.find("prepare")
    leaves = record.fields["leaves"]
    assert isinstance(leaves, list)
    found = {(leaf["set_name"], leaf["sha256"]) for leaf in leaves if isinstance(leaf, dict)}
    assert {name for name, _ in found} == {"transport", "http"}
    assert len({digest for _, digest in found}) == 1


def test_one_file_under_two_names_is_refused(single: Cluster) -> None:
    store_up(single)
    (single.root("n1") / "certs/http.p12").symlink_to("all.p12")
    http = (FixedFile("keystore.path", "certs/http.p12"),)
    other = replace(request(), dns_names=("other",))
    changes = change(BOTH, set_name="transport"), replace(change(http), request=other)
    with pytest.raises(ApplyError, match="names in two ways"):
        single.engine().apply(plan_of(single, *changes))


def test_a_key_with_a_password_of_its_own_is_refused(single: Cluster) -> None:
    store_up(single)
    secure(single, keystore__secure_password=OLD, keystore__secure_key_password=Secret("other"))
    with pytest.raises(ApplyError, match="password of its own"):
        single.engine().apply(plan_of(single, change(BOTH)))


def test_a_file_that_somebody_changed_since_the_review_is_not_replaced(single: Cluster) -> None:
    set_up(single)
    plan = plan_of(single, change())
    put(single, "certs/http.crt", b"renewed by a person meanwhile")
    before = single.trees()
    with pytest.raises(StalePlanError, match="changed since"):
        single.engine().apply(plan)
    assert single.trees() == before


def test_a_file_with_two_names_is_refused_before_anything_is_written(single: Cluster) -> None:
    set_up(single)
    os.link(single.root("n1") / "certs/http.key", single.root("n1") / "certs/copy.key")
    with pytest.raises(ApplyError) as refused:
        single.engine().apply(plan_of(single, change()))
    assert "hard links" in refused.value.reasons[0]


def test_a_mount_without_links_is_no_hindrance(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """SMB and FAT: files under their own names need no link, a set of estui's own does."""
    set_up(single)
    monkeypatch.setattr("estui.observe.mounts.file_system", lambda folder: "cifs")
    engine = single.engine()
    assert engine.apply(plan_of(single, change())).phase is RunPhase.DONE
    with pytest.raises(ApplyError) as refused:
        engine.apply(single.plan(sets=("http",), pkcs12=(), settings=False))
    assert "does not carry symbolic links" in refused.value.reasons[0]


class SecondRenameFails:
    """The disk goes away between certificate and key."""

    def __init__(self) -> None:
        self.renamed = 0

    def __call__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:
        self.renamed += name == "rename" and str(args[1]).startswith("http.")
        if self.renamed == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return call()


@pytest.mark.parametrize("complete", [True, False])
def test_what_is_cut_short_between_certificate_and_key_is_finished_or_undone(single: Cluster, complete: bool) -> None:
    set_up(single)
    before = single.trees(without=("estui",))
    plan = plan_of(single, change())
    with pytest.raises(ApplyError):
        single.engine(RealFs(Watched(SecondRenameFails()))).apply(plan)
    leaf, _ = certificates(single, "certs/http.crt")
    key = load_pem_private_key((single.root("n1") / "certs/http.key").read_bytes(), None)
    assert leaf.public_key() != key.public_key()
    engine = single.engine()
    engine.recover(complete=complete)
    if complete:
        key = load_pem_private_key((single.root("n1") / "certs/http.key").read_bytes(), None)
        assert certificates(single, "certs/http.crt")[0].public_key() == key.public_key()
        engine.resume()
        engine.rollback()
    assert single.trees(without=("estui",)) == before


# sets of estui's own whose leaf stays


@pytest.mark.parametrize("stores", [(), ("http",)])
def test_a_managed_set_keeps_its_leaf_without_a_passphrase(single: Cluster, stores: tuple[str, ...]) -> None:
    """Leaf and key are the bytes of the set in use; only what is trusted is new. Nor is the old CA's key needed."""
    engine = single.engine()
    engine.apply(single.plan(sets=("http",), pkcs12=stores, settings=False))
    base = single.root("n1") / "estui/http"
    old = {path.name: path.read_bytes() for path in (base / "current").iterdir()}
    second = authority(single, "http-2")
    (single.workspace_path / "ca/http/ca.key").unlink()
    engine.passphrase = None
    store = StoreFormat.PKCS12 if stores else StoreFormat.PEM
    kept = PublishSet("n1", "http", None, ("http", "http-2"), store, True, "tested", keep_leaf=True)
    plan = plan_of(single, kept, pins=("estui/http/current",))
    assert not engine.needs_passphrase(plan)
    assert engine.apply(plan).phase is RunPhase.DONE
    new = {path.name: path.read_bytes() for path in (base / "current").iterdir()}
    ca = "ca.p12" if stores else "ca.crt"
    assert {name for name in new if new[name] != old[name]} == {ca}
    if stores:
        content = (single.root("n1") / "elasticsearch.keystore").read_bytes()
        entries = es_keystore.read_secure_settings(content, None, "k").entries
        password = Secret(entries[SSL.format("http", "keystore.secure_password")].decode())
        trusted = [each for _, each in pkcs12.read_pkcs12(new[ca], password, ca).trusted]
    else:
        trusted = x509.load_pem_x509_certificates(new[ca])
    assert trusted == [authority(single, "http"), second]
