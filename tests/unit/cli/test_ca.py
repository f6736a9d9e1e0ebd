"""`estui ca`: CAs out of the workspace and into it, for longer, and under another passphrase."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from estui.cli.output import Exit
from estui.formats import pem, pkcs12
from estui.secret import Secret
from tests.corporate import Corporate, pem_of
from tests.unit.cli.conftest import Shell

PASSWORD = "for the exported key"


@pytest.fixture
def kept(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A workspace with an HTTP CA; its passphrase and others lie in files."""
    shell.made()
    for name, words in (("passphrase", "correct horse battery staple"), ("other", PASSWORD), ("wrong", "wrong")):
        (shell.home / name).write_text(f"{words}\n")
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(shell.home / "passphrase"))
    assert shell.run("ca", "create", "http", "--days", "100") == Exit.DONE
    return shell


def certificate(shell: Shell, name: str = "http") -> x509.Certificate:
    return pem.load_certificates((shell.workspace / "ca" / name / "ca.crt").read_bytes(), name)[0]


def audited(shell: Shell) -> list[dict[str, object]]:
    return [json.loads(line) for line in (shell.workspace / "audit.jsonl").read_text().splitlines()]


# export


def test_a_certificate_leaves_without_its_key(kept: Shell) -> None:
    to = kept.home / "http.crt"
    assert kept.run("ca", "export", "http", "--to", str(to)) == Exit.DONE
    assert to.read_bytes() == pem_of(certificate(kept))
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    last = audited(kept)[-1]
    assert (last["what"], last["name"], last["with_key"], last["to"]) == ("ca exported", "http", False, str(to))


@pytest.mark.parametrize("suffix", ["p12", "pfx", "pem"])
def test_a_key_leaves_encrypted_under_its_own_password(kept: Shell, suffix: str) -> None:
    to = kept.home / f"http.{suffix}"
    password = ("--key-password-file", str(kept.home / "other"))
    assert kept.run("ca", "export", "http", "--to", str(to), "--with-key", *password) == Exit.DONE
    content = to.read_bytes()
    if suffix == "pem":
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in content
        key = pem.load_private_key(content, Secret(PASSWORD), "file")
    else:
        (entry,) = pkcs12.read_pkcs12(content, Secret(PASSWORD), "file").keys
        assert entry.key
        key = entry.key
    assert key.public_key() == certificate(kept).public_key()
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert audited(kept)[-1]["with_key"] is True


def test_nothing_is_written_over(kept: Shell) -> None:
    to = kept.home / "there.crt"
    to.write_text("mine")
    assert kept.run("ca", "export", "http", "--to", str(to)) == Exit.USAGE
    assert "stays as it is" in kept.err
    assert to.read_text() == "mine"
    assert kept.run("ca", "export", "http", "--to", str(kept.home / "no" / "where.crt")) == Exit.USAGE
    assert "mkdir -p" in kept.err


def test_a_pkcs12_without_key_and_a_password_without_a_key_are_no_export(kept: Shell) -> None:
    assert kept.run("ca", "export", "http", "--to", str(kept.home / "x.p12")) == Exit.USAGE
    assert "--with-key" in kept.err
    password = ("--key-password-file", str(kept.home / "other"))
    assert kept.run("ca", "export", "http", "--to", str(kept.home / "x.crt"), *password) == Exit.USAGE
    assert kept.run("ca", "export", "http", "--to", str(kept.home / "x.pem"), "--with-key") == Exit.USAGE
    assert "--key-password-file" in kept.err  # there is no terminal to ask on
    assert not list(kept.home.glob("x.*"))


@pytest.mark.parametrize("verb", [("export", "--to", "x"), ("renew",), ("issued",)])
def test_a_name_that_is_none_is_told_with_those_that_are(kept: Shell, verb: tuple[str, ...]) -> None:
    assert kept.run("ca", verb[0], "htpp", *verb[1:]) == Exit.USAGE
    assert "the workspace has no CA htpp (it has: http)" in kept.err


