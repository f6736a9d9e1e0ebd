"""`estui adopt` by the public command: looking changes nothing; importing is whole, encrypted, audited, repeatable."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from estui.act.fs import RealFs
from estui.act.workspace import Workspace
from estui.formats.pem import certificate_pem, private_key_pem
from estui.pki.keys import public_key_sha256
from estui.secret import Secret
from tests.unit.adoptable import (
    AUTO_HTTP,
    AUTO_SECURE,
    AUTO_TRANSPORT,
    CERTUTIL,
    auto_configured_yml,
    ca,
    pem_lines,
    store_lines,
    stored,
)
from tests.unit.cli.conftest import Shell
from tests.unit.observe.test_folder import secure
from tests.unit.pki.samples import key

PASSPHRASE = "correct horse battery staple"


def put(folder: Path, **files: bytes) -> Path:
    for name, content in files.items():
        path = folder / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def digests(*roots: Path) -> dict[str, tuple[str, int, int]]:
    """Every name below some folders: content, mode and time of change."""
    found = {}
    for root in roots:
        for path in sorted(root.rglob("*")):
            content = path.read_bytes() if path.is_file() else b""
            seen = path.lstat()
            found[str(path)] = (hashlib.sha256(content).hexdigest(), seen.st_mode, seen.st_mtime_ns)
    return found


@pytest.fixture
def phrase(shell: Shell) -> str:
    """A file with the workspace passphrase."""
    path = shell.home / "phrase"
    path.write_text(f"{PASSPHRASE}\n")
    return str(path)


def certutil(shell: Shell) -> Shell:
    """Two nodes as the guide has it, and the CA's store on one of them."""
    lines = store_lines("transport", "elastic-certificates.p12", "node-pass")
    folders = [shell.node(name, *lines) for name in ("es-1", "es-2")]
    for folder in folders:
        put(folder, **{"elastic-certificates.p12": stored("certutil/elastic-certificates.p12")})
    put(folders[0], **{"elastic-stack-ca.p12": stored("certutil/elastic-stack-ca.p12")})
    put(shell.home, ca_pass=b"ca-pass\n")
    assert shell.run("init", *map(str, folders)) == 0, shell.err
    return shell


def opened(shell: Shell, name: str) -> str:
    """Digest of the public half of a CA's key in the workspace."""
    workspace = Workspace(str(shell.workspace), RealFs())
    return public_key_sha256(workspace.authority_key(name, Secret(PASSPHRASE)))


def test_an_auto_configured_node_is_taken_over(shell: Shell, phrase: str) -> None:
    """The HTTP CA's key is in `http.p12`, opened with the secure settings; the transport CA's is nowhere."""
    folder = shell.home / "es-1"
    names = ("http.p12", "transport.p12", "http_ca.crt")
    put(folder, **{"elasticsearch.yml": auto_configured_yml("es-1").encode()})
    put(folder / "certs", **{name: stored(f"auto-configured/{name}") for name in names})
    put(folder, **{"elasticsearch.keystore": secure({name: value.decode() for name, value in AUTO_SECURE.items()})})
    assert shell.run("init", str(folder)) == 0, shell.err
    (shell.workspace / "workspace.json").unlink(missing_ok=True)
    before = digests(folder, shell.workspace)
    assert shell.run("adopt") == 0, shell.err
    assert digests(folder, shell.workspace) == before
    assert "key       in certs/http.p12 of es-1" in shell.out
    assert "only a new CA: Elasticsearch's own set-up kept the key of this one nowhere" in shell.out
    assert shell.run("adopt", "--import", "--passphrase-file", phrase) == 0, shell.err
    nodes = digests(folder)
    assert nodes == {path: state for path, state in before.items() if path in nodes}
    assert shell.run("ca", "list", "--json") == 0
    listed = {each["name"]: (each["certificate"]["subject"], each["has_key"]) for each in json.loads(shell.out)}
    assert listed == {"transport": (AUTO_TRANSPORT, False), "http": (AUTO_HTTP, True)}
    key_file = shell.workspace / "ca" / "http" / "ca.key"
    assert b"ENCRYPTED" in key_file.read_bytes()
    assert key_file.stat().st_mode & 0o777 == 0o600
    audited = [json.loads(line) for line in (shell.workspace / "audit.jsonl").read_text().splitlines()]
    assert {(line["name"], line["with_key"]) for line in audited if line["what"] == "ca imported"} == {
        ("transport", False),
        ("http", True),
    }
    assert shell.run("adopt", "--import") == 0, shell.err
    assert shell.out.count("is in the workspace already") == 2


def test_looking_writes_nothing_also_with_json_and_given_files(shell: Shell) -> None:
    certutil(shell)
    (shell.workspace / "workspace.json").unlink(missing_ok=True)
    before = digests(shell.home)
    for more in ((), ("--json",), ("--ca", str(shell.home / "es-1" / "elastic-stack-ca.p12"))):
        assert shell.run("adopt", "--ca-password-file", str(shell.home / "ca_pass"), *more) == 0, shell.err
    assert digests(shell.home) == before


