"""Secure settings on many nodes: whether they agree, and the plan of a change of them.

Values are nobody's matter here: they are compared by keyed digests, and named by placeholders. Source:
elastic-stack-security.md §6.9 (what running nodes read again) and §7.1 (the file).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from estui.decide import compare
from estui.decide.findings.secure_settings import belongs_to_node, is_plain, is_secure
from estui.decide.layers import NODE_KEYSTORE
from estui.decide.places import pins_of, places_of
from estui.decide.rotation import standing_goal
from estui.decide.runbook import start_order, with_steps
from estui.decide.rung import ssl_key
from estui.decide.secure_steps import secure_steps
from estui.errors import PlanError, StoreError
from estui.formats.es_keystore import SEED, check_setting_name
from estui.model.goal import Goal, KeystoreEdit, SecureEdit
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedNode, OnDisk
from estui.model.plan import (
    Plan,
    RemoveSecureSetting,
    Restart,
    SetKeystorePassword,
    SetSecureSetting,
    Stage,
)
from estui.model.secure import Agreement, SecureEntry, SecureFile, SecureTable
from estui.model.version import Version

SecureChange = SetSecureSetting | RemoveSecureSetting | SetKeystorePassword
STAGE = "secure settings"
SHOWN = 8
"""Hexadecimal digits of a fingerprint: enough to tell values apart, and salted anew for each look."""
PASSWORDS_SINCE = Version(7, 7)
_RELOADED = re.compile(
    r"(s3|gcs|azure)\.client\..+|discovery\.ec2\..+|xpack\.notification\..+"
    r"|xpack\.monitoring\.exporters\..+\.auth\.secure_password"
)
_RELOADED_LATELY = re.compile(
    r"cluster\.remote\.[^.]+\.credentials"
    r"|xpack\.security\.authc\.realms\.(ldap|active_directory)\.[^.]+\.secure_bind_password"
    r"|xpack\.security\.authc\.realms\.jwt\.[^.]+\.(hmac_key|hmac_jwkset|client_authentication\.shared_secret)"
)
_LATELY = Version(8, 19)
"""From here on the newer groups are surely read again; releases before differ, and a restart is right for all."""


def is_reloadable(name: str, version: Version | None) -> bool:
    """Whether a running node of this version takes the entry up with `_nodes/reload_secure_settings`."""
    if _RELOADED.fullmatch(name):
        return True
    return version is not None and version >= _LATELY and _RELOADED_LATELY.fullmatch(name) is not None


# side by side


def secure_table(observed: Observed) -> SecureTable:
    """Names and agreement of all secure settings; `observed` was made with a digest key of its own."""
    nodes = observed.nodes
    files = tuple(
        SecureFile(
            node.target,
            node.keystore.present,
            node.keystore.protected,
            node.keystore.error,
            node.keystore.version,
        )
        for node in nodes
    )
    digests = [dict(node.keystore.digests) for node in nodes]
    names = sorted({name for node in nodes for name in node.keystore.names if name != SEED})
    entries = [_entry(name, [each.get(name, "") for each in digests], nodes) for name in names]
    return SecureTable(files, tuple(entries))


def _entry(name: str, found: list[str], nodes: Iterable[ObservedNode]) -> SecureEntry:
    opened = [digest for digest, node in zip(found, nodes, strict=True) if node.keystore.opened]
    if belongs_to_node(name):
        agreement = Agreement.OWN
    elif len(set(opened) - {""}) > 1:
        agreement = Agreement.DIFFERENT
    else:
        agreement = Agreement.SAME if all(opened) else Agreement.MISSING
    reloadable = all(is_reloadable(name, node.version) for node in nodes)
    return SecureEntry(name, tuple(each[:SHOWN] for each in found), agreement, reloadable, is_secure(name))


# the plan


def secure_goal(observed: Observed, edit: SecureEdit, only: tuple[str, ...] = ()) -> Goal:
    """The goal of a change of secure settings on the rung that the cluster stands on."""
    return replace(standing_goal(observed), only=only, secure=edit)


def _targets(observed: Observed, goal: Goal) -> list[ObservedNode]:
    return [node for node in observed.nodes if not goal.only or node.target in goal.only]


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Every reason against the change."""
    edit = goal.secure or SecureEdit(KeystoreEdit.SET)
    known = {node.target for node in observed.nodes}
    reasons = [f"the inventory has no node {name}" for name in goal.only if name not in known]
    reasons += compare.folder_refusals(observed) + compare.name_refusals(observed) + compare.swapped_mounts(observed)
    reasons += _name_refusals(edit)
    for node in _targets(observed, goal):
        keystore = node.keystore
        if keystore.present and not keystore.opened:
            reasons.append(f"{node.target}: elasticsearch.keystore cannot be opened: {keystore.error}")
        if edit.edit is KeystoreEdit.PROTECT and node.version is not None and node.version < PASSWORDS_SINCE:
            reasons.append(f"{node.target}: Elasticsearch {node.version} cannot open a keystore with a password")
        if edit.edit is KeystoreEdit.REMOVE:
            reasons += _needed(node, edit.names)
    if not reasons and edit.edit is KeystoreEdit.REMOVE:
        reasons += _nowhere(_targets(observed, goal), edit.names)
    return reasons or compare.unseen_refusals(observed)


def _name_refusals(edit: SecureEdit) -> Iterator[str]:
    for name in edit.names:
        try:
            check_setting_name(name)
        except StoreError as error:
            yield f"{error.summary}: {error.hint}"
            continue
        if name == SEED:
            yield f"{SEED} is each node's own, and Elasticsearch makes it"
        elif edit.edit is KeystoreEdit.SET and is_plain(name):
            yield f"{name} is an ordinary setting: with it in its keystore Elasticsearch does not start"


