"""Owns how the Beat of the sandbox reads its configuration, and every reason for which it refuses to start.

Texts are those of real Beats and of Go (libbeat `cfgfile`, elastic-agent-libs `keystore` and `tlscommon`, 8.x and 9.x;
beats.md). Files are read once, at the start; relative names count from the working directory of the process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from estui.errors import SettingsError, StoreError
from estui.formats.beats_keystore import read_beats_keystore
from estui.formats.beats_modules import list_name
from estui.formats.beats_values import expanded
from estui.formats.pem import PrivateKey, load_certificates, load_private_key
from estui.formats.yml import parse_settings
from estui.model.setting import Setting
from estui.sandbox.material import Material
from estui.sandbox.settings import StartupError
from estui.secret import Secret

OUTPUT = "output.elasticsearch"
_MODES = ("full", "strict", "certificate", "none")
_DEFAULT_PORT = 9200


@dataclass(frozen=True)
class BeatSettings:
    """A Beat's configuration, with what its keystore and TLS files held."""

    kind: str
    name: str
    urls: tuple[str, ...]
    username: str
    password: Secret = field(repr=False)
    api_key: Secret = field(repr=False)
    verification: str
    fingerprint: str
    """`ca_trusted_fingerprint`, as it is written."""
    names_authorities: bool
    period: float
    """Seconds between two events."""
    client: Material = field(repr=False, default_factory=Material)


def read_beat_settings(config: Path) -> BeatSettings:
    """The configuration in this folder. Raises StartupError with the Beat's own message."""
    path = next(iter(sorted(config.glob("*beat.yml"))), config / "metricbeat.yml")
    found = _read(path)
    kind = path.stem
    for module in sorted((config / "modules.d").glob("*.yml")):
        _read(module, f"modules.d/{module.name}")
    text = _Texts(found, _keystore(found, config, kind), str(path))
    if not any(key.startswith(f"{OUTPUT}.") for key in found):
        raise StartupError("error initializing publisher: no outputs are defined", kind="Error")
    mode = text(f"{OUTPUT}.ssl.verification_mode") or "full"
    if mode not in _MODES:
        raise _publisher(
            f"unknown verification mode '{mode}' accessing '{OUTPUT}.ssl.verification_mode' (source:'{path}')"
        )
    protocol = text(f"{OUTPUT}.protocol") or "http"
    hosts = found[f"{OUTPUT}.hosts"].items if f"{OUTPUT}.hosts" in found else ("localhost:9200",)
    authorities = found.get(f"{OUTPUT}.ssl.certificate_authorities")
    return BeatSettings(
        kind=kind,
        name=text("name") or kind,
        urls=tuple(_url(host, protocol) for host in hosts),
        username=text(f"{OUTPUT}.username"),
        password=Secret(text(f"{OUTPUT}.password")),
        api_key=Secret(text(f"{OUTPUT}.api_key")),
        verification=mode,
        fingerprint=text(f"{OUTPUT}.ssl.ca_trusted_fingerprint"),
        names_authorities=authorities is not None,
        period=float(text("metricbeat.max_start_delay").removesuffix("s") or 1),
        client=_material(found, text),
    )


class _Texts:
    """Values with every `${NAME}` put in: from the yml, the keystore, the environment, in this order."""

    def __init__(self, found: Mapping[str, Setting], entries: Mapping[str, Secret], path: str) -> None:
        self._found = found
        self._entries = entries
        self._path = path

    def __call__(self, key: str) -> str:
        if key not in self._found:
            return ""
        try:
            return expanded(self._found[key].text, self._held, key=key)
        except SettingsError as exc:
            raise _publisher(f"{exc.summary} (source:'{self._path}')") from exc

    def _held(self, name: str) -> str | None:
        if name in self._found:
            return self._found[name].text
        return self._entries[name].reveal() if name in self._entries else os.environ.get(name)


