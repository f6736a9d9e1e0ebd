"""Every system call of an apply fails once, with every error a file system gives; then completed, or undone."""

from __future__ import annotations

import errno
import random
from itertools import product

import pytest

from estui.act.fs import RealFs
from estui.errors import EstuiError
from tests.faults.points import Counter, Failing, Watched
from tests.faults.runs import Stage, plant, scratch
from tests.faults.sweep import sweep
from tests.faults.test_kill import NODES, SMALL
from tests.unit.act.folders import tree

ERRORS = (
    errno.ENOSPC,
    errno.EIO,
    errno.EACCES,
    errno.EROFS,
    errno.EDQUOT,
    errno.EBUSY,
    errno.EXDEV,
    errno.EINTR,
)
Failure = tuple[int, int]
"""Number of the call, and the error it gives."""


def calls_of_an_apply(nodes: int, **plan: object) -> int:
    """Every call, those that only read as well."""
    with scratch() as base:
        stage, counter = Stage(base, nodes, **plan), Counter(all_calls=True)
        stage.apply(RealFs(Watched(counter)))
        assert stage.check() == "planned"
        return counter.count


def try_error(stage: Stage, point: Failure) -> str:
    """The apply ends well, or with one error of ours; both ways out lead to a state that is whole."""
    at, number = point
    try:
        stage.apply(RealFs(Watched(Failing(at, number))))
    except EstuiError:
        left = tree(stage.base)
    else:
        return stage.check()
    outcomes = []
    for complete in (True, False):
        plant(stage.base, left)
        stage.recover(complete=complete)
        outcomes.append(stage.check())
    return "/".join(outcomes)


def test_a_sample_of_errors() -> None:
    calls = calls_of_an_apply(1, **SMALL)
    points = random.Random(5).sample(list(product(range(1, calls + 1), ERRORS)), 24)
    sweep("errors, sample", points, try_error, 1, **SMALL)


@pytest.mark.faults
def test_every_error_at_every_call_of_one_node() -> None:
    calls = calls_of_an_apply(1, **SMALL)
    sweep("errors, one node, every error", list(product(range(1, calls + 1), ERRORS)), try_error, 1, **SMALL)


@pytest.mark.faults
def test_an_error_at_every_call_of_three_nodes() -> None:
    """Each call with one error, in turn through all of them."""
    calls = calls_of_an_apply(NODES)
    points = [(at, ERRORS[at % len(ERRORS)]) for at in range(1, calls + 1)]
    outcomes = sweep("errors, three nodes", points, try_error, NODES)
    assert outcomes["original/original"]
