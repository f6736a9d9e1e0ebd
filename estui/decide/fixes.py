"""Findings to changes: what can be put right by a few sure edits of files, and which command does the rest.

A fix is a plan like any other: reviewed, pinned, applied by renames, undone by them. Only what is local and has one
right answer is fixed here; whether something is wrong at all is said by the rules (`findings/`).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from estui.decide import compare, fix_changes, kibana
from estui.decide.beats_steps import is_beat
from estui.decide.fix_changes import MOVED
from estui.decide.places import pins_of, places_of
from estui.decide.plan import BEATS_STAGE, KIBANA_STAGE, SECURE_STAGE
from estui.decide.rotation import standing_goal
from estui.decide.runbook import with_steps
from estui.errors import PlanError
from estui.model.finding import Finding, Severity
from estui.model.goal import Goal
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.plan import (
    Change,
    Plan,
    RemoveSecureSetting,
    RemoveSetting,
    Restart,
    SetAccess,
    SetSecureSetting,
    SetSetting,
    Stage,
)
from estui.model.run import Step, StepKind

Thing = ObservedNode | ObservedKibana | ObservedBeat
_SECURE = SetSecureSetting | RemoveSecureSetting

NODE_FIXES: dict[str, Callable[[ObservedNode], Iterable[Change]]] = {
    "tls-key-readable": fix_changes.closed_keys,
    "tls-key-owner": fix_changes.owned_tls_files,
    "keystore-readable": fix_changes.owned_keystore,
    "keystore-owner": fix_changes.owned_keystore,
    "users-owner": fix_changes.owned_realm_files,
    "tls-password-in-yml": fix_changes.moved_passwords,
    "tls-password-twice": fix_changes.dropped_passwords,
    "secure-setting-in-yml": fix_changes.moved_secure_settings,
    "plain-setting-in-keystore": fix_changes.dropped_plain_entries,
    "tls-enabled-unset": fix_changes.dropped_left_overs,
    "tls-setting-unknown": fix_changes.renamed_tls_settings,
    "setting-unknown": fix_changes.renamed_settings,
    "default-password-setting": fix_changes.dropped_default_password,
    "reload-off": fix_changes.dropped_reload,
    "initial-masters-left": fix_changes.dropped_masters,
    "initial-masters-without-role": fix_changes.dropped_masters,
    "single-node-with-masters": fix_changes.dropped_masters,
    "tls-file-config-prefix": fix_changes.shortened_names,
    "bootstrap-password-left": fix_changes.dropped_bootstrap_password,
}
KIBANA_FIXES: dict[str, Callable[[ObservedKibana], Iterable[Change]]] = {
    "kibana-key-readable": fix_changes.closed_kibana_keys,
    "kibana-password-in-yml": fix_changes.moved_kibana_secrets,
    "kibana-setting-removed": fix_changes.dropped_kibana_security,
    "kibana-public-url": fix_changes.https_public_url,
}
BEAT_FIXES: dict[str, Callable[[ObservedBeat], Iterable[Change]]] = {
    "beat-yml-writable": fix_changes.closed_beat_ymls,
    "beat-keystore-mode": fix_changes.closed_beat_keystore,
    "beat-fingerprint-form": fix_changes.plain_fingerprints,
}
FIXABLE = frozenset((*NODE_FIXES, *KIBANA_FIXES, *BEAT_FIXES))
_AT_NEXT_START = frozenset(
    {"initial-masters-left", "initial-masters-without-role", "single-node-with-masters", "bootstrap-password-left"}
)
"""Fixes that change nothing about the running node, and whose next start may come when it comes."""

_COMMANDS = {
    **dict.fromkeys(
        ("leaf-expired", "leaf-expires-soon", "leaf-short-lived", "tls-key-of-another-certificate", "tls-key-type"),
        "estui rotate {target}",
    ),
    **dict.fromkeys(
        ("tls-leaf-usage", "kibana-key-of-another-certificate", "tls-keystore-without-key"), "estui rotate {target}"
    ),
    **dict.fromkeys(
        ("http-names-missing", "tls-names-narrower", "transport-names-missing"), "estui rotate {target} --fresh-names"
    ),
    **dict.fromkeys(("transport-peers-refuse", "leaf-outlives-authority"), "estui ca rollover start"),
    **dict.fromkeys(("authority-expired", "authority-expires-soon"), "estui ca rollover start"),
    **dict.fromkeys(("transport-tls-missing", "transport-tls-differs", "transport-tls-half-way"), "estui plan basic"),
    **dict.fromkeys(("transport-trusts-public-authorities", "transport-authority-public"), "estui plan basic"),
    **dict.fromkeys(
        ("security-off", "security-differs", "http-tls-missing", "http-tls-differs", "token-service-without-https"),
        "estui plan https",
    ),
    **dict.fromkeys(
        ("client-speaks-http", "client-speaks-https", "client-distrusts-node", "kibana-tls-without-certificate"),
        "estui plan https",
    ),
    **dict.fromkeys(("kibana-without-credentials", "kibana-user-elastic", "kibana-user-kibana"), "estui plan minimal"),
    "secure-settings-missing": "estui secure-settings list",
    "secure-settings-differ": "estui secure-settings list",
    "users-temporary-left": "estui runbook show",
    "tls-handshake-fails": "estui rotate {target}",
}
"""Rules whose findings another command puts right."""


def with_fixes(findings: Sequence[Finding], observed: Observed) -> tuple[Finding, ...]:
    """The findings, each with the command that puts it right where there is one."""
    things = _things(observed)
    return tuple(replace(each, fix=command_for(each, things.get(each.target))) for each in findings)


def command_for(finding: Finding, thing: Thing | None) -> str:
    """The command for one finding, empty where it takes a person's judgement."""
    if thing is not None and changes_of(finding.rule, thing):
        return f"estui doctor --fix {shlex.quote(f'{finding.rule}@{finding.target}')}"
    template = _COMMANDS.get(finding.rule, "")
    return template.format(target=shlex.quote(finding.target))


