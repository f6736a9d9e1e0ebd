"""The run-book of a plan before anything is done, for whoever has to approve it."""

from __future__ import annotations

import socket

from estui import __version__
from estui.act.journal import stamp
from estui.act.workspace import login_name
from estui.decide.runbook import rollback_steps, start_order
from estui.engine import Engine
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.plan import Plan
from estui.present.runbook import RunSheet


def run_sheet(engine: Engine, plan: Plan, observed: Observed) -> RunSheet:
    """Everything that a change request wants to know. Changes nothing."""
    touched = tuple(place.target for place in plan.places)
    things: tuple[ObservedNode | ObservedKibana | ObservedBeat, ...] = (
        *observed.nodes,
        *observed.kibana,
        *observed.beats,
    )
    return RunSheet(
        plan=plan,
        review=engine.review(plan, observed),
        back=() if plan.is_empty else rollback_steps(plan, touched, start_order(observed, plan.places)),
        commands={thing.target: thing.entry.commands for thing in things},
        made_by=f"{login_name()} on {socket.gethostname()}",
        made_at=stamp(engine.clock()),
        estui=__version__,
    )
