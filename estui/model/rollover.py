"""A rollover as it stands: phases that are done, clients that somebody has to look after."""

from __future__ import annotations

from dataclasses import dataclass

from estui.model.goal import Phase, Rollover

UNASKED = "unasked"
"""Id of the entry that stands for all clients, where the cluster could not be asked who they are."""
SEEN = "http "
"""What the ids of clients begin with that the nodes themselves tell of."""


@dataclass(frozen=True)
class Client:
    """Somebody who connects and whom estui cannot look into: an entry of the checklist."""

    id: str
    """Stable over polls: kind, address and agent."""
    text: str
    """Who it is, and what its owner has to do, in words."""
    last_seen: str = ""
    """Time of its last request, ISO 8601 in UTC; empty where it is not told."""
    ticked: str = ""
    """Who said that it is looked after, and when; empty while nobody did."""
    taken_back: str = ""
    """Who took the last tick back, and when; empty where none was, or where it is ticked again."""


@dataclass(frozen=True)
class DonePhase:
    """A phase and the run that did it."""

    phase: Phase
    run: str


@dataclass(frozen=True)
class RunToUndo:
    """A run on the way back, and what it switched."""

    run: str
    label: str
    """What it did, in words."""
    targets: tuple[str, ...]
    files: int
    """Names that it switched on all of them: files and links to sets."""


@dataclass(frozen=True)
class RolloverState:
    """One rollover of the workspace."""

    goal: Rollover
    """Its identity and its CAs; the phase is that of the last run."""
    done: tuple[DonePhase, ...] = ()
    clients: tuple[Client, ...] = ()

    @property
    def next_phase(self) -> Phase | None:
        """The phase after the last one that is done; None once the old CA is dropped.

        A phase with nothing to change was skipped: it has no run.
        """
        phases = self.goal.phases
        last = max((phases.index(each.phase) for each in self.done), default=-1)
        return phases[last + 1] if last + 1 < len(phases) else None

    @property
    def open(self) -> bool:
        """Whether it has begun and is not at its end."""
        return bool(self.done) and self.next_phase is not None

    @property
    def unticked(self) -> tuple[Client, ...]:
        return tuple(client for client in self.clients if not client.ticked)

    @property
    def ticked(self) -> tuple[Client, ...]:
        return tuple(client for client in self.clients if client.ticked)
