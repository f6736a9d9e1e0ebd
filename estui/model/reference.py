"""What a search through the files of clients found: places that still mean the old CA, or plain HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ReferenceKind(StrEnum):
    """How a file means a CA or the cluster."""

    CERTIFICATE = "certificate"
    """It holds the CA's certificate: as PEM, DER, base64, or in a JKS store."""
    FINGERPRINT = "fingerprint"
    PATH = "path"
    """It names a file that holds the certificate."""
    PLAIN_URL = "plain url"
    """It names an HTTP address of the cluster by `http://`."""


@dataclass(frozen=True)
class Reference:
    """One place. Never the line itself: it may hold a password."""

    kind: ReferenceKind
    file: str
    line: int
    """From 1; 0 where the file is no text."""
    what: str
    """Name of the CA, or the file or address that is named."""


@dataclass(frozen=True)
class SearchResult:
    """Everything that a search found, and how far it looked."""

    references: tuple[Reference, ...]
    files: int
    """How many were read."""
    stores: tuple[str, ...] = ()
    """PKCS#12 stores, which are closed: what they hold has to be looked for by hand."""
    unread: tuple[str, ...] = ()
    """Files and folders that could not be read."""
    large: tuple[str, ...] = ()
    """Files that are too large to be a configuration."""
    cut: bool = False
    """Whether it ended early, for the number of files or of places."""
