"""Waiting for a condition, so that no test sleeps and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(condition: Callable[[], _T], seconds: float, *, required: bool = True, step: float = 0.05) -> _T:
    """What `condition` gave once it was true, or at the end of the time; then it fails where it is required."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(step)
    assert found or not required, f"did not come within {seconds:.0f} s: {found!r}"
    return found
