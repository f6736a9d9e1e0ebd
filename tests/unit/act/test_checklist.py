"""Ticks of the checklist: set, kept while the cluster is asked again, and taken back."""

from __future__ import annotations

from estui.act.checklist import merged, with_ticks, without_ticks
from estui.model.rollover import Client

ONE, TWO = Client("http 10.0.0.7", "10.0.0.7"), Client("others http", "whoever else")
OPS, EVA = "ops at 2026-11-25T14:00:00Z", "eva at 2026-11-25T15:00:00Z"


def test_a_tick_names_the_first_who_set_it() -> None:
    """Ticking again does not take the tick from whoever set it; the others are not touched."""
    once = with_ticks((ONE, TWO), [ONE.id], OPS)
    assert [each.ticked for each in once] == [OPS, ""]
    assert with_ticks(once, [ONE.id], EVA) == once


def test_a_tick_taken_back_says_by_whom() -> None:
    """The client counts as not looked after again, and who took the tick back stays until it is ticked anew."""
    back = without_ticks(with_ticks((ONE, TWO), [ONE.id], OPS), [ONE.id, TWO.id], EVA)
    assert [(each.ticked, each.taken_back) for each in back] == [("", EVA), ("", "")]
    assert [(each.ticked, each.taken_back) for each in with_ticks(back, [ONE.id], OPS)] == [(OPS, ""), ("", "")]


def test_being_seen_again_changes_neither() -> None:
    """The cluster is asked at every look: a tick stays, and so does one taken back."""
    back = without_ticks(with_ticks((ONE, TWO), [ONE.id, TWO.id], OPS), [ONE.id], EVA)
    seen = Client(ONE.id, "10.0.0.7 (metricbeat)", last_seen="2026-11-25T16:00:00Z")
    first, second = merged(back, [seen])
    assert (first.text, first.ticked, first.taken_back) == ("10.0.0.7 (metricbeat)", "", EVA)
    assert second.ticked == OPS
