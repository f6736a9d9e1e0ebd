"""Plan to run-book: the steps, in the only order that works, made before anything is done.

Source: elastic-stack-security.md §3.1 (full-cluster restart), §3.2 (rolling restart).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from estui.decide.beats_steps import (
    beat_stage,
    beat_steps,
    grant_steps,
    grants_of,
    is_beat,
    restart_steps,
    strangers,
    undo_steps,
)
from estui.decide.join_steps import is_leaving, is_running, join_steps, leave_steps, rejoin_steps
from estui.decide.password_steps import password_change, password_steps_back
from estui.decide.rung import SECURITY
from estui.decide.secure_steps import secure_steps
from estui.decide.selection import group_of
from estui.model.observed import Observed, ObservedNode
from estui.model.plan import (
    FirstLogin,
    GrantLogin,
    IssueKey,
    IssueToken,
    Manual,
    Place,
    Plan,
    PublishSet,
    Restart,
    SetSetting,
    Stage,
    WorkspaceChange,
)
from estui.model.run import Step, StepKind, StepRecord, StepState

CLUSTER_GATE = "all nodes joined, health not red"
ACKNOWLEDGED, AS_PLANNED, AS_BEFORE = "acknowledged", "every file as planned", "every file as before"
_CLIENT_RESTARTS = (Restart.KIBANA, Restart.BEAT)
PROOF_STAGE = "proof"
"""A stage without changes: every node restarts once, and its start time proves it."""


def is_master_eligible(node: ObservedNode) -> bool:
    """Whether the node can be elected: `node.roles` absent, or holding `master`.

    Source: elastic-stack-security.md §9.5; before 7.9 `node.master: false`.
    """
    roles = node.settings.get("node.roles")
    if roles is not None:
        return "master" in roles.items
    return node.setting("node.master") != "false"


def start_order(observed: Observed, places: tuple[Place, ...] = ()) -> tuple[str, ...]:
    """Master-eligible nodes first, each group by name: without a quorum of them nobody opens HTTP.

    A node that was renamed since a plan was made keeps the name that the plan's `places` know its folder by.
    """
    known = {place.root: place.target for place in places}
    nodes = sorted(observed.nodes, key=lambda node: (not is_master_eligible(node), node.target))
    return tuple(known.get(node.entry.config, node.target) for node in nodes)


def turns(observed: Observed, nodes: tuple[str, ...]) -> tuple[str, ...]:
    """The nodes in the order of a rolling restart: by the groups of the inventory, each group as it was."""
    groups = observed.inventory.groups
    place = {node.target: group_of(node.entry.tags, groups) for node in observed.nodes}
    return tuple(sorted(nodes, key=lambda target: place.get(target, len(groups))))


def with_steps(plan: Plan, observed: Observed) -> Plan:
    """The plan with its steps filled in; an empty plan has none."""
    if plan.is_empty:
        return plan
    return replace(plan, steps=tuple(_steps(plan, observed)))


def _steps(plan: Plan, observed: Observed) -> list[Step]:
    nodes = start_order(observed)
    if plan.goal.joins:
        running = tuple(node.target for node in observed.nodes if node.target in plan.goal.joins and is_running(node))
        return join_steps(plan, plan.stages[0].id, nodes, running)
    kibana = tuple(each.target for each in observed.kibana)
    login = next((change for change in plan.changes if isinstance(change, FirstLogin)), None)
    steps = [Step("prepare", StepKind.PREPARE, "make certificates and files beside the old ones", gate="all on disk")]
    node_stage = next((stage for stage in plan.stages if stage.restart not in _CLIENT_RESTARTS), None)
    kibana_stage = next((stage for stage in plan.stages if stage.restart is Restart.KIBANA), None)
    if node_stage:
        rolls = node_stage.restart is not Restart.FULL
        steps += _node_steps(node_stage, turns(observed, nodes) if rolls else nodes, kibana)
    stopped = node_stage is not None and node_stage.restart is Restart.FULL
    steps += _login_steps(login)
    if node_stage and node_stage.restart is Restart.FULL:
        steps += _cluster_steps(nodes)
    if login:
        steps += _password_steps(login, grant_steps(plan, login))
    if kibana_stage or (stopped and kibana):
        changed = _changed(kibana_stage, kibana) if kibana_stage else ()
        steps += _kibana_steps(kibana_stage, kibana if stopped else changed, changed, stopped=stopped)
    beats = tuple(each.target for each in observed.beats)
    last_stage = beat_stage(plan)
    if last_stage:
        steps += beat_steps(last_stage, _changed(last_stage, beats))
    steps.append(_verify(nodes + kibana + (_changed(last_stage, beats) if last_stage else ())))
    return steps


def _verify(targets: tuple[str, ...]) -> Step:
    title = "fresh handshakes and requests for every layer"
    return Step("verify", StepKind.VERIFY, title, targets, gate="all proofs hold")


def _primaries_only(nodes: tuple[str, ...]) -> Step:
    title = "allocation to primaries only, flush"
    return Step("allocation-off", StepKind.ALLOCATION_OFF, title, nodes, gate=ACKNOWLEDGED)


def _node_steps(stage: Stage, nodes: tuple[str, ...], kibana: tuple[str, ...]) -> list[Step]:
    if stage.restart is Restart.FULL:
        return _full_restart(stage, nodes, kibana)
    if stage.id == PROOF_STAGE:
        gate = "it was started anew"
        return [step for node in nodes for step in _one_by_one(node, nodes, None, gate, stage.id)]
    changed = _changed(stage, nodes)
    if not changed:
        return []
    if stage.restart is Restart.NONE:
        return [Step("commit", StepKind.COMMIT, "switch the files", changed, stage.id, "the planned leaf is served")]
    steps = []
    issued = {change.target for change in stage.changes if isinstance(change, PublishSet) and change.request}
    for node in changed:
        gate = "the planned leaf is served" if node in issued else "it answers as planned"
        commit = Step(f"commit {node}", StepKind.COMMIT, "switch the files", (node,), stage.id, AS_PLANNED)
        steps += _one_by_one(node, nodes, commit, gate)
    return steps


def _changed(stage: Stage, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `targets` that have files in a stage, in their order."""
    with_files = {
        change.target
        for change in stage.changes
        if not isinstance(change, WorkspaceChange | FirstLogin | GrantLogin | IssueToken | IssueKey | Manual)
    }
    return tuple(target for target in targets if target in with_files)


