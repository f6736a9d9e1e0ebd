"""Generated estates are such that estui takes them for real ones, and the same every time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.estate import Kind, NodeShape, make_estate, node_yml
from benchmarks.process import UnexpectedExit, measure
from benchmarks.servers import is_dead
from estui.formats.yml import parse_settings
from estui.model.inventory import Layer
from estui.observe.folder import observe_node_folder
from estui.observe.workspace import read_inventory


def test_every_node_has_an_address_of_its_own_on_this_host() -> None:
    addresses = {NodeShape(number).address for number in range(5000)}
    assert len(addresses) == 5000
    assert all(address.startswith("127.") and max(map(int, address.split("."))) < 256 for address in addresses)


def test_a_yml_keeps_the_comments_and_says_what_the_node_is() -> None:
    text = node_yml(NodeShape(4), Path("/n"), secured=True)
    settings = parse_settings(text.encode(), "elasticsearch.yml")
    assert settings["node.name"].text == "es-0004"
    assert settings["network.host"].text == NodeShape(4).address
    assert settings["xpack.security.enabled"].text == "true"
    assert text.count("#") > 30


def test_an_estate_that_was_secured_by_hand_can_be_read_whole(tmp_path: Path) -> None:
    estate = make_estate(tmp_path / "estate", 3, Kind.SECURED)
    inventory = read_inventory(estate.workspace)
    assert inventory.nodes[0].tags == ("zone-a", "master")
    for entry in inventory.nodes:
        node = observe_node_folder(entry, folder="estui", keystore_password=None, digest_key=b"k" * 32)
        assert not node.problems
        assert all(node.disk[layer].leaf and not node.disk[layer].problem for layer in Layer)


def test_the_share_of_dead_nodes_is_as_asked_for() -> None:
    assert sum(is_dead(NodeShape(number), 10) for number in range(1000)) == 100
    assert not any(is_dead(NodeShape(number), 0) for number in range(100))


def test_a_process_is_measured_with_its_memory_and_a_wrong_exit_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    figures = measure((sys.executable, "-c", "x = bytes(50_000_000)"), log=log)
    assert figures.peak_mib > 40
    assert figures.wall_s > 0
    with pytest.raises(UnexpectedExit, match="told why"):
        measure((sys.executable, "-c", "raise SystemExit('told why')"), log=log)
