"""Certificate requests for an external CA, and the answers to them."""

from __future__ import annotations

from dataclasses import dataclass

from estui.model.certificate import CertificateFacts
from estui.model.plan import LeafRequest

CSR_FORMAT = 1
"""Number that `requests.json` and `answers.json` carry; a reader refuses a larger one."""


@dataclass(frozen=True)
class CsrEntry:
    """One request: what it asks for, and its key."""

    request: LeafRequest
    """`authority` is empty: who signs is not known yet."""
    stem: str
    """Beginning of the names of its files, such as `es-1-http`."""
    key_sha256: str
    """Of the SubjectPublicKeyInfo: what its certificate is recognised by."""
    needed: tuple[str, ...] = ()
    """Names that its certificate must have: all but loopback ones that nobody uses."""
    also: tuple[str, ...] = ()
    """Further sets of the target that read the same files, which can hold one leaf only."""

    @property
    def sets(self) -> tuple[str, ...]:
        """Every set that its certificate is for."""
        return (self.request.set_name, *self.also)

    @property
    def name(self) -> str:
        return f"{self.request.target} {' and '.join(self.sets)}"


@dataclass(frozen=True)
class CsrSet:
    """The requests of one export, as `requests.json` holds them."""

    id: str
    """Time and four hex digits, as of a run: sorts by time."""
    created: str
    entries: tuple[CsrEntry, ...]
    format: int = CSR_FORMAT


@dataclass(frozen=True)
class CsrAnswer:
    """The certificate that came back for one request."""

    stem: str
    authority: str
    """Name in the workspace of the CA at the end of its chain."""
    file: str
    """Leaf and intermediates, PEM, in the folder of the set."""
    sha256: str
    """Of the leaf."""


@dataclass(frozen=True)
class CsrAnswers:
    """What `answers.json` holds: written last, so that what it does not name was never imported."""

    at: str
    answers: tuple[CsrAnswer, ...]
    format: int = CSR_FORMAT


@dataclass(frozen=True)
class Received:
    """A certificate that came back, and the file that it came in."""

    facts: CertificateFacts
    file: str
    position: int = 0
    """Place in its file, from 0."""
