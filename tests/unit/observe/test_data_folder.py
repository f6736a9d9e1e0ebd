"""A data folder is looked into only where its path can mean the same folder here as on the node's host."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from estui.model.inventory import NodeEntry
from estui.model.observed import DataFolder
from estui.observe.data_folder import look_at_data
from estui.observe.folder import observe_node_folder

STATE = Path(__file__).parents[2] / "fixtures" / "state"


def _look(root: Path, *lines: str) -> DataFolder:
    config = root / "es-1" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "elasticsearch.yml").write_text("\n".join(["node.name: es-1", *lines]))
    entry = NodeEntry(str(config))
    return look_at_data(observe_node_folder(entry, folder="estui", keystore_password=None, digest_key=b"k"))


def test_no_data_yet(tmp_path: Path) -> None:
    assert _look(tmp_path) == DataFolder("data", seen=True)


@pytest.mark.parametrize("state", ["_state", "nodes/0/_state"])
def test_a_state_beside_the_configuration_tells_its_cluster(tmp_path: Path, state: str) -> None:
    folder = tmp_path / "es-1" / "data" / state
    folder.mkdir(parents=True)
    shutil.copy(STATE / "segments_alone", folder / "segments_z")
    shutil.copy(STATE / "segments_joined", folder / "segments_10")
    found = _look(tmp_path, f"path.data: {tmp_path}/es-1/data")
    assert found == DataFolder(f"{tmp_path}/es-1/data", True, True, "60Dx-Bi3R7uXnIzeBjpadA", state != "_state")


def test_data_that_was_moved_by_8_is_no_longer_of_7(tmp_path: Path) -> None:
    """A release from 8.0 leaves a file `nodes` in the place of the folder; one that was cut short leaves both."""
    for state in ("_state", "nodes/0/_state"):
        (tmp_path / "es-1" / "data" / state).mkdir(parents=True)
    assert not _look(tmp_path).before_8


def test_a_path_elsewhere_is_not_believed(tmp_path: Path) -> None:
    """On the bastion the same path may be another node's."""
    (tmp_path / "other" / "_state").mkdir(parents=True)
    assert _look(tmp_path, f"path.data: {tmp_path}/other") == DataFolder(f"{tmp_path}/other")


def test_a_state_of_another_kind_is_told_without_a_cluster(tmp_path: Path) -> None:
    (tmp_path / "es-1" / "data" / "_state").mkdir(parents=True)
    assert _look(tmp_path) == DataFolder("data", seen=True, has_state=True)
