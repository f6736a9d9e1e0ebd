"""What each kind of step does, and the gate that lets it close. Walking through them is `runbook.py`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial

from estui.act import cluster, credentials, grants, passwords
from estui.act.allocation import Allocation
from estui.act.commit import commit
from estui.act.context import Context
from estui.act.items import NODE_KEYSTORE
from estui.act.journal import Journal
from estui.act.leaves import LEAVES, note_leaves
from estui.act.login import TemporaryLogin
from estui.act.peers import Peers, seconds
from estui.act.prepare import Preparer
from estui.act.reload import Reload
from estui.act.restarts import Restarts
from estui.act.verify import Verifier
from estui.act.watching import Watching
from estui.decide.beats_steps import grants_of
from estui.decide.join_steps import is_leaving
from estui.decide.rung import is_secured
from estui.errors import ApplyError, EstuiError, ProbeError, VerificationError
from estui.model.inventory import Layer
from estui.model.plan import FirstLogin, GrantLogin, Restart, Stage
from estui.model.run import Evidence, Step, StepKind, StepState, Verdict
from estui.observe import es_api
from estui.observe.http import Basic, Client, Credentials

DISCOVERY_TIMEOUT_S = 30.0
"""`discovery.initial_state_timeout`: until then a node without a quorum does not open HTTP."""
HTTP_MARGIN_S = 30.0
KIBANA_RETRY_S = 30.0
"""A Kibana looks for its cluster every few seconds."""
LOGIN_RETRY_S = 20.0
"""A right password can be refused for a second or so while the security index appears (real-elasticsearch.md §0.7)."""

StateOf = Callable[[StepKind], StepState]


class Steps:
    """The steps of one run, for one process."""

    def __init__(self, context: Context, state_of: StateOf) -> None:
        self.context = context
        self.peers = Peers(context)
        self.watching = Watching(context, self.peers)
        self.gates = self.watching.gates
        self.restarts = Restarts(context, self.peers, self.watching, self._client, self._speaker)
        self.allocation = Allocation(context, self.watching, self._client, self._wanted)
        self.state_of = state_of
        """State of the run's step of a kind; waiting where the run has none."""
        self.login: TemporaryLogin | None = None
        self.verdict: Verdict | None = None

    @property
    def evidence(self) -> list[Evidence]:
        """What was seen in the step in hand."""
        return self.watching.evidence

    def do(self, step: Step) -> None:
        """Does one step. Raises WaitingError where a person has to act, another EstuiError where it failed."""
        self.watching.begin(step)
        {
            StepKind.PREPARE: self._prepare,
            StepKind.ALLOCATION_OFF: self._allocation_off,
            StepKind.STOP: self.restarts.stop,
            StepKind.COMMIT: self._commit,
            StepKind.UNDO: self._commit,
            StepKind.START: self.restarts.start,
            StepKind.RESTART: self.restarts.restart,
            StepKind.FIRST_LOGIN: self._first_login,
            StepKind.CLUSTER: self._cluster,
            StepKind.ALLOCATION_ON: self._allocation_on,
            StepKind.PASSWORDS: self._passwords,
            StepKind.REMOVE_LOGIN: self._remove_login,
            StepKind.RELOAD: self._reload,
            StepKind.GRANT: self._grant,
            StepKind.TOKENS: self._take_tokens_back,
            StepKind.VERIFY: self._verify,
        }[step.kind](step)

    def leave(self) -> None:
        """The end of a walk: a temporary superuser whose password nobody will know any more goes with it. Where its
        lines cannot be removed, whoever takes the run up again does."""
        if self.login is not None and self.login.credentials is not None:
            with contextlib.suppress(EstuiError):
                self.login.remove_lines()

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
        login = self.superuser() if is_secured(self.peers.read_node(target)) else None
        return self.peers.client(target, login)

    def _speaker(self) -> str:
        """The node that cluster-wide calls go to: where the temporary superuser lives, else the first."""
        members = [target for target in self.peers.nodes if target not in self.context.plan.goal.joins]
        return self.login.target if self.login else members[0]

    # files and cluster

    def _prepare(self, step: Step) -> None:
        made = self.context.journal.has("materialised")
        if not self.context.journal.has(LEAVES):
            note_leaves(self.context, self.peers, "before")
        if not made:
            Preparer(self.context).prepare()
        if self.restarts.proven_by_start(self.context.plan.stages):
            self.restarts.note_started()
        self.watching.see(
            step, "workspace", "made before" if made else "certificates and files are ready beside the old ones"
        )

    def _allocation_off(self, step: Step) -> None:
        self.allocation.off(step)

    def _allocation_on(self, step: Step) -> None:
        self.allocation.on(step, self._speaker())

    def _wanted(self) -> int:
        return self.context.plan.expect_nodes or len(self.peers.nodes)

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
        # a fix changes nothing that is served, and may be what a node needs to come up at all
        reloaded = restart not in (Restart.FULL, Restart.ROLLING, Restart.JOIN) and not self.context.plan.goal.fix
        wait, told = partial(self.watching.gate, step), partial(self.watching.why, step)
        reload = Reload(self.context, self.peers, self.gates, wait, self._client, told)
        if reloaded and not self.context.journal.has("undoes"):
            reload.await_up(step.targets)
        if restart is Restart.ROLLING and any(map(self.peers.is_node, step.targets)):
            self.restarts.note_started(step.id)
        commit(self.context, step.stage, step.targets, step.id)
        self.watching.see(step, ", ".join(step.targets), "every file as planned")
        if reloaded:  # an undo is one stage, with Kibana's restart where the run had one
            reload.await_loaded(step.targets, step.id)
            self.watching.see_loaded(step)

    def _runs(self, target: str) -> bool:
        return not self.gates.all_refused(target)

    # logins

    def _first_login(self, step: Step) -> None:
        target = step.targets[0]
        node = self.peers.read_node(target)
        if not is_secured(node):
            raise ApplyError(f"security of {target} is off", hint="estui rollback, then plan again")
        self.restarts.start_stopped(step)  # one that ended after its transport port was seen
        # HTTP opens late on a node without a quorum, so it is awaited only once all have been started
        limit = seconds(node.setting("discovery.initial_state_timeout"), DISCOVERY_TIMEOUT_S) + HTTP_MARGIN_S
        limit = max(limit, self.context.options.wait_s)
        problem = self.watching.gate(step, target, lambda each: self.gates.node_layer(each, Layer.HTTP), limit)
        if problem:
            raise self._not_up(step, target, problem)
        self._open_login(step.id)
        self.watching.see(step, target, "the temporary superuser is let in")

    def _cluster(self, step: Step) -> None:
        wanted = self._wanted()
        self.restarts.start_stopped(step)

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

        limit = max(self.context.inventory.limits.start_seconds, self.context.options.wait_s)
        problem = self.watching.gate(step, "cluster", joined, limit)
        if problem:
            told = tuple(each for node in self.peers.nodes for each in self.watching.why(step, node))
            hint = "look at the nodes' logs, then: estui runbook resume"
            raise ApplyError(f"the cluster is not whole: {problem}", reasons=told, hint=hint)
        for target in step.targets:  # a node opens HTTP once it has joined
            if target in self.context.plan.goal.joins:
                problem = self.watching.gate(step, target, partial(self.gates.node_layer, layer=Layer.HTTP), limit)
                if problem:
                    raise self._not_up(step, target, problem)

    def _not_up(self, step: Step, target: str, problem: str) -> ApplyError:
        told = self.watching.why(step, target)
        return ApplyError(f"{target}: {problem}", reasons=told, hint="look at its log, then: estui runbook resume")

    def _check_joined(self, names: set[str]) -> None:
        """Raises ProbeError where a node that joins is not there, or one that leaves still is."""
        plan = self.context.plan
        for target in plan.goal.joins:
            if (target in names) is is_leaving(plan):
                raise ProbeError(f"{target} is still a member" if is_leaving(plan) else f"{target} is no member")

    def _passwords(self, step: Step) -> None:
        if self.context.plan.goal.passwords:
            self._new_passwords(step)
            return
        change = self._first()
        superuser = self.superuser()
        for user in change.users if change else ():
            password = self.context.passwords.get(user)
            if password is None:
                hint = "give --passphrase-file FILE, or --passwords-file FILE"
                raise ApplyError(f"the new password of {user} is not at hand", hint=hint)
            target = step.targets[0]
            with self.peers.client(target, superuser) as client:
                cluster.set_password(client, user, password)
            problem = self.watching.gate(step, target, partial(self._logs_in, user), LOGIN_RETRY_S)
            if problem:
                raise ApplyError(f"{user} does not get in at {target}: {problem}", hint="estui runbook resume")
        self.context.workspace.audit("passwords set", users=list(change.users if change else ()), run=self.context.run)

    def _grant(self, step: Step) -> None:
        """Users of clients, with the roles that they need, through the node where somebody may make them."""
        target = step.targets[0]
        for grant in grants.merged(grants_of(self.context.plan)):
            password = self.context.passwords.get(grant.user)
            if password is None:
                hint = "give --passphrase-file FILE, or --passwords-file FILE"
                raise ApplyError(f"the password of {grant.user} is not at hand", hint=hint)
            with self._client(target) as client:
                grants.give(self.context, client, grant, password)
            problem = self.watching.gate(step, target, partial(self._granted, grant), LOGIN_RETRY_S)
            if problem:
                raise ApplyError(f"{grant.user} does not get in at {target}: {problem}", hint="estui runbook resume")
            self.context.workspace.audit("user made", user=grant.user, run=self.context.run)

    def _granted(self, grant: GrantLogin, target: str) -> str:
        with self.peers.client(target, self.peers.basic(grant.user)) as client:
            return grants.proven(client, grant)

    def _take_tokens_back(self, step: Step) -> None:
        """The tokens, API keys and users that the run which is undone made, once nobody uses them any more."""
        begin = next(iter(self.context.journal.find("begin")), None)
        undone = Journal(self.context.fs, self.context.workspace.path, begin.text("undoes") if begin else "")
        for kind in credentials.KINDS:
            for words in credentials.take_back(self.context, undone, self._client, kind):
                self.watching.see(step, step.targets[0], words)
        if undone.has(grants.MADE):
            with self._client(step.targets[0]) as client:
                for name in grants.take_back(self.context, undone, client):
                    self.watching.see(step, step.targets[0], f"{name} is deleted")

    def _new_passwords(self, step: Step) -> None:
        """Built-in users that have a password get another one; in an undo, the one before."""
        target = step.targets[0]
        task = passwords.PasswordChange(self.context, self.peers, target)
        task.catch_up()
        for user, value in task.wanted():
            if value is None:
                self.watching.see(step, target, f"the password of {user} stays: the one before is not known")
                continue
            task.set_one(user, value, self.superuser())
            problem = self.watching.gate(step, target, partial(self._logs_in, user), LOGIN_RETRY_S)
            if problem:
                raise ApplyError(f"{user} does not get in at {target}: {problem}", hint="estui rollback")
        task.note()

    def _reload(self, step: Step) -> None:
        """Running nodes read their secure settings again, each for itself, and say what they think of them."""
        for target in step.targets:
            state = self.context.fs.read(self.context.plan.place(target).root, NODE_KEYSTORE)
            with self._client(target) as client:
                cluster.reload_secure_settings(client, self.context.keystore_password_of(state.content))
            self.watching.see(step, target, "has read its secure settings again, without a complaint")

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
        self.watching.see(step, step.targets[0], "its line is gone" if gone else "no temporary superuser is left")

    # proof

    def _await_kibana(self) -> None:
        """A Kibana that went on running needs a moment to see that a node is back; its proof is the verifier's."""
        if self.context.plan.restart is Restart.ROLLING:
            for target in self.peers.kibana:
                self.gates.wait(partial(self.gates.kibana, target), KIBANA_RETRY_S)

    def _verify(self, step: Step) -> None:
        note_leaves(self.context, self.peers, "after")
        if self.context.plan.goal.passwords:
            self.verdict = passwords.prove(self.context, self.peers, self.gates)
        else:
            self._await_kibana()
            self.verdict = Verifier(self.context, self.peers, self.superuser()).verify()
        self.watching.evidence = [
            Evidence(self.verdict.at, proof.target, f"{proof.claim}: {proof.evidence}", proof.ok)
            for proof in self.verdict.proofs
        ]
        if not self.verdict.ok:
            raise VerificationError(
                f"{len(self.verdict.failed)} of {len(self.verdict.proofs)} proofs failed",
                reasons=tuple(f"{proof.target}: {proof.claim}: {proof.evidence}" for proof in self.verdict.failed),
                hint="mend what is listed, then: estui runbook resume, or estui verify",
            )
