"""Rotation of client certificates: those that Kibana and the Beats show, and estui's own.

Those of people are with their owners, who get another one by `estui client new NAME --renew`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from estui.decide import clients
from estui.decide.beats import WHY_RESTART
from estui.model.certificate import CertificateFacts
from estui.model.goal import Goal, Rotation
from estui.model.observed import Observed, ObservedBeat, ObservedKibana
from estui.model.plan import Change, IssueClient, Restart, Stage

LAYER = "client"
"""Name of these certificates among those that a rotation is about."""
STAGE, BEAT_STAGE = "client-leaves", "beat-leaves"


def held(observed: Observed) -> Iterator[tuple[str, CertificateFacts]]:
    """Targets whose client certificate can be made anew, and the one in use."""
    for holder in clients.holders(observed):
        if clients.is_shown(holder, observed) and holder.trust.leaf:
            yield holder.target, holder.trust.leaf
    mine = clients.own(observed)
    if mine is not None:
        yield mine.target, mine.certificate


def chosen(observed: Observed, goal: Goal, now: datetime) -> tuple[str, ...]:
    """Targets whose client certificate a rotation is about."""
    rotation = goal.rotation or Rotation()
    if rotation.sets and LAYER not in rotation.sets:
        return ()
    window = observed.inventory.policy.renew_before_days
    return tuple(
        target
        for target, leaf in held(observed)
        if (not goal.only or target in goal.only) and (not rotation.due_only or leaf.days_left(now) <= window)
    )


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Clients that are named, and whose certificate cannot be made anew from here."""
    return [
        f"{each.target}: its key is with its owner: estui client new {each.name} --renew"
        for each in observed.clients
        if each.target in goal.only and not each.has_key
    ]


def targets(observed: Observed) -> set[str]:
    """Names that a rotation may have beside those of nodes and Kibanas."""
    return {*(beat.target for beat in observed.beats), *(each.target for each in observed.clients)}


def changes(observed: Observed, goal: Goal, now: datetime) -> tuple[list[Change], list[Change], list[Change]]:
    """New certificates of Kibanas, of Beats, and estui's own."""
    picked = chosen(observed, goal, now)
    kibana: list[Change] = []
    beats: list[Change] = []
    for holder in clients.holders(observed):
        if holder.target in picked and holder.trust.leaf:
            why = f"the client certificate in use ends {holder.trust.leaf.not_after:%Y-%m-%d}"
            more = clients.publish(holder, observed, why)
            match holder:
                case ObservedKibana():
                    kibana.append(more)
                case ObservedBeat():
                    beats.append(more)
    mine = clients.own(observed)
    own: list[Change] = []
    if mine is not None and mine.target in picked:
        request = clients.request_of(observed, mine.target, LAYER, clients.OWN)
        own.append(IssueClient(request, True, f"the one in use ends {mine.certificate.not_after:%Y-%m-%d}"))
    return kibana, beats, own


def added(stages: tuple[Stage, ...], beats: list[Change], own: list[Change]) -> tuple[Stage, ...]:
    """The stages of a rotation with the Beats' and estui's own."""
    if beats:
        stages = (*stages, Stage(BEAT_STAGE, Restart.BEAT, tuple(beats), WHY_RESTART))
    if not own:
        return stages
    if not stages:
        return (Stage(STAGE, Restart.NONE, tuple(own), "estui reads its certificate with every request"),)
    first, *rest = stages
    return (replace(first, changes=(*own, *first.changes)), *rest)
