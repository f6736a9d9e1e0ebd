"""What each kind of step does, and the gate that lets it close. Walking through them is `runbook.py`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from estui.act import cluster, services
from estui.act.commit import commit
from estui.act.context import Context
from estui.act.gates import Gates
from estui.act.login import TemporaryLogin
from estui.act.peers import Peers, seconds, wait_until
from estui.act.prepare import Preparer
from estui.act.reload import Reload
from estui.act.verify import Verifier
from estui.decide.join_steps import is_leaving, leaving
from estui.decide.membership import exclude_words
from estui.decide.runbook import PROOF_STAGE
from estui.decide.rung import is_secured
from estui.errors import ApplyError, ProbeError, VerificationError, WaitingError
from estui.formats.wire import Json
from estui.model.inventory import Layer
from estui.model.plan import FirstLogin, PublishSet, Restart, Stage
from estui.model.run import Evidence, Step, StepKind, StepState, Verdict
from estui.observe import es_api
from estui.observe.http import Basic, Client, Credentials

DISCOVERY_TIMEOUT_S = 30.0
"""`discovery.initial_state_timeout`: until then a node without a quorum does not open HTTP."""
HTTP_MARGIN_S = 30.0
LOGIN_RETRY_S = 20.0
"""A right password can be refused for a second or so while the security index appears (real-elasticsearch.md §0.7)."""

StateOf = Callable[[StepKind], StepState]


class Steps:
    """The steps of one run, for one process. `evidence` collects what was seen in the step in hand."""

    def __init__(self, context: Context, state_of: StateOf) -> None:
        self.context = context
        self.peers = Peers(context)
        self.gates = Gates(context, self.peers)
        self.state_of = state_of
        """State of the run's step of a kind; waiting where the run has none."""
        self.login: TemporaryLogin | None = None
        self.verdict: Verdict | None = None
        self.evidence: list[Evidence] = []

    def do(self, step: Step) -> None:
        """Does one step. Raises WaitingError where a person has to act, another EstuiError where it failed."""
        self.evidence = []
        {
            StepKind.PREPARE: self._prepare,
            StepKind.ALLOCATION_OFF: self._allocation_off,
            StepKind.STOP: self._stop,
            StepKind.COMMIT: self._commit,
            StepKind.UNDO: self._commit,
            StepKind.START: self._start,
            StepKind.RESTART: self._restart,
            StepKind.FIRST_LOGIN: self._first_login,
            StepKind.CLUSTER: self._cluster,
            StepKind.ALLOCATION_ON: self._allocation_on,
            StepKind.PASSWORDS: self._passwords,
            StepKind.REMOVE_LOGIN: self._remove_login,
            StepKind.VERIFY: self._verify,
        }[step.kind](step)

    def _see(self, step: Step, target: str, text: str, *, ok: bool = True) -> None:
        self.evidence.append(self.context.evidence(step.id, target, text, ok=ok))

    def _gate(self, step: Step, target: str, gate: Callable[[str], str], timeout_s: float) -> str:
        """Waits for a gate of one target; what it saw becomes evidence. The reason why it stays open, or nothing.

        Raises WaitingError where somebody asked for a pause meanwhile: that is no failure of the target.
        """

        def closes() -> str:
            text = gate(target)
            self._see(step, target, text)
            return text

        problem = self.gates.wait(closes, timeout_s)
        if problem and self.context.stop.is_set():
            raise WaitingError(f"paused while waiting for {target}: {problem}", hint="estui runbook resume")
        return problem

    # who calls

    def _first(self) -> FirstLogin | None:
        return next((change for change in self.context.plan.changes if isinstance(change, FirstLogin)), None)

    def superuser(self) -> Credentials | None:
        """Whoever may call the cluster now: the temporary superuser, the operator's, or `elastic`."""
        if self.login and self.login.credentials:
            return self.login.credentials
        if self.context.credentials:
            return Basic(*self.context.credentials)
        opened = self.state_of(StepKind.FIRST_LOGIN) is StepState.DONE
        removed = self.state_of(StepKind.REMOVE_LOGIN) is StepState.DONE
        if self._first() and opened and not removed:
            # a process that resumes has no password in memory: a new temporary user takes over
            return self._open_login("first-login")
        return self.peers.basic("elastic")

    def _open_login(self, step: str) -> Basic:
        first = self._first()
        if first is None:
            raise ApplyError("the plan has no first login", hint="plan again")
        self.login = TemporaryLogin(self.context, self.peers, first.target)
        return self.login.open(step)

    def _client(self, target: str) -> Client:
        credentials = self.superuser() if is_secured(self.peers.read_node(target)) else None
        return self.peers.client(target, credentials)

    def _speaker(self) -> str:
        """The node that cluster-wide calls go to: where the temporary superuser lives, else the first."""
        members = [target for target in self.peers.nodes if target not in self.context.plan.goal.joins]
        return self.login.target if self.login else members[0]

    # files and cluster

    def _prepare(self, step: Step) -> None:
        if self.context.journal.has("materialised"):
            self._see(step, "workspace", "made before")
            return
        Preparer(self.context).prepare()
        if self._proven_by_start(self.context.plan.stages):
            self.context.journal.write("started", nodes=self._start_times())
        self._see(step, "workspace", "certificates and files are ready beside the old ones")

    def _allocation_off(self, step: Step) -> None:
        target = self.gates.first_answering(step.targets)
        if target is None:
            self._see(step, "cluster", "no node answers: the cluster is down already")
            return
        with self._client(target) as client:
            cluster.set_allocation(client, "primaries")
            self._see(step, "cluster", "replica allocation is off")
            try:
                cluster.flush(client)
            except ProbeError as error:
                self._see(step, "cluster", error.summary)
            else:
                self._see(step, "cluster", "flushed")

    def _allocation_on(self, step: Step) -> None:
        with self._client(self._speaker()) as client:
            cluster.set_allocation(client, None)
        self._see(step, "cluster", "replica allocation is back to its default")

    def _stage(self, step: Step) -> Stage | None:
        return next((stage for stage in self.context.plan.stages if stage.id == step.stage), None)

    def _commit(self, step: Step) -> None:
        stage = self._stage(step)
        restart = stage.restart if stage else Restart.NONE
        if restart in (Restart.FULL, Restart.JOIN) and not self.context.options.write_now:
            # who joins may be on a host that is not there yet; who was stopped has to refuse
            runs = self.gates.answers_anywhere if restart is Restart.JOIN else self._runs
            running = [target for target in step.targets if runs(target)]
            if running:
                raise ApplyError(
                    f"{', '.join(running)} came back before the files were switched",
                    hint="stop them again, then: estui runbook resume",
                )
        reloaded = restart not in (Restart.FULL, Restart.ROLLING, Restart.JOIN)
        reload = Reload(self.context, self.peers, self.gates, partial(self._gate, step), self._client)
        if reloaded and not self.context.journal.has("undoes"):
            reload.await_up(step.targets)
        commit(self.context, step.stage, step.targets, step.id)
        self._see(step, ", ".join(step.targets), "every file as planned")
        if reloaded:  # an undo is one stage, with Kibana's restart where the run had one
            reload.await_loaded(step.targets, step.id)

    def _runs(self, target: str) -> bool:
        return not self.gates.all_refused(target)

    # services

    def _may_run(self, target: str, action: str) -> bool:
        return self.context.options.run_commands and bool(getattr(self.peers.commands(target), action))

    def _run(self, target: str, action: str) -> None:
        services.run_command(self.context, target, getattr(self.peers.commands(target), action))

    def _asks(self, action: str, targets: Sequence[str], until: str) -> WaitingError:
        """What a person has to do now, in the words that they type."""
        return WaitingError(
            f"waits for you to {action} {', '.join(targets)}, and watches {until}",
            reasons=tuple(services.words(self.peers.commands(target), action, target) for target in targets),
            hint="do it, then: estui runbook resume --wait 600   (--restart runs the inventory's own commands)",
        )

    def _stop(self, step: Step) -> None:
        self._refuse_last_copies(leaving(self.context.plan))
        for target in step.targets:
            if self._may_run(target, "stop") and not self.gates.all_refused(target):
                self._run(target, "stop")
        end = time.monotonic() + self.context.options.wait_s
        waiting = [target for target in step.targets if not self._wait_refused(target, end)]
        if waiting:
            raise self._asks("stop", waiting, "until every port is refused")
        for target in step.targets:
            ports = ", ".join(str(address.port) for address in self.peers.addresses(target).values())
            self._see(step, target, f"port {ports} refused: stopped")

    def _refuse_last_copies(self, targets: Sequence[str]) -> None:
        """Raises WaitingError where a node that is to leave holds what no other node has."""
        for target in targets:
            if not self._runs(target):
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
        limit = self.context.options.stop_timeout_s if told else end - time.monotonic()
        return wait_until(lambda: self.gates.all_refused(target), limit, self.context.stop.is_set)

    def _start_stopped(self, targets: Sequence[str]) -> None:
        """Starts what is down, where there is a command: in this order, without waiting between them."""
        for target in targets:
            if self._may_run(target, "start") and self.gates.main_port_refused(target):
                self._run(target, "start")

    def _start(self, step: Step) -> None:
        self._start_stopped(step.targets)
        self._await_started(step, "start", self.gates.started)

    def _restart(self, step: Step) -> None:
        stages = [
            stage
            for stage in self.context.plan.stages
            if stage.id == step.stage or (not step.stage and stage.restart is Restart.ROLLING)
        ]
        by_start = self._proven_by_start(stages)
        gate = self._started_anew if by_start else self.gates.restarted
        for target in step.targets:
            if not self.gates.wait(partial(gate, target), 0.0):
                continue  # an earlier walk, or a person, has done it
            if self._may_run(target, "restart"):
                self._run(target, "restart")
            elif self._may_run(target, "stop") and self._may_run(target, "start"):
                self._run(target, "stop")
                self._run(target, "start")
        self._await_started(step, "restart", gate)

    @staticmethod
    def _proven_by_start(stages: Sequence[Stage]) -> bool:
        """Whether only the start of a process proves a restart: nothing that is served changes."""
        return any(
            stage.id == PROOF_STAGE
            or (
                stage.restart is Restart.ROLLING
                and any(isinstance(change, PublishSet) and change.keep_leaf for change in stage.changes)
            )
            for stage in stages
        )

    def _start_times(self) -> dict[str, Json]:
        """When each node's process was started, as the cluster tells it."""
        with self._client(self._speaker()) as client:
            return {member.name: member.started_ms for member in es_api.members(client)}

    def _started_anew(self, target: str) -> str:
        before = next(iter(self.context.journal.find("started"))).fields.get("nodes")
        known = before.get(target) if isinstance(before, dict) else None
        now = self._start_times().get(target)
        if not now or now == known:
            raise ProbeError("it is still the process of before" if now else "it is not in the cluster yet")
        return "started anew"

    def _await_started(self, step: Step, action: str, gate: Callable[[str], str]) -> None:
        options = self.context.options
        told_end, person_end = time.monotonic() + options.start_timeout_s, time.monotonic() + options.wait_s
        waiting = []
        for target in step.targets:
            told = self._may_run(target, action) or (self._may_run(target, "stop") and self._may_run(target, "start"))
            problem = self._gate(step, target, gate, (told_end if told else person_end) - time.monotonic())
            if problem and told:
                raise ApplyError(
                    f"{target} did not come up as planned: {problem}",
                    hint="look at its log, then: estui runbook resume, or estui rollback",
                )
            if problem:
                waiting.append(target)
        if waiting:
            raise self._asks(action, waiting, "until each serves what was planned")

    # logins

    def _first_login(self, step: Step) -> None:
        target = step.targets[0]
        node = self.peers.read_node(target)
        if not is_secured(node):
            raise ApplyError(f"security of {target} is off", hint="estui rollback, then plan again")
        self._start_stopped(step.targets)  # one that ended after its transport port was seen
        # HTTP opens late on a node without a quorum, so it is awaited only once all have been started
        limit = seconds(node.setting("discovery.initial_state_timeout"), DISCOVERY_TIMEOUT_S) + HTTP_MARGIN_S
        limit = max(limit, self.context.options.wait_s)
        problem = self._gate(step, target, lambda each: self.gates.node_layer(each, Layer.HTTP), limit)
        if problem:
            raise ApplyError(f"{target}: {problem}", hint="look at its log, then: estui runbook resume")
        self._open_login(step.id)
        self._see(step, target, "the temporary superuser is let in")

    def _cluster(self, step: Step) -> None:
        wanted = self.context.plan.expect_nodes or len(self.peers.nodes)
        self._start_stopped(step.targets)

        def joined(target: str) -> str:
            with self._client(self._speaker()) as client:
                health = es_api.health(client)
                names = {member.name for member in es_api.members(client)} if self.context.plan.goal.joins else set()
            if health.nodes != wanted:
                raise ProbeError(f"{health.nodes} of {wanted} nodes joined")
            self._check_joined(names)
            if health.status not in ("green", "yellow"):
                raise ProbeError(f"health is {health.status}")
            return f"{health.nodes} nodes, {health.status}"

        limit = max(self.context.options.start_timeout_s, self.context.options.wait_s)
        problem = self._gate(step, "cluster", joined, limit)
        if problem:
            raise ApplyError(f"the cluster is not whole: {problem}", hint="look at the nodes' logs, then resume")
        for target in step.targets:  # a node opens HTTP once it has joined
            if target in self.context.plan.goal.joins:
                problem = self._gate(step, target, partial(self.gates.node_layer, layer=Layer.HTTP), limit)
                if problem:
                    raise ApplyError(f"{target}: {problem}", hint="look at its log, then: estui runbook resume")

    def _check_joined(self, names: set[str]) -> None:
        """Raises ProbeError where a node that joins is not there, or one that leaves still is."""
        plan = self.context.plan
        for target in plan.goal.joins:
            if (target in names) is is_leaving(plan):
                raise ProbeError(f"{target} is still a member" if is_leaving(plan) else f"{target} is no member")

    def _passwords(self, step: Step) -> None:
        change = self._first()
        superuser = self.superuser()
        for user in change.users if change else ():
            password = self.context.passwords.get(user)
            if password is None:
                raise ApplyError(f"the new password of {user} is not at hand", hint="give --passphrase-file FILE")
            target = step.targets[0]
            with self.peers.client(target, superuser) as client:
                cluster.set_password(client, user, password)
            problem = self._gate(step, target, partial(self._logs_in, user), LOGIN_RETRY_S)
            if problem:
                raise ApplyError(f"{user} does not get in at {target}: {problem}", hint="estui runbook resume")
        self.context.workspace.audit("passwords set", users=list(change.users if change else ()), run=self.context.run)

    def _logs_in(self, user: str, target: str) -> str:
        with self.peers.client(target, self.peers.basic(user)) as client:
            if es_api.authenticate(client) != user:
                raise ProbeError("it is refused (401)")
        return f"{user} logs in with its new password"

    def _remove_login(self, step: Step) -> None:
        if self.login is None:
            self.login = TemporaryLogin(self.context, self.peers, step.targets[0])
        gone = self.login.remove_lines()
        self.login.prove_gone(step.id)
        if self.login.leftovers():
            raise ApplyError("a temporary superuser is still in the files", hint="estui runbook resume")
        self._see(step, step.targets[0], "its line is gone" if gone else "no temporary superuser is left")

    # proof

    def _verify(self, step: Step) -> None:
        self.verdict = Verifier(self.context, self.peers, self.superuser()).verify()
        self.evidence = [
            Evidence(self.verdict.at, proof.target, f"{proof.claim}: {proof.evidence}", proof.ok)
            for proof in self.verdict.proofs
        ]
        if not self.verdict.ok:
            raise VerificationError(
                f"{len(self.verdict.failed)} of {len(self.verdict.proofs)} proofs failed",
                reasons=tuple(f"{proof.target}: {proof.claim}: {proof.evidence}" for proof in self.verdict.failed),
                hint="mend what is listed, then: estui runbook resume, or estui verify",
            )
