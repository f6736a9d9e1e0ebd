"""Owns how a node reads its configuration folder, and every reason for which it refuses to start.

`read_node_settings` is the whole of it; the texts are Elasticsearch 9.1.0's own (real-elasticsearch.md §3 and §4).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from estui.errors import EstuiError, SettingsError
from estui.formats.yml import parse_settings
from estui.model.setting import Setting
from estui.sandbox.catalogue import complaint
from estui.sandbox.material import Material, load_material
from estui.sandbox.secure_settings import KeystoreError, open_secure_settings
from estui.sandbox.tls_settings import (
    SettingValueError,
    SslConfigError,
    TlsSettings,
    read_tls_settings,
    server_complaint,
)
from estui.secret import Secret

VERSION = "9.1.0"
ROLES = (
    *("data", "data_cold", "data_content", "data_frozen", "data_hot", "data_warm", "ingest", "master", "ml"),
    *("remote_cluster_client", "transform"),
)
BOOTSTRAP_EXIT = 78
_CHECK = (
    "Transport SSL must be enabled if security is enabled. Please set [xpack.security.transport.ssl.enabled] to [true] "
    "or disable security by setting [xpack.security.enabled] to [false]; for more information see "
    "[https://www.elastic.co/docs/deploy-manage/deploy/self-managed/bootstrap-checks?version=9.1#bootstrap-checks-tls]"
)
_DISCOVERY = ("discovery.seed_hosts", "discovery.seed_providers", "cluster.initial_master_nodes")
_ILLEGAL = "java.lang.IllegalArgumentException"
_SECURITY = "org.elasticsearch.ElasticsearchSecurityException"
_UNITS = {"nanos": 1e-9, "micros": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class StartupError(EstuiError):
    """A node does not start: the summary is Elasticsearch's message, `kind` its Java class."""

    def __init__(self, message: str, *, kind: str = _ILLEGAL, exit_code: int = 1) -> None:
        super().__init__(message)
        self.kind = kind
        self.exit_code = exit_code


@dataclass(frozen=True)
class TlsLayer:
    """One TLS context and what its files held at start. A disabled one is loaded too."""

    settings: TlsSettings
    material: Material


@dataclass(frozen=True)
class NodeSettings:
    """A node's configuration. Durations in seconds; every host is a loopback address."""

    config: Path
    name: str
    cluster: str
    data: Path
    roles: tuple[str, ...]
    http_host: str
    http_ports: tuple[int, ...]
    transport_host: str
    transport_ports: tuple[int, ...]
    seed_hosts: tuple[tuple[str, int], ...]
    discovery_configured: bool
    initial_masters: tuple[str, ...]
    single_node: bool
    initial_state_timeout: float
    reload_enabled: bool
    reload_interval: float
    security: bool
    file_realm: str | None
    """Name of the file realm; None where it is switched off."""
    reserved_realm: bool
    transport: TlsLayer
    http: TlsLayer
    secure: Mapping[str, bytes] = field(repr=False)
    plain: Mapping[str, Setting] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def transport_tls(self) -> bool:
        return self.security and self.transport.settings.enabled

    @property
    def http_tls(self) -> bool:
        return self.security and self.http.settings.enabled


def read_node_settings(config: Path, environ: Mapping[str, str]) -> NodeSettings:
    """The configuration of the node whose folder this is; opens (and where due rewrites) its keystore.

    `ES_KEYSTORE_PASSWORD` has the keystore's password; `-Des.enforce.bootstrap.checks=true` in `ES_JAVA_OPTS` makes
    bootstrap checks binding. Raises StartupError.
    """
    plain = _read_yml(config, environ)
    password = environ.get("ES_KEYSTORE_PASSWORD")
    try:
        secure = open_secure_settings(config, Secret(password) if password else None)
    except KeystoreError as exc:
        raise StartupError(str(exc), kind=exc.kind) from exc
    _check_places(plain, secure)
    transport = _load_layer("transport", "required", config, plain, secure)
    http = _load_layer("http", "none", config, plain, secure)
    for layer in (transport, http):
        if text := server_complaint(layer.settings, plain, secure):
            raise StartupError(text, kind=_SECURITY)
    return _assemble(config, plain, secure, transport, http, environ)


