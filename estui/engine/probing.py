"""Ports of an opened workspace, probed by the names of its targets or by address, and judged by those who connect to
them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from estui.decide.authorities import SERVER_SET
from estui.decide.probing import commands, judge
from estui.decide.probing_peers import judges_of, opinions
from estui.engine import Engine
from estui.errors import UsageError
from estui.model.inventory import Address, Layer
from estui.model.observed import Observed, ObservedKibana, ObservedNode, Served
from estui.model.run import Proof
from estui.observe.probe import probe
from estui.pki.names import normalised_address


@dataclass(frozen=True)
class Probed:
    """One port: what it served, what that proves, and how to ask by hand."""

    target: str
    port: str
    """`transport`, `http` or `server`."""
    served: Served
    proofs: tuple[Proof, ...]
    commands: tuple[str, ...]


def probe_targets(engine: Engine, names: Sequence[str], *, timeout_s: float, name: str = "") -> tuple[Probed, ...]:
    """Every port of the targets named, of all without a name. `name` is checked instead of each port's host.

    UsageError: a target that the inventory does not have.
    """
    observed = engine.observe(timeout_s=timeout_s)
    known = {thing.target for thing in observed.things}
    strange = next((each for each in names if each not in known), None)
    if strange is not None:
        hint = f"HOST:PORT, or one of {', '.join(sorted(known)[:6])}" if known else "HOST:PORT"
        raise UsageError(f"{strange!r} is neither HOST:PORT nor a target of the inventory", hint=hint)
    now = engine.clock()
    found: list[Probed] = []
    for thing in observed.things:
        if names and thing.target not in names:
            continue
        found += _node(thing, observed, now, name) if isinstance(thing, ObservedNode) else _kibana(thing, now, name)
    return tuple(found)


def probe_address(engine: Engine, address: Address, *, timeout_s: float, name: str = "") -> Probed | None:
    """The port of a target that the workspace knows at this address, judged in the same way; None where it knows none.

    No other port is asked.
    """
    observed, now = engine.observe(network=False), engine.clock()
    for thing in observed.things:
        ports = _ports(thing)
        port = next((port for port, where in ports.items() if where is not None and _is_same(where, address)), None)
        if port is None:
            continue
        served = probe(address, timeout_s=timeout_s, server_name=name or address.host)
        if isinstance(thing, ObservedNode):
            return _judged(thing, Layer(port), served, observed, now, name)
        return next(_kibana(replace(thing, served=served), now, name))
    return None


def _ports(thing: ObservedNode | ObservedKibana) -> dict[str, Address | None]:
    if isinstance(thing, ObservedKibana):
        return {SERVER_SET: thing.address}
    return {Layer.TRANSPORT.value: thing.transport_address, Layer.HTTP.value: thing.http_address}


def _is_same(one: Address, other: Address) -> bool:
    """Whether two addresses are written for the same port; names are not looked up."""
    hosts = [normalised_address(each.host) or each.host.lower() for each in (one, other)]
    return one.port == other.port and hosts[0] == hosts[1]


def _node(node: ObservedNode, observed: Observed, now: datetime, name: str) -> Iterator[Probed]:
    for layer in Layer:
        served = node.port(layer)
        if served.address is not None:
            yield _judged(node, layer, served, observed, now, name)


def _judged(node: ObservedNode, layer: Layer, served: Served, observed: Observed, now: datetime, name: str) -> Probed:
    host = name or (served.address.host if served.address else "")
    peers = judges_of(node, layer, observed, now)
    proofs = judge(served, host, (), now) + opinions(f"{node.target} {layer.value}", served, peers, now)
    by_hand = list(commands(served, host))
    for peer in peers:
        if peer.authority:
            by_hand += commands(served, peer.host or host, peer.authority)[:1]
    return Probed(node.target, layer.value, served, proofs, tuple(dict.fromkeys(by_hand)))


def _kibana(kibana: ObservedKibana, now: datetime, name: str) -> Iterator[Probed]:
    served = kibana.served
    if served.address is not None:
        host = name or served.address.host
        yield Probed(kibana.target, SERVER_SET, served, judge(served, host, (), now), commands(served, host))
