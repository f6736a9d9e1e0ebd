"""A served chain judged as its real peers would: Kibana and Beats by their CA files and host names, nodes by one
another's truststores.

What a handshake proves by itself is `probing`'s. Nothing here opens a connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from estui.decide.findings.clients import Client, Hosts, clients
from estui.decide.findings.peers import Chain, refusal, trust_of
from estui.decide.findings.rule import Facts
from estui.decide.findings.trust import transport_hosts
from estui.decide.findings.view import disk_of, tls_on, verification
from estui.decide.hosts import address_of_url
from estui.decide.probing import name_check
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedNode, OnDisk, Served
from estui.model.run import Proof
from estui.pki.chain import Purpose

_TRUST = ("certificate_authorities", "truststore.path")


@dataclass(frozen=True)
class Judge:
    """Somebody who connects to a port, and how they check what it serves."""

    peer: str
    host: str
    """Name or address that they connect to; empty where they check no name."""
    trusted: Chain
    purposes: tuple[Purpose, ...]
    verifies: bool = True
    problem: str = ""
    """Why it cannot be told whom they trust."""
    authority: str = ""
    """Path of a PEM file with the CAs that they trust, as this host sees it; empty where there is none."""
    by_common_name: bool = True


def judges_of(node: ObservedNode, layer: Layer, observed: Observed, now: datetime) -> tuple[Judge, ...]:
    """Everybody of the inventory who connects to this port of the node."""
    facts = Facts(observed, now)
    return tuple(_nodes(node, facts) if layer is Layer.TRANSPORT else _clients(node, facts))


def _nodes(node: ObservedNode, facts: Facts) -> Iterator[Judge]:
    layer = Layer.TRANSPORT
    hosts = transport_hosts(node, facts) or ("",)
    for other in facts.nodes:
        if other.entry.config == node.entry.config or not tls_on(other, layer):
            continue
        disk, mode = disk_of(other, layer), verification(other, layer)
        for host in hosts if mode == "full" else ("",):
            yield Judge(
                other.target,
                host,
                trust_of(disk),
                ("server", "client"),
                verifies=mode != "none",
                problem=disk.problem,
                authority=_pem(disk, other.entry.config),
            )


def _clients(node: ObservedNode, facts: Facts) -> Iterator[Judge]:
    hosts = Hosts(facts)
    for client in clients(facts):
        for url in filter(client.is_https, client.urls):
            if any(each.entry.config == node.entry.config for each in hosts.behind(url)):
                yield _client(client, url)


def _client(client: Client, url: str) -> Judge:
    address = address_of_url(url)
    strict = client.mode in ("full", "strict")
    return Judge(
        client.target,
        address.host if address and strict else "",
        client.trust.trusted,
        ("server",),
        verifies=client.mode != "none",
        problem=client.trust.problem,
        authority=_pem(client.trust, client.config),
        by_common_name=client.by_common_name,
    )


def _pem(disk: OnDisk, config: str) -> str:
    """The one PEM file of trusted CAs, for a command line."""
    files = [each for each in disk.named if each.setting in _TRUST and each.format == "PEM" and each.relative]
    return f"{config.rstrip('/')}/{files[0].relative}" if len(files) == 1 else ""


def opinions(target: str, served: Served, judges: tuple[Judge, ...], now: datetime) -> tuple[Proof, ...]:
    """What each of them would say to the chain that was served; nothing where none was."""
    return tuple(_opinion(target, served, judge, now) for judge in judges) if served.leaf else ()


def _opinion(target: str, served: Served, judge: Judge, now: datetime) -> Proof:
    claim = f"would accept {target}" + (f" as {judge.host}" if judge.host else "")
    leaf = served.chain[0]
    if not judge.verifies:
        return Proof(judge.peer, claim, ok=True, evidence="it verifies nobody")
    if judge.problem:
        return Proof(judge.peer, claim, ok=False, evidence=f"whom it trusts cannot be told: {judge.problem}")
    itself = any(each.sha256 == leaf.sha256 for each in judge.trusted)
    anchors = tuple(each for each in judge.trusted if each.is_ca)
    reasons = [] if itself else [refusal(anchors, served.chain, judge.purposes, now)]
    if judge.host:
        reasons.append(name_check(leaf, judge.host, by_common_name=judge.by_common_name))
    problem = "; ".join(filter(None, reasons))
    how = "trusts that very certificate" if itself else f"trusts {leaf.issuer}"
    names = f", finds the name {judge.host}" if judge.host else ", checks no name"
    return Proof(judge.peer, claim, ok=not problem, evidence=problem or how + names)
