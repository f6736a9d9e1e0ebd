"""Observed cluster and goal to plan: stages, pins, places and steps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from estui.decide import (
    beats,
    compare,
    connected,
    external,
    fixed,
    joining,
    kibana,
    kibana_wishes,
    lifetimes,
    mutual,
    rollover,
    rotation,
    runbook,
    scenarios,
    selection,
    trust_check,
)
from estui.decide.authorities import authority_title as authority_title
from estui.decide.layers import NODE_KEYSTORE, NODE_YML
from estui.decide.places import pins_of, places_of
from estui.decide.rung import ANONYMOUS_ROLES, SECURITY, has_tls, ssl_key
from estui.decide.switching import reloads
from estui.errors import PlanError
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.plan import (
    AuthorityRequest,
    Change,
    CreateAuthority,
    FirstLogin,
    GrantLogin,
    IssueClient,
    Plan,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    Restart,
    SetKeystorePassword,
    SetPasswords,
    SetSecureSetting,
    SetSetting,
    Stage,
    WorkspaceChange,
)

SECURE_STAGE = "nodes"
KIBANA_STAGE = "kibana"
BEATS_STAGE = "beats"
SETGID = 0o2000
Thing = ObservedNode | ObservedKibana | ObservedBeat


def all_refusals(observed: Observed, goal: Goal) -> list[str]:
    """Every reason against a plan for this goal."""
    reasons = compare.refusals(observed, goal)
    if reasons:
        return reasons
    reasons = scenarios.refusals(observed, goal) + kibana.refusals(observed, goal)
    return reasons + kibana_wishes.refusals(observed, goal) + beats.refusals(observed, goal)


def rollover_refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Every reason against a phase of a rollover. Everyone in the cluster has to be seen: a stranger would be cut
    off."""
    return compare.refusals(observed, goal) or rollover.phase_refusals(observed, goal, now)


def rotation_refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Every reason against new leaves. Who belongs to the cluster does not matter: each node is on its own."""
    return _first_refusals(observed) or rotation.refusals(observed, goal, now)


def _first_refusals(observed: Observed) -> list[str]:
    return compare.folder_refusals(observed) + compare.name_refusals(observed) + compare.swapped_mounts(observed)


def build_plan(observed: Observed, goal: Goal, *, workspace: str, now: datetime) -> Plan:
    """The plan that brings the observed cluster to the goal; empty where it is there already.

    Raises PlanError with every reason where no sound plan exists.
    """
    goal = selection.with_targets(observed, goal)
    reasons = _refusals(observed, goal, now)
    if reasons:
        raise PlanError(
            f"no plan for {goal.label}",
            reasons=tuple(reasons),
            hint="estui ca rollover status" if goal.rollover else "mend what is listed, then plan again",
        )
    stages = _stages_of(observed, goal, now)
    _require_settable(observed, goal, stages)
    _require_signers(observed, stages, now)
    _require_trust(observed, goal, stages)
    plan = Plan(
        workspace=workspace,
        cluster=observed.inventory.cluster,
        cluster_uuid=observed.cluster_uuid,
        goal=goal,
        stages=stages,
        pins=pins_of(observed, stages),
        places=places_of(observed, stages),
        notes=(
            *_notes_of(observed, goal, stages, now),
            *(connected.notes(observed, goal) if stages else ()),
            *trust_check.interim_notes(observed, stages),
            *lifetimes.notes((change for stage in stages for change in stage.changes), observed, now),
            *(external.due_notes(observed, now) if stages and not goal.external else ()),
        ),
        expect_nodes=(not goal.joins and compare.stated_nodes(observed, goal)) or len(observed.nodes),
        folder=observed.inventory.folder,
    )
    return runbook.with_steps(plan, observed)


def needs_passphrase(plan: Plan, given: Collection[str] = (), *, sealed: bool = False) -> bool:
    """Whether carrying it out takes the workspace passphrase: to sign, to store passwords, or to ask a node whether it
    trusts a CA where a rollover leaves its leaf as it is.

    Users in `given` have passwords that are kept elsewhere. `sealed`: passwords are stored, so that a new one has to
    be stored too.
    """
    users = {user for each in plan.changes if isinstance(each, FirstLogin | SetPasswords) for user in each.users}
    users |= {each.user for each in plan.changes if isinstance(each, GrantLogin)}
    if users and ((sealed and plan.goal.passwords) or not users <= set(given)):
        return True
    return any(
        isinstance(change, WorkspaceChange)
        or (isinstance(change, SetKeystorePassword) and change.protects)
        or (isinstance(change, PublishSet) and (change.request is not None or plan.goal.rollover is not None))
        for change in plan.changes
    )


def _refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    if goal.joins:
        return joining.refusals(observed, goal, now)
    if goal.rollover:
        return rollover_refusals(observed, goal, now)
    if goal.external:
        return _first_refusals(observed) or external.refusals(observed, goal, now)
    if goal.rotation:
        return rotation_refusals(observed, goal, now)
    if goal.scenario is Scenario.MUTUAL:
        return compare.refusals(observed, goal) or mutual.refusals(observed, goal, now)
    return all_refusals(observed, goal)


def _stages_of(observed: Observed, goal: Goal, now: datetime) -> tuple[Stage, ...]:
    if goal.joins:
        stages = joining.stages(observed, goal, now)
    elif goal.rollover:
        stages = _with_authorities(observed, rollover.stages(observed, goal, now))
    elif goal.external:
        stages = external.stages(observed, goal)
    elif goal.rotation:
        stages = _with_authorities(observed, rotation.stages(observed, goal, now))
    elif goal.scenario is Scenario.MUTUAL:
        stages = _with_authorities(observed, mutual.stages(observed, goal, now))
    else:
        stages = _stages(observed, goal, now)
    return tuple(replace(stage, changes=fixed.joined(stage.changes)) for stage in stages)


def _with_authorities(observed: Observed, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The same stages, the first of them making the CAs that are needed and not there."""
    if not stages:
        return stages
    first, *rest = stages
    made = _new_authorities(observed, [change for stage in stages for change in stage.changes])
    return (replace(first, changes=(*made, *first.changes)), *rest)


