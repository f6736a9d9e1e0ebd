"""Ends of certificates as a table, as a line for Nagios and as metrics: nothing in a name can break a format."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide.expiry import expiry_report
from estui.model.certificate import CertificateFacts
from estui.model.expiry import ExpiryReport, ExpiryRow, ExpiryState, Holder, Sighting, Where
from estui.model.inventory import Layer
from estui.present.expiry import (
    expiry_lines,
    expiry_title,
    label_value,
    nagios_code,
    nagios_failure,
    nagios_line,
    prometheus_text,
)
from estui.present.lines import ASCII, Kind
from tests.unit.decide.findings.builders import NOW, ca, disk, facts, node, on, seen

EVIL = 'CN=a\x1b[31m"b\\c\nd|e\u202e'


def ending(days: int, subject: str = "CN=es-1") -> CertificateFacts:
    made = replace(facts(), not_after=NOW + timedelta(days=days, hours=1))
    return replace(made, subject=subject, sha256=f"{subject}{days}", serial=0xABCDEF0123456789)


def report(*leaves: CertificateFacts) -> ExpiryReport:
    nodes = [node(name=f"es-{number}", disk=on(Layer.HTTP, disk(leaf))) for number, leaf in enumerate(leaves, 1)]
    return expiry_report(seen(*nodes), NOW, network=False)


def blind() -> ExpiryReport:
    row = ExpiryRow(
        ExpiryState.UNKNOWN, Holder.NODE, seen=(Sighting("es-1", "http", Where.DISK, "a.p12"),), detail="wrong password"
    )
    return replace(report(ending(300)), rows=(row,), state=ExpiryState.UNKNOWN)


# people


def test_the_table_tells_state_days_name_serial_and_place() -> None:
    title, first, second = expiry_lines(report(ending(12)), ASCII)
    assert title.text == "lab · 2 certificates · 1 due · next: CN=es-1 (es-1 http) in 12 d"
    assert first.kind is Kind.WARN
    assert re.fullmatch(
        r"!! due      12 d  2026-12-07  leaf  CN=es-1 by CN=Test CA  serial abcdef012345…  es-1 http \(disk\)",
        first.text,
    )
    assert second.text.startswith("v  ok ")
    assert "CA    CN=Test CA self-signed" in second.text


def test_what_has_ended_is_counted_and_what_ends_next_is_named() -> None:
    found = report(ending(-3, "CN=old"), ending(20, "CN=new"))
    assert expiry_title(found) == "lab · 3 certificates · 1 expired, 1 due · next: CN=new (es-2 http) in 20 d"
    assert expiry_lines(found, ASCII)[1].text.split()[:3] == ["x", "expired", "-3"]


def test_what_could_not_be_looked_at_has_a_line_with_its_reason() -> None:
    (_, line) = expiry_lines(blind(), ASCII)
    assert line.kind is Kind.WARN
    assert line.text == "?  unknown  es-1 http (disk): wrong password (a.p12)"


def test_many_nodes_with_one_certificate_take_one_line() -> None:
    shared = ending(12)
    (_, line, _) = expiry_lines(report(*[shared] * 9), ASCII)
    assert line.text.endswith("es-1, es-2, es-3, es-4, es-5 and 4 more http (disk)")


@pytest.mark.parametrize("shown", ["lines", "prometheus", "nagios"])
def test_no_output_carries_a_control_character_of_a_subject(shown: str) -> None:
    found = report(ending(3, EVIL))
    text = {
        "lines": "".join(line.text for line in expiry_lines(found)),
        "prometheus": prometheus_text([found]).replace("\n", ""),
        "nagios": nagios_line([found]),
    }[shown]
    assert text.isprintable()
    assert "x1b[31m" in text


# Prometheus

_SAMPLE = re.compile(r'([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\} (-?\d+)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')


def samples(text: str) -> list[tuple[str, dict[str, str], int]]:
    """The samples of an exposition, by its grammar; fails where a line is none."""
    found = []
    for line in text.splitlines():
        if not line.startswith("# "):
            matched = _SAMPLE.fullmatch(line)
            assert matched, line
            found.append((matched[1], dict(_LABEL.findall(matched[2])), int(matched[3])))
    return found


def test_every_sighting_is_a_sample_with_the_end_in_seconds() -> None:
    text = prometheus_text([report(ending(12))])
    assert text.endswith("\n")
    leaf = next(
        labels for name, labels, _ in samples(text) if name.endswith("after_seconds") and labels["kind"] == "leaf"
    )
    assert leaf == {
        "cluster": "lab", "target": "es-1", "context": "http", "kind": "leaf", "subject": "CN=es-1",
        "serial": "abcdef0123456789", "where": "disk",
    }  # fmt: skip
    ends = {value for name, labels, value in samples(text) if labels.get("kind") == "leaf"}
    assert ends == {int(ending(12).not_after.timestamp())}
    assert ("estui_watch_up", {"cluster": "lab", "target": "es-1"}, 1) in samples(text)
    assert ("estui_watch_last_run_seconds", {"cluster": "lab"}, int(NOW.timestamp())) in samples(text)
    for name in {name for name, _, _ in samples(text)}:
        assert text.index(f"# TYPE {name} gauge") < text.index(f"{name}{{"), "a type comes before its samples"


def test_labels_are_escaped_as_the_format_wants_it() -> None:
    found = samples(prometheus_text([report(ending(3, EVIL))]))
    (label,) = {labels["subject"] for _, labels, _ in found if labels.get("kind") == "leaf"}
    assert label == label_value(EVIL)
    assert label == r"CN=a\\x1b[31m\"b\\c\\x0ad|e\\u202e"


def test_no_set_of_labels_occurs_twice() -> None:
    """The collector refuses a whole file for that: two certificates of one name and number in one bundle."""
    twin = replace(ca(), sha256="0" * 64, not_after=NOW + timedelta(days=5))
    here = node(disk=on(Layer.HTTP, disk(ending(300), (ca(), twin))))
    text = prometheus_text([expiry_report(seen(here), NOW, network=False)])
    heads = [line.rpartition(" ")[0] for line in text.splitlines()]
    assert len(set(heads)) == len(heads)
    assert f"}} {int(twin.not_after.timestamp())}\n" in text, "the first end counts"


def test_a_target_that_could_not_be_looked_at_is_not_up() -> None:
    hidden = replace(blind(), targets=(replace(blind().targets[0], complete=False),))
    assert ("estui_watch_up", {"cluster": "lab", "target": "es-1"}, 0) in samples(prometheus_text([hidden]))


# Nagios


@pytest.mark.parametrize(
    ("reports", "code"),
    [
        ([report(ending(300))], 0),
        ([report(ending(12))], 1),
        ([report(ending(3))], 2),
        ([report(ending(-3))], 2),
        ([blind()], 3),
        ([blind(), report(ending(12))], 1),
        ([blind(), report(ending(3))], 2),
        ([], 0),
    ],
)
def test_the_code_is_that_of_the_worst(reports: list[ExpiryReport], code: int) -> None:
    assert nagios_code(reports) == code


def test_the_line_has_text_a_bar_and_figures_with_their_thresholds() -> None:
    line = nagios_line([report(ending(12))])
    text, bar, figures = line.partition(" | ")
    assert bar
    assert text == "ESTUI WARNING - lab, 2 certificates, 1 due, next: CN=es-1 (es-1 http) in 12 d"
    assert figures.split() == [
        "days_left=12;31:;8:", "expired=0;;;0", "critical=0;;;0", "due=1;;;0", "unknown=0;;;0", "certificates=2;;;0",
    ]  # fmt: skip


def test_a_bar_in_a_name_does_not_end_the_text() -> None:
    assert nagios_line([report(ending(12, EVIL))]).count("|") == 1
    assert "|" not in nagios_failure("no | such")
    assert nagios_failure("x").startswith("ESTUI UNKNOWN - ")
