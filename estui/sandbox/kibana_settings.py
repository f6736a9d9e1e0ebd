"""Owns how the Kibana of the sandbox reads its configuration, and every reason for which it refuses to start.

Texts are Kibana's own (`elasticsearch_config.ts`, `http_config.ts`, `ssl_config.ts`, 8.x and 9.x). Files are read once,
at the start; relative names count from the working directory of the process, as with the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from estui.errors import SettingsError, StoreError
from estui.formats.kibana_keystore import read_kibana_keystore
from estui.formats.pem import PrivateKey, load_certificates, load_private_key
from estui.formats.pkcs12 import read_pkcs12
from estui.formats.yml import parse_settings
from estui.model.setting import Setting, value_text
from estui.sandbox.material import Material
from estui.sandbox.settings import StartupError
from estui.sandbox.tls_settings import TlsSettings
from estui.secret import Secret

CONFIGURATION_EXIT = 78
_UNKNOWN_EXIT = 64
_ROOTS = frozenset(
    {
        *("server", "elasticsearch", "logging", "path", "xpack", "i18n", "ops", "status", "telemetry", "monitoring"),
        *("csp", "map", "data", "kibana", "migrations", "node", "pid", "plugins", "savedObjects", "uiSettings", "home"),
        *("externalUrl", "permissionsPolicy", "interactiveSetup", "newsfeed", "security", "unifiedSearch", "vis_type"),
    }
)
_SSL = ("certificate", "key", "keyPassphrase", "certificateAuthorities", "keystore.path", "keystore.password")
_TRUST = ("truststore.path", "truststore.password")
_ELASTICSEARCH = frozenset(
    {
        *("hosts", "username", "password", "serviceAccountToken", "requestTimeout", "shardTimeout", "pingTimeout"),
        *("requestHeadersWhitelist", "customHeaders", "sniffOnStart", "sniffInterval", "sniffOnConnectionFault"),
        *("healthCheck.delay", "healthCheck.startupDelay", "healthCheck.retry", "maxSockets", "maxIdleSockets"),
        *("idleSocketTimeout", "compression", "apiVersion", "ignoreVersionMismatch", "skipStartupConnectionCheck"),
        *(f"ssl.{name}" for name in (*_SSL, *_TRUST, "verificationMode", "alwaysPresentCertificate")),
    }
)
_SERVER_SSL = frozenset(
    {
        *(*_SSL, *_TRUST, "enabled", "clientAuthentication", "cipherSuites", "supportedProtocols"),
        "redirectHttpFromPort",
    }
)
_FORBIDDEN = (
    'value of "elastic" is forbidden. This is a superuser account that cannot write to system indices that Kibana '
    "needs to function. Use a service account token instead. Learn more: "
    "https://www.elastic.co/guide/en/elasticsearch/reference/8.0/service-accounts.html"
)


@dataclass(frozen=True)
class KibanaSettings:
    """A Kibana's configuration, with what its TLS files held."""

    name: str
    host: str
    port: int
    data: Path
    hosts: tuple[str, ...]
    username: str | None
    password: Secret | None
    token: Secret | None
    verification: str
    health_delay: float
    """Seconds between two questions to Elasticsearch."""
    server_tls: tuple[TlsSettings, Material] | None = field(repr=False, default=None)
    client: Material = field(repr=False, default_factory=Material)


def read_kibana_settings(config: Path) -> KibanaSettings:
    """The configuration in this folder. Raises StartupError with Kibana's own message."""
    found = _read(config)
    _check_names(found)
    username, token = _text(found, "elasticsearch.username"), _text(found, "elasticsearch.serviceAccountToken")
    if username == "elastic":
        raise _invalid("elasticsearch", "username", _FORBIDDEN)
    if username is not None and token is not None:
        raise _invalid(
            *("elasticsearch", "serviceAccountToken"),
            'serviceAccountToken cannot be specified when "username" is also set.',
        )
    hosts = found["elasticsearch.hosts"].items if "elasticsearch.hosts" in found else ("http://localhost:9200",)
    for host in hosts:
        if not host.startswith(("http://", "https://")):
            raise _invalid("elasticsearch", "hosts", f"expected URI with scheme [http|https]. but got [{host}]")
    verification = _text(found, "elasticsearch.ssl.verificationMode") or "full"
    if verification not in ("none", "certificate", "full"):
        raise _invalid("elasticsearch", "ssl.verificationMode", "types that failed validation")
    password = _text(found, "elasticsearch.password")
    return KibanaSettings(
        name=_text(found, "server.name") or "kibana",
        host=_text(found, "server.host") or "localhost",
        port=int(_text(found, "server.port") or 5601),
        data=Path(_text(found, "path.data") or str(config.parent / "data")),
        hosts=hosts,
        username=username,
        password=Secret(password) if password is not None else None,
        token=Secret(token) if token is not None else None,
        verification=verification,
        health_delay=int(_text(found, "elasticsearch.healthCheck.delay") or 2500) / 1000,
        server_tls=_server_tls(found),
        client=_material(found, "elasticsearch.ssl"),
    )