def _notes_of(observed: Observed, goal: Goal, stages: tuple[Stage, ...], now: datetime) -> tuple[str, ...]:
    if goal.joins:
        return tuple(joining.notes(observed, goal, stages)) if stages else ()
    if goal.rollover:
        return tuple(rollover.notes(observed, goal, now)) if stages else ()
    if goal.external:
        return tuple(external.notes(observed, goal, now))
    if goal.scenario is Scenario.MUTUAL and not goal.rotation:
        return (*_notes(observed, goal, stages), *mutual.notes(observed, goal, stages)) if stages else ()
    return tuple(rotation.notes(observed, goal, now)) if goal.rotation else _notes(observed, goal, stages)


def _require_settable(observed: Observed, goal: Goal, stages: tuple[Stage, ...]) -> None:
    """Raises PlanError where the yml would be changed and what is set outside of it would still count."""
    reasons = compare.outside_refusals(observed, stages)
    if reasons:
        raise PlanError(
            f"no plan for {goal.label}: settings from outside the yml stand against it",
            reasons=tuple(reasons),
            hint="change them where they are set, and state them so in estui.yaml; then plan again",
        )


def _require_trust(observed: Observed, goal: Goal, stages: tuple[Stage, ...]) -> None:
    """Raises PlanError where somebody could talk to a peer before and could not any more."""
    broken = trust_check.broken_pairs(observed, stages)
    if broken:
        raise PlanError(
            f"no plan for {goal.label}: somebody would be cut off",
            reasons=tuple(broken),
            hint="trust the new CA everywhere first, switch leaves then: estui ca rollover",
        )


def _require_signers(observed: Observed, stages: tuple[Stage, ...], now: datetime) -> None:
    """Raises PlanError where a leaf has to be signed by a CA that has ended, or whose key the workspace lacks."""
    wanted = {
        change.request.authority
        for stage in stages
        for change in stage.changes
        if isinstance(change, PublishSet | IssueClient) and change.request
        if isinstance(change, IssueClient) or not change.imported
    }
    signers = [each for each in observed.authorities if each.name in wanted]
    ended = [each for each in signers if each.has_key and each.certificate.not_after <= now]
    if ended:
        raise PlanError(
            "leaves have to be signed, and their CA has ended",
            reasons=tuple(f"ca/{each.name} ended on {each.certificate.not_after:%Y-%m-%d}" for each in ended),
            hint=f"estui ca renew {ended[0].name} makes it last longer; estui ca rollover start replaces it",
        )
    keyless = [each.name for each in signers if not each.has_key]
    if keyless:
        raise PlanError(
            "leaves have to be signed, and their CA has no key here",
            reasons=tuple(f"ca/{name}: there is no ca.key" for name in keyless),
            hint="put the encrypted key back into the workspace; from a CA of others leaves come by: estui csr export",
        )


