"""A Metricbeat that is carried along when its cluster is secured, by the public commands on a sandbox cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.formats.beats_keystore import read_beats_keystore
from estui.sandbox.cluster import METRICBEAT
from tests.corporate import Corporate, pem_of
from tests.job.conftest import Bastion, Maker
from tests.waiting import until

APPLY = ("apply", "https", "--yes", "--restart")
CA_FILE = "estui/elasticsearch/current/ca.crt"


def _sends(here: Bastion, scheme: str) -> None:
    """Waits until the last word of the Beat is that it sends, by this scheme."""

    def established() -> bool:
        text = here.sandbox.log(METRICBEAT).read_text()
        lines = [line for line in text.splitlines() if "backoff(elasticsearch(" in line]
        return bool(lines) and f"({scheme}://" in lines[-1] and "established" in lines[-1]

    until(established, 30)


def _restarted_by_hand(here: Bastion) -> None:
    """The inventory has no commands for the Beat, and its entry is the last one."""
    yaml = here.workspace / "estui.yaml"
    text = yaml.read_text()
    head, beats, tail = text.partition("\nbeats:\n")
    kept = [line for line in tail.splitlines() if not line.strip().startswith(("stop:", "start:", "restart:"))]
    yaml.write_text(head + beats + "\n".join(kept) + "\n")


def _secret(config: Path) -> str:
    keystore = config / "metricbeat.keystore"
    assert keystore.stat().st_mode & 0o777 == 0o600
    return read_beats_keystore(keystore.read_bytes(), "k").entries["ESTUI_PASSWORD"].reveal()


@pytest.mark.parametrize(
    ("nodes", "kibana"), [(1, False), pytest.param(3, True, marks=pytest.mark.slow)], ids=["one node", "three nodes"]
)
def test_https_on_nodes_kibana_and_a_metricbeat_and_back(bastion: Maker, nodes: int, kibana: bool) -> None:
    """The Beat sends over TLS with a user of its own that may publish only; then everything is as before, byte for
    byte."""
    here = bastion(nodes, kibana=kibana, beat=True)
    config = here.sandbox.config(METRICBEAT)
    _sends(here, "http")
    before = here.tree()
    review = here.estui("plan", "https", expect=3)
    for part in ("protocol: https", "role metricbeat_writer", CA_FILE, "modules.d/elasticsearch-xpack.yml"):
        assert part in review
    here.estui(*APPLY)
    _sends(here, "https")
    verdict = here.json("verify")
    assert verdict["ok"]
    proof = next(each for each in verdict["proofs"] if each["target"] == "beat/metricbeat")
    assert proof["evidence"].count("TLS as it trusts, let in as metricbeat_writer") == nodes
    claims = {each["claim"]: each["evidence"] for each in verdict["proofs"] if each["target"] == "beat/metricbeat"}
    module = claims["the same of modules.d/elasticsearch-xpack.yml modules.0"]
    assert "let in as metricbeat_writer" in module
    assert "output.elasticsearch.password: ${ESTUI_PASSWORD}" in (config / "metricbeat.yml").read_text()
    secret = _secret(config)
    assert not any(secret.encode() in content for content, *_ in here.tree().values() if isinstance(content, bytes))
    assert secret not in here.estui("runbook", "show")
    assert "nothing to do" in here.estui("plan", "https")
    assert here.leftovers() == []
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == before
    _sends(here, "http")


@pytest.mark.slow
def test_a_beat_that_a_person_restarts_is_seen_when_it_connects_anew(bastion: Maker) -> None:
    """The run waits with the words to type; a new connection of the Beat is the evidence. A second run finds its own
    user and sets it right; a CA file that does not vouch for the nodes fails the proof."""
    here = bastion(1, kibana=False, beat=True)
    _restarted_by_hand(here)
    here.estui(*APPLY, expect=3)
    assert "restart beat/metricbeat" in here.err
    here.sandbox.restart(METRICBEAT)
    _sends(here, "https")
    here.estui("runbook", "resume", "--wait", "30")
    assert "connected anew" in here.out + here.err
    file = here.sandbox.config(METRICBEAT) / CA_FILE
    good = file.read_bytes()
    file.write_bytes(pem_of(Corporate().root))
    failed = here.json("verify", expect=4)
    assert {proof["target"] for proof in failed["proofs"] if not proof["ok"]} == {"beat/metricbeat"}
    file.write_bytes(good)
    here.estui("rollback", "--yes", "--restart", expect=3)
    here.estui("runbook", "resume")
    assert "by the word of whoever went on" in here.out + here.err
    here.sandbox.restart(METRICBEAT)
    here.estui(*APPLY, expect=3)
    here.estui("runbook", "resume")
    assert here.json("verify")["ok"]


@pytest.mark.slow
def test_an_api_key_takes_the_place_of_the_password_and_is_taken_back(bastion: Maker) -> None:
    """Made with the rights of a publisher and verified; the output logs in with it. An undo gives the user back and
    invalidates the key."""
    here = bastion(1, kibana=False, beat=True)
    here.estui(*APPLY)
    yaml = here.workspace / "estui.yaml"
    text = yaml.read_text().replace("\nbeats:\n  - ", "\nbeats:\n  - login: api_key\n    ")
    assert "login: api_key" in text
    yaml.write_text(text)
    before = here.tree()
    review = here.estui("plan", "https", expect=3)
    assert "security API" in review
    assert "API key estui-metricbeat" in review
    here.estui(*APPLY)
    config = here.sandbox.config(METRICBEAT)
    keystore = read_beats_keystore((config / "metricbeat.keystore").read_bytes(), "k").entries
    secret = keystore["ESTUI_API_KEY"].reveal()
    assert "output.elasticsearch.username" not in (config / "metricbeat.yml").read_text()
    _sends(here, "https")
    verdict = here.json("verify")
    assert verdict["ok"]
    assert any("with its API key" in each["evidence"] for each in verdict["proofs"])
    assert secret.partition(":")[2] not in here.estui("history", "report", here.json("history")[-1]["id"])
    here.estui("rollback", "--yes", "--restart")
    assert "invalidated" in here.out + here.err
    assert here.tree() == before
    _sends(here, "https")
    assert here.json("verify")["ok"]


@pytest.mark.slow
def test_a_new_password_of_its_user_reaches_a_beat_and_can_be_undone(bastion: Maker, tmp_path: Path) -> None:
    """Set, written into the keystore, the Beat restarted and proven; a typed one that it would change on reading is
    refused before anything happens."""
    here = bastion(1, kibana=False, beat=True)
    here.estui(*APPLY)
    config = here.sandbox.config(METRICBEAT)
    old, before = _secret(config), here.tree()
    here.estui("passwords", "set", "metricbeat_writer", "--yes", "--restart")
    assert "metricbeat_writer logs in" in here.err
    assert _secret(config) != old
    _sends(here, "https")
    assert here.json("verify")["ok"]
    here.estui("rollback", "--yes", "--restart")
    assert _secret(config) == old
    assert here.tree() == before
    _sends(here, "https")
    given = tmp_path / "given"
    given.write_text("metricbeat_writer=infinity\n")
    given.chmod(0o600)
    here.estui("passwords", "set", "metricbeat_writer", "--passwords-file", str(given), "--yes", "--restart", expect=2)
    assert "truth value, a number or nothing" in here.err
    assert _secret(config) == old


@pytest.mark.slow
def test_undoing_a_beat_that_came_later_deletes_its_user_and_role(bastion: Maker) -> None:
    """The cluster is secured before the Beat is in the inventory; it gets its user, and an undo takes both back."""
    here = bastion(1, kibana=False, beat=True)
    yaml = here.workspace / "estui.yaml"
    whole = yaml.read_text()
    yaml.write_text(whole.partition("\nbeats:\n")[0] + "\n")
    here.estui(*APPLY)
    yaml.write_text(whole)
    before = here.tree()
    here.estui(*APPLY)
    _sends(here, "https")
    assert here.json("verify")["ok"]
    here.estui("rollback", "--yes", "--restart")
    assert "user metricbeat_writer is deleted" in here.out + here.err
    assert "role metricbeat_writer is deleted" in here.out + here.err
    assert here.tree() == before
    here.estui(*APPLY)
    _sends(here, "https")
