"""Past runs of a workspace: which may go, and their removal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from estui.act import lock, prune
from estui.act.context import Options
from estui.engine import Engine, silent
from estui.engine.rollover import current
from estui.model.run import RunState


def prunable(engine: Engine, *, keep: int = prune.KEEP, older_than: timedelta = timedelta(0)) -> tuple[RunState, ...]:
    """Runs that pruning would remove: ended, not among the newest, never the last good one, none that a rollover
    under way may have to undo."""
    state = current(engine)
    needed = {each.run for each in state.done} if state and state.open else set()
    found = prune.prunable(engine.runs(), keep=keep, older_than=older_than, now=engine.clock())
    return tuple(run for run in found if run.id not in needed)


def prune_runs(engine: Engine, going: Sequence[RunState]) -> prune.Pruned:
    """Removes these runs, and on the nodes the files that only they needed. They cannot be undone afterwards."""
    with lock.workspace_lock(engine.path, "history prune"):
        engine.refuse_unfinished()
        pruned = prune.prune(
            lambda run: engine.open_run(run, silent, Options()), engine.fs, engine.path, engine.runs(), going
        )
        engine.workspace.audit("runs pruned", runs=list(pruned.runs))
        return pruned
