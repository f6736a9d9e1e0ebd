"""Every target stands a few inputs at each run of the suite, and the engine finds what it is there to find."""

from __future__ import annotations

import sys
import time

import pytest

from estui.errors import StoreError
from tests.fuzz import engine
from tests.fuzz.engine import Fuzzer, Target
from tests.fuzz.mutation import mutate_json
from tests.fuzz.targets import TARGETS

SEEDS = [b'{"a": [1, "x"]}', b"second"]


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_stands_some_inputs(name: str) -> None:
    """As many as take no time; `.ci/run` tries them all for three minutes."""
    target = TARGETS[name]
    assert target.seeds(), "a target without seeds finds nothing"
    result = Fuzzer(target, seed=1).run(inputs=6 if target.derives else 25)
    assert result.failure is None
    assert result.inputs >= 6


def run_of(content: bytes) -> None:
    if b"\x1b" in content:
        raise KeyError("found")


def hang(content: bytes) -> None:
    while len(content) > 20:
        pass


def slow(content: bytes) -> None:
    if len(content) > 20:
        sum(range(30_000_000))  # one call, which no signal ends


def greedy(content: bytes) -> None:
    if len(content) > 20:
        held = bytearray(300 << 20)
        held[::4096] = b"x" * len(held[::4096])


@pytest.mark.parametrize(
    ("run", "words"),
    [(run_of, "KeyError"), (hang, "takes more than"), (slow, "took|takes more"), (greedy, "MB of memory")],
)
def test_a_fault_is_found_and_the_input_kept(run: object, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if run is not greedy:  # which takes some time as well
        monkeypatch.setattr(engine, "SECONDS", 0.3)
    target = Target("made-up", lambda: SEEDS, run)  # type: ignore[arg-type]
    result = Fuzzer(target, seed=1).run(inputs=3000)
    assert result.failure is not None
    assert pytest.raises(AssertionError, match=words).matches(AssertionError(result.failure.problem))
    assert sys.gettrace() is None or "coverage" in sys.modules


def test_what_the_project_refuses_is_no_failure() -> None:
    def refuse(content: bytes) -> None:
        raise StoreError("is damaged")

    result = Fuzzer(Target("made-up", lambda: SEEDS, refuse), seed=1).run(inputs=200)
    assert result.failure is None
    assert result.accepted == 0


def test_the_same_seed_tries_the_same_inputs() -> None:
    tried: list[list[bytes]] = [[], []]
    for each in tried:
        Fuzzer(Target("made-up", lambda: SEEDS, len, mutate_json), seed=7, kept=each.append).run(inputs=300)
    assert tried[0] == tried[1]
    assert len(set(tried[0])) > 100


def test_time_is_kept() -> None:
    begin = time.monotonic()
    assert Fuzzer(Target("made-up", lambda: SEEDS, len), seed=1).run(seconds=1.0).inputs > len(SEEDS)
    assert 1.0 <= time.monotonic() - begin < 10
