"""Proof that a running node trusts a CA: its transport port lets in a throw-away certificate of that CA; where its key
is elsewhere, the port names it among those it accepts.

Needed where a set changes what is trusted but keeps its leaf, so that no new serial shows that it was loaded.
"""

from __future__ import annotations

from estui.act.context import Context
from estui.act.peers import Peers
from estui.act.workspace import serial
from estui.decide.rung import ssl_key
from estui.errors import ProbeError
from estui.formats import pem
from estui.model.goal import Phase
from estui.model.inventory import Address, KeyType, Layer
from estui.model.plan import LeafRequest, PublishSet
from estui.observe.acceptance import announced, can_ask, lets_in
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
        return tuple(name for change in self._kept(target, layer) for name in change.trust)

    def dropped(self, target: str, layer: Layer) -> tuple[str, ...]:
        """CAs of which it has to be shown that the layer trusts them no longer: where its leaf stays, in the last phase
        of a rollover. A layer that asks its peers for nothing shows nothing."""
        rollover, kept = self.context.plan.goal.rollover, self._kept(target, layer)
        if rollover is None or rollover.phase is not Phase.DROP or not kept or not self._asks(target):
            return ()
        return tuple(old for old, _ in rollover.successors if not any(old in change.trust for change in kept))

    def _kept(self, target: str, layer: Layer) -> tuple[PublishSet, ...]:
        """Changes of the transport layer that change what is trusted and keep its leaf."""
        if layer is not Layer.TRANSPORT or self.context.passphrase is None or not can_ask():
            return ()
        changes = (change for change in self.context.plan.changes if isinstance(change, PublishSet))
        return tuple(
            each for each in changes if (each.target, each.set_name) == (target, layer.value) and each.keep_leaf
        )

    def _asks(self, target: str) -> bool:
        """Whether the transport layer demands certificates, as it does by default (elastic-stack-security.md §6.1)."""
        node = self.peers.read_node(target)
        demands = node.setting(ssl_key(Layer.TRANSPORT, "client_authentication")) or "required"
        return demands == "required" and node.setting(ssl_key(Layer.TRANSPORT, "verification_mode")) != "none"

    def trusts(self, target: str, name: str) -> str:
        """The node lets in a certificate of this CA, or names it. Raises ProbeError while it does not."""
        if not self.context.workspace.has_key(name):
            return self._names(target, name, expected=True)
        if not self._lets_in(target, name):
            raise ProbeError(f"transport does not trust CA {name} yet")
        return f"transport lets in a certificate of CA {name}"

    def refuses(self, target: str, name: str) -> str:
        """The node turns a certificate of this CA away, or names it no longer. Raises ProbeError while it does not."""
        if not self.context.workspace.has_key(name):
            return self._names(target, name, expected=False)
        if self._lets_in(target, name):
            raise ProbeError(f"transport still trusts CA {name}")
        return f"transport refuses a certificate of CA {name}"

    def _names(self, target: str, name: str, *, expected: bool) -> str:
        """Whether the node names a CA as one that it accepts, in words. Nothing is shown by a node that names none, or
        by a name that another CA has as well. Raises ProbeError: it is otherwise than expected."""
        subject_of = self.context.workspace.authority_certificate
        subject = subject_of(name).subject
        named = announced(self._address(target), timeout_s=ASK_S)
        if not named or any(subject_of(other).subject == subject for other in self._others(target, name)):
            why = "transport names no CA" if not named else "another CA has its name"
            return f"whether CA {name} is trusted cannot be seen: {why}"
        if (subject.public_bytes() in named) is not expected:
            words = f"does not name CA {name} yet" if expected else f"still names CA {name}"
            raise ProbeError(f"transport {words}")
        return f"transport {'names' if expected else 'no longer names'} CA {name} as one that it accepts"

    def _others(self, target: str, name: str) -> set[str]:
        """The other CAs that the transport layer trusts before or after this plan."""
        rollover = self.context.plan.goal.rollover
        found = {each for change in self._kept(target, Layer.TRANSPORT) for each in change.trust}
        found |= {each for pair in (rollover.successors if rollover else ()) for each in pair}
        return found - {name}

    def _lets_in(self, target: str, name: str) -> bool:
        return lets_in(self._address(target), self._client(name), timeout_s=ASK_S)

    def _address(self, target: str) -> Address:
        address = self.peers.read_node(target).transport_address
        if address is None:
            raise ProbeError("its transport address cannot be told")
        return address

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
