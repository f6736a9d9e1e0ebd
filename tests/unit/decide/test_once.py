"""An answer about a whole observation is worked out once, and never given for another observation."""

from __future__ import annotations

from dataclasses import replace

from estui.decide.once import once
from estui.model.inventory import Inventory
from estui.model.observed import Observed

OBSERVED = Observed(Inventory("c", ()), ())


def test_asked_again_it_is_not_worked_out_again() -> None:
    asked: list[str] = []

    @once
    def answer(observed: Observed, name: str) -> str:
        asked.append(name)
        return f"{observed.inventory.cluster} {name}"

    assert [answer(OBSERVED, "a"), answer(OBSERVED, "a"), answer(OBSERVED, "b")] == ["c a", "c a", "c b"]
    assert asked == ["a", "b"]


def test_another_observation_gets_an_answer_of_its_own() -> None:
    @once
    def answer(observed: Observed) -> str:
        return observed.inventory.cluster

    assert answer(OBSERVED) == "c"
    assert answer(replace(OBSERVED, inventory=Inventory("d", ()))) == "d"
    assert answer(OBSERVED) == "c"
