"""Runs one target over mutated seeds and judges each input.

A failure is any exception other than the project's own, more than a second of processor time, or more than 200 MB of
memory. Inputs that lead to a new outcome, or (looked at now and then) to a new line of code, become seeds themselves.
"""

from __future__ import annotations

import gc
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType, TracebackType
from typing import Any

import estui
from estui.errors import EstuiError
from tests.fuzz.mutation import Mutator, mutate_bytes

SECONDS = 1.0
"""Processor time that an input may take: the machine may be busy with other things."""
MEMORY = 200 * 1024 * 1024
"""Bytes by which a process may grow."""
_TRACED = 61
"""Every how many inputs the lines are looked at, which takes ten times as long."""
_POOL, _LONGEST = 3000, 40 * 1024
_HOME = str(Path(estui.__file__).parent)

Kept = Callable[[bytes], None]


class Hang(BaseException):
    """An input takes too long; not an Exception, so that nothing in the way catches it."""


@dataclass(frozen=True)
class Target:
    """One parser. `run` raises an EstuiError for what it refuses; `repair` mends checksums that a mutation broke."""

    name: str
    seeds: Callable[[], Sequence[bytes]]
    run: Callable[[bytes], object]
    mutate: Mutator = mutate_bytes
    repair: Callable[[bytes], bytes] | None = None
    derives: bool = False
    """Every input pays for a key derivation."""


@dataclass(frozen=True)
class Failure:
    """What an input did wrong."""

    target: str
    problem: str
    content: bytes = field(repr=False)


@dataclass
class Result:
    """How far a target got."""

    target: str
    inputs: int = 0
    accepted: int = 0
    outcomes: int = 0
    seconds: float = 0.0
    failure: Failure | None = None


class Fuzzer:
    """One run of one target in this process. `kept` is told each input before it is tried."""

    def __init__(self, target: Target, seed: int, kept: Kept = lambda content: None) -> None:
        self._target = target
        self._random = Random(f"{seed}:{target.name}")
        self._kept = kept
        self._seeds = [seed for seed in target.seeds() if len(seed) <= _LONGEST]
        self._pool = list(self._seeds)
        self._outcomes: set[object] = set()
        self._lines: set[tuple[str, int]] = set()
        self._memory = 0
        self.result = Result(target.name)

    def run(self, *, inputs: int | None = None, seconds: float | None = None) -> Result:
        """Tries inputs until the count or the time is used up, or one fails."""
        begin = time.monotonic()
        previous = signal.signal(signal.SIGPROF, _raise_hang)
        try:
            for content in self._seeds:
                self._try(content)
            gc.collect()
            self._memory = _memory()
            while self.result.failure is None and not self._is_enough(begin, inputs, seconds):
                self._try(self._next())
        finally:
            signal.signal(signal.SIGPROF, previous)
        self.result.outcomes = len(self._outcomes)
        self.result.seconds = time.monotonic() - begin
        return self.result

    def _is_enough(self, begin: float, inputs: int | None, seconds: float | None) -> bool:
        if inputs is not None:
            return self.result.inputs >= inputs
        return time.monotonic() - begin >= (seconds or 0.0)

    def _next(self) -> bytes:
        content = self._target.mutate(self._random, self._random.choice(self._pool), self._pool)[:_LONGEST]
        repair = self._target.repair
        return repair(content) if repair is not None and self._random.random() < 0.95 else content

    def _try(self, content: bytes) -> None:
        self._kept(content)
        traced = self.result.inputs % _TRACED == 0
        self.result.inputs += 1
        before = len(self._lines)
        problem, outcome = self._judge(content, traced=traced)
        if problem:
            self.result.failure = Failure(self._target.name, problem, content)
        is_new = outcome not in self._outcomes
        self._outcomes.add(outcome)
        if (is_new or len(self._lines) > before) and len(self._pool) < _POOL:
            self._pool.append(content)

    def _judge(self, content: bytes, *, traced: bool) -> tuple[str, object]:
        outcome: object = None
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS * (5 if traced else 1))
        try:
            if traced:
                sys.settrace(self._trace)
            self._target.run(content)
            self.result.accepted += 1
        except EstuiError as error:
            outcome = type(error), _line(error.__traceback__)
        except Hang:
            return f"takes more than {SECONDS:g} s", None
        except BaseException as error:  # noqa: BLE001 - to find these is what this is for
            return f"{type(error).__name__}: {error} ({_place(error.__traceback__)})", None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            if traced:
                sys.settrace(None)
        took = time.process_time() - begin
        if took > SECONDS and not traced:
            return f"took {took:.1f} s", outcome
        grown = _memory() - self._memory
        if self._memory and grown > MEMORY:
            return f"took {grown >> 20} MB of memory", outcome
        return "", outcome

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(_HOME):
            return None
        self._lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._trace


def _raise_hang(number: int, frame: FrameType | None) -> None:
    raise Hang


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _line(trace: TracebackType | None) -> tuple[str, int]:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (trace.tb_frame.f_code.co_name, trace.tb_lineno) if trace else ("", 0)


def _place(trace: TracebackType | None) -> str:
    """Where in the project, and where at last."""
    found: list[str] = []
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(_HOME) or trace.tb_next is None:
            found.append(f"{Path(name).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(found[-4:]))