def command_of_rule(rule: str) -> str:
    """The same for a rule by itself."""
    if rule in FIXABLE:
        return f"estui doctor --fix {rule}"
    return _COMMANDS.get(rule, "").format(target="TARGET")


def changes_of(rule: str, thing: Thing) -> tuple[Change, ...]:
    """What the fix of a rule changes on one target; nothing where there is none, or where it is not sure."""
    if any(problem.rule != compare.LOCKED_KEYSTORE for problem in thing.problems):
        return ()
    found: Iterable[Change] = ()
    if isinstance(thing, ObservedNode) and rule in NODE_FIXES:
        found = NODE_FIXES[rule](thing)
    elif isinstance(thing, ObservedKibana) and rule in KIBANA_FIXES:
        found = KIBANA_FIXES[rule](thing)
    elif isinstance(thing, ObservedBeat) and rule in BEAT_FIXES:
        found = BEAT_FIXES[rule](thing)
    return tuple(dict.fromkeys(found))


def fix_goal(observed: Observed, rule: str, only: tuple[str, ...] = ()) -> Goal:
    """The goal of a fix on the rung that the cluster stands on; without `only` wherever the rule finds something."""
    return replace(standing_goal(observed), only=only, fix=rule)


def fix_plan(observed: Observed, goal: Goal, findings: Iterable[Finding], *, workspace: str) -> Plan:
    """The plan of a fix; empty where the rule finds nothing. PlanError with every reason against it."""
    found = tuple(findings)
    hit = list(dict.fromkeys(each.target for each in found if each.rule == goal.fix))
    targets = [target for target in hit if not goal.only or target in goal.only]
    things = _things(observed)
    changes = [change for target in targets if target in things for change in changes_of(goal.fix, things[target])]
    empty = Plan(workspace, observed.inventory.cluster, observed.cluster_uuid, goal)
    held_back = _held_back(found, targets, goal.fix)
    stage = _stage(goal.fix, changes, restart=not held_back) if changes else None
    reasons = list(_refusals(observed, goal, targets, stage))
    if reasons:
        raise PlanError(f"no plan to {goal.label}", reasons=tuple(reasons), hint="mend what is listed, then try again")
    if stage is None:
        return empty
    plan = replace(
        empty,
        stages=(stage,),
        pins=pins_of(observed, (stage,)),
        places=places_of(observed, (stage,)),
        notes=(*_notes(goal.fix, changes), *(held_back if stage.restart is Restart.NONE else ())),
        expect_nodes=compare.stated_nodes(observed, goal) or len(observed.nodes),
        folder=observed.inventory.folder,
    )
    return replace(plan, steps=tuple(_steps(plan, observed)))


def clear_values(observed: Observed, plan: Plan) -> dict[str, bytes]:
    """What the plan moves out of ymls into keystores, by the name of its placeholder: for the engine, which hands it
    to whoever writes."""
    things, found = _things(observed), {}
    for change in plan.changes:
        if isinstance(change, SetSecureSetting) and change.secret.startswith(MOVED):
            name = change.secret.removeprefix("value:")
            key = change.secret.removeprefix(f"{MOVED}{change.target}/")
            found[name] = things[change.target].settings[key].text.encode()
    return found


