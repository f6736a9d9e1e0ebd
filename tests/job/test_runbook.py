"""The run-book at its edges: allocation that comes back whatever happens, nodes that are not taken down, and what a
node's log says where a gate does not close."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from estui.act import reload, steps
from estui.act.commit import commit
from estui.act.context import Context
from estui.engine import Access, Engine, read_secret_file
from estui.model.observed import Observed
from estui.sandbox.processes import StartFailedError
from tests.corporate import Corporate, pem_of
from tests.job.conftest import Bastion, Maker
from tests.waiting import until

ALLOCATION = "cluster.routing.allocation.enable"


def _plain_settings(here: Bastion, own: dict[str, dict[str, str]] | None = None) -> dict[str, dict[str, str]]:
    """Settings of the cluster by scope; `own` is what its operator sets before."""
    port = here.sandbox.ports["es-1"]["http"]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/_cluster/settings?flat_settings=true")
    if own is not None:
        request.method, request.data = "PUT", json.dumps(own).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=5) as answer:
        told = json.load(answer)
    return {scope: told[scope] for scope in ("persistent", "transient")}


def _observed(here: Bastion) -> Observed:
    """The cluster as it tells it, with the stored password of `elastic`."""
    engine = Engine(str(here.workspace), access=Access(over_plain=True))
    engine.unlock(read_secret_file(here.workspace / "passphrase"))
    return engine.observe()


def _allocation(here: Bastion) -> str:
    return next(node.api.allocation for node in _observed(here).nodes if node.api.reachable) or "all"


def _members(here: Bastion) -> set[int]:
    """How many nodes each of them counts."""
    return {node.api.health.nodes if node.api.health else 0 for node in _observed(here).nodes}


def test_an_undo_from_the_stop_switches_allocation_on_again(bastion: Maker) -> None:
    """Nothing was switched yet, and a node may be down: it is started, and replicas may move as they might before."""
    here = bastion(2, kibana=False)
    own = {"persistent": {ALLOCATION: "new_primaries"}, "transient": {ALLOCATION: "all"}}
    _plain_settings(here, own)
    here.estui("apply", "https", "--yes", expect=3)
    assert _plain_settings(here) == {scope: {ALLOCATION: "primaries"} for scope in own}
    assert "replica allocation is off" in here.estui("runbook", "show", expect=3)
    here.sandbox.stop("es-2")
    here.estui("rollback", "--yes", "--restart")
    assert _plain_settings(here) == own
    assert here.sandbox.status()["es-2"] == "running"
    assert here.leftovers() == []
    assert [run["phase"] for run in here.json("history")] == ["rolled back", "done"]


def test_an_undo_between_the_start_and_the_first_password_needs_no_login(bastion: Maker) -> None:
    """The nodes are secured and nobody can log in yet: they are stopped and brought back all the same."""
    here = bastion(2, kibana=False)
    own = {"persistent": {ALLOCATION: "new_primaries"}, "transient": {}}
    _plain_settings(here, own)
    here.estui("apply", "basic", "--yes", expect=3)
    for node in ("es-1", "es-2"):
        here.sandbox.stop(node)
    here.estui("runbook", "resume", expect=3)
    for node in ("es-1", "es-2"):
        here.sandbox.start(node)
    here.estui("rollback", "--yes", "--restart")
    assert _plain_settings(here) == own
    assert here.leftovers() == []


@pytest.mark.slow
def test_a_rolling_run_is_interrupted_refuses_and_is_undone_from_where_it_stands(
    bastion: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bastion(2, kibana=False)
    here.estui("apply", "basic", "--yes", "--restart")

    # Ctrl-C between `allocation off` and the files
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, "commit", interrupted)
        here.estui("apply", "https", "--yes", "--plain-http", expect=130)
    assert _allocation(here) == "primaries"
    assert "replica allocation is off" in here.estui("status", expect=3) + here.err
    here.estui("rollback", "--yes", "--plain-http")
    assert _allocation(here) == "all"

    # a node is missing: the other one is not taken down
    real = steps.Steps._prepare

    def then_lost(self: steps.Steps, step: object) -> None:
        real(self, step)  # type: ignore[arg-type]
        here.sandbox.stop("es-2")

    with monkeypatch.context() as patch:
        patch.setattr(steps.Steps, "_prepare", then_lost)
        here.estui("apply", "https", "--yes", "--restart", "--plain-http", expect=3)
    assert "es-1 is not taken down: 1 of 2 nodes are there" in here.err
    assert here.sandbox.status()["es-1"] == "running"
    here.sandbox.start("es-2")
    until(lambda: _members(here) == {2}, 20)

    # the first node comes back, restarted by hand; the second cannot: the undo begins with it
    here.estui("runbook", "resume", "--plain-http", expect=3)
    assert "waits for you to restart es-1" in here.err
    here.sandbox.restart("es-1")
    broken = here.sandbox.config("es-2") / "estui/http"

    def then_broken(context: Context, *rest: object) -> None:
        commit(context, *rest)  # type: ignore[arg-type]
        (next(broken.glob("current")) / "node.key").write_bytes(b"no key\n")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "commit", then_broken)
        here.estui("runbook", "resume", "--restart", "--plain-http", expect=1)
    assert "log of es-2: it cannot read the key" in here.err
    shown = here.json("runbook", "show", expect=3)
    failed = next(record for record in shown["records"] if record["step"]["id"] == "restart es-2")
    assert any("log of es-2" in each["text"] and not each["ok"] for each in failed["evidence"])
    here.estui("rollback", "--yes", "--restart", "--plain-http")
    assert _allocation(here) == "all"
    assert here.json("verify")["ok"]


def test_a_node_that_does_not_start_is_explained_by_its_log(bastion: Maker) -> None:
    """A person starts it, it ends with a complaint, and whoever looks next reads the complaint."""
    here = bastion(1, kibana=False)
    here.estui("apply", "https", "--yes", expect=3)
    here.sandbox.stop("es-1")
    here.estui("runbook", "resume", expect=3)
    assert "log of es-1" not in here.err
    key = here.sandbox.config("es-1") / "estui/transport/current/node.key"
    whole = key.read_bytes()
    key.write_bytes(b"\x1b]0;no key\n")
    with pytest.raises(StartFailedError):
        here.sandbox.start("es-1")
    here.estui("runbook", "resume", "--wait", "30", expect=3)
    assert "log of es-1: it cannot read the key" in here.err
    assert "\x1b" not in here.err
    key.write_bytes(whole)
    here.estui("runbook", "resume", "--restart")
    assert here.json("verify")["ok"]


@pytest.mark.slow
def test_a_reload_that_fails_is_explained_by_the_log_and_a_run_is_filed(
    bastion: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The run-book before, the log's reason where a node does not load its files, and the reports afterwards."""
    here = bastion(1, kibana=False)
    before = here.tree()
    printed = here.estui("runbook", "https", "--markdown", expect=3)
    for wanted in ("## Outage", "FULL RESTART", "| es-1 |", "## Way back", "sandbox stop es-1", "```diff", "made by"):
        assert wanted in printed, wanted
    assert here.tree() == before
    assert not (here.workspace / "runs").exists()
    here.estui("apply", "https", "--yes", "--restart")
    run = here.json("history")[0]["id"]
    filed = here.workspace / "runs" / run
    report = json.loads((filed / "report.json").read_text())
    leaf = report["leaves"][0]
    assert leaf["before"] is None
    assert leaf["after"]["serial"] in (filed / "report.md").read_text()
    assert all(proof["ok"] for proof in report["proofs"])
    assert report["proofs"]
    assert report["people"]

    def then_broken(context: Context, *rest: object) -> None:
        commit(context, *rest)  # type: ignore[arg-type]
        (here.sandbox.config("es-1") / "estui/http/current/node.key").write_bytes(b"no key\n")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "commit", then_broken)
        patch.setattr(reload, "PUBLISHED_AGAIN", 0)
        here.estui("rotate", "es-1", "--layer", "http", "--yes", expect=1)
    assert "has not loaded its http set" in here.err
    assert "log of es-1: it cannot read the key" in here.err
    assert "log of es-1" in here.estui("history", "report", expect=3)
    output = tmp_path / "report.md"
    here.estui("rollback", "--yes")
    here.estui("history", "report", report["run"], "--markdown", "-o", str(output))
    assert output.read_text() == (filed / "report.md").read_text()
    undo, undone = here.json("history")[2], here.json("history")[1]
    assert undone["phase"] == "rolled back"
    for each in (undo, undone):
        assert (here.workspace / "runs" / each["id"] / "report.md").exists()
    again = json.loads((here.workspace / "runs" / undo["id"] / "report.json").read_text())
    first, last = (next(each for each in filed["leaves"] if each["set_name"] == "http") for filed in (report, again))
    assert last["after"]["serial"] == first["after"]["serial"] != last["before"]["serial"]


