"""Owns how a node opens its `elasticsearch.keystore` at start, and what it changes about the file by itself."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from estui.errors import StoreError
from estui.formats.es_keystore import make_seed, read_header, read_secure_settings, write_secure_settings
from estui.secret import Secret

FILE = "elasticsearch.keystore"
NEWEST_FORMAT = 7
_MODE = 0o660
_INCORRECT = "Provided keystore password was incorrect"


class KeystoreError(Exception):
    """A keystore that stops the start: Java class and message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def open_secure_settings(config: Path, password: Secret | None) -> Mapping[str, bytes]:
    """Entries of the node's keystore; the file is created, raised to format 7 or given its seed where that is due.

    Raises KeystoreError: wrong password, unknown format, damaged or unreadable.
    Source: `KeyStoreWrapper.bootstrap` and `upgrade`, 9.1.0.
    """
    path = config / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        entries = {"keystore.seed": make_seed(secrets.choice).encode()}
        _write(path, entries, None)
        return entries
    except OSError as exc:
        raise KeystoreError("java.nio.file.AccessDeniedException", str(path)) from exc
    version, protected = _header(content, path)
    try:
        found = read_secure_settings(content, password, FILE)
    except StoreError as exc:
        kind = "java.lang.SecurityException"
        if protected:
            raise KeystoreError(kind, _INCORRECT) from exc
        raise KeystoreError(kind, "Keystore has been corrupted or tampered with") from exc
    entries = dict(found.entries)
    if version != NEWEST_FORMAT or "keystore.seed" not in entries:
        entries.setdefault("keystore.seed", make_seed(secrets.choice).encode())
        _write(path, entries, password if protected else None)
    return entries


def _header(content: bytes, path: Path) -> tuple[int, bool]:
    try:
        header = read_header(content, FILE)
    except StoreError as exc:
        text = str(exc)
        state = "java.lang.IllegalStateException"
        end = f"The Elasticsearch keystore [{path}] format is too"
        if "too old" in text:
            raise KeystoreError(state, f"{end} old. You should delete and recreate it in order to upgrade.") from exc
        if "newer" in text or "too new" in text:
            what = f"{end} new. Are you trying to downgrade? You should delete and recreate it in order to downgrade."
            raise KeystoreError(state, what) from exc
        raise KeystoreError(
            "org.apache.lucene.index.CorruptIndexException", "checksum failed (hardware problem?)"
        ) from exc
    return header.version, header.protected


def _write(path: Path, entries: Mapping[str, bytes], password: Secret | None) -> None:
    content = write_secure_settings(
        entries, version=NEWEST_FORMAT, password=password, salt=secrets.token_bytes(64), iv=secrets.token_bytes(12)
    )
    temporary = path.with_name(path.name + ".tmp")
    try:
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE), "wb") as file:
            os.fchmod(file.fileno(), _MODE)
            file.write(content)
        temporary.rename(path)
    except OSError as exc:
        raise KeystoreError(
            "org.elasticsearch.cli.UserException",
            f"unable to create temporary keystore at [{temporary}], write permissions required for [{path.parent}] or "
            "run [elasticsearch-keystore upgrade]",
        ) from exc