def _needed(node: ObservedNode, names: tuple[str, ...]) -> Iterator[str]:
    """Passwords of the certificate files that are in use."""
    for layer in Layer:
        disk = node.disk.get(layer, OnDisk())
        stores = any(each.setting in ("keystore.path", "truststore.path") for each in disk.named)
        for name in names:
            if (stores and name.startswith(f"{ssl_key(layer, 'keystore')}.")) or (
                stores and name.startswith(f"{ssl_key(layer, 'truststore')}.")
            ):
                yield f"{node.target}: {name} opens the certificate files of its {layer.value} layer, which are in use"


def _nowhere(nodes: list[ObservedNode], names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if not any(name in node.keystore.names for node in nodes):
            yield f"no elasticsearch.keystore of {', '.join(node.target for node in nodes)} holds {name}"


def secure_plan(observed: Observed, goal: Goal, *, workspace: str) -> Plan:
    """The plan of a change of secure settings; empty where every node has what is wanted.

    Whether a value is the one that is there already cannot be told: setting one is always a change.
    Raises PlanError with every reason against it.
    """
    reasons = refusals(observed, goal)
    if reasons:
        raise PlanError(f"no plan for {goal.label}", reasons=tuple(reasons), hint="mend what is listed, then try again")
    edit = goal.secure or SecureEdit(KeystoreEdit.SET)
    changes = [change for node in _targets(observed, goal) for change in _changes(node, edit)]
    if not changes:
        return Plan(workspace, observed.inventory.cluster, observed.cluster_uuid, goal)
    stages = (_stage(observed, changes),)
    plan = Plan(
        workspace=workspace,
        cluster=observed.inventory.cluster,
        cluster_uuid=observed.cluster_uuid,
        goal=goal,
        stages=stages,
        pins=pins_of(observed, stages),
        places=places_of(observed, stages),
        notes=tuple(_notes(observed, goal, edit)),
        expect_nodes=compare.stated_nodes(observed, goal) or len(observed.nodes),
        folder=observed.inventory.folder,
    )
    plan = with_steps(plan, observed)
    order = [target for target in start_order(observed) if target in {place.target for place in plan.places}]
    return replace(plan, steps=secure_steps(plan, plan.steps, tuple(order)))


def _changes(node: ObservedNode, edit: SecureEdit) -> Iterator[SecureChange]:
    names, target = node.keystore.names, node.target
    match edit.edit:
        case KeystoreEdit.SET:
            for name in edit.names:
                why = "read again while the node runs" if is_reloadable(name, node.version) else "read at the start"
                yield SetSecureSetting(target, NODE_KEYSTORE, name, f"value:{name}", name in names, why)
        case KeystoreEdit.REMOVE:
            for name in edit.names:
                if name in names:
                    yield RemoveSecureSetting(target, NODE_KEYSTORE, name, "as asked for")
        case KeystoreEdit.PROTECT:
            why = "whoever copies the file cannot read it; the node needs the password at its start"
            yield SetKeystorePassword(target, NODE_KEYSTORE, True, node.keystore.protected, why)
        case KeystoreEdit.UNPROTECT:
            if node.keystore.protected:
                why = "the node starts without a password; whoever copies the file can read it"
                yield SetKeystorePassword(target, NODE_KEYSTORE, False, True, why)


def _stage(observed: Observed, changes: list[SecureChange]) -> Stage:
    versions = {node.target: node.version for node in observed.nodes}
    late = [
        change.name
        for change in changes
        if isinstance(change, SetSecureSetting | RemoveSecureSetting)
        and not is_reloadable(change.name, versions[change.target])
    ]
    if late:
        why = f"{', '.join(dict.fromkeys(late))}: read at the start only; nodes can be restarted one by one"
        return Stage(STAGE, Restart.ROLLING, tuple(changes), why)
    if any(isinstance(change, SetKeystorePassword) for change in changes):
        why = "only a start proves that a node opens its keystore with the password that it is given"
        return Stage(STAGE, Restart.ROLLING, tuple(changes), why)
    down = [
        node.target
        for node in observed.nodes
        if node.target in {change.target for change in changes} and not node.api.reachable
    ]
    if down:
        why = f"{', '.join(down)} does not answer, and reads them at its start; nodes can be restarted one by one"
        return Stage(STAGE, Restart.ROLLING, tuple(changes), why)
    why = "running nodes take these up by themselves: _nodes/reload_secure_settings"
    return Stage(STAGE, Restart.NONE, tuple(changes), why)


def _notes(observed: Observed, goal: Goal, edit: SecureEdit) -> Iterator[str]:
    nodes = _targets(observed, goal)
    if edit.edit in (KeystoreEdit.PROTECT, KeystoreEdit.UNPROTECT):
        yield (
            "before its restart each node's service has to be told: ES_KEYSTORE_PASSPHRASE_FILE of its unit, "
            "KEYSTORE_PASSWORD of a container, or the prompt of bin/elasticsearch"
        )
        if observed.inventory.keystore_password:
            yield f"estui.yaml names {observed.inventory.keystore_password}: put the new password there afterwards"
    for name in edit.names:
        if edit.edit is KeystoreEdit.SET and not is_secure(name):
            yield f"{name} is not known here: without the plugin that it belongs to a node does not start with it"
        left = [node.target for node in observed.nodes if node not in nodes and name in node.keystore.names]
        if left and not belongs_to_node(name):
            yield f"{name} stays as it is on {', '.join(left)}: secure settings should be the same on all nodes"
    if any(node.keystore.present for node in nodes):
        yield "secure settings are rewritten in the format of each node's version"
