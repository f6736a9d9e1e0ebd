"""The TUI on a made-up cluster, as a program of its own: `python -m tests.terminal.fake_app [STEP]`.

With a STEP the apply stands before that step until the process ends; with `defect` a key ends in one. With
`switching` the apply stands in the middle of switching names until the file `$RELEASE` is there, and a key ends in a
defect that has the secret of the file `$CANARY` in its message and its variables.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from estui.act.signals import deferred_signals
from estui.engine import Options
from estui.model.run import Event, Step, StepKind, StepState
from estui.secret import Secret
from estui.tui.app import run_app
from estui.tui.screens.main import MainScreen
from tests.tui.fake_engine import FakeEngine
from tests.waiting import until


class SwitchingEngine(FakeEngine):
    """Knows secrets, and is in the middle of the first step until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.known = {"elastic": Path(os.environ["CANARY"]).read_text()}

    def _step(self, step: Step, at: datetime, kind: str, emit: Callable[[Event], None], options: Options) -> None:
        if step.kind is StepKind.PREPARE:
            self._set(step, StepState.RUNNING, emit)
            with deferred_signals():
                until(Path(os.environ["RELEASE"]).exists, 60)
        super()._step(step, at, kind, emit, options)


def broken(screen: MainScreen) -> None:
    """A defect with everything around it that must not be shown."""
    password = Path(os.environ["CANARY"]).read_text()
    passwords = {"elastic": password, "kibana_system": Secret(password)}
    raise ZeroDivisionError(f"{password} of {passwords}")


if __name__ == "__main__":
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    engine = SwitchingEngine() if mode == "switching" else FakeEngine()
    if mode == "defect":
        del MainScreen.do_pane_2
    elif mode == "switching":
        setattr(MainScreen, "do_pane_2", broken)  # noqa: B010 - mypy refuses the assignment
    else:
        engine.hold = mode
    sys.exit(run_app(engine))
