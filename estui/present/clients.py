"""Client certificates, and who connects, as lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from estui.model.observed import ClientFacts
from estui.model.rollover import Client
from estui.present.escapes import escaped
from estui.present.lines import Glyphs, Kind, Line, count


def client_lines(clients: Sequence[ClientFacts], now: datetime) -> list[Line]:
    """One line for each certificate: name, end, roles."""
    if not clients:
        return [Line(Kind.TEXT, "no client certificates yet; estui client new NAME --to DIR makes one")]
    width = max(len(each.name) for each in clients)
    lines = []
    for each in clients:
        facts = each.certificate
        roles = f"roles {', '.join(each.roles)}" if each.roles else "no roles"
        text = f"{each.name:{width}}  {facts.subject}  ends {facts.not_after:%Y-%m-%d}, {facts.days_left(now)} days"
        mine = "estui's own, shown to nodes" if each.has_key else roles
        lines.append(Line(Kind.WARN if facts.days_left(now) <= 0 else Kind.TEXT, escaped(f"{text}  {mine}")))
    return lines


def connected_lines(clients: Sequence[Client], glyphs: Glyphs) -> list[Line]:
    """The checklist of who talks to the HTTP layer; what nodes tell of others is escaped."""
    lines = [Line(Kind.TITLE, "who talks to the HTTP layer, as the nodes tell")]
    for each in clients:
        sign = glyphs.done if each.ticked else glyphs.waiting
        seen = f", last at {each.last_seen}" if each.last_seen else ""
        by = f"    ticked by {each.ticked}" if each.ticked else ""
        kind = Kind.TEXT if each.ticked else Kind.WARN
        lines.append(Line(kind, escaped(f"{sign} {each.id}: {each.text}{seen}{by}")))
    left = sum(not each.ticked for each in clients)
    if left:
        words = f"{count(left, 'client')} to be looked after before a certificate is demanded: estui client tick ID"
        lines.append(Line(Kind.NOTE, words))
    return lines
