"""Secure settings of many nodes side by side: names and whether their values agree, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Agreement(StrEnum):
    """What the values of one entry are to one another."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing on some"
    OWN = "each its own"
    """Of one node's own files or first start: nothing to compare."""


@dataclass(frozen=True)
class SecureEntry:
    """One name and, for each node in order, a fingerprint of its value; empty where the node has none."""

    name: str
    fingerprints: tuple[str, ...]
    agreement: Agreement
    reloadable: bool
    """Whether running nodes take a new value up without a restart."""
    known: bool = True
    """False for a name that no node of ours knows; a plugin may."""


@dataclass(frozen=True)
class SecureFile:
    """The file of one node."""

    target: str
    present: bool
    protected: bool
    """It has a password of its own."""
    error: str = ""
    """Why it was not opened."""
    version: int | None = None


@dataclass(frozen=True)
class SecureTable:
    """All files and all entries."""

    files: tuple[SecureFile, ...]
    entries: tuple[SecureEntry, ...]

    @property
    def agrees(self) -> bool:
        """Whether every file could be opened and no entry is missing or different somewhere."""
        odd = (Agreement.DIFFERENT, Agreement.MISSING)
        return not any(file.error for file in self.files) and not any(e.agreement in odd for e in self.entries)
