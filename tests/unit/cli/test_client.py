"""`estui client`: certificates handed out to people, and the checklist of who connects."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from estui.cli.output import Exit
from estui.formats import pem, pkcs12
from estui.pki.facts import certificate_facts
from estui.secret import Secret
from tests.unit.cli.conftest import Shell

PASSWORD = "for a browser"


@pytest.fixture
def kept(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A workspace with a client CA; its passphrase lies in a file."""
    shell.made()
    for name, words in (("passphrase", "correct horse battery staple"), ("browser", PASSWORD)):
        (shell.home / name).write_text(f"{words}\n")
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(shell.home / "passphrase"))
    assert shell.run("ca", "create", "client") == Exit.DONE
    return shell


def files_of(shell: Shell) -> dict[str, Path]:
    return {Path(name).suffix: Path(name) for name in shell.out.split()}


def test_certificate_and_key_go_into_new_private_files(kept: Shell) -> None:
    assert kept.run("client", "new", "alice", "--to", str(kept.home / "out")) == Exit.DONE
    files = files_of(kept)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    leaf, issuer = pem.load_certificates(files[".crt"].read_bytes(), "alice.crt")
    leaf.verify_directly_issued_by(issuer)
    facts = certificate_facts(leaf)
    assert (facts.subject, facts.extended_key_usage) == ("CN=alice", ("clientAuth",))
    key = pem.load_private_key(files[".key"].read_bytes(), None, "alice.key")
    assert key.public_key() == leaf.public_key()
    assert files[".key"].read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    kept_here = b"".join(path.read_bytes() for path in (kept.workspace / "clients").iterdir())
    assert b"PRIVATE KEY" not in kept_here


def test_a_browser_gets_one_pkcs12_file(kept: Shell) -> None:
    option = ("--p12", "--p12-password-file", str(kept.home / "browser"))
    assert kept.run("client", "new", "bob", "--to", str(kept.home), *option) == Exit.DONE
    (file,) = files_of(kept).values()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (entry,) = pkcs12.read_pkcs12(file.read_bytes(), Secret(PASSWORD), "bob.p12").keys
    assert entry.key is not None
    assert entry.leaf is not None
    assert entry.key.public_key() == entry.leaf.public_key()
    assert PASSWORD not in kept.out + kept.err


def test_a_name_is_given_once_and_renewed_on_request(kept: Shell) -> None:
    assert kept.run("client", "new", "alice", "--to", str(kept.home), "--role", "viewer") == Exit.DONE
    assert kept.run("client", "new", "alice", "--to", str(kept.home / "2")) == Exit.USAGE
    assert "--renew" in kept.err
    before = json_list(kept)[0]
    assert kept.run("client", "new", "alice", "--to", str(kept.home / "2"), "--renew") == Exit.DONE
    after = json_list(kept)[0]
    assert after["roles"] == ["viewer"], "roles stay"
    assert after["certificate"]["sha256"] != before["certificate"]["sha256"]
    assert kept.run("client", "remove", "alice") == Exit.DONE
    assert json_list(kept) == []


def json_list(shell: Shell) -> list[dict[str, Any]]:
    assert shell.run("client", "list", "--json") == Exit.DONE
    found = json.loads(shell.out)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("new", "../alice"), "is no name for a client"),
        (("new", "estui"), "estui's own certificate"),
        (("new", "alice", "--renew"), "there is no certificate of alice yet"),
        (("new", "alice", "--role", " viewer"), "is no name of a role"),
        (("new", "alice", "--p12-password-file", "x"), "goes with --p12"),
        (("remove", "alice"), "there is no client alice"),
        (("tick",), "which clients?"),
        (("tick", "nobody"), "the checklist has no 'nobody'"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(kept: Shell, arguments: tuple[str, ...], words: str) -> None:
    assert kept.run("client", *arguments) == Exit.USAGE
    assert words in kept.err
    assert not (kept.workspace / "clients").exists() or not list((kept.workspace / "clients").glob("*.crt"))


def test_a_file_that_is_there_is_not_overwritten(kept: Shell) -> None:
    (kept.home / "alice.key").write_text("mine")
    assert kept.run("client", "new", "alice", "--to", str(kept.home)) == Exit.USAGE
    assert (kept.home / "alice.key").read_text() == "mine"
    assert not (kept.home / "alice.crt").exists()
    assert json_list(kept) == []


def test_without_a_client_ca_the_way_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.made()
    (shell.home / "passphrase").write_text("correct horse battery staple\n")
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(shell.home / "passphrase"))
    assert shell.run("client", "new", "alice") == Exit.USAGE
    assert "estui ca create client" in shell.err


def test_the_checklist_says_what_could_not_be_asked(kept: Shell) -> None:
    assert kept.run("client", "connected") == Exit.PENDING
    assert "could not be asked" in kept.out
    assert kept.run("client", "tick", "--all") == Exit.DONE
    assert kept.run("client", "tick", "others", "--undo") == Exit.PENDING


def test_options_of_mutual_go_with_mutual(kept: Shell) -> None:
    assert kept.run("plan", "https", "--required") == Exit.USAGE
    assert "go with mutual" in kept.err
    assert kept.run("plan", "mutual", "--client-key", "x") == Exit.USAGE
    assert "--client-cert" in kept.err


def test_the_guide_names_what_to_change_for_one_kind_of_client_or_all(kept: Shell) -> None:
    assert kept.run("client", "guide", "logstash") == Exit.DONE
    assert "ssl_certificate_authorities" in kept.out
    assert "Fleet" not in kept.out
    assert kept.run("client", "guide", "--json") == Exit.DONE
    body = json.loads(kept.out)
    assert set(body["guides"]) == {"logstash", "fleet", "curl", "languages", "beats", "kibana"}
    assert kept.run("client", "guide", "telnet") == Exit.USAGE
    assert "logstash" in kept.err


def test_the_search_ends_with_3_where_a_file_means_the_ca(kept: Shell) -> None:
    (kept.home / "agent").mkdir()
    assert kept.run("client", "search", str(kept.home / "agent")) == Exit.DONE
    assert kept.run("ca", "export", "client", "--to", str(kept.home / "agent" / "ca.crt")) == Exit.DONE
    (kept.home / "agent" / "agent.yml").write_text("outputs:\n  ca: ca.crt\n  password: hunter2\n")
    assert kept.run("client", "search", str(kept.home / "agent"), "--ca", "client") == Exit.PENDING
    assert "ca.crt:1: holds the certificate of CA client" in kept.out
    assert "agent.yml:2: names" in kept.out
    assert "hunter2" not in kept.out
    assert kept.run("client", "search", str(kept.home / "nowhere")) == Exit.USAGE
    assert kept.run("client", "search", str(kept.home), "--ca", "strange") == Exit.USAGE
