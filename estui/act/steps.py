"""What each kind of step does, and the gate that lets it close. Walking through them is `runbook.py`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from estui.act import cluster, services
from estui.act.commit import commit
from estui.act.context import Context
from estui.act.gates import Gates
from estui.act.login import MARGIN_S, TemporaryLogin
from estui.act.peers import Peers, seconds, wait_until
from estui.act.prepare import Preparer
from estui.act.verify import Verifier
from estui.decide.rung import has_tls, is_secured
from estui.errors import ApplyError, ProbeError, VerificationError, WaitingError
from estui.model.inventory import Layer
from estui.model.plan import FirstLogin, Restart, Stage
from estui.model.run import Evidence, Step, StepKind, StepState, Verdict
from estui.observe import es_api
from estui.observe.http import Basic, Client, Credentials

DISCOVERY_TIMEOUT_S = 30.0
"""`discovery.initial_state_timeout`: until then a node without a quorum does not open HTTP."""
HTTP_MARGIN_S = 30.0
LOGIN_RETRY_S = 20.0
"""A right password can be refused for a second or so while the security index appears (real-elasticsearch.md §0.7)."""
RELOAD_POLLS = 3
"""Poll intervals within which a running node must serve a set that was switched under it."""

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
        return self.login.target if self.login else self.peers.nodes[0]

    # files and cluster

    def _prepare(self, step: Step) -> None:
        if self.context.journal.has("materialised"):
            self._see(step, "workspace", "made before")
            return
        Preparer(self.context).prepare()
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
        if restart is Restart.FULL and not self.context.options.write_now:
            running = [target for target in step.targets if not self.gates.all_refused(target)]
            if running:
                raise ApplyError(
                    f"{', '.join(running)} came back before the files were switched",
                    hint="stop them again, then: estui runbook resume",
                )
        commit(self.context, step.stage, step.targets, step.id)
        self._see(step, ", ".join(step.targets), "every file as planned")
        if restart not in (Restart.FULL, Restart.ROLLING):
            self._await_reload(step)  # an undo is one stage, with Kibana's restart where the run had one

    def _await_reload(self, step: Step) -> None:
        """Sets that were switched under running nodes: each must be served within three polls.

        Source: resource.reload.interval.high, elastic-stack-security.md §6.3.
        """
        for target in step.targets:
            if not self.peers.is_node(target):
                continue
            limit = RELOAD_POLLS * self.peers.reload_interval_s(target) + MARGIN_S
            for layer in Layer:
                if has_tls(self.peers.read_node(target), layer):
                    self._await_layer(step, target, layer, limit)

    def _await_layer(self, step: Step, target: str, layer: Layer, limit: float) -> None:
        problem = self._gate(step, target, partial(self.gates.loaded, layer), limit)
        if problem:
            raise ApplyError(
                f"{target} has not loaded its {layer.value} set: {problem}",
                hint="is `resource.reload.enabled` false, or the mount stale? a restart of the node loads it",
            )

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
        for target in step.targets:
            if self._has_restarted(target):
                continue
            if self._may_run(target, "restart"):
                self._run(target, "restart")
            elif self._may_run(target, "stop") and self._may_run(target, "start"):
                self._run(target, "stop")
                self._run(target, "start")
        self._await_started(step, "restart", lambda target: self.gates.node_layer(target, Layer.HTTP))

    def _has_restarted(self, target: str) -> bool:
        """Whether an earlier walk, or a person, has done it: the node serves what its files now say."""
        return not self.gates.wait(lambda: self.gates.node_layer(target, Layer.HTTP), 0.0)

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
            if health.nodes != wanted:
                raise ProbeError(f"{health.nodes} of {wanted} nodes joined")
            if health.status not in ("green", "yellow"):
                raise ProbeError(f"health is {health.status}")
            return f"{health.nodes} nodes, {health.status}"

        limit = max(self.context.options.start_timeout_s, self.context.options.wait_s)
        problem = self._gate(step, "cluster", joined, limit)
        if problem:
            raise ApplyError(f"the cluster is not whole: {problem}", hint="look at the nodes' logs, then resume")

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
