"""Many small tasks at once, none of which can hold up the others.

Threads are daemons: a system call that never comes back (a dead NFS mount) keeps neither the caller nor the end of
the process waiting.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOKS = 4
"""Looks at each running task within its time limit."""


def run_all(
    tasks: Sequence[Callable[[], T]],
    *,
    within_s: float,
    late: Callable[[int], T],
    workers: int = 16,
    longest_s: float | None = None,
) -> list[T]:
    """Results of all tasks, in order; a task that takes longer than `within_s` seconds gets `late(its index)`.

    With `longest_s` one that still uses the processor may go on until then: on a busy host a thousand folders take
    their time, and none of their mounts is to blame. At most `workers` run at a time; one that is late gives its place
    away. The first exception that a task raised is raised here, once all have ended or are late.
    """
    return _Crew(tasks, within_s, late, longest_s or within_s).run(workers)


@dataclass
class _Running:
    """A task at work; moments are those of `time.monotonic`."""

    began: float
    active: float
    """Until when it is known to have got on."""
    looked: float
    clock: int | None = None
    """Of its thread's processor time."""
    used_s: float = 0.0

    def look(self, now: float) -> None:
        """Whether it used the processor since the last look. Its thread must be alive."""
        used = time.clock_gettime(self.clock) if self.clock is not None else 0.0
        if used > self.used_s:
            self.active, self.used_s = self.looked, used
        self.looked = now


class _Crew(Generic[T]):
    def __init__(
        self, tasks: Sequence[Callable[[], T]], within_s: float, late: Callable[[int], T], longest_s: float
    ) -> None:
        self._tasks = tasks
        self._within_s = within_s
        self._longest_s = longest_s
        self._late = late
        self._changed = threading.Condition()
        self._results: dict[int, T] = {}
        self._failures: dict[int, BaseException] = {}
        self._running: dict[int, _Running] = {}

    def run(self, workers: int) -> list[T]:
        waiting = deque(range(len(self._tasks)))
        with self._changed:
            while waiting or self._running:
                while waiting and len(self._running) < workers:
                    self._start(waiting.popleft())
                due = min(map(self._due, self._running.values()))
                self._changed.wait(due - time.monotonic())
                self._give_up_late(max(0.0, time.monotonic() - due))
        for _, failure in sorted(self._failures.items()):
            raise failure
        return [self._results[index] for index in range(len(self._tasks))]

    def _start(self, index: int) -> None:
        now = time.monotonic()
        self._running[index] = _Running(now, now, now)
        threading.Thread(target=self._work, args=(index,), daemon=True, name=f"observe-{index}").start()

    def _work(self, index: int) -> None:
        result: list[T] = []
        failure: BaseException | None = None
        with self._changed:
            if index in self._running:
                self._running[index].clock = time.pthread_getcpuclockid(threading.get_ident())
        try:
            result.append(self._tasks[index]())
        except BaseException as exc:  # noqa: BLE001 - handed to the caller's thread, which raises it
            failure = exc
        with self._changed:
            if self._running.pop(index, None) is None:
                return  # late: the result has been replaced
            if failure is not None:
                self._failures[index] = failure
            else:
                self._results[index] = result[0]
            self._changed.notify()

    def _end(self, each: _Running) -> float:
        """When a task is late, if it does not get on until then."""
        return min(each.active + self._within_s, each.began + self._longest_s)

    def _due(self, each: _Running) -> float:
        """When a task has to be looked at next."""
        return min(each.looked + self._within_s / _LOOKS, self._end(each))

    def _give_up_late(self, overslept_s: float) -> None:
        """Threads of running tasks are alive here: they end only once they had the lock.

        `overslept_s` is by how much this thread woke too late: so long the host kept the others waiting as well.
        """
        now = time.monotonic()
        for each in self._running.values() if self._longest_s > self._within_s else ():
            each.active += overslept_s
        for each in [each for each in self._running.values() if self._due(each) <= now]:
            each.look(now)
        for index in [index for index, each in self._running.items() if self._end(each) <= now]:
            del self._running[index]
            self._results[index] = self._late(index)