def _one_by_one(node: str, nodes: tuple[str, ...], change: Step | None, gate: str, stage: str = "") -> list[Step]:
    """One node's turn in a rolling restart; the cluster is whole again before the next."""
    return [
        Step(f"allocation-off {node}", StepKind.ALLOCATION_OFF, "no replica allocation", (node,), gate=ACKNOWLEDGED),
        *([change] if change else []),
        Step(f"restart {node}", StepKind.RESTART, f"restart {node}", (node,), stage, gate),
        Step(f"cluster {node}", StepKind.CLUSTER, "wait for the cluster", nodes, gate=CLUSTER_GATE),
        Step(f"allocation-on {node}", StepKind.ALLOCATION_ON, "allocation back on", (node,), gate=ACKNOWLEDGED),
    ]


def _full_restart(stage: Stage, nodes: tuple[str, ...], kibana: tuple[str, ...]) -> list[Step]:
    issued = any(isinstance(change, PublishSet) for change in stage.changes)
    steps = [_primaries_only(nodes)]
    if kibana:
        steps.append(Step("stop kibana", StepKind.STOP, "stop Kibana", kibana, gate="its port is refused"))
    steps += [
        Step("stop", StepKind.STOP, "stop all nodes", nodes, gate="every port is refused"),
        Step("commit", StepKind.COMMIT, "switch the files of all nodes", nodes, stage.id, AS_PLANNED),
        Step(
            "start",
            StepKind.START,
            "start all nodes",
            nodes,
            gate="every transport port is open" + (" and serves the planned leaf" if issued else ""),
        ),
    ]
    return steps


