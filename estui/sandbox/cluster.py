"""Owns a whole sandbox: its folders, its ports, its inventory, and starting and stopping it by name.

Everything is inside one folder and on 127.0.0.1. Single processes are `processes`.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import secrets
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from estui.errors import EstuiError, Location, UsageError
from estui.formats.es_keystore import make_seed, write_secure_settings
from estui.model.inventory import BeatEntry, Commands, Inventory, KibanaEntry, NodeEntry
from estui.sandbox.pids import Started
from estui.sandbox.processes import Service, failure, running, start_services, stop_services
from estui.sandbox.stock import CLUSTER, elasticsearch_module_yml, elasticsearch_yml, kibana_yml, metricbeat_yml

KIBANA = "kibana"
METRICBEAT = "metricbeat"
FILE = "sandbox.json"
INDEX = "logs-2026.11"
"""Index with the sample documents."""
DOCUMENTS = 5
_FORMAT = 1
_MODULES = {KIBANA: "estui.sandbox.kibana", METRICBEAT: "estui.sandbox.beat"}
"""By kind of the service; every other is a node."""
_READY_PATIENCE = 20.0
# Below the range from which systems take the ports of outgoing connections, so that a restart finds its port free.
_PORTS = range(20_000, 32_000)


class Sandbox:
    """A small cluster in a folder."""

    def __init__(self, folder: Path, ports: dict[str, dict[str, int]], owner: Started | None) -> None:
        self.folder = folder
        self.ports = ports
        """Port numbers by service and layer: `http`, and for nodes `transport`."""
        self._owner = owner

    @classmethod
    def create(
        cls,
        folder: Path,
        nodes: int = 3,
        kibana: int = 1,
        *,
        beat: bool = False,
        owner: int | None = None,
        start: bool = True,
    ) -> Sandbox:
        """Writes an unsecured cluster into `folder`, which is made or is empty, starts it and puts documents in.

        `kibana` is the number of its instances. `owner` is the id of a process without which all of the sandbox's end,
        even if it is killed. Raises UsageError: there is something in the folder. EstuiError: it did not come up.
        """
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / FILE).exists():
            raise UsageError(f"there is a sandbox in {folder} already", hint=f"estui sandbox down --folder {folder}")
        names = [f"es-{number}" for number in range(1, nodes + 1)]
        free = free_ports(2 * nodes + kibana)
        ports = {name: {"http": next(free), "transport": next(free)} for name in names}
        ports |= {
            f"{KIBANA}-{number}" if number > 1 else KIBANA: {"http": next(free)} for number in range(1, kibana + 1)
        }
        if beat:
            ports[METRICBEAT] = {}
        sandbox = cls(folder, ports, Started.of(owner) if owner is not None else None)
        sandbox._write()
        if start:
            sandbox.up()
        return sandbox

    @property
    def node_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.ports if kind_of(name) not in _MODULES)

    @property
    def kibana_names(self) -> tuple[str, ...]:
        return tuple(name for name in self.ports if kind_of(name) == KIBANA)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.ports)

    def add_node(self, *, masters: Sequence[str] = (), seeds: Sequence[str] = ()) -> str:
        """A folder for one more node, unsecured and never started; its name. Nothing else of the sandbox changes.

        `seeds` are nodes that it looks for, `masters` those that it would form a cluster with.
        """
        name = f"es-{len(self.node_names) + 1}"
        free = free_ports(2)
        self.ports[name] = {"http": next(free), "transport": next(free)}
        self._write_node(name, [self.ports[seed]["transport"] for seed in seeds], masters)
        self._describe()
        return name

    def service(self, name: str) -> Service:
        """Raises UsageError: no such service."""
        if name not in self.ports:
            raise UsageError(f"the sandbox has no {name}", hint=f"it has: {', '.join(self.names)}")
        return Service(name, self.folder / name, _MODULES.get(kind_of(name), "estui.sandbox.elasticsearch"))

    def config(self, name: str) -> Path:
        return self.service(name).config

    def log(self, name: str) -> Path:
        return self.service(name).log

    def up(self) -> None:
        """Starts everything; the first time it waits for the cluster and puts documents in. Raises EstuiError."""
        start_services([self.service(name) for name in self.names], self._owner)
        if not (self.folder / "seeded").exists():
            self._seed()
            (self.folder / "seeded").touch()

    def start(self, name: str) -> None:
        """Raises StartFailedError: the process refused to start, with its message."""
        start_services([self.service(name)], self._owner)

    def stop(self, name: str) -> None:
        stop_services([self.service(name)])

    def restart(self, name: str) -> None:
        """Raises StartFailedError: as `start`."""
        self.stop(name)
        self.start(name)

    def down(self) -> None:
        """Ends every process of the sandbox; the folder stays."""
        stop_services(self.service(name) for name in self.names)

    def status(self) -> dict[str, str]:
        """By name: `running`, `stopped`, or `failed: ` and the message of the last start."""
        found: dict[str, str] = {}
        for name in self.names:
            service = self.service(name)
            if running(service) is not None:
                found[name] = "running"
            else:
                message = failure(service)
                found[name] = f"failed: {message}" if message else "stopped"
        return found

    def commands(self, name: str, action: str) -> tuple[str, ...]:
        """Command line for `stop`, `start` or `restart`, as the inventory gives it."""
        return (sys.executable, "-m", "estui", "sandbox", action, name, "--folder", str(self.folder))

    @contextmanager
    def running(self) -> Iterator[Sandbox]:
        """Ends everything when the block is left."""
        try:
            yield self
        finally:
            self.down()

    def _write(self) -> None:
        seeds = [self.ports[name]["transport"] for name in self.node_names]
        for name in self.node_names:
            self._write_node(name, seeds, self.node_names)
        hosts = [f"http://127.0.0.1:{self.ports[name]['http']}" for name in self.node_names]
        for name in self.kibana_names:
            config, port = self._make_folders(name), self.ports[name]["http"]
            text = kibana_yml(folder=str(self.folder / name), port=port, hosts=hosts, name=name)
            write_file(config / "kibana.yml", text.encode())
        if METRICBEAT in self.ports:
            self._write_beat()
        self._describe()

    def _write_beat(self) -> None:
        """A Metricbeat as its package leaves it, with the module of the stack switched on."""
        config = self._make_folders(METRICBEAT)
        hosts = [f"127.0.0.1:{self.ports[name]['http']}" for name in self.node_names]
        (config / "modules.d").mkdir()
        kibana = f"127.0.0.1:{self.ports[KIBANA]['http']}" if KIBANA in self.ports else ""
        text = metricbeat_yml(folder=str(self.folder / METRICBEAT), hosts=hosts, kibana=kibana)
        write_file(config / "metricbeat.yml", text.encode(), 0o600)
        write_file(config / "modules.d" / "elasticsearch-xpack.yml", elasticsearch_module_yml(hosts).encode(), 0o600)

    def _write_node(self, name: str, seeds: Sequence[int], masters: Sequence[str]) -> None:
        text = elasticsearch_yml(
            name=name,
            folder=str(self.folder / name),
            http=self.ports[name]["http"],
            transport=self.ports[name]["transport"],
            seeds=seeds,
            masters=masters,
        )
        config = self._make_folders(name)
        for file, content in (("elasticsearch.yml", text.encode()), ("users", b""), ("users_roles", b"")):
            write_file(config / file, content)
        write_file(config / "elasticsearch.keystore", _fresh_keystore())

    def _describe(self) -> None:
        described = {"format": _FORMAT, "owner": str(self._owner) if self._owner else None, "ports": self.ports}
        write_file(self.folder / FILE, json.dumps(described, indent=2).encode() + b"\n")

    def _make_folders(self, name: str) -> Path:
        for part in ("", "config", "data", "logs", "run"):
            path = self.folder / name / part
            path.mkdir()
            path.chmod(0o2750)
        return self.folder / name / "config"

    def _seed(self) -> None:
        port = self.ports[self.node_names[0]]["http"]
        count = len(self.node_names)
        replicas = min(1, count - 1)
        for name in self.node_names:
            _await_cluster(self.ports[name]["http"], count)
        body: dict[str, object] = {"settings": {"number_of_replicas": replicas}}
        _ask(port, "PUT", f"/{INDEX}", body)
        for number in range(1, DOCUMENTS + 1):
            document: dict[str, object] = {
                "@timestamp": f"2026-11-0{number}T08:00:00Z",
                "message": f"sample line {number}",
            }
            _ask(port, "PUT", f"/{INDEX}/_doc/{number}", document)


def kind_of(name: str) -> str:
    """What a service is: `kibana` for `kibana-2`."""
    return KIBANA if name.startswith(f"{KIBANA}-") else name


def open_sandbox(folder: Path) -> Sandbox:
    """The sandbox that lives in `folder`. Raises UsageError: there is none."""
    folder = folder.absolute()
    path = folder / FILE
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError as exc:
        raise UsageError(f"there is no sandbox in {folder}", hint="estui sandbox up makes one") from exc
    except ValueError as exc:
        raise UsageError("is damaged", location=Location(str(path))) from exc
    return Sandbox(folder, found["ports"], Started.parse(found["owner"]) if found["owner"] else None)


def inventory(sandbox: Sandbox) -> Inventory:
    """The inventory of the demo's workspace: folders and commands; everything else is read from the folders."""

    def commands(name: str) -> Commands:
        return Commands(**{action: sandbox.commands(name, action) for action in ("stop", "start", "restart")})

    nodes = tuple(
        NodeEntry(config=str(sandbox.config(name)), commands=commands(name), logs=str(sandbox.folder / name / "logs"))
        for name in sandbox.node_names
    )
    kibana = tuple(
        KibanaEntry(
            config=str(sandbox.config(name)),
            on_host=str(sandbox.config(name)),
            data=str(sandbox.folder / name / "data"),
            commands=commands(name),
        )
        for name in sandbox.kibana_names
    )
    beats = tuple(
        BeatEntry(
            config=str(sandbox.config(name)),
            kind=name,
            on_host=str(sandbox.config(name)),
            data=str(sandbox.folder / name / "data"),
            commands=commands(name),
        )
        for name in sandbox.names
        if name == METRICBEAT
    )
    return Inventory(cluster=CLUSTER, nodes=nodes, kibana=kibana, beats=beats)


