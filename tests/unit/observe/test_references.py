"""The search through folders: bounded, reading only, and honest about what it did not look into."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.formats.client_references import Wanted
from estui.formats.pem import certificate_pem
from estui.model.reference import Reference, ReferenceKind
from estui.observe import references
from estui.observe.references import search
from estui.pki.authority import create_authority
from estui.pki.facts import certificate_facts
from tests.unit.pki.samples import NOW, authority_request, key

CERTIFICATE = create_authority(authority_request(), key=key(0), serial=1, now=NOW)
FACTS = certificate_facts(CERTIFICATE)
WANTED = Wanted({FACTS.sha256: "http"}, {FACTS.key_sha256: "http"}, frozenset({"es1:9200"}))


@pytest.fixture
def logstash(tmp_path: Path) -> Path:
    home = tmp_path / "logstash"
    (home / "certs").mkdir(parents=True)
    (home / "certs" / "ca.crt").write_bytes(certificate_pem(CERTIFICATE))
    (home / "pipeline.conf").write_text('hosts => "http://es1:9200"\n\ncacert => "/etc/logstash/certs/ca.crt"\n')
    (home / "truststore.p12").write_bytes(b"\x30")
    return home


def test_the_file_who_names_it_and_plain_urls_are_found_by_file_and_line(logstash: Path) -> None:
    ca, conf = str(logstash / "certs" / "ca.crt"), str(logstash / "pipeline.conf")
    found = search([logstash], WANTED, {})
    assert found.references == (
        Reference(ReferenceKind.CERTIFICATE, ca, 1, "http"),
        Reference(ReferenceKind.PLAIN_URL, conf, 1, "http://es1:9200"),
        Reference(ReferenceKind.PATH, conf, 3, ca),
    )
    assert found.files == 2
    assert found.stores == (str(logstash / "truststore.p12"),)
    assert not found.cut


def test_a_file_that_is_known_elsewhere_counts_as_well(tmp_path: Path) -> None:
    (tmp_path / "agent.yml").write_text("ca: /etc/kibana/estui/elasticsearch/current/ca.crt\n")
    found = search([tmp_path], WANTED, {"/etc/kibana/estui/elasticsearch/current/ca.crt": "http"})
    assert [each.kind for each in found.references] == [ReferenceKind.PATH]


def test_links_are_not_followed_and_what_is_left_out_is_told(logstash: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "loop").symlink_to(logstash)
    (tmp_path / "x" / "ca.crt").symlink_to(logstash / "certs" / "ca.crt")
    (tmp_path / "x" / "large.log").write_bytes(b"a" * (references.LARGEST + 1))
    found = search([tmp_path / "x"], WANTED, {})
    assert found.references == ()
    assert found.large == (str(tmp_path / "x" / "large.log"),)


def test_it_ends_after_so_many_files_and_says_so(logstash: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "MOST_FILES", 1)
    found = search([logstash], WANTED, {})
    assert found.cut
    assert found.files == 1


def test_it_ends_after_so_many_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "MOST_PLACES", 2)
    (tmp_path / "a").write_text("http://es1:9200\n" * 5)
    found = search([tmp_path], WANTED, {})
    assert len(found.references) == 2
    assert found.cut