def _login_steps(login: FirstLogin | None) -> list[Step]:
    if login is None:
        return []
    return [
        Step(
            "first-login",
            StepKind.FIRST_LOGIN,
            f"temporary superuser on {login.target}",
            (login.target,),
            gate="the node lets it in",
        )
    ]


def _cluster_steps(nodes: tuple[str, ...]) -> list[Step]:
    return [
        Step("cluster", StepKind.CLUSTER, "wait for the cluster", nodes, gate=CLUSTER_GATE),
        Step("allocation-on", StepKind.ALLOCATION_ON, "allocation back on", nodes, gate=ACKNOWLEDGED),
    ]


def _password_steps(login: FirstLogin, grants: list[Step]) -> list[Step]:
    words = f"set the passwords of {', '.join(login.users)}"
    passwords = Step("passwords", StepKind.PASSWORDS, words, (login.target,), gate="each user gets in")
    return [
        *([passwords] if login.users else []),
        *grants,
        Step(
            "remove-login",
            StepKind.REMOVE_LOGIN,
            "remove the temporary superuser",
            (login.target,),
            gate="it is refused for four poll intervals",
        ),
    ]


def _kibana_steps(
    stage: Stage | None, kibana: tuple[str, ...], changed: tuple[str, ...], *, stopped: bool
) -> list[Step]:
    """`kibana` are the instances that are down meanwhile, `changed` those that get new files."""
    steps = []
    if stage and not stopped:
        steps.append(Step("stop kibana", StepKind.STOP, "stop Kibana", kibana, gate="its port is refused"))
    if stage:
        steps.append(Step("commit kibana", StepKind.COMMIT, "switch Kibana's files", changed, stage.id, AS_PLANNED))
    steps.append(Step("start kibana", StepKind.START, "start Kibana", kibana, gate="its status is available"))
    return steps


UNDO_STAGE = "undo"


def rollback_steps(
    plan: Plan, committed: tuple[str, ...], order: tuple[str, ...], *, taken_down: bool = False
) -> tuple[Step, ...]:
    """Steps that bring the committed targets of a run back, by a restart of the same kind.

    `order` is the start order of all nodes. Nodes that are down already are not started first. `taken_down` says that
    a run which committed nothing has begun to take the cluster down.
    """
    if plan.goal.joins:
        steps_back = rejoin_steps if is_leaving(plan) else leave_steps
        return tuple(steps_back(plan, order, UNDO_STAGE))
    if plan.goal.passwords:
        change = password_change(plan)
        return password_steps_back(plan, committed, change.users if change else (), order, UNDO_STAGE)
    nodes = tuple(target for target in order if target in committed)
    beats, outside = tuple(filter(is_beat, committed)), strangers(plan)
    kibana = tuple(target for target in committed if target not in order and not is_beat(target))
    node_restart = next((stage.restart for stage in plan.stages if stage.restart not in _CLIENT_RESTARTS), Restart.NONE)
    full = node_restart is Restart.FULL and bool(nodes)
    clients = tuple(place.target for place in plan.places if place.target not in order)
    all_kibana = tuple(target for target in clients if not is_beat(target))
    steps = [Step("prepare", StepKind.PREPARE, "make the old files ready", gate="all on disk")]
    if taken_down and not committed:
        steps += _back_up(plan.restart, order, all_kibana)
    elif full:
        stopped_kibana = all_kibana or kibana
        steps += [*_full_rollback(order, stopped_kibana, nodes + kibana + beats), *restart_steps(beats, UNDO_STAGE)]
    else:
        steps += [*_rolling_rollback(node_restart, nodes, order, kibana), *undo_steps(beats, UNDO_STAGE, outside)]
    steps += _tokens_back(plan)
    steps.append(_verify(order + tuple(target for target in clients if target not in outside)))
    return secure_steps(plan, steps, nodes)


