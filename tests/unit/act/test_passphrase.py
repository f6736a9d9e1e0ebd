"""A new passphrase: all sealed files under the old one or all under the new one, whatever fails, and estui knows."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from estui.act import passphrase as passphrases
from estui.act.fs import Owner, RealFs
from estui.act.lock import workspace_lock
from estui.act.workspace import PRIVATE_FILE, Workspace
from estui.errors import ApplyError, EstuiError, LockedError, StoreError, UsageError
from estui.formats import secrets as secret_store
from estui.formats.pem import private_key_pem
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest
from estui.pki.keys import generate_key
from estui.secret import Secret
from tests.faults.points import Counter, Failing, Watched, changes
from tests.unit.act.folders import NOW, PASSPHRASE

NEW = Secret("another battery, another staple")


class PowerOff(BaseException):
    """Nothing of the program runs after this."""


class Cut:
    """The power goes at one call that changes something."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0

    def __call__(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:
        if changes(name, args):
            self.count += 1
            if self.count >= self.at:
                raise PowerOff
        return call()


@pytest.fixture(autouse=True)
def quick_sealing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key derivation is made to be slow, and is looked at elsewhere."""
    monkeypatch.setattr(secret_store, "_key", lambda passphrase, salt, cost: (passphrase.encode() * 32)[:32])


def workspace_at(path: Path, around: Callable[..., Any] | None = None) -> Workspace:
    return Workspace(str(path), RealFs(Watched(around)) if around else RealFs(), lambda: NOW)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A workspace with a CA key, a key of a request, and passwords."""
    path = tmp_path / "sealed"
    path.mkdir(mode=0o700)
    workspace = workspace_at(path)
    workspace.create_authority(AuthorityRequest("http", "http CA", KeyType.EC_P256, 3650), PASSPHRASE)
    for folder in ("csr", "csr/2026-11-24T01-02-03Z-aaaa"):
        workspace.fs.make_folder(workspace.path, folder, 0o700, Owner())
    key = private_key_pem(generate_key(KeyType.EC_P256), PASSPHRASE)
    workspace.fs.create(workspace.path, "csr/2026-11-24T01-02-03Z-aaaa/es-1-http.key", key, PRIVATE_FILE, Owner())
    workspace.fs.create(workspace.path, "csr/2026-11-24T01-02-03Z-aaaa/requests.json", b"{}", PRIVATE_FILE, Owner())
    workspace.store_secrets({"elastic": Secret("of elastic")}, PASSPHRASE)
    return path


def opens(path: Path, passphrase: Secret) -> int:
    """How many of the sealed files a passphrase opens."""
    workspace = workspace_at(path)
    count = 0
    for file in workspace.sealed_files():
        try:
            passphrases._meaning(workspace.fs.read(workspace.path, file).content, file, file, passphrase)
        except StoreError:
            continue
        count += 1
    return count


def staged(path: Path) -> list[str]:
    return [each.name for each in path.rglob(".*.estui-passphrase")]


def test_everything_opens_with_the_new_one_alone(sealed: Path) -> None:
    workspace = workspace_at(sealed)
    before = private_key_pem(workspace.authority_key("http", PASSPHRASE))
    assert passphrases.change(workspace, PASSPHRASE, NEW) == 3
    assert (opens(sealed, NEW), opens(sealed, PASSPHRASE)) == (3, 0)
    assert private_key_pem(workspace.authority_key("http", NEW)) == before
    assert workspace.secrets(NEW) == {"elastic": Secret("of elastic")}
    assert staged(sealed) == []
    assert not (sealed / passphrases.MARKER).exists()
    assert '"passphrase changed"' in (sealed / "audit.jsonl").read_text()
    assert all(each.stat().st_mode & 0o077 == 0 for each in sealed.rglob("*.key"))


def test_a_wrong_old_one_changes_nothing(sealed: Path) -> None:
    with pytest.raises(StoreError):
        passphrases.change(workspace_at(sealed), Secret("wrong"), NEW)
    assert (opens(sealed, PASSPHRASE), staged(sealed)) == (3, [])


@pytest.mark.parametrize("new", [Secret(""), PASSPHRASE])
def test_an_empty_one_or_the_same_one_is_refused(sealed: Path, new: Secret) -> None:
    with pytest.raises(UsageError):
        passphrases.change(workspace_at(sealed), PASSPHRASE, new)


def whole_again(path: Path) -> bool:
    """What the next start makes of it: True where the new passphrase counts. Fails where neither opens everything."""
    workspace = workspace_at(path)
    for passphrase in (NEW, PASSPHRASE):
        try:
            passphrases.unlock(workspace, passphrase)
        except StoreError:
            continue
        assert opens(path, passphrase) == 3
        assert not (path / passphrases.MARKER).exists()
        return passphrase is NEW
    raise AssertionError("no passphrase opens the workspace")


def points(sealed: Path, tmp_path: Path, counter: Counter) -> range:
    path = tmp_path / "counted"
    shutil.copytree(sealed, path)
    passphrases.change(workspace_at(path, counter), PASSPHRASE, NEW)
    assert counter.count > 30
    return range(1, counter.count + 1)


def test_an_error_at_any_call_leaves_it_whole(sealed: Path, tmp_path: Path) -> None:
    """One call fails once: the change is reported as done or failed, and afterwards one passphrase opens all."""
    told = set()
    for at in points(sealed, tmp_path, Counter(all_calls=True)):
        path = tmp_path / f"failing-{at}"
        shutil.copytree(sealed, path)
        failing = Failing(at, errno.EIO)
        problem = ""
        try:
            passphrases.change(workspace_at(path, failing), PASSPHRASE, NEW)
        except EstuiError as error:
            problem = str(error)
        new = whole_again(path)
        assert new is (not problem or "new passphrase counts" in problem), (at, failing.failed, problem)
        told.add("done" if not problem else "new" if new else "old")
        shutil.rmtree(path)
    assert told >= {"new", "old"}


def test_a_power_cut_at_any_call_leaves_it_whole(sealed: Path, tmp_path: Path) -> None:
    """Whatever was left is finished, or is no hindrance to the next change."""
    ends = set()
    for at in points(sealed, tmp_path, Counter()):
        path = tmp_path / f"cut-{at}"
        shutil.copytree(sealed, path)
        with pytest.raises(PowerOff):
            passphrases.change(workspace_at(path, Cut(at)), PASSPHRASE, NEW)
        new = whole_again(path)
        ends.add(new)
        passphrases.change(workspace_at(path), NEW if new else PASSPHRASE, Secret("a third"))
        assert (opens(path, Secret("a third")), staged(path)) == (3, [])
        shutil.rmtree(path)
    assert ends == {True, False}


def test_the_old_one_is_told_that_it_was_changed(sealed: Path) -> None:
    """Who gives the old passphrase after a cut learns why it is wrong."""
    counter = Counter()
    shutil.copytree(sealed, sealed.parent / "counted")
    passphrases.change(workspace_at(sealed.parent / "counted", counter), PASSPHRASE, NEW)
    with pytest.raises(PowerOff):
        passphrases.change(workspace_at(sealed, Cut(counter.count - 1)), PASSPHRASE, NEW)
    with pytest.raises(StoreError) as caught:
        passphrases.unlock(workspace_at(sealed), PASSPHRASE)
    assert "give the new one" in caught.value.hint


def test_an_unfinished_change_that_somebody_is_at_is_left_to_them(sealed: Path) -> None:
    (sealed / passphrases.MARKER).write_text('{"format": 1, "at": "now", "files": []}')
    with workspace_lock(str(sealed), "other"), pytest.raises(LockedError):
        passphrases.unlock(workspace_at(sealed), PASSPHRASE)


@pytest.mark.parametrize("content", ["{}", "[]", '{"format": 2, "files": []}'])
def test_a_damaged_marker_is_told(sealed: Path, content: str) -> None:
    (sealed / passphrases.MARKER).write_text(content)
    with pytest.raises(StoreError, match="damaged"):
        passphrases.unlock(workspace_at(sealed), PASSPHRASE)


def test_a_copy_that_reads_back_otherwise_is_no_copy(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = private_key_pem(generate_key(KeyType.EC_P256), NEW)
    monkeypatch.setattr(passphrases, "_sealed_anew", lambda *args: other)
    with pytest.raises(ApplyError, match="holds something else"):
        passphrases.change(workspace_at(sealed), PASSPHRASE, NEW)
    assert (opens(sealed, PASSPHRASE), staged(sealed)) == (3, [])


def test_who_still_has_the_old_one_at_hand_seals_nothing_with_it(sealed: Path) -> None:
    """A terminal UI that was open during the change goes on with the passphrase that it was given."""
    workspace = workspace_at(sealed)
    passphrases.change(workspace, PASSPHRASE, NEW)
    with pytest.raises(StoreError):
        workspace.create_authority(AuthorityRequest("client", "client CA", KeyType.EC_P256, 3650), PASSPHRASE)
    assert not (sealed / "ca" / "client" / "ca.key").exists()
    assert opens(sealed, NEW) == 3
