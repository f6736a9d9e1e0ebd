"""Who talked to the nodes lately, as a review tells it before everybody has to talk in another way: over HTTPS, with a
client certificate, or without a CA that goes."""

from __future__ import annotations

from collections.abc import Sequence

from estui.decide import scenarios
from estui.decide.client_way import guide_for
from estui.decide.rung import has_tls
from estui.model.goal import Goal, Phase, Scenario
from estui.model.inventory import Layer
from estui.model.observed import Observed
from estui.model.rollover import UNASKED, Client

SHOWN = 12
"""How many are named in a review; all of them are in `estui client connected`."""
_NEEDS = "has to talk HTTPS, and to trust the HTTP CA, from then on"
_GOES = "has to trust the new CA by then"
_ASKED = "is asked for a client certificate from then on"


def turns_to_https(observed: Observed, goal: Goal) -> bool:
    """Whether some node that speaks plain HTTP is to speak HTTPS."""
    plain = any(not has_tls(node, Layer.HTTP) for node in scenarios.touched(observed, goal))
    return plain and not goal.rotation and scenarios.signs_http(observed, goal)


def concerns(observed: Observed, goal: Goal) -> bool:
    """Whether the review of a goal tells who talked to the nodes, so that they have to be asked for it."""
    return turns_to_https(observed, goal) or (goal.scenario is Scenario.MUTUAL and not goal.rotation)


def notes(observed: Observed, goal: Goal) -> list[str]:
    """The lines of a review; none where nobody was asked, or the goal leaves everybody's way of talking as it is."""
    if goal.rollover:
        clients = observed.rollover.clients if observed.rollover else ()
        return _told(clients, _GOES) if goal.rollover.phase in (Phase.SWITCH, Phase.DROP) else []
    if not concerns(observed, goal) or observed.connected is None:
        return []
    return _told(observed.connected, _NEEDS if turns_to_https(observed, goal) else _ASKED)


def _told(clients: Sequence[Client], what: str) -> list[str]:
    """One line for each who was seen, with what everyone needs; a checklist's other entries are its own matter."""
    seen = [each for each in clients if guide_for(each)]
    unasked = [each.text for each in clients if each.id == UNASKED]
    if not seen:
        return unasked or ["nobody else has talked to the nodes lately, as they tell"]
    lines = [f"{each.text}{_when(each)}: estui client guide {guide_for(each)}" for each in seen[:SHOWN]]
    more = [f"and {len(seen) - SHOWN} more: estui client connected"] if len(seen) > SHOWN else []
    return [f"seen at the nodes lately; each of them {what}", *lines, *more, *unasked]


def _when(client: Client) -> str:
    return f", last request {client.last_seen}" if client.last_seen else ""