def _tokens_back(plan: Plan) -> list[Step]:
    """Tokens, API keys and users that a run made are deleted, once nobody logs in with them any more. Where the undo
    switches security off, nobody asks for users."""
    nodes = [each.node for each in plan.changes if isinstance(each, IssueToken | IssueKey)]
    begins = any(isinstance(each, SetSetting) and each.key == SECURITY for each in plan.changes)
    if grants_of(plan) and not begins:
        nodes += [each.target for each in plan.changes if isinstance(each, FirstLogin)]
    if not nodes:
        return []
    title = "take back the logins that were made"
    targets = tuple(dict.fromkeys(nodes))
    return [Step("tokens", StepKind.TOKENS, title, targets, gate="the API says that they are gone")]


def _back_up(restart: Restart, order: tuple[str, ...], kibana: tuple[str, ...]) -> list[Step]:
    """After a run that switched nothing: what it had stopped is started, and allocation is not left off."""
    steps = []
    if restart in (Restart.FULL, Restart.ROLLING):
        start = Step("start", StepKind.START, "start what was stopped", order, gate="every transport port is open")
        steps += [start, *_cluster_steps(order)]
    if kibana:
        steps.append(Step("start kibana", StepKind.START, "start Kibana", kibana, gate="its status is available"))
    return steps


_TAKES_DOWN = (StepKind.ALLOCATION_OFF, StepKind.STOP)


def takes_down(records: Iterable[StepRecord]) -> bool:
    """Whether a run has begun to take something down: allocation may be off, and services may be stopped."""
    steps = [record for record in records if record.step.kind in _TAKES_DOWN]
    return any(record.state is not StepState.WAITING or record.detail for record in steps)


def leaves_allocation_off(records: Iterable[StepRecord]) -> bool:
    """Whether replica allocation may be off after these steps: the last one begun that has to do with it turns it off,
    or failed to turn it on."""
    off = False
    for record in records:
        if record.step.kind is StepKind.ALLOCATION_OFF and record.state is not StepState.WAITING:
            off = True
        if record.step.kind is StepKind.ALLOCATION_ON and record.state is StepState.DONE:
            off = False
    return off


def _full_rollback(order: tuple[str, ...], kibana: tuple[str, ...], committed: tuple[str, ...]) -> list[Step]:
    steps = [_primaries_only(order)]
    if kibana:
        steps.append(Step("stop kibana", StepKind.STOP, "stop Kibana", kibana, gate="its port is refused"))
    steps += [
        Step("stop", StepKind.STOP, "stop all nodes", order, gate="every port is refused"),
        Step("undo", StepKind.UNDO, "bring the old files back", committed, UNDO_STAGE, AS_BEFORE),
        Step("start", StepKind.START, "start all nodes", order, gate="every transport port is open"),
        *_cluster_steps(order),
    ]
    if kibana:
        steps.append(Step("start kibana", StepKind.START, "start Kibana", kibana, gate="its status is available"))
    return steps


def _rolling_rollback(
    restart: Restart, nodes: tuple[str, ...], order: tuple[str, ...], kibana: tuple[str, ...]
) -> list[Step]:
    steps = []
    # the last one first: where a node did not come back with its new files, it is that one, and nobody else may go
    # down before it is there again
    for node in reversed(nodes):
        gate = AS_BEFORE if restart is Restart.ROLLING else "what was there before is served"
        undo = Step(f"undo {node}", StepKind.UNDO, "bring the old files back", (node,), UNDO_STAGE, gate)
        steps += _one_by_one(node, order, undo, "it answers as before") if restart is Restart.ROLLING else [undo]
    if kibana:
        steps += [
            Step("stop kibana", StepKind.STOP, "stop Kibana", kibana, gate="its port is refused"),
            Step("undo kibana", StepKind.UNDO, "bring Kibana's old files back", kibana, UNDO_STAGE, AS_BEFORE),
            Step("start kibana", StepKind.START, "start Kibana", kibana, gate="its status is available"),
        ]
    return steps
