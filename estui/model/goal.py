"""What the operator wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from estui.model.inventory import StoreFormat
from estui.model.observed import Rung


class Scenario(StrEnum):
    """A rung to climb to, in the words of the command line."""

    MINIMAL = "minimal"
    BASIC = "basic"
    HTTPS = "https"
    MUTUAL = "mutual"

    @property
    def rung(self) -> Rung:
        return Rung(self.value)

    @property
    def label(self) -> str:
        return self.rung.label


@dataclass(frozen=True)
class Rotation:
    """New leaves from the same CAs, for managed sets that are there."""

    due_only: bool = False
    """Only what falls inside the renewal window of the policy."""
    sets: tuple[str, ...] = ()
    """`transport`, `http`, `server`; empty means every set that holds a leaf."""


@dataclass(frozen=True)
class Goal:
    """A scenario and how to reach it; with a rotation, new leaves on the rung that is there."""

    scenario: Scenario
    format: StoreFormat | None = None
    """None takes what is there, else the policy's."""
    only: tuple[str, ...] = ()
    """Targets to touch; empty means all."""
    expect_nodes: int | None = None
    """Stated number of nodes of a cluster that is down."""
    rotation: Rotation | None = None

    @property
    def label(self) -> str:
        """The goal in words, for titles."""
        return "new certificates, same CA" if self.rotation else self.scenario.label