def free_ports(count: int) -> Iterator[int]:
    """Different ports of 127.0.0.1 on which nothing listens now. Raises EstuiError: not enough."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return iter(found)
    raise EstuiError(f"no {count} free ports on 127.0.0.1")


def write_file(path: Path, content: bytes, mode: int = 0o660) -> None:
    """A file of a configuration folder, with the mode that packages give it."""
    path.write_bytes(content)
    path.chmod(mode)


def _fresh_keystore() -> bytes:
    entries = {"keystore.seed": make_seed(secrets.choice).encode()}
    salt, iv = os.urandom(64), os.urandom(12)
    return write_secure_settings(entries, version=7, password=None, salt=salt, iv=iv)


def _await_cluster(port: int, count: int) -> None:
    end = time.monotonic() + _READY_PATIENCE
    path = f"/_cluster/health?wait_for_status=green&wait_for_nodes={count}&timeout=5s"
    while True:
        try:
            if _ask(port, "GET", path) == 200:
                return
        except OSError:
            time.sleep(0.05)
        if time.monotonic() > end:
            raise EstuiError("the sandbox cluster did not come up", hint="look into the log of its nodes")


def _ask(port: int, method: str, path: str, body: dict[str, object] | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        content = json.dumps(body) if body is not None else None
        connection.request(method, path, content, {"content-type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
