"""Passwords of built-in users by the public commands: changed, forgotten, kept elsewhere, and undone."""

from __future__ import annotations

import base64
import http.client
import ssl
import sys
from pathlib import Path

import pytest

from estui.formats.es_keystore import read_secure_settings
from estui.formats.kibana_keystore import read_kibana_keystore
from tests.job.conftest import Bastion, Maker

APPLY = ("apply", "--yes", "--restart")
SYSTEM = "kibana_system"


def _status(here: Bastion, user: str, password: str, node: str = "es-1") -> int:
    """What a node answers to this login."""
    port = here.sandbox.ports[node]["http"]
    secured = "http.ssl.enabled: true" in (here.sandbox.config(node) / "elasticsearch.yml").read_text()
    context = ssl._create_unverified_context()
    connection = (
        http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        if secured
        else http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    )
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    connection.request("GET", "/_security/_authenticate", headers={"Authorization": f"Basic {login}"})
    status = connection.getresponse().status
    connection.close()
    return status


def _password(here: Bastion, user: str, tmp_path: Path) -> str:
    """The stored password of a user."""
    number = len(list(tmp_path.glob("shown-*")))
    path = tmp_path / f"shown-{number}"
    here.estui("passwords", "show", user, "--to", str(path))
    return path.read_text().strip()


def _in_kibana(here: Bastion) -> object:
    content = (here.sandbox.config("kibana") / "kibana.keystore").read_bytes()
    return read_kibana_keystore(content, None, "kibana.keystore")["elasticsearch.password"]


@pytest.mark.slow
def test_a_new_kibana_password_reaches_kibana_and_can_be_undone(bastion: Maker, tmp_path: Path) -> None:
    """Reviewed, set, written, Kibana restarted, proven on every node; the old one is refused, and undone it is back."""
    here = bastion(2)
    here.estui(*APPLY, "https")
    old = _password(here, SYSTEM, tmp_path)
    here.estui("passwords", "set", SYSTEM, expect=2)
    assert "passwords of kibana_system  (secret, changed)" in here.err
    assert "elasticsearch.password  (secret, changed)" in here.err
    assert "KIBANA RESTART needed" in here.err
    before = here.tree()
    here.estui("passwords", "set", SYSTEM, "--yes", "--restart")
    for node in ("es-1", "es-2"):
        assert f"{node}: {SYSTEM} logs in: with its password" in here.err
        assert f"{node}: the password of {SYSTEM} before is refused: 401" in here.err
    new = _password(here, SYSTEM, tmp_path)
    assert new != old
    assert _in_kibana(here) == new
    assert [_status(here, SYSTEM, new, node) for node in ("es-1", "es-2")] == [200, 200]
    assert _status(here, SYSTEM, old) == 401
    assert here.json("verify")["ok"]
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == before
    assert _password(here, SYSTEM, tmp_path) == old
    assert (_status(here, SYSTEM, old), _status(here, SYSTEM, new)) == (200, 401)
    assert here.json("verify")["ok"]


def _failing_start(here: Bastion) -> Path:
    """Kibana's start command fails while the file that is returned is there."""
    marker = here.sandbox.folder / "fail"
    script = here.sandbox.folder / "start-kibana"
    command = " ".join(here.sandbox.commands("kibana", "start"))
    script.write_text(f'#!/bin/sh\nif [ -e {marker} ]; then rm {marker}; echo "no luck"; exit 1; fi\nexec {command}\n')
    script.chmod(0o700)
    yaml = here.workspace / "estui.yaml"
    lines = yaml.read_text().splitlines()
    last = max(number for number, line in enumerate(lines) if line.strip().startswith("start:"))
    lines[last] = f"    start: [{script}]"
    yaml.write_text("\n".join(lines) + "\n")
    return marker


@pytest.mark.slow
def test_a_password_whose_proof_fails_is_undone(bastion: Maker, tmp_path: Path) -> None:
    """Kibana does not come up with the new one: the old one counts again, in the cluster and in Kibana's keystore."""
    here = bastion(1)
    here.estui(*APPLY, "minimal")
    old, before = _password(here, SYSTEM, tmp_path), here.tree()
    _failing_start(here).touch()
    here.estui("passwords", "set", SYSTEM, "--yes", "--restart", expect=4)
    assert "did not stand their proof, and the ones before count again" in here.err
    assert "no luck" in here.err
    assert here.tree() == before
    assert _in_kibana(here) == old == _password(here, SYSTEM, tmp_path)
    assert _status(here, SYSTEM, old) == 200
    assert here.leftovers() == []
    assert [run["phase"] for run in here.json("history")] == ["done", "rolled back", "done"]
    assert here.json("verify")["ok"]


