"""JKS and JCEKS stores, recognised and listed: aliases and certificates lie in clear in them.

Reads without a password and therefore checks no digest; private keys stay closed. Layout: `sun.security.provider.
JavaKeyStore.engineLoad` and `com.sun.crypto.provider.JceKeyStore` of the JDK.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from cryptography import x509

from estui.errors import Location, StoreError
from estui.formats.pem import parse_certificate
from estui.formats.pkcs12 import JKS_MAGICS

_KEY, _TRUSTED = 1, 2
"""Tags of entries; 3 is a secret key of JCEKS, a serialized Java object of unknown length."""
_MOST_ENTRIES = 10_000
_VERSIONS = (1, 2)


@dataclass(frozen=True)
class JksEntry:
    """One entry: a private key, which stays closed, with its chain, leaf first; or one trusted certificate."""

    alias: str
    is_key: bool
    certificates: tuple[x509.Certificate, ...]


@dataclass(frozen=True)
class JksContent:
    """Entries in file order."""

    entries: tuple[JksEntry, ...]
    complete: bool
    """False where an entry that cannot be passed over (a secret key) hides those behind it."""


def is_jks(content: bytes) -> bool:
    """Whether the first bytes are those of a JKS or JCEKS store."""
    return content.startswith(JKS_MAGICS)


def convert_command(path: str) -> str:
    """The `keytool` line that makes a PKCS#12 store of a JKS store; it asks for the passwords."""
    target = path.removesuffix(".jks") + ".p12"
    return (
        f"keytool -importkeystore -srckeystore {shlex.quote(path)} -destkeystore {shlex.quote(target)} "
        "-deststoretype pkcs12"
    )


def read_jks(content: bytes, path: str) -> JksContent:
    """What a store holds, without its password. Raises StoreError: another kind of file, cut off or damaged."""
    if not is_jks(content):
        raise StoreError("is not a JKS store", location=Location(path))
    reader = _Reader(content, path)
    reader.skip(4)
    version, count = reader.number(4), reader.number(4)
    if version not in _VERSIONS or count > _MOST_ENTRIES:
        raise reader.damaged()
    entries: list[JksEntry] = []
    for _ in range(count):
        tag, alias = reader.number(4), reader.text()
        reader.skip(8)  # when it was made
        if tag == _KEY:
            reader.skip(reader.number(4))
            chain = tuple(reader.certificate(version) for _ in range(min(reader.number(4), _MOST_ENTRIES)))
            entries.append(JksEntry(alias, True, chain))
        elif tag == _TRUSTED:
            entries.append(JksEntry(alias, False, (reader.certificate(version),)))
        else:
            return JksContent(tuple(entries), complete=False)
    return JksContent(tuple(entries), complete=True)


class _Reader:
    """Big-endian values one after the other, as `DataInputStream` reads them."""

    def __init__(self, content: bytes, path: str) -> None:
        self._content = content
        self._path = path
        self._at = 0

    def damaged(self) -> StoreError:
        return StoreError("is a damaged JKS store", location=Location(self._path))

    def skip(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._content):
            raise self.damaged()
        found = self._content[self._at : end]
        self._at = end
        return found

    def number(self, length: int) -> int:
        return int.from_bytes(self.skip(length), "big")

    def text(self) -> str:
        """Modified UTF-8, which differs from UTF-8 only beyond what an alias has."""
        return self.skip(self.number(2)).decode(errors="replace")

    def certificate(self, version: int) -> x509.Certificate:
        if version == 2:
            self.text()  # the kind, always X.509
        return parse_certificate(self.skip(self.number(4)), self._path)
