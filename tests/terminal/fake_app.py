"""The TUI on a made-up cluster, as a program of its own: `python -m tests.terminal.fake_app [STEP]`.

With a STEP the apply stands before that step until the process ends; with `defect` a key ends in one.
"""

from __future__ import annotations

import sys

from estui.tui.app import run_app
from estui.tui.screens.main import MainScreen
from tests.tui.fake_engine import FakeEngine

if __name__ == "__main__":
    engine = FakeEngine()
    engine.hold = sys.argv[1] if len(sys.argv) > 1 else ""
    if engine.hold == "defect":
        del MainScreen.do_pane_2
    sys.exit(run_app(engine))
