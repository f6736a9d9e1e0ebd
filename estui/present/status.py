"""Observed clusters as lines: nodes, Kibana instances, certificates, certificate authorities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from estui.decide.plan import authority_title
from estui.decide.rung import cluster_rung
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer
from estui.model.observed import (
    AuthorityFacts,
    Observed,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)
from estui.present.lines import UNICODE, Glyphs, Kind, Line, count

RENEW_SOON_DAYS = 30


def leaf_text(facts: CertificateFacts | None, now: datetime, glyphs: Glyphs = UNICODE) -> str:
    """`397 d`, `12 d !!`, `expired 3 d ago`, `none`."""
    if facts is None:
        return "none"
    days = facts.days_left(now)
    if facts.not_after <= now:
        return f"expired {-days} d ago {glyphs.failed}"
    return f"{days} d" + (f" {glyphs.soon}" if days <= RENEW_SOON_DAYS else "")


def served_word(served: Served, disk: OnDisk) -> str:
    """Served against disk, with the names of the differences (design: pending, not loaded, …)."""
    if served.state is PortState.TLS and served.leaf is not None:
        if disk.leaf is None:
            return "foreign certificate" if disk.enabled else "not as on disk"
        return "as on disk" if served.leaf.sha256 == disk.leaf.sha256 else "NOT LOADED"
    if served.state is PortState.PLAIN:
        return "NOT LOADED" if disk.enabled else "plain text"
    return served.state.value


@dataclass(frozen=True)
class TargetRow:
    """One row of the nodes table."""

    target: str
    glyph: str
    address: str
    rung: str
    transport: str
    http: str
    served: str
    findings: str
    kind: Kind


def node_row(node: ObservedNode, now: datetime, glyphs: Glyphs = UNICODE) -> TargetRow:
    """A node in words."""
    http, transport = node.port(Layer.HTTP), node.port(Layer.TRANSPORT)
    up = http.state in (PortState.TLS, PortState.PLAIN)
    words = dict.fromkeys(
        served_word(served, node.disk.get(layer, OnDisk()))
        for layer, served in ((Layer.TRANSPORT, transport), (Layer.HTTP, http))
    )
    kind = Kind.BAD if node.problems else Kind.TEXT if up else Kind.WARN
    return TargetRow(
        target=node.target,
        glyph=glyphs.failed if node.problems else glyphs.up if up else glyphs.waiting,
        address=str(node.http_address or "?"),
        rung=node.rung.label,
        transport=leaf_text(_leaf(node, Layer.TRANSPORT), now, glyphs),
        http=leaf_text(_leaf(node, Layer.HTTP), now, glyphs),
        served=", ".join(words),
        findings=count(len(node.problems), "problem") if node.problems else "",
        kind=kind,
    )


def _leaf(node: ObservedNode, layer: Layer) -> CertificateFacts | None:
    return node.disk[layer].leaf if layer in node.disk else None


def kibana_row(kibana: ObservedKibana, now: datetime, glyphs: Glyphs = UNICODE) -> TargetRow:
    """A Kibana instance in words."""
    up = kibana.served.state in (PortState.TLS, PortState.PLAIN)
    secured = kibana.setting("server.ssl.enabled") == "true"
    return TargetRow(
        target=kibana.target,
        glyph=glyphs.failed if kibana.problems else glyphs.up if up else glyphs.waiting,
        address=str(kibana.address or "?"),
        rung="https" if secured else "plain http",
        transport="",
        http=leaf_text(kibana.disk.leaf, now, glyphs) if secured else "none",
        served=kibana.status or served_word(kibana.served, kibana.disk),
        findings=count(len(kibana.problems), "problem") if kibana.problems else "",
        kind=Kind.BAD if kibana.problems else Kind.TEXT if up else Kind.WARN,
    )


def rows(observed: Observed, now: datetime, glyphs: Glyphs = UNICODE) -> list[TargetRow]:
    """All rows of the nodes table: nodes, then Kibana."""
    return [
        *(node_row(node, now, glyphs) for node in observed.nodes),
        *(kibana_row(kibana, now, glyphs) for kibana in observed.kibana),
    ]


def next_expiry(observed: Observed, now: datetime) -> str:
    """The certificate that ends first: `es-1 http in 12 d`, or `no certificates yet`."""
    ends: list[tuple[datetime, str]] = [
        (disk.leaf.not_after, f"{node.target} {layer.value}")
        for node in observed.nodes
        for layer, disk in node.disk.items()
        if disk.leaf
    ]
    ends += [(kibana.disk.leaf.not_after, kibana.target) for kibana in observed.kibana if kibana.disk.leaf]
    ends += [(each.certificate.not_after, authority_title(each.name)) for each in observed.authorities]
    if not ends:
        return "no certificates yet"
    moment, what = min(ends)
    return f"next expiry: {what} in {(moment - now).days} d"


def headline(observed: Observed, now: datetime) -> str:
    """`logs-demo · 3 nodes · unsecured · no certificates yet`."""
    rung = cluster_rung(observed)
    mixed = len({node.rung for node in observed.nodes}) > 1
    standing = "mixed, lowest " + rung.label if mixed else rung.label
    parts = [observed.inventory.cluster, count(len(observed.nodes), "node"), standing, next_expiry(observed, now)]
    if observed.inventory.production:
        parts.insert(0, "PRODUCTION")
    return " · ".join(parts)


def status_lines(observed: Observed, now: datetime, glyphs: Glyphs = UNICODE) -> list[Line]:
    """The whole cluster as text: one fact per line and target."""
    lines = [Line(Kind.TITLE, headline(observed, now))]
    table = rows(observed, now, glyphs)
    width = max((len(row.target) for row in table), default=0)
    for row in table:
        layers = f"transport {row.transport}, http {row.http}" if row.transport else f"http {row.http}"
        lines.append(
            Line(row.kind, f"{row.glyph} {row.target:{width}}  {row.address}  {row.rung}  {layers}  {row.served}")
        )
    for thing in observed.things:
        for finding in thing.problems:
            where = f"{finding.where}: " if finding.where else ""
            lines.append(Line(Kind.BAD, f"  {finding.target}: {where}{finding.summary}"))
            if finding.hint:
                lines.append(Line(Kind.NOTE, f"    hint: {finding.hint}"))
    return lines


def layer_lines(node: ObservedNode, layer: Layer, now: datetime) -> list[Line]:
    """One layer of one node in full: on disk, served, and the evidence."""
    disk, served = node.disk.get(layer, OnDisk()), node.port(layer)
    lines = [Line(Kind.TITLE, f"{layer.value}: {served_word(served, disk)}")]
    lines.append(
        Line(
            Kind.TEXT,
            f"  on disk: {'TLS' if disk.enabled else 'no TLS'}" + (f", {', '.join(disk.files)}" if disk.files else ""),
        )
    )
    if disk.problem:
        lines.append(Line(Kind.BAD, f"  {disk.problem}"))
    if disk.leaf:
        lines += certificate_lines(disk.leaf, now)
    state = f"{served.tls_version} {served.cipher}".strip() if served.state is PortState.TLS else served.state.value
    lines.append(
        Line(
            Kind.TEXT,
            f"  served at {served.address or '?'}: {state}" + (f" ({served.detail})" if served.detail else ""),
        )
    )
    if served.leaf and (disk.leaf is None or served.leaf.sha256 != disk.leaf.sha256):
        lines += certificate_lines(served.leaf, now)
    return lines


def certificate_lines(facts: CertificateFacts, now: datetime) -> list[Line]:
    """A certificate as meaning."""
    life = f"{facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}"
    return [
        Line(Kind.TEXT, f"    {facts.subject}, issued by {facts.issuer}"),
        Line(Kind.TEXT, f"    names {', '.join(facts.names) or 'none'}"),
        Line(Kind.TEXT, f"    {facts.key_type}, {life} ({facts.days_left(now)} d)"),
        Line(Kind.TEXT, f"    serial {facts.serial_hex}, sha256 {facts.sha256}"),
    ]


def node_lines(node: ObservedNode, now: datetime) -> list[Line]:
    """Everything about one node."""
    lines = [
        Line(Kind.TITLE, f"{node.target}  {node.rung.label}"),
        Line(Kind.TEXT, f"folder {node.entry.config}"),
        Line(Kind.TEXT, f"version {node.version or 'unknown'}" + (f" ({node.version_source})" if node.version else "")),
        Line(Kind.TEXT, f"API: {_api_text(node)}"),
    ]
    for layer in Layer:
        lines += layer_lines(node, layer, now)
    lines += [Line(Kind.BAD, f"{finding.where}: {finding.summary}") for finding in node.problems]
    return lines


def _api_text(node: ObservedNode) -> str:
    api = node.api
    if not api.reachable:
        return api.detail or "no answer"
    if api.name:
        health = f", {api.health.nodes} nodes, {api.health.status}" if api.health else ""
        return f"answers as {api.name}{health}"
    return api.detail or f"HTTP {api.status}"


def authority_lines(authorities: Iterable[AuthorityFacts], now: datetime) -> list[Line]:
    """The CAs of the workspace."""
    lines = []
    for each in authorities:
        facts = each.certificate
        leaves = "1 leaf" if each.issued == 1 else f"{each.issued} leaves"
        parts = (
            f"{facts.days_left(now)} d",
            facts.key_type,
            leaves,
            "key here, encrypted" if each.has_key else "no key",
        )
        lines.append(Line(Kind.TEXT, f"{authority_title(each.name)}  {' · '.join(parts)}"))
    return lines


def kibana_lines(kibana: ObservedKibana, now: datetime) -> list[Line]:
    """Everything about one Kibana instance."""
    secured = kibana.setting("server.ssl.enabled") == "true"
    served = kibana.served
    lines = [
        Line(Kind.TITLE, f"{kibana.target}  {'https' if secured else 'plain http'}"),
        Line(Kind.TEXT, f"folder {kibana.entry.config}"),
        Line(Kind.TEXT, f"version {kibana.version or 'unknown'}"),
        Line(Kind.TEXT, f"status {kibana.status or 'no answer'}"),
        Line(Kind.TITLE, f"browsers: {served_word(served, kibana.disk)}"),
        Line(Kind.TEXT, f"  served at {kibana.address or '?'}: {served.state.value}"),
    ]
    if kibana.disk.leaf:
        lines += certificate_lines(kibana.disk.leaf, now)
    trusted = ", ".join(each.subject for each in kibana.trust.trusted) or "none"
    lines.append(Line(Kind.TITLE, "Elasticsearch"))
    lines.append(Line(Kind.TEXT, f"  {kibana.setting('elasticsearch.hosts') or 'no elasticsearch.hosts'}"))
    lines.append(Line(Kind.TEXT, f"  trusted CAs: {trusted}"))
    lines += [Line(Kind.BAD, f"{finding.where}: {finding.summary}") for finding in kibana.problems]
    return lines
