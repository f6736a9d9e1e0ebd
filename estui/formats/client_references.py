"""Places in a client's file that mean a CA or plain HTTP: certificates in whatever wrapping, fingerprints, names of
files, URLs. Which CA, files and addresses are looked for is given; where the files lie is left to others.

The lines themselves are never passed on: they may hold passwords.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding

from estui.errors import StoreError
from estui.formats.jks import is_jks, read_jks
from estui.model.reference import ReferenceKind

_PEM = re.compile(
    rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.{1,20000}?)-----END (?:TRUSTED |X509 )?CERTIFICATE-----",
    re.DOTALL,
)
_NOT_BASE64 = re.compile(rb"\\[nrt]|[^A-Za-z0-9+/=]")
_WRAPPED = re.compile(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/\r\n]{200,60000}={0,2}")
"""A PEM file as base64, as Kubernetes secrets hold it."""
_HEX = re.compile(rb"(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:])")
_BASE64_DIGEST = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=(?![A-Za-z0-9+/=])")
_URL = re.compile(
    rb"http://(?:[^\s/@\"']{1,200}@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.IGNORECASE
)
_NAME = re.compile(rb"[^\s\"'`=,;:<>|()\[\]{}]{3,1000}")
_DEFAULT_PORT = "9200"


@dataclass(frozen=True)
class Wanted:
    """What is looked for."""

    authorities: Mapping[str, str]
    """Name of each CA by the SHA-256 of its certificate, lower-case hex."""
    keys: Mapping[str, str]
    """The same by the SHA-256 of its public key, as `ca_sha256` of Beats pins it."""
    addresses: frozenset[str] = frozenset()
    """`host:port` of the cluster's HTTP layer, lower-case."""


Found = tuple[ReferenceKind, int, str]
"""Kind, line, and what was found."""


def references_in(content: bytes, wanted: Wanted) -> Iterator[Found]:
    """Certificates, fingerprints and URLs in the content of one file, by line."""
    if is_jks(content):
        yield from _stored(content, wanted)
        return
    name = wanted.authorities.get(hashlib.sha256(content).hexdigest())
    if name:
        yield ReferenceKind.CERTIFICATE, 0, name
    if b"\0" in content[:4096]:
        return
    yield from _certificates(content, wanted)
    yield from _fingerprints(content, wanted)
    for found in _URL.finditer(content):
        address = f"{found[1].decode().lower()}:{(found[2] or _DEFAULT_PORT.encode()).decode()}"
        if address in wanted.addresses:
            yield ReferenceKind.PLAIN_URL, _line(content, found.start()), f"http://{address}"


def _certificates(content: bytes, wanted: Wanted) -> Iterator[Found]:
    for found in _PEM.finditer(content):
        der = _decoded(_NOT_BASE64.sub(b"", found[1]))
        name = wanted.authorities.get(hashlib.sha256(der).hexdigest())
        if name:
            yield ReferenceKind.CERTIFICATE, _line(content, found.start()), name
    for found in _WRAPPED.finditer(content):
        for kind, _, name in _certificates(_decoded(_NOT_BASE64.sub(b"", found[0])), wanted):
            yield kind, _line(content, found.start()), name


def _fingerprints(content: bytes, wanted: Wanted) -> Iterator[Found]:
    for found in _HEX.finditer(content):
        name = wanted.authorities.get(found[0].replace(b":", b"").decode().lower())
        if name:
            yield ReferenceKind.FINGERPRINT, _line(content, found.start()), name
    for found in _BASE64_DIGEST.finditer(content):
        name = wanted.keys.get(_decoded(found[0]).hex())
        if name:
            yield ReferenceKind.FINGERPRINT, _line(content, found.start()), name


def names_in(content: bytes, paths: Mapping[str, str], file: str) -> Iterator[Found]:
    """Names of files in the content of `file`, by line: `paths` are the absolute ones that are looked for, each with
    the name of the CA that it holds.

    A name counts whose last two parts are those of a path that is known (`certs/ca.crt`); a bare one only where `file`
    lies in the same folder or above it.
    """
    if b"\0" in content[:4096]:
        return
    ends = {posixpath.basename(path).encode() for path in paths}
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not any(end in line for end in ends):
            continue
        for token in _NAME.findall(line):
            path = _meant(token.decode("utf-8", "replace"), paths, file)
            if path:
                yield ReferenceKind.PATH, number, path
                break


def _meant(token: str, paths: Mapping[str, str], file: str) -> str:
    """The known path that a word means, or nothing. Folders may be mounted elsewhere, so the last two parts decide."""
    parts = [part for part in token.replace("\\", "/").split("/") if part not in ("", ".")]
    home = posixpath.dirname(file)
    for path in paths:
        folder = posixpath.dirname(path)
        near = len(parts) > 1 or folder == home or folder.startswith(f"{home}/")
        if near and parts and path.split("/")[-len(parts) :][-2:] == parts[-2:]:
            return path
    return ""


def _stored(content: bytes, wanted: Wanted) -> Iterator[Found]:
    """Certificates of a JKS store, which lie open in it."""
    try:
        entries = read_jks(content, "store").entries
    except StoreError:
        return
    for entry in entries:
        for certificate in entry.certificates:
            digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
            if digest in wanted.authorities:
                yield ReferenceKind.CERTIFICATE, 0, wanted.authorities[digest]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        return b""


def _line(content: bytes, offset: int) -> int:
    return content.count(b"\n", 0, offset) + 1
