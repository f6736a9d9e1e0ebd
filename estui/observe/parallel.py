"""Many small tasks at once, none of which can hold up the others.

Threads are daemons: a system call that never comes back (a dead NFS mount) keeps neither the caller nor the end of
the process waiting.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


def run_all(
    tasks: Sequence[Callable[[], T]], *, within_s: float, late: Callable[[int], T], workers: int = 16
) -> list[T]:
    """Results of all tasks, in order; a task that takes longer than `within_s` seconds gets `late(its index)`.

    At most `workers` run at a time; one that is late gives its place away. The first exception that a task raised
    is raised here, once all have ended or are late.
    """
    return _Crew(tasks, within_s, late).run(workers)


class _Crew(Generic[T]):
    def __init__(self, tasks: Sequence[Callable[[], T]], within_s: float, late: Callable[[int], T]) -> None:
        self._tasks = tasks
        self._within_s = within_s
        self._late = late
        self._changed = threading.Condition()
        self._results: dict[int, T] = {}
        self._failures: dict[int, BaseException] = {}
        self._ends: dict[int, float] = {}
        """When each running task becomes late, by index."""

    def run(self, workers: int) -> list[T]:
        waiting = deque(range(len(self._tasks)))
        with self._changed:
            while waiting or self._ends:
                while waiting and len(self._ends) < workers:
                    self._start(waiting.popleft())
                self._changed.wait(min(self._ends.values()) - time.monotonic())
                self._give_up_late()
        for _, failure in sorted(self._failures.items()):
            raise failure
        return [self._results[index] for index in range(len(self._tasks))]

    def _start(self, index: int) -> None:
        self._ends[index] = time.monotonic() + self._within_s
        threading.Thread(target=self._work, args=(index,), daemon=True, name=f"observe-{index}").start()

    def _work(self, index: int) -> None:
        result: list[T] = []
        failure: BaseException | None = None
        try:
            result.append(self._tasks[index]())
        except BaseException as exc:  # noqa: BLE001 - handed to the caller's thread, which raises it
            failure = exc
        with self._changed:
            if self._ends.pop(index, None) is None:
                return  # late: the result has been replaced
            if failure is not None:
                self._failures[index] = failure
            else:
                self._results[index] = result[0]
            self._changed.notify()

    def _give_up_late(self) -> None:
        now = time.monotonic()
        for index in [index for index, end in self._ends.items() if end <= now]:
            del self._ends[index]
            self._results[index] = self._late(index)
