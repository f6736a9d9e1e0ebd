"""Runs that wait, fail or are left: where they stand, what they say, and both ways out."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.job.conftest import Bastion, Maker


def _stop_all(here: Bastion) -> None:
    for name in here.sandbox.names:
        here.sandbox.stop(name)


def _start_all(here: Bastion) -> None:
    for name in here.sandbox.node_names:
        here.sandbox.start(name)


def test_without_restart_a_person_is_asked_and_watched(bastion: Maker) -> None:
    """Every stop and start is the person's; estui waits with exit code 3, says the words, and goes on by evidence."""
    here = bastion(1, kibana=False)
    here.estui("apply", "https", "--yes", expect=3)
    assert "waits for you to stop es-1" in here.err
    assert "sandbox stop es-1" in here.err
    here.estui("apply", "https", "--yes", expect=3)
    assert "is unfinished" in here.err
    assert "waiting" in here.estui("runbook", "show", expect=3)
    assert "unsecured" in here.estui("status", expect=3)
    _stop_all(here)
    here.estui("runbook", "next", expect=3)
    assert "xpack.security.enabled: false" in (here.sandbox.config("es-1") / "elasticsearch.yml").read_text()
    here.estui("runbook", "resume", expect=3)
    assert "waits for you to start es-1" in here.err
    assert "xpack.security.enabled: true" in (here.sandbox.config("es-1") / "elasticsearch.yml").read_text()
    later = threading.Timer(0.5, lambda: here.sandbox.start("es-1"))
    later.start()
    here.estui("runbook", "resume", "--wait", "30")
    later.join()
    assert here.json("verify")["ok"]


def test_a_waiting_run_can_be_rolled_back_from_the_stop(bastion: Maker) -> None:
    """Before anything was switched an undo only takes away what was prepared."""
    here = bastion(1, kibana=False)
    before = here.tree()
    here.estui("apply", "https", "--yes", expect=3)
    here.estui("rollback", "--yes")
    assert here.tree() == before
    assert here.leftovers() == []
    assert "unsecured" in here.estui("status")


@pytest.mark.slow
def test_a_run_that_waits_with_everything_switched_can_be_rolled_back(bastion: Maker) -> None:
    here = bastion(1, kibana=False)
    before = here.tree()
    here.estui("apply", "https", "--yes", expect=3)
    _stop_all(here)
    here.estui("runbook", "resume", expect=3)
    assert here.tree() != before
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == before
    assert "unsecured" in here.estui("status")


def test_a_file_changed_after_the_review_refuses_the_plan_and_nothing_is_written(
    bastion: Maker, tmp_path: Path
) -> None:
    here = bastion(1, kibana=False)
    saved = tmp_path / "plan.json"
    here.estui("plan", "https", "-o", str(saved), expect=3)
    yml = here.sandbox.config("es-1") / "elasticsearch.yml"
    yml.write_text(yml.read_text() + "node.attr.rack: r1\n")
    before = here.tree()
    here.estui("apply", str(saved), "--yes", "--restart", expect=1)
    assert "content changed" in here.err
    assert "plan again" in here.err
    assert here.tree() == before
    assert here.leftovers() == []
    assert not (here.sandbox.config("es-1") / "estui").exists()


def test_a_plan_of_another_workspace_or_an_edited_one_is_refused(bastion: Maker, tmp_path: Path) -> None:
    here = bastion(1, kibana=False)
    saved = tmp_path / "plan.json"
    here.estui("plan", "https", "-o", str(saved), expect=3)
    body = json.loads(saved.read_text())
    body["plan"]["workspace"] = "another"
    saved.write_text(json.dumps(body))
    here.estui("apply", str(saved), "--yes", expect=1)
    assert "edited or damaged" in here.err


def test_a_wrong_passphrase_is_said_before_anything_happens(
    bastion: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bastion(1, kibana=False)
    here.estui("ca", "create", "http")
    before = here.tree()
    wrong = tmp_path / "wrong"
    wrong.write_text("not it\n")
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(wrong))
    here.estui("apply", "https", "--yes", "--restart", expect=1)
    assert "wrong passphrase" in here.err.lower() or "passphrase" in here.err
    assert "not it" not in here.err
    assert here.tree() == before
    assert here.leftovers() == []


