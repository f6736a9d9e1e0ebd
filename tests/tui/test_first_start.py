"""The search for a first inventory: what it finds, where it stops, what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.engine import open_engine
from estui.engine.first_start import DEPTH, create_workspace, first_look, has_inventory
from estui.errors import UsageError


def configured(folder: Path, file: str = "elasticsearch.yml", text: str = "cluster.name: logs\n") -> Path:
    folder.mkdir(parents=True)
    (folder / file).write_text(text)
    return folder


def test_folders_below_a_named_one_are_found(tmp_path: Path) -> None:
    """Nodes and Kibana, with the cluster's name from their files, and what those leave open."""
    one = configured(tmp_path / "a" / "es-1", text="cluster.name: logs\nnode.name: es-1\nhttp.port: 9200\n")
    two = configured(tmp_path / "b" / "config")
    kibana = configured(tmp_path / "kibana", "kibana.yml", "server.port: 5601\n")
    look = first_look([str(tmp_path)])
    assert [entry.config for entry in look.inventory.nodes] == [str(one), str(two)]
    assert [entry.config for entry in look.inventory.kibana] == [str(kibana)]
    assert look.inventory.cluster == "logs"
    assert (1, "name") in look.seen.missing


def test_a_search_ends_in_depth_and_in_time(tmp_path: Path) -> None:
    """Neither a whole disk nor a slow mount is waited for."""
    deep = tmp_path.joinpath(*"abcdef"[: DEPTH + 1])
    configured(deep)
    with pytest.raises(UsageError, match=r"no elasticsearch\.yml"):
        first_look([str(tmp_path)])
    assert first_look([str(tmp_path / "a" / "b")]).inventory.nodes
    late = iter([0.0, *[1e6] * 10])
    with pytest.raises(UsageError, match=r"no elasticsearch\.yml"):
        first_look([str(tmp_path / "a" / "b")], clock=lambda: next(late))


@pytest.mark.parametrize(
    ("roots", "words"), [([], "no folder is named"), (["/not/there"], "/not/there is not a folder")]
)
def test_what_cannot_be_searched_is_said(roots: list[str], words: str) -> None:
    """With what to do about it."""
    with pytest.raises(UsageError, match=words) as caught:
        first_look(roots)
    assert caught.value.hint


def test_the_inventory_is_written_once(tmp_path: Path) -> None:
    """It can be read back, and is never written over."""
    configured(tmp_path / "etc" / "es-1", text="cluster.name: logs\nnode.name: es-1\n")
    engine = open_engine(str(tmp_path / "workspace"))
    assert not has_inventory(engine)
    look = first_look([str(tmp_path / "etc")])
    create_workspace(engine, look.inventory)
    assert has_inventory(engine)
    assert engine.inventory().cluster == "logs"
    with pytest.raises(UsageError, match="already"):
        create_workspace(engine, look.inventory)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made") as caught:
        create_workspace(open_engine(str(tmp_path / "file" / "workspace")), look.inventory)
    assert "--workspace" in caught.value.hint
