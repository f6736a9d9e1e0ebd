"""The table of behaviours and the tests of this folder name one another."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.contract.behaviours import BEHAVIOURS, PROVEN


def test_every_behaviour_has_a_test() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"{__package__}.{path.stem}")
    assert sorted(PROVEN) == sorted(BEHAVIOURS)