# import


def encrypted(corporate: Corporate, password: str | None = None) -> bytes:
    how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return corporate.root_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def test_a_ca_comes_in_with_its_key_and_can_sign(kept: Shell) -> None:
    corporate = Corporate()
    (kept.home / "root.crt").write_bytes(pem_of(corporate.root))
    (kept.home / "root.key").write_bytes(encrypted(corporate, PASSWORD))
    files = ("--cert", str(kept.home / "root.crt"), "--key", str(kept.home / "root.key"))
    assert kept.run("ca", "import", "transport", *files) == Exit.USAGE
    assert "--key-password-file" in kept.err
    assert kept.run("ca", "import", "transport", *files, "--key-password-file", str(kept.home / "wrong")) == Exit.FAILED
    assert kept.run("ca", "import", "transport", *files, "--key-password-file", str(kept.home / "other")) == Exit.DONE
    stored = (kept.workspace / "ca/transport/ca.key").read_bytes()
    assert pem.load_private_key(stored, Secret("correct horse battery staple"), "key")
    assert "it has no KeyUsage" in kept.out
    assert audited(kept)[-1]["what"] == "ca imported"


def test_a_ca_comes_in_from_a_pkcs12(kept: Shell) -> None:
    corporate = Corporate()
    store = pkcs12.write_keystore("ca", corporate.root_key, corporate.root, [], Secret(PASSWORD))
    (kept.home / "root.p12").write_bytes(store)
    password = ("--key-password-file", str(kept.home / "other"))
    assert kept.run("ca", "import", "transport", "--p12", str(kept.home / "root.p12"), *password) == Exit.DONE
    assert (kept.workspace / "ca/transport/ca.key").exists()


