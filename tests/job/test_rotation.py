"""Rotation by the public commands: new leaves from the same CA under running nodes, and back."""

from __future__ import annotations

import pytest

from estui.errors import StoreError
from estui.formats import es_keystore, pkcs12
from estui.model.inventory import Layer
from estui.observe.cluster import observe
from estui.observe.workspace import read_inventory
from estui.secret import Secret
from tests.job.conftest import Bastion, Maker

APPLY = ("apply", "--yes", "--restart")


def _served(here: Bastion) -> dict[str, str]:
    """Serial of every leaf that is served now."""
    observed = observe(read_inventory(here.workspace), digest_key=b"test")
    found = {
        f"{node.target} {layer.value}": leaf.serial_hex
        for node in observed.nodes
        for layer in Layer
        if (leaf := node.port(layer).leaf)
    }
    found |= {each.target: each.served.leaf.serial_hex for each in observed.kibana if each.served.leaf}
    return found


def _pids(here: Bastion) -> list[str]:
    return [(here.sandbox.folder / name / "run" / "pid").read_text() for name in here.sandbox.node_names]


@pytest.mark.slow
def test_marked_nodes_get_new_leaves_without_a_restart_and_back(bastion: Maker) -> None:
    """Only what was asked for changes; no process restarts; an undo serves the old serials again."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    before, pids = _served(here), _pids(here)
    here.estui("rotate", "es-1", "--yes")
    after = _served(here)
    assert {name for name in before if before[name] != after[name]} == {"es-1 transport", "es-1 http"}
    here.estui("rotate", "--all", "--layer", "http", "--yes")
    last = _served(here)
    assert {name for name in after if after[name] != last[name]} == {"es-1 http", "es-2 http"}
    assert _pids(here) == pids
    here.estui("rollback", "--yes")
    assert _served(here) == after
    assert here.json("verify")["ok"]


@pytest.mark.parametrize("kibana", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["alone", "with kibana"])
def test_nothing_due_is_success_and_what_is_due_is_renewed(bastion: Maker, kibana: bool) -> None:
    """`rotate --due --yes` is what cron runs: exit code 0 both times, and 3 while a run is unfinished."""
    here = bastion(1, kibana=kibana)
    here.estui(*APPLY, "https", "--format", "pkcs12")
    before = _served(here)
    here.estui("rotate", "--due", "--yes", "--restart")
    assert "nothing to do" in here.err
    assert _served(here) == before
    yaml = here.workspace / "estui.yaml"
    yaml.write_text(yaml.read_text() + "\npolicy: {renew_before_days: 500}\n")
    here.estui("rotate", "--due", "--yes", "--restart")
    after = _served(here)
    assert all(after[name] != before[name] for name in before)
    assert here.json("verify")["ok"]


@pytest.mark.slow
def test_another_kind_of_key_is_said_in_the_review(bastion: Maker) -> None:
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "https")
    yaml = here.workspace / "estui.yaml"
    yaml.write_text(yaml.read_text() + "\npolicy: {http_key: rsa-2048, leaf_days: 90}\n")
    here.estui("rotate", "es-1", "--layer", "http", "--json", expect=2)
    assert "--yes" in here.err
    assert "another kind of key, ec-p256 -> rsa-2048" in here.err
    assert "a shorter life" in here.err


@pytest.mark.slow
def test_a_node_that_is_down_is_not_rotated(bastion: Maker) -> None:
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "https")
    here.sandbox.stop("es-1")
    here.estui("rotate", "es-1", "--yes", expect=1)
    assert "may be starting" in here.err


@pytest.mark.slow
def test_a_new_store_password_comes_with_new_stores_and_one_restart(bastion: Maker) -> None:
    """Asked for: the review says the restart and why; the old password opens nothing any more; an undo brings it
    back."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "https", "--format", "pkcs12")
    before, passwords, files, pids = _served(here), _store_passwords(here), here.tree(), _pids(here)
    here.estui("rotate", "--all", "--new-store-password", "--runbook", expect=3)
    assert "right before its restart" in " ".join(here.out.split())
    here.estui("rotate", "--all", "--new-store-password", "--yes", "--restart")
    after = _store_passwords(here)
    assert not set(after.values()) & set(passwords.values())
    assert set(_served(here).values()).isdisjoint(before.values())
    assert _pids(here) != pids
    for layer in ("transport", "http"):
        store = here.sandbox.config("es-1") / f"estui/{layer}/current/node.p12"
        assert pkcs12.read_pkcs12(store.read_bytes(), Secret(after[layer]), "node.p12").keys
        with pytest.raises(StoreError, match="wrong password"):
            pkcs12.read_pkcs12(store.read_bytes(), Secret(passwords[layer]), "node.p12")
    assert here.json("verify")["ok"]
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == files
    assert _store_passwords(here) == passwords


def _store_passwords(here: Bastion) -> dict[str, str]:
    """Password of each layer's stores on the first node."""
    path = here.sandbox.config("es-1") / "elasticsearch.keystore"
    entries = es_keystore.read_secure_settings(path.read_bytes(), None, str(path)).entries
    layers = ("transport", "http")
    return {layer: entries[f"xpack.security.{layer}.ssl.keystore.secure_password"].decode() for layer in layers}
