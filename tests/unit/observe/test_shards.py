"""Which shards would be lost with a node, as the cluster lists its copies."""

from __future__ import annotations

import json

import pytest

from estui.errors import ProbeError
from estui.observe.es_api import only_copies
from estui.observe.http import Client
from tests.unit.observe.servers import answer, http, server


def _row(index: str, node: str | None, state: str = "STARTED") -> dict[str, str | None]:
    return {"index": index, "shard": "0", "state": state, "node": node}


ROWS = [
    _row("both", "es-1"),
    _row("both", "es-4"),
    _row("alone", "es-4"),
    _row("coming", "es-4"),
    _row("coming", "es-1", "INITIALIZING"),
    _row("leaving", "es-4 -> 10.0.0.1 abc es-1", "RELOCATING"),
    _row("lost", None, "UNASSIGNED"),
    _row("elsewhere", "es-1"),
]


def test_only_what_no_other_node_has_in_use_counts() -> None:
    """A copy that is on its way is none yet."""
    body = answer(json.dumps(ROWS).encode())
    with server(http(lambda path, request: body)) as address, Client(address, None) as client:
        assert only_copies(client, "es-4") == ("alone 0", "coming 0", "leaving 0")
        assert only_copies(client, "es-9") == ()


def test_a_refusal_is_no_empty_list() -> None:
    refused = answer(b'{"error":{"reason":"unauthorized"}}', "403 Forbidden")
    with (
        server(http(lambda path, request: refused)) as address,
        Client(address, None) as client,
        pytest.raises(ProbeError, match="unauthorized"),
    ):
        only_copies(client, "es-4")
