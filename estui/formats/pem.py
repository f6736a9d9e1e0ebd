"""PEM and DER files: certificates and private keys, bytes to values and back.

Owns the framing and the error texts; what a certificate says is `pki/facts.py`, whether a chain holds `pki/chain.py`.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

from estui.errors import Location, StoreError, UsageError
from estui.formats import pbes2
from estui.formats.derivations import check_rounds
from estui.secret import Secret

PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | dsa.DSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)
"""A private key that can stand behind a certificate; Elasticsearch takes the first two kinds only."""

_END = re.compile(rb"-----END [A-Z0-9 ]+-----")
_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----[ \t]*$")
_DEK_INFO = re.compile(rb"^DEK-Info:[ \t]*(?P<cipher>[A-Za-z0-9-]+),[ \t]*(?P<iv>[0-9A-Fa-f]*)", re.MULTILINE)
_CERTIFICATE_LABELS = ("CERTIFICATE", "X509 CERTIFICATE")
_DER_SEQUENCE = 0x30


@dataclass(frozen=True)
class PemBlock:
    """One block of a PEM file; `line` (from 1) is that of its BEGIN line."""

    label: str
    der: bytes = field(repr=False)
    """The decoded body; still encrypted where `is_encrypted`."""
    line: int
    text: bytes = field(repr=False)
    """The block as it stands in the file, from BEGIN to END."""

    @property
    def is_private_key(self) -> bool:
        return self.label.endswith("PRIVATE KEY")

    @property
    def is_encrypted(self) -> bool:
        """PKCS#8 says so in its label, the older kinds in a header (RFC 1421 §4.6.1.1)."""
        return self.label.startswith("ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in self.text


def split_pem(content: bytes, path: str) -> list[PemBlock]:
    """Blocks in file order; text around them is allowed (RFC 7468 §5.2).

    Raises StoreError: a block without its END line, or whose body is no base64.
    """
    blocks: list[PemBlock] = []
    lines = content.splitlines()
    at = 0
    while at < len(lines):
        begin = _BEGIN.match(lines[at])
        if begin is None:
            at += 1
            continue
        end_line = b"-----END " + begin.group(1) + b"-----"
        end = next((n for n in range(at + 1, len(lines)) if lines[n].rstrip() == end_line), None)
        label = begin.group(1).decode()
        if end is None:
            raise StoreError(f"{label} block has no END line", location=Location(path, at + 1))
        der = _body(lines[at + 1 : end], label, Location(path, at + 1))
        blocks.append(PemBlock(label, der, at + 1, b"\n".join(lines[at : end + 1]) + b"\n"))
        at = end + 1
    return blocks


def load_certificates(content: bytes, path: str) -> list[x509.Certificate]:
    """Certificates of a PEM file in file order, or the one of a DER file; other blocks are passed over.

    Raises StoreError: none in it, or one that cannot be parsed.
    """
    if content[:1] == bytes([_DER_SEQUENCE]):
        return [parse_certificate(content, path)]
    blocks = split_pem(content, path)
    found = [parse_certificate(block.der, path, block.line) for block in blocks if block.label in _CERTIFICATE_LABELS]
    if not found:
        held = ", ".join(dict.fromkeys(block.label for block in blocks))
        hint = f"it holds: {held}" if held else "a PEM certificate starts with -----BEGIN CERTIFICATE-----"
        raise StoreError("holds no certificate", hint=hint, location=Location(path))
    return found


def parse_certificate(der: bytes, path: str, line: int | None = None) -> x509.Certificate:
    """One certificate from its DER. Raises StoreError: cannot be parsed."""
    try:
        with tolerating_odd_certificates():
            return x509.load_der_x509_certificate(der)
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as exc:
        raise StoreError(
            "a certificate is damaged, or has a form that RFC 5280 rules out (such as a negative serial)",
            hint="look at it with: openssl x509 -noout -text",
            location=Location(path, line),
        ) from exc


def is_named_issuer(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a certificate names another one as its issuer; never where a name of either cannot be read."""
    try:
        with tolerating_odd_certificates():
            return certificate.issuer == issuer.subject
    except ValueError:  # names are parsed when they are asked for
        return False


def load_private_key(content: bytes, password: Secret | None, path: str) -> PrivateKey:
    """The first private key of a PEM or DER file: PKCS#8, PKCS#1 or SEC 1, in clear or encrypted.

    `password` is not looked at where the key is in clear, as Elasticsearch does.
    Raises StoreError: none in it, password missing or wrong, damaged, or of a kind that cannot sign.
    """
    if content[:1] == bytes([_DER_SEQUENCE]):
        return parse_private_key(content, password, path)
    block = next((block for block in split_pem(content, path) if block.is_private_key), None)
    if block is None:
        raise StoreError("holds no private key", location=Location(path))
    place = Location(path, block.line)
    if block.is_encrypted and not password:
        raise StoreError("the private key is encrypted", hint="give its passphrase", location=place)
    secret = password.encode() if password and block.is_encrypted else None
    if password and block.label == "ENCRYPTED PRIVATE KEY":
        return parse_private_key(block.der, password, path, block.line)
    _require_whole_iv(block, place)
    with _key_errors(place, encrypted=block.is_encrypted):
        key = serialization.load_pem_private_key(block.text, secret)
    return _signing(key, place)


def _require_whole_iv(block: PemBlock, place: Location) -> None:
    """An older encrypted key names its cipher and initialisation vector in a header (RFC 1423 section 1.1).

    cryptography aborts in Rust, past every `except`, where that is shorter than the cipher's block.
    Raises StoreError.
    """
    named = _DEK_INFO.search(block.text)
    if named is not None and len(named["iv"]) < 2 * (8 if named["cipher"].startswith(b"DES") else 16):
        raise StoreError(
            "the encrypted private key is damaged: the vector in its DEK-Info line is cut",
            hint="take it from a backup, or make a new key",
            location=place,
        )


def parse_private_key(der: bytes, password: Secret | None, path: str, line: int | None = None) -> PrivateKey:
    """A private key from its DER, PKCS#8 in clear or encrypted, or an older kind in clear. Raises StoreError."""
    place = Location(path, line)
    secret = password.encode() if password else None
    if password:
        check_rounds(path, der)
        clear = pbes2.open_key(der, password)
        der, secret = (der, secret) if clear is None else (clear, None)
    with _key_errors(place, encrypted=bool(password)):
        try:
            key = serialization.load_der_private_key(der, secret)
        except TypeError as exc:
            # cryptography's way to say that a password is missing, or was given for a key in clear.
            if secret is None:
                raise StoreError("the private key is encrypted", hint="give its passphrase", location=place) from exc
            key = serialization.load_der_private_key(der, None)
    return _signing(key, place)


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """PEM text of one certificate, LF line ends."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def sealed_key_pem(key: PrivateKey, password: Secret, *, salt: bytes, iv: bytes) -> bytes:
    """PKCS#8 PEM of a private key that is kept or handed out: with as many rounds as are current (`pbes2.ROUNDS`).

    Raises UsageError: an empty password.
    """
    clear = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    body = base64.encodebytes(pbes2.seal_key(clear, password, salt=salt, iv=iv)).replace(b"\n", b"")
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return b"\n".join((b"-----BEGIN ENCRYPTED PRIVATE KEY-----", *lines, b"-----END ENCRYPTED PRIVATE KEY-----", b""))


def private_key_pem(key: PrivateKey, password: Secret | None = None) -> bytes:
    """PKCS#8 PEM of a private key, encrypted (PBES2, AES-256) where a password is given: one that the reader has at
    hand anyway, as a node its own, so that OpenSSL's 2,048 rounds do.

    Raises UsageError: an empty password.
    """
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        if not password:
            raise UsageError("a private key cannot be encrypted with an empty passphrase")
        encryption = serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


@contextmanager
def tolerating_odd_certificates() -> Iterator[None]:
    """Silences the warnings that cryptography gives for certificates it will refuse one day (such as serial 0), for
    names that are longer than X.520 has them, and for stores in BER.

    They are facts to show, not lines to print over a screen.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of which cryptography's own are
        yield


def _body(lines: list[bytes], label: str, place: Location) -> bytes:
    # Headers (RFC 1421), as encrypted keys of the older kinds have them, end at an empty line.
    body = [line.strip() for line in lines]
    if any(b":" in line for line in body) and b"" in body:
        body = body[body.index(b"") + 1 :]
    try:
        return base64.b64decode(b"".join(body), validate=True)
    except binascii.Error as exc:
        raise StoreError(f"{label} block is damaged: no base64", location=place) from exc


def refuse_tail(content: bytes, path: str) -> None:
    """Raises StoreError: a PEM file goes on behind its last block, so it is not what somebody meant to write."""
    ends = [match.end() for match in _END.finditer(content)]
    if ends and content[ends[-1] :].strip():
        line = content[: ends[-1]].count(b"\n") + 2
        raise StoreError(
            "something follows its last PEM block", location=Location(path, line), hint="cut it off, or copy it anew"
        )


@contextmanager
def _key_errors(place: Location, *, encrypted: bool) -> Iterator[None]:
    try:
        yield
    except UnsupportedAlgorithm as exc:
        raise StoreError("the private key is of an unknown kind", location=place) from exc
    except (ValueError, TypeError) as exc:
        if encrypted:
            raise StoreError(
                "wrong passphrase or damaged private key",
                location=place,
                hint="give the passphrase that it was encrypted with",
            ) from exc
        raise StoreError("the private key is damaged or of an unknown kind", location=place) from exc


def _signing(key: object, place: Location) -> PrivateKey:
    if isinstance(key, PrivateKey):
        return key
    raise StoreError("the private key cannot sign, so it belongs to no certificate", location=place)
