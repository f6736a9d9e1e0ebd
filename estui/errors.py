"""The tree of everything a user can be told.

EstuiError
  UsageError        the request makes no sense
  SettingsError     a yml cannot be read or edited
  StoreError        a PEM, PKCS#12 or secure-settings file cannot be read
  CertificateError  issuing or chain building failed
  PlanError         no plan can be made; StalePlanError: what was reviewed is no longer there
  ApplyError        applying failed; says what was done
  LockedError       who holds the lock, since when
  ProbeError        no verdict from a node
  VerificationError applied, but some proof failed
  WaitingError      an unfinished run, or a person, has to act first
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Location:
    """Where something is wrong: a file, and where known its line (from 1) and key."""

    path: str
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        key = f": {self.key}" if self.key else ""
        return f"{self.path}{line}{key}"


class EstuiError(Exception):
    """Base of everything a user can be told.

    `summary` says what is wrong in one line, `hint` what to type or change next, `reasons` lists several
    failures that are told together.
    """

    def __init__(
        self,
        summary: str,
        *,
        hint: str = "",
        location: Location | None = None,
        reasons: tuple[str, ...] = (),
    ) -> None:
        super().__init__(summary)
        self.summary = summary
        self.hint = hint
        self.location = location
        self.reasons = reasons

    def __str__(self) -> str:
        return f"{self.location}: {self.summary}" if self.location else self.summary

    def lines(self) -> list[str]:
        """The message as both front ends show it."""
        shown = [str(self), *(f"  - {reason}" for reason in self.reasons)]
        if self.hint:
            shown.append(f"hint: {self.hint}")
        return shown


class UsageError(EstuiError):
    """The request makes no sense."""


class SettingsError(EstuiError):
    """A yml cannot be read or edited."""


class StoreError(EstuiError):
    """A PEM, PKCS#12 or secure-settings file cannot be read."""


class CertificateError(EstuiError):
    """Issuing a certificate or building a chain failed."""


class PlanError(EstuiError):
    """No plan can be made."""


class StalePlanError(PlanError):
    """What was reviewed is no longer what is there."""


class ApplyError(EstuiError):
    """Applying failed; the message says what was done."""


class LockedError(EstuiError):
    """Somebody else is at work; the message says who and since when."""


class ProbeError(EstuiError):
    """A node gave no verdict."""


class VerificationError(EstuiError):
    """Everything was applied, but some proof failed."""


class WaitingError(EstuiError):
    """An unfinished run, or a person, has to act first."""
