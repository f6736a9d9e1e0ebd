"""Walks the steps of a run: does what a step says, and lets it close only by evidence.

A step's state is its last journal record, so a walk can be left at any point and taken up again, by another
process or the other front end. What needs a person and has no command waits; nothing is assumed to have happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from estui.act import cluster, services
from estui.act.commit import commit
from estui.act.context import Context
from estui.act.items import LeafRecord
from estui.act.login import TemporaryLogin
from estui.act.peers import Peers, seconds, wait_until
from estui.act.prepare import Preparer
from estui.act.verify import KIBANA_UP, Verifier, check_served, describe
from estui.decide.rung import has_tls, is_secured
from estui.errors import ApplyError, EstuiError, ProbeError, VerificationError, WaitingError
from estui.formats.wire import decode
from estui.model.inventory import Address, Layer
from estui.model.observed import OnDisk, PortState
from estui.model.plan import FirstLogin, Restart
from estui.model.run import Evidence, Step, StepChanged, StepKind, StepState, Verdict
from estui.observe import es_api
from estui.observe.http import Basic, Client, Credentials, Tls
from estui.observe.kibana_api import kibana_status
from estui.observe.probe import is_refused, probe

PROBE_TIMEOUT_S = 3.0
DISCOVERY_TIMEOUT_S = 30.0
"""`discovery.initial_state_timeout`: until then a node without a quorum does not open HTTP."""
HTTP_MARGIN_S = 30.0
LOGIN_RETRY_S = 20.0
"""A right password can be refused for a second or so while the security index appears (real-elasticsearch.md §0.7)."""


class Walker:
    """One process' walk through a run-book."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.peers = Peers(context)
        self.login: TemporaryLogin | None = None
        self.verdict: Verdict | None = None
        self._evidence: list[Evidence] = []

    # walking

    def walk(self, *, only_next: bool = False) -> bool:
        """Does the steps that are left, in order; True once all are done.

        Raises WaitingError where a person has to act, and the step's own error where it failed; both leave the
        run where it can be taken up again.
        """
        for step in self.context.plan.steps:
            if self._state(step) in (StepState.DONE, StepState.SKIPPED):
                continue
            if self.context.stop.is_set():
                raise WaitingError("paused before the next step", hint="estui runbook resume")
            self._do(step)
            if only_next:
                break
        return all(self._state(step) in (StepState.DONE, StepState.SKIPPED) for step in self.context.plan.steps)

    def _state(self, step: Step) -> StepState:
        records = [record for record in self.context.journal.find("step") if record.text("step") == step.id]
        return StepState(records[-1].text("state")) if records else StepState.WAITING

    def _do(self, step: Step) -> None:
        self._evidence = []
        self._record(step, StepState.RUNNING)
        try:
            self._handler(step)(step)
        except WaitingError as error:
            self._record(step, StepState.WAITING, error.summary)
            raise
        except EstuiError as error:
            self._record(step, StepState.FAILED, str(error))
            raise
        self._record(step, StepState.DONE)

    def _record(self, step: Step, state: StepState, detail: str = "") -> None:
        self.context.journal.write(
            "step", step=step.id, state=state, targets=step.targets, evidence=self._evidence, detail=detail
        )
        self.context.emit(StepChanged(step, state, detail))

    def _see(self, step: Step, target: str, text: str, *, ok: bool = True) -> None:
        self._evidence.append(self.context.evidence(step.id, target, text, ok=ok))

    def _handler(self, step: Step) -> Callable[[Step], None]:
        return {
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
        }[step.kind]

    # credentials

    def _superuser(self) -> Credentials | None:
        """Whoever may call the cluster now: the temporary superuser, the operator's, or `elastic`."""
        if self.login and self.login.credentials:
            return self.login.credentials
        if self.context.credentials:
            return Basic(*self.context.credentials)
        first = next((change for change in self.context.plan.changes if isinstance(change, FirstLogin)), None)
        opened = any(
            step.kind is StepKind.FIRST_LOGIN and self._state(step) is StepState.DONE for step in self._steps()
        )
        removed = any(
            step.kind is StepKind.REMOVE_LOGIN and self._state(step) is StepState.DONE for step in self._steps()
        )
        if first and opened and not removed:
            # a process that resumes has no password in memory: a new temporary user takes over
            return self._open_login("first-login")
        return self.peers.basic("elastic")

    def _steps(self) -> tuple[Step, ...]:
        return self.context.plan.steps

    def _open_login(self, step: str) -> Basic:
        first = next(change for change in self.context.plan.changes if isinstance(change, FirstLogin))
        self.login = TemporaryLogin(self.context, self.peers, first.target)
        return self.login.open(step)

    def _speaker(self) -> str:
        """The node that cluster-wide calls go to: where the temporary superuser lives, else the first."""
        return self.login.target if self.login else self.peers.nodes[0]

    def _client(self, target: str) -> Client:
        credentials = self._superuser() if is_secured(self.peers.read_node(target)) else None
        return self.peers.client(target, credentials)

    # steps

    def _prepare(self, step: Step) -> None:
        if self.context.journal.has("materialised"):
            self._see(step, "workspace", "made before")
            return
        Preparer(self.context).prepare()
        self._see(step, "workspace", "certificates and files are ready beside the old ones")

    def _allocation_off(self, step: Step) -> None:
        target = self._answering(step.targets)
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

    def _answering(self, targets: tuple[str, ...]) -> str | None:
        for target in targets:
            address = self.peers.addresses(target).get(Layer.HTTP.value)
            if address and not is_refused(address, PROBE_TIMEOUT_S):
                return target
        return None

    def _allocation_on(self, step: Step) -> None:
        with self._client(self._speaker()) as client:
            cluster.set_allocation(client, None)
        self._see(step, "cluster", "replica allocation is back to its default")

    def _stop(self, step: Step) -> None:
        for target in step.targets:
            if not self._all_refused(target) and self._may_run(target, "stop"):
                services.run_command(self.context, target, self.peers.commands(target).stop)
        waiting = [target for target in step.targets if not self._wait_refused(target)]
        if waiting:
            raise self._asks("stop", waiting, "until every port is refused")
        for target in step.targets:
            ports = ", ".join(str(address.port) for address in self.peers.addresses(target).values())
            self._see(step, target, f"port {ports} refused: stopped")

    def _all_refused(self, target: str) -> bool:
        return all(is_refused(address, PROBE_TIMEOUT_S) for address in self.peers.addresses(target).values())

    def _wait_refused(self, target: str) -> bool:
        timeout = self.context.options.stop_timeout_s if self._may_run(target, "stop") else self.context.options.wait_s
        return wait_until(lambda: self._all_refused(target), timeout, self.context.stop.is_set)

    def _may_run(self, target: str, action: str) -> bool:
        return self.context.options.run_commands and bool(getattr(self.peers.commands(target), action))

    def _asks(self, action: str, targets: list[str], until: str) -> WaitingError:
        """What a person has to do now, in the words that they type."""
        return WaitingError(
            f"waits for you to {action} {', '.join(targets)}, and watches {until}",
            reasons=tuple(services.words(self.peers.commands(target), action, target) for target in targets),
            hint="do it, then: estui runbook resume --wait 600   (--restart runs the inventory's own commands)",
        )

    def _commit(self, step: Step) -> None:
        stage = next((stage for stage in self.context.plan.stages if stage.id == step.stage), None)
        if stage and stage.restart is Restart.FULL and not self.context.options.write_now:
            running = [target for target in step.targets if not self._all_refused(target)]
            if running:
                raise ApplyError(
                    f"{', '.join(running)} came back before the files were switched",
                    hint="stop them again, then: estui runbook resume",
                )
        commit(self.context, step.stage, step.targets, step.id)
        self._see(step, ", ".join(step.targets), "every file as planned")

    def _start(self, step: Step) -> None:
        asked = [target for target in step.targets if self._any_refused(target)]
        for target in asked:
            if self._may_run(target, "start"):
                services.run_command(self.context, target, self.peers.commands(target).start)
        self._wait_served(step)

    def _any_refused(self, target: str) -> bool:
        address = self._gate_address(target)
        return is_refused(address, PROBE_TIMEOUT_S)

    def _gate_address(self, target: str) -> Address:
        addresses = self.peers.addresses(target)
        return addresses.get(Layer.TRANSPORT.value) or next(iter(addresses.values()))

    def _wait_served(self, step: Step) -> None:
        """Gate of a start: every transport port open, with TLS the materialised leaf; Kibana's status available."""
        end = time.monotonic() + self.context.options.start_timeout_s
        waiting: list[str] = []
        for target in step.targets:
            told = self._may_run(target, "start") or self._may_run(target, "restart")
            limit = max(0.0, end - time.monotonic()) if told else self.context.options.wait_s
            problem = self._await(lambda target=target: self._served_as_planned(step, target), limit)  # type: ignore[misc]
            if problem and told:
                raise ApplyError(
                    f"{target} did not come up as planned: {problem}",
                    hint="look at its log, then: estui runbook resume",
                )
            if problem:
                waiting.append(target)
        if waiting:
            raise self._asks("start", waiting, "until each serves what was planned")

    def _await(self, check: Callable[[], str], timeout_s: float) -> str:
        """Calls `check` until it returns evidence without an error; the last error in words, empty when it held."""
        problem = ""

        def holds() -> bool:
            nonlocal problem
            try:
                check()
            except EstuiError as error:
                problem = error.summary
                return False
            problem = ""
            return True

        wait_until(holds, timeout_s, self.context.stop.is_set)
        return problem

    def _served_as_planned(self, step: Step, target: str) -> str:
        text = self._node_served(target) if self.peers.is_node(target) else self._kibana_served(target)
        self._see(step, target, text)
        return text

    def _node_served(self, target: str) -> str:
        node = self.peers.read_node(target)
        address = node.transport_address
        if address is None:
            raise ProbeError("its transport address cannot be told")
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        if not has_tls(node, Layer.TRANSPORT):
            if served.state is not PortState.PLAIN:
                raise ProbeError(f"transport port {address} is {served.state.value}")
            return f"transport port {address} is open, plain as configured"
        check_served(served, node.disk.get(Layer.TRANSPORT, OnDisk()).trusted, now=self.context.now(), host=None)
        self._check_planned(target, Layer.TRANSPORT, served.leaf.sha256 if served.leaf else "")
        return f"transport serves {describe(served)}: as planned"

    def _check_planned(self, target: str, layer: Layer, sha256: str) -> None:
        planned = self.planned_leaf(target, layer.value)
        if planned and planned.sha256 != sha256:
            raise ProbeError(f"{layer.value} does not serve the planned leaf (serial {planned.serial[:8]}…)")

    def planned_leaf(self, target: str, set_name: str) -> LeafRecord | None:
        """The leaf that this run materialised for a target's set."""
        if self.context.journal.has("undoes"):
            return None
        for record in self.context.journal.find("prepare"):
            leaves = record.fields.get("leaves")
            for each in leaves if isinstance(leaves, list) else []:
                leaf = decode(LeafRecord, each, self.context.journal.path)
                if (leaf.target, leaf.set_name) == (target, set_name):
                    return leaf
        return None

    def _kibana_served(self, target: str) -> str:
        kibana = self.peers.read_kibana(target)
        if kibana.address is None:
            raise ProbeError("its address cannot be told")
        tls = None
        if kibana.setting("server.ssl.enabled") == "true":
            tls = Tls(Verifier(self.context, self.peers, None)._kibana_trust(kibana))
        with Client(kibana.address, tls, None, PROBE_TIMEOUT_S) as client:
            level = kibana_status(client)
        if level not in KIBANA_UP:
            raise ProbeError(f"status is {level}")
        return f"status {level} at {kibana.address}"

    def _restart(self, step: Step) -> None:
        for target in step.targets:
            commands = self.peers.commands(target)
            if self._node_has_new_settings(target):
                pass  # a restart that an earlier walk, or a person, has done already
            elif self._may_run(target, "restart"):
                services.run_command(self.context, target, commands.restart)
            elif self._may_run(target, "stop") and commands.start:
                services.run_command(self.context, target, commands.stop)
                services.run_command(self.context, target, commands.start)
        end = self.context.options.start_timeout_s if self.context.options.run_commands else self.context.options.wait_s
        for target in step.targets:
            problem = self._await(lambda target=target: self._http_as_planned(step, target), end)  # type: ignore[misc]
            if problem and self.context.options.run_commands:
                raise ApplyError(f"{target} did not come up as planned: {problem}", hint="look at its log, then resume")
            if problem:
                raise self._asks("restart", [target], "until it serves what was planned")

    def _node_has_new_settings(self, target: str) -> bool:
        try:
            self._http_served(target)
        except EstuiError:
            return False
        return True

    def _http_as_planned(self, step: Step, target: str) -> str:
        text = self._http_served(target)
        self._see(step, target, text)
        return text

    def _http_served(self, target: str) -> str:
        node = self.peers.read_node(target)
        address = node.http_address
        if address is None:
            raise ProbeError("its HTTP address cannot be told")
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        if not has_tls(node, Layer.HTTP):
            if served.state is not PortState.PLAIN:
                raise ProbeError(f"HTTP port {address} is {served.state.value}")
            return f"HTTP port {address} is open, plain as configured"
        check_served(served, self.peers.http_trust(node), now=self.context.now(), host=address.host)
        self._check_planned(target, Layer.HTTP, served.leaf.sha256 if served.leaf else "")
        return f"http serves {describe(served)}: as planned"

    def _first_login(self, step: Step) -> None:
        target = step.targets[0]
        if not is_secured(self.peers.read_node(target)):
            raise ApplyError(f"security of {target} is off", hint="estui rollback, then plan again")
        self._await_http(step, target)
        self._open_login(step.id)
        self._see(step, target, "the temporary superuser is let in")

    def _await_http(self, step: Step, target: str) -> None:
        """HTTP opens late on a node without a quorum, so it is awaited only once all have been started."""
        node = self.peers.read_node(target)
        limit = seconds(node.setting("discovery.initial_state_timeout"), DISCOVERY_TIMEOUT_S) + HTTP_MARGIN_S
        problem = self._await(lambda: self._http_as_planned(step, target), max(limit, self.context.options.wait_s))
        if problem:
            raise ApplyError(f"{target}: {problem}", hint="look at its log, then: estui runbook resume")

    def _cluster(self, step: Step) -> None:
        wanted = self.context.plan.expect_nodes or len(self.peers.nodes)

        def joined() -> str:
            with self._client(self._speaker()) as client:
                health = es_api.health(client)
            if health.nodes != wanted:
                raise ProbeError(f"{health.nodes} of {wanted} nodes joined")
            if health.status not in ("green", "yellow"):
                raise ProbeError(f"health is {health.status}")
            self._see(step, "cluster", f"{health.nodes} nodes, {health.status}")
            return health.status

        problem = self._await(joined, max(self.context.options.start_timeout_s, self.context.options.wait_s))
        if problem:
            raise ApplyError(f"the cluster is not whole: {problem}", hint="look at the nodes' logs, then resume")

    def _passwords(self, step: Step) -> None:
        change = next(change for change in self.context.plan.changes if isinstance(change, FirstLogin))
        superuser = self._superuser()
        for user in change.users:
            password = self.context.passwords.get(user)
            if password is None:
                raise ApplyError(
                    f"the new password of {user} is not at hand", hint="give --passphrase-file, or --passwords-file"
                )
            with self.peers.client(change.target, superuser) as client:
                cluster.set_password(client, user, password)
            self._await_login(user, change.target)
            self._see(step, change.target, f"{user} logs in with its new password")
        self.context.workspace.audit("passwords set", users=list(change.users), run=self.context.run)

    def _await_login(self, user: str, target: str) -> None:
        def logs_in() -> str:
            with self.peers.client(target, self.peers.basic(user)) as client:
                name = es_api.authenticate(client)
            if name != user:
                raise ProbeError("it is refused (401)")
            return user

        problem = self._await(logs_in, LOGIN_RETRY_S)
        if problem:
            raise ApplyError(f"{user} does not get in at {target}: {problem}", hint="estui runbook resume")

    def _remove_login(self, step: Step) -> None:
        if self.login is None:
            self.login = TemporaryLogin(self.context, self.peers, step.targets[0])
        gone = self.login.remove_lines()
        self.login.prove_gone(step.id)
        if self.login.leftovers():
            raise ApplyError("a temporary superuser is still in the files", hint="estui runbook resume")
        self._see(step, step.targets[0], "its line is gone" if gone else "no temporary superuser is left")

    def _verify(self, step: Step) -> None:
        self.verdict = Verifier(self.context, self.peers, self._superuser()).verify()
        self._evidence = [
            Evidence(self.verdict.at, proof.target, f"{proof.claim}: {proof.evidence}", proof.ok)
            for proof in self.verdict.proofs
        ]
        if not self.verdict.ok:
            raise VerificationError(
                f"{len(self.verdict.failed)} of {len(self.verdict.proofs)} proofs failed",
                reasons=tuple(f"{proof.target}: {proof.claim}: {proof.evidence}" for proof in self.verdict.failed),
                hint="mend what is listed, then: estui verify",
            )
