"""A certificate or key file of others, opened with whichever of several passwords fits.

Owns the order of trying and the words when none fits. Which passwords there are is the caller's matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from estui.errors import Location, StoreError
from estui.formats.pem import PrivateKey, load_certificates, load_private_key, parse_private_key, split_pem
from estui.formats.pkcs12 import read_pkcs12
from estui.model.certificate import CertificateFacts
from estui.observe.certificates import format_of
from estui.pki.facts import certificate_facts
from estui.secret import Secret

Passwords = Mapping[str, Secret]
"""Values by the setting or option that has them."""
T = TypeVar("T")


@dataclass(frozen=True)
class Opened:
    """All certificates and private keys of a file."""

    certificates: tuple[CertificateFacts, ...] = ()
    """Each once; in a store those with a key first."""
    keys: tuple[PrivateKey, ...] = field(default=(), repr=False)
    clear: bool = False
    """Whether its keys can be read without a password."""
    locked: bool = False
    """Whether a key in it stayed closed."""


def open_file(content: bytes, path: str, passwords: Passwords) -> Opened:
    """Certificates and keys of a PKCS#12, PEM or DER file, opened without a password or with the first that fits.

    Raises StoreError: JKS (with the command that converts it), empty, damaged, or no password fits; then the hint
    says which were tried.
    """
    if not content:
        raise StoreError("is empty", location=Location(path))
    kind = format_of(content)
    if kind in ("PKCS12", "JKS"):
        return _open_pkcs12(content, path, passwords)
    if kind == "DER":
        return _open_der(content, path)
    return _open_pem(content, path, passwords)


def tried(passwords: Passwords) -> tuple[str, ...]:
    """What was tried, in the words of a message."""
    return ("no password", *passwords)


def _open_pkcs12(content: bytes, path: str, passwords: Passwords) -> Opened:
    store, clear = _first_that_fits(partial(read_pkcs12, content, path=path), passwords)
    if store is None:
        raise _locked("wrong password or damaged store", path, passwords)
    certificates = [each for entry in store.keys for each in (entry.leaf, *entry.chain) if each is not None]
    certificates += [certificate for _, certificate in store.trusted]
    facts = tuple(dict.fromkeys(certificate_facts(certificate) for certificate in certificates))
    return Opened(facts, tuple(entry.key for entry in store.keys if entry.key is not None), clear)


def _open_der(content: bytes, path: str) -> Opened:
    try:
        return Opened(tuple(certificate_facts(each) for each in load_certificates(content, path)))
    except StoreError:
        return Opened(keys=(parse_private_key(content, None, path),), clear=True)


def _open_pem(content: bytes, path: str, passwords: Passwords) -> Opened:
    blocks = split_pem(content, path)
    private = [block for block in blocks if block.is_private_key]
    has_certificate = any("CERTIFICATE" in block.label and "REQUEST" not in block.label for block in blocks)
    facts: tuple[CertificateFacts, ...] = ()
    if has_certificate:
        facts = tuple(dict.fromkeys(certificate_facts(each) for each in load_certificates(content, path)))
    if not facts and not private:
        raise StoreError("holds neither a certificate nor a key", location=Location(path))
    opened = [_first_that_fits(partial(load_private_key, block.text, path=path), passwords) for block in private]
    keys = tuple(key for key, _ in opened if key is not None)
    if private and not keys and not facts:
        raise _locked("wrong or missing passphrase of the private key", path, passwords)
    return Opened(facts, keys, clear=all(clear for _, clear in opened), locked=len(keys) < len(private))


def _first_that_fits(load: Callable[[Secret | None], T], passwords: Passwords) -> tuple[T | None, bool]:
    """What `load` gives without a password, else with the first that fits; and whether it took none."""
    for password in (None, *dict.fromkeys(passwords.values())):
        try:
            return load(password), not password
        except StoreError as exc:
            if not exc.summary.startswith(("wrong pass", "the private key is encrypted")):
                raise
    return None, False


def _locked(summary: str, path: str, passwords: Passwords) -> StoreError:
    return StoreError(summary, hint=f"tried: {', '.join(tried(passwords))}", location=Location(path))
