"""Every odd certificate, key or store that people hand to estui: one clear message, and nothing written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from estui.cli.output import Exit
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest
from estui.pki.authority import create_authority
from estui.pki.keys import decrypt_key
from estui.secret import Secret
from tests.corporate import Corporate, name_of, pem_of
from tests.unit.adoptable import ca
from tests.unit.cli.conftest import Shell

ENDED = datetime(2020, 1, 1, tzinfo=UTC)
PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def kept(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two nodes and both CAs."""
    shell.made()
    for name, words in (("passphrase", PASSPHRASE), ("wrong", "wrong")):
        (shell.home / name).write_text(f"{words}\n")
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(shell.home / "passphrase"))
    for name in ("transport", "http"):
        assert shell.run("ca", "create", name) == Exit.DONE
    return shell


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def refused(shell: Shell, *arguments: str) -> str:
    """Runs a command that has to fail; its talk. Nothing may be written, and nothing but words be said."""
    before = digests(shell.home)
    assert shell.run(*arguments) == Exit.FAILED, shell.out + shell.err
    assert digests(shell.home) == before
    assert "Traceback" not in shell.err
    assert "hint: " in shell.err
    return shell.err


def test_a_wrong_passphrase(kept: Shell) -> None:
    assert "passphrase" in refused(kept, "apply", "https", "--yes", "--passphrase-file", str(kept.home / "wrong"))


def test_a_lost_ca_key(kept: Shell) -> None:
    (kept.workspace / "ca/http/ca.key").unlink()
    assert "ca/http: there is no ca.key" in refused(kept, "apply", "https", "--yes")


def test_an_expired_ca(kept: Shell) -> None:
    key = decrypt_key((kept.workspace / "ca/http/ca.key").read_bytes(), Secret(PASSPHRASE), "ca.key")
    request = AuthorityRequest("http", "lab HTTP CA", KeyType.EC_P256, 300)
    old = create_authority(request, key=key, serial=9, now=ENDED)
    (kept.workspace / "ca/http/ca.crt").write_bytes(pem_of(old))
    said = refused(kept, "apply", "https", "--yes")
    assert "ca/http ended on 2020-10-27" in said
    assert "estui ca renew http" in said


def odd(make: Callable[[], bytes], words: str, name: str) -> object:
    return pytest.param(make, words, id=name)


def self_signed(bits: int) -> x509.Certificate:
    key = rsa.generate_private_key(65537, bits)
    name, now = name_of("Old Root"), datetime.now(UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), 77)
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=300))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .sign(key, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        odd(lambda: pem_of(Corporate(now=ENDED, days=300).root), "it ended on ", "expired CA"),
        odd(lambda: ca("No flag", 13, flag=False).pem, "is no certificate authority", "no CA"),
        odd(lambda: ca("No signing", 14, usage=False).pem, "may not sign certificates: its KeyUsage", "key usage"),
        odd(
            lambda: pem_of(*(Corporate(words=str(n)).root for n in range(100))),
            "holds 100 certificates: ",
            "100 certificates",
        ),
        odd(lambda: pem_of(Corporate().root) + b"garbage", "something follows its last PEM block", "garbage"),
        odd(lambda: b"", "holds no certificate", "0 bytes"),
        odd(lambda: b"\x30\x82\xff\xff" + bytes(200), "", "DER that lies about its length"),
    ],
)
def test_a_certificate_that_is_refused(kept: Shell, content: Callable[[], bytes], words: str) -> None:
    (kept.home / "given.pem").write_bytes(content())
    said = refused(kept, "ca", "import", "corporate", "--cert", str(kept.home / "given.pem"))
    assert "given.pem" in said
    assert words in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        odd(lambda: pem_of(self_signed(1024)), "RSA 1024, less than 2048 bits", "RSA-1024"),
        odd(lambda: pem_of(Corporate(now=datetime.now(UTC) + timedelta(days=60)).root), "not valid before", "future"),
        odd(lambda: ca("No usage", 23, usage=None).pem, "it has no KeyUsage", "no key usage"),
    ],
)
def test_a_certificate_that_comes_in_with_a_word(kept: Shell, content: Callable[[], bytes], words: str) -> None:
    """What somebody uses already is taken over as it is, and what is wrong with it is said."""
    (kept.home / "given.pem").write_bytes(content())
    assert kept.run("ca", "import", "corporate", "--cert", str(kept.home / "given.pem")) == Exit.DONE, kept.err
    assert words in kept.out


def test_a_pkcs12_of_no_bytes(kept: Shell) -> None:
    (kept.home / "given.p12").write_bytes(b"")
    said = refused(
        kept,
        *("ca", "import", "corporate", "--p12", str(kept.home / "given.p12")),
        *("--key-password-file", str(kept.home / "wrong")),
    )
    assert "given.p12" in said
    assert "empty" in said


def test_a_certificate_without_names_is_no_answer_to_a_request(kept: Shell) -> None:
    assert kept.run("csr", "export", "es-1", "--layer", "http", "--to", str(kept.home / "requests")) == Exit.DONE
    request = x509.load_pem_x509_csr((kept.home / "requests/es-1-http.csr").read_bytes())
    corporate, now = Corporate(), datetime.now(UTC)
    bare = (
        x509.CertificateBuilder(corporate.root.subject, request.subject, request.public_key(), 5)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=100))
        .sign(corporate.root_key, hashes.SHA256())
    )
    (kept.home / "answer.pem").write_bytes(pem_of(bare, corporate.root))
    said = refused(kept, "csr", "import", str(kept.home / "answer.pem"))
    assert "answer.pem" in said
    assert "es-1" in said


def test_a_key_of_another_ca(kept: Shell) -> None:
    key = Corporate().root_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (kept.home / "given.key").write_bytes(key)
    (kept.home / "given.pem").write_bytes(pem_of(Corporate().root))
    said = refused(
        kept,
        *("ca", "import", "corporate", "--cert", str(kept.home / "given.pem")),
        *("--key", str(kept.home / "given.key")),
    )
    assert "the key does not belong to the certificate" in said
