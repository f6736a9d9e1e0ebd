"""The tables and the tests name one another."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.contract.behaviours import BEHAVIOURS, PROVEN
from tests.contract.start_cases import CASES
from tests.real.facts import FACTS


def test_every_behaviour_has_a_test() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"{__package__}.{path.stem}")
    assert sorted(PROVEN) == sorted(BEHAVIOURS)


@pytest.mark.parametrize("proof", sorted({proof for fact in FACTS for proof in fact.proofs}))
def test_every_proof_of_a_fact_is_there(proof: str) -> None:
    kind, _, name = proof.partition(":")
    if kind == "contract":
        assert name in BEHAVIOURS
    elif kind == "case":
        assert name in {case.name for case in CASES}
    else:
        module, _, test = proof.partition("::")
        assert callable(getattr(importlib.import_module(module), test))
