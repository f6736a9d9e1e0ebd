"""The run-book of a plan before anything is done, for whoever has to approve it."""

from __future__ import annotations

import socket

from estui import __version__
from estui.act.journal import Journal, stamp
from estui.act.rollback import committed
from estui.act.workspace import login_name
from estui.decide.runbook import rollback_steps, start_order
from estui.engine import Engine
from estui.model.inventory import Commands
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.plan import Plan
from estui.present.runbook import RunSheet, UndoSheet


def run_sheet(engine: Engine, plan: Plan, observed: Observed) -> RunSheet:
    """Everything that a change request wants to know. Changes nothing."""
    touched = tuple(place.target for place in plan.places)
    return RunSheet(
        plan=plan,
        review=engine.review(plan, observed),
        back=() if plan.is_empty else rollback_steps(plan, touched, start_order(observed, plan.places)),
        commands=_commands(observed),
        made_by=_maker(),
        made_at=stamp(engine.clock()),
        estui=__version__,
    )


def undo_sheet(engine: Engine, run: str | None) -> UndoSheet:
    """The same of an undo: of this run, of the one in hand, or of the last one. Raises as `Engine.rollback_preview`."""
    plan, undone = engine.rollback_preview(run), engine._to_undo(run).id
    switched = committed(Journal(engine.fs, engine.path, undone, engine.clock))
    return UndoSheet(
        run=undone,
        plan=plan,
        files=tuple((each.item.target, each.item.path) for each in switched),
        commands=_commands(engine.observe(network=False)),
        made_by=_maker(),
        made_at=stamp(engine.clock()),
        estui=__version__,
    )


def _commands(observed: Observed) -> dict[str, Commands]:
    """Commands of the inventory by target."""
    things: tuple[ObservedNode | ObservedKibana | ObservedBeat, ...] = (*observed.things, *observed.beats)
    return {thing.target: thing.entry.commands for thing in things}


def _maker() -> str:
    return f"{login_name()} on {socket.gethostname()}"
