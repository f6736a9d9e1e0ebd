"""What a run did, for whoever files it: what was changed where and by whom, and what it rests on. No secret is in it.

`present/report.py` puts it in words; as JSON it is the run's `report.json`.
"""

from __future__ import annotations

from dataclasses import dataclass

from estui.model.run import Evidence

REPORT_FORMAT = 2
"""Number that `report.json` carries."""


@dataclass(frozen=True)
class FileImage:
    """How one name looked: a digest of its bytes, owner and mode; never its content."""

    kind: str
    """`file`, `link`, `absent`."""
    sha256: str = ""
    mode: str = ""
    """Octal, such as `0640`."""
    uid: int = 0
    gid: int = 0
    link: str = ""


@dataclass(frozen=True)
class FileChange:
    """One name that a run switched."""

    target: str
    path: str
    before: FileImage
    after: FileImage
    kept: str = ""
    """Where the replaced file is kept on the target, relative to the configuration folder."""


@dataclass(frozen=True)
class LeafFacts:
    """The certificates of one TLS context, as its files held them."""

    target: str
    set_name: str
    subject: str
    issuer: str
    serial: str
    """Hex digits."""
    sha256: str
    not_after: str
    trusted: tuple[str, ...] = ()
    """SHA-256 of the CAs that it trusts."""


@dataclass(frozen=True)
class LeafChange:
    """One TLS context before and after a run; None where it had no certificate, or nobody looked."""

    target: str
    set_name: str
    before: LeafFacts | None
    after: LeafFacts | None

    @property
    def is_changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class StepReport:
    """One step, with its times."""

    id: str
    title: str
    targets: tuple[str, ...]
    gate: str
    state: str
    began: str
    ended: str
    detail: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class AuditEntry:
    """One line of the workspace's audit that belongs to the run."""

    at: str
    who: str
    what: str


@dataclass(frozen=True)
class RunReport:
    """A whole run. Times are ISO 8601 in UTC."""

    format: int
    estui: str
    workspace: str
    cluster: str
    cluster_uuid: str
    run: str
    kind: str
    """`apply` or `rollback`."""
    undoes: str
    goal: str
    restart: str
    phase: str
    detail: str
    began: str
    ended: str
    people: tuple[str, ...]
    """`name on host`, in the order in which they went on with the run."""
    files: tuple[FileChange, ...]
    leaves: tuple[LeafChange, ...]
    steps: tuple[StepReport, ...]
    proofs: tuple[Evidence, ...]
    """Of the last verification."""
    audit: tuple[AuditEntry, ...]
    journal_sha256: str
    """Of the journal that this was made from."""
