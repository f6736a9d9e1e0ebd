"""Where a service listens, as its yml tells it. Pure: whether it answers there is for a probe to find out.

Sources: Elasticsearch `NetworkService`, `HttpTransportSettings`, `TransportSettings` (7.17 to 9.1);
Kibana `server.host`, `server.port` (elastic-stack-security.md §12.3).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from estui.model.inventory import Address, KibanaEntry, Layer, NodeEntry
from estui.model.setting import Setting

LOOPBACK = "127.0.0.1"
_DEFAULT_PORTS = {Layer.HTTP: 9200, Layer.TRANSPORT: 9300}
_WILDCARDS = {"0.0.0.0", "::", "0", "*"}  # noqa: S104 - compared, not bound
_LOCAL = {"localhost": LOOPBACK, "_local_": LOOPBACK, "_local:ipv4_": LOOPBACK, "_local:ipv6_": "::1"}
_PORT = re.compile(r"(\d{1,5})(?:\s*[-,].*)?")


def node_address(entry: NodeEntry, settings: Mapping[str, Setting], layer: Layer) -> Address | None:
    """Where a node's layer is reached: the inventory's word, else the yml's; None where it cannot be told."""
    stated = entry.http if layer is Layer.HTTP else entry.transport
    if stated is not None:
        return stated
    host = _host(settings, layer)
    port = _port(settings, layer)
    return Address(host, port) if host and port else None


def _host(settings: Mapping[str, Setting], layer: Layer) -> str | None:
    """The first setting of the order in which Elasticsearch finds its publish host; without any it is loopback."""
    for key in (f"{layer.value}.publish_host", f"{layer.value}.host", "network.publish_host", "network.host"):
        found = settings.get(key)
        if found is not None and found.items:
            return _reachable_host(found.items)
    return LOOPBACK


def _reachable_host(hosts: tuple[str, ...]) -> str | None:
    """A host to connect to: the first that is a name or address of its own, loopback only where nothing else is
    named. `0.0.0.0`, `_site_`, `_eth0_` and `${...}` mean addresses that this text does not tell."""
    named = [_LOCAL.get(host, host.strip("[]")) for host in hosts]
    plain = [host for host in named if host not in _WILDCARDS and not host.startswith("_") and "$" not in host]
    remote = [host for host in plain if not _is_loopback(host)]
    if remote:
        return remote[0]
    return plain[0] if plain and len(plain) == len(named) else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _port(settings: Mapping[str, Setting], layer: Layer) -> int | None:
    keys = [f"{layer.value}.publish_port", f"{layer.value}.port"]
    if layer is Layer.TRANSPORT:
        keys.append("transport.tcp.port")  # until 7.x
    found = next((settings[key] for key in keys if key in settings and settings[key].text), None)
    return _port_of(found.text) if found else _DEFAULT_PORTS[layer]


def _port_of(text: str) -> int | None:
    """The port, or the first of a range such as `9200-9300`, which is what a node takes unless it is in use."""
    matched = _PORT.fullmatch(text.strip())
    port = int(matched[1]) if matched else 0
    return port if 0 < port < 65536 else None


def kibana_address(entry: KibanaEntry, settings: Mapping[str, Setting]) -> Address | None:
    """Where an instance is reached: the inventory's word, else `server.host` and `server.port`. An instance that
    listens on all addresses is asked on this host; the inventory's `http:` says where it is otherwise."""
    if entry.http is not None:
        return entry.http
    host = settings["server.host"].text.strip("[]") if "server.host" in settings else "localhost"
    port = _port_of(settings["server.port"].text) if "server.port" in settings else 5601
    if not host or "$" in host or port is None:
        return None
    return Address("localhost" if host in _WILDCARDS else host, port)
