"""Many points tried in forked workers, each with a cluster of its own; the first failures are told with their point."""

from __future__ import annotations

import json
import os
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tests.faults.runs import Stage, scratch

TRIED: list[str] = []
"""What was tried in this session, for the end of its output."""
MOST_FAILURES = 5
NUMBER = 4
"""Bytes of the number of a point."""

P = TypeVar("P")
Point = Callable[[Stage, P], "str | Counter[str]"]
"""Tries a point on a stage; returns the outcome in a word, or outcomes counted; fails where a promise is broken."""


def sweep(what: str, points: Sequence[P], try_point: Point[P], nodes: int, **plan: object) -> Counter[str]:
    """Tries every point, in as many workers as there are cores; fails with the first points that broke a promise."""
    started = time.monotonic()
    workers = max(1, min(os.cpu_count() or 1, 4, len(points)))
    with tempfile.TemporaryFile() as numbers:
        # points cost unequally: each worker takes the next one when it is done, by the offset that they share
        numbers.write(b"".join(number.to_bytes(NUMBER, "big") for number in range(len(points))))
        numbers.flush()
        numbers.seek(0)
        pipes = [_worker(_taken(points, numbers.fileno()), try_point, nodes, plan) for _ in range(workers)]
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    for child, end in pipes:
        with os.fdopen(end, "rb") as file:
            body = file.read()
        os.waitpid(child, 0)
        assert body, "a worker died"
        told = json.loads(body)
        outcomes.update(told["outcomes"])
        failures += told["failures"]
    assert sum(outcomes.values()) + len(failures) >= len(points), "a point was not tried"
    words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    TRIED.append(f"{what}: {sum(outcomes.values())} points in {time.monotonic() - started:.0f} s ({words})")
    assert not failures, "\n\n".join(failures[:MOST_FAILURES])
    return outcomes


def _taken(points: Sequence[P], numbers: int) -> Iterator[P]:
    """The points whose numbers this process gets to read; another that reads the same open file gets the others."""
    while number := os.read(numbers, NUMBER):
        yield points[int.from_bytes(number, "big")]


def _worker(points: Iterator[P], try_point: Point[P], nodes: int, plan: dict[str, object]) -> tuple[int, int]:
    end, start = os.pipe()
    child = os.fork()
    if child:
        os.close(start)
        return child, end
    try:
        told = json.dumps(_try_all(points, try_point, nodes, plan))
    except BaseException:  # noqa: BLE001 - told to the parent; the child must not live on as a second test run
        told = json.dumps({"outcomes": {}, "failures": [traceback.format_exc()]})
    with os.fdopen(start, "wb") as file:
        file.write(told.encode())
    os._exit(0)


def _try_all(points: Iterator[P], try_point: Point[P], nodes: int, plan: dict[str, object]) -> dict[str, object]:
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    with scratch() as base:
        stage = Stage(base, nodes, **plan)
        for point in points:
            stage.reset()
            try:
                outcome = try_point(stage, point)
                outcomes.update([outcome] if isinstance(outcome, str) else outcome)
            except Exception:  # noqa: BLE001 - whatever a point breaks is told with the point
                failures.append(f"at {point}: {traceback.format_exc()}")
                if len(failures) >= MOST_FAILURES:
                    break
    return {"outcomes": outcomes, "failures": failures}
