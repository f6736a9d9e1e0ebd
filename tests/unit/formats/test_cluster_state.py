"""The cluster that a data folder belongs to, from commit files that real nodes wrote (Elasticsearch 9.1.0)."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.formats.cluster_state import state_cluster_uuid

STATE = Path(__file__).parents[2] / "fixtures" / "state"


def test_a_node_that_joined_tells_its_cluster() -> None:
    assert state_cluster_uuid((STATE / "segments_joined").read_bytes()) == "60Dx-Bi3R7uXnIzeBjpadA"


def test_a_node_that_never_joined_has_none() -> None:
    assert state_cluster_uuid((STATE / "segments_alone").read_bytes()) == "_na_"


@pytest.mark.parametrize("content", [b"", b"\x0ccluster_uuid", b"\x0ccluster_uuid\xff" + b"a" * 200, b"?" * 50])
def test_what_does_not_tell_is_empty_and_no_crash(content: bytes) -> None:
    assert state_cluster_uuid(content) == ""


def test_an_uncommitted_uuid_does_not_count() -> None:
    """The UUID of a cluster that the node only heard of."""
    joined = (STATE / "segments_joined").read_bytes()
    heard = joined.replace(b"\x16cluster_uuid_committed\x04true", b"\x16cluster_uuid_committed\x05false")
    assert state_cluster_uuid(heard) == "_na_"
