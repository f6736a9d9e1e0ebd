"""What Kibana's folders tell, although their paths are those of another host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from estui.formats.kibana_keystore import write_kibana_keystore
from estui.model.finding import Severity
from estui.model.inventory import Address, KibanaEntry
from estui.model.observed import ObservedKibana
from estui.observe.kibana_folder import observe_kibana_folder
from estui.secret import Secret
from tests.unit.observe.servers import Leaf


def config(tmp_path: Path, yml: str = "") -> Path:
    folder = tmp_path / "kibana-config"
    folder.mkdir(exist_ok=True)
    (folder / "kibana.yml").write_text(yml)
    return folder


def look(folder: Path, **stated: object) -> ObservedKibana:
    entry = KibanaEntry(str(folder), **stated)  # type: ignore[arg-type]
    return observe_kibana_folder(entry, folder="estui", digest_key=b"k" * 32)


def keystore(password: Secret | None = None) -> bytes:
    entries = {"elasticsearch.password": "hunter2"}
    return write_kibana_keystore(entries, password=password, salt=os.urandom(64), iv=os.urandom(12))


def test_the_name_is_stated_or_the_servers_or_the_folders(tmp_path: Path) -> None:
    folder = config(tmp_path, "server.name: kb\n")
    assert look(folder, name="stated").name == "stated"
    assert look(folder).target == "kibana/kb"
    assert look(config(tmp_path)).name == "kibana-config"
    assert look(folder).address == Address("localhost", 5601)


@pytest.mark.parametrize("on_host", [None, "/srv/kb"])
def test_certificates_are_found_under_the_paths_of_the_instances_own_host(
    tmp_path: Path, leaf: Leaf, on_host: str | None
) -> None:
    home = on_host or "/etc/kibana"
    server = f"{home}/estui/server/current"
    yml = f"""
server.ssl: {{enabled: true, certificate: {server}/node.crt, key: {server}/node.key}}
elasticsearch.hosts: ["https://es-1:9200"]
elasticsearch.ssl.certificateAuthorities: {home}/estui/elasticsearch/current/ca.crt
"""
    folder = config(tmp_path, yml)
    for name in ("server", "elasticsearch"):
        (folder / "estui" / name / "one").mkdir(parents=True)
        (folder / "estui" / name / "current").symlink_to("one")
    leaf.write(folder / "estui" / "server" / "one")
    (folder / "estui" / "elasticsearch" / "one" / "ca.crt").write_bytes(leaf.ca.pem)
    kibana = look(folder, on_host=on_host)
    assert (kibana.disk.enabled, kibana.disk.managed, kibana.disk.problem) == (True, True, "")
    assert kibana.disk.leaf is not None
    assert kibana.disk.leaf.sha256 == leaf.facts.sha256
    assert (kibana.trust.enabled, kibana.trust.managed) == (True, True)
    assert [facts.sha256 for facts in kibana.trust.trusted] == [leaf.ca.facts.sha256]


def test_an_unknown_home_is_told_by_the_file_that_both_sides_have(tmp_path: Path, leaf: Leaf) -> None:
    folder = config(tmp_path, "server.ssl.certificate: /opt/kb/conf/node.crt\n")
    leaf.write(folder)
    kibana = look(folder)
    assert kibana.disk.leaf is not None
    assert "node.crt" in kibana.files


def test_files_of_another_place_are_told_as_out_of_reach(tmp_path: Path) -> None:
    kibana = look(config(tmp_path, "server.ssl.certificate: /etc/ssl/kibana.crt\n"))
    assert kibana.disk.problem == "/etc/ssl/kibana.crt lies outside the configuration folder"


def test_the_keystore_is_told_by_name_and_digest(tmp_path: Path) -> None:
    folder = config(tmp_path)
    (folder / "kibana.keystore").write_bytes(keystore())
    kibana = look(folder)
    assert (kibana.keystore.opened, kibana.keystore.names) == (True, ("elasticsearch.password",))
    assert "hunter2" not in repr(kibana)
    (folder / "kibana.keystore").write_bytes(keystore())
    assert look(folder).keystore.entries_digest == kibana.keystore.entries_digest


@pytest.mark.parametrize("content", [b"nonsense", keystore(Secret("pw"))])
def test_a_keystore_that_cannot_be_read_says_why(tmp_path: Path, content: bytes) -> None:
    folder = config(tmp_path)
    (folder / "kibana.keystore").write_bytes(content)
    facts = look(folder).keystore
    assert (facts.present, facts.opened) == (True, False)
    assert facts.error


def test_a_keystore_in_the_data_folder_forbids_a_plan(tmp_path: Path) -> None:
    """Kibana would never read what is written into the other one."""
    folder = config(tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    assert look(folder, data=str(data)).problems == ()
    (data / "kibana.keystore").write_bytes(keystore())
    finding = look(folder, data=str(data)).problems[0]
    assert (finding.rule, finding.severity) == ("kibana-keystore-in-data", Severity.FATAL)
    assert f"mv {data}/kibana.keystore" in finding.hint


def test_the_data_folder_of_an_archive_is_found_beside_the_configuration(tmp_path: Path) -> None:
    folder = config(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kibana.keystore").write_bytes(keystore())
    assert [each.rule for each in look(folder).problems] == ["kibana-keystore-in-data"]
    # a `path.data` is one of the instance's own host
    assert look(config(tmp_path, "path.data: /srv/kibana\n")).problems == ()


@pytest.mark.parametrize("stated", [True, False])
def test_the_ca_of_an_enrolled_kibana_is_found_in_its_data_folder(tmp_path: Path, leaf: Leaf, stated: bool) -> None:
    """Enrolment writes it there and names it by the path on Kibana's own host."""
    ca = "/usr/share/kibana/data/ca_1700000000000.crt"
    yml = f'elasticsearch.hosts: ["https://es-1:9200"]\nelasticsearch.ssl.certificateAuthorities: [{ca}]\n'
    data = tmp_path / ("elsewhere" if stated else "data")
    data.mkdir()
    (data / "ca_1700000000000.crt").write_bytes(leaf.ca.pem)
    kibana = look(config(tmp_path, yml), data=str(data) if stated else None)
    assert [facts.sha256 for facts in kibana.trust.trusted] == [leaf.ca.facts.sha256]
    assert kibana.trust.named[0].relative == str(data / "ca_1700000000000.crt")


def test_encryption_keys_are_told_by_digests_that_agree_wherever_they_stand(tmp_path: Path) -> None:
    secret, name = "k" * 32, "xpack.security.encryptionKey"
    in_yml = look(config(tmp_path, f"{name}: {secret}\n"))
    folder = config(tmp_path, "")
    content = write_kibana_keystore({name: secret}, password=None, salt=os.urandom(64), iv=os.urandom(12))
    (folder / "kibana.keystore").write_bytes(content)
    stored = look(folder)
    assert dict(in_yml.shared) == dict(stored.shared)
    assert list(dict(stored.shared)) == [name]
    assert secret not in repr(stored.shared)
    (folder / "kibana.keystore").unlink()
    assert look(config(tmp_path, name + ": ${KEY}\n")).shared == ((name, ""),)


def test_another_products_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "elasticsearch.yml").touch()
    finding = look(tmp_path).problems[0]
    assert (finding.rule, "Elasticsearch" in finding.hint) == ("yml-missing", True)


def test_a_broken_yml_is_told_with_its_line(tmp_path: Path) -> None:
    kibana = look(config(tmp_path, "a: [\n"))
    assert kibana.problems[0].rule == "yml-broken"
    assert "kibana.yml:" in kibana.problems[0].where
