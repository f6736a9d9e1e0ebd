"""Authorities made once, and nodes that run inside the test's own process and end with it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estui.sandbox.cluster import free_ports
from estui.sandbox.elasticsearch import ElasticsearchNode
from estui.sandbox.log import NodeLog
from estui.sandbox.settings import read_node_settings

from .makers import Pair, make_ca

StartNode = Callable[[Path], "RunningNode"]


class RunningNode:
    """A node in this process, its log as text."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self._stream = io.StringIO()
        settings = read_node_settings(config, {})
        self.node = ElasticsearchNode(settings, NodeLog(settings.name, self._stream))
        self.node.start()

    @property
    def http(self) -> int:
        return self.node.settings.http_ports[0]

    @property
    def transport(self) -> int:
        return self.node.settings.transport_ports[0]

    @property
    def log(self) -> str:
        return self._stream.getvalue()

    def is_up(self) -> bool:
        return self.node.http_open.is_set()

    def members(self) -> list[str]:
        """Names in its cluster; empty where it is in none."""
        membership = self.node.membership
        return sorted(card["name"] for card in membership.members().values()) if membership.joined else []

    def stop(self) -> None:
        self.node.stop()


@pytest.fixture(scope="session")
def ca() -> Pair:
    return make_ca()


@pytest.fixture(scope="session")
def other_ca() -> Pair:
    return make_ca("Other CA")


@pytest.fixture(autouse=True)
def quick_keystores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Format 4 takes a twentieth of the rounds of 7; each start is a quarter of a second shorter."""
    monkeypatch.setattr("estui.sandbox.secure_settings.NEWEST_FORMAT", 4)


@pytest.fixture
def start_node() -> Iterator[StartNode]:
    started: list[RunningNode] = []

    def start(config: Path) -> RunningNode:
        node = RunningNode(config)
        started.append(node)
        return node

    yield start
    for node in started:
        node.stop()


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two free ports: HTTP and transport."""
    first, second = free_ports(2)
    return first, second
