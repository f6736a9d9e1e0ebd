"""The two back ends: sandbox nodes inside this process, and real ones in theirs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Protocol

from estui.sandbox.elasticsearch import ElasticsearchNode
from estui.sandbox.log import NodeLog
from estui.sandbox.settings import StartupError, read_node_settings
from tests.real.node import KEYSTORE_PASSWORD, RealNode
from tests.real.starts_tool import Cause, StartsTool
from tests.waiting import until

HTTP_OPEN_S = 120.0
ENFORCE = "-Des.enforce.bootstrap.checks=true"
"""Makes the checks bind on loopback too."""


class LabNode(Protocol):
    """One node of either kind."""

    config: Path

    @property
    def http(self) -> int: ...

    @property
    def transport(self) -> int: ...

    @property
    def log(self) -> str:
        """Everything it said since its last start."""

    def start(self) -> None:
        """Begins to start it."""

    def wait(self) -> None:
        """Until HTTP answers."""

    def stop(self) -> None: ...


class Lab(Protocol):
    """Makes nodes of one kind."""

    name: str
    discovery_s: int
    """How long HTTP of a test's node stays closed while it is in no cluster; real ones need some seconds to join."""

    def node(self, config: Path, keystore_password: str = "") -> LabNode:
        """The node of a folder; not started."""

    def refusal(self, config: Path, keystore_password: str = "") -> list[Cause]:
        """Why a node refuses the folder, from the outside in; empty where it starts."""

    def enforced(self, config: Path) -> tuple[int, str]:
        """Starts a node whose bootstrap checks bind: its exit code and what it said."""

    def close(self) -> None: ...


class SandboxNode:
    """A sandbox node in this process."""

    def __init__(self, config: Path, keystore_password: str = "") -> None:
        self.config = config
        self._environ = {KEYSTORE_PASSWORD: keystore_password} if keystore_password else {}
        self._stream = io.StringIO()
        self._node: ElasticsearchNode | None = None

    @property
    def _running(self) -> ElasticsearchNode:
        assert self._node is not None, f"{self.config} was not started"
        return self._node

    @property
    def http(self) -> int:
        return self._running.settings.http_ports[0]

    @property
    def transport(self) -> int:
        return self._running.settings.transport_ports[0]

    @property
    def log(self) -> str:
        return self._stream.getvalue()

    def start(self) -> None:
        self._stream = io.StringIO()
        settings = read_node_settings(self.config, self._environ)
        self._node = ElasticsearchNode(settings, NodeLog(settings.name, self._stream))
        self._node.start()

    def wait(self) -> None:
        until(self._running.http_open.is_set, HTTP_OPEN_S)

    def stop(self) -> None:
        if self._node is not None:
            self._node.stop()


class SandboxLab:
    """The sandbox."""

    name = "sandbox"
    discovery_s = 1

    def node(self, config: Path, keystore_password: str = "") -> LabNode:
        return SandboxNode(config, keystore_password)

    def refusal(self, config: Path, keystore_password: str = "") -> list[Cause]:
        environ = {KEYSTORE_PASSWORD: keystore_password} if keystore_password else {}
        try:
            read_node_settings(config, environ)
        except StartupError as error:
            return [Cause(error.kind, error.summary)]
        return []

    def enforced(self, config: Path) -> tuple[int, str]:
        try:
            read_node_settings(config, {"ES_JAVA_OPTS": ENFORCE})
        except StartupError as error:
            return error.exit_code, error.summary
        return 0, ""

    def close(self) -> None: ...


class RealLabNode:
    """A real node in a process of its own."""

    def __init__(self, config: Path, keystore_password: str = "") -> None:
        self.config = config
        self._node = RealNode(config, keystore_password)

    @property
    def http(self) -> int:
        return self._node.http

    @property
    def transport(self) -> int:
        return self._node.transport

    @property
    def log(self) -> str:
        return self._node.new_log()

    def start(self) -> None:
        self._node.start()

    def wait(self) -> None:
        self._node.wait(HTTP_OPEN_S)

    def stop(self) -> None:
        self._node.stop()


class RealLab:
    """Elasticsearch."""

    name = "real"
    discovery_s = 3

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._starts: StartsTool | None = None

    def node(self, config: Path, keystore_password: str = "") -> LabNode:
        return RealLabNode(config, keystore_password)

    def refusal(self, config: Path, keystore_password: str = "") -> list[Cause]:
        if self._starts is None:
            self._starts = StartsTool(self._folder / "starts.log")
        return self._starts.refusal(config, keystore_password)

    def enforced(self, config: Path) -> tuple[int, str]:
        node = RealNode(config, "", ENFORCE).start()
        until(lambda: not node.alive, HTTP_OPEN_S)
        node.stop()
        return node.exit_code or 0, node.new_log()

    def close(self) -> None:
        if self._starts is not None:
            self._starts.close()
