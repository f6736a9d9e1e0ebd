from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.act.folders import Cluster, make_cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Three nodes of an unsecured cluster and a workspace."""
    return make_cluster(tmp_path / "cluster")


@pytest.fixture
def single(tmp_path: Path) -> Cluster:
    """One node and a workspace."""
    return make_cluster(tmp_path / "single", 1)
