"""What of an observation goes into a support bundle: names of settings, and the values of the harmless ones.

A value is shown because its setting is known to hold none but words, numbers, addresses and names of files; every
other setting is told by its name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from estui.decide.masking import names_secret, shown_value
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address
from estui.model.observed import FileState, Observed, ObservedBeat, ObservedKibana, ObservedNode, OnDisk, Served
from estui.model.run import RunState
from estui.model.setting import Setting, value_text
from estui.model.support import SupportFile, SupportPort, SupportRun, SupportTarget

_SSL = r"(enabled|verification_mode|client_authentication|certificate|key|certificate_authorities|supported_protocols)"
_STORE = r"(keystore|truststore)\.(path|type)"
_HARMLESS = re.compile(
    rf"""
    (cluster|node)\.name | node\.roles | path\.(data|logs) | discovery\.(type|seed_hosts)
    | cluster\.initial_master_nodes
    | (network|http|transport)(\.(host|port|bind_host|publish_host|publish_port))
    | xpack\.security\.(enabled|autoconfiguration\.enabled|enrollment\.enabled|fips_mode\.enabled)
    | xpack\.security\.(transport|http)\.ssl\.({_SSL}|{_STORE})
    | xpack\.security\.authc\.realms\.[a-z_]+\.[\w-]+\.(order|enabled)
    | xpack\.license\.self_generated\.type
    | server\.(host|port|name|publicBaseUrl|ssl\.{_SSL}|ssl\.{_STORE})
    | elasticsearch\.(hosts|ssl\.(verificationMode|certificateAuthorities|certificate|key|{_STORE}))
    | (server\.ssl|elasticsearch\.ssl)\.[a-zA-Z]*(Authorities|Mode|Authentication|Protocols)
    | output\.elasticsearch\.(hosts|protocol|ssl\.({_SSL}))
    """,
    re.VERBOSE,
)
NOT_SHOWN = "(set)"
"""Stands for a value that nobody needs to see."""


def support_targets(observed: Observed) -> tuple[SupportTarget, ...]:
    """Every node, Kibana and Beat."""
    return (
        *(_node(node) for node in observed.nodes),
        *(_kibana(kibana) for kibana in observed.kibana),
        *(_beat(beat) for beat in observed.beats),
    )


def support_run(run: RunState) -> SupportRun:
    """A run, and the step that it is at."""
    record = run.next
    step = f"{record.step.title}: {record.state.value}" if record else ""
    step += f": {record.detail}" if record and record.detail else ""
    return SupportRun(run.id, run.kind, run.phase.value, run.started, run.ended, run.detail, step)


def support_settings(settings: Mapping[str, Setting]) -> tuple[tuple[str, str], ...]:
    """Every setting by name; the value only where it is harmless by its name, and without a login in an address."""

    def shown(setting: Setting) -> str:
        if not _HARMLESS.fullmatch(setting.key) or names_secret(setting.key):
            return NOT_SHOWN
        return value_text(shown_value(setting.key, setting.value))

    return tuple((key, shown(setting)) for key, setting in sorted(settings.items()))


def _node(node: ObservedNode) -> SupportTarget:
    addresses = {"http": node.http_address, "transport": node.transport_address}
    ports = [
        _port(layer.value, addresses[layer.value], node.port(layer), node.disk.get(layer)) for layer in node.served
    ]
    state = f"{node.rung.value}; keystore entries: {len(node.keystore.names)}"
    version = f"{node.version or 'unknown'} ({node.version_source})" if node.version_source else "unknown"
    return SupportTarget(
        node.target,
        node.entry.config,
        version,
        state,
        support_settings(node.settings),
        tuple(ports),
        _files(node.files),
    )


def _kibana(kibana: ObservedKibana) -> SupportTarget:
    ports = (_port("server", kibana.address, kibana.served, kibana.disk),)
    return SupportTarget(
        kibana.target,
        kibana.entry.config,
        str(kibana.version or "unknown"),
        kibana.status or "no status",
        support_settings(kibana.settings),
        ports,
        _files(kibana.files),
    )


def _beat(beat: ObservedBeat) -> SupportTarget:
    return SupportTarget(
        beat.target,
        beat.entry.config,
        str(beat.version or "unknown"),
        beat.kind,
        support_settings(beat.settings),
        (),
        _files(beat.files),
    )


def _port(layer: str, address: Address | None, served: Served, disk: OnDisk | None) -> SupportPort:
    answer = " ".join(each for each in (served.state.value, served.tls_version, served.detail) if each)
    on_disk = disk.problem or _leaf(disk.leaf) if disk else ""
    return SupportPort(layer, str(address or ""), answer, _leaf(served.leaf), on_disk)


def _leaf(leaf: CertificateFacts | None) -> str:
    if leaf is None:
        return ""
    return f"{leaf.key_type}, {leaf.signature_hash}, ends {_day(leaf.not_after)}, SHA-256 {leaf.sha256[:16]}"


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


def _files(files: Mapping[str, FileState]) -> tuple[SupportFile, ...]:
    def every() -> Iterable[SupportFile]:
        for path, state in sorted(files.items()):
            if state.exists:
                kind = f"link to {state.link}" if state.link else state.kind.value
                kind += f" ({state.error})" if state.error else ""
                owner = f"{state.uid}:{state.gid}"
                yield SupportFile(path, kind, f"{state.mode:04o}", owner, len(state.content))

    return tuple(every())
