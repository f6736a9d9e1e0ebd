"""Rules about names in `elasticsearch.yml` that are no settings. Those of TLS contexts are in `tls_settings`."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.known import is_foreign, is_known, meant_by
from estui.decide.findings.rule import Facts, Hit, Text, about_node
from estui.decide.findings.secure_settings import is_secure
from estui.decide.findings.view import at
from estui.decide.rung import ssl_key
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import ObservedNode

_ELSEWHERE = (*(ssl_key(layer, "") for layer in Layer), "transport.profiles.")
"""Told by rules of their own."""


def unknown_settings(node: ObservedNode) -> Iterator[str]:
    """Names of the yml that are no settings, as far as that is sure or likely."""
    for key, setting in node.settings.items():
        if setting.source or is_known(key) or is_secure(key) or key.startswith(_ELSEWHERE) or "${" in key:
            continue
        yield key


@about_node(
    Text(
        "setting-unknown",
        Severity.FATAL,
        "a setting that does not exist",
        "Elasticsearch refuses to start: unknown setting [...] did you mean [...]?",
        "correct the name",
        "AbstractScopedSettings.validate; seen on Elasticsearch 9.1.0 and 8.19.0",
    )
)
def setting_unknown(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    """A name that is a slip of the keyboard away from one that exists."""
    for key in unknown_settings(node):
        meant = meant_by(key)
        if meant:
            summary = f"{key} is no setting of Elasticsearch"
            yield Hit(node.target, summary, at(node, key), f"did you mean {meant}?")


@about_node(
    Text(
        "setting-of-plugin",
        Severity.WARNING,
        "a setting of which Elasticsearch itself knows nothing",
        "without the plugin that it belongs to Elasticsearch refuses to start: unknown setting [...] please check that "
        "any required plugins are installed",
        "correct the name, or see that the plugin is installed on this node: elasticsearch-plugin list",
        "AbstractScopedSettings.validate; seen on Elasticsearch 9.1.0",
    )
)
def setting_of_plugin(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for key in unknown_settings(node):
        if is_foreign(key) and not meant_by(key):
            yield Hit(node.target, f"{key} is none of Elasticsearch's own settings", at(node, key))


RULES = (setting_unknown, setting_of_plugin)