@pytest.mark.slow
def test_the_run_book_of_every_changing_command_is_printed_and_nothing_is_changed(
    bastion: Maker, tmp_path: Path
) -> None:
    """Before anybody is asked for a yes, a secret or a passphrase: steps, gates, and of an undo what comes back."""
    here = bastion(1, kibana=False)
    here.estui("apply", "https", "--yes", "--restart")
    files, workspace = here.tree(), _workspace(here)
    bundle = tmp_path / "corporate.pem"
    bundle.write_bytes(pem_of(Corporate().root))
    for command, words in (
        (("ca", "rollover", "start", "http"), "CN=es-1"),
        (("ca", "rollover", "start", "http", "--to", "corporate", "--ca-file", str(bundle)), "phase 1 of 3"),
        (("passwords", "set", "apm_system"), "apm_system"),
        (("secure-settings", "set", "s3.client.default.secret_key"), "(secret"),
        (("secure-settings", "password"), "elasticsearch.keystore"),
        (("rollback",), "estui/http/current"),
    ):
        here.estui(*command, "--runbook", "markdown", expect=3)
        assert here.out.startswith("# Run-book: "), command
        assert words in here.out, command
        assert "goes on when" in here.out, command
        assert "nothing was changed" in here.err, command
    here.estui("rollback", "--runbook", "--json", expect=3)
    assert (here.tree(), _workspace(here)) == (files, workspace)
    here.estui("ca", "rollover", "start", "http", "--yes", "--restart", expect=3)
    here.estui("ca", "rollover", "tick", "--all")
    here.estui("ca", "rollover", "next", "--runbook", expect=3)
    assert "switch leaves" in here.out
    here.estui("ca", "rollover", "abort", "--runbook", expect=3)
    assert "undo of new CA: trust both" in here.out


def _workspace(here: Bastion) -> list[str]:
    return sorted(str(path.relative_to(here.workspace)) for path in here.workspace.rglob("*"))
