"""Many tasks at once; the slow one is given up alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from estui.observe.parallel import run_all


def test_results_come_in_order_whatever_ends_first() -> None:
    second = threading.Event()

    def first() -> str:
        second.wait(5)
        return "first"

    def other() -> str:
        second.set()
        return "second"

    assert run_all([first, other], within_s=5, late=str) == ["first", "second"]


def test_a_hanging_task_is_replaced_and_its_place_given_to_the_next() -> None:
    released = threading.Event()
    begin = time.monotonic()
    tasks: list[Callable[[], bool]] = [partial(released.wait, 10), partial(released.wait, 10), lambda: True]
    try:
        got = run_all(tasks, within_s=0.1, late=lambda index: index == 99, workers=1)
    finally:
        released.set()
    assert got == [False, False, True]
    assert time.monotonic() - begin < 2


def test_no_more_workers_than_allowed() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def count() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.002)
        with lock:
            running -= 1

    run_all([count] * 20, within_s=5, late=lambda index: None, workers=3)
    assert most <= 3


def test_a_failure_is_raised_where_it_was_asked_for() -> None:
    def fail() -> int:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        run_all([lambda: 1, fail], within_s=5, late=int)


def test_nothing_to_do_is_done() -> None:
    assert run_all([], within_s=1, late=str) == []


def test_a_task_that_works_is_not_late_on_a_busy_host() -> None:
    def work() -> str:
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            pass
        return "done"

    assert run_all([work], within_s=0.5, late=lambda _: "late", longest_s=30) == ["done"]


def test_a_task_that_hangs_from_its_start_is_late_after_its_time_limit() -> None:
    released = threading.Event()
    begin = time.monotonic()
    try:
        got = run_all([partial(released.wait, 10)], within_s=0.2, late=lambda _: False, longest_s=8)
    finally:
        released.set()
    assert got == [False]
    assert time.monotonic() - begin < 4


def test_a_task_that_works_without_end_is_given_up() -> None:
    released = threading.Event()

    def work() -> str:
        while not released.is_set():
            pass
        return "done"

    try:
        assert run_all([work], within_s=0.05, late=lambda _: "late", longest_s=0.3) == ["late"]
    finally:
        released.set()
