"""`estui status` as typed: targets, evidence, statements of the inventory, exit codes."""

from __future__ import annotations

import json

from estui.cli.output import Exit
from tests.unit.cli.conftest import Shell


def test_a_node_that_is_down_stands_out_with_its_name_and_its_evidence(shell: Shell) -> None:
    shell.made()
    assert shell.run("status") == Exit.PENDING
    assert "http UNREACHABLE: 127.0.0.1:" in shell.out
    assert shell.run("status", "--evidence", "es-2") == Exit.PENDING
    assert "desired  what is there: no run has set it up" in shell.out
    assert "es-1  unsecured" not in shell.out


def test_a_target_that_is_not_there_is_named_with_those_that_are(shell: Shell) -> None:
    shell.made()
    assert shell.run("status", "es-9") == Exit.USAGE
    assert "the inventory has no es-9" in shell.err
    assert "known: es-1, es-2" in shell.err


def test_json_has_views_findings_and_what_is_set_outside(shell: Shell) -> None:
    shell.made("es-1")
    inventory = shell.workspace / "estui.yaml"
    stated = "    environment: {ES_SETTING_XPACK_SECURITY_ENABLED: true}\n"
    lines = inventory.read_text().splitlines(keepends=True)
    entry = next(index for index, line in enumerate(lines) if line.startswith("  - config:"))
    inventory.write_text("".join([*lines[: entry + 1], stated, *lines[entry + 1 :]]))
    assert shell.run("status", "--json") == Exit.PENDING
    body = json.loads(shell.out)
    assert body["targets"][0]["rung"] == "minimal"
    assert "environment.ES_SETTING_XPACK_SECURITY_ENABLED" in body["nodes"][0]["set_outside"]["xpack.security.enabled"]
    assert {each["name"] for each in body["views"][0]["differences"]} == {"unreachable"}
    assert set(body["findings"]["counts"]) == {"fatal", "error", "warning", "note"}
    assert body["desired"] is None
