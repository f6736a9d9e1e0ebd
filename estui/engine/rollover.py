"""The rollover of a CA on an opened workspace: where it stands, its next phase, its checklist, and the way back.

Which phases are done is told by the runs in effect, so that undoing a run steps back; the checklist is kept beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509

from estui.act import lock
from estui.act.checklist import merged, read_checklist, with_ticks, without_ticks, write_checklist
from estui.act.journal import Journal, stamp
from estui.act.rollback import committed
from estui.act.runs import in_effect
from estui.act.workspace import login_name, new_run_id
from estui.decide import rollover as rules
from estui.decide.admission import bundle_reasons, is_root, keyless_name_reason
from estui.decide.rotation import standing_goal
from estui.engine import Engine
from estui.engine.ca import Offered, admitted, import_authority, read_file
from estui.engine.clients import ask, unasked
from estui.errors import CertificateError, EstuiError, Location, PlanError, UsageError
from estui.formats.bundle import load_bundle
from estui.model.goal import Goal, Phase, Rollover
from estui.model.inventory import Layer
from estui.model.observed import AuthorityFacts, Observed
from estui.model.plan import Plan
from estui.model.rollover import Client, DonePhase, RolloverState, RunToUndo
from estui.observe.clients import http_clients, remote_clusters
from estui.pki.facts import certificate_facts

BUNDLE_HINT = "give the root of that CA, with the CAs below it that sign leaves where there are some"
OTHERS = {
    Layer.HTTP.value: "whoever talks to the HTTP layer only now and then (backups, monitoring, scripts, load "
    "balancers) trusts the new CA",
    Layer.TRANSPORT.value: "whoever connects to the transport layer besides the nodes (other clusters that search or "
    "replicate from this one) trusts the new CA",
}
"""Entries for those whom no list of connections can show."""
GUIDED = (
    Client("guide logstash", "Logstash, if there is any, trusts the new CA: estui client guide logstash"),
    Client("guide fleet", "Fleet and Elastic Agents, if there are any, trust the new CA: estui client guide fleet"),
    Client("guide search", "files of clients elsewhere mean the old CA no more: estui client search DIR"),
)
"""Entries for those who may be away just now, with what tells them what to change."""


def current(engine: Engine) -> RolloverState | None:
    """The rollover that the last run of that kind belongs to, whether it is at its end or not."""
    done: dict[str, list[DonePhase]] = {}
    goals: dict[str, Rollover] = {}
    for run in in_effect(engine.runs()):
        goal = engine.run_plan(run.id).goal.rollover if run.kind == "apply" else None
        if goal:
            done.setdefault(goal.id, []).append(DonePhase(goal.phase, run.id))
            goals[goal.id] = goal
    if not goals:
        return None
    last = list(goals)[-1]
    return RolloverState(goals[last], tuple(done[last]), read_checklist(engine.workspace, last))


def opened(engine: Engine) -> RolloverState:
    """The rollover that is under way. UsageError where there is none."""
    state = current(engine)
    if state is None or not state.open:
        raise UsageError("no rollover is under way", hint="estui ca rollover start NAME")
    return state


def start_goal(engine: Engine, observed: Observed, names: Sequence[str], *, leaked: bool = False, to: str = "") -> Goal:
    """The first phase of a new rollover: to the CA `to` of the workspace, else to a new one.

    Raises PlanError: it cannot begin; UsageError: another one is under way.
    """
    chosen = _startable(engine, observed, names, to)
    goal = Rollover(new_run_id(engine.clock()), Phase.TRUST, rules.successors(observed, chosen, to), leaked)
    return _with_changes(engine, observed, replace(standing_goal(observed), rollover=goal))


def _startable(engine: Engine, observed: Observed, names: Sequence[str], to: str = "") -> tuple[str, ...]:
    """The CAs that are to go, each once. Raises as `start_goal`."""
    state = current(engine)
    if state is not None and state.open:
        raise UsageError(
            f"the rollover to {_successors(state.goal)} is under way", hint="estui ca rollover next, or abort"
        )
    chosen = tuple(dict.fromkeys(names))
    reasons = rules.start_refusals(observed, chosen, to, now=engine.clock())
    if reasons:
        raise PlanError("no rollover", reasons=tuple(reasons), hint="estui ca list names the CAs of the workspace")
    return chosen


def next_goal(engine: Engine, observed: Observed) -> Goal:
    """The phase that follows. UsageError where no rollover is under way."""
    state = opened(engine)
    phase = state.next_phase
    if phase is None:
        raise UsageError("the rollover is at its end", hint="estui ca rollover status")
    return _with_changes(engine, observed, replace(standing_goal(observed), rollover=replace(state.goal, phase=phase)))


def _with_changes(engine: Engine, observed: Observed, goal: Goal) -> Goal:
    """The goal's phase, or the first one after it that has something to change: what it would do may be there already,
    as after `estui csr apply`. What it waits for counts for those after it as well."""
    rollover = goal.rollover
    if rollover is None:
        return goal
    later = rollover.phases[rollover.phases.index(rollover.phase) :]
    goals = [replace(goal, rollover=replace(rollover, phase=phase)) for phase in later]
    return next((each for each in goals if rules.stages(observed, each, engine.clock())), goal)


def bring_in(
    engine: Engine, observed: Observed, names: Sequence[str], to: str, path: Path, *, keep: bool = True
) -> tuple[Observed, tuple[str, ...]]:
    """Takes the root in a file of certificates into the workspace as the CA `to`, without its key, for a rollover of
    the CAs `names`; the observation with it, and what should be known about it. Nobody trusts it by that. Without
    `keep` it is only looked at: the workspace stays as it is.

    The CAs between it and the leaves may stand in the file, and have to lead up to it; they come with the leaves.
    Raises CertificateError: no root, or several, or certificates that do not belong to it, or another CA has the name;
    UsageError: this CA has another name here, or the name is one of estui's own; and what `start_goal` raises.
    """
    _startable(engine, observed, names)
    if reason := keyless_name_reason(to):
        raise UsageError(reason, hint="--to corporate")
    root, twin = _root_in(engine, to, path)
    if twin == to:
        return observed, ()
    offered = Offered(str(path), root)
    if keep:
        notes = import_authority(engine, to, offered)[1]
        return replace(observed, authorities=engine.authorities()), notes
    notes = admitted(engine, to, offered)
    new = AuthorityFacts(to, certificate_facts(root), has_key=False)
    return replace(observed, authorities=(*observed.authorities, new)), notes


def _root_in(engine: Engine, name: str, path: Path) -> tuple[x509.Certificate, str]:
    """The root in a file, and the name by which the workspace has it already; empty where it has not."""
    found = load_bundle(read_file(path), str(path))
    known = [certificate_facts(each) for each in found]
    reasons = bundle_reasons(known)
    if reasons:
        raise CertificateError(
            f"CA {name} was not brought in", reasons=tuple(reasons), location=Location(str(path)), hint=BUNDLE_HINT
        )
    root = next(each for each, facts in zip(found, known, strict=True) if is_root(facts))
    key = certificate_facts(root).key_sha256
    twin = next((each.name for each in engine.authorities() if each.certificate.key_sha256 == key), "")
    if twin not in ("", name):
        raise UsageError(f"the workspace has this CA already, as {twin}", hint=f"--to {twin}")
    return root, twin


def plan_phase(engine: Engine, observed: Observed, goal: Goal) -> Plan:
    """The plan of a phase. PlanError names everything that lacks evidence or a tick."""
    state = current(engine)
    mine = state if state and goal.rollover and state.goal.id == goal.rollover.id else None
    return engine.plan(replace(observed, rollover=mine), goal)


@dataclass(frozen=True)
class RolloverReport:
    """Where a rollover stands, and what keeps its next phase waiting."""

    state: RolloverState
    waits_for: tuple[str, ...]
    way_back: tuple[RunToUndo, ...] = ()
    """Runs that an undo of all of it would undo, in this order; none once it is at its end."""


def report(engine: Engine, observed: Observed) -> RolloverReport | None:
    """The rollover with what its next phase waits for; None where there never was one."""
    state = current(engine)
    if state is None:
        return None
    if not state.open:
        return RolloverReport(state, ())
    back = way_back(engine)
    try:
        plan_phase(engine, observed, next_goal(engine, observed))
    except PlanError as error:
        return RolloverReport(state, error.reasons, back)
    return RolloverReport(state, (), back)


# the checklist


def look_for_clients(engine: Engine, observed: Observed) -> RolloverState:
    """Asks the nodes who connects, and adds whoever is new to the checklist."""
    state = opened(engine)
    with lock.workspace_lock(engine.path, "ca rollover"):
        clients = merged(state.clients, _seen(engine, observed, state.goal))
        if clients != state.clients:
            write_checklist(engine.workspace, state.goal.id, clients)
    return opened(engine)


def _seen(engine: Engine, observed: Observed, goal: Rollover) -> tuple[Client, ...]:
    sets = rules.layers_in_scope(observed, goal)
    found = [Client(f"others {name}", text) for name, text in OTHERS.items() if name in sets]
    found += GUIDED if Layer.HTTP.value in sets else ()
    try:
        if Layer.HTTP.value in sets:
            found += ask(engine, observed, http_clients)
        if Layer.TRANSPORT.value in sets:
            found += ask(engine, observed, remote_clusters)
    except EstuiError as error:
        return (*found, unasked(error))
    return tuple(found)


def tick(engine: Engine, ids: Sequence[str], *, undo: bool = False) -> RolloverState:
    """Says that these clients are looked after; with `undo` takes that back. UsageError: no such entry."""
    state = opened(engine)
    unknown = [each for each in ids if each not in {client.id for client in state.clients}]
    if unknown:
        raise UsageError(f"the checklist has no {unknown[0]!r}", hint="estui ca rollover status lists them")
    by = f"{login_name()} at {stamp(engine.clock())}"
    with lock.workspace_lock(engine.path, "ca rollover"):
        changed = (without_ticks if undo else with_ticks)(state.clients, ids, by)
        write_checklist(engine.workspace, state.goal.id, changed)
        what = "ticks taken back" if undo else "clients ticked"
        engine.workspace.audit(what, rollover=state.goal.id, clients=list(ids))
    return opened(engine)


# the way back


def runs_to_undo(engine: Engine) -> tuple[str, ...]:
    """Runs whose undoing, in this order, brings the cluster back to where it was before the rollover: its phases, and
    what put other leaves into the same places since.

    UsageError: there is no rollover, or it is at its end and other runs came after it.
    """
    state = current(engine)
    if state is None:
        raise UsageError("there was no rollover yet", hint="estui ca rollover start NAME")
    phases, runs = {each.run for each in state.done}, engine.runs()
    if not state.open and runs[-1].id not in phases:
        raise UsageError(
            f"the rollover to {_successors(state.goal)} is at its end, and run {runs[-1].id} came after it",
            hint="estui rollback RUN undoes one run, the last one first: estui history",
        )
    since = [run for run in in_effect(runs) if run.kind == "apply" and run.id >= state.done[0].run]
    places = {place for run in phases for place in _switched(engine, run)}
    proof = {each.run for each in state.done if each.phase is Phase.PROOF}
    undone = [run.id for run in since if run.id in phases or _is_of_leaves(engine, run.id, places)]
    return tuple(run for run in reversed(undone) if run not in proof)


def way_back(engine: Engine) -> tuple[RunToUndo, ...]:
    """The same runs with what each of them switched. Raises as `runs_to_undo`."""
    found = []
    for run in runs_to_undo(engine):
        places = _switched(engine, run)
        targets = tuple(sorted({target for target, _ in places}))
        found.append(RunToUndo(run, engine.run_plan(run).goal.label, targets, len(places)))
    return tuple(found)


def _is_of_leaves(engine: Engine, run: str, places: set[tuple[str, str]]) -> bool:
    """Whether a run put new leaves where the rollover put its own, so that nothing can be brought back below it."""
    goal = engine.run_plan(run).goal
    return bool(goal.rotation or goal.external) and not places.isdisjoint(_switched(engine, run))


def _switched(engine: Engine, run: str) -> set[tuple[str, str]]:
    """Target and path of every name that a run switched."""
    found = committed(Journal(engine.fs, engine.path, run, engine.clock))
    return {(each.item.target, each.item.path) for each in found}


def _successors(goal: Rollover) -> str:
    return ", ".join(new for _, new in goal.successors)
