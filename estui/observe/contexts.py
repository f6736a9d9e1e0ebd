"""The TLS contexts of `elasticsearch.yml` beside the two layers: realms, remote clusters, transport profiles,
monitoring exporters, Watcher, e-mail, reindex.

Owns how they are found and what they are called; what their files hold is `certificates.py`'s. estui never changes
them, but their certificates end like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from estui.model.inventory import Layer
from estui.model.setting import Setting
from estui.observe.certificates import TlsFiles, node_tls
from estui.secret import Secret

_FILES = ("certificate", "certificate_authorities", "keystore.path", "truststore.path")
_ROOTS = ("xpack.", "transport.profiles.", "reindex.")
_LAYERS = {f"xpack.security.{layer.value}.ssl" for layer in Layer}
_REMOTE_SERVER = "xpack.security.remote_cluster_server.ssl"
_NAMES = (
    (re.compile(r"xpack\.security\.(remote_cluster_server|remote_cluster_client)\.ssl"), r"\1"),
    (re.compile(r"transport\.profiles\.(.+)\.xpack\.security\.ssl"), r"profile/\1"),
    (re.compile(r"xpack\.security\.authc\.realms\.([^.]+)\.(.+?)(?:\.ssl)?"), r"realm/\1/\2"),
    (re.compile(r"xpack\.monitoring\.exporters\.(.+)\.ssl"), r"exporter/\1"),
    (re.compile(r"xpack\.notification\.email\.ssl"), "email"),
    (re.compile(r"(.+)\.ssl"), r"\1"),
)
"""Prefix of a context to its name; the part of a SAML realm (`signing`, `encryption`) stays in the name."""


def other_contexts(settings: Mapping[str, Setting], secrets: Mapping[str, Secret]) -> dict[str, TlsFiles]:
    """Contexts whose settings name some file, by name; `enabled` tells whether the node uses it at its next start.

    Any prefix of `xpack.`, a profile or reindex counts whose last parts are those of `SslConfigurationKeys`: a list
    of known ones would be too short with the next release.
    """
    return {
        context_name(prefix): replace(node_tls(prefix, settings, secrets), enabled=_is_used(prefix, settings))
        for prefix in sorted(_prefixes(settings) - _LAYERS)
    }


def _prefixes(settings: Mapping[str, Setting]) -> set[str]:
    return {
        key.removesuffix(f".{name}")
        for key in settings
        for name in _FILES
        if key.startswith(_ROOTS) and key.endswith(f".{name}")
    }


def context_name(prefix: str) -> str:
    """What a context is called: `realm/saml/saml1.signing`, `exporter/elsewhere`, `xpack.http`."""
    for pattern, name in _NAMES:
        found = pattern.fullmatch(prefix)
        if found:
            return found.expand(name)
    return prefix


def _is_used(prefix: str, settings: Mapping[str, Setting]) -> bool:
    """Whether the context, and what it belongs to, is switched on. Both are so unless stated otherwise, but for the
    remote cluster server (`RemoteClusterPortSettings`) and profiles, which speak TLS where transport does."""
    owner = prefix.rpartition(".")[0]
    of_security = prefix.startswith(("xpack.security.", "transport.profiles."))
    switches = (prefix, owner, *(["xpack.security"] if of_security else []))
    if any(_text(settings, f"{part}.enabled") == "false" for part in switches):
        return False
    if prefix == _REMOTE_SERVER:
        return _text(settings, "remote_cluster_server.enabled") == "true"
    if prefix.startswith("transport.profiles."):
        return _text(settings, f"xpack.security.{Layer.TRANSPORT.value}.ssl.enabled") == "true"
    return True


def _text(settings: Mapping[str, Setting], key: str) -> str:
    return settings[key].text if key in settings else ""
