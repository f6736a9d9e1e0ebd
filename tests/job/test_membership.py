"""A node joins a secured cluster and leaves it again by the public commands; the others are left alone."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import shutil
from pathlib import Path

import pytest

from estui.formats.yml import parse_settings
from estui.model.inventory import Layer
from estui.observe.cluster import observe
from estui.observe.workspace import read_authorities, read_inventory
from tests.job.conftest import Bastion, Maker
from tests.waiting import until

pytestmark = pytest.mark.slow

APPLY = ("apply", "--yes", "--restart")


def _digests(here: Bastion, *names: str) -> dict[str, tuple[str, int, int]]:
    """Every file of these configuration folders, estui's own too: content or link, mode, time of change."""
    found = {}
    for name in names:
        root = here.sandbox.config(name)
        for path in sorted(root.rglob("*")):
            seen = path.lstat()
            content = str(path.readlink()).encode() if path.is_symlink() else b""
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else content
            found[f"{name}/{path.relative_to(root)}"] = (
                hashlib.sha256(content).hexdigest(),
                seen.st_mode,
                seen.st_mtime_ns if path.is_file() else 0,
            )
    return found


def _pids(here: Bastion, *names: str) -> list[str]:
    return [(here.sandbox.folder / name / "run" / "pid").read_text() for name in names]


def _add(here: Bastion, name: str, *more: str, expect: int = 0) -> str:
    """`node add` of a sandbox node with the commands that start and stop it."""
    commands = [
        option
        for action in ("stop", "start", "restart")
        for option in (f"--{action}-command", shlex.join(here.sandbox.commands(name, action)))
    ]
    return here.estui("node", "add", str(here.sandbox.config(name)), "--yes", *commands, *more, expect=expect)


def _settings(here: Bastion, name: str) -> dict[str, str]:
    path = here.sandbox.config(name) / "elasticsearch.yml"
    return {key: found.text for key, found in parse_settings(path.read_bytes(), str(path)).items()}


def _commented(here: Bastion) -> Path:
    """The workspace's inventory with comments of a person in it."""
    yaml = here.workspace / "estui.yaml"
    text = yaml.read_text().replace("\nnodes:\n", "\nnodes:  # ours\n  # the first one\n")
    yaml.write_text(text + "# the end\n")
    return yaml


def test_a_stock_node_joins_and_no_other_node_is_touched(bastion: Maker) -> None:
    """PKCS#12, as the others have it; it would have formed a cluster of its own."""
    here = bastion(2, kibana=True)
    here.estui(*APPLY, "https", "--format", "pkcs12")
    yaml = _commented(here)
    name = here.sandbox.add_node(masters=("es-3",))
    others = ("es-1", "es-2", "kibana")
    before, pids = _digests(here, *others), _pids(here, *others)
    _add(here, name, "--restart", "--tags", "zone-c")
    assert _digests(here, *others) == before
    assert _pids(here, *others) == pids
    settings = _settings(here, name)
    assert "cluster.initial_master_nodes" not in settings
    assert settings["discovery.seed_hosts"].count("127.0.0.1:") == 2
    assert "estui/transport/current/node.p12" in settings.values()
    text = yaml.read_text()
    assert "nodes:  # ours\n  # the first one\n" in text
    assert text.endswith("# the end\n")
    assert 'tags: ["zone-c"]' in text
    assert here.leftovers() == []
    verdict = here.json("verify")
    assert verdict["ok"]
    assert any(proof["target"] == "cluster" and proof["evidence"].startswith("3 nodes") for proof in verdict["proofs"])
    here.estui("plan", "https")
    assert "nothing to do" in here.out + here.err


def test_the_join_is_undone_by_a_stop_and_the_entry_goes(bastion: Maker) -> None:
    """The node stays stopped with its old files, `estui.yaml` is as before to the byte, the others go on."""
    here = bastion(3, kibana=False)
    here.estui(*APPLY, "https")
    yaml = _commented(here)
    inventory = yaml.read_bytes()
    name = here.sandbox.add_node(seeds=("es-1", "es-2"))
    stock, others = here.tree(), _digests(here, "es-1", "es-2", "es-3")
    here.estui("node", "add", str(here.sandbox.config(name)), expect=2)
    assert "NO RESTART of the nodes that run" in here.err
    assert yaml.read_bytes() == inventory
    _add(here, name, "--restart")
    first = here.json("history")[0]["id"]
    here.estui("rollback", first, "--yes", "--restart", expect=2)
    assert f"{name} joined the cluster since, and would be cut off" in here.err
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == stock
    assert yaml.read_bytes() == inventory
    assert _digests(here, "es-1", "es-2", "es-3") == others
    assert here.sandbox.status()[name] == "stopped"
    assert here.json("verify")["ok"]
    here.estui("ca", "issued", "transport")
    assert f"{name} transport" in here.out
    assert "outstanding until" in here.out


