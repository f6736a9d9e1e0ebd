"""The workspace's own files: whole or not at all, for their owner alone, secrets sealed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from estui.act.fs import RealFs
from estui.act.workspace import Workspace, login_name, new_run_id, parse_identity
from estui.errors import ApplyError, CertificateError, StoreError, UsageError
from estui.formats.wire import dumps
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest
from estui.secret import Secret
from tests.unit.act.folders import NOW, PASSPHRASE

REQUEST = AuthorityRequest("http", "logs HTTP CA", KeyType.EC_P256, 3650)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path), RealFs(), lambda: NOW)


def test_there_is_one_inventory(workspace: Workspace) -> None:
    workspace.create(b"cluster: logs\n")
    with pytest.raises(UsageError, match="an inventory already"):
        workspace.create(b"cluster: other\n")
    assert Path(workspace.path, "estui.yaml").read_bytes() == b"cluster: logs\n"


def test_the_identity_is_made_once(workspace: Workspace) -> None:
    one = workspace.identity()
    assert workspace.identity() == one
    workspace.confirm_commands(("b", "a"))
    assert workspace.identity().confirmed == ("a", "b")
    assert (workspace.identity().id, workspace.identity().digest_key) == (one.id, one.digest_key)


def test_of_two_who_make_it_at_once_the_first_one_stays(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Workspace(workspace.path, RealFs(), lambda: NOW)
    real = workspace.fs.move_new

    def late(root: str, source: str, target: str) -> None:
        other.identity()
        real(root, source, target)

    monkeypatch.setattr(workspace.fs, "move_new", late)
    assert workspace.identity() == other.identity()
    assert [path.name for path in Path(workspace.path).iterdir()] == ["workspace.json"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not valid JSON"),
        (b"{}", "no workspace.json"),
        (dumps({"format": 2, "id": "x"}), "newer estui"),
        (dumps({"format": 1, "id": "x", "digest_key": "~"}), "damaged"),
    ],
)
def test_a_damaged_or_newer_identity_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        parse_identity(content, "workspace.json")


def test_a_new_authority_is_encrypted_and_opened_by_its_passphrase_alone(workspace: Workspace) -> None:
    certificate = workspace.create_authority(REQUEST, PASSPHRASE)
    assert workspace.authority_certificate("http") == certificate
    assert workspace.authority_key("http", PASSPHRASE).public_key() == certificate.public_key()
    with pytest.raises(StoreError):
        workspace.authority_key("http", Secret("wrong"))
    key = Path(workspace.path, "ca/http/ca.key")
    assert b"ENCRYPTED" in key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_an_authority_is_never_replaced(workspace: Workspace) -> None:
    workspace.create_authority(REQUEST, PASSPHRASE)
    before = Path(workspace.path, "ca/http/ca.key").read_bytes()
    with pytest.raises(CertificateError, match="has a CA http already"):
        workspace.create_authority(REQUEST, PASSPHRASE)
    assert Path(workspace.path, "ca/http/ca.key").read_bytes() == before


def test_an_authority_that_was_cut_short_is_made_anew(workspace: Workspace) -> None:
    folder = Path(workspace.path, "ca/http")
    folder.mkdir(parents=True)
    (folder / "ca.key").write_bytes(b"half a k")
    (folder / ".ca.crt.estui-new").write_bytes(b"")
    certificate = workspace.create_authority(REQUEST, PASSPHRASE)
    assert workspace.authority_key("http", PASSPHRASE).public_key() == certificate.public_key()
    assert {path.name for path in folder.iterdir()} == {"ca.crt", "ca.key"}


def test_passwords_are_sealed_and_replaced_whole(workspace: Workspace) -> None:
    for value in ("first-password", "second-password"):
        workspace.store_secrets({"elastic": Secret(value)}, PASSPHRASE)
    assert workspace.secrets(PASSPHRASE) == {"elastic": Secret("second-password")}
    with pytest.raises(StoreError):
        workspace.secrets(Secret("wrong"))
    assert {path.name for path in Path(workspace.path).iterdir()} == {"secrets.json"}
    assert b"second-password" not in Path(workspace.path, "secrets.json").read_bytes()


def test_a_failed_replacement_leaves_the_old_file(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace.store_secrets({"elastic": Secret("first")}, PASSPHRASE)

    def refuse(*_: object) -> None:
        raise ApplyError("cannot be written: No space left on device")

    monkeypatch.setattr(workspace.fs, "rename", refuse)
    with pytest.raises(ApplyError):
        workspace.store_secrets({"elastic": Secret("second")}, PASSPHRASE)
    assert workspace.secrets(PASSPHRASE) == {"elastic": Secret("first")}


def test_the_passphrase_is_checked_against_all_that_it_opens(workspace: Workspace) -> None:
    told = [workspace.needs_new_passphrase]
    workspace.check_passphrase(Secret("anything goes while nothing is encrypted"))
    workspace.create_authority(REQUEST, PASSPHRASE)
    assert [*told, workspace.needs_new_passphrase] == [True, False]
    workspace.check_passphrase(PASSPHRASE)
    with pytest.raises(StoreError):
        workspace.check_passphrase(Secret("wrong"))


def test_the_audit_log_says_who_when_and_what(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "alice")
    workspace.audit("apply begun", run="r")
    workspace.audit("apply done", run="r")
    lines = [json.loads(line) for line in Path(workspace.path, "audit.jsonl").read_text().splitlines()]
    assert [line["what"] for line in lines] == ["apply begun", "apply done"]
    assert lines[0]["who"] == login_name()
    assert lines[0]["who"].startswith("alice as ")
    assert lines[0]["at"] == "2026-11-24T01:02:03.000Z"
    assert stat.S_IMODE(Path(workspace.path, "audit.jsonl").stat().st_mode) == 0o600


def test_run_ids_of_one_second_differ() -> None:
    ids = {new_run_id(NOW) for _ in range(20)}
    assert len(ids) > 1
    assert all(each.startswith("2026-11-24T01-02-03Z-") for each in ids)


def test_nothing_in_a_workspace_is_readable_by_others(workspace: Workspace) -> None:
    old = os.umask(0)
    try:
        workspace.create(b"cluster: logs\n")
        workspace.create_authority(REQUEST, PASSPHRASE)
        workspace.store_secrets({"elastic": Secret("first")}, PASSPHRASE)
    finally:
        os.umask(old)
    for path in Path(workspace.path).rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
