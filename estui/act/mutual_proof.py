"""Proof of mutual TLS on HTTP, by fresh handshakes: who is let through with a certificate, and who is not without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from estui.act.context import Context
from estui.decide.mutual import demand_of, has_realm, mapping_file, trust_context
from estui.decide.rung import has_tls
from estui.errors import ProbeError
from estui.formats.role_mapping import MARK, mark_of
from estui.model.certificate import CertificateFacts
from estui.model.goal import Demand
from estui.model.inventory import Layer
from estui.model.observed import ObservedBeat, ObservedKibana, ObservedNode, PortState
from estui.observe import es_api
from estui.observe.http import Client, ClientCertificate, Tls
from estui.observe.probe import probe

if TYPE_CHECKING:
    from estui.act.peers import Peers

TIMEOUT_S = 5.0
Check = tuple[str, str, Callable[[], str]]
"""Target, claim, and what proves it."""


def shown_by(holder: ObservedKibana | ObservedBeat) -> ClientCertificate | None:
    """The certificate that a Kibana or Beat shows by its files, as they lie in the mounted folder."""
    found = {named.setting: named.relative for named in holder.trust.named if named.relative and not named.fault}
    if "certificate" not in found or "key" not in found:
        return None
    root = Path(holder.entry.config)
    return ClientCertificate(str(root / found["certificate"]), str(root / found["key"]))


def asks_as_planned(node: ObservedNode, timeout_s: float = TIMEOUT_S) -> str:
    """In words, that the HTTP layer asks for or demands a certificate as the yml has it; empty where it should not.

    Raises ProbeError while it does not: the process is still the one of before.
    """
    demand, address = demand_of(node), node.http_address
    if demand is Demand.NONE or address is None or not has_tls(node, Layer.HTTP):
        return ""
    served = probe(address, timeout_s=timeout_s)
    if served.state is not PortState.TLS:
        raise ProbeError(f"http port {address} is {served.state.value}")
    if demand is Demand.REQUIRED:
        if not served.client_certificate:
            raise ProbeError("http lets in clients without a certificate")
        return "; a handshake without a certificate is refused"
    if not served.asks_certificate or served.client_certificate:
        raise ProbeError("http demands a certificate" if served.client_certificate else "http asks for no certificate")
    return "; a certificate is asked for, and not demanded"


def proofs(context: Context, peers: Peers, targets: tuple[str, ...]) -> Iterator[Check]:
    """Everything that mutual TLS promises; nothing where the nodes ask nobody."""
    for target in targets:
        node = peers.read_node(target)
        if demand_of(node) is Demand.NONE or not has_tls(node, Layer.HTTP):
            continue
        yield target, "asks for client certificates as its yml has it", partial(_asks, node)
        if not trust_context(node).trusted:
            continue
        yield target, "a client with a certificate is let through", partial(_own, peers, node)
        if has_realm(node) and context.client is None:
            yield target, "has loaded who has which role", partial(mapping_loaded, peers, target)
        for name in peers.kibana:
            claim = f"its certificate is let through by {target}"
            yield name, claim, partial(_kibana, peers.read_kibana(name), node)


def own_is_let_in(peers: Peers, target: str) -> tuple[str, ...]:
    """That a running node has read whose client certificates it accepts: estui's own is one of them. Nothing where
    nobody is asked. Raises ProbeError while it has not."""
    node = peers.read_node(target)
    if demand_of(node) is Demand.NONE or not trust_context(node).trusted or peers.shown(node) is None:
        return ()
    told = (_own(peers, node),)
    if not has_realm(node) or peers.context.client is not None:
        return told
    return (*told, mapping_loaded(peers, target))


def mapping_loaded(peers: Peers, target: str) -> str:
    """That a node has loaded the file of who has which role: estui's own certificate has a role in it that gives no
    rights, and whose name tells the rest. Raises ProbeError while it has another one."""
    mark = mark_of(mapping_file(peers.read_node(target), peers.context.inventory.folder))
    if not mark:
        return "its file of roles has no mark of estui's to ask for"
    with peers.client(target, None) as client:
        user, roles = es_api.who(client)
    if not user:
        return "certificates log nobody in at the moment: is there a licence for it?"
    if mark not in roles:
        raise ProbeError("has another mapping of roles loaded than its file has")
    return f"logs in estui's own certificate with the mark of the file, {mark}"


def no_roles(peers: Peers, target: str) -> str:
    """Where a certificate is demanded and logs its owner in, nobody is anonymous: estui's own must give no rights.

    Raises ProbeError: it does.
    """
    with peers.client(target, None) as client:
        user, roles = es_api.who(client)
    rights = [role for role in roles if not role.startswith(MARK)]
    if rights:
        raise ProbeError(f"estui's certificate alone logs in as {user}, with the roles {', '.join(rights)}")
    return "refused without a certificate; estui's alone gives no role" if user else "anonymous request refused"


def _asks(node: ObservedNode) -> str:
    return asks_as_planned(node).removeprefix("; ")


def _own(peers: Peers, node: ObservedNode) -> str:
    shown = peers.shown(node)
    if shown is None:
        raise ProbeError("estui has no client certificate")
    return f"estui's: {_answer(node, peers.http_trust(node), shown)}"


def _kibana(kibana: ObservedKibana, node: ObservedNode) -> str:
    shown = shown_by(kibana)
    if shown is None:
        if demand_of(node) is Demand.REQUIRED:
            raise ProbeError("it has no client certificate")
        return "it has none, and none is demanded"
    return _answer(node, kibana.trust.trusted, shown)


def _answer(node: ObservedNode, trusted: tuple[CertificateFacts, ...], shown: ClientCertificate) -> str:
    """A server that does not like a certificate ends the connection before any answer (real-elasticsearch.md §0.14)."""
    if node.http_address is None:
        raise ProbeError("its address cannot be told")
    with Client(node.http_address, Tls(trusted, client=shown), None, TIMEOUT_S) as client:
        return f"the request without a password is answered HTTP {client.request('GET', '/').status}"
