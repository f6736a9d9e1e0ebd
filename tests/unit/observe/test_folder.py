"""What a node's folder tells: name, version, addresses, secure settings, certificates, and what is wrong with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from estui.formats.es_keystore import write_secure_settings
from estui.formats.pem import private_key_pem
from estui.model.finding import Severity
from estui.model.inventory import Address, Layer, NodeEntry
from estui.model.observed import Fault, FileKind, ObservedNode, Rung
from estui.model.version import Version
from estui.observe.folder import hanging_node, observe_node_folder
from estui.secret import Secret
from tests.unit.observe.servers import ANSWERS, Ca, Leaf
from tests.unit.observe.test_files import as_nobody, open_folder

__all__ = ["open_folder"]

STORES = ANSWERS.parent / "stores"
YML = ANSWERS.parent / "yml"
PREFIX = "xpack.security.{}.ssl"
SET = "2026-11-24T01-12-43Z-7f3a"


def config(tmp_path: Path, yml: str = "", **files: bytes) -> Path:
    """A configuration folder with this yml."""
    folder = tmp_path / "config"
    folder.mkdir(exist_ok=True)
    (folder / "elasticsearch.yml").write_text(yml)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def secure(entries: Mapping[str, str], version: int = 5, password: Secret | None = None) -> bytes:
    values = {name: value.encode() for name, value in entries.items()}
    return write_secure_settings(values, version=version, password=password, salt=os.urandom(64), iv=os.urandom(12))


def look(folder: Path, password: Secret | None = None, **stated: object) -> ObservedNode:
    entry = NodeEntry(str(folder), **stated)  # type: ignore[arg-type]
    return observe_node_folder(entry, folder="estui", keystore_password=password, digest_key=b"k" * 32)


def publish(folder: Path, layer: str, leaf: Leaf) -> None:
    """A managed set in use."""
    home = folder / "estui" / layer / SET
    home.mkdir(parents=True)
    chain, key = leaf.write(home)
    chain.rename(home / "node.crt")
    key.rename(home / "node.key")
    (home / "ca.crt").write_bytes(leaf.ca.pem)
    (home.parent / "current").symlink_to(SET)


def managed_yml(layer: str) -> str:
    prefix = PREFIX.format(layer)
    files = {"key": "node.key", "certificate": "node.crt", "certificate_authorities": "ca.crt"}
    lines = [f"{prefix}.{name}: estui/{layer}/current/{file}" for name, file in files.items()]
    return "\n".join([f"{prefix}.enabled: true", *lines, ""])


def test_a_folder_of_comments_has_defaults_and_no_stated_name(tmp_path: Path) -> None:
    node = look(config(tmp_path, "# only a comment\n"))
    assert (node.name, node.name_stated, node.version, node.rung) == ("", False, None, Rung.UNKNOWN)
    assert (node.http_address, node.transport_address) == (Address("127.0.0.1", 9200), Address("127.0.0.1", 9300))
    assert node.problems == ()
    assert not node.disk[Layer.HTTP].enabled


def test_the_files_of_interest_are_told_present_or_absent(tmp_path: Path) -> None:
    node = look(config(tmp_path, "node.name: es-1", users=b""))
    kinds = {name: state.kind for name, state in node.files.items()}
    assert kinds["."] is FileKind.FOLDER
    assert (kinds["elasticsearch.yml"], kinds["users"]) == (FileKind.FILE, FileKind.FILE)
    for name in ("elasticsearch.keystore", "users_roles", "estui", "estui/http", "estui/http/current"):
        assert kinds[name] is FileKind.ABSENT


def test_the_name_of_the_yml_wins_over_the_inventory_unless_it_is_left_to_the_environment(tmp_path: Path) -> None:
    assert look(config(tmp_path, "node.name: es-1"), name="other").name == "es-1"
    from_environment = look(config(tmp_path, "node.name: ${HOSTNAME}"), name="es-2")
    assert (from_environment.name, from_environment.name_stated) == ("es-2", True)
    assert look(config(tmp_path, "node.name: ${HOSTNAME}")).name == ""


@pytest.mark.parametrize(
    ("format_", "version"), [(3, None), (4, Version(7, 17)), (5, Version(8)), (6, Version(8, 14)), (7, Version(8, 18))]
)
def test_the_keystore_tells_the_version_where_nothing_else_does(
    tmp_path: Path, format_: int, version: Version | None
) -> None:
    folder = config(tmp_path, elasticsearch__keystore=secure({"keystore.seed": "s"}, format_))
    node = look(folder)
    assert (node.version, node.version_source) == (version, f"keystore format {format_}" if version else "")
    stated = look(folder, version=Version(9, 1))
    assert (stated.version, stated.version_source) == (Version(9, 1), "inventory")


def test_secure_settings_are_told_by_name_and_digest_never_by_value(tmp_path: Path) -> None:
    entries = {"keystore.seed": "seed", "bootstrap.password": "hunter2"}
    node = look(config(tmp_path, elasticsearch__keystore=secure(entries)))
    facts = node.keystore
    assert (facts.present, facts.opened, facts.protected, facts.version) == (True, True, False, 5)
    assert facts.names == ("bootstrap.password", "keystore.seed")
    assert "hunter2" not in repr(node)
    reseeded = look(config(tmp_path, elasticsearch__keystore=secure(entries | {"keystore.seed": "other"}, 4)))
    changed = look(config(tmp_path, elasticsearch__keystore=secure(entries | {"bootstrap.password": "x"})))
    assert reseeded.keystore.entries_digest == facts.entries_digest != changed.keystore.entries_digest


def test_a_protected_keystore_needs_its_password_and_says_so(tmp_path: Path) -> None:
    folder = config(tmp_path, "node.name: es-1", elasticsearch__keystore=secure({}, password=Secret("pw")))
    opened = look(folder, Secret("pw"))
    assert (opened.keystore.opened, opened.keystore.protected, opened.problems) == (True, True, ())
    for password in (None, Secret("wrong")):
        node = look(folder, password)
        assert (node.keystore.opened, node.keystore.protected) == (False, True)
        finding = node.problems[0]
        assert (finding.rule, finding.target, finding.severity) == ("keystore-locked", "es-1", Severity.FATAL)
        assert "--keystore-password-file" in finding.hint


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x3f\xd7\x6c\x17"])
def test_a_broken_keystore_is_fatal(tmp_path: Path, content: bytes) -> None:
    node = look(config(tmp_path, elasticsearch__keystore=content))
    assert [finding.rule for finding in node.problems] == ["keystore-unreadable"]
    assert node.keystore.present
    assert node.keystore.error


def test_a_missing_folder_is_fatal_and_what_the_inventory_says_remains(tmp_path: Path) -> None:
    node = look(tmp_path / "no", name="es-1", http=Address("es-1", 9200), version=Version(9, 1))
    assert [finding.rule for finding in node.problems] == ["folder-missing"]
    assert (node.name, node.http_address, node.version) == ("es-1", Address("es-1", 9200), Version(9, 1))
    assert node.transport_address is None


def test_a_file_in_place_of_a_folder_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "elasticsearch.yml").touch()
    assert look(tmp_path / "elasticsearch.yml").problems[0].rule == "folder-not-a-folder"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("kibana.yml", "configuration folder of Kibana"),
        ("filebeat.yml", "configuration folder of Filebeat"),
        ("logstash.yml", "configuration folder of Logstash"),
        ("config", "may be"),
        ("other", "name the folder"),
        (None, "empty: is it mounted?"),
    ],
)
def test_a_folder_without_the_yml_says_what_it_looks_like(tmp_path: Path, name: str | None, hint: str) -> None:
    if name:
        (tmp_path / name).touch()
    finding = look(tmp_path).problems[0]
    assert finding.rule == "yml-missing"
    assert hint in finding.hint


def test_a_folder_that_may_not_be_read_is_fatal(open_folder: Path) -> None:
    folder = config(open_folder)
    folder.chmod(0o700 if os.geteuid() == 0 else 0)
    try:
        assert as_nobody(lambda: look(folder).problems[0].rule == "folder-unreadable")
    finally:
        folder.chmod(0o700)


def test_a_yml_that_may_not_be_read_is_fatal(open_folder: Path) -> None:
    folder = config(open_folder)
    folder.chmod(0o755)
    (folder / "elasticsearch.yml").chmod(0o600 if os.geteuid() == 0 else 0)

    def told() -> bool:
        finding = look(folder).problems[0]
        return finding.rule == "yml-broken" and "permission denied" in finding.summary

    assert as_nobody(told)


def test_a_broken_yml_is_fatal_with_its_line(tmp_path: Path) -> None:
    node = look(config(tmp_path, "a: 1\nb: [\n"))
    finding = node.problems[0]
    assert finding.rule == "yml-broken"
    assert finding.where.startswith(f"{tmp_path}/config/elasticsearch.yml:")
    assert node.settings == {}


def test_a_setting_that_is_there_twice_is_fatal(tmp_path: Path) -> None:
    yml = "xpack.security.enabled: true\nxpack:\n  security:\n    enabled: false\n"
    assert [finding.rule for finding in look(config(tmp_path, yml)).problems] == ["yml-broken"]


def test_a_yml_behind_a_link_is_read_only_from_within_the_folder(tmp_path: Path) -> None:
    folder = config(tmp_path, "node.name: es-1")
    (folder / "elasticsearch.yml").rename(folder / "real.yml")
    (folder / "elasticsearch.yml").symlink_to("real.yml")
    assert look(folder).name == "es-1"
    (folder / "real.yml").rename(tmp_path / "real.yml")
    (folder / "elasticsearch.yml").unlink()
    (folder / "elasticsearch.yml").symlink_to("../real.yml")
    node = look(folder)
    assert (node.name, node.files["elasticsearch.yml"].kind) == ("", FileKind.LINK)
    assert "leads outside" in node.problems[0].summary


def test_a_fifo_in_place_of_the_yml_is_fatal_and_does_not_hang(tmp_path: Path) -> None:
    folder = config(tmp_path)
    (folder / "elasticsearch.yml").unlink()
    os.mkfifo(folder / "elasticsearch.yml")
    assert look(folder).problems[0].rule == "yml-broken"


def test_a_managed_pem_layer_is_told_as_such(tmp_path: Path, leaf: Leaf) -> None:
    folder = config(tmp_path, managed_yml("http"))
    publish(folder, "http", leaf)
    node = look(folder)
    disk = node.disk[Layer.HTTP]
    assert (disk.enabled, disk.managed, disk.problem) == (True, True, "")
    assert disk.leaf is not None
    assert (disk.leaf.sha256, disk.key_sha256) == (leaf.facts.sha256, leaf.facts.key_sha256)
    assert [facts.sha256 for facts in disk.trusted] == [leaf.ca.facts.sha256]
    assert len(disk.chain) == 2
    assert node.files["estui/http/current"].link == SET
    assert node.files["estui/http/current/node.key"].kind is FileKind.FILE
    assert not node.disk[Layer.TRANSPORT].managed


def test_a_layer_with_one_file_of_somebody_elses_is_not_managed(tmp_path: Path, leaf: Leaf) -> None:
    folder = config(tmp_path, managed_yml("http").replace("estui/http/current/ca.crt", "ca.crt"))
    publish(folder, "http", leaf)
    (folder / "ca.crt").write_bytes(leaf.ca.pem)
    disk = look(folder).disk[Layer.HTTP]
    assert (disk.managed, disk.problem) == (False, "")


def test_a_key_that_does_not_belong_to_the_leaf_is_visible(tmp_path: Path, ca: Ca, leaf: Leaf) -> None:
    folder = config(tmp_path, managed_yml("http"))
    publish(folder, "http", leaf)
    other = ca.issue("x")
    (folder / "estui" / "http" / SET / "node.key").write_bytes(private_key_pem(other.key))
    disk = look(folder).disk[Layer.HTTP]
    assert disk.leaf is not None
    assert (disk.key_sha256, disk.leaf.key_sha256) == (other.facts.key_sha256, leaf.facts.key_sha256)


def test_an_encrypted_key_opens_with_the_passphrase_of_the_secure_settings(tmp_path: Path, leaf: Leaf) -> None:
    folder = config(tmp_path, managed_yml("http"))
    publish(folder, "http", leaf)
    (folder / "estui" / "http" / SET / "node.key").write_bytes(private_key_pem(leaf.key, Secret("pp")))
    locked = look(folder).disk[Layer.HTTP]
    assert (locked.key_sha256, locked.leaf is not None) == ("", True)
    assert "estui/http/current/node.key: " in locked.problem
    name = f"{PREFIX.format('http')}.secure_key_passphrase"
    (folder / "elasticsearch.keystore").write_bytes(secure({name: "pp"}))
    assert look(folder).disk[Layer.HTTP].key_sha256 == leaf.facts.key_sha256
    (folder / "elasticsearch.keystore").write_bytes(secure({name: "wrong"}))
    assert "wrong passphrase" in look(folder).disk[Layer.HTTP].problem


def test_missing_files_are_named_once(tmp_path: Path) -> None:
    disk = look(config(tmp_path, managed_yml("http"))).disk[Layer.HTTP]
    assert disk.leaf is None
    assert disk.problem.count("node.crt does not exist") == 1
    assert disk.problem.count("ca.crt does not exist") == 1


def test_files_outside_the_folder_are_not_read(tmp_path: Path, leaf: Leaf) -> None:
    leaf.write(tmp_path)
    folder = config(tmp_path, "xpack.security.http.ssl:\n  certificate: ../node.crt\n  key: ../node.key\n")
    disk = look(folder).disk[Layer.HTTP]
    assert (disk.leaf, disk.managed) == (None, False)
    assert "../node.crt lies outside the configuration folder" in disk.problem


@pytest.mark.parametrize("home", ["/etc/elasticsearch", "/opt/es-9.1.0/config"])
def test_absolute_names_mean_the_folder_as_its_own_host_sees_it(tmp_path: Path, leaf: Leaf, home: str) -> None:
    folder = config(tmp_path, f"xpack.security.http.ssl.certificate: {home}/certs/node.crt\n")
    (folder / "certs").mkdir()
    leaf.write(folder / "certs")
    disk = look(folder).disk[Layer.HTTP]
    assert disk.leaf is not None
    assert disk.problem == ""


def test_certutils_pkcs12_files_open_with_the_secure_password(tmp_path: Path) -> None:
    path = "elastic-certificates.p12"
    prefix = PREFIX.format("transport")
    yml = f"{prefix}.enabled: true\n{prefix}.keystore.path: {path}\n{prefix}.truststore.path: {path}\n"
    folder = config(tmp_path, yml)
    shutil.copy(STORES / "certutil" / path, folder)
    locked = look(folder).disk[Layer.TRANSPORT]
    assert (locked.leaf, locked.trusted) == (None, ())
    assert "wrong password" in locked.problem
    entries = {f"{prefix}.{store}.secure_password": "node-pass" for store in ("keystore", "truststore")}
    (folder / "elasticsearch.keystore").write_bytes(secure(entries))
    disk = look(folder).disk[Layer.TRANSPORT]
    assert (disk.problem, disk.managed) == ("", False)
    assert disk.leaf is not None
    assert disk.leaf.subject == "CN=instance"
    assert disk.key_sha256 == disk.leaf.key_sha256
    assert [facts.subject for facts in disk.trusted] == ["CN=Elastic Certificate Tool Autogenerated CA"]


def test_passwords_in_the_yml_are_used_too(tmp_path: Path) -> None:
    prefix = PREFIX.format("http")
    folder = config(tmp_path, f"{prefix}.keystore.path: http.p12\n{prefix}.keystore.password: http-pass\n")
    shutil.copy(STORES / "certutil" / "http" / "elasticsearch" / "es-1" / "http.p12", folder)
    assert look(folder).disk[Layer.HTTP].leaf is not None


def test_an_auto_configured_node_serves_the_leaf_not_the_ca_of_its_two_keys(tmp_path: Path) -> None:
    folder = config(tmp_path, (YML / "elasticsearch-8-auto-configured.yml").read_text())
    (folder / "certs").mkdir()
    for name in ("http.p12", "transport.p12", "http_ca.crt"):
        shutil.copy(STORES / "auto-configured" / name, folder / "certs")
    names = [
        f"{PREFIX.format(layer)}.{store}"
        for layer, store in (("http", "keystore"), ("transport", "keystore"), ("transport", "truststore"))
    ]
    (folder / "elasticsearch.keystore").write_bytes(secure({f"{name}.secure_password": "auto-pass" for name in names}))
    node = look(folder)
    for layer in Layer:
        disk = node.disk[layer]
        assert disk.problem == ""
        assert disk.leaf is not None
        assert not disk.leaf.is_ca
    assert len(node.disk[Layer.TRANSPORT].trusted) == 1


def test_certificates_of_jks_stores_are_read_without_a_password_and_their_keys_stay_closed(tmp_path: Path) -> None:
    text = "xpack.security.http.ssl.keystore.path: node.jks\nxpack.security.http.ssl.truststore.path: trust.jks\n"
    folder = config(tmp_path, text)
    for name in ("node.jks", "trust.jks"):
        shutil.copy(STORES / "java" / name, folder)
    disk = look(folder).disk[Layer.HTTP]
    assert disk.leaf is not None
    assert (len(disk.trusted), disk.key_sha256, disk.problem) == (1, "", "")


def test_a_jks_store_with_secret_keys_is_told_as_listed_in_part(tmp_path: Path) -> None:
    folder = config(tmp_path, "xpack.security.http.ssl.keystore.path: keys.jks\n")
    head = bytes.fromhex("cececece") + (2).to_bytes(4) + (1).to_bytes(4) + (3).to_bytes(4)
    (folder / "keys.jks").write_bytes(head + b"\x00\x01k" + bytes(8) + b"\xac\xed")
    disk = look(folder).disk[Layer.HTTP]
    assert disk.named[0].fault is Fault.FOREIGN
    assert "secret keys" in disk.problem


def test_our_own_folder_behind_a_link_is_not_looked_into(tmp_path: Path) -> None:
    folder = config(tmp_path)
    (tmp_path / "elsewhere" / "http").mkdir(parents=True)
    (folder / "estui").symlink_to("../elsewhere")
    files = look(folder).files
    assert files["estui"].kind is FileKind.LINK
    assert files["estui/http"].error == "lies behind a link"


def test_a_folder_that_hangs_is_fatal() -> None:
    node = hanging_node(NodeEntry("/mnt/es-1", name="es-1"), 10)
    assert node.problems[0].rule == "folder-unreadable"
    assert "10 s" in node.problems[0].summary
