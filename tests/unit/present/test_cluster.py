"""`estui status` in words: differences by name, the worst findings, and nothing that acts on a terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from estui.formats.wire import to_json
from estui.model.finding import Finding, Severity
from estui.model.inventory import Layer
from estui.model.observed import ApiFacts, Health, Member, Observed, PortState, SeenFile, Served
from estui.model.version import Version
from estui.model.views import Desired
from estui.present.cluster import findings_summary, status_json, status_lines
from estui.present.lines import ASCII
from estui.present.status import rows
from estui.present.views import target_lines, version_text
from tests.unit.decide.by_hand import one_layer
from tests.unit.decide.samples import NOW, Lab


@pytest.fixture
def observed(tmp_path: Path) -> Observed:
    """A node with transport TLS on disk whose port speaks plain text, a Kibana, a Beat."""
    lab = one_layer(Lab(tmp_path)).with_kibana("server.name: kb\n").with_beat("output.elasticsearch.hosts: [a]\n")
    seen = lab.look(up=False)
    (node,) = seen.nodes
    ports = {Layer.TRANSPORT: Served(node.transport_address, PortState.PLAIN, "transport without TLS")}
    return replace(seen, nodes=(replace(node, served=ports),))


def told(observed: Observed, **facts: object) -> Observed:
    (node,) = observed.nodes
    api = ApiFacts(True, name="es-1", members=(Member("es-1", started_ms=1_790_000_000_000),), **facts)  # type: ignore[arg-type]
    return replace(observed, nodes=(replace(node, api=api),))


def text(observed: Observed, **how: object) -> str:
    return "\n".join(line.text for line in status_lines(observed, NOW, ASCII, **how))  # type: ignore[arg-type]


def test_every_target_has_a_row_and_every_difference_its_name(observed: Observed) -> None:
    table = {row.target: row for row in rows(observed, NOW, ASCII)}
    assert list(table) == ["es-1", "kibana/kibana-1", "beat/config"]
    assert table["es-1"].differences == ("plain text",)
    assert "PLAIN TEXT" in table["es-1"].served
    assert "transport PLAIN TEXT: 127.0.0.1:9301 answers in plain text" in text(observed)


def test_the_evidence_has_all_three_views_with_file_and_line(observed: Observed) -> None:
    shown = text(observed, evidence=True)
    for part in ("desired  what is there", "on disk  TLS", "elasticsearch.yml:7: xpack.security.transport.ssl.enabled"):
        assert part in shown
    assert "served   127.0.0.1:9301: plain text" in shown
    assert "kibana/kibana-1" in shown
    assert "beat/config" in shown


def test_only_the_targets_that_were_asked_for_are_shown(observed: Observed) -> None:
    shown = text(observed, targets=["kibana/kibana-1"])
    assert "kibana/kibana-1" in shown
    assert "127.0.0.1:9301" not in shown


def test_with_credentials_health_licence_starts_and_users_are_told(observed: Observed) -> None:
    facts = {"health": Health("yellow", 1, 1), "licence": "basic", "authenticated_as": "elastic"}
    shown = text(told(observed, **facts, without_password=("elastic", "beats_system")))
    assert "cluster: yellow, 1 of 1 node joined, licence basic, asked as elastic" in shown
    assert "built-in users without a password: beats_system" in shown
    assert "started: es-1 2026-09-21" in shown
    assert "with --user" not in shown


def test_without_credentials_it_says_what_they_would_show(observed: Observed) -> None:
    assert "with --user NAME more is seen" in text(observed)


def test_credentials_are_not_asked_for_where_no_password_would_be_sent(observed: Observed) -> None:
    """An HTTP certificate without names, as certutil makes it, cannot show who answers."""
    (node, *others) = observed.nodes
    leaf = node.disk[Layer.TRANSPORT].leaf
    assert leaf is not None
    served = Served(node.http_address, PortState.TLS, chain=(replace(leaf, dns_names=(), addresses=()),))
    nameless = replace(observed, nodes=(replace(node, served={Layer.HTTP: served}), *others))
    assert f"the HTTP certificate of {node.target} has no names (subjectAltName)" in text(nameless)
    assert "with --user NAME more is seen" not in text(nameless)


def test_the_nodes_own_list_is_evidence(observed: Observed) -> None:
    seen = told(observed, listed=(SeenFile("certs/t.crt", 0xABC, True),))
    lines = [line.text for line in target_lines(seen, "es-1", NOW)]
    assert "  certs/t.crt: serial abc, with its key" in lines


def test_what_the_last_run_wants_is_told(observed: Observed) -> None:
    seen = replace(observed, desired=Desired("run-7", "basic", ("transport",), waiting="run-8"))
    assert "desired: basic, as run run-7 left it; run run-8 is in hand" in text(seen)


@pytest.mark.parametrize(
    ("version", "source", "words"),
    [
        (Version(9, 1), "API", "9.1.0 (API)"),
        (Version(8, 18), "keystore format 7", "8.18 or later (keystore format 7)"),
        (Version(8, 1), "inventory", "8.1.0 (inventory)"),
        (None, "", "not told"),
    ],
)
def test_a_version_says_from_where_it_is_known(
    observed: Observed, version: Version | None, source: str, words: str
) -> None:
    assert version_text(replace(observed.nodes[0], version=version, version_source=source)) == words


def test_a_version_newer_than_any_known_is_noted(observed: Observed) -> None:
    node = replace(observed.nodes[0], version=Version(12), version_source="API")
    shown = text(replace(observed, nodes=(node,)))
    assert "version 12.0.0 (API), newer than any that is known: treated as 9.1" in shown


def test_the_worst_three_findings_stand_with_the_counts_and_the_command_for_all() -> None:
    found = [Finding(f"r{number}", Severity.ERROR, "es-1", f"broken {number}", f"h{number}") for number in range(4)]
    found.append(Finding("note", Severity.NOTE, "es-1", "fine"))
    lines = [line.text for line in findings_summary(found)]
    assert lines[0] == "findings: 4 errors, 1 note"
    assert lines[1] == "  error   es-1: broken 0 (r0)"
    assert len(lines) == 5
    assert lines[-1] == "  all of them: estui doctor"


def test_what_comes_from_outside_cannot_act_on_the_terminal(observed: Observed) -> None:
    seen = told(observed, health=Health("green\x1b[2J", 1, 1), licence="\u202ebasic")
    shown = text(seen)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_json_holds_all_of_it_and_no_key(observed: Observed) -> None:
    body = json.loads(json.dumps(to_json(status_json(told(observed), NOW, findings=[]))))
    (view, _, _) = body["views"]
    (transport, _) = view["contexts"]
    assert transport["served"]["state"] == "plain text"
    assert transport["on_disk"]["leaf"]["serial"]
    assert view["differences"][0]["name"] == "plain text"
    assert body["nodes"][0]["started"].startswith("2026-09-21")
    assert "PRIVATE KEY" not in json.dumps(body)