def log_place(config: Path, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Folder of the log files and the name of the cluster, which they are called by. Known before anything else is,
    so that a refused start is in them; a yml that cannot be read leaves the defaults."""
    try:
        plain = _read_yml(config, environ)
    except StartupError:
        plain = {}
    folder, cluster = plain.get("path.logs"), plain.get("cluster.name")
    return Path(folder.text if folder else config.parent / "logs"), cluster.text if cluster else "elasticsearch"


def parse_duration(text: str, name: str = "") -> float:
    """Seconds of an Elasticsearch time value (`500ms`, `5s`). Raises StartupError."""
    found = re.fullmatch(r"\s*(-?\d+)\s*([a-z]+)\s*", text)
    if text.strip() in ("0", "-1"):
        return float(text)
    if not found or found.group(2) not in _UNITS:
        raise StartupError(
            f"failed to parse setting [{name}] with value [{text}] as a time value: unit is missing or unrecognized"
        )
    return int(found.group(1)) * _UNITS[found.group(2)]


def parse_flag(plain: Mapping[str, Setting], name: str, default: bool) -> bool:
    """A boolean setting. Raises StartupError."""
    found = plain.get(name)
    if found is None:
        return default
    if found.text not in ("true", "false"):
        raise StartupError(f"Failed to parse value [{found.text}] as only [true] or [false] are allowed.")
    return found.text == "true"


def _read_yml(config: Path, environ: Mapping[str, str]) -> dict[str, Setting]:
    path = config / "elasticsearch.yml"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise StartupError(str(path), kind="java.nio.file.AccessDeniedException") from exc
    try:
        found = parse_settings(content, path.name)
    except SettingsError as exc:
        what = f"Failed to load settings from [{path.name}]"
        raise StartupError(f"{what}: {exc}", kind="org.elasticsearch.common.settings.SettingsException") from exc
    return {key: _with_environment(setting, environ) for key, setting in found.items()}


def _with_environment(setting: Setting, environ: Mapping[str, str]) -> Setting:
    """`${HOSTNAME}` and the like, as `Settings.Builder.replacePropertyPlaceholders` puts them in."""
    if not isinstance(setting.value, str) or "${" not in setting.value:
        return setting

    def replaced(match: re.Match[str]) -> str:
        name, _, default = match.group(1).partition(":")
        if name not in environ and not default:
            raise StartupError(f"Could not resolve placeholder '{name}'")
        return environ.get(name, default)

    return Setting(setting.key, re.sub(r"\$\{([^}]+)\}", replaced, setting.value), setting.line)


def _check_places(plain: Mapping[str, Setting], secure: Mapping[str, bytes]) -> None:
    for names, in_keystore in ((plain, False), (secure, True)):
        for name in sorted(names):
            if text := complaint(name, in_keystore=in_keystore):
                raise StartupError(text)


def _load_layer(
    layer: str, client_authentication: str, config: Path, plain: Mapping[str, Setting], secure: Mapping[str, bytes]
) -> TlsLayer:
    prefix = f"xpack.security.{layer}.ssl"
    parse_flag(plain, f"{prefix}.enabled", False)
    try:
        settings = read_tls_settings(prefix, plain, secure, client_authentication=client_authentication)
        return TlsLayer(settings, load_material(settings, config))
    except SettingValueError as exc:
        raise StartupError(exc.summary) from exc
    except SslConfigError as exc:
        raise StartupError(f"failed to load SSL configuration [{prefix}] - {exc.summary}", kind=_SECURITY) from exc


def _assemble(
    config: Path,
    plain: Mapping[str, Setting],
    secure: Mapping[str, bytes],
    transport: TlsLayer,
    http: TlsLayer,
    environ: Mapping[str, str],
) -> NodeSettings:
    text, items = _reader(plain), _list_reader(plain)
    single = _is_single_node(plain)
    timeout, interval = "discovery.initial_state_timeout", "resource.reload.interval.high"
    host = text("network.host", "127.0.0.1")
    settings = NodeSettings(
        config=config,
        name=text("node.name", socket.gethostname()),
        cluster=text("cluster.name", "elasticsearch"),
        data=Path(text("path.data", str(config.parent / "data"))),
        roles=items("node.roles") if "node.roles" in plain else ROLES,
        http_host=_loopback(text("http.host", host)),
        http_ports=_ports(text("http.port", "9200-9300")),
        transport_host=_loopback(text("transport.host", host)),
        transport_ports=_ports(text("transport.port", "9300-9400")),
        seed_hosts=tuple(_host_port(one) for one in items("discovery.seed_hosts")),
        discovery_configured=any(name in plain for name in _DISCOVERY),
        initial_masters=items("cluster.initial_master_nodes"),
        single_node=single,
        initial_state_timeout=parse_duration(text(timeout, "30s"), timeout),
        reload_enabled=parse_flag(plain, "resource.reload.enabled", True),
        reload_interval=parse_duration(text(interval, "5s"), interval),
        security=parse_flag(plain, "xpack.security.enabled", True),
        file_realm=_file_realm(plain),
        reserved_realm=parse_flag(plain, "xpack.security.authc.reserved_realm.enabled", True),
        transport=transport,
        http=http,
        secure=secure,
        plain=plain,
        warnings=_deprecations(plain),
    )
    return replace(settings, warnings=(*settings.warnings, *_bootstrap_checks(settings, environ)))


def _is_single_node(plain: Mapping[str, Setting]) -> bool:
    single = "discovery.type" in plain and plain["discovery.type"].text == "single-node"
    if single and "cluster.initial_master_nodes" in plain and plain["cluster.initial_master_nodes"].items:
        raise StartupError(
            "setting [cluster.initial_master_nodes] is not allowed when [discovery.type] is set to [single-node]"
        )
    return single


def _reader(plain: Mapping[str, Setting]) -> Callable[[str, str], str]:
    return lambda name, default: plain[name].text if name in plain else default


def _list_reader(plain: Mapping[str, Setting]) -> Callable[[str], tuple[str, ...]]:
    return lambda name: plain[name].items if name in plain else ()


def _deprecations(plain: Mapping[str, Setting]) -> tuple[str, ...]:
    return tuple(
        f"[{name}] setting was deprecated in Elasticsearch and will be removed in a future release."
        for name in sorted(plain)
        if name.startswith("xpack.security.") and name.endswith(("store.password", "key_password", "key_passphrase"))
    )


def _bootstrap_checks(settings: NodeSettings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What the checks say as warnings. Raises StartupError: they are binding, as beyond the loopback interface."""
    if not settings.security or settings.transport.settings.enabled:
        return ()
    text = _reader(settings.plain)
    host = text("transport.host", text("network.host", "127.0.0.1"))
    hosts = (host, text("transport.bind_host", host), text("transport.publish_host", host))
    binding = not settings.single_node and not all(_is_loopback(one) for one in hosts)
    if binding or "-Des.enforce.bootstrap.checks=true" in environ.get("ES_JAVA_OPTS", ""):
        raise StartupError(
            "[1] bootstrap checks failed. You must address the points described in the following [1] lines before "
            f"starting Elasticsearch.\nbootstrap check failure [1] of [1]: {_CHECK}",
            kind="org.elasticsearch.node.NodeValidationException",
            exit_code=BOOTSTRAP_EXIT,
        )
    return (_CHECK,)


def _file_realm(plain: Mapping[str, Setting]) -> str | None:
    # Since 8.0 the file realm is there without being named, unless it is switched off.
    pattern = re.compile(r"xpack\.security\.authc\.realms\.file\.([^.]+)\.(enabled|order)")
    found = [match for match in map(pattern.fullmatch, plain) if match]
    if any(match.group(2) == "enabled" and plain[match.string].text == "false" for match in found):
        return None
    return found[0].group(1) if found else "default_file"


def _ports(text: str) -> tuple[int, ...]:
    first, _, last = text.partition("-")
    if not first.strip().isdigit() or (last and not last.strip().isdigit()):
        raise StartupError(f"failed to parse port [{text}]")
    return tuple(range(int(first), int(last or first) + 1))


def _host_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host and port.isdigit():
        return host.strip("[]"), int(port)
    return text.strip("[]"), 9300


def _is_loopback(host: str) -> bool:
    if host in ("localhost", "_local_", "_local:ipv4_"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _loopback(host: str) -> str:
    """The sandbox listens on this machine only, whatever the file says."""
    host = host.strip("[]")
    return host if _is_loopback(host) and host.startswith("127.") else "127.0.0.1"
