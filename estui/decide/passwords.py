"""New passwords of built-in users: who logs in with them, which node is spoken to, and the plan.

Values are nobody's matter here. Source: elastic-stack-security.md §1.4 (built-in users), §1.6 (the API), §1.8 (the
file realm, which needs nothing but a folder).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from estui.decide import beats_passwords, compare, kibana
from estui.decide.beats import WHY_RESTART
from estui.decide.beats_steps import beat_steps
from estui.decide.password_steps import password_steps
from estui.decide.places import pins_of, places_of
from estui.decide.plan import BEATS_STAGE, KIBANA_STAGE
from estui.decide.rotation import standing_goal
from estui.decide.runbook import is_master_eligible, start_order
from estui.decide.rung import has_tls, is_secured
from estui.decide.switching import RELOAD, reloads
from estui.errors import PlanError
from estui.model.goal import Goal, NewPasswords
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.plan import Change, FirstLogin, Plan, Restart, SetPasswords, Stage
from estui.model.version import Version

ELASTIC = "elastic"
BUILT_IN = (
    ELASTIC,
    kibana.SYSTEM_USER,
    "logstash_system",
    "beats_system",
    "apm_system",
    "remote_monitoring_user",
)
"""Users that every cluster has; `kibana`, the old name of `kibana_system`, is left alone."""
PASSWORDS_STAGE = "passwords"
_REALMS = "xpack.security.authc.realms."


def passwords_goal(observed: Observed, users: tuple[str, ...], *, by_file: bool = False) -> Goal:
    """The goal of new passwords on the rung that the cluster stands on."""
    return replace(standing_goal(observed), passwords=NewPasswords(tuple(dict.fromkeys(users)), by_file))


def has_file_realm(node: ObservedNode) -> bool:
    """Whether users of the `users` file are asked: from 8.0 unless it is disabled, in 7.x also where it is listed.

    Source: class `Realms`, 7.17 and 8.0.
    """
    kinds: dict[str, bool] = {}
    for key, setting in node.settings.items():
        kind, dot, rest = key.removeprefix(_REALMS).partition(".")
        if key.startswith(_REALMS) and dot:
            disabled = rest.endswith(".enabled") and setting.text == "false"
            kinds[kind] = kinds.get(kind, True) and not disabled
    before_8 = node.version is not None and node.version < Version(8, 0)
    return kinds.get("file", not (kinds and before_8))


def _answering(observed: Observed) -> list[ObservedNode]:
    """Nodes whose API answers, the first master-eligible one by name in front."""
    answering = [node for node in observed.nodes if node.api.reachable]
    return sorted(answering, key=lambda node: (not is_master_eligible(node), node.target))


def _by_login(observed: Observed, goal: NewPasswords) -> ObservedNode | None:
    """The node where somebody logs in already, who may then set the passwords."""
    if goal.by_file:
        return None
    return next((node for node in _answering(observed) if node.api.authenticated_as), None)


def _by_file(observed: Observed) -> ObservedNode | None:
    return next((node for node in _answering(observed) if has_file_realm(node) and reloads(node)), None)


def refusals(observed: Observed, goal: NewPasswords) -> list[str]:
    """Every reason against new passwords. Who else belongs to the cluster does not matter: it keeps them itself."""
    reasons = compare.folder_refusals(observed) + compare.name_refusals(observed) + compare.swapped_mounts(observed)
    known = (*BUILT_IN, *(user for user in beats_passwords.users(observed) if user not in BUILT_IN))
    unknown = [user for user in goal.users if user not in known]
    reasons += [f"{user} is no built-in user, nor one of a Beat (these are: {', '.join(known)})" for user in unknown]
    reasons += beats_passwords.refusals(observed, goal.users)
    if reasons:
        return reasons
    off = [node.target for node in observed.nodes if is_secured(node) is False]
    if off:
        return [f"security is off on {', '.join(off)}: nobody has a password there"]
    return _no_way_in(observed, goal) + _locked_keystores(observed, goal)


def _no_way_in(observed: Observed, goal: NewPasswords) -> list[str]:
    if _by_login(observed, goal) or _by_file(observed):
        return []
    if not _answering(observed):
        return ["no node answers: passwords are set through the API of a running node"]
    reasons = []
    for node in _answering(observed):
        if not has_file_realm(node):
            reasons.append(f"{node.target}: the file realm is off, so that no temporary superuser can log in")
        elif not reloads(node):
            reasons.append(f"{node.target}: {RELOAD} is false, so that it would see a temporary superuser only anew")
    return [*reasons, "give the login of somebody who may set passwords: --user NAME --password-file FILE"]


def _locked_keystores(observed: Observed, goal: NewPasswords) -> list[str]:
    return [
        f"{each.target}: kibana.keystore cannot be read: {each.keystore.error}"
        for each in _instances(observed, goal)
        if each.keystore.present and not each.keystore.opened
    ]


def _instances(observed: Observed, goal: NewPasswords) -> list[ObservedKibana]:
    """Kibana instances that log in with a password that changes, and get the new one."""
    if kibana.SYSTEM_USER not in goal.users:
        return []
    return [each for each in observed.kibana if kibana.uses_system_user(each)]


def passwords_plan(observed: Observed, goal: Goal, *, workspace: str) -> Plan:
    """The plan of new passwords. PlanError with every reason against it."""
    wanted = goal.passwords or NewPasswords(())
    reasons = refusals(observed, wanted)
    if reasons:
        raise PlanError(f"no plan for {goal.label}", reasons=tuple(reasons), hint="mend what is listed, then try again")
    change = _change(observed, wanted)
    stages = [Stage(PASSWORDS_STAGE, Restart.NONE, (change,), "a password counts from the moment it is set")]
    instances, kept = _instances(observed, wanted), beats_passwords.changes(observed, wanted.users)
    if instances:
        written: list[Change] = []
        for each in instances:
            written += kibana.credential_changes(each, fresh=False, new_password=True)
        stages.append(Stage(KIBANA_STAGE, Restart.KIBANA, tuple(written), "Kibana reads its keystore at start only"))
    last = Stage(BEATS_STAGE, Restart.BEAT, tuple(kept), WHY_RESTART) if kept else None
    holders = beats_passwords.holders(observed, wanted.users)
    stages += [last] if last else []
    return Plan(
        workspace=workspace,
        cluster=observed.inventory.cluster,
        cluster_uuid=observed.cluster_uuid,
        goal=goal,
        stages=tuple(stages),
        steps=password_steps(
            change,
            tuple(each.target for each in instances),
            KIBANA_STAGE,
            start_order(observed),
            beat_steps(last, holders) if last else (),
        ),
        pins=pins_of(observed, tuple(stages)),
        places=places_of(observed, tuple(stages)),
        notes=tuple(_notes(observed, wanted, change, instances)),
        expect_nodes=compare.stated_nodes(observed, goal) or len(observed.nodes),
        folder=observed.inventory.folder,
    )


def _change(observed: Observed, goal: NewPasswords) -> FirstLogin | SetPasswords:
    # whoever logs in as elastic goes on doing so until the end: its own password is the last one
    order = {user: number for number, user in enumerate(BUILT_IN)}
    users = tuple(sorted(goal.users, key=lambda user: (user == ELASTIC, order.get(user, len(order)), user)))
    node = _by_login(observed, goal)
    if node is not None:
        why = f"by {node.api.authenticated_as}, who may log in"
        return SetPasswords(node.target, users, why)
    node = _by_file(observed)
    if node is None:
        raise PlanError("no node is there to set passwords on")
    why = "sets the passwords through the API; its line needs nothing but this folder, and is removed and proven gone"
    return FirstLogin(node.target, users, why)


def _notes(
    observed: Observed, goal: NewPasswords, change: FirstLogin | SetPasswords, instances: list[ObservedKibana]
) -> Iterator[str]:
    node = next(node for node in observed.nodes if node.target == change.target)
    if not has_tls(node, Layer.HTTP):
        yield "passwords travel over plain HTTP: anyone on the network can read them"
    names = ", ".join([*(each.target for each in instances), *beats_passwords.holders(observed, goal.users)])
    if names:
        yield f"{names} cannot log in from the moment the password is set until its start with the new one"
    for who, key, user in other_consumers(observed, goal.users):
        yield f"{who} logs in as {user} ({key}) and does not get the new password from this plan: give it by hand"
    credentials = observed.inventory.credentials
    if credentials.user in goal.users and credentials.password_file:
        yield f"estui.yaml logs in as {credentials.user}: put the new password into {credentials.password_file} too"
    yield "if the proof fails, the old passwords are set again, where they are known: stored here, or held by Kibana"


def other_consumers(observed: Observed, users: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Who else logs in with one of these users, by which setting: target, setting, user."""
    everybody: tuple[ObservedNode | ObservedKibana | ObservedBeat, ...] = (
        *observed.nodes,
        *observed.kibana,
        *observed.beats,
    )
    in_keystore = {(held.beat.target, held.key) for held in beats_passwords.held(observed)}
    for each in everybody:
        modules = each.modules.values() if isinstance(each, ObservedBeat) else ()
        for key, setting in (item for found in (each.settings, *modules) for item in found.items()):
            if not key.endswith("username") or setting.text not in users:
                continue
            own = isinstance(each, ObservedKibana) and key == kibana.USER and setting.text == kibana.SYSTEM_USER
            if not own and (each.target, key) not in in_keystore:
                yield each.target, key, setting.text


def consumers(observed: Observed, user: str) -> tuple[str, ...]:
    """Everybody whose files say that they log in as this user, each once."""
    own = [each.target for each in observed.kibana if user == kibana.SYSTEM_USER and kibana.uses_system_user(each)]
    own += beats_passwords.holders(observed, (user,))
    return tuple(dict.fromkeys([*own, *(who for who, _, _ in other_consumers(observed, (user,)))]))
