"""The list of claimed behaviours is true to the tests."""

from __future__ import annotations

import importlib

import pytest

from .behaviours import BEHAVIOURS, Behaviour


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.claim)
def test_each_claim_has_its_test(behaviour: Behaviour) -> None:
    module, _, name = behaviour.test.partition("::")
    assert callable(getattr(importlib.import_module(f"{__package__}.{module}"), name, None))
