"""The same work for many targets at once: one after the other within each, side by side across them.

Reading has a crew of its own (`observe/parallel.py`), which gives up on what hangs. Writing never does: a write that
was given up could still happen later.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
MANY = 8
"""Targets from which on they are worked on side by side; fewer gain little, and keep an order that is easy to tell."""
WORKERS = 16
"""Targets at the same time: most of the work is waiting for disks and mounts."""


def in_groups(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Items in groups, between which a signal can be heard: one by one where they are few."""
    size = 1 if len(items) < MANY else 4 * WORKERS
    for start in range(0, len(items), size):
        yield items[start : start + size]


def for_each(items: Iterable[T], work: Callable[[T], object]) -> None:
    """`gather` for work that has no result."""
    gather(items, work)


def gather(items: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """Does the work for every item; the results in the order of the items.

    After a failure nothing new is begun; what is in hand is ended, and then the failure of the first item that had one
    is raised.
    """
    listed = list(items)
    if len(listed) < MANY:
        return [work(item) for item in listed]
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(listed)):
        waiting.put(index)
    results: dict[int, R] = {}
    failures: dict[int, BaseException] = {}

    def labour() -> None:
        while not failures:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                results[index] = work(listed[index])
            except BaseException as exc:  # noqa: BLE001 - raised in the caller's thread
                failures[index] = exc

    crew = [threading.Thread(target=labour, name=f"crew-{number}") for number in range(min(WORKERS, len(listed)))]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    if failures:
        raise failures[min(failures)]
    return [results[index] for index in range(len(listed))]
