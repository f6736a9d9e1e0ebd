"""A cluster of one to three real nodes, written as an unsecured one with the folders that packages install."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from estui.sandbox.cluster import KIBANA, Sandbox, free_ports
from estui.sandbox.stock import elasticsearch_yml, kibana_yml
from tests.real.keystore_tool import KeystoreTool
from tests.real.node import RealNode
from tests.unit.sandbox.makers import Answer, ask

INDEX = "logs"
DOCUMENTS = 20
RELOAD = "resource.reload.interval.high"


class RealCluster:
    """The nodes `es-1` to `es-N` below one folder; `down` ends whatever runs of them."""

    def __init__(self, folder: Path, nodes: Iterable[RealNode], keystore_password: str = "") -> None:
        self.folder = folder
        self.nodes = list(nodes)
        self.keystore_password = keystore_password
        self.kibana: Sandbox | None = None

    @classmethod
    def create(cls, folder: Path, count: int, *, keystore_password: str = "", reload: str = "5s") -> RealCluster:
        """Writes the folders. With a password, a protected `elasticsearch.keystore` that the real class wrote."""
        names = [f"es-{number}" for number in range(1, count + 1)]
        free = free_ports(2 * count)
        ports = {name: (next(free), next(free)) for name in names}
        for name in names:
            yml = elasticsearch_yml(
                name=name,
                folder=str(folder / name),
                http=ports[name][0],
                transport=ports[name][1],
                seeds=[transport for _, transport in ports.values()],
                masters=names,
            )
            config = folder / name / "config"
            config.mkdir(parents=True)
            yml = re.sub(rf"(?m)^{re.escape(RELOAD)}:.*$", f"{RELOAD}: {reload}", yml)
            (config / "elasticsearch.yml").write_text(yml)
        nodes = [RealNode(folder / name / "config", keystore_password) for name in names]
        if keystore_password:
            first, *others = [node.config for node in nodes]
            with KeystoreTool() as tool:
                tool.write(first, keystore_password, {})
            for config in others:
                shutil.copy2(first / "elasticsearch.keystore", config)
        return cls(folder, nodes, keystore_password)

    def up(self) -> None:
        """Starts every node, and waits for all of them to be in one cluster."""
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait()

    def down(self) -> None:
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            node.stop()
        if self.kibana is not None:
            self.kibana.down()

    def add_kibana(self) -> None:
        """Starts a sandbox Kibana that works with these nodes."""
        kibana = Sandbox.create(self.folder / "with-kibana", nodes=0, start=False)
        hosts = [f"http://127.0.0.1:{node.http}" for node in self.nodes]
        folder, port = str(kibana.folder / KIBANA), kibana.ports[KIBANA]["http"]
        (kibana.config(KIBANA) / "kibana.yml").write_text(kibana_yml(folder=folder, port=port, hosts=hosts))
        kibana.start(KIBANA)
        self.kibana = kibana

    def outsider(self, files: dict[str, bytes], settings: dict[str, object]) -> RealNode:
        """One more node that looks for this cluster; not started."""
        http, transport = free_ports(2)
        config = self.folder / "outsider" / "config"
        shutil.rmtree(config.parent, ignore_errors=True)
        basics = {
            "cluster.name": self.nodes[0].setting("cluster.name"),
            "node.name": "outsider",
            "path.data": str(config.parent / "data"),
            "network.host": "127.0.0.1",
            "http.port": http,
            "transport.port": transport,
            "discovery.seed_hosts": [f"127.0.0.1:{node.transport}" for node in self.nodes],
            "discovery.initial_state_timeout": "5s",
        }
        for name, content in files.items():
            path = config / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        config.mkdir(parents=True, exist_ok=True)
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in {**basics, **settings}.items()]
        (config / "elasticsearch.yml").write_text("".join(lines))
        return RealNode(config)

    def fill(self) -> None:
        """Puts documents in, while nobody has to log in."""
        port = self.nodes[0].http
        replicas = min(1, len(self.nodes) - 1)
        body = {"settings": {"number_of_replicas": replicas, "number_of_shards": 1}}
        _good(ask(port, f"/{INDEX}", method="PUT", body=body))
        for number in range(DOCUMENTS):
            _good(ask(port, f"/{INDEX}/_doc/{number}", method="PUT", body={"number": number}))
        _good(ask(port, f"/_cluster/health/{INDEX}?wait_for_status=green&timeout=30s"))


def _good(answer: Answer) -> None:
    assert answer.status in (200, 201), answer
