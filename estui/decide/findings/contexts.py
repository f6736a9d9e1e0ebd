"""Rules about TLS contexts beside the two layers: realms, remote clusters, exporters. All are loaded at start."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.rule import Facts, Hit, Text, about_node
from estui.decide.findings.view import NODE_YML, place
from estui.model.finding import Severity
from estui.model.observed import Fault, NamedFile, ObservedNode

_FATAL = (Fault.MISSING, Fault.BROKEN, Fault.NOT_A_FILE, Fault.OUTSIDE, Fault.PASSWORD)


def _locked(node: ObservedNode, named: NamedFile) -> bool:
    """Whether the right password may lie in a keystore that is closed to us."""
    return named.fault is Fault.PASSWORD and node.keystore.present and not node.keystore.opened


@about_node(
    Text(
        "tls-other-file-unusable",
        Severity.FATAL,
        "a TLS file of a realm, remote cluster or exporter that cannot be used",
        "Elasticsearch refuses to start: failed to load SSL configuration; contexts that are switched off are "
        "loaded too",
        "put the right file there, or remove the settings that name it",
        "SSLService.loadSslConfigurations",
    )
)
def other_file_unusable(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for context, disk in node.extra:
        for named in disk.named:
            if named.fault in _FATAL and not _locked(node, named):
                key = next((key for key, each in node.settings.items() if named.name in each.items), "")
                where = place(node.entry.config, NODE_YML, node.settings.get(key), key)
                yield Hit(node.target, f"{context}: {named.detail or named.name}", where)


RULES = (other_file_unusable,)