def _read(path: Path, name: str = "") -> dict[str, Setting]:
    _check_owner(path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o022:
        raise StartupError(
            f'error loading config file: config file ("{path}") can only be writable by the owner but the permissions '
            f"are \"{stat.filemode(mode | stat.S_IFREG)}\" (to fix the permissions use: 'chmod go-w {path}')",
            kind="Error",
        )
    try:
        return dict(parse_settings(path.read_bytes(), str(path), list_name(name)))
    except SettingsError as exc:
        raise StartupError(f"error loading config file: yaml: {exc.summary}", kind="Error") from exc


def _check_owner(path: Path) -> None:
    try:
        owner = path.stat().st_uid
    except FileNotFoundError as exc:
        text = f"error loading config file: stat {path}: no such file or directory"
        raise StartupError(text, kind="Error") from exc
    if owner not in (0, os.geteuid()):
        text = f'config file ("{path}") must be owned by the user identifier (uid={os.geteuid()}) or root'
        raise StartupError(text, kind="Error")


def _keystore(found: Mapping[str, Setting], config: Path, kind: str) -> Mapping[str, Secret]:
    data = found["path.data"].text if "path.data" in found else str(config.parent / "data")
    stated = found["keystore.path"].text if "keystore.path" in found else f"{data}/{kind}.keystore"
    path = Path(stated.replace("${path.data}", data).replace("${path.config}", str(config)))
    if not path.exists():
        return {}
    head = "could not initialize the keystore: "
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode != 0o600:
        raise StartupError(
            f'{head}file ("{path}") can only be writable and readable by the owner but the permissions are '
            f"\"{stat.filemode(mode | stat.S_IFREG)}\" (to fix the permissions use: 'chmod go-wrx {path}')",
            kind="Error",
        )
    _check_owner(path)
    try:
        return read_beats_keystore(path.read_bytes(), str(path)).entries
    except StoreError as exc:
        raise StartupError(f"{head}could not decrypt the keystore: {exc.summary}", kind="Error") from exc


def _url(host: str, protocol: str) -> str:
    """A whole URL: `protocol` and the port 9200 are put in where the host has none."""
    url = host if "://" in host else f"{protocol}://{host}"
    tail = url.partition("://")[2].rpartition("]")[2]
    return url if ":" in tail else f"{url}:{_DEFAULT_PORT}"


def _material(found: Mapping[str, Setting], text: _Texts) -> Material:
    setting = found.get(f"{OUTPUT}.ssl.certificate_authorities")
    trusted = tuple(one for name in (setting.items if setting else ()) for one in _authorities(name))
    certificate, key = text(f"{OUTPUT}.ssl.certificate"), text(f"{OUTPUT}.ssl.key")
    if bool(certificate) != bool(key):
        raise _publisher("key file not configured" if certificate else "certificate file not configured")
    if not certificate:
        return Material((), None, trusted)
    chain = tuple(load_certificates(_open(certificate, ""), certificate))
    return Material(chain, _key(key, text(f"{OUTPUT}.ssl.key_passphrase")), trusted)


def _authorities(name: str) -> list[x509.Certificate]:
    content = name.encode() if name.startswith("-") else _open(name, " reading <nil>")
    try:
        return load_certificates(content, name)
    except StoreError as exc:
        raise _publisher(f"file is not a certificate adding {name} to the list of known CAs") from exc


def _key(name: str, passphrase: str) -> PrivateKey:
    try:
        return load_private_key(_open(name, ""), Secret(passphrase) if passphrase else None, name)
    except StoreError as exc:
        raise _publisher(f"no PEM blocks {name}") from exc


def _open(name: str, tail: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except FileNotFoundError as exc:
        raise _publisher(f"open {name}: no such file or directory{tail}") from exc
    except OSError as exc:
        raise _publisher(f"open {name}: permission denied{tail}") from exc


def _publisher(text: str) -> StartupError:
    return StartupError(f"error initializing publisher: {text}", kind="Error")
