"""A new CA by the public commands: three phases without a restart of any node, refused early, and undone."""

from __future__ import annotations

import pytest

from estui.model.inventory import Layer
from estui.observe.cluster import observe
from estui.observe.workspace import read_authorities, read_inventory
from tests.job.conftest import Bastion, Maker

pytestmark = pytest.mark.slow

APPLY = ("apply", "--yes", "--restart")
START = ("ca", "rollover", "start")
NEXT = ("ca", "rollover", "next", "--yes", "--restart")


def _trusted(here: Bastion) -> dict[str, set[str]]:
    """Names of the workspace's CAs that every set and Kibana trust on disk."""
    names = {each.certificate.sha256: each.name for each in read_authorities(here.workspace)}
    observed = observe(read_inventory(here.workspace), digest_key=b"test", network=False)
    found = {
        f"{node.target} {layer.value}": {names[each.sha256] for each in node.disk[layer].trusted}
        for node in observed.nodes
        for layer in Layer
    }
    return found | {each.target: {names[ca.sha256] for ca in each.trust.trusted} for each in observed.kibana}


def _issuers(here: Bastion) -> set[str]:
    """Issuers of every leaf that is served now."""
    observed = observe(read_inventory(here.workspace), digest_key=b"test")
    served = [node.port(layer).leaf for node in observed.nodes for layer in Layer]
    served += [each.served.leaf for each in observed.kibana]
    return {leaf.issuer for leaf in served if leaf}


def _pids(here: Bastion) -> list[str]:
    return [(here.sandbox.folder / name / "run" / "pid").read_text() for name in here.sandbox.node_names]


@pytest.mark.parametrize("store", ["pem", "pkcs12"])
def test_both_cas_are_replaced_in_three_phases_without_a_restart_of_a_node(bastion: Maker, store: str) -> None:
    here = bastion(3, kibana=True)
    here.estui(*APPLY, "https", "--format", store)
    pids = _pids(here)
    here.estui(*START, "transport", "http", "--yes", "--restart", expect=3)
    assert set(map(frozenset, _trusted(here).values())) == {
        frozenset({"transport", "transport-2"}),
        frozenset({"http", "http-2"}),
    }
    assert _issuers(here) == {"CN=logs-demo transport CA", "CN=logs-demo HTTP CA"}
    here.estui("ca", "rollover", "tick", "--all")
    here.estui(*NEXT, expect=3)
    assert _issuers(here) == {"CN=logs-demo transport CA 2", "CN=logs-demo HTTP CA 2"}
    here.estui("ca", "rollover", "tick", "--all")
    here.estui(*NEXT)
    assert set(map(frozenset, _trusted(here).values())) == {frozenset({"transport-2"}), frozenset({"http-2"})}
    assert here.json("verify")["ok"]
    assert _pids(here) == pids
    assert here.json("ca", "rollover", "status")["state"]["done"][-1]["phase"] == "drop"
    here.estui("plan", "https")
    assert "nothing to do" in here.out + here.err
    here.estui("rotate", "--all", "--yes", "--restart")
    assert _issuers(here) == {"CN=logs-demo transport CA 2", "CN=logs-demo HTTP CA 2"}


