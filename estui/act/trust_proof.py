"""Proof that a running node trusts a CA: its transport port lets in a throw-away certificate of that CA.

Needed where a set changes what is trusted but keeps its leaf, so that no new serial shows that it was loaded.
"""

from __future__ import annotations

from estui.act.context import Context
from estui.act.peers import Peers
from estui.act.workspace import serial
from estui.errors import ProbeError
from estui.formats import pem
from estui.model.inventory import KeyType, Layer
from estui.model.plan import LeafRequest, PublishSet
from estui.observe.acceptance import can_ask, lets_in
from estui.pki.authority import issue_leaf
from estui.pki.keys import generate_key

ASK_S = 5.0


class TrustProof:
    """Throw-away client certificates of one run, each made once, in memory alone."""

    def __init__(self, context: Context, peers: Peers) -> None:
        self.context = context
        self.peers = peers
        self._clients: dict[str, bytes] = {}

    def authorities(self, target: str, layer: Layer) -> tuple[str, ...]:
        """CAs of which it has to be shown that the layer trusts them: none where a new serial shows it.

        Only the transport layer asks its peers for a certificate; on HTTP nothing rests on what a node trusts.
        """
        if layer is not Layer.TRANSPORT or self.context.passphrase is None or not can_ask():
            return ()
        changes = [change for change in self.context.plan.changes if isinstance(change, PublishSet)]
        kept = [each for each in changes if (each.target, each.set_name) == (target, layer.value) and each.keep_leaf]
        return tuple(name for change in kept for name in change.trust if self.context.workspace.has_key(name))

    def trusts(self, target: str, name: str) -> str:
        """The node lets in a certificate of this CA. Raises ProbeError while it does not."""
        address = self.peers.read_node(target).transport_address
        if address is None:
            raise ProbeError("its transport address cannot be told")
        if not lets_in(address, self._client(name), timeout_s=ASK_S):
            raise ProbeError(f"transport does not trust CA {name} yet")
        return f"transport lets in a certificate of CA {name}"

    def _client(self, name: str) -> bytes:
        if name not in self._clients:
            workspace, passphrase = self.context.workspace, self.context.passphrase
            if passphrase is None:
                raise ProbeError(f"the passphrase is needed to ask whether CA {name} is trusted")
            key = generate_key(KeyType.EC_P256)
            request = LeafRequest(
                "estui", "proof", name, "estui", ("localhost",), (), ("clientAuth",), KeyType.EC_P256, 1
            )
            leaf = issue_leaf(
                request,
                authority=workspace.authority_certificate(name),
                authority_key=workspace.authority_key(name, passphrase),
                key=key,
                serial=serial(),
                now=self.context.now(),
            )
            self._clients[name] = pem.certificate_pem(leaf) + pem.private_key_pem(key)
        return self._clients[name]
