"""Who signed what, who trusts whom, where each CA's key is, and what is possible with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from estui.formats.pem import certificate_pem, private_key_pem
from estui.model.adoption import FoundFile, ReportedAuthority, Use, Way
from estui.pki.facts import certificate_facts
from tests.unit.adoptable import (
    CERTUTIL,
    NOW,
    Ca,
    ca,
    looked,
    only,
    pem_lines,
    pem_node,
    report,
    store_lines,
    stored,
    yml,
)
from tests.unit.decide.samples import Lab
from tests.unit.pki.samples import key


def of(ca_file: Ca, *, with_key: bool = False) -> FoundFile:
    """A given file."""
    facts = certificate_facts(ca_file.certificate)
    return FoundFile("/given/ca.p12", "ca.p12", authorities=(facts,), keys=(facts.key_sha256,) if with_key else ())


def weak(each: ReportedAuthority) -> str:
    return "; ".join(each.weak)


def certutil_cluster(lab: Lab) -> Lab:
    """Three nodes that share `elastic-certificates.p12`, as the guide has it."""
    for number in (1, 2, 3):
        name = f"es-{number}"
        lab.node(name, yml(name, *store_lines("transport", "elastic-certificates.p12", "node-pass")))
        lab.put(name, "elastic-certificates.p12", stored("certutil/elastic-certificates.p12"))
    return lab


def test_one_leaf_shared_by_three_nodes_is_one_leaf(tmp_path: Path) -> None:
    seen = only(report(certutil_cluster(Lab(tmp_path))))
    uses = tuple(Use(f"es-{number}", "transport") for number in (1, 2, 3))
    assert seen.certificate.subject == CERTUTIL
    assert [leaf.uses for leaf in seen.leaves] == [uses]
    assert seen.trusted == uses
    assert (seen.keys, seen.way) == ((), Way.NEW_CA)
    assert "no KeyUsage" in weak(seen)


def test_the_ca_store_beside_it_makes_the_same_ca_usable(tmp_path: Path) -> None:
    lab = certutil_cluster(Lab(tmp_path))
    lab.put("es-2", "elastic-stack-ca.p12", stored("certutil/elastic-stack-ca.p12"))
    closed = report(lab)
    assert only(closed).way is Way.NEW_CA
    assert [each.place for each in closed.unread] == ["elastic-stack-ca.p12 of es-2"]
    seen = only(report(lab, ca_password="ca-pass"))
    assert [(place.name, place.target, place.clear) for place in seen.keys] == [("elastic-stack-ca.p12", "es-2", False)]
    assert seen.way is Way.IMPORT


def test_the_http_ca_of_certutil_is_the_same_group_in_every_file(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    for number in (1, 2):
        name = f"es-{number}"
        lab.node(name, yml(name, *store_lines("http", "http.p12", "http-pass")))
        lab.put(name, "http.p12", stored(f"certutil/http/elasticsearch/{name}/http.p12"))
    lab.with_kibana('elasticsearch.hosts: ["https://es-1:9200"]\nelasticsearch.ssl.certificateAuthorities: [ca.pem]\n')
    lab.put("kibana-1", "ca.pem", stored("certutil/http/kibana/elasticsearch-ca.pem"))
    seen = only(report(lab))
    assert len(seen.leaves) == 2
    assert Use("kibana/kibana-1", "elasticsearch") in seen.trusted
    assert seen.contexts == {"http"}


def test_trust_of_beats_and_realms_counts(tmp_path: Path) -> None:
    made = ca("Lab CA", 11)
    realm = "xpack.security.authc.realms.pki.pki1"
    lab = Lab(tmp_path).node("es-1", yml("es-1", f"{realm}.order: 1", f"{realm}.certificate_authorities: [ca.pem]"))
    lab.with_beat("output.elasticsearch:\n  hosts: [es-1]\n  ssl.certificate_authorities: [ca.pem]\n")
    for name in ("es-1", "metricbeat"):
        lab.put(name, "ca.pem", made.pem)
    assert set(only(report(lab)).trusted) == {
        Use("es-1", "realm/pki/pki1"),
        Use("beat/config", "elasticsearch"),
    }


def test_pem_files_with_a_key_lying_open(tmp_path: Path) -> None:
    lab = pem_node(Lab(tmp_path), "es-1", "transport", ca("Lab CA", 11))
    lab.put("es-1", "certs/ca/ca.crt", ca("Lab CA", 11).pem)
    lab.put("es-1", "certs/ca/ca.key", private_key_pem(key(11)))
    seen = only(report(lab))
    assert seen.way is Way.IMPORT
    assert "its key lies open: certs/ca/ca.key of es-1" in weak(seen)
    assert [place.name for place in seen.files] == ["certs/ca/ca.crt"]


def test_two_cas_of_one_name_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    lab = pem_node(Lab(tmp_path), "es-1", "transport", ca("Lab CA", 11))
    pem_node(lab, "es-2", "transport", ca("Lab CA", 12))
    seen = report(lab)
    assert len(seen.authorities) == 2
    assert {use.target: each.certificate.sha256 for each in seen.authorities for use in each.leaves[0].uses} == {
        "es-1": certificate_facts(ca("Lab CA", 11).certificate).sha256,
        "es-2": certificate_facts(ca("Lab CA", 12).certificate).sha256,
    }


def test_a_renewed_ca_is_one_ca_with_two_certificates(tmp_path: Path) -> None:
    old, new = ca("Lab CA", 11, days=400), ca("Lab CA", 11, days=1000)
    lab = pem_node(Lab(tmp_path), "es-1", "transport", old, trusted=old.pem + new.pem)
    seen = only(report(lab))
    assert seen.certificate == certificate_facts(new.certificate)
    assert seen.earlier == (certificate_facts(old.certificate),)
    assert len(seen.leaves) == 1


def test_a_corporate_ca_with_an_intermediate_asks_for_requests(tmp_path: Path) -> None:
    root = ca("Corporate Root", 13)
    issuing = ca("Corporate Issuing", 14, above=root)
    lab = pem_node(Lab(tmp_path), "es-1", "http", issuing, chain=issuing.pem, trusted=root.pem)
    seen = {each.certificate.subject: each for each in report(lab).authorities}
    assert {subject: each.way for subject, each in seen.items()} == {
        "CN=Corporate Issuing": Way.EXTERNAL,
        "CN=Corporate Root": Way.EXTERNAL,
    }
    assert seen["CN=Corporate Root"].signs == ("CN=Corporate Issuing",)
    assert seen["CN=Corporate Root"].trusted == (Use("es-1", "http"),)
    assert len(seen["CN=Corporate Issuing"].leaves) == 1


def test_a_leaf_whose_issuer_is_nowhere_is_told_with_its_issuer(tmp_path: Path) -> None:
    lab = pem_node(Lab(tmp_path), "es-1", "http", ca("Elsewhere", 15), trusted=ca("Another", 16).pem)
    seen = report(lab)
    assert [(each.subject, len(each.leaves)) for each in seen.unknown] == [("CN=Elsewhere", 1)]
    assert [each.certificate.subject for each in seen.authorities] == ["CN=Another"]
    assert seen.authorities[0].way is Way.NONE


def test_a_name_alone_makes_no_issuer(tmp_path: Path) -> None:
    """A CA of the same name with another key signed nothing here."""
    lab = pem_node(Lab(tmp_path), "es-1", "http", ca("Lab CA", 11), trusted=ca("Lab CA", 12).pem)
    seen = report(lab)
    assert [each.subject for each in seen.unknown] == ["CN=Lab CA"]
    assert only(seen).leaves == ()


def test_a_leaf_signed_by_itself_has_no_ca(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", yml("es-1", *store_lines("http", "a.p12", "legacy-pass")))
    lab.put("es-1", "a.p12", stored("java/legacy.p12"))
    seen = report(lab)
    assert (seen.authorities, seen.unknown) == ((), ())
    assert [leaf.uses for leaf in seen.self_signed] == [(Use("es-1", "http"),)]


def test_a_ca_that_serves_as_a_leaf_is_named_so(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", yml("es-1", *store_lines("transport", "ca.p12", "ca-pass")))
    lab.put("es-1", "ca.p12", stored("certutil/elastic-stack-ca.p12"))
    seen = only(report(lab))
    assert "serves as a leaf itself" in weak(seen)
    assert [(place.name, place.setting) for place in seen.keys] == [("ca.p12", "keystore.path")]


def test_a_ca_key_in_pem_that_serves_as_a_leaf_is_at_hand(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", yml("es-1", *pem_lines("http")))
    own = ca("Lab CA", 11)
    for file, content in (("http.crt", own.pem), ("http.key", private_key_pem(own.key)), ("http-ca.crt", own.pem)):
        lab.put("es-1", file, content)
    assert [(place.name, place.setting) for place in only(report(lab)).keys] == [("http.key", "key")]


def test_a_ca_in_a_jks_store_is_read_and_has_to_be_converted(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", yml("es-1", *store_lines("transport", "node.jks", "jks-pass")))
    lab.put("es-1", "node.jks", stored("java/node.jks"))
    seen = report(lab)
    assert [leaf.uses for leaf in seen.self_signed] == [(Use("es-1", "transport"),)]
    assert "JKS" in seen.unread[0].problem
    assert "node" in seen.unread[0].problem
    facts = certificate_facts(ca("Lab CA", 11).certificate)
    store = FoundFile("/mnt/ca.jks", "ca.jks", "es-1", "JKS", authorities=(facts,), closed=(facts.key_sha256,))
    assert only(report(pem_node(Lab(tmp_path / "b"), "es-1", "http", ca("Lab CA", 11)), store)).way is Way.CONVERT


@pytest.mark.parametrize(
    ("made", "words", "way"),
    [
        (ca("Expired", 21, start=NOW - timedelta(days=900), days=300), "expired on", Way.RENEW),
        (ca("Early", 22, start=NOW + timedelta(days=30)), "valid from", Way.BARRED),
        (ca("No usage", 23, usage=None), "no KeyUsage", Way.IMPORT),
        (ca("No sign", 24, usage=False), "lacks keyCertSign", Way.BARRED),
    ],
    ids=lambda value: value.certificate.subject.rfc4514_string() if isinstance(value, Ca) else "",
)
def test_weak_points_and_what_they_leave_possible(made: Ca, words: str, way: Way, tmp_path: Path) -> None:
    seen = only(report(Lab(tmp_path).node("es-1", yml("es-1")), of(made, with_key=True)))
    assert words in weak(seen)
    assert seen.way is way
    assert only(report(Lab(tmp_path / "b").node("es-1", yml("es-1")), of(made))).way is Way.NONE


def test_old_algorithms_are_weak_points(tmp_path: Path) -> None:
    old = certificate_facts(ca("Old", 25).certificate)
    aged = type(old)(**{**vars(old), "key_type": "rsa-1024", "signature_hash": "sha1"})
    file = FoundFile("/given/ca.crt", "ca.crt", authorities=(aged,))
    seen = weak(only(report(Lab(tmp_path).node("es-1", yml("es-1")), file)))
    assert "RSA-1024" in seen
    assert "SHA1" in seen


def test_a_root_without_the_ca_flag_that_signed_a_leaf_is_shown_and_cannot_be_imported(tmp_path: Path) -> None:
    root = ca("Version One", 26, usage=None, flag=False)
    real = Ca(ca("Version One", 26).certificate, root.key)
    lab = pem_node(Lab(tmp_path), "es-1", "http", real, trusted=root.pem)
    assert "no CA flag" in weak(only(report(lab)))


def test_ca_certificates_that_play_no_part_are_counted_only(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", yml("es-1"))
    lab.put("es-1", "roots.pem", ca("Root A", 31).pem + ca("Root B", 32).pem)
    seen = report(lab)
    assert (seen.authorities, seen.passed_over) == ((), 2)


def test_what_is_in_the_workspace_is_known_by_subject_and_key(tmp_path: Path) -> None:
    old, new = ca("Lab CA", 11, days=400), ca("Lab CA", 11, days=1000)
    lab = pem_node(Lab(tmp_path), "es-1", "http", old)
    lab.authorities["http"] = (key(11), new.certificate)
    seen = only(report(lab))
    assert (seen.workspace, seen.has_key, seen.way) == ("http", True, Way.ROTATE)


def test_a_wrong_password_names_the_file_and_the_settings_that_were_tried(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", yml("es-1", *store_lines("transport", "a.p12", "not-it")))
    lab.put("es-1", "a.p12", stored("certutil/elastic-certificates.p12"))
    lab.node("es-2", yml("es-2", *store_lines("http", "b.p12")))
    lab.put("es-2", "b.p12", b"")
    told = {(each.place, each.hint) for each in report(lab).unread}
    assert ("a.p12 of es-1", "tried: xpack.security.transport.ssl.keystore.password") in told
    assert ("a.p12 of es-1", "tried: xpack.security.transport.ssl.truststore.password") in told
    assert [each.problem for each in report(lab).unread if each.place == "b.p12 of es-2"] == ["is empty"]


def test_the_report_says_nothing_twice(tmp_path: Path) -> None:
    """The workspace's own CA, the yml's files and the loose ones are one CA."""
    made = ca("Lab CA", 11)
    lab = pem_node(Lab(tmp_path), "es-1", "http", made)
    lab.put("es-1", "ca.crt", made.pem)
    lab.put("es-1", "again-ca.pem", made.pem + certificate_pem(made.certificate))
    seen, found = looked(lab)
    assert len(found) == 2
    assert len(only(seen).files) == 2
