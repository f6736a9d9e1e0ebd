"""The nodes and Kibana instances of a run: their folders read afresh, and clients that trust only what they should."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from estui.act import consent
from estui.act.context import Context
from estui.act.items import NODE_KEYSTORE
from estui.decide.mutual import demand_of, trust_context
from estui.decide.rung import has_tls
from estui.decide.switching import reloads
from estui.errors import ApplyError, ProbeError
from estui.model.certificate import CertificateFacts
from estui.model.goal import Demand, Scenario
from estui.model.inventory import Address, BeatEntry, Commands, KibanaEntry, Layer, NodeEntry
from estui.model.observed import ObservedBeat, ObservedKibana, ObservedNode, OnDisk
from estui.observe.beat_folder import observe_beat_folder
from estui.observe.client_files import own_certificate
from estui.observe.folder import observe_node_folder
from estui.observe.http import Basic, Client, ClientCertificate, Credentials, Tls
from estui.observe.kibana_folder import observe_kibana_folder

POLL_S = 0.25
REQUEST_TIMEOUT_S = 5.0
DEFAULT_RELOAD_S = 5.0
"""`resource.reload.interval.high` (elastic-stack-security.md §6.3)."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "micros": 1e-6, "nanos": 1e-9, "d": 86400.0}


def seconds(text: str | None, default: float) -> float:
    """An Elasticsearch time value (`5s`, `500ms`) in seconds. Source: class `TimeValue`."""
    if not text:
        return default
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text[len(number) :]
    try:
        return float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        return default


def wait_until(check: Callable[[], bool], timeout_s: float, stop: Callable[[], bool] = lambda: False) -> bool:
    """Asks `check` until it holds, for at most `timeout_s`; at least once."""
    end = time.monotonic() + timeout_s
    while True:
        if check():
            return True
        if stop() or time.monotonic() >= end:
            return False
        time.sleep(POLL_S)


