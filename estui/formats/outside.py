"""Settings that a node or a Kibana gets from outside its yml, merged over the ones in it.

Elasticsearch takes `-E` arguments over the file; the container image turns variables of two forms into such
arguments; `${NAME}` in the yml is replaced by a variable of the process (elastic-stack-security.md §7.1, Elasticsearch
`Settings.Builder.replacePropertyPlaceholders`, 7.17 to 9.x). Kibana takes `--name=value` arguments over the file, and
its image makes them of variables by a list of names (`bin/kibana-docker`). Nobody but the operator can tell what they
are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from estui.model.inventory import KibanaEntry, NodeEntry, StatedSetting
from estui.model.setting import Setting, SettingValue

_PREFIX = "ES_SETTING_"
_PREFIXED = re.compile(r"ES_SETTING_[A-Z0-9_]+")
_DOTTED = re.compile(r"[-a-z0-9_]+(?:\.[-a-z0-9_]+)+")
_PLACEHOLDER = re.compile(r"\$\{([^${}:]+)(?::[^${}]*)?\}")
_SECRET = re.compile(r"pass(word|phrase)?$|passwd|secret|token$|api_?key|secure_|encryption_?key", re.IGNORECASE)


_STORES = ("keystore.path", "truststore.path")
_TLS = ("certificate", "key", "certificateAuthorities", "cipherSuites", "supportedProtocols", *_STORES)
_KIBANA_SETTINGS = (
    *("server.host", "server.port", "server.name", "server.publicBaseUrl", "server.basePath", "path.data"),
    *("elasticsearch.hosts", "elasticsearch.username", "elasticsearch.ssl.verificationMode"),
    *("elasticsearch.ssl.alwaysPresentCertificate", "server.ssl.enabled", "server.ssl.clientAuthentication"),
    *("server.ssl.redirectHttpFromPort", "xpack.security.secureCookies"),
    *(f"{context}.ssl.{name}" for context in ("server", "elasticsearch") for name in _TLS),
)
"""Those that matter here, of the list of `bin/kibana-docker`; the names of variables have lost their case."""
_KIBANA_VARIABLES = {name.upper().replace(".", "_"): name for name in _KIBANA_SETTINGS}


def holds_secret(name: str) -> bool:
    """Whether a setting or variable of this name holds a secret, by its name (`ELASTIC_PASSWORD`)."""
    return bool(_SECRET.search(name))


def setting_of_variable(name: str) -> str | None:
    """The setting that the container image makes of a variable: `ES_SETTING_HTTP_PORT` and `http.port` are
    `http.port`, a doubled underscore is one in the name; None for any other variable."""
    if _PREFIXED.fullmatch(name):
        return name.removeprefix(_PREFIX).lower().replace("__", "\0").replace("_", ".").replace("\0", "_")
    return name if _DOTTED.fullmatch(name) else None


def kibana_setting_of_variable(name: str) -> str | None:
    """The setting that Kibana's image makes of a variable, `SERVER_SSL_ENABLED`; None for any other variable."""
    return _KIBANA_VARIABLES.get(name)


def with_outside(settings: Mapping[str, Setting], entry: NodeEntry | KibanaEntry) -> Mapping[str, Setting]:
    """The settings in force: placeholders whose variable is stated replaced, and what is set outside over the rest.

    An argument (`settings_elsewhere`) wins over a variable of the container. A setting that comes from outside
    carries its `source`.
    """
    if not entry.settings_elsewhere and not entry.environment:
        return settings
    variables = {each.key: each.value for each in entry.environment}
    merged = {key: replace(each, value=_filled(each.value, variables)) for key, each in settings.items()}
    for key, stated in _outside(entry):
        value = _listed(stated.value) if isinstance(entry, KibanaEntry) else stated.value
        merged[key] = Setting(key, value, 0, _source(stated))
    return merged


def _listed(text: str) -> SettingValue:
    """An argument of Kibana's: a list is written as JSON."""
    try:
        found = json.loads(text) if text.startswith("[") else text
    except ValueError:
        return text
    return tuple(map(str, found)) if isinstance(found, list) else text


def _outside(entry: NodeEntry | KibanaEntry) -> Iterable[tuple[str, StatedSetting]]:
    setting_of = setting_of_variable if isinstance(entry, NodeEntry) else kibana_setting_of_variable
    for each in entry.environment:
        key = setting_of(each.key)
        if key is not None and each.value:  # an empty variable is left out by the image
            yield key, each
    for each in entry.settings_elsewhere:
        yield each.key, each


def _source(stated: StatedSetting) -> str:
    return f"{stated.where} ({stated.place})" if stated.where and stated.place else stated.where or stated.place


def _filled(value: SettingValue, variables: Mapping[str, str]) -> SettingValue:
    """A value with the variables that are known put in; others stay as they are written."""
    if isinstance(value, tuple):
        return tuple(_filled_text(each, variables) if isinstance(each, str) else each for each in value)
    return _filled_text(value, variables) if isinstance(value, str) else value


def _filled_text(text: str, variables: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: variables.get(found[1], found[0]), text)