def test_json_has_the_whole_report_and_no_secret(shell: Shell) -> None:
    certutil(shell)
    assert shell.run("adopt", "--json") == 0
    report = json.loads(shell.out)
    assert [each["certificate"]["subject"] for each in report["authorities"]] == [CERTUTIL]
    assert [use["target"] for use in report["authorities"][0]["leaves"][0]["uses"]] == ["es-1", "es-2"]
    assert report["authorities"][0]["way"] == "new-ca"
    assert "xpack.security.transport.ssl.keystore.password" in report["unread"][0]["hint"]
    assert "node-pass" not in shell.out


def test_a_certificate_alone_needs_no_passphrase_and_its_key_comes_later(shell: Shell, phrase: str) -> None:
    certutil(shell)
    assert shell.run("adopt", "--import") == 0, shell.err
    assert "certificate only" in shell.out
    assert not (shell.workspace / "ca" / "transport" / "ca.key").exists()
    given = ("--ca", str(shell.home / "es-1" / "elastic-stack-ca.p12"))
    password = ("--ca-password-file", str(shell.home / "ca_pass"))
    assert shell.run("adopt", *given, *password, "--passphrase-file", phrase, "--import") == 0, shell.err
    assert "was here without its key, which is imported now" in shell.out
    assert opened(shell, "transport")


def test_without_a_passphrase_or_a_terminal_nothing_is_written(shell: Shell) -> None:
    certutil(shell)
    before = digests(shell.home)
    assert shell.run("adopt", "--import", "--ca-password-file", str(shell.home / "ca_pass")) == 2
    assert "--passphrase-file" in shell.err
    assert digests(shell.home) == before


def test_a_wrong_workspace_passphrase_is_refused_before_anything_is_written(shell: Shell, phrase: str) -> None:
    certutil(shell)
    assert shell.run("ca", "create", "http", "--passphrase-file", phrase) == 0, shell.err
    put(shell.home, other=b"another one\n")
    before = digests(shell.workspace)
    password = ("--ca-password-file", str(shell.home / "ca_pass"))
    assert shell.run("adopt", "--import", *password, "--passphrase-file", str(shell.home / "other")) == 1
    assert digests(shell.workspace) == before


@pytest.mark.parametrize(
    ("files", "words", "code"),
    [
        ({"ca.p12": b""}, "ca.p12: is empty", 1),
        ({"ca.p12": stored("certutil/elastic-stack-ca.p12")}, "wrong password or damaged store", 1),
        ({"ca.crt": ca("Lab CA", 11).pem + b"garbage"}, "something follows its last PEM block", 1),
        ({"ca.crt": ca("Lab CA", 11).pem, "ca.key": private_key_pem(key(12))}, "belongs to no CA certificate", 1),
        ({"ca.crt": ca("No flag", 13, flag=False).pem}, "has no CA flag", 1),
        ({"ca.jks": stored("java/trust.jks")}, "keytool -importkeystore", 1),
    ],
    ids=["empty", "password", "garbage", "mismatch", "no CA", "JKS"],
)
def test_a_refused_file_leaves_the_workspace_alone(
    files: dict[str, bytes], words: str, code: int, shell: Shell, phrase: str
) -> None:
    shell.made()
    put(shell.home / "given", **files)
    before = digests(shell.home)
    paths = [str(shell.home / "given" / name) for name in files]
    assert shell.run("adopt", "--passphrase-file", phrase, "--import", "--ca", *paths) == code
    assert words in shell.err
    assert digests(shell.home) == before


def test_a_weak_ca_is_imported_with_a_note(shell: Shell, phrase: str) -> None:
    shell.made()
    odd = ca("No usage", 23, usage=None)
    put(shell.home, **{"ca.pem": odd.pem + private_key_pem(odd.key)})
    assert shell.run("adopt", "--passphrase-file", phrase, "--import", "--ca", str(shell.home / "ca.pem")) == 0, (
        shell.err
    )
    assert "other: CN=No usage" in shell.out
    assert "no KeyUsage" in shell.out
    assert opened(shell, "other") == public_key_sha256(odd.key)


def test_two_cas_of_one_subject_are_both_imported_and_chosen_by_fingerprint(shell: Shell, phrase: str) -> None:
    folders = []
    for number, name in ((11, "es-1"), (12, "es-2")):
        made = ca("Lab CA", number)
        folder = shell.node(name, *pem_lines("http"))
        put(folder, **{"http.crt": certificate_pem(made.leaf(name)), "http.key": private_key_pem(key(100))})
        put(folder, **{"http-ca.crt": made.pem, "ca.key": private_key_pem(made.key)})
        folders.append(str(folder))
    assert shell.run("init", *folders) == 0
    assert shell.run("adopt", "--import", "CN=Lab CA", "--passphrase-file", phrase) == 2
    assert "means 2 CAs" in shell.err
    assert shell.run("adopt", "--import", "--passphrase-file", phrase) == 0, shell.err
    assert {opened(shell, "http"), opened(shell, "http-2")} == {public_key_sha256(key(n)) for n in (11, 12)}


def test_a_key_left_behind_by_a_cut_short_ca_is_not_taken_for_that_of_an_imported_one(shell: Shell) -> None:
    certutil(shell)
    put(shell.workspace / "ca" / "transport", **{"ca.key": b"half a k"})
    assert shell.run("adopt", "--import") == 0, shell.err
    assert [path.name for path in (shell.workspace / "ca" / "transport").iterdir()] == ["ca.crt"]
