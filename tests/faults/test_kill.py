"""A run is killed at every system call that changes something, before it and after it; then completed, or undone."""

from __future__ import annotations

import random
from collections import Counter as Tally
from itertools import count, product
from typing import Any

import pytest

from estui.act.fs import RealFs
from estui.model.run import RunPhase
from tests.faults.points import Counter, Killer, Watched
from tests.faults.runs import Stage, killed_in_child, plant, scratch
from tests.faults.sweep import sweep
from tests.unit.act.folders import tree

NODES = 3
SMALL: dict[str, Any] = {"sets": ("transport",), "pkcs12": (), "settings": True}
"""A plan for loops in loops: one set, one yml."""

Kill = tuple[int, bool]
"""Number of the call, and whether it was made."""
Twice = tuple[int, bool, int]
"""Number of the call in the run, whether the recovery completes, and the number of the call in the recovery."""


def calls_of_an_apply(nodes: int, *, syncs: bool = True, **plan: object) -> int:
    with scratch() as base:
        stage, counter = Stage(base, nodes, **plan), Counter(syncs=syncs)
        stage.apply(RealFs(Watched(counter)))
        assert stage.check() == "planned"
        return counter.count


def try_kill(stage: Stage, point: Kill) -> str:
    """Both ways back from one kill."""
    at, after = point
    assert killed_in_child(lambda: stage.apply(RealFs(Watched(Killer(at, after=after)))))
    left = tree(stage.base)
    outcomes = []
    for complete in (True, False):
        plant(stage.base, left)
        stage.recover(complete=complete)
        outcomes.append(stage.check())
        stage.recover(complete=complete)  # nothing is left to do
        assert stage.check() == outcomes[-1]
    return "/".join(outcomes)


def try_second_kill(stage: Stage, point: Twice) -> str:
    """A kill, then another one in the recovery, then a recovery that ends."""
    at, complete, second = point
    assert killed_in_child(lambda: stage.apply(RealFs(Watched(Killer(at, after=False)))))
    calls = RealFs(Watched(Killer(second, after=False)))
    if not killed_in_child(lambda: stage.recover(complete=complete, fs=calls)):
        return f"{stage.check()}, not killed again"
    stage.recover(complete=complete)
    return stage.check()


def try_every_second_kill(stage: Stage, point: Kill) -> Tally[str]:
    """From one kill, a second one at every call of the recovery. Each tree on disk is met once."""
    at, complete = point
    killer = Killer(at, after=False, syncs=False)
    assert killed_in_child(lambda: stage.apply(RealFs(Watched(killer))))
    left = tree(stage.base)
    run = stage.engine().unfinished()
    if run is None or (complete and run.phase is RunPhase.PREPARING):
        return Tally(["nothing to recover" if run is None else "can only be undone"])
    outcomes: Tally[str] = Tally()
    for second in count(1):
        plant(stage.base, left)
        calls = RealFs(Watched(Killer(second, after=False, syncs=False)))
        if not killed_in_child(lambda fs=calls: stage.recover(complete=complete, fs=fs)):  # type: ignore[misc]
            break
        stage.recover(complete=complete)
        outcomes[stage.check()] += 1
    return outcomes


def test_a_sample_of_kills() -> None:
    calls = calls_of_an_apply(1, **SMALL)
    chosen = sorted(random.Random(7).sample(list(product(range(1, calls + 1), (False, True))), 16))
    sweep("kills, sample", chosen, try_kill, 1, **SMALL)


@pytest.mark.faults
def test_every_kill() -> None:
    calls = calls_of_an_apply(NODES)
    points = list(product(range(1, calls + 1), (False, True)))
    outcomes = sweep("kills, three nodes, each completed and undone", points, try_kill, NODES)
    assert outcomes["original/original"]
    assert outcomes["planned/original"]


@pytest.mark.faults
def test_every_second_kill_on_one_node() -> None:
    calls = calls_of_an_apply(1, syncs=False, **SMALL)
    points = list(product(range(1, calls + 1), (True, False)))
    sweep("second kills, one node, at every call of each recovery", points, try_every_second_kill, 1, **SMALL)


@pytest.mark.faults
def test_sampled_second_kills_on_three_nodes() -> None:
    chance, calls = random.Random(11), calls_of_an_apply(NODES)
    points = [(chance.randint(1, calls), chance.random() < 0.5, chance.randint(1, 120)) for _ in range(500)]
    outcomes = sweep("second kills, three nodes, sampled", points, try_second_kill, NODES)
    assert sum(outcomes.values()) == len(points)
