"""How the terminal UI ends: signals while it runs and afterwards, and what is still at work then.

Leaves to the screens what a person is asked before, and to the engine what a switch of names is.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

from estui.engine import leaving

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
PATIENCE_S = 0.5
"""How long a thread may take to end before it is told what is waited for."""
POLL_S = 1.0
SWITCHING = "estui: a node's files are being switched; it ends when they are"
IN_HAND = "estui: the step in hand is finished first; then it ends"


class Signals:
    """SIGTERM, SIGHUP (lost SSH) and SIGINT from the start of the app to the end of the process: none ends it at once.

    They are Python's own handlers, not the loop's: those would be gone with the loop, while a thread still works.
    """

    def __init__(self, leave: Callable[[int], None]) -> None:
        self._leave = leave
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: dict[int, Any] = {}
        self.late = 0
        """The signal that came when there was no app to leave any more, or not yet."""

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            # what another language installed comes back as None and stays; so does what is ignored (nohup)
            found = {number: signal.getsignal(number) for number in SIGNALS}
            self._before = {
                number: handler for number, handler in found.items() if handler not in (None, signal.SIG_IGN)
            }
            for number in self._before:
                signal.signal(number, self._heard)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._loop is None:
            self.late = self.late or number
        else:
            self._loop.call_soon_threadsafe(self._pass_on, number)

    def _pass_on(self, number: int) -> None:
        if self._loop is None:
            self.late = self.late or number  # the app ended before its turn came
        else:
            self._leave(number)

    @contextlib.contextmanager
    def to_the_app(self) -> Iterator[None]:
        """Inside, signals go to the app; it leaves by its own rules."""
        self._loop = asyncio.get_running_loop()
        try:
            yield
        finally:
            self._loop = None


def say(text: str) -> None:
    """One line on the restored terminal, which may be gone."""
    with contextlib.suppress(OSError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


async def finish() -> None:
    """Waits for the threads that still work for an app that has ended, and says so."""
    if leaving.is_switching():
        say(SWITCHING)
    ending = asyncio.ensure_future(asyncio.get_running_loop().shutdown_default_executor())
    done, _ = await asyncio.wait({ending}, timeout=PATIENCE_S)
    if not done and not leaving.is_switching():
        say(IN_HAND)
    await ending
    while not leaving.wait_switched(POLL_S):
        pass  # a thread that is not the loop's; signals are heard meanwhile
