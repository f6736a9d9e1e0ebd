"""Answers about a whole observation, worked out once however many nodes ask.

An observation never changes, so an answer about it holds as long as it is the same object.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, TypeVarTuple

from estui.model.observed import Observed

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def once(function: Callable[[Observed, *Ts], T]) -> Callable[[Observed, *Ts], T]:
    """Keeps the answers for the observation that was asked about last; further arguments are hashable."""
    kept: tuple[Observed | None, dict[tuple[object, ...], T]] = (None, {})

    @wraps(function)
    def answer(observed: Observed, *rest: *Ts) -> T:
        nonlocal kept
        if kept[0] is not observed:
            kept = (observed, {})
        answers = kept[1]
        if rest not in answers:
            answers[rest] = function(observed, *rest)
        return answers[rest]

    return answer