def _stages(observed: Observed, goal: Goal, now: datetime) -> tuple[Stage, ...]:
    changes: list[Change] = []
    for node in scenarios.touched(observed, goal):
        changes += scenarios.node_changes(node, observed, goal, now)
    restart = _restart_of(changes, observed)
    kibana_changes = _kibana_changes(observed, goal, now)
    changes, kibana_changes = external.with_imported(changes, kibana_changes, observed, now)
    beat_changes = [change for beat in beats.touched(observed, goal) for change in beats.changes(beat, observed, goal)]
    login = _first_login(observed, changes, [*kibana_changes, *beat_changes])
    stages = []
    authorities = _new_authorities(observed, [*changes, *kibana_changes, *beat_changes])
    if changes or login:
        stages.append(Stage(SECURE_STAGE, restart, (*authorities, *changes, *login), _why_restart(restart)))
        authorities = ()
    if kibana_changes:
        why = "Kibana reads its files at start only"
        stages.append(Stage(KIBANA_STAGE, Restart.KIBANA, (*authorities, *kibana_changes), why))
        authorities = ()
    if beat_changes:
        stages.append(Stage(BEATS_STAGE, Restart.BEAT, (*authorities, *beat_changes), beats.WHY_RESTART))
    return tuple(stages)


def _restart_of(changes: list[Change], observed: Observed) -> Restart:
    """The restart that these node changes need (elastic-stack-security.md §6.4)."""
    settings = {
        change.key for change in changes if isinstance(change, SetSetting | RemoveSetting) and change.path == NODE_YML
    }
    if not settings.isdisjoint((SECURITY, ssl_key(Layer.TRANSPORT, "enabled"))):
        return Restart.FULL
    if settings or any(isinstance(change, SetSecureSetting | RemoveSecureSetting) for change in changes):
        return Restart.ROLLING
    published = {change.target for change in changes if isinstance(change, PublishSet)}
    if any(node.target in published and not reloads(node) for node in observed.nodes):
        return Restart.ROLLING
    return Restart.NONE


def _why_restart(restart: Restart) -> str:
    return {
        Restart.FULL: "a secured node cannot talk to an unsecured one, nor a TLS node to a plain one: "
        "all nodes stop, change and start together",
        Restart.ROLLING: "settings are read at start; nodes can be restarted one by one",
        Restart.NONE: "Elasticsearch loads changed certificate files by itself within seconds",
    }[restart]


def _kibana_changes(observed: Observed, goal: Goal, now: datetime) -> list[Change]:
    fresh = scenarios.is_fresh(observed)
    instances = kibana.touched(observed, goal)
    # whoever uses kibana_system gets its new password, even if only one of them needs it
    new_password = fresh or any(not kibana.has_login(each, fresh=fresh) for each in instances)
    token = kibana_wishes.wish_of(goal).token
    more = kibana_wishes.further_urls(observed, goal)
    found: list[Change] = []
    for each in instances:
        if not token:
            found += kibana.credential_changes(each, fresh=fresh, new_password=new_password)
        found += kibana_wishes.changes(each, observed, goal)
        if scenarios.signs_http(observed, goal):
            found += kibana.https_changes(each, observed, now, more)
        elif more:
            found += kibana.host_changes(each, more)
    return found


def _first_login(observed: Observed, changes: list[Change], client_changes: list[Change]) -> list[Change]:
    """A temporary superuser where passwords have to be set: on the first master-eligible node by name."""
    fresh = any(isinstance(change, SetSetting) and change.key == SECURITY for change in changes)
    needs_kibana = any(
        isinstance(change, SetSecureSetting) and change.secret == f"password:{kibana.SYSTEM_USER}"
        for change in client_changes
    )
    grants = any(isinstance(change, GrantLogin) for change in client_changes)
    if not fresh and not needs_kibana and not grants:
        return []
    users = ("elastic", kibana.SYSTEM_USER) if fresh else (kibana.SYSTEM_USER,) if needs_kibana else ()
    node = first_master(observed)
    why = "sets the built-in users' passwords through the API; removed again and proven gone"
    return [FirstLogin(node.target, users, why)]


