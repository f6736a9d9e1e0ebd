"""Work for many targets: side by side across them, and a failure ends it."""

from __future__ import annotations

import threading

import pytest

from estui.act.crew import MANY, WORKERS, for_each, gather, in_groups


def test_results_come_in_the_order_of_the_items() -> None:
    assert gather(range(100), lambda number: number * 2) == [number * 2 for number in range(100)]


def test_many_targets_are_worked_on_at_the_same_time() -> None:
    """Each waits for all others: one after the other this would never end."""
    together = threading.Barrier(MANY, timeout=20)
    for_each(range(MANY), lambda _: together.wait())


def test_few_targets_keep_their_order_and_the_callers_thread() -> None:
    seen: list[tuple[int, threading.Thread]] = []
    for_each(range(MANY - 1), lambda number: seen.append((number, threading.current_thread())))
    assert seen == [(number, threading.main_thread()) for number in range(MANY - 1)]


def test_after_a_failure_nothing_new_is_begun_and_the_first_one_is_raised() -> None:
    begun: list[int] = []

    def fail(number: int) -> None:
        begun.append(number)
        raise KeyError(number)

    with pytest.raises(KeyError):
        for_each(range(1000), fail)
    assert len(begun) <= WORKERS


def test_groups_are_single_where_a_signal_should_be_heard_after_each() -> None:
    assert [list(group) for group in in_groups([1, 2])] == [[1], [2]]
    assert sum(len(group) for group in in_groups(range(1000))) == 1000
    assert len(list(in_groups(range(1000)))) < 20