def _read(config: Path) -> dict[str, Setting]:
    path = config / "kibana.yml"
    try:
        found = dict(parse_settings(_open(path), path.name))
    except SettingsError as exc:
        raise StartupError(str(exc), kind="Error", exit_code=CONFIGURATION_EXIT) from exc
    data = _text(found, "path.data")
    places = ([Path(data)] if data else []) + [config]
    # A keystore in the data folder still wins over that in the configuration folder.
    store = next((place / "kibana.keystore" for place in places if (place / "kibana.keystore").exists()), None)
    if store is not None:
        try:
            entries = read_kibana_keystore(_open(store), None, store.name)
        except StoreError as exc:
            raise StartupError("unable to read keystore", kind="Error", exit_code=CONFIGURATION_EXIT) from exc
        for key, value in entries.items():
            found[key] = Setting(key, value if isinstance(value, str | int | float | bool) else str(value), 0)
    return found


def _check_names(found: Mapping[str, Setting]) -> None:
    for key in sorted(found):
        root, _, rest = key.partition(".")
        if root not in _ROOTS:
            text = (
                f'Unknown configuration key(s): "{key}". Check for spelling errors and ensure that expected plugins '
                "are installed."
            )
            raise StartupError(text, kind="Error", exit_code=_UNKNOWN_EXIT)
        missing = root == "elasticsearch" and rest not in _ELASTICSEARCH and not rest.startswith("customHeaders.")
        if key.startswith("server.ssl.") and key.removeprefix("server.ssl.") not in _SERVER_SSL:
            missing = True
        if missing:
            raise _invalid(root, rest, "definition for this key is missing")


def _server_tls(found: Mapping[str, Setting]) -> tuple[TlsSettings, Material] | None:
    enabled = _text(found, "server.ssl.enabled") == "true"
    client = _text(found, "server.ssl.clientAuthentication") or "none"
    _check_exclusive(found, "server")
    if client != "none" and not enabled:
        raise _invalid("server", "ssl", "must enable ssl to use [clientAuthentication]")
    if not enabled:
        return None
    has_pair = _text(found, "server.ssl.certificate") and _text(found, "server.ssl.key")
    if not has_pair and not _text(found, "server.ssl.keystore.path"):
        raise _invalid(
            "server", "ssl", "must specify [certificate] and [key] -- or [keystore.path] -- when ssl is enabled"
        )
    setting = found.get("server.ssl.supportedProtocols")
    protocols = setting.items if setting else ("TLSv1.2", "TLSv1.3")
    settings = TlsSettings("server.ssl", True, "full", client, protocols)
    material = _material(found, "server.ssl")
    if material.key is not None and material.key.public_key() != material.chain[0].public_key():
        # Node hands the pair to OpenSSL, which compares.
        raise StartupError("error:05800074:x509 certificate routines::key values mismatch", kind="Error")
    return settings, material


def _check_exclusive(found: Mapping[str, Setting], root: str) -> None:
    for name in ("key", "certificate"):
        if _text(found, f"{root}.ssl.{name}") and _text(found, f"{root}.ssl.keystore.path"):
            raise _invalid(root, "ssl", f"cannot use [{name}] when [keystore.path] is specified")


def _material(found: Mapping[str, Setting], prefix: str) -> Material:
    """Certificate, key and trusted certificates of one ssl section."""
    _check_exclusive(found, prefix.partition(".")[0])
    chain: tuple[x509.Certificate, ...] = ()
    key: PrivateKey | None = None
    setting = found.get(f"{prefix}.certificateAuthorities")
    trusted = [one for name in (setting.items if setting else ()) for one in _certificates(name)]
    certificate, private = _text(found, f"{prefix}.certificate"), _text(found, f"{prefix}.key")
    if certificate and private:
        chain, key = tuple(_certificates(certificate)), _key(private, _text(found, f"{prefix}.keyPassphrase"))
    for kind in ("keystore", "truststore"):
        path = _text(found, f"{prefix}.{kind}.path")
        if not path:
            continue
        password = _text(found, f"{prefix}.{kind}.password")
        try:
            store = read_pkcs12(_open(Path(path)), Secret(password) if password else None, path)
        except StoreError as exc:
            raise StartupError("PKCS#12 MAC could not be verified. Invalid password?", kind="Error") from exc
        for entry in store.keys if kind == "keystore" else ():
            if entry.leaf is not None and entry.key is not None and key is None:
                chain, key = (entry.leaf, *entry.chain), entry.key
                trusted += entry.chain
        trusted += [one for _, one in store.trusted]
    return Material(chain, key, tuple(trusted))


def _certificates(path: str) -> list[x509.Certificate]:
    try:
        return load_certificates(_open(Path(path)), path)
    except StoreError as exc:
        raise StartupError("error:0480006C:PEM routines::no start line", kind="Error") from exc


def _key(path: str, passphrase: str | None) -> PrivateKey:
    try:
        return load_private_key(_open(Path(path)), Secret(passphrase) if passphrase else None, path)
    except StoreError as exc:
        text = "error:1C800064:Provider routines::bad decrypt"
        if not passphrase:
            text = "error:07880109:common libcrypto routines::interrupted or cancelled"
        raise StartupError(text, kind="Error") from exc


def _open(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as exc:
        raise StartupError(f"ENOENT: no such file or directory, open '{path}'", kind="Error") from exc
    except PermissionError as exc:
        raise StartupError(f"EACCES: permission denied, open '{path}'", kind="Error") from exc
    except IsADirectoryError as exc:
        raise StartupError("EISDIR: illegal operation on a directory, read", kind="Error") from exc


def _text(found: Mapping[str, Setting], key: str) -> str | None:
    setting = found.get(key)
    return None if setting is None or setting.value is None else value_text(setting.value)


def _invalid(root: str, key: str, why: str) -> StartupError:
    return StartupError(f"[config validation of [{root}].{key}]: {why}", kind="Error", exit_code=CONFIGURATION_EXIT)
