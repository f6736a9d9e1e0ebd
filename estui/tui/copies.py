"""What can be copied: values, and the commands that show the same thing outside estui."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address, Layer
from estui.model.observed import Observed, ObservedKibana, ObservedNode, OnDisk, PortState


@dataclass(frozen=True)
class Copy:
    """One entry of the copy menu."""

    words: str
    value: str


def target_copies(observed: Observed, target: str) -> list[Copy]:
    """Everything worth copying about a node or Kibana instance."""
    for thing in observed.things:
        if thing.target == target:
            return _node_copies(thing) if isinstance(thing, ObservedNode) else _kibana_copies(thing)
    return []


def _node_copies(node: ObservedNode) -> list[Copy]:
    copies = [Copy("configuration folder", node.entry.config)]
    if node.http_address:
        copies.insert(0, Copy("HTTP address", str(node.http_address)))
    for layer, served in node.served.items():
        copies += _leaf_copies(layer.value, node.disk.get(layer, OnDisk()).leaf)
        if served.address and served.state is PortState.TLS:
            copies.append(Copy(f"openssl command for {layer.value}", openssl_command(served.address)))
    return copies + _curl(node.http_address, tls=node.port(Layer.HTTP).state is PortState.TLS)


def _kibana_copies(kibana: ObservedKibana) -> list[Copy]:
    copies = [Copy("configuration folder", kibana.entry.config)]
    if kibana.address:
        copies.insert(0, Copy("address", str(kibana.address)))
    copies += _leaf_copies("http", kibana.disk.leaf)
    if kibana.address and kibana.served.state is PortState.TLS:
        copies.append(Copy("openssl command", openssl_command(kibana.address)))
    return copies


def _leaf_copies(layer: str, leaf: CertificateFacts | None) -> list[Copy]:
    return [] if leaf is None else [Copy(f"{layer} certificate, SHA-256", leaf.sha256)]


def _curl(address: Address | None, *, tls: bool) -> list[Copy]:
    return [] if address is None else [Copy("curl command", curl_command(address, tls=tls))]


def openssl_command(address: Address) -> str:
    """Prints the chain that a port serves."""
    return f"openssl s_client -connect {shlex.quote(str(address))} -showcerts </dev/null"


def curl_command(address: Address, *, tls: bool) -> str:
    """Asks a node who it is; with TLS the CA and the user are left to fill in."""
    scheme = "https" if tls else "http"
    options = " --cacert http-ca.crt -u elastic" if tls else ""
    return f"curl{options} {shlex.quote(f'{scheme}://{address}/')}"