def test_a_forgotten_elastic_password_is_replaced_with_the_folder_alone(bastion: Maker, tmp_path: Path) -> None:
    """No login is at hand: a temporary superuser in the file realm sets a new one, and is gone afterwards."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "minimal")
    old = _password(here, "elastic", tmp_path)
    (here.workspace / "secrets.json").unlink()
    here.estui("passwords", "recover", expect=2)
    assert "temporary superuser, removed before the end" in here.err
    users = here.sandbox.config("es-1") / "users"
    kept = users.read_bytes()
    out = tmp_path / "kept"
    here.estui("passwords", "recover", "--yes", "--passwords-out", str(out))
    assert out.stat().st_mode & 0o777 == 0o600
    new = out.read_text().removeprefix("elastic=").strip()
    assert (_status(here, "elastic", new), _status(here, "elastic", old)) == (200, 401)
    assert users.read_bytes() == kept
    assert "estui-tmp" not in (here.sandbox.config("es-1") / "users_roles").read_text()
    assert not (here.workspace / "secrets.json").exists()
    # later commands log in with what is in that file
    assert here.json("verify", "--passwords-file", str(out))["ok"]
    out.chmod(0o640)
    here.estui("verify", "--passwords-file", str(out), expect=2)
    assert "others can read" in here.err


@pytest.mark.slow
def test_a_new_password_of_elastic_that_is_kept_elsewhere_is_set_with_the_one_before(
    bastion: Maker, tmp_path: Path
) -> None:
    """The login is the stored one until the change; afterwards it is stored here no more."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "minimal")
    old, out = _password(here, "elastic", tmp_path), tmp_path / "kept"
    here.estui("passwords", "set", "elastic", "--yes", "--passwords-out", str(out))
    new = out.read_text().removeprefix("elastic=").strip()
    assert (_status(here, "elastic", new), _status(here, "elastic", old)) == (200, 401)
    assert here.json("verify", "--passwords-file", str(out))["ok"]


@pytest.mark.slow
def test_all_built_in_users_get_passwords_from_a_file(bastion: Maker, tmp_path: Path) -> None:
    """As they stand there, and stored nowhere here; one that a yml would change is refused before anything happens."""
    here = bastion(1)
    here.estui(*APPLY, "minimal", "--passwords-out", str(tmp_path / "first"))
    first = dict(line.split("=", 1) for line in (tmp_path / "first").read_text().splitlines())
    assert set(first) == {"elastic", SYSTEM}
    assert not (here.workspace / "secrets.json").exists()
    assert _status(here, "elastic", first["elastic"]) == 200
    users = ("elastic", SYSTEM, "logstash_system", "beats_system", "apm_system", "remote_monitoring_user")
    mine = tmp_path / "mine"
    mine.write_text("# ours\n" + "".join(f"{user}=Own.{user}-2026\n" for user in users))
    mine.chmod(0o600)
    login = ("--user", "elastic", "--password-file", str(tmp_path / "login"), "--plain-http")
    (tmp_path / "login").write_text(first["elastic"] + "\n")
    bad = tmp_path / "bad"
    bad.write_text("beats_system=012345678\n")
    bad.chmod(0o600)
    before = here.tree()
    here.estui("passwords", "set", "beats_system", "--passwords-file", str(bad), *login, "--yes", expect=2)
    assert "looks like a number" in here.err
    assert "012345678" not in here.err
    assert here.tree() == before
    here.estui("passwords", "set", "--all", "--passwords-file", str(mine), *login, "--yes", "--restart")
    assert [_status(here, user, f"Own.{user}-2026") for user in users] == [200] * 6
    assert _in_kibana(here) == f"Own.{SYSTEM}-2026"
    assert not (here.workspace / "secrets.json").exists()
    (row,) = [each for each in here.json("passwords", "list") if each["user"] == SYSTEM]
    assert row["consumers"] == ["kibana/kibana"]


