"""A run: the steps of a run-book, their states and the evidence for them; and what `verify` proved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StepKind(StrEnum):
    """What a step does."""

    PREPARE = "prepare"
    ALLOCATION_OFF = "allocation-off"
    STOP = "stop"
    COMMIT = "commit"
    START = "start"
    RESTART = "restart"
    FIRST_LOGIN = "first-login"
    CLUSTER = "cluster"
    ALLOCATION_ON = "allocation-on"
    PASSWORDS = "passwords"
    REMOVE_LOGIN = "remove-login"
    RELOAD = "reload"
    """Secure settings that nodes read again while they run."""
    GRANT = "grant"
    """Users and roles of clients, through the API."""
    TOKENS = "tokens"
    """Tokens of service accounts are taken back, in an undo."""
    UNDO = "undo"
    VERIFY = "verify"


class StepState(StrEnum):
    """Where a step stands: its last journal record."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Step:
    """One step of a run-book, made before anything is done so that it can be printed."""

    id: str
    kind: StepKind
    title: str
    targets: tuple[str, ...] = ()
    stage: str = ""
    gate: str = ""
    """In words: what must hold before the next step."""


@dataclass(frozen=True)
class Evidence:
    """One observation that a gate rests on. `at` is ISO 8601 in UTC."""

    at: str
    target: str
    text: str
    ok: bool = True


@dataclass(frozen=True)
class StepRecord:
    """State of one step as the journal has it."""

    step: Step
    state: StepState
    evidence: tuple[Evidence, ...] = ()
    detail: str = ""
    """Why it failed or what it waits for."""


class RunPhase(StrEnum):
    """Where a whole run stands."""

    PREPARING = "preparing"
    WAITING = "waiting"
    """Between two steps: a person, or a gate, has to act."""
    INTERRUPTED = "interrupted"
    """The journal announces an act without its result."""
    DONE = "done"
    ROLLED_BACK = "rolled back"
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class RunState:
    """A run as its journal tells it."""

    id: str
    kind: str
    """`apply` or `rollback`."""
    phase: RunPhase
    records: tuple[StepRecord, ...]
    started: str
    ended: str = ""
    detail: str = ""
    undoes: str = ""
    """The run that a rollback undoes."""

    @property
    def next(self) -> StepRecord | None:
        """The first step that is not done."""
        return next(
            (record for record in self.records if record.state not in (StepState.DONE, StepState.SKIPPED)), None
        )

    @property
    def unfinished(self) -> bool:
        return self.phase in (RunPhase.PREPARING, RunPhase.WAITING, RunPhase.INTERRUPTED)


@dataclass(frozen=True)
class StepChanged:
    """Event: a step changed its state."""

    step: Step
    state: StepState
    detail: str = ""


@dataclass(frozen=True)
class EvidenceSeen:
    """Event: something was observed for the step in hand."""

    step: str
    evidence: Evidence


@dataclass(frozen=True)
class Said:
    """Event: a line of progress."""

    text: str


Event = StepChanged | EvidenceSeen | Said


@dataclass(frozen=True)
class Proof:
    """One claim about one target, and what was seen for or against it."""

    target: str
    claim: str
    ok: bool
    evidence: str


@dataclass(frozen=True)
class Verdict:
    """All proofs of one verification."""

    proofs: tuple[Proof, ...]
    at: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.proofs) and all(proof.ok for proof in self.proofs)

    @property
    def failed(self) -> tuple[Proof, ...]:
        return tuple(proof for proof in self.proofs if not proof.ok)
