"""What ends when: certificates wherever they were seen, the first to end first, and what could not be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExpiryState(StrEnum):
    """How a certificate stands. From `due` on somebody has to look."""

    OK = "ok"
    DUE = "due"
    """Inside the time before its end at which it is renewed."""
    UNKNOWN = "unknown"
    """It could not be looked at: a port, folder or file that did not answer, or a password that is missing."""
    CRITICAL = "critical"
    NOT_YET_VALID = "not yet valid"
    EXPIRED = "expired"

    @property
    def is_bad(self) -> bool:
        """Whether peers refuse it now or very soon."""
        return self in (ExpiryState.CRITICAL, ExpiryState.NOT_YET_VALID, ExpiryState.EXPIRED)


class Holder(StrEnum):
    """Who has a certificate."""

    NODE = "node"
    KIBANA = "kibana"
    BEAT = "beat"
    WORKSPACE = "workspace"


class Where(StrEnum):
    """How a certificate was seen."""

    DISK = "disk"
    """In a PEM file, as a leaf or in its chain."""
    STORE = "store"
    """In a PKCS#12 keystore, likewise."""
    TRUST = "trust"
    """As a CA that is trusted, in a file or a truststore."""
    SERVED = "served"
    """In the chain that a port sent in a fresh handshake."""
    LISTED = "listed"
    """In the node's own list of its files (`GET /_ssl/certificates`): also entries that nothing uses."""


@dataclass(frozen=True)
class ListedCertificate:
    """One entry of `GET /_ssl/certificates`, which a node reads from its own files when it is asked."""

    path: str
    """As written in the yml."""
    format: str
    """`PEM`, `PKCS12`, `jks`."""
    subject: str
    issuer: str
    """Empty where the version does not tell it."""
    serial: int
    not_after: datetime
    alias: str = ""
    has_private_key: bool = False


@dataclass(frozen=True)
class NodeList:
    """What one node lists, or why it does not."""

    certificates: tuple[ListedCertificate, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Sighting:
    """One place where a certificate is."""

    target: str
    context: str
    """`transport`, `http`, `server`, `elasticsearch`, `output`, `realm/ldap/ldap1`, …; `ca` for the workspace's."""
    where: Where
    place: str = ""
    """The file as it is named in the folder, or the address."""


@dataclass(frozen=True)
class ExpiryRow:
    """One certificate of one kind of holder, and everywhere it was seen; or one thing that could not be looked at."""

    state: ExpiryState
    holder: Holder
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    """Lower-case hex."""
    sha256: str = ""
    """Empty where only a node's own list tells of it."""
    not_before: datetime | None = None
    not_after: datetime | None = None
    days_left: int | None = None
    """Whole days; negative once it has ended."""
    is_ca: bool = False
    seen: tuple[Sighting, ...] = ()
    detail: str = ""
    """What could not be looked at, and why."""


@dataclass(frozen=True)
class Looked:
    """A target, and whether all of it could be looked at."""

    target: str
    complete: bool


@dataclass(frozen=True)
class ExpiryReport:
    """Everything of one cluster that ends, at one time."""

    cluster: str
    at: datetime
    warn_days: int
    critical_days: int
    state: ExpiryState
    """The worst of the rows."""
    rows: tuple[ExpiryRow, ...]
    """What ends first comes first; what could not be looked at, last."""
    targets: tuple[Looked, ...] = ()

    def count(self, *states: ExpiryState) -> int:
        """How many rows stand so."""
        return sum(row.state in states for row in self.rows)

    @property
    def certificates(self) -> tuple[ExpiryRow, ...]:
        """Rows that are certificates."""
        return tuple(row for row in self.rows if row.not_after is not None)