def first_master(observed: Observed) -> ObservedNode:
    """The first master-eligible node by name."""
    eligible = [node for node in observed.nodes if runbook.is_master_eligible(node)]
    return min(eligible or observed.nodes, key=lambda node: node.target)


def _new_authorities(observed: Observed, changes: list[Change]) -> tuple[CreateAuthority, ...]:
    """CAs that leaves or trust of these changes need and the workspace lacks."""
    there = {authority.name for authority in observed.authorities}
    needed = [
        name
        for change in changes
        if isinstance(change, PublishSet | IssueClient)
        for name in (
            *((change.request.authority,) if change.request else ()),
            *(change.trust if isinstance(change, PublishSet) else ()),
        )
    ]
    policy = observed.inventory.policy
    return tuple(
        CreateAuthority(
            AuthorityRequest(
                name, f"{observed.inventory.cluster} {authority_title(name)}", policy.ca_key, policy.ca_days
            ),
            "signs the leaves of this layer and nothing else",
        )
        for name in dict.fromkeys(needed)
        if name not in there
    )


def _is_grant(change: Change) -> bool:
    return isinstance(change, GrantLogin)


def _notes(observed: Observed, goal: Goal, stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """Sentences for the top of the review: what stays unproven, and what the operator should know."""
    if not stages:
        return ()
    changes = [change for stage in stages for change in stage.changes]
    notes = [
        f"{node.target}: that {node.entry.config} belongs to {node.http_address} is stated, not proven, "
        "until its planned leaf is served"
        for node in compare.unproven(observed)
    ]
    notes += [f"{target} is not in the cluster at the moment" for target in compare.missing_members(observed)]
    notes += [
        f"{node.target}: security is on by its yml, but it answers without a login: was it not restarted since, or is "
        "the setting overridden (-E, environment)?"
        for node in observed.nodes
        if node.setting(SECURITY) == "true" and node.api.secured is False and ANONYMOUS_ROLES not in node.settings
    ]
    if any(isinstance(change, FirstLogin) for change in changes):
        notes += _login_notes(observed, goal)
    policy = observed.inventory.policy
    if policy.leaf_days <= policy.renew_before_days:
        notes.append(
            f"new leaves live {policy.leaf_days} days and are due {policy.renew_before_days} days before their end: "
            "by this policy they are renewed with every plan"
        )
    notes += _http_notes(observed, goal, changes, stages[0].restart)
    notes += kibana_wishes.notes(observed, goal)
    if any(isinstance(change, SetSecureSetting) and change.path == NODE_KEYSTORE for change in changes):
        notes.append("secure settings are rewritten in the format of each node's version")
    return tuple(notes)


def _login_notes(observed: Observed, goal: Goal) -> list[str]:
    notes = []
    if goal.scenario is not Scenario.HTTPS and not all(has_tls(node, Layer.HTTP) for node in observed.nodes):
        notes.append("passwords travel over plain HTTP in this scenario: anyone on the network can read them")
    notes.append("an undo does not bring back: passwords that were set, CAs that were made, the security index")
    left = [each.target for each in observed.kibana if each not in kibana.touched(observed, goal)]
    others = [each.target for each in observed.kibana if each.target in left and kibana.uses_system_user(each)]
    if others:
        notes.append(f"kibana_system gets a new password, which {', '.join(others)} does not get from this plan")
    return notes


def _http_notes(observed: Observed, goal: Goal, changes: list[Change], restart: Restart) -> list[str]:
    """What turning HTTP into HTTPS means for those who use it."""
    notes = []
    switched = any(
        isinstance(change, SetSetting) and change.key == ssl_key(Layer.HTTP, "enabled") for change in changes
    )
    if switched and restart is Restart.ROLLING:
        notes.append("clients that use http:// lose each node as it restarts with HTTPS")
    notes += beats.notes_of(observed, goal, changes) if switched or any(map(_is_grant, changes)) else []
    if scenarios.signs_http(observed, goal):
        targets = {getattr(change, "target", "") for change in changes}
        for each in observed.kibana:
            notes += kibana.notes(each) if each.target in targets else []
    elif goal.scenario is Scenario.HTTPS and observed.kibana:
        notes.append("HTTPS of the nodes was set up without estui: hosts and CA in kibana.yml are left as they are")
    return notes
