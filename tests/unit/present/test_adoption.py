"""The report reads as sentences: what a CA is, where its key is, what can be done; no line is cut, no secret in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estui.model.adoption import AdoptionReport, FilePlace, Import, Outcome, ReportedAuthority, SignedLeaf, Use, Way
from estui.pki.facts import certificate_facts
from estui.present.adoption import MOST_LEAVES, authority_lines, import_lines, report_lines, way_text
from estui.present.lines import Kind, Line
from tests.unit.adoptable import AUTO_TRANSPORT, NOW, Ca, ca, pem_node, report
from tests.unit.decide.samples import Lab
from tests.unit.pki.samples import leaf

FACTS = certificate_facts(ca("Lab CA", 11).certificate)
DIGITS = FACTS.sha256[:16]
LEAF = certificate_facts(leaf())


def texts(lines: list[Line]) -> list[str]:
    return [line.text.strip() for line in lines]


def labelled(lines: list[Line], label: str) -> list[str]:
    return [text.removeprefix(label).strip() for text in texts(lines) if text.startswith(f"{label} ")]


def test_a_whole_report(tmp_path: Path) -> None:
    root = ca("Corporate Root", 13)
    issuing: Ca = ca("Corporate Issuing", 14, above=root)
    lab = pem_node(Lab(tmp_path), "es-1", "http", issuing, chain=issuing.pem, trusted=root.pem)
    pem_node(lab, "es-2", "http", ca("Elsewhere", 15), trusted=root.pem)
    digest = {name: certificate_facts(each.certificate) for name, each in (("root", root), ("issuing", issuing))}
    assert [line.text for line in report_lines(report(lab), NOW)] == [
        "2 certificate authorities, 0 of them with the key at hand",
        "CN=Corporate Issuing",
        f"  is        sha256 {digest['issuing'].sha256[:16]}, serial {digest['issuing'].serial_hex}, ec-p256",
        "  ends      2029-05-13 (900 d)",
        "  issuer    CN=Corporate Root",
        "  key       not here",
        "  signed    http of es-1: CN=es-1, ends 2027-09-21 (300 d)",
        "  trusted   nowhere here",
        "  possible  certificate requests for its owner (estui csr export), or a new CA: its key is not here",
        "CN=Corporate Root",
        f"  is        sha256 {digest['root'].sha256[:16]}, serial {digest['root'].serial_hex}, ec-p256",
        "  ends      2029-05-13 (900 d)",
        "  key       not here",
        "  signs     CA CN=Corporate Issuing",
        "  trusted   by http of es-1 and es-2",
        "  possible  certificate requests for its owner (estui csr export), or a new CA: its key is not here",
        "CN=Elsewhere",
        "  is        an issuer whose certificate is in no file here",
        "  signed    http of es-2: CN=es-2, ends 2027-09-21 (300 d)",
        "  possible  certificate requests for its owner (estui csr export), or a new CA",
    ]


def test_keys_in_files_of_one_name_stand_together() -> None:
    keys = tuple(FilePlace(f"/mnt/{name}/http.p12", "http.p12", name) for name in ("es-1", "es-2", "es-3"))
    seen = ReportedAuthority(FACTS, Way.IMPORT, keys=(*keys, FilePlace("/ca.p12", "ca.p12")))
    assert labelled(authority_lines(seen, NOW), "key") == ["in http.p12 of es-1, es-2 and es-3; in ca.p12, given"]
    there = replace(seen, keys=(), workspace="http", has_key=True)
    assert labelled(authority_lines(there, NOW), "key") == ["in the workspace, as http"]


def test_many_leaves_are_cut_after_those_that_end_first() -> None:
    leaves = tuple(SignedLeaf(replace(LEAF, sha256=str(n)), (Use(f"es-{n:03}", "http"),)) for n in range(40))
    shown = labelled(authority_lines(ReportedAuthority(FACTS, Way.NEW_CA, leaves=leaves), NOW), "signed")
    assert len(shown) == MOST_LEAVES
    lines = texts(authority_lines(ReportedAuthority(FACTS, Way.NEW_CA, leaves=leaves), NOW))
    assert f"and {40 - MOST_LEAVES} more, which end later (--json has them all)" in lines


def test_a_leaf_that_ended_is_bad_and_one_on_several_targets_is_said_to_be_shared() -> None:
    ended = SignedLeaf(replace(LEAF, not_after=NOW), (Use("es-1", "http"), Use("es-2", "http")))
    lines = authority_lines(ReportedAuthority(FACTS, Way.NEW_CA, leaves=(ended,)), NOW)
    line = next(each for each in lines if "signed" in each.text)
    assert line.kind is Kind.BAD
    assert "expired 0 d ago" in line.text
    assert "one certificate and key on 2 targets" in line.text


@pytest.mark.parametrize("way", Way)
def test_every_way_has_its_sentence(way: Way) -> None:
    used = ReportedAuthority(FACTS, way, trusted=(Use("es-1", "http"),))
    assert way_text(used)
    for command in ("estui adopt --import", "estui csr export", "estui ca renew", "estui rotate"):
        words = {
            Way.IMPORT: "estui adopt --import",
            Way.EXTERNAL: "estui csr export",
            Way.RENEW: "estui ca renew",
            Way.ROTATE: "estui rotate",
        }
        if words.get(way) == command:
            assert command in way_text(used)


def test_the_reason_for_a_new_ca_is_told() -> None:
    auto = ReportedAuthority(replace(FACTS, subject=AUTO_TRANSPORT), Way.NEW_CA)
    assert way_text(auto) == "only a new CA: Elasticsearch's own set-up kept the key of this one nowhere"
    assert "its key is not here" in way_text(ReportedAuthority(FACTS, Way.NEW_CA))


def test_a_usable_key_that_nothing_needs_is_not_praised() -> None:
    assert way_text(ReportedAuthority(FACTS, Way.IMPORT)).startswith("it signs nothing here")


def test_nothing_found_is_said() -> None:
    assert texts(report_lines(AdoptionReport(()), NOW)) == ["no certificate authority found"]
    one = ReportedAuthority(FACTS, Way.NEW_CA)
    assert (
        texts(report_lines(AdoptionReport((one,), passed_over=2), NOW))[0]
        == "1 certificate authority, its key not here"
    )
    assert "2 other CA certificates" in texts(report_lines(AdoptionReport((one,), passed_over=2), NOW))[-1]


def test_an_import_says_what_it_did_and_what_is_weak() -> None:
    leaves = (SignedLeaf(LEAF, (Use("es-1", "transport"), Use("es-1", "http"))),)
    both = ReportedAuthority(FACTS, Way.IMPORT, leaves=leaves, weak=("no KeyUsage",))
    lines = texts(import_lines([Import(both, "transport", Outcome.WITH_KEY)]))
    assert lines == [
        f"transport: CN=Lab CA {DIGITS} imported with its key, which is encrypted under the workspace passphrase",
        "it signs both layers: one folder, transport, serves both",
        "no KeyUsage",
    ]
    assert texts(import_lines([Import(both, "transport", Outcome.THERE)])) == [
        f"transport: CN=Lab CA {DIGITS} is in the workspace already"
    ]
    assert texts(import_lines([])) == ["there is no CA to import"]