@pytest.mark.slow
def test_a_port_that_is_taken_at_the_start_is_said_and_can_be_undone(bastion: Maker) -> None:
    """The node's own words come through; the run waits, and goes on once the port is free."""
    here = bastion(1, kibana=False)
    here.estui("apply", "https", "--yes", expect=3)
    _stop_all(here)
    here.estui("runbook", "resume", expect=3)
    port = here.sandbox.ports["es-1"]["http"]
    with socket.create_server(("127.0.0.1", port)):
        here.estui("runbook", "resume", "--restart", expect=1)
    assert "es-1" in here.err
    assert here.json("runbook", "show", expect=3)["phase"] == "waiting"
    here.estui("runbook", "resume", "--restart")
    assert here.json("verify")["ok"]


def test_a_dead_node_is_shown_and_its_tie_to_the_folder_said_to_be_unproven(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    here.sandbox.stop("es-2")
    status = here.estui("status", expect=3)
    assert "refused" in status
    here.estui("plan", "https", expect=3)
    assert "stated, not proven" in here.out


def test_swapped_mounts_are_refused(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    yaml = here.workspace / "estui.yaml"
    ports = here.sandbox.ports
    text = yaml.read_text()
    for name, other in (("es-1", "es-2"), ("es-2", "es-1")):
        config = str(here.sandbox.config(name))
        text = text.replace(
            f"- config: {config}\n", f"- config: {config}\n    http: 127.0.0.1:{ports[other]['http']}\n"
        )
    yaml.write_text(text)
    here.estui("plan", "https", expect=1)
    assert "swapped" in here.err


def test_a_node_that_the_inventory_lacks_is_named(bastion: Maker) -> None:
    here = bastion(3, kibana=False)
    yaml = here.workspace / "estui.yaml"
    head, _, tail = yaml.read_text().partition(f"  - config: {here.sandbox.config('es-3')}")
    rest = tail.partition("\n\n")[2]
    yaml.write_text(head + "\n" + rest)
    here.estui("plan", "https", expect=1)
    assert "a node es-3 that the inventory lacks" in here.err


@pytest.mark.slow
def test_the_temporary_superuser_of_a_dead_process_is_replaced_and_removed(bastion: Maker) -> None:
    """A process that is killed between first login and removal leaves two lines; the next one takes them away. One
    that only stops there takes them along."""
    here = bastion(1, kibana=False)
    here.estui("apply", "https", "--yes", expect=3)
    _stop_all(here)
    here.estui("runbook", "resume", expect=3)
    _start_all(here)
    deadline = time.monotonic() + 60
    while here.json("runbook", "show", expect=3)["records"][5]["state"] != "done":
        assert time.monotonic() < deadline
        here.capture.readouterr()
        here.code = 0
        from estui.cli.main import main

        main(["--workspace", str(here.workspace), "runbook", "next", "--wait", "10"])
    users, roles = (here.sandbox.config("es-1") / name for name in ("users", "users_roles"))
    assert "estui-tmp-" not in users.read_text() + roles.read_text()
    users.write_text(users.read_text() + "estui-tmp-killed00:{PBKDF2}1000$c2FsdHNhbHQ=$aGFzaA==\n")
    roles.write_text(roles.read_text() + "superuser:estui-tmp-killed00\n")
    assert "users-temporary-left" in here.estui("doctor", "--json", expect=3)
    here.estui("runbook", "resume", "--wait", "10")
    assert "estui-tmp-" not in (here.sandbox.config("es-1") / "users").read_text()
    assert "estui-tmp-" not in (here.sandbox.config("es-1") / "users_roles").read_text()


@pytest.mark.slow
def test_old_runs_are_pruned_but_never_the_last_good_one(bastion: Maker) -> None:
    """What was replaced goes with its run; the run in effect can still be undone."""
    here = bastion(1, kibana=False)
    before = here.tree()
    here.estui("apply", "minimal", "--yes", "--restart")
    first = here.json("history")[0]["id"]
    here.estui("rollback", "--yes", "--restart")
    here.estui("apply", "minimal", "--yes", "--restart")
    kept = here.sandbox.config("es-1") / "estui" / "before"
    assert (kept / first).is_dir()
    here.estui("history", "prune", "--keep", "0", expect=2)
    assert "--yes" in here.err
    here.estui("history", "prune", "--keep", "0", "--yes")
    assert not (kept / first).exists()
    assert len(here.json("history")) == 1
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == before
