"""A node whose name or address changed gets a new leaf; no other node is touched or restarted."""

from __future__ import annotations

import re

import pytest

from estui.model.inventory import Layer
from estui.observe.cluster import observe
from estui.observe.workspace import read_inventory
from tests.job.conftest import Bastion, Maker
from tests.waiting import until

pytestmark = pytest.mark.slow

APPLY = ("apply", "--yes", "--restart")


def _served(here: Bastion) -> dict[tuple[str, str], tuple[str, frozenset[str]]]:
    """Digest and names of every leaf that is served, by folder and layer."""
    observed = observe(read_inventory(here.workspace), digest_key=b"test")
    return {
        (node.entry.config, layer.value): (leaf.sha256, frozenset(leaf.names))
        for node in observed.nodes
        for layer in Layer
        if (leaf := node.port(layer).leaf)
    }


def _pids(here: Bastion) -> list[str]:
    return [(here.sandbox.folder / name / "run" / "pid").read_text() for name in here.sandbox.node_names]


def _changed(before: dict[tuple[str, str], tuple[str, frozenset[str]]], here: Bastion) -> set[tuple[str, str]]:
    return {key for key, found in _served(here).items() if before[key] != found}


def test_a_name_in_the_inventory_gives_one_leaf_of_one_node_without_a_restart(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    before, pids, folder = _served(here), _pids(here), str(here.sandbox.config("es-2"))
    yaml = here.workspace / "estui.yaml"
    yaml.write_text(re.sub(rf"( *)- config: {folder}\n", r"\g<0>\1  names: [logs.example.net]\n", yaml.read_text()))
    review = here.estui("plan", "https", expect=3)
    assert "no restart needed" in review
    here.estui("apply", "https", "--yes")
    assert _changed(before, here) == {(folder, "http")}
    assert "logs.example.net" in _served(here)[folder, "http"][1]
    yaml.write_text(yaml.read_text().replace("  names: [logs.example.net]\n", "  names: [kibana.example.net]\n"))
    here.estui("rotate", "es-2", "--fresh-names", "--layer", "http", "--yes")
    names = _served(here)[folder, "http"][1]
    assert "kibana.example.net" in names
    assert "logs.example.net" not in names
    assert _pids(here) == pids
    assert here.json("verify")["ok"]


def test_a_renamed_node_gets_leaves_in_its_new_name_and_the_old_ones_are_outstanding(bastion: Maker) -> None:
    here = bastion(3, kibana=False)
    here.estui(*APPLY, "https")
    folder = here.sandbox.config("es-3")
    yml = folder / "elasticsearch.yml"
    yml.write_text(yml.read_text().replace("node.name: es-3", "node.name: data-3"))
    here.estui("plan", "https", expect=1)
    assert "it was renamed and not restarted since; restart it" in here.err
    here.sandbox.restart("es-3")
    until(lambda: len(_served(here)) == 6, 20.0)
    before, pids = _served(here), _pids(here)
    here.estui("apply", "https", "--yes", "--wait", "10")
    assert _changed(before, here) == {(str(folder), "transport"), (str(folder), "http")}
    assert "data-3" in _served(here)[str(folder), "transport"][1]
    assert _pids(here) == pids
    assert here.json("verify")["ok"]
    here.estui("ca", "issued", "transport")
    lines = {line.split()[1]: line for line in here.out.splitlines()}
    assert "outstanding until" in lines["es-3"]
    assert "installed: data-3 transport" in lines["data-3"]
    here.estui("rollback", "--yes")
    assert _served(here) == before
    assert here.json("verify")["ok"]
