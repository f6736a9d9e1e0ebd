"""The whole loops are marked `faults` (`pytest -m faults tests/faults`); a seeded sample of each runs always."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults import sweep
from tests.unit.act.offline import go_offline


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


@pytest.fixture(autouse=True)
def quiet_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in sweep.TRIED:
        terminalreporter.write_line(line)
