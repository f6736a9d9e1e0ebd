"""Proof by fresh handshakes and requests: every layer of every node, logins, the cluster, Kibana. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial

from estui.act import beat_proof, mutual_proof, tokens
from estui.act.context import Context
from estui.act.crew import gather
from estui.act.journal import stamp
from estui.act.judging import check_served as check_served
from estui.act.peers import Peers
from estui.decide.beats_paths import uses_elasticsearch
from estui.decide.beats_steps import unproven
from estui.decide.join_steps import leaving
from estui.decide.mutual import demand_of, has_realm
from estui.decide.rung import has_tls, is_secured, ssl_key
from estui.decide.selection import require_known, select
from estui.errors import EstuiError, ProbeError
from estui.model.certificate import CertificateFacts
from estui.model.goal import Demand
from estui.model.inventory import Address, Layer
from estui.model.observed import ObservedKibana, ObservedNode, OnDisk, PortState, Served
from estui.model.run import Proof, Verdict
from estui.observe import es_api
from estui.observe.http import Client, Credentials, Tls
from estui.observe.kibana_api import kibana_status
from estui.observe.probe import probe

PROBE_TIMEOUT_S = 5.0
KIBANA_UP = ("available", "green", "up")


def describe(served: Served) -> str:
    """A served leaf in one line."""
    leaf = served.leaf
    if leaf is None:
        return served.detail or served.state.value
    return f"{served.tls_version}, {leaf.subject} serial {leaf.serial_hex[:8]}…, ends {leaf.not_after:%Y-%m-%d}"


class Verifier:
    """One verification of everything, with the credentials that are at hand."""

    def __init__(
        self, context: Context, peers: Peers, credentials: Credentials | None, only: Sequence[str] = ()
    ) -> None:
        """`only` are expressions for the targets that are to be proven; all without one."""
        self.context = context
        self.peers = peers
        self.credentials = credentials
        self.proofs: list[Proof] = []
        named = peers.named()
        wanted = select(named, only) if only else [target for target, _ in named]
        require_known(wanted, [target for target, _ in named])
        self.wanted = set(wanted)
        self.nodes = tuple(each for each in peers.nodes if each in self.wanted and each not in leaving(context.plan))

    def verify(self) -> Verdict:
        """Every proof, whether it holds or not; never raises for a target's sake."""
        for found in gather(self.nodes, self._node_proofs):
            self.proofs += found
        for target, claim, check in mutual_proof.proofs(self.context, self.peers, self.nodes):
            self._prove(target, claim, check)
        if self.nodes:
            self._cluster()
        for target in filter(self.wanted.__contains__, self.peers.kibana):
            self._kibana(self.peers.read_kibana(target))
        plan = self.context.plan
        covered = {place.target for place in plan.places} - unproven(plan)
        for target in filter(self.wanted.__contains__, self.peers.beats):
            if uses_elasticsearch(self.peers.read_beat(target)) and (target in covered or not plan.places):
                for claim, check in beat_proof.proofs(self.context, self.peers, target):
                    self._prove(target, claim, check)
        return Verdict(tuple(self.proofs), stamp(self.context.now()))

    def _node_proofs(self, target: str) -> list[Proof]:
        alone = copy(self)
        alone.proofs = []
        node = self.peers.read_node(target)
        for layer in Layer:
            alone._layer(node, layer)
        alone._login(target, node)
        return alone.proofs

    def _prove(self, target: str, claim: str, check: Callable[[], str]) -> None:
        try:
            self._add(Proof(target, claim, True, check()))
        except EstuiError as error:
            self._add(Proof(target, claim, False, error.summary))

    def _add(self, proof: Proof) -> None:
        self.proofs.append(proof)
        self.context.evidence("verify", proof.target, f"{proof.claim}: {proof.evidence}", ok=proof.ok)

    # nodes

    def _layer(self, node: ObservedNode, layer: Layer) -> None:
        address = node.http_address if layer is Layer.HTTP else node.transport_address
        if address is None:
            self._add(Proof(node.target, f"{layer.value} answers", False, "its address cannot be told"))
        elif has_tls(node, layer):
            self._prove(node.target, f"{layer.value} serves the planned leaf", lambda: self._tls(node, layer, address))
        else:
            self._prove(node.target, f"{layer.value} answers in plain text", lambda: _plain(address))

    def _tls(self, node: ObservedNode, layer: Layer, address: Address) -> str:
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        disk = node.disk.get(layer, OnDisk())
        trusted = self.peers.http_trust(node) if layer is Layer.HTTP else disk.trusted
        by_name = layer is Layer.HTTP or node.setting(ssl_key(layer, "verification_mode")) in (None, "full")
        check_served(served, trusted, now=self.context.now(), host=address.host if by_name else None)
        _check_leaf(served, disk)
        demands = node.setting(ssl_key(layer, "client_authentication")) in (None, "required")
        if layer is Layer.TRANSPORT and demands and not served.client_certificate:
            raise ProbeError("it lets in peers without a certificate")
        keeps_out = ", peers without a certificate are refused" if served.client_certificate else ""
        return describe(served) + keeps_out

    def _login(self, target: str, node: ObservedNode) -> None:
        if not is_secured(node):
            return
        self._prove(node.target, "401 without a login", lambda: self._anonymous(target))
        if self.credentials is None:
            self._add(
                Proof(node.target, "a superuser logs in", False, "no credentials at hand (--user, or the passphrase)")
            )
        else:
            self._prove(node.target, "a superuser logs in", lambda: self._user(target, node))

    def _anonymous(self, target: str) -> str:
        node = self.peers.read_node(target)
        demanded = demand_of(node) is Demand.REQUIRED
        if demanded and has_realm(node):
            return mutual_proof.no_roles(self.peers, target)
        with self.peers.client(target, None, shows=demanded) as client:
            answer = client.request("GET", "/")
        if answer.status != 401:
            raise ProbeError(f"an anonymous request was answered with HTTP {answer.status}")
        return "anonymous request refused"

    def _user(self, target: str, node: ObservedNode) -> str:
        with self.peers.client(target, self.credentials) as client:
            user = es_api.authenticate(client)
            if user is None:
                raise ProbeError("the login was refused (401)")
            name = es_api.read_api(client).name
        if name != node.name:
            raise ProbeError(f"{node.http_address} answers as {name or 'nobody'}, not as {node.name}")
        return f"{user} is let in, and the node answers as {name}"

    def _cluster(self) -> None:
        secured = [target for target in self.nodes if is_secured(self.peers.read_node(target))]
        if secured and self.credentials is None:
            self._add(Proof("cluster", "all nodes joined, health not red", False, "no credentials at hand"))
            return
        target = (secured or list(self.nodes))[0]
        self._prove("cluster", "all nodes joined, health not red", lambda: self._health(target))

    def _health(self, target: str) -> str:
        with self.peers.client(target, self.credentials) as client:
            health = es_api.health(client)
        wanted = self.context.plan.expect_nodes or len(self.nodes)
        if health.nodes != wanted:
            raise ProbeError(f"{health.nodes} of {wanted} nodes joined")
        if health.status not in ("green", "yellow"):
            raise ProbeError(f"health is {health.status}")
        return f"{health.nodes} nodes, {health.status}"

    # Kibana

    def _kibana(self, kibana: ObservedKibana) -> None:
        address = kibana.address
        if address is None:
            self._add(Proof(kibana.target, "answers", False, "its address cannot be told"))
            return
        if kibana.setting("server.ssl.enabled") == "true":
            self._prove(kibana.target, "serves the planned leaf", lambda: self._kibana_tls(kibana, address))
            self._prove(kibana.target, "its status over HTTPS", lambda: self._kibana_status(kibana, address))
        else:
            self._prove(kibana.target, "its status", lambda: self._kibana_status(kibana, address))
        for target, claim in tokens.proofs(self.context, self.peers, kibana):
            self._prove(kibana.target, claim, partial(tokens.prove, self.context, self.peers, kibana, target))
        for target in self.nodes:
            node = self.peers.read_node(target)
            if kibana.trust.trusted and has_tls(node, Layer.HTTP) and node.http_address:
                claim = f"would accept {target}"
                self._prove(kibana.target, claim, lambda node=node: self._kibana_accepts(kibana, node))  # type: ignore[misc]

    def _kibana_tls(self, kibana: ObservedKibana, address: Address) -> str:
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        check_served(served, kibana_trust(self.context, kibana), now=self.context.now(), host=address.host)
        _check_leaf(served, kibana.disk)
        return describe(served)

    def _kibana_status(self, kibana: ObservedKibana, address: Address) -> str:
        tls = Tls(kibana_trust(self.context, kibana)) if kibana.setting("server.ssl.enabled") == "true" else None
        with Client(address, tls, None, PROBE_TIMEOUT_S) as client:
            level = kibana_status(client)
        if level not in KIBANA_UP:
            raise ProbeError(f"status is {level}")
        return f"status {level}"

    def _kibana_accepts(self, kibana: ObservedKibana, node: ObservedNode) -> str:
        address = node.http_address
        if address is None:
            raise ProbeError("its address cannot be told")
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        check_served(served, kibana.trust.trusted, now=self.context.now(), host=address.host)
        return f"its CA file vouches for what {address} serves"


def kibana_trust(context: Context, kibana: ObservedKibana) -> tuple[CertificateFacts, ...]:
    """CAs that may vouch for what Kibana serves: the workspace's own for a managed set, else its own chain."""
    if kibana.disk.managed:
        return context.workspace.own_authorities(kibana.disk)
    return kibana.disk.chain


def _plain(address: Address) -> str:
    served = probe(address, timeout_s=PROBE_TIMEOUT_S)
    if served.state is not PortState.PLAIN:
        raise ProbeError(f"{served.state.value}: {served.detail}" if served.detail else served.state.value)
    return "as configured"


def _check_leaf(served: Served, disk: OnDisk) -> None:
    if disk.leaf is None:
        raise ProbeError(f"the leaf on disk cannot be read: {disk.problem or 'missing'}")
    if served.leaf is not None and served.leaf.sha256 != disk.leaf.sha256:
        raise ProbeError(
            f"serves serial {served.leaf.serial_hex[:8]}…, not {disk.leaf.serial_hex[:8]}… as on disk: not loaded"
        )
