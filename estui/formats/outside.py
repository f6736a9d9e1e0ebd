"""Settings that a node gets from outside its yml, merged over the ones in it.

Elasticsearch takes `-E` arguments over the file; the container image turns variables of two forms into such
arguments; `${NAME}` in the yml is replaced by a variable of the process (elastic-stack-security.md §7.1, Elasticsearch
`Settings.Builder.replacePropertyPlaceholders`, 7.17 to 9.x). Nobody but the operator can tell what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from estui.model.inventory import NodeEntry, StatedSetting
from estui.model.setting import Setting, SettingValue

_PREFIX = "ES_SETTING_"
_PREFIXED = re.compile(r"ES_SETTING_[A-Z0-9_]+")
_DOTTED = re.compile(r"[-a-z0-9_]+(?:\.[-a-z0-9_]+)+")
_PLACEHOLDER = re.compile(r"\$\{([^${}:]+)(?::[^${}]*)?\}")
_SECRET = re.compile(r"pass(word|phrase)?$|passwd|secret|token$|api_?key|secure_|encryption_?key", re.IGNORECASE)


def holds_secret(name: str) -> bool:
    """Whether a setting or variable of this name holds a secret, by its name (`ELASTIC_PASSWORD`)."""
    return bool(_SECRET.search(name))


def setting_of_variable(name: str) -> str | None:
    """The setting that the container image makes of a variable: `ES_SETTING_HTTP_PORT` and `http.port` are
    `http.port`, a doubled underscore is one in the name; None for any other variable."""
    if _PREFIXED.fullmatch(name):
        return name.removeprefix(_PREFIX).lower().replace("__", "\0").replace("_", ".").replace("\0", "_")
    return name if _DOTTED.fullmatch(name) else None


def with_outside(settings: Mapping[str, Setting], entry: NodeEntry) -> Mapping[str, Setting]:
    """The settings in force: placeholders whose variable is stated replaced, and what is set outside over the rest.

    An argument (`settings_elsewhere`) wins over a variable of the container. A setting that comes from outside
    carries its `source`.
    """
    if not entry.settings_elsewhere and not entry.environment:
        return settings
    variables = {each.key: each.value for each in entry.environment}
    merged = {key: replace(each, value=_filled(each.value, variables)) for key, each in settings.items()}
    for key, stated in _outside(entry):
        merged[key] = Setting(key, stated.value, 0, _source(stated))
    return merged


def _outside(entry: NodeEntry) -> Iterable[tuple[str, StatedSetting]]:
    for each in entry.environment:
        key = setting_of_variable(each.key)
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