def test_a_cluster_of_its_own_is_refused_until_a_person_emptied_it_and_a_waiting_join_is_taken_back(
    bastion: Maker,
) -> None:
    """Neither the refusal nor the undo leaves a trace."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    name = here.sandbox.add_node(masters=("es-3",))
    here.sandbox.start(name)
    until(lambda: "UUID" in _refused(here, name), 20.0)
    assert "belongs to another cluster already (UUID" in here.err
    assert "by hand" in here.err
    here.sandbox.stop(name)
    shutil.rmtree(here.sandbox.folder / name / "data")
    inventory, stock = (here.workspace / "estui.yaml").read_bytes(), here.tree()
    here.estui("node", "add", str(here.sandbox.config(name)), "--yes", expect=3)
    assert f"start {name}" in here.err
    here.estui("rollback", "--yes")
    assert (here.workspace / "estui.yaml").read_bytes() == inventory
    assert here.tree() == stock
    assert here.leftovers() == []
    assert here.json("verify")["ok"]


def _refused(here: Bastion, name: str) -> str:
    """What a `node add` without a yes says; nothing may change by it."""
    inventory, before = (here.workspace / "estui.yaml").read_bytes(), here.tree()
    with contextlib.suppress(AssertionError):
        here.estui("node", "add", str(here.sandbox.config(name)), expect=1)
    assert (here.workspace / "estui.yaml").read_bytes() == inventory
    assert here.tree() == before
    return here.err


def test_a_node_that_runs_alone_and_unsecured_is_stopped_first_and_a_person_may_do_it_all(bastion: Maker) -> None:
    """It looks for others in vain, so it has no cluster of its own. Each wait names what to do."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "basic")
    name = here.sandbox.add_node(masters=("es-1", "es-2", "es-3"), seeds=("es-1", "es-2"))
    here.sandbox.start(name)
    folder = here.sandbox.config(name)
    before = (folder / "elasticsearch.yml").read_bytes()
    here.estui("node", "add", str(folder), "--yes", "--plain-http", expect=3)
    assert f"stop {name}" in here.err
    assert (folder / "elasticsearch.yml").read_bytes() == before
    here.estui("rollback", "--yes", "--plain-http")
    assert str(folder) not in (here.workspace / "estui.yaml").read_text()
    here.estui("node", "add", str(folder), "--yes", "--plain-http", expect=3)
    here.sandbox.stop(name)
    here.estui("runbook", "resume", expect=3)
    assert f"start {name}" in here.err
    here.sandbox.start(name)
    run = here.json("runbook", "resume", "--wait", "20")
    steps = [record["step"]["id"] for record in run["records"]]
    assert steps == ["prepare", "stop", "commit", "start", "cluster", "verify"]
    assert here.json("verify")["ok"]
    here.estui("rollback", "--yes", "--plain-http", expect=3)
    assert f"stop {name}" in here.err
    here.estui("rollback", "--yes", "--plain-http")
    assert str(folder) in (here.workspace / "estui.yaml").read_text()
    assert here.json("verify")["ok"]


def test_in_the_middle_of_a_rollover_the_new_node_trusts_both_and_goes_along(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    here.estui("ca", "rollover", "start", "transport", "http", "--yes", expect=3)
    name = here.sandbox.add_node()
    _add(here, name, "--restart")
    authorities = {each.certificate.sha256: each.name for each in read_authorities(here.workspace)}
    observed = observe(read_inventory(here.workspace), digest_key=b"test", network=False)
    node = observed.node(name)
    assert node is not None
    for layer in Layer:
        trusted = {authorities[each.sha256] for each in node.disk[layer].trusted}
        assert trusted == {layer.value, f"{layer.value}-2"}
    for expect in (3, 0):
        here.estui("ca", "rollover", "tick", "--all")
        here.estui("ca", "rollover", "next", "--yes", "--restart", expect=expect)
    assert here.json("verify")["ok"]


def test_a_removed_node_has_to_be_out_of_the_cluster_and_its_certificates_are_named(bastion: Maker) -> None:
    here = bastion(3, kibana=False)
    here.estui(*APPLY, "https")
    yaml = _commented(here)
    here.estui("node", "remove", "es-3", "--yes", expect=1)
    assert "is a member of the cluster" in here.err
    assert "cluster.routing.allocation.exclude._name" in here.err
    here.sandbox.stop("es-3")
    here.estui("node", "remove", "es-3", expect=2)
    assert str(here.sandbox.config("es-3")) in yaml.read_text()
    removal = here.json("node", "remove", "es-3", "--yes")
    assert {leaf["set_name"] for leaf in removal["outstanding"]} == {"transport", "http"}
    assert "is outstanding until" in here.err
    assert "estui ca rollover start http transport --leaked" in here.err
    text = yaml.read_text()
    assert str(here.sandbox.config("es-3")) not in text
    assert "nodes:  # ours\n  # the first one\n" in text
    here.estui("ca", "issued", "http")
    assert "es-3 http" in here.out
    assert "outstanding until" in here.out
    assert here.json("verify")["ok"]
    here.estui("rollback", "--yes", expect=2)
    assert "es-3 is not in estui.yaml any more" in here.err
    here.sandbox.start("es-3")
    until(lambda: _is_taken_for_a_member(here, "es-3"), 20.0)
    here.sandbox.down()
    here.estui("node", "remove", "es-2", "--yes", expect=1)
    assert "--force" in here.err
    here.estui("node", "remove", "es-2", "--yes", "--force")
    assert "es-2 is not in estui.yaml any more" in here.err


def _is_taken_for_a_member(here: Bastion, name: str) -> bool:
    """Whether `node add` writes the entry without a plan; without a yes nothing else can happen."""
    with contextlib.suppress(AssertionError):
        here.estui("node", "add", str(here.sandbox.config(name)))
    return f"{name} is a member already" in here.err
