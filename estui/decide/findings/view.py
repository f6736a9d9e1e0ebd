"""What rules ask of an observation: places in files, modes of the node, names of settings."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from estui.decide.findings.rule import NEWEST
from estui.decide.rung import has_tls, is_secured, ssl_key
from estui.errors import Location
from estui.model.inventory import Layer
from estui.model.observed import FileState, NamedFile, ObservedBeat, ObservedKibana, ObservedNode, OnDisk
from estui.model.setting import Setting
from estui.model.version import Version

NODE_YML = "elasticsearch.yml"
NODE_KEYSTORE = "elasticsearch.keystore"
KIBANA_YML = "kibana.yml"
REALMS = "xpack.security.authc.realms"
_LOCAL_WORDS = {"localhost", "_local_", "_local:ipv4_", "_local:ipv6_"}
_TRANSPORT_HOSTS = (
    ("transport.bind_host", "transport.host", "network.bind_host", "network.host"),
    ("transport.publish_host", "transport.host", "network.publish_host", "network.host"),
)
_HTTP_HOSTS = (("http.bind_host", "http.host", "network.bind_host", "network.host"),)
"""For each of what a layer binds and publishes: the settings in the order in which they count."""


def version_of(node: ObservedNode) -> Version:
    return node.version or NEWEST


def secured(node: ObservedNode) -> bool:
    """Whether security is on at the next start; without a version as the newest would have it."""
    found = is_secured(node)
    return found is None or found


def tls_on(node: ObservedNode, layer: Layer) -> bool:
    return secured(node) and has_tls(node, layer)


def disk_of(node: ObservedNode, layer: Layer) -> OnDisk:
    return node.disk.get(layer, OnDisk())


def client_authentication(node: ObservedNode, layer: Layer) -> str:
    """The mode in force (`SslConfigurationLoader` defaults)."""
    stated = node.setting(ssl_key(layer, "client_authentication"))
    return (stated or ("required" if layer is Layer.TRANSPORT else "none")).lower()


def verification(node: ObservedNode, layer: Layer) -> str:
    return (node.setting(ssl_key(layer, "verification_mode")) or "full").lower()


def is_loopback(host: str) -> bool:
    """Whether `host` of a yml is this machine only. What comes from the environment counts as elsewhere."""
    bare = host.strip("[] ")
    if bare in _LOCAL_WORDS:
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def reachable(node: ObservedNode, layer: Layer) -> bool:
    """Whether the layer listens or is published beyond this machine, by the yml."""
    chains = _TRANSPORT_HOSTS if layer is Layer.TRANSPORT else _HTTP_HOSTS
    for chain in chains:
        stated = next((node.settings[key] for key in chain if key in node.settings and node.settings[key].items), None)
        if stated is not None and not all(is_loopback(host) for host in stated.items):
            return True
    return False


_CONTAINER = {"cluster.name": "docker-cluster", "network.host": "0.0.0.0"}  # noqa: S104 - compared, not bound


def is_stock_container(node: ObservedNode) -> bool:
    """Whether the yml is that of the container image, untouched: the real settings come from the environment, or from
    security auto-configuration at the first start, so that the file says nothing about the node."""
    return {key: setting.text for key, setting in node.settings.items()} == _CONTAINER


def is_single(node: ObservedNode) -> bool:
    return node.setting("discovery.type") == "single-node"


def in_production(node: ObservedNode) -> bool:
    """Whether bootstrap checks are binding: transport beyond loopback, and not single-node discovery."""
    return reachable(node, Layer.TRANSPORT) and not is_single(node)


def is_master_eligible(node: ObservedNode) -> bool:
    roles = node.settings.get("node.roles")
    if roles is not None:
        return "master" in roles.items and "voting_only" not in roles.items
    return node.setting("node.master") != "false"


def read_like_yml(yml: FileState, mode: int, uid: int, gid: int) -> bool:
    """Whether a file of this owner and mode can be read by whoever reads elasticsearch.yml as its owner or group.

    Elasticsearch never runs as root, so ownership by root lets nobody read; where the yml belongs to root, as packages
    have it, any other owner may be the user of Elasticsearch.
    """
    if mode & 0o004 or (mode & 0o040 and gid == yml.gid):
        return True
    return bool(mode & 0o400) and uid != 0 and yml.uid in (0, uid)


# places


def place(config: str, file: str, setting: Setting | None = None, key: str = "") -> str:
    """`file:line: key`, as far as known."""
    if setting and setting.source:
        return setting.source
    line = setting.line if setting else None
    return str(Location(f"{config.rstrip('/')}/{file}", line, key or (setting.key if setting else None)))


def at(node: ObservedNode, key: str = "") -> str:
    """The place of a setting of a node; without its line where it is not set."""
    return place(node.entry.config, NODE_YML, node.settings.get(key), key)


def at_file(node: ObservedNode, name: str) -> str:
    return place(node.entry.config, name)


def at_kibana(kibana: ObservedKibana, key: str = "") -> str:
    return place(kibana.entry.config, KIBANA_YML, kibana.settings.get(key), key)


def at_beat(beat: ObservedBeat, key: str = "") -> str:
    yml = next((name for name in beat.files if name.endswith(".yml")), "its yml")
    return place(beat.entry.config, yml, beat.settings.get(key), key)


def at_setting_of(node: ObservedNode, layer: Layer, named: NamedFile) -> str:
    return at(node, ssl_key(layer, named.setting))


def at_files_of(node: ObservedNode, layer: Layer, *preferred: str) -> str:
    """The setting that names the files of a TLS context: one of `preferred` (`certificate`, `keystore.path`) where it
    is there, else the first. A context whose files are known from elsewhere, as by a port, has none."""
    named = disk_of(node, layer).named
    first = next((each for each in named if each.setting in preferred), next(iter(named), None))
    return at(node, ssl_key(layer, first.setting if first else "enabled"))


# settings


def ssl_settings(node: ObservedNode, layer: Layer) -> dict[str, Setting]:
    """Settings of a TLS context by their last part (`keystore.path`)."""
    prefix = ssl_key(layer, "")
    return {key.removeprefix(prefix): found for key, found in node.settings.items() if key.startswith(prefix)}


def ssl_secrets(node: ObservedNode, layer: Layer) -> tuple[str, ...]:
    """Names of the secure settings of a TLS context, by their last part."""
    prefix = ssl_key(layer, "")
    return tuple(name.removeprefix(prefix) for name in node.keystore.names if name.startswith(prefix))


def realms(node: ObservedNode) -> dict[tuple[str, str], dict[str, Setting]]:
    """Configured realms: (type, name) to settings by their last part."""
    found: dict[tuple[str, str], dict[str, Setting]] = {}
    for key, setting in node.settings.items():
        parts = key.removeprefix(f"{REALMS}.").split(".", 2)
        if key.startswith(f"{REALMS}.") and len(parts) == 3:
            found.setdefault((parts[0], parts[1]), {})[parts[2]] = setting
    return found


def listed(items: Iterable[str], limit: int = 6) -> str:
    """`a, b and 3 more`: a thousand nodes fit in one line too."""
    names = list(items)
    if len(names) <= limit:
        return ", ".join(names)
    return ", ".join(names[: limit - 1]) + f" and {len(names) - limit + 1} more"


def groups(nodes: Iterable[ObservedNode], value: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    """Values that differ, each with the targets that have it, the most frequent first; nothing where all agree."""
    by_value: dict[str, list[str]] = {}
    for node in nodes:
        if node.target in value:
            by_value.setdefault(value[node.target], []).append(node.target)
    if len(by_value) > 1:
        yield from sorted(by_value.items(), key=lambda pair: (-len(pair[1]), pair[0]))


def apart(nodes: Iterable[ObservedNode], value: dict[str, str]) -> str:
    """`true on es-1, es-2; false on es-3`, or the empty text where all agree."""
    return "; ".join(f"{text or 'nothing'} on {listed(targets)}" for text, targets in groups(nodes, value))


def odd_one(nodes: Iterable[ObservedNode], value: dict[str, str]) -> ObservedNode:
    """A node whose value is the rarest, for a difference that there is."""
    known = list(nodes)
    *_, (_, targets) = groups(known, value)
    return next(node for node in known if node.target in targets)
