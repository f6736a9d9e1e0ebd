"""A workspace is found in one order, and trusted only where nobody else could have written it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from estui.errors import SettingsError, StoreError, UsageError
from estui.observe.workspace import (
    WorkspaceFacts,
    find_workspace,
    read_authorities,
    read_inventory,
    read_issued,
    read_workspace_json,
)
from tests.unit.observe.servers import Ca

SMALL = "cluster: logs\nnodes:\n  - config: es-1/config\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir(mode=0o700)
    (folder / "estui.yaml").write_text(SMALL)
    (folder / "estui.yaml").chmod(0o600)
    return folder


def test_the_option_comes_first_then_the_environment_then_here_then_the_users_own(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("ESTUI_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert find_workspace(None) == tmp_path / "data" / "estui"
    monkeypatch.chdir(workspace)
    assert find_workspace(None) == workspace
    monkeypatch.setenv("ESTUI_WORKSPACE", "../other")
    assert find_workspace(None) == tmp_path / "other"
    assert find_workspace("third") == workspace / "third"


def test_the_inventory_is_read_relative_to_its_workspace(workspace: Path) -> None:
    inventory = read_inventory(workspace)
    assert (inventory.cluster, inventory.nodes[0].config) == ("logs", str(workspace / "es-1" / "config"))


def test_a_missing_inventory_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_inventory(tmp_path)
    assert "estui init" in caught.value.hint


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_an_inventory_that_others_can_write_is_refused_with_the_remedy(workspace: Path, mode: int) -> None:
    (workspace / "estui.yaml").chmod(mode)
    with pytest.raises(UsageError) as caught:
        read_inventory(workspace)
    assert caught.value.hint == f"chmod go-w {workspace / 'estui.yaml'}"


def test_an_inventory_of_another_user_is_refused(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workspace / "estui.yaml"
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 4242)
    with pytest.raises(UsageError, match="belongs to another user"):
        read_inventory(workspace)


def test_an_inventory_of_root_is_fine_for_everybody(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to make a file of root's")
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert read_inventory(workspace).cluster == "logs"


def test_a_broken_inventory_names_its_line(workspace: Path) -> None:
    (workspace / "estui.yaml").write_text("cluster: a\nnodes:\n  - confg: x\n")
    with pytest.raises(SettingsError) as caught:
        read_inventory(workspace)
    assert caught.value.location is not None
    assert caught.value.location.line == 3


def test_an_inventory_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "estui.yaml").mkdir()
    with pytest.raises(StoreError, match="is a folder"):
        read_inventory(tmp_path)


def test_id_and_confirmed_commands_are_read_and_may_be_missing(workspace: Path) -> None:
    assert read_workspace_json(workspace) == WorkspaceFacts()
    (workspace / "workspace.json").write_text(json.dumps({"format": 1, "id": "u", "confirmed_commands": ["ab"]}))
    assert read_workspace_json(workspace) == WorkspaceFacts("u", frozenset({"ab"}))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 2, "id": "x"}', '{"format": 1}', '{"format": 1, "id": 5}'])
def test_a_damaged_or_newer_workspace_json_is_told(workspace: Path, text: str) -> None:
    (workspace / "workspace.json").write_text(text)
    with pytest.raises(StoreError):
        read_workspace_json(workspace)


def test_authorities_are_told_with_their_key_and_count(workspace: Path, ca: Ca) -> None:
    assert read_authorities(workspace) == ()
    for name in ("transport", "http"):
        (workspace / "ca" / name).mkdir(parents=True)
        (workspace / "ca" / name / "ca.crt").write_bytes(ca.pem)
    (workspace / "ca" / "half-made").mkdir()
    (workspace / "ca" / "http" / "ca.key").touch()
    (workspace / "ca" / "http" / "issued.jsonl").write_text('{"serial": "1"}\n{"serial": "2"}\n')
    http, transport = read_authorities(workspace)
    assert (http.name, http.has_key, http.issued) == ("http", True, 2)
    assert (transport.name, transport.has_key, transport.issued) == ("transport", False, 0)
    assert http.certificate.sha256 == ca.facts.sha256


def test_a_broken_ca_certificate_is_told_with_its_path(workspace: Path) -> None:
    (workspace / "ca" / "http").mkdir(parents=True)
    (workspace / "ca" / "http" / "ca.crt").write_text("nonsense")
    with pytest.raises(StoreError) as caught:
        read_authorities(workspace)
    assert "ca/http/ca.crt" in str(caught.value)


def test_a_record_cut_off_by_a_crash_is_passed_over_but_damage_is_not(workspace: Path) -> None:
    path = workspace / "ca" / "http" / "issued.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"serial": "1"}\n{"seri')
    assert [record["serial"] for record in read_issued(workspace, "http")] == ["1"]
    path.write_text('{"serial": "1"}\n{"serial": "2"}')
    assert len(read_issued(workspace, "http")) == 2
    path.write_text('{"seri\n{"serial": "2"}\n')
    with pytest.raises(StoreError) as caught:
        read_issued(workspace, "http")
    assert caught.value.location is not None
    assert caught.value.location.line == 1
    assert read_issued(workspace, "no-such") == ()
