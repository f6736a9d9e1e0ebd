"""What can be copied: values, and the commands that show the same thing outside estui."""

from __future__ import annotations

import os
import shlex
import tempfile
from dataclasses import dataclass

from estui.decide.probing import commands
from estui.errors import UsageError
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address, Layer
from estui.model.observed import Observed, ObservedKibana, ObservedNode, OnDisk, PortState, Served
from estui.present.escapes import escaped


@dataclass(frozen=True)
class Copy:
    """One entry of the copy menu."""

    words: str
    value: str

    def __post_init__(self) -> None:
        # what is pasted is typed: an escape sequence or a line end in a name would act on the shell
        object.__setattr__(self, "value", escaped(self.value))


def written(copy: Copy) -> str:
    """Path of a new file of its own that holds what is copied, for its owner only. Raises UsageError: no room."""
    try:
        number, path = tempfile.mkstemp(prefix="estui-copy-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
            file.write(copy.value + "\n")
    except OSError as error:
        hint = "make room there, or name another folder in TMPDIR"
        raise UsageError(f"cannot be written: {os.strerror(error.errno or 0)}", hint=hint) from error
    return path


def target_copies(observed: Observed, target: str) -> list[Copy]:
    """Everything worth copying about a node, a Kibana instance or a Beat."""
    for thing in observed.things:
        if thing.target == target:
            return _node_copies(thing) if isinstance(thing, ObservedNode) else _kibana_copies(thing)
    beats = [Copy("configuration folder", beat.entry.config) for beat in observed.beats if beat.target == target]
    return beats


def _node_copies(node: ObservedNode) -> list[Copy]:
    copies = [Copy("configuration folder", node.entry.config)]
    if node.http_address:
        copies.insert(0, Copy("HTTP address", str(node.http_address)))
    for layer, served in node.served.items():
        copies += _leaf_copies(layer.value, node.disk.get(layer, OnDisk()).leaf)
        copies += _probe_copies(served, f" for {layer.value}")
    return copies + _curl(node.http_address, tls=node.port(Layer.HTTP).state is PortState.TLS)


def _kibana_copies(kibana: ObservedKibana) -> list[Copy]:
    copies = [Copy("configuration folder", kibana.entry.config)]
    if kibana.address:
        copies.insert(0, Copy("address", str(kibana.address)))
    copies += _leaf_copies("http", kibana.disk.leaf)
    return copies + _probe_copies(kibana.served)


def _probe_copies(served: Served, of: str = "") -> list[Copy]:
    """What asks the same as the probe, whatever came of it: a port that is closed or hangs is asked by hand first."""
    lines = commands(served, served.address.host) if served.address else ()
    return [Copy(f"{line.partition(' ')[0]} command{of}, as probed", line) for line in lines]


def _leaf_copies(layer: str, leaf: CertificateFacts | None) -> list[Copy]:
    return [] if leaf is None else [Copy(f"{layer} certificate, SHA-256", leaf.sha256)]


def _curl(address: Address | None, *, tls: bool) -> list[Copy]:
    return [] if address is None else [Copy("curl command", curl_command(address, tls=tls))]


def curl_command(address: Address, *, tls: bool) -> str:
    """Asks a node who it is; with TLS the CA and the user are left to fill in."""
    scheme = "https" if tls else "http"
    options = " --cacert http-ca.crt -u elastic" if tls else ""
    return f"curl{options} {shlex.quote(f'{scheme}://{address}/')}"
