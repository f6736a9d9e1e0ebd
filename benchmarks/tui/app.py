"""The program that is measured: the UI on a made-up cluster, an apply at work that tells something 20 times a second.

python -m benchmarks.tui.app NODES [idle]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from estui.engine import Options
from estui.errors import WaitingError
from estui.model.plan import Plan
from estui.model.run import Event, EvidenceSeen, RunState, StepChanged, StepState
from estui.tui.app import run_app
from estui.tui.screens.main import MainScreen
from tests.tui.builders import NOW, many, unsecured
from tests.tui.fake_engine import FakeEngine

PAUSE_S = 0.05


class BusyEngine(FakeEngine):
    """An apply that never ends by itself, and never stops talking."""

    def apply(
        self, plan: Plan, emit: Callable[[Event], None] = print, options: Options | None = None, **_: object
    ) -> RunState:
        step = plan.steps[0]
        emit(StepChanged(step, StepState.RUNNING))
        number = 0
        while not self.stop.wait(PAUSE_S):
            number += 1
            emit(EvidenceSeen(step.id, self._evidence(step, f"node-{number % 1000:04}", NOW)))
        raise WaitingError("paused before the next step")


def begin_when_ready(screen: MainScreen) -> None:
    """Starts the apply once the cluster is on the screen, and goes back to the nodes."""
    if screen.session.reading:
        screen.set_timer(0.05, lambda: begin_when_ready(screen))
        return
    plan = next(each.plan for each in FakeEngine().previews(unsecured()) if each.plan)
    screen._begin(plan, "apply", lambda ticket: screen.jobs.apply(ticket, plan, screen.session.options))
    screen.go_to("nodes")
    screen.tell("at work")


class BusyScreen(MainScreen):
    """Begins by itself."""

    def on_mount(self) -> None:
        super().on_mount()
        begin_when_ready(self)


if __name__ == "__main__":
    nodes, idle = int(sys.argv[1]), "idle" in sys.argv
    if not idle:
        import estui.tui.app

        estui.tui.app.MainScreen = BusyScreen  # type: ignore[misc]
    sys.exit(run_app(BusyEngine(many(nodes))))
