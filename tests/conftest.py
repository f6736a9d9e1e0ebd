"""Options of the whole test run."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from typing import Any

import pytest

# A sandbox node is a process of its own: without stored bytecode each one would compile estui anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="take the screens of this run as the right ones")
    parser.addoption("--update-golden", action="store_true", help="take the texts of this run as the right ones")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whole jobs stand side by side and take a hundred times as long as a unit test: who is done early takes over."""
    return importlib.import_module("xdist.scheduler").WorkStealingScheduling(config, log)


@pytest.fixture(autouse=True, scope="session")
def quick_derivations() -> Iterator[None]:
    """Passphrases cost a third of a second each time, which hundreds of tests would pay; what the numbers are is a
    test of its own (`tests/hostile/test_at_rest.py`)."""
    from estui.formats import pbes2, secrets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pbes2, "ROUNDS", 2048)
        patch.setattr(secrets, "DEFAULT_COST", secrets.Cost(n=2**12, p=1))
        yield


@pytest.fixture
def update_snapshots(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-snapshots"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where `ESTUI_ALLOWED_SKIPS` is set, a skip whose reason is not listed there is a failure of the run."""
    allowed = os.environ.get("ESTUI_ALLOWED_SKIPS")
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if allowed is None or reporter is None:
        return
    parts = [line.strip() for line in allowed.splitlines() if line.strip()]
    reasons = {str(report.longrepr[2]) for report in reporter.stats.get("skipped", ()) if report.longrepr}
    unexpected = sorted(reason for reason in reasons if not any(part in reason for part in parts))
    if unexpected:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_sep("=", "these skips are not on the list", red=True)
        for reason in unexpected:
            reporter.write_line(reason)
