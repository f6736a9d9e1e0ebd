"""The way back from a rollover in words: the command and the screen say the same."""

from __future__ import annotations

from estui.model.goal import Phase, Rollover
from estui.model.rollover import DonePhase, RolloverState, RunToUndo
from estui.present.rollover import undo_lines

STATE = RolloverState(Rollover("r", Phase.SWITCH, (("http", "http-2"),)), (DonePhase(Phase.TRUST, "run-1"),))


def test_every_run_is_told_with_what_it_brings_back() -> None:
    runs = (
        RunToUndo("run-2", "rotate", ("es-1",), 1),
        RunToUndo("run-1", "new CA: trust both", ("es-1", "kibana/k"), 5),
        RunToUndo("run-0", "new CA: trust both", (), 0),
    )
    assert [line.text for line in undo_lines(STATE, runs)] == [
        "http → http-2: next is phase 2 of 3, switch leaves; to undo: 3 runs, in this order",
        "  run-2, rotate: 1 file on es-1",
        "  run-1, new CA: trust both: 5 files on es-1, kibana/k",
        "  run-0, new CA: trust both: nothing was switched",
    ]
