"""References to a CA or to plain HTTP, in whatever wrapping."""

from __future__ import annotations

import base64

import pytest

from estui.formats.client_references import Wanted, names_in, references_in
from estui.formats.pem import certificate_pem
from estui.model.reference import ReferenceKind
from estui.pki.authority import create_authority
from estui.pki.facts import certificate_facts
from tests.unit.pki.samples import NOW, authority_request, key

CERTIFICATE = create_authority(authority_request(), key=key(0), serial=1, now=NOW)
OTHER = create_authority(authority_request(), key=key(1), serial=2, now=NOW)
FACTS = certificate_facts(CERTIFICATE)
WANTED = Wanted({FACTS.sha256: "http"}, {FACTS.key_sha256: "http"}, frozenset({"es1.example:9200", "[::1]:9201"}))
PEM = certificate_pem(CERTIFICATE)
COLONS = ":".join(FACTS.sha256[at : at + 2] for at in range(0, 64, 2)).upper()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (PEM, 1),
        (b"# bundle\n" + certificate_pem(OTHER) + PEM, 2 + certificate_pem(OTHER).count(b"\n")),
        (b"ssl:\n  ca: |\n" + b"".join(b"    " + each + b"\n" for each in PEM.splitlines()), 3),
        (b'ca: "' + PEM.replace(b"\n", b"\\n") + b'"\n', 1),
        (b"data:\n  ca.crt: " + base64.b64encode(PEM) + b"\n", 2),
    ],
    ids=["file", "second of a bundle", "block in yml", "one line", "kubernetes secret"],
)
def test_an_embedded_certificate_is_found_with_its_line(content: bytes, line: int) -> None:
    assert list(references_in(content, WANTED)) == [(ReferenceKind.CERTIFICATE, line, "http")]


def test_a_der_file_is_found() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    der = CERTIFICATE.public_bytes(Encoding.DER)
    assert list(references_in(der, WANTED)) == [(ReferenceKind.CERTIFICATE, 0, "http")]


@pytest.mark.parametrize(
    "text", [FACTS.sha256, COLONS, base64.b64encode(bytes.fromhex(FACTS.key_sha256)).decode()], ids=["hex", ":", "key"]
)
def test_a_fingerprint_is_found_in_each_of_its_forms(text: str) -> None:
    content = f"a: 1\nca_trusted_fingerprint: {text}\n".encode()
    assert list(references_in(content, WANTED)) == [(ReferenceKind.FINGERPRINT, 2, "http")]


@pytest.mark.parametrize(
    "url", ["http://es1.example:9200", "HTTP://user:pw@ES1.example:9200/x", "http://[::1]:9201", "http://es1.example/"]
)
def test_plain_urls_of_the_cluster_are_found_without_their_login(url: str) -> None:
    ((kind, line, what),) = references_in(f"x\nhosts => ['{url}']".encode(), WANTED)
    assert (kind, line) == (ReferenceKind.PLAIN_URL, 2)
    assert "pw" not in what


@pytest.mark.parametrize(
    "content",
    [
        certificate_pem(OTHER),
        b"https://es1.example:9200 http://es2.example:9200 http://es1.example:9201",
        FACTS.sha256[:-1].encode(),
        (FACTS.sha256 + "ab").encode(),
        b"",
        b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        b"\xfe\xed\xfe\xed\x00\x00",
    ],
    # certificates are made anew in each process: their bytes are no names
    ids=["another CA", "https", "short digest", "long digest", "empty", "broken PEM", "broken JKS"],
)
def test_others_are_left_alone(content: bytes) -> None:
    assert list(references_in(content, WANTED)) == []


PATHS = {"/etc/logstash/certs/ca.crt": "http"}


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ('cacert => "/etc/logstash/certs/ca.crt"', "/mnt/x/pipeline.conf"),
        ("ca: certs/ca.crt", "/mnt/x/a.yml"),
        ("ca: ${path.config}/certs/ca.crt", "/mnt/x/a.yml"),
        ("ca: C:\\logstash\\certs\\ca.crt", "/mnt/x/a.yml"),
        ("curl --cacert=ca.crt", "/etc/logstash/run.sh"),
    ],
)
def test_a_name_of_the_file_is_found(line: str, file: str) -> None:
    found = list(names_in(f"# x\n{line}\n".encode(), PATHS, file))
    assert found == [(ReferenceKind.PATH, 2, "/etc/logstash/certs/ca.crt")]


@pytest.mark.parametrize(
    ("line", "file"),
    [("ca: other/ca.crt", "/etc/logstash/a.yml"), ("ca: ca.crt", "/srv/a.yml"), ("ca: certs/xca.crt", "/srv/a.yml")],
)
def test_a_file_of_the_same_name_elsewhere_is_another_one(line: str, file: str) -> None:
    assert list(names_in(line.encode(), PATHS, file)) == []
