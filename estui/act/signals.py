"""Signals that wait: whoever asks estui to end is heard after the names of the target in hand are switched.

Python runs handlers in the main thread only. Where that thread commits, its handlers are put aside meanwhile;
where another thread commits (the terminal UI), the main thread asks `is_committing` and waits with `wait_idle`.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

DEFERRED = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

_idle = threading.Condition()
_committing = 0


def is_committing() -> bool:
    """Whether some thread is in the middle of switching names."""
    return _committing > 0


def wait_idle(timeout_s: float) -> bool:
    """Waits until no thread is in the middle of switching names; False where that takes longer than `timeout_s`."""
    with _idle:
        return _idle.wait_for(lambda: _committing == 0, timeout_s)


@contextlib.contextmanager
def deferred_signals() -> Iterator[None]:
    """SIGTERM, SIGHUP and SIGINT that come inside are delivered when the block ends, each once."""
    global _committing
    with _idle:
        _committing += 1
    try:
        with _put_aside():
            yield
    finally:
        with _idle:
            _committing -= 1
            _idle.notify_all()


@contextlib.contextmanager
def _put_aside() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if number not in came:
            came.append(number)

    # what another language installed comes back as None and stays
    before = {number: signal.getsignal(number) for number in DEFERRED}
    mine = [number for number in DEFERRED if before[number] not in (None, signal.SIG_IGN)]
    for number in mine:
        signal.signal(number, remember)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])
        for late in came:
            signal.raise_signal(late)
