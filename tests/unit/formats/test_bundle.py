"""Answers of certificate authorities, by content and whatever the file is called."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from estui.errors import StoreError
from estui.formats.bundle import load_bundle
from estui.formats.pem import private_key_pem
from tests.corporate import Corporate, pem_of
from tests.unit.pki.samples import key

CORPORATE = Corporate()
BOTH = [CORPORATE.issuing, CORPORATE.root]


def serials(content: bytes) -> set[int]:
    return {each.serial_number for each in load_bundle(content, "answer")}


WANTED = {each.serial_number for each in BOTH}


def labelled(der: bytes, label: str) -> bytes:
    return f"-----BEGIN {label}-----\n".encode() + base64.encodebytes(der) + f"-----END {label}-----\n".encode()


def der_p7b() -> bytes:
    return pkcs7.serialize_certificates(BOTH, Encoding.DER)


@pytest.mark.parametrize(
    "content",
    [
        pem_of(*BOTH),
        b"subject=Example\n\n" + pem_of(*BOTH).replace(b"\n", b"\r\n"),
        der_p7b(),
        pkcs7.serialize_certificates(BOTH, Encoding.PEM),
        labelled(der_p7b(), "CERTIFICATE"),
        labelled(der_p7b(), "CMS"),
    ],
    ids=["pem", "pem with words and CRLF", "p7b", "p7b in PEM", "p7b as Microsoft labels it", "cms"],
)
def test_every_certificate_is_found(content: bytes) -> None:
    assert serials(content) == WANTED


def test_what_stands_behind_the_last_certificate_is_refused_with_its_line() -> None:
    """Half of a file that was pasted twice, say: what is meant is not known then."""
    with pytest.raises(StoreError, match="something follows its last PEM block") as refused:
        load_bundle(pem_of(CORPORATE.root) + b"-----BEGIN", "answer.pem")
    assert refused.value.location is not None
    assert refused.value.location.line == pem_of(CORPORATE.root).count(b"\n") + 1


def test_one_certificate_in_der() -> None:
    assert load_bundle(CORPORATE.root.public_bytes(Encoding.DER), "root.cer") == [CORPORATE.root]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_pkcs7_of_openssl(tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_bytes(pem_of(*BOTH))
    command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", str(tmp_path / "both.pem"), "-outform", "DER"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert serials(done.stdout) == WANTED


def request() -> bytes:
    builder = x509.CertificateSigningRequestBuilder(CORPORATE.root.subject)
    return builder.sign(key(), hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no certificate"),
        (request(), "send it to the CA"),
        (pem_of(CORPORATE.root) + private_key_pem(key()), "holds a private key"),
        (der_p7b()[:-200], "damaged"),
        (labelled(b"\x30\x03\x02\x01\x01", "CERTIFICATE"), "damaged"),
    ],
)
def test_what_is_no_answer_is_told(content: bytes, words: str) -> None:
    with pytest.raises(StoreError) as caught:
        load_bundle(content, "answer")
    assert words in f"{caught.value} {caught.value.hint}"
