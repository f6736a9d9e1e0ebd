"""Secure settings of several nodes by the public commands: compared, changed together, undone."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from estui.formats.es_keystore import read_secure_settings, write_secure_settings
from estui.secret import Secret
from tests.job.conftest import Bastion, Maker

APPLY = ("apply", "--yes", "--restart")
RELOADED = "s3.client.default.secret_key"
AT_START = "xpack.watcher.encryption_key"


def _entries(here: Bastion, node: str, password: str = "") -> dict[str, bytes]:
    content = (here.sandbox.config(node) / "elasticsearch.keystore").read_bytes()
    return dict(read_secure_settings(content, Secret(password), node).entries)


def _pids(here: Bastion) -> list[str]:
    return [(here.sandbox.folder / name / "run" / "pid").read_text() for name in here.sandbox.node_names]


def _value(tmp_path: Path, text: str) -> str:
    path = tmp_path / f"value-{len(list(tmp_path.glob('value-*')))}"
    path.write_text(text)
    return str(path)


@pytest.mark.slow
def test_three_nodes_are_compared_and_changed_together(bastion: Maker, tmp_path: Path) -> None:
    """What running nodes read again needs no restart; what differed agrees; an undo brings every entry back."""
    here = bastion(3, kibana=False)
    here.estui(*APPLY, "https")
    before, pids = here.tree(), _pids(here)
    review = here.estui("secure-settings", "set", RELOADED, "--value-file", _value(tmp_path, "one\n"), expect=2)
    assert review == ""
    assert f"{RELOADED}  (secret, new)" in here.err
    assert "no restart needed" in here.err
    assert "same change on es-2, es-3" in here.err
    here.estui("secure-settings", "set", RELOADED, "--value-file", _value(tmp_path, "one\n"), "--yes")
    assert [_entries(here, node)[RELOADED] for node in here.sandbox.node_names] == [b"one"] * 3
    assert _pids(here) == pids
    changed = here.tree()
    here.estui("secure-settings", "set", RELOADED, "--only", "es-2", "--value-file", _value(tmp_path, "two"), "--yes")
    listed = here.json("secure-settings", "list", expect=3)
    (entry,) = [each for each in listed["entries"] if each["name"] == RELOADED]
    assert entry["agreement"] == "different"
    one, two, three = entry["fingerprints"]
    assert one == three != two
    assert "different" in here.estui("secure-settings", "list", expect=3)
    assert one not in here.out, "a fingerprint compares with that of another look"
    here.estui("rollback", "--yes")
    assert _entries(here, "es-2")[RELOADED] == b"one"
    assert here.tree() == changed
    assert "agree on 3 nodes" in here.estui("secure-settings", "list")
    here.estui("rollback", here.json("history")[1]["id"], "--yes")
    assert here.tree() == before
    assert _pids(here) == pids
    assert here.leftovers() == []
    assert here.json("verify")["ok"]


@pytest.mark.slow
def test_what_is_read_at_the_start_rolls_and_is_proven_by_the_start(bastion: Maker, tmp_path: Path) -> None:
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    before, pids = here.tree(), _pids(here)
    here.estui("secure-settings", "set", AT_START, "--value-file", _value(tmp_path, "k" * 32), "--yes", "--restart")
    assert [_entries(here, node)[AT_START] for node in here.sandbox.node_names] == [b"k" * 32] * 2
    again = _pids(here)
    assert all(new != old for new, old in zip(again, pids, strict=True))
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == before
    assert all(new != old for new, old in zip(_pids(here), again, strict=True))


def test_the_keystores_get_a_password_and_lose_it(
    bastion: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is told by its own means; the restart proves that it opens the file with it."""
    here = bastion(1, kibana=False)
    told = tmp_path / "told"
    told.write_text("")
    script = tmp_path / "restart"
    command = " ".join(here.sandbox.commands("es-1", "restart"))
    script.write_text(f"#!/bin/sh\nES_KEYSTORE_PASSWORD=$(cat {told}) exec {command}\n")
    script.chmod(0o700)
    yaml = here.workspace / "estui.yaml"
    lines = [f"    restart: [{script}]" if "restart:" in line else line for line in yaml.read_text().splitlines()]
    yaml.write_text("\n".join(lines) + "\n")
    new = _value(tmp_path, "Keystore-Password-1")
    told.write_text("Keystore-Password-1")
    here.estui("secure-settings", "password", "--new-password-file", new, expect=2)
    assert "ES_KEYSTORE_PASSPHRASE_FILE" in here.err
    here.estui("secure-settings", "password", "--new-password-file", new, "--yes", "--restart")
    assert "keystore.seed" in _entries(here, "es-1", "Keystore-Password-1")
    assert "protected by a password" in here.estui("secure-settings", "list", "--keystore-password-file", new)
    told.write_text("")
    here.estui("secure-settings", "password", "--remove", "--keystore-password-file", new, "--yes", "--restart")
    assert "keystore.seed" in _entries(here, "es-1")


def test_a_value_comes_from_standard_input_and_a_wrong_name_is_refused(
    bastion: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bastion(1, kibana=False)
    before = here.tree()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe\n")))
    here.estui("secure-settings", "set", "cluster.name", "--value-file", "-", "--yes", expect=1)
    assert "is an ordinary setting" in here.err
    here.estui("secure-settings", "remove", RELOADED, "--yes", expect=1)
    assert f"no elasticsearch.keystore of es-1 holds {RELOADED}" in here.err
    assert here.tree() == before
    here.estui("secure-settings", "set", RELOADED, "--value-file", "-", "--yes")
    assert _entries(here, "es-1")[RELOADED] == b"from a pipe"
    here.estui("secure-settings", "remove", RELOADED, "--yes")
    assert RELOADED not in _entries(here, "es-1")


def test_a_locked_keystore_is_said_and_not_guessed(bastion: Maker) -> None:
    here = bastion(1, kibana=False)
    path = here.sandbox.config("es-1") / "elasticsearch.keystore"
    content = write_secure_settings({}, version=7, password=Secret("hidden-1"), salt=b"s" * 64, iv=b"i" * 12)
    path.write_bytes(content)
    assert "cannot be opened" in here.estui("secure-settings", "list", expect=3)
    here.estui("secure-settings", "remove", RELOADED, "--yes", expect=1)
    assert path.read_bytes() == content
