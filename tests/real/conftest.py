"""Real nodes are started only where there is a JDK and Maven; elsewhere each test says in one line what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.jdk import missing
from tests.real.keystore_tool import KeystoreTool


@pytest.fixture(autouse=True, scope="session")
def real_elasticsearch() -> None:
    """Everything that real nodes need, or a skip."""
    lacks = missing()
    if lacks:
        pytest.skip(lacks)


@pytest.fixture(scope="module")
def keystore_tool(real_elasticsearch: None) -> Iterator[KeystoreTool]:
    with KeystoreTool() as tool:
        yield tool
