"""Stopping, starting and restarting: by the inventory's own commands where they may run, else by a person who is told
the words and watched. A process that was started anew is told by its start time, whatever it serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from estui.act import services
from estui.act.beat_proof import accepts
from estui.act.beats import Beats
from estui.act.context import Context
from estui.act.crew import gather
from estui.act.peers import Peers, wait_until
from estui.act.watching import Watching
from estui.decide.beats_steps import OUTSIDE, is_beat
from estui.decide.join_steps import leaving
from estui.decide.membership import exclude_words
from estui.decide.runbook import PROOF_STAGE
from estui.errors import ApplyError, ProbeError, WaitingError
from estui.formats.wire import Json
from estui.model.plan import PublishSet, Restart, Stage
from estui.model.run import Step
from estui.observe import es_api
from estui.observe.http import Client

STARTED = "started"
"""Act of a journal record: when each node's process had been started, before anything of it was to change."""


class Restarts:
    """The services of one run."""

    def __init__(
        self,
        context: Context,
        peers: Peers,
        watching: Watching,
        client_for: Callable[[str], Client],
        speaker: Callable[[], str],
    ) -> None:
        self.context = context
        self.peers = peers
        self.watching = watching
        self.gates = watching.gates
        self.beats = Beats(context, peers)
        self._client = client_for
        self._speaker = speaker
        """The node that cluster-wide calls go to."""

    # commands and persons

    def _may_run(self, target: str, action: str) -> bool:
        return self.context.options.run_commands and bool(getattr(self.peers.commands(target), action))

    def _may_restart(self, target: str) -> bool:
        return self._may_run(target, "restart") or (self._may_run(target, "stop") and self._may_run(target, "start"))

    def _run(self, step: Step, target: str, action: str) -> None:
        """Raises ApplyError where the command fails, with what the node's log says besides."""
        try:
            services.run_command(self.context, target, getattr(self.peers.commands(target), action))
        except ApplyError as error:
            told = self.watching.why(step, target)
            if not told:
                raise
            raise ApplyError(error.summary, hint=error.hint, reasons=(*error.reasons, *told)) from error

    def _asks(self, action: str, targets: Sequence[str], until: str, told: Sequence[str] = ()) -> WaitingError:
        """What a person has to do now, in the words that they type."""
        words = [services.words(self.peers.commands(target), action, target) for target in targets]
        return WaitingError(
            f"waits for you to {action} {', '.join(targets)}, and watches {until}",
            reasons=(*words, *told),
            hint="do it, then: estui runbook resume --wait 600   (--restart runs the inventory's own commands)",
        )

    # stop

    def stop(self, step: Step) -> None:
        self._refuse_last_copies(leaving(self.context.plan))
        for target in step.targets:
            if self._may_run(target, "stop") and not self.gates.all_refused(target):
                self._run(step, target, "stop")
        end = time.monotonic() + self.context.options.wait_s
        refused = gather(step.targets, partial(self._wait_refused, end=end))
        waiting = [target for target, closed in zip(step.targets, refused, strict=True) if not closed]
        if waiting:
            raise self._asks("stop", waiting, "until every port is refused")
        for target, addresses in zip(step.targets, gather(step.targets, self.peers.addresses), strict=True):
            ports = ", ".join(str(address.port) for address in addresses.values())
            self.watching.see(step, target, f"port {ports} refused: stopped")

    def _refuse_last_copies(self, targets: Sequence[str]) -> None:
        """Raises WaitingError where a node that is to leave holds what no other node has."""
        for target in targets:
            if self.gates.all_refused(target):
                continue
            with self._client(self._speaker()) as client:
                only = es_api.only_copies(client, target)
            if only:
                raise WaitingError(
                    f"{target} holds the only copy of {len(only)} shards: {', '.join(only[:5])}",
                    reasons=(exclude_words(target),),
                    hint="wait until they have moved, then: estui runbook resume",
                )

    def _wait_refused(self, target: str, end: float) -> bool:
        told = self._may_run(target, "stop")
        limit = self.context.inventory.limits.stop_seconds if told else end - time.monotonic()
        return wait_until(lambda: self.gates.all_refused(target), limit, self.context.stop.is_set)

    # start

    def start_stopped(self, step: Step) -> None:
        """Starts what is down, where there is a command: in this order, without waiting between them."""
        for target in step.targets:
            if self._may_run(target, "start") and self.gates.main_port_refused(target):
                self._run(step, target, "start")

    def start(self, step: Step) -> None:
        self.start_stopped(step)
        self._await_started(step, "start", self.gates.started)

    # restart

    def restart(self, step: Step) -> None:
        if any(map(is_beat, step.targets)):
            self._restart_beats(step)
            return
        for target in step.targets:
            if not self.gates.wait(partial(self._gate_of(step), target), 0.0):
                continue  # an earlier walk, or a person, has done it
            if self._may_run(target, "restart"):
                self._run(step, target, "restart")
            elif self._may_restart(target):
                self._run(step, target, "stop")
                self._run(step, target, "start")
        self._await_started(step, "restart", self._gate_of(step))

    def _restart_beats(self, step: Step) -> None:
        """A Beat's files prove nothing about the process that runs: its restart has a record of its own."""
        for target in step.targets:
            if not self.beats.is_restarted(target):
                ways = (("restart",), ("stop", "start"))
                way = next((way for way in ways if all(self._may_run(target, each) for each in way)), ())
                for action in way:
                    self._run(step, target, action)
                if way:
                    how = "restarted by its command"
                else:
                    words = services.words(self.peers.commands(target), "restart", target)
                    how = self.beats.await_person(target, lambda: self._client(self._speaker()), words)
                self.beats.note_restarted(target, how)
                self.watching.see(step, target, how)
        if step.gate != OUTSIDE:
            self._await_started(step, "restart", partial(accepts, self.context, self.peers))

    def _gate_of(self, step: Step) -> Callable[[str], str]:
        """What proves the restarts of a step: what is served, where anything of it changes, and always the start of
        the process, where it is known when the old one was started."""
        stages = [
            stage
            for stage in self.context.plan.stages
            if stage.id == step.stage or (not step.stage and stage.restart is Restart.ROLLING)
        ]
        if self.proven_by_start(stages):
            return self.started_anew

        def restarted(target: str) -> str:
            text = self.gates.restarted(target)
            return f"{text}; {self.started_anew(target)}" if self._started_before(target) else text

        return restarted

    def proven_by_start(self, stages: Sequence[Stage]) -> bool:
        """Whether only the start of a process proves a restart: nothing that is served changes."""
        return any(
            stage.id == PROOF_STAGE
            or (
                stage.restart is Restart.ROLLING
                and any(isinstance(change, PublishSet) and change.keep_leaf for change in stage.changes)
            )
            or (stage.restart is Restart.ROLLING and (self.context.plan.goal.secure or self.context.plan.goal.fix))
            for stage in stages
        )

    def note_started(self, step: str = "") -> None:
        """Journals when each node's process was started. Once for a step: who commits again finds it done."""
        if any(record.text("step") == step for record in self.context.journal.find(STARTED)):
            return
        try:
            times = self._start_times()
        except ProbeError:
            if not step:
                raise  # nothing else would prove it
            times = {}
        self.context.journal.write(STARTED, step=step, nodes=times)

    def _start_times(self) -> dict[str, Json]:
        """When each node's process was started, as the cluster tells it; nothing where no node answers."""
        speaker = self.gates.first_answering(self.peers.nodes)
        if speaker is None:
            return {}
        with self._client(speaker) as client:
            return {member.name: member.started_ms for member in es_api.members(client)}

    def _started_before(self, target: str) -> Json:
        """When the process of a node had been started before this run changed anything of it; None if unknown."""
        for record in reversed(self.context.journal.find(STARTED)):
            nodes = record.fields.get("nodes")
            if isinstance(nodes, dict) and nodes.get(target):
                return nodes[target]
        return None

    def started_anew(self, target: str) -> str:
        """The node's process is another one than before. Raises ProbeError while it is not."""
        times = self._start_times()
        # one that was renamed since the plan was made has its new name in the cluster
        now = times.get(target) or times.get(self.peers.read_node(target).name)
        if not now or now == self._started_before(target):
            raise ProbeError("it is still the process of before" if now else "it is not in the cluster yet")
        return "started anew"

    def _await_started(self, step: Step, action: str, gate: Callable[[str], str]) -> None:
        limits, options = self.context.inventory.limits, self.context.options
        told_end, person_end = time.monotonic() + limits.start_seconds, time.monotonic() + options.wait_s

        def watch(target: str) -> tuple[str, tuple[str, ...]]:
            told = self._may_run(target, action) or self._may_restart(target)
            limit = (told_end if told else person_end) - time.monotonic()
            problem = self.watching.gate(step, target, gate, limit)
            why = self.watching.why(step, target) if problem else ()
            if problem and told:
                raise ApplyError(
                    f"{target} did not come up as planned: {problem}",
                    reasons=why,
                    hint="look at its log, then: estui runbook resume, or estui rollback; a node that needs longer to "
                    "start gets it by limits: {start_seconds: …} in estui.yaml",
                )
            return problem, why

        found = list(zip(step.targets, gather(step.targets, watch), strict=True))
        waiting = [target for target, (problem, _) in found if problem]
        if waiting:
            said = [line for _, (_, why) in found for line in why]
            raise self._asks(action, waiting, "until each serves what was planned", said)
