"""A finding: something about a node or file that a person should know."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: `fatal` stops a node from starting or a plan from being made."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One observation by one rule; `where` is `file:line: key`, an endpoint, or empty."""

    rule: str
    severity: Severity
    target: str
    summary: str
    hint: str = ""
    where: str = ""
    effect: str = ""
    """What Elasticsearch (or Kibana, or the Beat) does about it."""
    title: str = ""
    """What the rule is about, in a few words."""
    fix: str = ""
    """The command of estui that puts it right, reviewed before it is applied; empty where there is none."""