@pytest.mark.slow
def test_a_run_that_waits_for_kibana_can_be_taken_back_or_gone_on_with(bastion: Maker, tmp_path: Path) -> None:
    """The password is set and Kibana's restart is a person's: both ways are open, for another process too."""
    here = bastion(1)
    here.estui(*APPLY, "minimal")
    old, before = _password(here, SYSTEM, tmp_path), here.tree()
    here.estui("passwords", "set", SYSTEM, "--yes", expect=3)
    assert "waits for you to stop kibana/kibana" in here.err
    assert _status(here, SYSTEM, old) == 401
    assert _password(here, SYSTEM, tmp_path) != old
    here.estui("passwords", "set", "elastic", "--yes", expect=3)
    assert "is unfinished" in here.err
    here.estui("rollback", "--yes")
    assert (_status(here, SYSTEM, old), _in_kibana(here)) == (200, old)
    assert here.tree() == before
    here.estui("passwords", "set", SYSTEM, "--yes", expect=3)
    here.estui("runbook", "resume", "--restart")
    new = _password(here, SYSTEM, tmp_path)
    assert (_status(here, SYSTEM, new), _in_kibana(here)) == (200, new)
    assert "estui-tmp" not in (here.sandbox.config("es-1") / "users").read_text()


@pytest.mark.slow
def test_typed_twice_or_shown_once(bastion: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed ones are stored, and never in a plan, journal or audit line; shown ones are kept nowhere."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "minimal")
    for module in ("session", "commands.passwords"):
        monkeypatch.setattr(f"estui.cli.{module}.has_terminal", lambda: True)
    typed = iter(["Typed-once-1", "Typed-other-2", "Typed-once-1", "Typed-once-1"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    here.estui("passwords", "set", "apm_system", "--ask", "--yes", expect=2)
    assert "differ" in here.err
    here.estui("passwords", "set", "apm_system", "--ask", "--yes")
    assert _status(here, "apm_system", "Typed-once-1") == 200
    assert _password(here, "apm_system", tmp_path) == "Typed-once-1"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    here.estui("passwords", "set", "apm_system", "--show", "--yes")
    (shown,) = [line for line in here.out.splitlines() if line.startswith("apm_system=")]
    password = shown.partition("=")[2]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert _status(here, "apm_system", password) == 200
    here.estui("passwords", "show", "apm_system", "--to", str(tmp_path / "none"), expect=2)
    assert "no password of apm_system is stored here" in here.err
    written = b"".join(path.read_bytes() for path in here.workspace.rglob("*") if path.is_file())
    assert b"Typed-once" not in written
    assert password.encode() not in written


@pytest.mark.slow
def test_plans_are_saved_and_applied_later_with_their_secrets_given_then(bastion: Maker, tmp_path: Path) -> None:
    """A saved plan holds no secret: a password is made when it is applied, a value comes from a file."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "minimal")
    here.estui("passwords", "set", "apm_system", "--length", "40", "--marks", "--yes")
    password = _password(here, "apm_system", tmp_path)
    assert len(password) == 40
    assert _status(here, "apm_system", password) == 200
    saved = str(tmp_path / "passwords.json")
    here.estui("passwords", "set", "beats_system", "--length", "40", "-o", saved, expect=2)
    here.estui("passwords", "set", "beats_system", "-o", saved, expect=3)
    assert "passwords of beats_system" in here.out
    assert len(here.json("history")) == 2, "nothing was changed"
    here.estui("apply", saved, "--yes")
    assert _status(here, "beats_system", _password(here, "beats_system", tmp_path)) == 200

    value, name = tmp_path / "value", "s3.client.default.secret_key"
    value.write_text("Secret-value-1\n")
    settings = str(tmp_path / "settings.json")
    here.estui("secure-settings", "set", name, "-o", settings, "--plain-http", expect=3)
    assert "Secret-value-1" not in (tmp_path / "settings.json").read_text()
    here.estui("apply", settings, "--plain-http", "--yes", expect=2)
    assert "--value-file" in here.err
    here.estui("apply", "minimal", "--value-file", str(value), "--plain-http", "--yes", expect=2)
    assert "goes with a plan of secure settings" in here.err
    here.estui("apply", settings, "--value-file", str(value), "--plain-http", "--yes")
    content = (here.sandbox.config("es-1") / "elasticsearch.keystore").read_bytes()
    assert read_secure_settings(content, None, "x").entries[name] == b"Secret-value-1"
