"""Shard allocation around a restart, and whether the cluster can do without a node at all.

Source: elastic-stack-security.md §3.1 (full-cluster restart) and §3.2 (rolling restart).
"""

from __future__ import annotations

from collections.abc import Callable

from estui.act import cluster
from estui.act.context import Context
from estui.act.watching import Watching
from estui.errors import ProbeError, WaitingError
from estui.model.run import Step, StepKind
from estui.observe import es_api
from estui.observe.http import Client

HEALTH = "health"
"""Act of a journal record: how many shards were unassigned before the first node of a run was taken down."""
CAUSES = "GET _cluster/allocation/explain tells why; then: estui runbook resume"


class Allocation:
    """The calls of one run, through whoever may make them."""

    def __init__(
        self,
        context: Context,
        watching: Watching,
        client_for: Callable[[str], Client],
        wanted: Callable[[], int],
    ) -> None:
        self.context = context
        self.watching = watching
        self._client = client_for
        self._wanted = wanted
        """How many nodes the cluster has to have."""

    def off(self, step: Step) -> None:
        """Primaries only, and a flush. Raises WaitingError where the cluster cannot do without a node now."""
        target = self.watching.gates.first_answering(step.targets)
        if target is None:
            self.watching.see(step, "cluster", "no node answers: the cluster is down already")
            return
        if self._is_rolling(step):
            self._await_whole(step, target)
        with self._client(target) as client:
            cluster.set_allocation(client, "primaries")
            self.watching.see(step, "cluster", "replica allocation is off")
            try:
                cluster.flush(client)
            except ProbeError as error:
                self.watching.see(step, "cluster", error.summary)
            else:
                self.watching.see(step, "cluster", "flushed")

    def on(self, step: Step, speaker: str) -> None:
        """Back to the default. Raises ProbeError where it is not acknowledged."""
        with self._client(speaker) as client:
            cluster.set_allocation(client, None)
        self.watching.see(step, "cluster", "replica allocation is back to its default")

    def _is_rolling(self, step: Step) -> bool:
        """Whether one node goes down after this step while the others stay. An undo brings back what is broken, so
        it asks for no whole cluster first."""
        restarts = (each.targets for each in self.context.plan.steps if each.kind is StepKind.RESTART)
        return step.targets in restarts and not self.context.journal.has("undoes")

    def _await_whole(self, step: Step, target: str) -> None:
        """All nodes there, health not red, and every shard copy back that was there before the first restart."""

        def whole(_: str) -> str:
            with self._client(target) as client:
                health = es_api.health(client)
            if health.nodes < self._wanted():
                raise ProbeError(f"{health.nodes} of {self._wanted()} nodes are there")
            if health.status not in ("green", "yellow"):
                raise ProbeError(f"health is {health.status}")
            if health.unassigned_shards > self._unassigned_before(health.unassigned_shards):
                raise ProbeError(f"{health.unassigned_shards} shard copies are not back yet")
            return f"{health.nodes} nodes, {health.status}"

        options = self.context.options
        limit = max(options.start_timeout_s if self._was_restarted() else 0.0, options.wait_s)
        problem = self.watching.gate(step, "cluster", whole, limit)
        if problem:
            raise WaitingError(f"{', '.join(step.targets)} is not taken down: {problem}", hint=CAUSES)

    def _was_restarted(self) -> bool:
        """Whether this run has restarted a node before: its shards need time then; else what is missing stays so."""
        return self.context.journal.has(HEALTH)

    def _unassigned_before(self, now: int) -> int:
        found = self.context.journal.find(HEALTH)
        if not found:
            self.context.journal.write(HEALTH, unassigned=now)
            return now
        before = found[0].fields.get("unassigned")
        return before if isinstance(before, int) else now