def test_a_ca_comes_in_without_a_key_and_without_a_passphrase(kept: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESTUI_PASSPHRASE_FILE")
    (kept.home / "root.crt").write_bytes(pem_of(Corporate().root))
    assert kept.run("ca", "import", "corporate", "--cert", str(kept.home / "root.crt"), "--json") == Exit.DONE
    assert json.loads(kept.out)["authority"]["has_key"] is False


def test_every_reason_against_it_is_told_and_nothing_is_stored(kept: Shell) -> None:
    corporate, other = Corporate(), Corporate()
    (kept.home / "root.crt").write_bytes(pem_of(corporate.root))
    (kept.home / "root.key").write_bytes(encrypted(other))
    files = ("--cert", str(kept.home / "root.crt"), "--key", str(kept.home / "root.key"))
    assert kept.run("ca", "import", "http", *files) == Exit.FAILED
    assert "the key does not belong to the certificate" in kept.err
    assert "the workspace has a CA http already" in kept.err
    assert kept.run("ca", "import", "two", "--cert", str(kept.workspace / "ca/http/ca.crt")) == Exit.FAILED
    assert "the workspace has this CA already, as http" in kept.err
    assert [path.name for path in (kept.workspace / "ca").iterdir()] == ["http"]


def test_which_of_several_certificates_is_told_by_the_key(kept: Shell) -> None:
    corporate = Corporate()
    (kept.home / "both.crt").write_bytes(pem_of(corporate.issuing, corporate.root))
    assert kept.run("ca", "import", "corporate", "--cert", str(kept.home / "both.crt")) == Exit.FAILED
    assert "holds 2 certificates: CN=Corp Issuing,O=Example, CN=Corp Root,O=Example" in kept.err
    (kept.home / "root.key").write_bytes(encrypted(corporate))
    files = ("--cert", str(kept.home / "both.crt"), "--key", str(kept.home / "root.key"))
    assert kept.run("ca", "import", "corporate", *files) == Exit.DONE
    assert certificate(kept, "corporate") == corporate.root


@pytest.mark.parametrize("options", [(), ("--cert", "a", "--p12", "b"), ("--p12", "b", "--key", "c")])
def test_one_way_in_at_a_time(kept: Shell, options: tuple[str, ...]) -> None:
    assert kept.run("ca", "import", "corporate", *options) == Exit.USAGE
    assert "which CA?" in kept.err


# passphrase


def test_a_new_passphrase_opens_and_the_old_one_does_not(kept: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    new = ("--new-passphrase-file", str(kept.home / "other"))
    assert kept.run("ca", "passphrase", *new) == Exit.DONE
    assert "1 file sealed anew" in kept.out
    assert kept.run("ca", "create", "client") == Exit.FAILED
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(kept.home / "other"))
    assert kept.run("ca", "create", "client") == Exit.DONE
    assert kept.run("ca", "passphrase", *new) == Exit.USAGE
    assert "the new passphrase is the old one" in kept.err


def test_where_nothing_is_sealed_there_is_nothing_to_change(shell: Shell) -> None:
    shell.made()
    (shell.home / "other").write_text("x\n")
    assert shell.run("ca", "passphrase", "--new-passphrase-file", str(shell.home / "other")) == Exit.USAGE
    assert "nothing is sealed yet" in shell.err


# renew


def test_a_renewed_ca_keeps_its_key_and_its_old_certificate(kept: Shell) -> None:
    old = certificate(kept)
    assert kept.run("ca", "renew", "http") == Exit.DONE
    new = certificate(kept)
    assert (new.subject, new.public_key()) == (old.subject, old.public_key())
    assert new.not_valid_after_utc > old.not_valid_after_utc
    assert (kept.workspace / f"ca/http/ca-{old.serial_number:x}.crt").read_bytes() == pem_of(old)
    assert kept.run("ca", "list", "--json") == Exit.DONE
    (listed,) = json.loads(kept.out)
    assert listed["earlier"] == [pem_digest(old)]
    assert kept.run("ca", "renew", "http", "--days", "20") == Exit.FAILED
    assert "would end no later than now" in kept.err


def pem_digest(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()


def test_another_key_is_a_rollover(kept: Shell) -> None:
    assert kept.run("ca", "renew", "http", "--new-key") == Exit.USAGE
    assert "hint: estui ca rollover start http" in kept.err


def test_a_ca_without_a_key_is_renewed_by_others(kept: Shell) -> None:
    (kept.home / "root.crt").write_bytes(pem_of(Corporate().root))
    assert kept.run("ca", "import", "corporate", "--cert", str(kept.home / "root.crt")) == Exit.DONE
    assert kept.run("ca", "renew", "corporate") == Exit.FAILED
    assert "CA corporate has no key here: CN=Corp Root,O=Example has to renew it" in kept.err


# issued


def test_leaves_that_nobody_has_any_more_are_outstanding(kept: Shell) -> None:
    assert kept.run("ca", "issued", "http", "--offline") == Exit.DONE
    assert "has issued nothing yet" in kept.err
    record = {
        "serial": "abc", "subject": "CN=es-9", "names": ["es-9"], "not_after": "2099-01-01T00:00:00.000Z",
        "sha256": "00", "target": "es-9", "set": "http", "run": "r",
    }  # fmt: skip
    Path(kept.workspace, "ca/http/issued.jsonl").write_text(json.dumps(record) + "\n")
    assert kept.run("ca", "issued", "http", "--offline") == Exit.DONE
    assert kept.out.split() == ["abc", "es-9", "http", "CN=es-9", "outstanding", "until", "2099-01-01"]


@pytest.mark.parametrize("name", ["transport", "http-2", "client", "cluster"])
def test_a_ca_without_its_key_gets_no_name_of_estuis_own(kept: Shell, name: str) -> None:
    (kept.home / "root.crt").write_bytes(pem_of(Corporate().root))
    assert kept.run("ca", "import", name, "--cert", str(kept.home / "root.crt")) == Exit.FAILED
    assert f"{name} is a name of estui's own CAs, and this one comes without its key: another name" in kept.err