def _things(observed: Observed) -> dict[str, Thing]:
    return {thing.target: thing for thing in (*observed.things, *observed.beats)}


def _refusals(observed: Observed, goal: Goal, targets: list[str], stage: Stage | None) -> Iterator[str]:
    things = _things(observed)
    yield from (f"the inventory has no target {name}" for name in goal.only if name not in things)
    yield from compare.folder_refusals(observed)
    yield from compare.name_refusals(observed)
    yield from compare.swapped_mounts(observed)
    if goal.fix not in FIXABLE:
        yield f"{goal.fix} is no matter of a few sure edits; {command_of_rule(goal.fix) or 'estui doctor --explain'}"
        return
    for target in targets:
        if target in things and not changes_of(goal.fix, things[target]):
            yield f"{target}: what is right there takes a person's judgement (estui doctor --explain {goal.fix})"
    if stage is not None:
        yield from compare.outside_refusals(observed, (stage,))
        if stage.restart is Restart.ROLLING:
            yield from compare.unseen_refusals(observed)


def _held_back(findings: Sequence[Finding], targets: Sequence[str], rule: str) -> list[str]:
    """Targets that would not come back from a restart, because of what else is fatal there."""
    others: dict[str, list[str]] = {}
    for each in findings:
        if each.severity is Severity.FATAL and each.rule != rule and each.target in targets:
            others.setdefault(each.target, []).append(each.rule)
    return [
        f"nothing is restarted: {target} would not start because of {', '.join(dict.fromkeys(rules))}; put that right "
        "too, then restart it"
        for target, rules in others.items()
    ]


def _stage(rule: str, changes: Sequence[Change], *, restart: bool) -> Stage:
    if all(isinstance(change, SetAccess) for change in changes):
        return Stage(SECURE_STAGE, Restart.NONE, tuple(changes), "content stays the same: nobody has to read it again")
    if rule in _AT_NEXT_START:
        why = "read at the start only, and nothing changes before that"
        return Stage(SECURE_STAGE, Restart.NONE, tuple(changes), why)
    if not restart:
        return Stage(SECURE_STAGE, Restart.NONE, tuple(changes), "read at the start only, and no start is safe yet")
    if rule in KIBANA_FIXES:
        return Stage(KIBANA_STAGE, Restart.KIBANA, tuple(changes), "Kibana reads its files at start only")
    if rule in BEAT_FIXES:
        return Stage(BEATS_STAGE, Restart.BEAT, tuple(changes), "a Beat reads its yml at start only")
    why = "read at the start only, and only a start proves that the node takes it; nodes can be restarted one by one"
    return Stage(SECURE_STAGE, Restart.ROLLING, tuple(changes), why)


def _notes(rule: str, changes: Sequence[Change]) -> Iterator[str]:
    moved = [change for change in changes if isinstance(change, SetSecureSetting)]
    if moved:
        yield "whoever could read the yml knows what stood there: a new value is safer than the same one in a keystore"
        if any(change.path != kibana.KIBANA_KEYSTORE for change in moved):
            yield "secure settings are rewritten in the format of each node's version"
    if any(isinstance(change, SetSetting | RemoveSetting) for change in changes) and rule in _AT_NEXT_START:
        yield "running nodes do not notice"


def _steps(plan: Plan, observed: Observed) -> Iterator[Step]:
    """The usual run-book in the words of a fix; without a restart one switch of everything."""
    stage = plan.stages[0]
    if stage.restart is not Restart.NONE:
        yield from map(_worded, with_steps(plan, observed).steps)
        return
    targets = tuple(place.target for place in plan.places)
    others = tuple(thing.target for thing in observed.things)
    checked = dict.fromkeys((*others, *filter(is_beat, targets)))
    yield Step("prepare", StepKind.PREPARE, "make the files beside the old ones", gate="all on disk")
    yield Step("commit", StepKind.COMMIT, "switch the files", targets, stage.id, "every file as planned")
    yield Step("verify", StepKind.VERIFY, "fresh handshakes and requests for every layer", tuple(checked))


def _worded(step: Step) -> Step:
    match step.kind:
        case StepKind.PREPARE:
            return replace(step, title="make the files beside the old ones")
        case StepKind.COMMIT:
            return replace(step, gate="every file as planned")
        case StepKind.RESTART if not any(map(is_beat, step.targets)):
            return replace(step, gate="its process was started anew")
        case _:
            return step