def test_a_phase_is_not_entered_early(bastion: Maker) -> None:
    """Not before every client is ticked, and not while a node serves nothing that could be judged."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    here.estui("ca", "rollover", "next", "--yes", expect=2)
    assert "no rollover is under way" in here.err
    here.estui(*START, "http", "--yes", expect=3)
    here.estui(*START, "http", "--yes", expect=2)
    assert "is under way" in here.err
    here.estui(*NEXT, expect=1)
    assert "not ticked yet: " in here.err
    here.estui("ca", "rollover", "tick", "--all")
    here.estui("ca", "rollover", "tick", "--all", "--undo", expect=3)
    assert "tick taken back by" in here.out
    here.estui(*NEXT, expect=1)
    assert "not ticked yet: " in here.err
    here.sandbox.stop("es-2")
    here.estui("ca", "rollover", "tick", "--all")
    assert "tick taken back by" not in here.out
    here.estui(*NEXT, expect=1)
    assert "es-2 http does not answer with TLS now" in here.err
    here.sandbox.start("es-2")
    here.estui("ca", "rollover", "status", expect=3)
    assert "http → http-2" in here.out.replace("->", "→")


@pytest.mark.parametrize("phases", [1, 2, 3])
def test_an_abort_brings_the_cluster_back_to_where_it_was(bastion: Maker, phases: int) -> None:
    """From every phase, the last one as well, and with leaves that were renewed in the meantime."""
    here = bastion(2, kibana=True)
    here.estui(*APPLY, "https")
    here.estui("ca", "rollover", "abort", "--yes", expect=2)
    assert "there was no rollover yet" in here.err
    trusted, issuers, files = _trusted(here), _issuers(here), here.tree()
    here.estui(*START, "transport", "http", "--yes", "--restart", expect=3)
    here.estui("rotate", "es-1", "--yes")
    for phase in range(2, phases + 1):
        here.estui("ca", "rollover", "tick", "--all")
        here.estui(*NEXT, expect=0 if phase == 3 else 3)
        assert _issuers(here) != issuers
    here.estui("ca", "rollover", "abort", expect=2)
    assert f"to undo: {phases + 1} runs, in this order" in here.err
    assert "new CA: trust both: 5 files on es-1, es-2, kibana/kibana" in here.err
    here.estui("ca", "rollover", "abort", "--yes", "--restart")
    assert (_trusted(here), _issuers(here), here.tree()) == (trusted, issuers, files)
    assert here.json("verify")["ok"]
    here.estui("ca", "rollover", "status")
    here.estui("plan", "https")
    assert "nothing to do" in here.out + here.err


def test_after_a_leak_all_phases_follow_in_one_sitting_and_every_node_starts_anew(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    pids = _pids(here)
    here.estui(*START, "transport", "--leaked", "--yes", "--restart")
    assert "only a new CA makes a stolen key worthless" not in here.out
    assert set(map(frozenset, _trusted(here).values())) == {frozenset({"transport-2"}), frozenset({"http"})}
    assert all(before != after for before, after in zip(pids, _pids(here), strict=True))
    assert here.json("verify")["ok"]


def test_a_ca_whose_key_is_lost_is_replaced_too(bastion: Maker) -> None:
    """Leaves stay in the first phase, so it is asked of every node whether it trusts the successor."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    (here.workspace / "ca/transport/ca.key").unlink()
    before = _served(here)
    here.estui(*START, "transport", "--yes", expect=3)
    assert here.err.count("transport lets in a certificate of CA transport-2") >= 2
    assert _served(here) == before
    here.estui("ca", "rollover", "tick", "--all")
    here.estui(*NEXT, expect=3)
    here.estui(*NEXT)
    assert _issuers(here) == {"CN=logs-demo transport CA 2", "CN=logs-demo HTTP CA"}
    assert here.json("verify")["ok"]


def test_a_node_that_has_not_loaded_the_trust_is_seen(bastion: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old leaf is served all the time: only a certificate of the successor shows the difference."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "https")
    (here.workspace / "ca/transport/ca.key").unlink()
    monkeypatch.setattr("estui.act.reload.republish", lambda *_: "again")
    monkeypatch.setattr("estui.act.commit.switch_all", lambda *_: None)  # nothing reaches the node
    here.estui(*START, "transport", "--yes", expect=1)
    assert "transport does not trust CA transport-2 yet" in here.err


def _served(here: Bastion) -> dict[str, str]:
    observed = observe(read_inventory(here.workspace), digest_key=b"test")
    return {
        f"{node.target} {layer.value}": leaf.serial_hex
        for node in observed.nodes
        for layer in Layer
        if (leaf := node.port(layer).leaf)
    }
