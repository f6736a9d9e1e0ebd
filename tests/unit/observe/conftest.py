"""What several tests of `observe` share."""

from __future__ import annotations

import pytest

from tests.unit.observe.servers import Ca, Leaf


@pytest.fixture(scope="session")
def ca() -> Ca:
    return Ca.create()


@pytest.fixture(scope="session")
def leaf(ca: Ca) -> Leaf:
    return ca.issue("localhost", "es-1")
