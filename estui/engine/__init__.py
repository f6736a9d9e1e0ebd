"""The verbs that both front ends call, on one opened workspace. No rule of the domain lives here.

Everything that takes long takes an `emit` for events and can be called from any thread; whatever changes
something holds the workspace's lock while it does.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from estui.act import lock, services
from estui.act import passphrase as passphrases
from estui.act.commit import undo_prepared
from estui.act.consent import was_agreed
from estui.act.context import Context, Emit, Options
from estui.act.fs import Fs, RealFs
from estui.act.inventory import settle_inventory
from estui.act.items import Digests
from estui.act.journal import RUNS, Clock, Journal, utc_now
from estui.act.left import with_workspace
from estui.act.login import TemporaryLogin
from estui.act.passwords import users_only
from estui.act.peers import Peers
from estui.act.pins import compare_pins
from estui.act.preflight import refuse_unwritable
from estui.act.recover import finish_commit
from estui.act.rollback import close_undone, committed, drop_unswitched, is_untouched, prepare_undo, rollback_plan
from estui.act.runbook import Walker
from estui.act.runs import (
    begin_run,
    in_effect,
    read_plan,
    read_run,
    read_runs,
    refuse_before_join,
    unfinished,
)
from estui.act.verify import Verifier
from estui.act.workspace import WORKSPACE_JSON, Workspace, new_run_id
from estui.decide import plan as planning
from estui.decide.diff import Review, build_review
from estui.decide.findings.registry import all_findings
from estui.decide.rotation import rotation_goal
from estui.decide.runbook import start_order
from estui.decide.rung import cluster_rung, with_rungs
from estui.engine.access import Access, read_secret_file
from estui.engine.report import write_report
from estui.errors import ApplyError, EstuiError, PlanError, StalePlanError, UsageError, WaitingError
from estui.model.finding import Finding
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Inventory
from estui.model.observed import AuthorityFacts, Observed, Rung
from estui.model.plan import FirstLogin, Plan
from estui.model.preview import ScenarioPreview
from estui.model.run import Event, RunPhase, RunState, Verdict
from estui.observe import workspace as workspace_reader
from estui.observe.cluster import Told, client_factory, mute, observe
from estui.observe.http import Basic
from estui.secret import Secret


def silent(event: Event) -> None:
    """For callers that want no events."""


@dataclass
class Engine:
    """One workspace, opened. Cheap to make; reads what it needs when it is asked."""

    path: str
    fs: Fs = field(default_factory=RealFs)
    clock: Clock = utc_now
    access: Access = field(default_factory=Access)
    passphrase: Secret | None = None
    """Known to this process; the front ends ask for it when `needs_passphrase` says so."""
    expect_nodes: int | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    """Set to pause a walk before its next step."""

    def __post_init__(self) -> None:
        self.workspace = Workspace(self.path, self.fs, self.clock)

    # reading

    def inventory(self) -> Inventory:
        """`estui.yaml`. Raises UsageError (none, or writable by others), SettingsError (broken)."""
        return workspace_reader.read_inventory(Path(self.path))

    def authorities(self) -> tuple[AuthorityFacts, ...]:
        return workspace_reader.read_authorities(Path(self.path))

    def _digest_key(self) -> bytes:
        """Key of keystore digests: the workspace's, or one of this process only where there is none yet."""
        if self.fs.read(self.path, WORKSPACE_JSON).exists:
            return self.workspace.identity().digest_key
        return self._passing_key

    _passing_key = secrets.token_bytes(32)

    def _access(self) -> Access:
        """What the operator gave, else the files that the inventory names, else the stored `elastic` password."""
        return self.access.with_files(self.inventory(), self.path).with_stored(self._stored())

    def _stored(self) -> dict[str, Secret]:
        return self.workspace.secrets(self.passphrase) if self.passphrase is not None else {}

    def credentials(self) -> tuple[str, Secret] | None:
        """User and password for the cluster: given, named by the inventory, or stored and unlocked."""
        return self._access().pair

    def observe(
        self, *, network: bool = True, timeout_s: float = 3.0, inventory: Inventory | None = None, told: Told = mute
    ) -> Observed:
        """The whole cluster as it is now, with every node's rung; of another inventory where one is given."""
        access = self._access()
        login = Basic(*access.pair) if access.pair else None
        observed = observe(
            inventory or self.inventory(),
            self.authorities(),
            digest_key=self._digest_key(),
            keystore_password=access.keystore_password,
            client_for=client_factory(login, over_plain=access.over_plain, client_certificate=access.client),
            network=network,
            timeout_s=timeout_s,
            told=told,
        )
        return with_rungs(with_workspace(observed, self.fs, self.path, self.clock))

    def plan(self, observed: Observed, goal: Goal) -> Plan:
        """The plan for a goal. Raises PlanError with every reason against it."""
        if self.expect_nodes and not goal.expect_nodes:
            goal = replace(goal, expect_nodes=self.expect_nodes)
        return planning.build_plan(observed, goal, workspace=self.workspace_id(), now=self.clock())

    def workspace_id(self) -> str:
        return self.workspace.identity().id

    def previews(self, observed: Observed) -> tuple[ScenarioPreview, ...]:
        """Every rung of the ladder and what choosing it would mean."""
        here = cluster_rung(observed)
        previews = []
        for scenario in Scenario:
            try:
                plan: Plan | None = self.plan(observed, Goal(scenario))
                refusals: tuple[str, ...] = ()
            except PlanError as error:
                plan, refusals = None, error.reasons
            except EstuiError as error:
                plan, refusals = None, (str(error),)
            previews.append(ScenarioPreview(scenario, here is Rung(scenario.value), refusals, plan))
        return tuple(previews)

    def review(self, plan: Plan, observed: Observed, *, fold: bool = True) -> Review:
        """What a plan would change, line by line."""
        return build_review(plan, observed, fold=fold)

    def runs(self) -> tuple[RunState, ...]:
        """All runs of the workspace, oldest first."""
        return read_runs(self.fs, self.path)

    def run(self, run: str) -> RunState:
        """One run. UsageError where there is none of that id."""
        if run not in self.fs.names(self.path, RUNS):
            raise UsageError(f"there is no run {run}", hint="estui history")
        return read_run(self.fs, self.path, run, self.clock)

    def run_plan(self, run: str) -> Plan:
        plan = read_plan(self.fs, self.path, run)
        if plan is None:
            raise UsageError(f"run {run} has no plan", hint="estui recover --undo")
        return plan

    def unfinished(self) -> RunState | None:
        """The run that has to be finished or undone first, if there is one."""
        return unfinished(self.fs, self.path)

    def last_done(self) -> RunState | None:
        """The newest run that ended well and was not undone since."""
        return next((run for run in reversed(in_effect(self.runs())) if run.kind == "apply"), None)

    # secrets

    @property
    def needs_new_passphrase(self) -> bool:
        """Whether a passphrase that is given now is a new one, to be asked for twice."""
        return self.workspace.needs_new_passphrase

    def unlock(self, passphrase: Secret) -> None:
        """Keeps the passphrase for this process. StoreError where it does not open what is there; LockedError where
        it is being changed."""
        passphrases.unlock(self.workspace, passphrase)
        self.passphrase = passphrase

    def needs_passphrase(self, plan: Plan) -> bool:
        """Whether materialising this plan needs the passphrase."""
        return planning.needs_passphrase(plan, self.access.passwords, sealed=self.workspace.has_secrets())

    def passwords(self) -> dict[str, Secret]:
        """Stored passwords of built-in users. UsageError without the passphrase."""
        if self.passphrase is None:
            raise UsageError("the workspace passphrase is needed", hint="--passphrase-file FILE")
        return users_only(self._stored())

    def unconfirmed_commands(self) -> tuple[tuple[str, ...], ...]:
        """Commands of the inventory that nobody has confirmed yet."""
        return services.unconfirmed(self.inventory(), self.workspace.identity().confirmed)

    def confirm_commands(self) -> None:
        """Remembers that the commands of the inventory, as they are now, were shown and confirmed."""
        digests = tuple(services.command_digest(command) for command in self.inventory().commands())
        self.workspace.confirm_commands(digests)

    # changing

    def _context(self, plan: Plan, journal: Journal, emit: Emit, options: Options) -> Context:
        access, stored = self._access(), self._stored()
        logs_in = not any(isinstance(change, FirstLogin) for change in plan.changes)
        return Context(
            fs=self.fs,
            workspace=self.workspace,
            inventory=self.inventory(),
            plan=plan,
            journal=journal,
            digests=Digests(self._digest_key(), access.keystore_password, access.further_keystore_passwords(stored)),
            emit=emit,
            options=options,
            passphrase=self.passphrase,
            passwords={**users_only(stored), **access.passwords},
            credentials=access.pair if logs_in else self.access.pair,
            keystore_password=access.keystore_password,
            stop=self.stop,
            given={**access.passwords},
            typed=access.typed,
            values=access.values,
            new_keystore_password=access.new_keystore_password,
            client=self.access.client,
            plain_http=access.over_plain or was_agreed(journal),
        )

    def refuse_unfinished(self) -> None:
        run = self.unfinished()
        if run is not None:
            raise WaitingError(
                f"run {run.id} is unfinished ({run.phase.value})",
                hint="estui runbook show; then estui runbook resume, estui rollback, or estui recover",
            )

    def _check_plan(self, plan: Plan) -> None:
        identity = self.workspace.identity()
        if plan.workspace != identity.id:
            raise StalePlanError("the plan was made for another workspace", hint="plan again here")
        if plan.is_empty:
            raise UsageError("the plan is empty: nothing to do")

    def apply(self, plan: Plan, emit: Emit = silent, options: Options | None = None) -> RunState:
        """Materialises a reviewed plan and walks its run-book as far as it can.

        Raises WaitingError where a person has to act next, StalePlanError where files moved since the review
        (nothing is written then), VerificationError, and the failing step's own error.
        """
        options = options or Options()
        with self._changing("apply"):
            self.refuse_unfinished()
            self._check_plan(plan)
            self._require_confirmed(options)
            if self.needs_passphrase(plan) and self.passphrase is None:
                raise UsageError("the workspace passphrase is needed", hint="--passphrase-file FILE")
            context = self._begin(plan, "apply", emit, options)
            self._prepare(context, lambda: None)
            return self._walk(context)

    def _require_confirmed(self, options: Options) -> None:
        if options.run_commands:
            services.require_confirmed(self.inventory(), self.workspace.identity().confirmed)

    @contextlib.contextmanager
    def _changing(self, what: str) -> Iterator[None]:
        with lock.workspace_lock(self.path, what):
            yield

    def _begin(self, plan: Plan, kind: str, emit: Emit, options: Options, undone: Context | None = None) -> Context:
        run = new_run_id(self.clock())
        context = self._context(plan, Journal(self.fs, self.path, run, self.clock), emit, options)
        Peers(context).refuse_plain(undone)
        refuse_unwritable(context, committed(undone.journal) if undone else ())
        if undone is None:
            compare_pins(context)
        begin_run(context, kind, undone.run if undone else "")
        self.workspace.audit(f"{kind} begun", run=run)
        return context

    def _prepare(self, context: Context, prepare: Callable[[], None]) -> None:
        """Takes the nodes and runs the first step; whatever fails here is undone at once."""
        try:
            lock.take_nodes(context)
            prepare()
            walker = Walker(context)
            walker.walk(only_next=True)
        except EstuiError as error:
            self._take_back(context, error)
            raise

    def _take_back(self, context: Context, error: EstuiError) -> None:
        """Removes what a failed preparation wrote. ApplyError telling both failures where that fails as well."""
        try:
            undo_prepared(context)
            self._end(context, RunPhase.ROLLED_BACK, f"nothing was switched: {error}")
        except EstuiError as second:
            raise ApplyError(
                "nothing was switched, but what was written beside the old files could not be taken back",
                reasons=(str(error), str(second)),
                hint="mend what is listed, then: estui recover --undo",
            ) from error

    def _walk(self, context: Context, *, only_next: bool = False) -> RunState:
        walker = Walker(context)
        if walker.walk(only_next=only_next):
            self._end(context, RunPhase.DONE)
        return read_run(self.fs, self.path, context.run, self.clock)

    def _end(self, context: Context, phase: RunPhase, detail: str = "") -> None:
        undone = self._undone_by(context)
        # who owns the nodes next: the run that was to be undone, or, once that was an undo itself and is taken
        # back, the one that it was to undo
        heir = self._undone_by(undone) if undone and phase is RunPhase.DONE else undone
        if undone and phase is RunPhase.DONE:
            drop_unswitched(undone)
        settle_inventory(context, phase)
        lock.release_nodes(context, heir.run if heir else "")
        context.journal.write("ended", phase=phase, detail=detail)
        if undone and phase is RunPhase.DONE:
            close_undone(undone, context.run)
            write_report(self, undone.run)
        kind = read_run(self.fs, self.path, context.run, self.clock).kind
        self.workspace.audit(f"{kind} {phase.value}", run=context.run)
        write_report(self, context.run)

    def _undone_by(self, context: Context) -> Context | None:
        """The unfinished run that a rollback takes back."""
        begin = next(iter(context.journal.find("begin")), None)
        undoes = begin.text("undoes") if begin else ""
        return self.open_run(undoes, silent, Options()) if undoes and self.run(undoes).unfinished else None

    def open_run(self, run: str, emit: Emit, options: Options) -> Context:
        return self._context(self.run_plan(run), Journal(self.fs, self.path, run, self.clock), emit, options)

    def resume(self, emit: Emit = silent, options: Options | None = None, *, only_next: bool = False) -> RunState:
        """Goes on with the waiting run. UsageError where none waits; WaitingError where it was cut short."""
        options = options or Options()
        with self._changing("runbook"):
            run = self.unfinished()
            if run is None:
                raise UsageError("no run is waiting", hint="estui history")
            if run.phase is not RunPhase.WAITING:
                raise WaitingError(f"run {run.id} was cut short", hint="estui recover --complete, or --undo")
            self._require_confirmed(options)
            context = self.open_run(run.id, emit, options)
            lock.require_nodes(context)
            self._drop_login(context)
            return self._walk(context, only_next=only_next)

    def rollback(
        self,
        run: str | None = None,
        emit: Emit = silent,
        options: Options | None = None,
        force: Sequence[str] = (),
    ) -> RunState:
        """Undoes a run: the unfinished one, the one named, or the last one that ended well."""
        options = options or Options()
        with self._changing("rollback"):
            return self._undo(self._to_undo(run), emit, options, force)

    def _undo(self, state: RunState, emit: Emit, options: Options, force: Sequence[str] = ()) -> RunState:
        self._require_confirmed(options)
        old = self.open_run(state.id, emit, options)
        if state.phase is RunPhase.WAITING and state.next is None:
            # cut short after its last step: it ends before anything else, and an undo has nothing more to take back
            self._end(old, RunPhase.DONE)
            state = self.run(state.id)
            if state.kind == "rollback":
                return state
        if is_untouched(old):
            self._drop_login(old)
            undo_prepared(old)
            self._end(old, RunPhase.ROLLED_BACK, "nothing had been switched")
            return self.run(state.id)
        plan = self._plan_back(old)
        if state.unfinished:
            lock.require_nodes(old)
        context = self._begin(plan, "rollback", emit, options, undone=old)

        def prepare() -> None:
            self._drop_login(old)
            prepare_undo(context, old.journal, force)

        self._prepare(context, prepare)
        return self._walk(context)

    def _plan_back(self, old: Context) -> Plan:
        order = start_order(self.observe(network=False), old.plan.places)
        return rollback_plan(old.plan, old.journal, order)

    def _drop_login(self, context: Context) -> None:
        for change in context.plan.changes:
            if isinstance(change, FirstLogin):
                TemporaryLogin(context, Peers(context), change.target).remove_lines()

    def _to_undo(self, run: str | None) -> RunState:
        waiting = self.unfinished()
        if waiting is not None and run in (None, waiting.id):
            if waiting.phase is RunPhase.INTERRUPTED:
                raise WaitingError(f"run {waiting.id} was cut short", hint="estui recover --complete, or --undo")
            return waiting
        self.refuse_unfinished()
        state = self.run(run) if run else self.last_done()
        if state is None:
            raise UsageError("there is no run to undo", hint="estui history")
        if state.undoes and state.phase is RunPhase.DONE and self.run(state.undoes).phase is not RunPhase.DONE:
            raise UsageError(
                f"run {state.id} took back run {state.undoes}, which was never finished", hint="plan and apply again"
            )
        if run and state.phase is RunPhase.DONE and state.id not in {each.id for each in in_effect(self.runs())}:
            raise UsageError(f"run {state.id} was undone since", hint="estui history")
        folders = {node.config for node in self.inventory().nodes}
        refuse_before_join(self.fs, self.path, state, folders)
        return state

    def rollback_preview(self, run: str | None = None) -> Plan:
        """The steps that undoing a run would take."""
        return self._plan_back(self.open_run(self._to_undo(run).id, silent, Options()))

    def recover(
        self, *, complete: bool, emit: Emit = silent, options: Options | None = None, force: Sequence[str] = ()
    ) -> RunState:
        """Finishes or undoes the act in which a run was cut short; `force` names files that may be overwritten.

        UsageError where no run is unfinished, or where the act cannot be completed (not everything was ready).
        """
        options = options or Options()
        with self._changing("recover"):
            run = self.unfinished()
            if run is None:
                raise UsageError("no run was cut short", hint="estui history")
            context = self.open_run(run.id, emit, options)
            if run.phase is RunPhase.PREPARING:
                if complete:
                    raise UsageError("not everything was ready, so it can only be undone", hint="estui recover --undo")
                undo_prepared(context)
                self._end(context, RunPhase.ROLLED_BACK, "undone after an interruption")
                return self.run(run.id)
            if not complete:
                return self._undo(run, emit, options, force)
            lock.require_nodes(context)
            self._drop_login(context)
            finish_commit(context)
            return self.run(run.id)

    def verify(self, emit: Emit = silent, only: Sequence[str] = ()) -> Verdict:
        """All proofs again, or those of some targets; changes nothing."""
        last = self.last_done()
        plan = self.run_plan(last.id) if last else self._empty_plan()
        journal = Journal(self.fs, self.path, last.id if last else "none", self.clock)
        # who belongs to the cluster, and under which name, is the inventory's word of today
        plan = replace(plan, places=(), expect_nodes=self.inventory().expect_nodes or 0)
        context = self._context(plan, journal, emit, Options())
        pair = self._access().pair
        return Verifier(context, Peers(context), Basic(*pair) if pair else None, only).verify()

    def findings(self, observed: Observed) -> tuple[Finding, ...]:
        """What every rule finds, the worst first."""
        return all_findings(observed, self.clock())

    def _empty_plan(self) -> Plan:
        inventory = self.inventory()
        return Plan("", inventory.cluster, "", Goal(Scenario.BASIC), expect_nodes=inventory.expect_nodes or 0)


def open_engine(option: str | None, **given: object) -> Engine:
    """The engine for the workspace that the option, the environment or the folder names."""
    return Engine(str(workspace_reader.find_workspace(option)), **given)  # type: ignore[arg-type]


__all__ = [
    "Access",
    "ApplyError",
    "Engine",
    "Options",
    "ScenarioPreview",
    "open_engine",
    "read_secret_file",
    "rotation_goal",
    "silent",
]
