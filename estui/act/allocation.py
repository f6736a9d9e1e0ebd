"""Shard allocation around a restart, and whether the cluster can do without a node at all.

Source: elastic-stack-security.md §3.1 (full-cluster restart) and §3.2 (rolling restart).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from estui.act import cluster
from estui.act.context import Context
from estui.act.journal import Journal
from estui.act.watching import Watching
from estui.errors import ProbeError, WaitingError
from estui.model.run import Step, StepKind
from estui.observe import es_api
from estui.observe.http import Client

HEALTH = "health"
"""Act of a journal record: how many shards were unassigned before the first node of a run was taken down."""
BEFORE = "allocation-before"
"""Act of a journal record: what stood in the cluster's settings before this run changed them, by scope."""
RESTORED = "allocation-restored"
"""Act of a journal record: what was there before stands there again."""
PERSISTENT = "persistent"
_SCOPES = (PERSISTENT, "transient")
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
            try:
                cluster.set_allocation(client, dict.fromkeys(self._note(client), "primaries"))
            except ProbeError as error:
                if not self._undoes():
                    raise
                # a cluster that came up half way, with no user who could log in yet, is brought back all the same
                self.watching.see(step, "cluster", f"left as it is: {error.summary}", ok=False)
                return
            self.watching.see(step, "cluster", "replica allocation is off")
            try:
                cluster.flush(client)
            except ProbeError as error:
                self.watching.see(step, "cluster", error.summary)
            else:
                self.watching.see(step, "cluster", "flushed")

    def _undoes(self) -> bool:
        return self.context.journal.has("undoes")

    def on(self, step: Step, speaker: str) -> None:
        """Back to what it was before. Raises ProbeError where it is not acknowledged."""
        with self._client(speaker) as client:
            before = _last_word(self.context)
            if before is None:
                before = _default(client)
            if before:
                cluster.set_allocation(client, before)
                self.context.journal.write(RESTORED)
        self.watching.see(step, "cluster", f"replica allocation is {_words(before)}")

    def _note(self, client: Client) -> dict[str, str | None]:
        """What to put back, journaled before anything is changed. Once only: what a walk that was cut short has
        switched off is no setting of the operator's, nor is it one to the undo of that walk."""
        before = _last_word(self.context)
        if not before:
            told = es_api.allocation_scopes(client)
            # a transient setting wins over the persistent one, so it has to be switched too; where there is none,
            # none is made, since Elasticsearch warns of them
            before = {scope: value for scope, value in told.items() if value or scope == PERSISTENT}
        if not _word_of(self.context.journal):
            self.context.journal.write(BEFORE, **before)
        return before

    def _is_rolling(self, step: Step) -> bool:
        """Whether one node goes down after this step while the others stay. An undo brings back what is broken, so
        it asks for no whole cluster first."""
        restarts = (each.targets for each in self.context.plan.steps if each.kind is StepKind.RESTART)
        return step.targets in restarts and not self._undoes()

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

        start_s = self.context.inventory.limits.start_seconds
        limit = max(start_s if self._was_restarted() else 0.0, self.context.options.wait_s)
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


def _default(client: Client) -> dict[str, str | None]:
    """What to put back where this run noted nothing, since the cluster was down already: whoever took it down by hand
    may have left `primaries` behind; everything else is the operator's."""
    return {PERSISTENT: None} if es_api.allocation_scopes(client)[PERSISTENT] == "primaries" else {}


def _words(before: Mapping[str, str | None]) -> str:
    if not before:
        return "as it was"
    told = ", ".join(f"{value} ({scope})" for scope, value in before.items() if value)
    return f"back to what it was before: {told}" if told else "back to its default"


def _last_word(context: Context) -> dict[str, str | None] | None:
    """What this run, or the one that it undoes, has to put back: an empty one where that was done, None where neither
    of them had to do with it."""
    journal, seen = context.journal, set[str]()
    while journal.run not in seen:
        seen.add(journal.run)
        word = _word_of(journal)
        if word is not None:
            return word
        undone = journal.find("undoes")
        if undone:
            journal = Journal(context.fs, journal.workspace, undone[0].text("run"))
    return None


def _word_of(journal: Journal) -> dict[str, str | None] | None:
    for record in reversed(journal.records):
        if record.act == RESTORED:
            return {}
        if record.act == BEFORE:
            values = {scope: record.fields[scope] for scope in _SCOPES if scope in record.fields}
            return {scope: value if isinstance(value, str) else None for scope, value in values.items()}
    return None
