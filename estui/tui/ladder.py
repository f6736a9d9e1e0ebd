"""The ladder of scenarios and the authorities, as rows."""

from __future__ import annotations

from datetime import datetime

from estui import present
from estui.decide.plan import authority_title
from estui.decide.rung import cluster_rung
from estui.engine import ScenarioPreview
from estui.model.goal import Scenario
from estui.model.observed import AuthorityFacts, Rung
from estui.present import Glyphs
from estui.present.documented import scenario_effect
from estui.present.rollover import rollover_title
from estui.tui.rows import Row, Span, line_rows, text_row
from estui.tui.session import Session
from estui.tui.text import leaves_text, pad

NAME = 15
"""Cells of a rung's name."""


def ladder_rows(session: Session, glyphs: Glyphs) -> list[Row]:
    """The rungs from the bottom up; each says where the cluster stands or what the step needs."""
    if session.observed is None:
        return []
    here = cluster_rung(session.observed)
    rows = []
    if here in (Rung.UNSECURED, Rung.UNKNOWN):
        rows.append(_rung_row(here.label, Span(f"{glyphs.up} here", "good"), ""))
    else:
        rows.append(_rung_row(Rung.UNSECURED.label, Span("left behind", "note"), ""))
    for scenario in Scenario:
        preview = session.preview(scenario)
        rows.append(_rung_row(scenario.label, _standing(preview, glyphs), scenario.value))
    return rows


def _rung_row(label: str, standing: Span, key: str) -> Row:
    return Row((Span(pad(label, NAME), "name"), standing), key=key, indent=NAME)


def _standing(preview: ScenarioPreview | None, glyphs: Glyphs) -> Span:
    if preview is None:
        return Span("…", "note")
    if preview.plan is None:
        return Span(f"{glyphs.failed} refused", "bad")
    if preview.plan.is_empty:
        return Span(f"{glyphs.up} here" if preview.here else f"{glyphs.done} reached", "good")
    restart = preview.plan.restart.value
    return Span("no restart" if restart == "none" else f"{restart} restart")


def about_rows(preview: ScenarioPreview | None, glyphs: Glyphs) -> list[Row]:
    """What the step under the cursor means, or why it is refused."""
    if preview is None:
        return []
    if preview.plan is None:
        return [text_row(f"{glyphs.failed} {reason}", "bad", indent=2) for reason in preview.refusals]
    if preview.plan.is_empty:
        return [text_row("reached: nothing to do", "note")]
    changes = present.count(len(preview.plan.changes), "change")
    targets = present.count(len(preview.plan.places), "target")
    means, asks = scenario_effect(preview.scenario)
    return [
        text_row(means, "title"),
        *line_rows(present.outage_lines(preview.plan)[:1]),
        text_row(f"for others: {asks}", indent=2),
        text_row(f"{changes} on {targets}", "note"),
    ]


def first_choice(session: Session) -> str:
    """The step that the cursor stands on at first: the lowest that can be planned and changes something, else the one
    where the cluster stands."""
    for preview in session.previews:
        if preview.plan is not None and not preview.plan.is_empty:
            return preview.scenario.value
    return next((preview.scenario.value for preview in session.previews if preview.here), "")


def authority_rows(session: Session, now: datetime, glyphs: Glyphs, rollover_key: str) -> list[Row]:
    """The authorities of the workspace, a rollover that is under way, then CAs that the step would create."""
    if session.observed is None:
        return []
    rows = [_authority_row(each, now) for each in session.observed.authorities]
    rollover = session.standing.rollover
    if rollover is not None and rollover.open:
        words = f"{glyphs.running} rollover {rollover_title(rollover)}"
        rows.append(Row((Span(words, "warn"), Span(f"  {rollover_key} ", "key"), Span("shows it", "note")), indent=2))
    for request in session.missing_authorities():
        years = f"{request.days // 365} y" if request.days >= 730 else f"{request.days} d"
        title = Span(pad(authority_title(request.name), NAME), "name")
        rows.append(Row((title, Span(f"to be created · {years}", "note")), indent=NAME))
    return rows or [text_row("none yet", "note")]


def _authority_row(authority: AuthorityFacts, now: datetime) -> Row:
    """That the key is here is the normal case and stands in the details; that it is not, stands here."""
    days, leaves = authority.certificate.days_left(now), leaves_text(authority.issued)
    facts = f"{days} d · {leaves}" + ("" if authority.has_key else " · no key")
    title = Span(pad(authority_title(authority.name), NAME), "name")
    return Row((title, Span(facts)), key=authority.name, indent=NAME)
