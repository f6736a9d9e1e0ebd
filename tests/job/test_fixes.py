"""Fixes of the doctor's findings by the public commands: reviewed, applied, gone from the next look, undone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from estui.cli.main import main
from estui.engine import Engine
from estui.formats.es_keystore import read_secure_settings, write_secure_settings
from estui.formats.kibana_keystore import read_kibana_keystore
from tests.job.conftest import Bastion, Maker

T = "xpack.security.transport.ssl.keystore"
APPLY = ("--yes", "--restart")


def _rules(here: Bastion) -> set[str]:
    """Rules that find something now, whether it stands out or not."""
    here.capture.readouterr()
    assert main(["--workspace", str(here.workspace), "doctor", "--json"]) in (0, 3)
    return {each["rule"] for each in json.loads(here.capture.readouterr().out)["findings"]}


def test_modes_and_left_overs_are_put_right_without_a_restart_and_back(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    keystore = here.sandbox.config("es-1") / "elasticsearch.keystore"
    keystore.chmod(0o664)
    before = here.tree()
    assert {"keystore-readable", "initial-masters-left"} <= _rules(here)

    here.estui("doctor", "--fix", "keystore-readable@es-1", "--yes")
    here.estui("doctor", "--fix", "initial-masters-left", "--yes")
    assert keystore.stat().st_mode & 0o777 == 0o660
    assert not {"keystore-readable", "initial-masters-left"} & _rules(here)
    assert here.leftovers() == []

    here.estui("rollback", "--yes")
    here.estui("rollback", "--yes")
    assert here.tree() == before


def test_a_file_that_changed_since_the_review_is_not_touched(bastion: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pins of a fix are those of every plan: what was reviewed is what is replaced."""
    here = bastion(1, kibana=False)
    yml = here.sandbox.config("es-1") / "elasticsearch.yml"
    reviewed = Engine.review

    def review(*given: object, **named: object) -> object:
        shown = reviewed(*given, **named)  # type: ignore[arg-type]
        yml.write_text(yml.read_text() + "# somebody was quicker\n")
        return shown

    monkeypatch.setattr(Engine, "review", review)
    here.estui("doctor", "--fix", "initial-masters-left", "--yes", expect=1)
    assert "files changed since the plan was made" in here.err
    assert "cluster.initial_master_nodes" in yml.read_text()


@pytest.mark.slow
def test_kibanas_clear_password_moves_into_its_keystore(bastion: Maker) -> None:
    here = bastion(1)
    here.estui("apply", "minimal", *APPLY)
    config = here.sandbox.config("kibana")
    password = read_kibana_keystore((config / "kibana.keystore").read_bytes(), None, "k")["elasticsearch.password"]
    (config / "kibana.keystore").unlink()
    yml = config / "kibana.yml"
    yml.write_text(f'{yml.read_text()}elasticsearch.password: "{password}"\n')

    here.estui("doctor", "--fix", "kibana-password-in-yml", "--dry-run", expect=3)
    assert str(password) not in here.out
    here.estui("doctor", "--fix", "kibana-password-in-yml", *APPLY)
    assert str(password) not in yml.read_text()
    entries = read_kibana_keystore((config / "kibana.keystore").read_bytes(), None, "k")
    assert entries == {"elasticsearch.password": password}
    assert "kibana-password-in-yml" not in _rules(here)


@pytest.mark.slow
def test_a_clear_store_password_moves_into_secure_settings_one_node_at_a_time(bastion: Maker) -> None:
    """Each node starts with what was moved, and the undo brings the clear one back."""
    here = bastion(3, kibana=False)
    here.estui("apply", "basic", "--format", "pkcs12", *APPLY)
    ymls = [here.sandbox.config(f"es-{number}") / "elasticsearch.yml" for number in (1, 2, 3)]
    passwords = [_make_clear(yml.parent) for yml in ymls]
    before = here.tree()
    assert "tls-password-in-yml" in _rules(here)

    here.estui("doctor", "--fix", "tls-password-in-yml", *APPLY, expect=1)
    assert "--plain-http" in here.err
    here.estui("doctor", "--fix", "tls-password-in-yml", *APPLY, "--plain-http")
    assert [f"{T}.password" in yml.read_text() for yml in ymls] == [False] * 3
    assert [_entries(yml.parent)[f"{T}.secure_password"].decode() for yml in ymls] == passwords
    assert "tls-password-in-yml" not in _rules(here)
    here.estui("verify", "--plain-http")

    here.estui("rollback", *APPLY, "--plain-http")
    assert here.tree() == before


def _entries(config: Path) -> dict[str, bytes]:
    return dict(read_secure_settings((config / "elasticsearch.keystore").read_bytes(), None, "k").entries)


def _make_clear(config: Path) -> str:
    """Takes the password of a node's store out of its keystore and writes it into the yml."""
    entries = _entries(config)
    password = entries.pop(f"{T}.secure_password").decode()
    content = write_secure_settings(entries, version=7, password=None, salt=bytes(64), iv=bytes(12))
    (config / "elasticsearch.keystore").write_bytes(content)
    yml = config / "elasticsearch.yml"
    yml.write_text(f'{yml.read_text()}{T}.password: "{password}"\n')
    return password
