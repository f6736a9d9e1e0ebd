"""Waiting for the gates of the step in hand: what was seen becomes evidence, what is missing gets its reason."""

from __future__ import annotations

import time
from collections.abc import Callable

from estui.act.context import Context
from estui.act.gates import Gates
from estui.act.node_logs import NodeLogs
from estui.act.peers import Peers
from estui.errors import WaitingError
from estui.model.run import Evidence, Step

LOG_POLL_S = 2.0
"""How often the logs are read while a gate is waited for."""


class Watching:
    """Evidence of one step, and the gates that it comes from. Which gates those are is the steps' business."""

    def __init__(self, context: Context, peers: Peers) -> None:
        self.context = context
        self.peers = peers
        self.gates = Gates(context, peers)
        self.logs = NodeLogs(context, peers)
        self.evidence: list[Evidence] = []

    def begin(self, step: Step) -> None:
        """Nothing is seen yet, and the logs of the step's nodes count from here on."""
        self.evidence = []
        self.logs.begin(step.id, step.targets)

    def see(self, step: Step, target: str, text: str, *, ok: bool = True) -> None:
        self.evidence.append(self.context.evidence(step.id, target, text, ok=ok))

    def gate(self, step: Step, target: str, gate: Callable[[str], str], timeout_s: float) -> str:
        """Waits for a gate of one target; what it saw becomes evidence. The reason why it stays open, or nothing.

        A node that says in its log that it does not start, and whose port is closed, is not waited for any longer.
        Raises WaitingError where somebody asked for a pause meanwhile: that is no failure of the target.
        """

        def closes() -> str:
            text = gate(target)
            self.see(step, target, text)
            return text

        problem = self.gates.wait(closes, timeout_s, self._has_gone(target))
        if problem and self.context.stop.is_set():
            raise WaitingError(f"paused while waiting for {target}: {problem}", hint="estui runbook resume")
        return problem

    def _has_gone(self, target: str) -> Callable[[], bool]:
        looked = time.monotonic()

        def gone() -> bool:
            nonlocal looked
            if time.monotonic() - looked < LOG_POLL_S:
                return False
            looked = time.monotonic()
            return self.logs.has_ended(target) and self.gates.main_port_refused(target)

        return gone

    def see_loaded(self, step: Step) -> None:
        """What the logs of a step's nodes say they have loaded."""
        for target in step.targets:
            said = self.logs.loaded(target)
            if said:
                self.see(step, target, said)

    def why(self, step: Step, target: str) -> tuple[str, ...]:
        """What the log of a node says about a gate that does not close: also as evidence, which outlives the error."""
        told = self.logs.why(target)
        for each in told:
            self.see(step, target, each, ok=False)
        return told
