"""What is known of each file that a TLS context names: why it cannot be used, what it holds, who may read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from estui.formats.es_keystore import write_secure_settings
from estui.formats.kibana_keystore import write_kibana_keystore
from estui.formats.pem import private_key_pem
from estui.model.inventory import BeatEntry, KibanaEntry, Layer, NodeEntry
from estui.model.observed import Fault, NamedFile, ObservedNode
from estui.observe.beat_folder import observe_beat_folder
from estui.observe.folder import observe_node_folder
from estui.observe.kibana_folder import observe_kibana_folder
from estui.secret import Secret
from tests.unit.observe.servers import ANSWERS, Leaf

STORES = ANSWERS.parent / "stores"
SSL = "xpack.security.http.ssl"


def look(folder: Path, yml: str) -> ObservedNode:
    (folder / "elasticsearch.yml").write_text(yml)
    entry = NodeEntry(str(folder))
    return observe_node_folder(entry, folder="estui", keystore_password=None, digest_key=b"k" * 32)


def named(folder: Path, setting: str, value: str, more: str = "") -> NamedFile:
    node = look(folder, f"{SSL}.{setting}: {value}\n{more}")
    return next(found for found in node.disk[Layer.HTTP].named if found.setting == setting)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("gone.crt", Fault.MISSING),
        ("/etc/passwd", Fault.OUTSIDE),
        ("out.crt", Fault.OUTSIDE),
        ("folder", Fault.NOT_A_FILE),
        ("noise.crt", Fault.BROKEN),
    ],
)
def test_why_a_certificate_cannot_be_used_is_told_by_kind(name: str, fault: Fault, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "noise.crt").write_bytes(b"noise")
    (tmp_path / "out.crt").symlink_to("/etc/passwd")
    found = named(tmp_path, "certificate", name)
    assert found.fault is fault
    assert found.detail


def test_a_store_with_the_wrong_password_and_a_jks_store_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.p12").write_bytes((STORES / "certutil" / "elastic-certificates.p12").read_bytes())
    (tmp_path / "b.jks").write_bytes((STORES / "java" / "node.jks").read_bytes())
    assert named(tmp_path, "keystore.path", "a.p12").fault is Fault.PASSWORD
    jks = named(tmp_path, "keystore.path", "b.jks")
    assert (jks.format, jks.keys, jks.fault) == ("JKS", 1, None)


def test_a_store_tells_what_it_holds_and_whether_a_cas_key_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "http.p12").write_bytes((STORES / "auto-configured" / "http.p12").read_bytes())
    found = named(tmp_path, "keystore.path", "http.p12", f"{SSL}.keystore.password: auto-pass\n")
    assert (found.format, found.keys, found.trusted, found.fault) == ("PKCS12", 2, 0, None)
    assert len(found.authority_keys) == 1
    again = named(tmp_path, "keystore.path", "http.p12", f"{SSL}.keystore.password: auto-pass\n")
    assert again == found


def test_an_encrypted_key_without_its_passphrase_is_locked_not_broken(tmp_path: Path, leaf: Leaf) -> None:
    (tmp_path / "k.key").write_bytes(private_key_pem(leaf.key, Secret("pw")))
    assert named(tmp_path, "key", "k.key").fault is Fault.PASSWORD


def test_a_private_key_among_cas_is_counted(tmp_path: Path, leaf: Leaf) -> None:
    (tmp_path / "ca.crt").write_bytes(leaf.ca.pem + private_key_pem(leaf.key))
    found = named(tmp_path, "certificate_authorities", "ca.crt")
    assert (found.keys, found.format, found.fault) == (1, "PEM", None)


def test_owner_and_mode_are_those_of_the_file_behind_a_link(tmp_path: Path, leaf: Leaf) -> None:
    (tmp_path / "real.key").write_bytes(private_key_pem(leaf.key))
    (tmp_path / "real.key").chmod(0o640)
    (tmp_path / "k.key").symlink_to("real.key")
    found = named(tmp_path, "key", "k.key")
    assert (found.mode, found.uid, found.relative) == (0o640, os.geteuid(), "k.key")


def test_each_secure_setting_has_a_digest_of_its_own_but_the_seed_has_none(tmp_path: Path) -> None:
    entries = {"keystore.seed": b"s", "bootstrap.password": b"hunter2", "s3.client.a.secret_key": b"hunter2"}
    content = write_secure_settings(entries, version=5, password=None, salt=b"s" * 64, iv=b"i" * 12)
    (tmp_path / "elasticsearch.keystore").write_bytes(content)
    digests = dict(look(tmp_path, "").keystore.digests)
    assert sorted(digests) == ["bootstrap.password", "s3.client.a.secret_key"]
    assert len(set(digests.values())) == 2
    assert "hunter2" not in str(digests)


def test_values_of_kibanas_keystore_that_are_no_text_are_named(tmp_path: Path) -> None:
    (tmp_path / "kibana.yml").write_text("")
    entries = {"elasticsearch.password": 123, "elasticsearch.username": "kibana_system"}
    content = write_kibana_keystore(entries, password=None, salt=b"s" * 64, iv=b"i" * 12)  # type: ignore[arg-type]
    (tmp_path / "kibana.keystore").write_bytes(content)
    kibana = observe_kibana_folder(KibanaEntry(str(tmp_path)), folder="estui", digest_key=b"k")
    assert kibana.keystore.not_text == ("elasticsearch.password",)


def test_a_beats_cas_are_read_where_they_lie_in_its_folder_and_inline_pem_is_no_name(
    tmp_path: Path, leaf: Leaf
) -> None:
    (tmp_path / "ca.crt").write_bytes(leaf.ca.pem)
    yml = tmp_path / "metricbeat.yml"
    yml.write_text("output.elasticsearch.ssl.certificate_authorities: [/etc/metricbeat/ca.crt]")
    entry = BeatEntry(str(tmp_path), on_host="/etc/metricbeat")
    assert len(observe_beat_folder(entry, folder="estui").trust.trusted) == 1
    yml.write_text('output.elasticsearch.ssl.certificate_authorities: ["-----BEGIN CERTIFICATE-----"]')
    assert observe_beat_folder(entry, folder="estui").trust.named == ()
