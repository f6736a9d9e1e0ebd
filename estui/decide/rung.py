"""The rung of the ladder that a node stands on, read from its folder and version."""

from __future__ import annotations

from dataclasses import replace

from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedNode, Rung
from estui.model.version import Version

SECURITY = "xpack.security.enabled"
ANONYMOUS_ROLES = "xpack.security.authc.anonymous.roles"
"""With it a secured node answers requests without a login too."""
SECURE_BY_DEFAULT = Version(8, 0, 0)
"""From this release security is on unless switched off (elastic-stack-security.md §13)."""


def ssl_key(layer: Layer, name: str) -> str:
    """Full name of a TLS setting of a layer, such as `xpack.security.http.ssl.enabled`."""
    return f"xpack.security.{layer.value}.ssl.{name}"


def is_secured(node: ObservedNode) -> bool | None:
    """Whether security will be on at the node's next start; None where only the unknown version could tell.

    Where the yml leaves it to the default, a node that serves anybody now has it off by other means (`-E`, the
    environment of a container), so the default does not count.
    """
    stated = node.setting(SECURITY)
    if stated is not None:
        return stated == "true"
    if node.api.secured is False and ANONYMOUS_ROLES not in node.settings:
        return False
    return node.version >= SECURE_BY_DEFAULT if node.version else None


def has_tls(node: ObservedNode, layer: Layer) -> bool:
    """Whether the layer speaks TLS at the node's next start, by its yml."""
    return node.setting(ssl_key(layer, "enabled")) == "true"


def rung_of(node: ObservedNode) -> Rung:
    """The highest rung whose conditions the node's own files meet."""
    secured = is_secured(node)
    if secured is None:
        return Rung.UNKNOWN
    if not secured:
        return Rung.UNSECURED
    if not has_tls(node, Layer.TRANSPORT):
        return Rung.MINIMAL
    if not has_tls(node, Layer.HTTP):
        return Rung.BASIC
    clients = node.setting(ssl_key(Layer.HTTP, "client_authentication"))
    return Rung.MUTUAL if clients in ("required", "optional") else Rung.HTTPS


def cluster_rung(observed: Observed) -> Rung:
    """The lowest rung of all nodes: a cluster is as secure as its weakest node."""
    return min((node.rung for node in observed.nodes), key=lambda rung: rung.height, default=Rung.UNKNOWN)


def with_rungs(observed: Observed) -> Observed:
    """The same observation with every node's rung filled in."""
    return replace(observed, nodes=tuple(replace(node, rung=rung_of(node)) for node in observed.nodes))
