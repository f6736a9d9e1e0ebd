"""The process of one node: `python -m estui.sandbox.elasticsearch CONFIG_DIR [--run DIR] [--parent PID:START]`.

Owns the order of its life: read the folder or refuse, open the transport port, look for the others, open HTTP once it
is in a cluster or `discovery.initial_state_timeout` has passed, end on SIGTERM or when its parent is gone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from estui.sandbox.http import HttpPort
from estui.sandbox.life import Life, parse_arguments, run_process
from estui.sandbox.log import NodeLog
from estui.sandbox.material import load_material, watched_files
from estui.sandbox.membership import Membership, Profile
from estui.sandbox.node import Node
from estui.sandbox.pki_realm import read_realm
from estui.sandbox.rest import behaviour
from estui.sandbox.settings import NodeSettings, StartupError, TlsLayer, log_place, read_node_settings
from estui.sandbox.tls import TlsSlot
from estui.sandbox.tls_settings import SslConfigError
from estui.sandbox.transport import Transport
from estui.sandbox.users import Users
from estui.sandbox.watcher import FileWatcher, Watch

_TICK = 0.1
_DISCOVERY_WARNING = 10.0


class ElasticsearchNode:
    """A node in this process. `start` returns once its transport port is open."""

    def __init__(self, settings: NodeSettings, log: NodeLog) -> None:
        """Raises StartupError: material that no context can be made of."""
        self.settings = settings
        self.log = log
        self.started_ms = time.time_ns() // 1_000_000
        self._transport_tls = _slot(settings.transport)
        self._http_tls = _slot(settings.http)
        profile = Profile(
            name=settings.name,
            cluster=settings.cluster,
            eligible="master" in settings.roles,
            data=any(role == "data" or role.startswith("data_") for role in settings.roles),
            security=settings.security,
            single_node=settings.single_node,
            initial_masters=settings.initial_masters,
            discovery_configured=settings.discovery_configured,
            facts=self._facts(),
            seeds=tuple(f"{host}:{port}" for host, port in settings.seed_hosts),
        )
        self.membership = Membership(profile, settings.data, log)
        slot = self._transport_tls if settings.transport_tls else None
        self.transport = Transport(self.membership, slot, log)
        self.users = Users(
            *(settings.config, settings.file_realm, settings.reserved_realm, settings.secure),
            *(self.membership.state, log),
        )
        self.realm = read_realm(settings, log)
        node = Node(settings, self.membership, self.transport, self.users, self.started_ms, realm=self.realm)
        self.http = HttpPort(behaviour(node), self._http_tls if settings.http_tls else None, log)
        self.http_open = threading.Event()
        self.stopping = threading.Event()
        self._began = time.monotonic()

    def start(self) -> None:
        """Opens the transport port and starts looking for the others. Raises StartupError."""
        for warning in self.settings.warnings:
            self.log.warn("o.e.d.c.s.Settings" if "deprecated" in warning else "o.e.b.BootstrapChecks", warning)
        data = self.settings.data
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise StartupError(
                f"Unable to access 'path.data' ({data})", kind="java.lang.IllegalStateException"
            ) from exc
        try:
            self.transport.listen(self.settings.transport_host, self.settings.transport_ports)
        except OSError as exc:
            raise StartupError(str(exc), kind="org.elasticsearch.transport.BindTransportException") from exc
        if not self.settings.single_node:
            self.transport.dial(list(self.settings.seed_hosts))
        for work in (self._tick, self._watch):
            threading.Thread(target=work, daemon=True, name=work.__name__).start()

    def stop(self) -> None:
        self.stopping.set()
        self.http.close()
        self.transport.close()

    def _tick(self) -> None:
        warned = time.monotonic()
        while not self.stopping.wait(_TICK):
            self.membership.evaluate()
            if not self.settings.single_node:
                self.transport.dial(self.membership.addresses())
            if self.membership.joined:
                warned = time.monotonic()
                self._open_http()
            elif time.monotonic() - self._began > self.settings.initial_state_timeout:
                self._open_http()
            if time.monotonic() - warned > _DISCOVERY_WARNING:
                warned = time.monotonic()
                self.log.warn("o.e.c.c.ClusterFormationFailureHelper", "master not discovered or elected yet")

    def _open_http(self) -> None:
        if self.http_open.is_set():
            return
        if not self.membership.joined:
            took = f"discovery.initial_state_timeout={self.settings.initial_state_timeout:g}s"
            self.log.warn("o.e.n.Node", f"timed out after [{took}] while waiting for initial discovery state")
        try:
            self.http.listen(self.settings.http_host, self.settings.http_ports)
        except OSError as exc:
            self.log.error("o.e.b.Elasticsearch", f"fatal exception while booting Elasticsearch\n{exc}")
            os._exit(1)
        self.http_open.set()
        self.log.info("o.e.n.Node", f"started {{{self.settings.name}}}")

    def _watch(self) -> None:
        if not self.settings.reload_enabled:
            return
        watches = [
            self._context_watch(layer, slot)
            for layer, slot in (
                (self.settings.transport, self._transport_tls),
                (self.settings.http, self._http_tls),
            )
        ]
        watches.append(Watch((self.users.users_file,), self._users_changed))
        watches.append(Watch((self.users.roles_file,), self._roles_changed))
        if self.realm is not None:
            watches.append(Watch((self.realm.mapping_file,), self._mapping_changed))
        watcher = FileWatcher(watches, self.log)
        while not self.stopping.wait(self.settings.reload_interval):
            watcher.poll()

    def _context_watch(self, layer: TlsLayer, slot: TlsSlot) -> Watch:
        def changed(path: Path) -> str:
            began = time.monotonic()
            try:
                slot.switch(load_material(layer.settings, self.settings.config))
            except SslConfigError as exc:
                return f"org.elasticsearch.common.ssl.SslConfigException: {exc.summary}"
            took = (time.monotonic() - began) * 1000
            text = f"updated 1 ssl contexts in {took:.5f}ms for prefix names [] using file [{path}]"
            self.log.info("o.e.x.c.s.SSLConfigurationReloader", text)
            return ""

        return Watch(watched_files(layer.settings, self.settings.config), changed)

    def _users_changed(self, path: Path) -> str:
        self.log.info("o.e.x.s.a.f.FileUserPasswdStore", f"users file [{path}] changed. updating users...")
        return self.users.reload_users(path)

    def _mapping_changed(self, path: Path) -> str:
        self.log.info("o.e.x.s.a.s.DnRoleMapper", f"role mappings file [{path}] changed. updating mappings...")
        return self.realm.reload(path) if self.realm is not None else ""

    def _roles_changed(self, path: Path) -> str:
        text = f"users roles file [{path}] changed. updating users roles..."
        self.log.info("o.e.x.s.a.f.FileUserRolesStore", text)
        return self.users.reload_roles(path)

    def _facts(self) -> dict[str, object]:
        settings = self.settings
        shown = {
            key: list(setting.items) if isinstance(setting.value, tuple) else setting.text
            for key, setting in settings.plain.items()
            if ".ssl." not in key or key.endswith(".ssl.enabled")
        }
        shown |= {
            "node.name": settings.name,
            "cluster.name": settings.cluster,
            "path.home": str(settings.config.parent),
        }
        shown |= {"http.type.default": "netty4", "http.port": str(settings.http_ports[0])}
        shown |= {"transport.type.default": "netty4"}
        if settings.security:
            shown |= {"http.type": "security4", "transport.type": "security4"}
        return {
            "transport": [settings.transport_host, settings.transport_ports[0]],
            "http": f"{settings.http_host}:{settings.http_ports[0]}",
            "roles": list(settings.roles),
            "pid": os.getpid(),
            "started_ms": self.started_ms,
            "settings": shown,
        }


def _slot(layer: TlsLayer) -> TlsSlot:
    try:
        return TlsSlot(layer.settings, layer.material)
    except SslConfigError as exc:
        raise StartupError(f"failed to load SSL configuration [{layer.settings.prefix}] - {exc.summary}") from exc


def run(life: Life) -> int:
    """Runs the node until it is told to end; the exit code."""
    config = life.config
    log = NodeLog(config.parent.name, sys.stdout)
    log.keep_in(*log_place(config, os.environ))
    try:
        settings = read_node_settings(config, os.environ)
        log.node = settings.name
        node = ElasticsearchNode(settings, log)
        node.start()
    except StartupError as exc:
        log.error("o.e.b.Elasticsearch", f"fatal exception while booting Elasticsearch\n{exc.kind}: {exc.summary}")
        life.failed(f"{exc.kind}: {exc.summary}")
        return exc.exit_code
    life.running()
    life.wait()
    node.stop()
    log.info("o.e.n.Node", "stopped")
    return 143 if life.signalled else 0


if __name__ == "__main__":
    run_process(parse_arguments(__doc__ or ""), run)
