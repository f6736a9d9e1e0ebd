"""What a bug report needs to know of a workspace and its cluster. No secret is in it."""

from __future__ import annotations

from dataclasses import dataclass

from estui.model.finding import Finding

SUPPORT_FORMAT = 1
"""Number that the bundle carries."""


@dataclass(frozen=True)
class SupportFile:
    """One name of a folder: what it is, never what is in it."""

    path: str
    kind: str
    mode: str
    """Octal, such as `0640`."""
    owner: str
    """`uid:gid`."""
    size: int


@dataclass(frozen=True)
class SupportPort:
    """One TLS layer: what its files and its port say."""

    layer: str
    address: str
    answer: str
    certificate: str
    on_disk: str


@dataclass(frozen=True)
class SupportTarget:
    """One node, Kibana or Beat."""

    target: str
    folder: str
    version: str
    state: str
    """The rung of a node, the status of Kibana."""
    settings: tuple[tuple[str, str], ...]
    """Names, and the values of those that are harmless."""
    ports: tuple[SupportPort, ...]
    files: tuple[SupportFile, ...]


@dataclass(frozen=True)
class SupportRun:
    """One run of the workspace, and where it stopped."""

    id: str
    kind: str
    phase: str
    began: str
    ended: str
    detail: str
    step: str
    """The first step that is not done, with its state and why."""


@dataclass(frozen=True)
class SupportBundle:
    """Everything. Times are ISO 8601 in UTC."""

    format: int
    at: str
    versions: tuple[tuple[str, str], ...]
    workspace: tuple[tuple[str, str], ...]
    """What `estui.yaml` says, and which CAs there are."""
    unread: tuple[str, ...]
    """What could not be looked at, and why."""
    targets: tuple[SupportTarget, ...]
    findings: tuple[Finding, ...]
    runs: tuple[SupportRun, ...]
    defects: tuple[str, ...]
    """Reports that defects of estui left, which hold no values."""
