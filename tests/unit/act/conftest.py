from __future__ import annotations

from pathlib import Path

import pytest

from estui.act.system import SystemCalls
from tests.unit.act.folders import Cluster, make_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Three nodes of an unsecured cluster and a workspace."""
    return make_cluster(tmp_path / "cluster")


@pytest.fixture
def single(tmp_path: Path) -> Cluster:
    """One node and a workspace."""
    return make_cluster(tmp_path / "single", 1)


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here outlives its test: a sync would only wait for the disk. What has to be synced is the matter of
    the power losses in `tests/faults`."""
    monkeypatch.setattr(SystemCalls, "fsync", staticmethod(lambda number: None))
