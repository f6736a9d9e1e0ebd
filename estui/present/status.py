"""Observed clusters as lines: the table of targets, certificates, certificate authorities.

The three views of one target with their evidence are `views.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from estui.decide.plan import authority_title
from estui.decide.rung import cluster_rung, with_rungs
from estui.decide.views import TargetView, views_of
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Inventory, Layer
from estui.model.observed import (
    AuthorityFacts,
    Observed,
    ObservedBeat,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)
from estui.model.views import Difference
from estui.present.lines import UNICODE, Glyphs, Kind, Line, count

RENEW_SOON_DAYS = 30


def left_text(facts: CertificateFacts, now: datetime) -> str:
    """`397 d`, `expired 3 d ago`."""
    return f"{facts.days_left(now)} d" if facts.not_after > now else f"expired {facts.days_ended(now)} d ago"


def leaf_text(facts: CertificateFacts | None, now: datetime, glyphs: Glyphs = UNICODE) -> str:
    """`397 d`, `12 d !!`, `expired 3 d ago`, `none`."""
    if facts is None:
        return "none"
    days = facts.days_left(now)
    if facts.not_after <= now:
        return f"{left_text(facts, now)} {glyphs.failed}"
    return f"{days} d" + (f" {glyphs.soon}" if days <= RENEW_SOON_DAYS else "")


def served_word(served: Served, disk: OnDisk) -> str:
    """What a port serves, where nothing about it has the name of a difference."""
    if served.leaf is not None and disk.leaf is not None and served.leaf.sha256 == disk.leaf.sha256:
        return "as on disk"
    return "not comparable" if served.state is PortState.TLS and served.leaf is not None else served.state.value


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
    version: str = ""
    differences: tuple[str, ...] = ()
    """Names of what differs between the three views, once each."""


def view_words(view: TargetView) -> tuple[str, ...]:
    """What a target serves against what it should and has, in the fewest words; what differs stands in capitals."""
    words = []
    for context in view.contexts:
        if context.served is None:
            words += [each.difference.value.upper() for each in context.differences]
            continue
        names = [
            context.served.state.value if each.difference is Difference.UNREACHABLE else each.difference.value.upper()
            for each in context.differences
        ]
        words += names or [served_word(context.served, context.disk)]
    return tuple(dict.fromkeys([*words, *(each.difference.value.upper() for each in view.differences)]))


def _kind(view: TargetView, *, broken: bool, up: bool) -> Kind:
    return Kind.BAD if broken else Kind.WARN if view.named or not up else Kind.TEXT


def _names(view: TargetView) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.difference.value for each in view.named))


def node_row(node: ObservedNode, view: TargetView, now: datetime, glyphs: Glyphs = UNICODE) -> TargetRow:
    """A node in words."""
    up = node.port(Layer.HTTP).state in (PortState.TLS, PortState.PLAIN)
    kind = _kind(view, broken=bool(node.problems), up=up)
    return TargetRow(
        target=node.target,
        glyph=glyphs.failed if node.problems else glyphs.up if up else glyphs.waiting,
        address=str(node.http_address or "?"),
        rung=node.rung.label,
        transport=leaf_text(_leaf(node, Layer.TRANSPORT), now, glyphs),
        http=leaf_text(_leaf(node, Layer.HTTP), now, glyphs),
        served=", ".join(view_words(view)),
        findings=count(len(node.problems), "problem") if node.problems else "",
        kind=kind,
        version=str(node.version or ""),
        differences=_names(view),
    )


def _leaf(node: ObservedNode, layer: Layer) -> CertificateFacts | None:
    return node.disk[layer].leaf if layer in node.disk else None


def kibana_row(kibana: ObservedKibana, view: TargetView, now: datetime, glyphs: Glyphs = UNICODE) -> TargetRow:
    """A Kibana instance in words."""
    up = kibana.served.state in (PortState.TLS, PortState.PLAIN)
    secured = kibana.setting("server.ssl.enabled") == "true"
    words = [each for each in view_words(view) if view.named or not kibana.status]
    return TargetRow(
        target=kibana.target,
        glyph=glyphs.failed if kibana.problems else glyphs.up if up else glyphs.waiting,
        address=str(kibana.address or "?"),
        rung="https" if secured else "plain http",
        transport="",
        http=leaf_text(kibana.disk.leaf, now, glyphs) if secured else "none",
        served=", ".join(dict.fromkeys([*([kibana.status] if kibana.status else []), *words])),
        findings=count(len(kibana.problems), "problem") if kibana.problems else "",
        kind=_kind(view, broken=bool(kibana.problems), up=up),
        version=str(kibana.version or ""),
        differences=_names(view),
    )


def beat_row(beat: ObservedBeat, view: TargetView, now: datetime, glyphs: Glyphs = UNICODE) -> TargetRow:
    """A Beat in words: it has no port, so there is what it should have and what its folder holds."""
    ends = [leaf_text(facts, now, glyphs) for facts in beat.trust.trusted[:1]]
    return TargetRow(
        target=beat.target,
        glyph=glyphs.failed if beat.problems else glyphs.unknown,
        address="no port",
        rung="output https" if _talks_https(beat) else "output plain http",
        transport="",
        http=f"CA {ends[0]}" if ends else "none",
        served=", ".join(view_words(view)),
        findings=count(len(beat.problems), "problem") if beat.problems else "",
        kind=_kind(view, broken=bool(beat.problems), up=True),
        differences=_names(view),
    )


def _talks_https(beat: ObservedBeat) -> bool:
    hosts = beat.settings.get("output.elasticsearch.hosts")
    protocol = beat.setting("output.elasticsearch.protocol") == "https"
    return protocol or (hosts is not None and any(host.startswith("https://") for host in hosts.items))


def rows(observed: Observed, now: datetime, glyphs: Glyphs = UNICODE) -> list[TargetRow]:
    """All rows of the nodes table: nodes, Kibana instances, Beats."""
    views = views_of(observed, now)
    first, second = len(observed.nodes), len(observed.nodes) + len(observed.kibana)
    return [
        *(node_row(node, view, now, glyphs) for node, view in zip(observed.nodes, views, strict=False)),
        *(kibana_row(each, view, now, glyphs) for each, view in zip(observed.kibana, views[first:], strict=False)),
        *(beat_row(each, view, now, glyphs) for each, view in zip(observed.beats, views[second:], strict=True)),
    ]


NOT_LOOKED = "not looked yet"


def expected_rows(inventory: Inventory, glyphs: Glyphs = UNICODE) -> dict[str, TargetRow]:
    """A row for each entry of the inventory by its folder, before anything was looked at."""
    found: dict[str, TargetRow] = {}
    for prefix, entries in (("", inventory.nodes), ("kibana/", inventory.kibana), ("beat/", inventory.beats)):
        for entry in entries:
            name = entry.name or entry.config.rstrip("/").rpartition("/")[2]
            address = str(getattr(entry, "http", None) or "?")
            found[entry.config] = TargetRow(
                f"{prefix}{name}", glyphs.unknown, address, NOT_LOOKED, "", "", "", "", Kind.TEXT
            )
    return found


def arrived_row(
    thing: ObservedNode | ObservedKibana | ObservedBeat, inventory: Inventory, now: datetime, glyphs: Glyphs = UNICODE
) -> TargetRow:
    """The row of a target as far as it was looked at, judged by itself: the others are not known yet."""
    alone = Observed(
        inventory,
        nodes=(thing,) if isinstance(thing, ObservedNode) else (),
        kibana=(thing,) if isinstance(thing, ObservedKibana) else (),
        beats=(thing,) if isinstance(thing, ObservedBeat) else (),
    )
    return rows(with_rungs(alone), now, glyphs)[0]


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


def certificate_lines(facts: CertificateFacts, now: datetime) -> list[Line]:
    """A certificate as meaning."""
    life = f"{facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}"
    return [
        Line(Kind.TEXT, f"    {facts.subject}, issued by {facts.issuer}"),
        Line(Kind.TEXT, f"    names {', '.join(facts.names) or 'none'}"),
        Line(Kind.TEXT, f"    {facts.key_type}, {life} ({left_text(facts, now)})"),
        Line(Kind.TEXT, f"    serial {facts.serial_hex}"),
        Line(Kind.TEXT, f"    sha256 {facts.sha256}"),
    ]


def authority_lines(authorities: Iterable[AuthorityFacts], now: datetime) -> list[Line]:
    """The CAs of the workspace."""
    lines = []
    for each in authorities:
        facts = each.certificate
        leaves = "1 leaf" if each.issued == 1 else f"{each.issued} leaves"
        parts = (
            left_text(facts, now),
            facts.key_type,
            leaves,
            "key here, encrypted" if each.has_key else "no key",
        )
        lines.append(Line(Kind.TEXT, f"{authority_title(each.name)}  {' · '.join(parts)}"))
    return lines
