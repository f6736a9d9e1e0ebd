"""Requests as other tools read them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from estui.errors import CertificateError
from estui.pki.csr import build_request, request_pem
from tests.unit.pki.samples import key, leaf_request, rsa_key

REQUEST = leaf_request(("es-1", "*.example.net"), ("10.0.0.1", "fe80::1"), ("serverAuth", "clientAuth"))


def test_names_usage_and_purposes_are_asked_for() -> None:
    request = build_request(REQUEST, key())
    assert request.is_signature_valid
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["es-1", "*.example.net"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.1", "fe80::1"]
    usage = request.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.key_encipherment) == (True, False)
    purposes = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [each._name for each in purposes] == ["serverAuth", "clientAuth"]


def test_an_rsa_key_may_also_encrypt_keys() -> None:
    usage = build_request(REQUEST, rsa_key()).extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_encipherment


def test_a_request_without_names_is_none() -> None:
    with pytest.raises(CertificateError, match="has no names"):
        build_request(leaf_request((), ()), key())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_openssl_verifies_it_and_shows_what_is_asked_for(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "request.csr"
    path.write_bytes(request_pem(build_request(REQUEST, key() if kind == "ec" else rsa_key())))
    done = subprocess.run(
        ["openssl", "req", "-in", str(path), "-verify", "-noout", "-text"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "verify OK" in done.stdout + done.stderr or "self-signature verify OK" in done.stderr
    shown = done.stdout
    for words in ("CN = es-1", "DNS:es-1, DNS:*.example.net, IP Address:10.0.0.1", "TLS Web Server Authentication"):
        assert words.replace(" ", "") in shown.replace(" ", "")
