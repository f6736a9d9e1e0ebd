"""Gates: what has to be seen before a step may close. Every one is a fresh connection, judged in words."""

from __future__ import annotations

from collections.abc import Callable

from estui.act.context import Context
from estui.act.items import LeafRecord
from estui.act.mutual_proof import asks_as_planned
from estui.act.peers import Peers, wait_until
from estui.act.verify import KIBANA_UP, check_served, describe, kibana_trust
from estui.decide.rung import has_tls
from estui.errors import EstuiError, ProbeError
from estui.formats.wire import decode
from estui.model.inventory import Address, Layer
from estui.model.observed import OnDisk, PortState
from estui.observe.http import Client, Tls
from estui.observe.kibana_api import kibana_status
from estui.observe.probe import is_refused, probe

PROBE_TIMEOUT_S = 3.0


class Gates:
    """The gates of one run. Methods return the evidence, and raise ProbeError or CertificateError while it lacks."""

    def __init__(self, context: Context, peers: Peers) -> None:
        self.context = context
        self.peers = peers
        self._known: tuple[int, dict[tuple[str, str], LeafRecord]] = (0, {})
        """Count of the records that the planned leaves, by target and set, were read from."""

    def wait(self, gate: Callable[[], str], timeout_s: float, in_vain: Callable[[], bool] = lambda: False) -> str:
        """Asks a gate until it closes, or waiting is in vain; the last reason why it does not, empty once it has."""
        problem = ""

        def closes() -> bool:
            nonlocal problem
            try:
                gate()
            except EstuiError as error:
                problem = error.summary
                return False
            problem = ""
            return True

        wait_until(closes, timeout_s, lambda: self.context.stop.is_set() or in_vain())
        return problem

    # ports

    def all_refused(self, target: str) -> bool:
        """Whether every port of the target is closed: refused, since a time-out is no evidence."""
        return all(is_refused(address, PROBE_TIMEOUT_S) for address in self.peers.addresses(target).values())

    def answers_anywhere(self, target: str) -> bool:
        """Whether some port of the target takes connections. A host that is not there yet answers nowhere."""
        answering = (PortState.TLS, PortState.PLAIN, PortState.SILENT)
        addresses = self.peers.addresses(target).values()
        return any(probe(address, timeout_s=PROBE_TIMEOUT_S).state in answering for address in addresses)

    def main_port_refused(self, target: str) -> bool:
        """Whether the port that opens first is closed: transport of a node, HTTP elsewhere."""
        addresses = self.peers.addresses(target)
        address = addresses.get(Layer.TRANSPORT.value) or next(iter(addresses.values()))
        return is_refused(address, PROBE_TIMEOUT_S)

    def first_answering(self, targets: tuple[str, ...]) -> str | None:
        """The first of these nodes whose HTTP port is open."""
        for target in targets:
            address = self.peers.addresses(target).get(Layer.HTTP.value)
            if address and not is_refused(address, PROBE_TIMEOUT_S):
                return target
        return None

    # served as planned

    def started(self, target: str) -> str:
        """A node's transport port, or Kibana's status, as planned."""
        return self.node_layer(target, Layer.TRANSPORT) if self.peers.is_node(target) else self.kibana(target)

    def node_layer(self, target: str, layer: Layer) -> str:
        """The layer is open; with TLS it serves the materialised leaf, which the layer's own trust accepts."""
        node = self.peers.read_node(target)
        address = node.http_address if layer is Layer.HTTP else node.transport_address
        if address is None:
            raise ProbeError(f"its {layer.value} address cannot be told")
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        if not has_tls(node, layer):
            if served.state is not PortState.PLAIN:
                raise ProbeError(f"{layer.value} port {address} is {served.state.value}")
            return f"{layer.value} port {address} is open, plain as configured"
        if layer is Layer.HTTP:
            check_served(served, self.peers.http_trust(node), now=self.context.now(), host=address.host)
        else:
            check_served(served, node.disk.get(layer, OnDisk()).trusted, now=self.context.now(), host=None)
        self._check_planned(target, layer.value, served.leaf.sha256 if served.leaf else "")
        return f"{layer.value} serves {describe(served)}: as planned"

    def answers(self, layer: Layer, target: str) -> str:
        """The layer speaks TLS, whatever it serves: the node has read its files."""
        node = self.peers.read_node(target)
        address = node.http_address if layer is Layer.HTTP else node.transport_address
        served = probe(address, timeout_s=PROBE_TIMEOUT_S) if address else None
        if served is None or served.state is not PortState.TLS:
            raise ProbeError(f"{address} {served.state.value}" if served else "its address cannot be told")
        return f"{layer.value} answers with TLS"

    def loaded(self, layer: Layer, target: str) -> str:
        """A layer whose files were switched under a running node serves what is on disk now."""
        text = self.node_layer(target, layer)
        self._serves_disk(layer, target)
        return text

    def restarted(self, target: str) -> str:
        """HTTP answers as planned, and every TLS layer serves what is on disk: that of an undo as well, which plans no
        leaf."""
        text = self.node_layer(target, Layer.HTTP)
        node = self.peers.read_node(target)
        for layer in Layer:
            if has_tls(node, layer):
                self._serves_disk(layer, target)
        return text + asks_as_planned(node, PROBE_TIMEOUT_S)

    def _serves_disk(self, layer: Layer, target: str) -> None:
        node = self.peers.read_node(target)
        address = node.http_address if layer is Layer.HTTP else node.transport_address
        leaf = node.disk.get(layer, OnDisk()).leaf
        served = probe(address, timeout_s=PROBE_TIMEOUT_S).leaf if address else None
        if leaf and (served is None or served.sha256 != leaf.sha256):
            raise ProbeError(f"{layer.value} does not serve the leaf on disk (serial {leaf.serial_hex[:8]}…)")

    def _check_planned(self, target: str, set_name: str, sha256: str) -> None:
        planned = self.planned_leaf(target, set_name)
        if planned and planned.sha256 != sha256:
            raise ProbeError(f"{set_name} does not serve the planned leaf (serial {planned.serial[:8]}…)")

    def planned_leaf(self, target: str, set_name: str) -> LeafRecord | None:
        """The leaf that this run materialised for a target's set."""
        records = self.context.journal.find("prepare")
        if len(records) != self._known[0]:
            leaves = {(leaf.target, leaf.set_name): leaf for leaf in reversed(self.planned_leaves())}
            self._known = len(records), leaves
        return self._known[1].get((target, set_name))

    def planned_leaves(self) -> list[LeafRecord]:
        """Every leaf that this run materialised; none for an undo, which brings back what was."""
        journal = self.context.journal
        if journal.has("undoes"):
            return []
        listed = [record.fields.get("leaves") for record in journal.find("prepare")]
        return [
            decode(LeafRecord, each, journal.path)
            for leaves in listed
            for each in (leaves if isinstance(leaves, list) else [])
        ]

    def kibana_address(self, target: str) -> Address:
        """Raises ProbeError where it cannot be told."""
        address = self.peers.read_kibana(target).address
        if address is None:
            raise ProbeError("its address cannot be told")
        return address

    def kibana(self, target: str) -> str:
        """Kibana's own status, over HTTPS where it is configured."""
        kibana, address = self.peers.read_kibana(target), self.kibana_address(target)
        tls = Tls(kibana_trust(self.context, kibana)) if kibana.setting("server.ssl.enabled") == "true" else None
        with Client(address, tls, None, PROBE_TIMEOUT_S) as client:
            level = kibana_status(client)
        if level not in KIBANA_UP:
            raise ProbeError(f"status is {level}")
        return f"status {level} at {address}"
