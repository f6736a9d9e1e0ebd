"""Sets that are switched under running nodes: not while a node starts, and until each serves what it was given.

Source: `resource.reload.interval.high`, elastic-stack-security.md §6.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from estui.act.context import Context
from estui.act.gates import Gates
from estui.act.loading import ClientFor, explain
from estui.act.login import MARGIN_S
from estui.act.mutual_proof import own_is_let_in
from estui.act.peers import Peers
from estui.act.republish import republish
from estui.act.trust_proof import TrustProof
from estui.decide.rung import has_tls
from estui.errors import ApplyError
from estui.model.inventory import Layer
from estui.model.observed import OnDisk

RELOAD_POLLS = 3
"""Poll intervals within which a running node must serve a set that was switched under it."""
PUBLISHED_AGAIN = 3
"""How often a set that is not loaded is published again."""

Wait = Callable[[str, Callable[[str], str], float], str]
"""Waits for a gate of a target for so many seconds; the reason why it stays open, or nothing."""


class Reload:
    """Hot reload on the targets of one step."""

    def __init__(
        self,
        context: Context,
        peers: Peers,
        gates: Gates,
        wait: Wait,
        client_for: ClientFor,
        told: Callable[[str], tuple[str, ...]] = lambda _: (),
    ) -> None:
        self.context = context
        self.peers = peers
        self.gates = gates
        self.wait = wait
        self.client_for = client_for
        self.told = told
        """What the log of a node says about what it did not load."""
        self.proof = TrustProof(context, peers)

    def _layers(self, targets: tuple[str, ...]) -> Iterator[tuple[str, Layer]]:
        for target in targets:
            if self.peers.is_node(target):
                node = self.peers.read_node(target)
                yield from ((target, layer) for layer in Layer if has_tls(node, layer))

    def await_up(self, targets: tuple[str, ...], at_least_s: float = MARGIN_S) -> None:
        """Every TLS port of the nodes answers: a node that starts may read its files now and never look again.

        Raises ApplyError for one that stays down.
        """
        limit = max(self.context.options.wait_s, at_least_s)
        for target, layer in self._layers(targets):
            problem = self.wait(target, partial(self.gates.answers, layer), limit)
            if problem:
                raise ApplyError(
                    f"{target} does not answer on {layer.value}: {problem}; no set is switched while a node may be "
                    "starting",
                    hint="bring it up, then: estui runbook resume",
                )

    def await_loaded(self, targets: tuple[str, ...], step: str) -> None:
        """Every TLS layer of the nodes serves what is on disk; a set that is not loaded is published again."""
        for target, layer in self._layers(targets):
            self._await_layer(target, layer, step)

    def _await_layer(self, target: str, layer: Layer, step: str) -> None:
        limit = RELOAD_POLLS * self.peers.reload_interval_s(target) + MARGIN_S
        gate = partial(self._loaded, layer, self.proof.authorities(target, layer), self.proof.dropped(target, layer))
        problem = self.wait(target, gate, limit)
        for _ in range(PUBLISHED_AGAIN):
            if not problem or not self._may_publish(target, layer):
                break
            # one that was restarted meanwhile opens its ports first, and serves what it found at its start
            self.await_up((target,), self.context.inventory.limits.start_seconds)
            problem = self.wait(target, gate, 0.0)
            if problem:
                name = republish(self.context, target, layer.value, step)
                self.context.evidence(step, target, f"{layer.value} set published again as {name}: {problem}")
                problem = self.wait(target, gate, limit)
        if problem:
            reason = explain(self.peers, self.client_for, target, layer)
            raise ApplyError(
                f"{target} has not loaded its {layer.value} set: {problem}",
                reasons=(reason.text, *self.told(target)),
                hint=reason.hint,
            )

    def _loaded(self, layer: Layer, trusted: tuple[str, ...], dropped: tuple[str, ...], target: str) -> str:
        """The layer serves what is on disk, and trusts what no new serial can show."""
        seen = [self.gates.loaded(layer, target), *(self.proof.trusts(target, name) for name in trusted)]
        seen += [self.proof.refuses(target, name) for name in dropped]
        seen += own_is_let_in(self.peers, target) if layer is Layer.HTTP else ()
        return "; ".join(seen)

    def _may_publish(self, target: str, layer: Layer) -> bool:
        return self.peers.reloads(target) and self.peers.read_node(target).disk.get(layer, OnDisk()).managed
