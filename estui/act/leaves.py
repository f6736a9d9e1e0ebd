"""Which certificates every target of a run has on disk, journaled before anything changes and once all is done."""

from __future__ import annotations

from collections.abc import Iterator

from estui.act.context import Context
from estui.act.crew import gather
from estui.act.peers import Peers
from estui.model.observed import OnDisk
from estui.model.report import LeafFacts

LEAVES = "leaves"
"""Act of a journal record: `when` is `before` or `after`."""


def note_leaves(context: Context, peers: Peers, when: str) -> None:
    """Journals fingerprints and serials of every TLS context."""
    context.journal.write(LEAVES, when=when, leaves=tuple(_leaves(peers)))


def _leaves(peers: Peers) -> Iterator[LeafFacts]:
    for target, node in zip(peers.nodes, gather(peers.nodes, peers.read_node), strict=True):
        for layer, disk in node.disk.items():
            yield from _facts(target, layer.value, disk)
    for target in peers.kibana:
        kibana = peers.read_kibana(target)
        yield from _facts(target, "server", kibana.disk)
        yield from _facts(target, "elasticsearch", kibana.trust)
    for target in peers.beats:
        yield from _facts(target, "elasticsearch", peers.read_beat(target).trust)


def _facts(target: str, set_name: str, disk: OnDisk) -> Iterator[LeafFacts]:
    leaf = disk.leaf
    trusted = tuple(each.sha256 for each in disk.trusted)
    if leaf is not None:
        ends = leaf.not_after.isoformat()
        yield LeafFacts(target, set_name, leaf.subject, leaf.issuer, leaf.serial_hex, leaf.sha256, ends, trusted)
    elif trusted:
        yield LeafFacts(target, set_name, "", "", "", "", "", trusted)
