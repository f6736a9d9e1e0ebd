"""Commands on real folders whose nodes are down: what they say, write, and refuse."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from estui.cli.output import Exit
from estui.formats.wire import parse_plan
from tests.unit.cli.conftest import Shell


def test_init_writes_an_inventory_that_only_its_owner_reads(shell: Shell) -> None:
    folder = shell.node("es-1")
    assert shell.run("init", str(folder), "--cluster", "logs") == Exit.DONE
    inventory = shell.workspace / "estui.yaml"
    assert stat.S_IMODE(inventory.stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE(shell.workspace.stat().st_mode) == 0o700
    assert "cluster: logs" in inventory.read_text()
    assert str(folder) in inventory.read_text()
    assert "next: estui status; then estui plan https, or, where it is secured already: estui adopt" in shell.err


def test_init_takes_kibana_with_its_path_on_its_own_host(shell: Shell, tmp_path: Path) -> None:
    kibana = tmp_path / "kibana"
    kibana.mkdir()
    (kibana / "kibana.yml").write_text("server.name: k\n")
    assert shell.run("init", str(shell.node("es-1")), "--kibana", f"{kibana}=/etc/kibana", "--json") == Exit.DONE
    assert json.loads(shell.out)["kibana"][0]["on_host"] == "/etc/kibana"


def test_init_again_does_not_overwrite(shell: Shell) -> None:
    shell.made("es-1")
    before = (shell.workspace / "estui.yaml").read_bytes()
    assert shell.run("init", str(shell.home / "es-1")) != Exit.DONE
    assert (shell.workspace / "estui.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (None, "does not exist"),
        ({}, "the folder is empty"),
        ({"kibana.yml": ""}, "this is the configuration folder of Kibana"),
        ({"logstash.yml": ""}, "this is the configuration folder of Logstash"),
        ({"elasticsearch.yml": "a: [\n"}, "elasticsearch.yml"),
        ({"elasticsearch.yml": "node.name: a\nnode.name: b\n"}, "elasticsearch.yml:2"),
        ({"elasticsearch.yml": "\tnode.name: a\n"}, "elasticsearch.yml"),
    ],
)
def test_init_on_a_bad_folder_says_why_and_writes_nothing(
    files: dict[str, str] | None, reason: str, shell: Shell, tmp_path: Path
) -> None:
    folder = tmp_path / "bad"
    if files is not None:
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
    assert shell.run("init", str(shell.node("es-1")), str(folder)) == Exit.FAILED
    assert reason in shell.err
    assert "hint:" in shell.err
    assert "Traceback" not in shell.err
    assert not shell.workspace.exists()


def test_init_without_folders_is_usage(shell: Shell) -> None:
    assert shell.run("init") == Exit.USAGE


def test_init_without_a_terminal_tells_what_to_write_by_hand(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "silent"
    folder.mkdir()
    (folder / "elasticsearch.yml").write_text("# all comments\n")
    assert shell.run("init", str(folder)) == Exit.DONE
    assert "write `name:` for it into estui.yaml" in shell.err


def test_status_of_nodes_that_are_down(shell: Shell) -> None:
    shell.made()
    assert shell.run("status") in (Exit.DONE, Exit.PENDING)
    assert "es-1" in shell.out
    assert "refused" in shell.out
    assert shell.out.isascii()
    assert shell.run("status", "--json") in (Exit.DONE, Exit.PENDING)
    assert [row["target"] for row in json.loads(shell.out)["targets"]] == ["es-1", "es-2"]


def test_plan_reviews_and_changes_nothing(shell: Shell) -> None:
    shell.made()
    before = {path: path.read_bytes() for path in shell.home.rglob("*.yml")}
    assert shell.run("plan", "https") == Exit.PENDING
    assert "FULL RESTART" in shell.out
    assert "xpack.security.http.ssl.enabled: true" in shell.out
    assert shell.out.isascii()
    assert {path: path.read_bytes() for path in shell.home.rglob("*.yml")} == before
    assert not (shell.workspace / "ca").exists()


def test_plan_shows_every_node_on_request(shell: Shell) -> None:
    shell.made()
    shell.run("plan", "basic")
    folded = shell.out
    shell.run("plan", "basic", "--all")
    assert "same change on es-2" in folded
    assert "same change on" not in shell.out
    assert shell.out.count("xpack.security.enabled: true") == 2


def test_a_saved_plan_reads_back_and_is_not_overwritten(shell: Shell, tmp_path: Path) -> None:
    shell.made()
    file = tmp_path / "plan.json"
    assert shell.run("plan", "basic", "--json", "-o", str(file)) == Exit.PENDING
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    plan = parse_plan(file.read_bytes(), str(file))
    assert json.loads(shell.out)["stages"][0]["id"] == plan.stages[0].id
    assert shell.run("plan", "basic", "-o", str(file)) == Exit.USAGE
    assert "name a new file" in shell.err


def test_a_refused_plan_lists_every_reason(shell: Shell) -> None:
    shell.made()
    assert shell.run("plan", "minimal") == Exit.FAILED
    assert "minimal is for a single node" in shell.err
    assert shell.run("plan", "mutual", "--json") == Exit.FAILED
    assert "mutual TLS" in json.loads(shell.out)["reasons"][0]


def test_a_cluster_that_is_down_needs_its_number(shell: Shell) -> None:
    shell.made()
    inventory = shell.workspace / "estui.yaml"
    inventory.write_text(inventory.read_text().replace("expect_nodes: 2\n", ""))
    assert shell.run("plan", "basic") == Exit.FAILED
    assert "--expect-nodes" in shell.err
    assert shell.run("--expect-nodes", "2", "plan", "basic") == Exit.PENDING


def test_only_takes_several_targets(shell: Shell) -> None:
    shell.made()
    assert shell.run("plan", "basic", "--only", "es-1", "es-9") == Exit.FAILED
    assert "the inventory has no es-9" in shell.err


def test_apply_without_a_terminal_names_yes_and_then_the_passphrase(shell: Shell) -> None:
    shell.made()
    assert shell.run("apply", "basic") == Exit.USAGE
    assert "give --yes" in shell.err
    assert shell.run("apply", "basic", "--yes") == Exit.USAGE
    assert "--passphrase-file FILE" in shell.err
    assert not (shell.workspace / "runs").exists()


def test_apply_of_what_is_no_plan_is_said(shell: Shell, tmp_path: Path) -> None:
    shell.made()
    assert shell.run("apply", str(tmp_path / "missing.json"), "--yes") == Exit.USAGE
    assert "name a saved plan" in shell.err
    (tmp_path / "bad.json").write_text("{}")
    assert shell.run("apply", str(tmp_path / "bad.json"), "--yes") == Exit.FAILED
    assert "is not a plan of estui" in shell.err


def test_without_a_run_the_run_commands_say_so(shell: Shell) -> None:
    shell.made()
    assert shell.run("runbook", "show") == Exit.USAGE
    assert shell.run("runbook", "resume") == Exit.USAGE
    assert shell.run("rollback", "--yes") == Exit.USAGE
    assert shell.run("recover", "--undo") == Exit.DONE
    assert shell.run("history", "--json") == Exit.DONE
    assert json.loads(shell.out) == []


def test_verify_of_nodes_that_are_down_is_not_verified(shell: Shell) -> None:
    shell.made()
    assert shell.run("verify", "--json") == Exit.UNVERIFIED
    assert json.loads(shell.out)["ok"] is False


def test_ca_create_makes_one_ca_and_lists_it(shell: Shell, tmp_path: Path) -> None:
    shell.made()
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    known = ("--passphrase-file", str(tmp_path / "passphrase"))
    assert shell.run("ca", "create", "http", "--days", "100", *known) == Exit.DONE
    assert shell.run("ca", "list", "--json") == Exit.DONE
    assert [each["name"] for each in json.loads(shell.out)] == ["http"]
    assert b"PRIVATE KEY" in (shell.workspace / "ca" / "http" / "ca.key").read_bytes()
    assert b"ENCRYPTED" in (shell.workspace / "ca" / "http" / "ca.key").read_bytes()
    assert shell.run("ca", "create", "other", *known) == Exit.USAGE
    (tmp_path / "passphrase").write_text("wrong\n")
    assert shell.run("ca", "create", "transport", *known) == Exit.FAILED


def test_passwords_that_were_never_made_cannot_be_shown(shell: Shell, tmp_path: Path) -> None:
    shell.made()
    (tmp_path / "passphrase").write_text("correct horse battery staple\n")
    assert shell.run("passwords", "show", "elastic") == Exit.USAGE
    assert shell.run("passwords", "show", "elastic", "--passphrase-file", str(tmp_path / "passphrase")) == Exit.USAGE
    assert "no password of elastic is stored" in shell.err


def test_an_inventory_that_others_could_have_written_is_not_used(shell: Shell) -> None:
    shell.made()
    (shell.workspace / "estui.yaml").chmod(0o666)
    assert shell.run("plan", "basic") == Exit.USAGE
    assert "chmod go-w" in shell.err