class Peers:
    """Who a run talks to. Nothing is cached: a folder is read again each time it is asked for."""

    def __init__(self, context: Context) -> None:
        self.context = context
        inventory = context.inventory
        by_root = {place.root: place.target for place in context.plan.places}
        self._nodes = {by_root.get(entry.config) or self._read(entry).target: entry for entry in inventory.nodes}
        self._kibana = {
            by_root.get(entry.config) or self._read_kibana(entry).target: entry for entry in inventory.kibana
        }
        self._beats = {by_root.get(entry.config) or self._read_beat(entry).target: entry for entry in inventory.beats}

    def _read(self, entry: NodeEntry) -> ObservedNode:
        return observe_node_folder(
            entry,
            folder=self.context.inventory.folder,
            keystore_password=self.context.keystore_password_of(self._keystore(entry)),
            digest_key=self.context.digests.key,
        )

    def _keystore(self, entry: NodeEntry) -> bytes:
        """Only where there is a choice of passwords to open it with."""
        several = bool(self.context.digests.others)
        return self.context.fs.read(entry.config, NODE_KEYSTORE).content if several else b""

    def _read_kibana(self, entry: KibanaEntry) -> ObservedKibana:
        return observe_kibana_folder(entry, folder=self.context.inventory.folder, digest_key=self.context.digests.key)

    def _read_beat(self, entry: BeatEntry) -> ObservedBeat:
        return observe_beat_folder(entry, folder=self.context.inventory.folder, digest_key=self.context.digests.key)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    @property
    def kibana(self) -> tuple[str, ...]:
        return tuple(self._kibana)

    @property
    def beats(self) -> tuple[str, ...]:
        return tuple(self._beats)

    def named(self) -> list[tuple[str, tuple[str, ...]]]:
        """Every target with its tags."""
        return [(target, entry.tags) for target, entry in self._nodes.items()] + [
            (target, ()) for target in (*self._kibana, *self._beats)
        ]

    def is_node(self, target: str) -> bool:
        return target in self._nodes

    def commands(self, target: str) -> Commands:
        entries: dict[str, NodeEntry | KibanaEntry | BeatEntry] = {**self._nodes, **self._kibana, **self._beats}
        return entries[target].commands

    def logs(self, target: str) -> str | None:
        """Folder of a target's logs, where the inventory names one."""
        entries: dict[str, NodeEntry | KibanaEntry | BeatEntry] = {**self._nodes, **self._kibana, **self._beats}
        return entries[target].logs if target in entries else None

    def read_node(self, target: str) -> ObservedNode:
        """The node's folder as it is now."""
        return self._read(self._nodes[target])

    def read_kibana(self, target: str) -> ObservedKibana:
        """The instance's folder as it is now."""
        return self._read_kibana(self._kibana[target])

    def read_beat(self, target: str) -> ObservedBeat:
        """The Beat's folder as it is now."""
        return self._read_beat(self._beats[target])

    def addresses(self, target: str) -> dict[str, Address]:
        """Every port of a target, by layer; a Beat has none."""
        if target in self._beats:
            return {}
        if target in self._nodes:
            node = self.read_node(target)
            found = {Layer.HTTP.value: node.http_address, Layer.TRANSPORT.value: node.transport_address}
        else:
            found = {"server": self.read_kibana(target).address}
        known = {name: address for name, address in found.items() if address is not None}
        if not known:
            raise ApplyError(f"{target}: its address cannot be told", hint="write `http: HOST:PORT` into estui.yaml")
        return known

    # clients

    def refuse_plain(self, undone: Context | None) -> None:
        """Before a run that will send logins: raises PlainHttpError where some would go over plain HTTP to another
        host, and nobody agreed to it. What was agreed to for a run holds for its undoing."""
        plan = self.context.plan
        self.context.plain_http |= undone is not None and undone.plain_http
        if plan.goal.scenario in (Scenario.HTTPS, Scenario.MUTUAL) or not consent.sends_login(self.context):
            return
        plain = [node for node in map(self.read_node, self._nodes) if not has_tls(node, Layer.HTTP)]
        places = [
            f"{node.target} ({node.http_address})"
            for node in plain
            if node.http_address is not None and not consent.may_send_plain(self.context, node.http_address)
        ]
        if places:
            raise consent.refused(places)

    def http_trust(self, node: ObservedNode) -> tuple[CertificateFacts, ...]:
        """CAs that may vouch for a node's HTTP leaf: for a managed layer those of the workspace that its files hold,
        else what its files name."""
        disk = node.disk.get(Layer.HTTP, OnDisk())
        if disk.managed:
            return self.context.workspace.own_authorities(disk)
        return tuple(dict.fromkeys((*disk.trusted, *(each for each in disk.chain if each.is_ca))))

    def client(
        self,
        target: str,
        credentials: Credentials | None,
        timeout_s: float = REQUEST_TIMEOUT_S,
        *,
        shows: bool = True,
    ) -> Client:
        """A client for one node, as its files on disk say it speaks: verified HTTPS, or plain HTTP. Without `shows` it
        has no client certificate.

        Raises ProbeError where the node speaks TLS and nothing is known that could vouch for it, or plain HTTP on
        another host and nobody agreed to send a login over it.
        """
        node = self.read_node(target)
        if node.http_address is None:
            raise ProbeError(f"{target}: its HTTP address cannot be told")
        if not has_tls(node, Layer.HTTP):
            if credentials is not None and not consent.may_send_plain(self.context, node.http_address):
                raise ProbeError(f"{target}: no login is sent over plain HTTP without --plain-http")
            return Client(node.http_address, None, credentials, timeout_s)
        trusted = self.http_trust(node)
        if not trusted:
            raise ProbeError(f"{target}: no CA is known that could vouch for its HTTP certificate")
        return Client(
            node.http_address, Tls(trusted, client=self.shown(node) if shows else None), credentials, timeout_s
        )

    def shown(self, node: ObservedNode) -> ClientCertificate | None:
        """The certificate that estui shows to a node: what the operator gave, else its own. Not to a node that asks for
        one and trusts another CA, which would refuse it."""
        if self.context.client:
            return self.context.client
        asks = demand_of(node) is not Demand.NONE
        path = Path(self.context.workspace.path)
        return None if asks and not trust_context(node).trusted else own_certificate(path)

    def basic(self, user: str) -> Basic | None:
        """Credentials of a built-in user, where its password is known."""
        password = self.context.passwords.get(user)
        return Basic(user, password) if password else None

    def reload_interval_s(self, target: str) -> float:
        """How often the node looks at its files."""
        node = self.read_node(target)
        return seconds(node.setting("resource.reload.interval.high"), DEFAULT_RELOAD_S)

    def reloads(self, target: str) -> bool:
        return reloads(self.read_node(target))
