"""Mutual TLS on HTTP: whom the nodes ask for a certificate, whose they trust, and whom one logs in.

In an order that locks nobody out: trust and asking first, then certificates for everyone, then the demand. A step
back goes the other way round. Source: elastic-stack-security.md §5, §12.1; class `InternalRealms` for the licence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from estui.decide import clients
from estui.decide.authorities import trusted_names
from estui.decide.beats import WHY_RESTART
from estui.decide.layers import NODE_YML, set_path, setting_changes
from estui.decide.masking import shown_value
from estui.decide.rung import has_tls, is_secured, ssl_key
from estui.formats.role_mapping import FILE as MAPPING_FILE
from estui.formats.role_mapping import marked, role_mapping_text
from estui.model.goal import Demand, Goal, MutualTls, Scenario
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import Observed, ObservedKibana, ObservedNode, OnDisk
from estui.model.plan import Change, IssueClient, PublishSet, RemoveSetting, Restart, SetSetting, Stage
from estui.model.setting import SettingValue, value_text

CLIENT_SET = "client"
CONTEXT = "clients"
"""Name under which a node's trust in client certificates is observed."""
DEMAND = ssl_key(Layer.HTTP, "client_authentication")
TRUST = ssl_key(Layer.HTTP, "certificate_authorities")
TRUSTSTORE = ssl_key(Layer.HTTP, "truststore.path")
REALM = "xpack.security.authc.realms.pki.estui"
LICENCES = ("gold", "platinum", "enterprise", "trial")
"""Licences with which a PKI realm logs people in; with another one it is there and does nothing."""
_ORDER = re.compile(r"xpack\.security\.authc\.realms\.([^.]+)\.([^.]+)\.order")
_SEEN_STAGES = ("nodes", "kibana", "beats")


def demand_of(node: ObservedNode) -> Demand:
    """Whether a node wants client certificates at its next start, by its yml."""
    stated = (node.setting(DEMAND) or Demand.NONE.value).lower()
    return Demand(stated) if stated in set(Demand) else Demand.NONE


def wanted_demand(observed: Observed, goal: Goal) -> Demand:
    """As asked for; else as it stands, where all nodes agree; else optional."""
    if goal.mutual and goal.mutual.demand:
        return goal.mutual.demand
    standing = {demand_of(node) for node in observed.nodes}
    return standing.pop() if len(standing) == 1 and Demand.NONE not in standing else Demand.OPTIONAL


def has_realm(node: ObservedNode) -> bool:
    """Whether the PKI realm of estui's own is in the yml."""
    return f"{REALM}.order" in node.settings


def wants_realm(node: ObservedNode, goal: Goal) -> bool:
    stated = goal.mutual.realm if goal.mutual else None
    return has_realm(node) if stated is None else stated


def trust_context(node: ObservedNode) -> OnDisk:
    """CAs whose client certificates a node accepts, as its set holds them."""
    return dict(node.extra).get(CONTEXT, OnDisk())


def trusts_clients(node: ObservedNode, observed: Observed) -> bool:
    """Whether a node accepts certificates of the client CA at its next start."""
    return clients.authority_name(observed) in trusted_names(observed, trust_context(node))


# refusals


def refusals(observed: Observed, goal: Goal, now: datetime) -> list[str]:
    """Every reason against this step."""
    demand = wanted_demand(observed, goal)
    below = [node.target for node in observed.nodes if not (has_tls(node, Layer.HTTP) and is_secured(node))]
    if below:
        return [
            f"mutual TLS comes on top of basic + HTTPS, and {', '.join(below)} are not there: estui plan https first"
        ]
    reasons = []
    if goal.only:
        reasons.append("mutual TLS is a matter of all nodes and all their clients: leave out --only")
    reasons += _store_refusals(observed) + list(clients.refusals(observed)) + _licence_refusals(observed, goal)
    if demand is Demand.NONE:
        asked = [node.target for node in observed.nodes if demand_of(node) is Demand.REQUIRED]
        if asked:
            reasons.append(
                f"{', '.join(asked)} demand certificates: go back to optional first (estui plan mutual --optional), so "
                "that an undo of either step locks nobody out"
            )
    if demand is Demand.REQUIRED:
        reasons += _demand_refusals(observed, now)
    return reasons


def _store_refusals(observed: Observed) -> list[str]:
    stores = [node for node in observed.nodes if TRUSTSTORE in node.settings]
    ours = [node.target for node in stores if node.disk.get(Layer.HTTP, OnDisk()).managed]
    reasons = []
    if ours:
        reasons.append(
            f"{', '.join(ours)}: the HTTP layer names a truststore, beside which no CA file may stand; let it have PEM "
            "files first: estui plan https --format pem"
        )
    reasons += [
        f"{node.target}: {TRUSTSTORE} is {node.setting(TRUSTSTORE)}, which estui did not make and beside which no CA "
        f"file may stand: write its CAs into a PEM file (openssl pkcs12 -in {node.setting(TRUSTSTORE)} -nokeys -out "
        f"http-trust.pem), and name that in {TRUST} in the place of the truststore and of its password"
        for node in stores
        if node.target not in ours
    ]
    return reasons


def _licence_refusals(observed: Observed, goal: Goal) -> list[str]:
    if not goal.mutual or not goal.mutual.realm or all(map(has_realm, observed.nodes)):
        return []
    licence = next((node.api.licence for node in observed.nodes if node.api.licence), "")
    if licence in LICENCES:
        return []
    found = f"this cluster's is {licence}" if licence else "no node tells which one this cluster has (--user)"
    return [
        f"a PKI realm logs nobody in without a licence of {', '.join(LICENCES[1:])} or a trial's, and {found}; mutual "
        "TLS itself works with every licence: leave out --pki"
    ]


def _demand_refusals(observed: Observed, now: datetime) -> list[str]:
    """Whoever would be locked out by the demand; where it stands already, whoever connects has a certificate."""
    if all(demand_of(node) is Demand.REQUIRED for node in observed.nodes):
        return []
    reasons = []
    blind = [
        node.target for node in observed.nodes if demand_of(node) is Demand.NONE or not trusts_clients(node, observed)
    ]
    if blind:
        reasons.append(
            f"{', '.join(blind)} do not ask for client certificates yet: estui apply mutual first, then the demand"
        )
    reasons += [
        f"{holder.target} has no client certificate yet, and would be locked out: estui apply mutual first"
        for holder in clients.holders(observed)
        if not clients.is_shown(holder, observed)
    ]
    if not clients.own_is_good(observed, now):
        reasons.append("estui itself has no client certificate yet, and would be locked out: estui apply mutual first")
    if observed.connected is None:
        reasons.append("who else connects was not asked yet: estui client connected")
    for each in observed.connected or ():
        if not each.ticked:
            reasons.append(f"not ticked: {each.text}; has it a certificate? estui client tick {each.id!r}")
    return reasons


# changes


def stages(observed: Observed, goal: Goal, now: datetime) -> tuple[Stage, ...]:
    """Nodes, then Kibana, then the Beats; each stage leaves everybody who could connect able to."""
    off = wanted_demand(observed, goal) is Demand.NONE
    nodes = [change for node in observed.nodes for change in node_changes(node, observed, goal)]
    found: dict[bool, list[Change]] = {True: [], False: []}
    for holder in clients.holders(observed):
        more = clients.removals(holder, observed) if off else clients.changes(holder, observed, now)
        found[isinstance(holder, ObservedKibana)] += more
    mine = [] if off or clients.own_is_good(observed, now) else [_own_certificate(observed)]
    named = any(isinstance(change, SetSetting | RemoveSetting) or _needs_start(change, observed) for change in nodes)
    restart = Restart.ROLLING if named else Restart.NONE
    why = (
        "whom nodes ask for a certificate is read at their start; they can be restarted one by one"
        if named
        else "Elasticsearch loads changed files by itself within seconds"
    )
    planned = (
        (_SEEN_STAGES[0], restart, [*mine, *nodes], why),
        (_SEEN_STAGES[1], Restart.KIBANA, found[True], "Kibana reads its files at start only"),
        (_SEEN_STAGES[2], Restart.BEAT, found[False], WHY_RESTART),
    )
    return tuple(Stage(name, kind, tuple(changes), text) for name, kind, changes, text in planned if changes)


def _needs_start(change: Change, observed: Observed) -> bool:
    """Whether a node reads a change at its start only: a realm loads its CAs once, other than the TLS layer."""
    if not isinstance(change, PublishSet) or not change.maps:
        return False
    node = observed.node(change.target)
    context = trust_context(node) if node else OnDisk()
    same = set(change.trust) == set(trusted_names(observed, context)) and clients.is_current(observed, context)
    return node is not None and has_realm(node) and not same


def _own_certificate(observed: Observed) -> IssueClient:
    request = clients.request_of(observed, f"client/{clients.OWN}", CLIENT_SET, clients.OWN)
    why = "estui shows it to nodes; it gives no rights by itself, so its key lies in the workspace in clear"
    return IssueClient(request, clients.own(observed) is not None, why)


def node_changes(node: ObservedNode, observed: Observed, goal: Goal) -> list[Change]:
    """What one node needs; empty where it stands so."""
    demand = wanted_demand(observed, goal)
    if demand is Demand.NONE:
        return _off(node, observed)
    realm = wants_realm(node, goal)
    changes: list[Change] = []
    publish = _client_set(node, observed, realm=realm)
    if publish:
        changes.append(publish)
    wanted: list[tuple[str, SettingValue, str]] = [
        (TRUST, _trust_value(node, observed), "the CA of client certificates is trusted as well"),
        (DEMAND, demand.value, WHY_DEMAND[demand]),
        *(realm_settings(node, observed) if realm else ()),
    ]
    changes += setting_changes(node, wanted)
    return changes if realm else [*changes, *_without_realm(node)]


WHY_DEMAND = {
    Demand.OPTIONAL: "a client may show a certificate; who has none goes on as before",
    Demand.REQUIRED: "a client without a certificate is refused before it may log in",
}


def _client_set(node: ObservedNode, observed: Observed, *, realm: bool) -> PublishSet | None:
    """The set with the client CA and, for the realm, who has which role; None where it is there."""
    held = trusted_names(observed, trust_context(node))
    trust = clients.trusted(observed, held)
    mapping = role_mapping(observed) if realm else ()
    mapped = not realm or mapping_file(node, observed.inventory.folder) == role_mapping_text(mapping)
    same = set(trust) == set(held) and clients.is_current(observed, trust_context(node))
    if same and mapped:
        return None
    why = "client certificates of these CAs are accepted, and those of no other"
    if same:
        why = "who logs in by certificate has these roles"
    return PublishSet(
        node.target, CLIENT_SET, None, trust, StoreFormat.PEM, bool(held), why, mapping=mapping, maps=realm
    )


def role_mapping(observed: Observed) -> tuple[tuple[str, ...], ...]:
    """Role, then the subjects that have it, by role; estui's own certificate marks the mapping."""
    roles = sorted({role for each in observed.clients for role in each.roles})
    mapping = [(role, *(each.certificate.subject for each in observed.clients if role in each.roles)) for role in roles]
    return marked(mapping, f"CN={clients.OWN}")


def mapping_file(node: ObservedNode, folder: str) -> bytes:
    """What a node's file of roles holds on disk; empty where there is none."""
    state = node.files.get(set_path(folder, CLIENT_SET, MAPPING_FILE))
    return state.content if state is not None else b""


def client_path(observed: Observed) -> str:
    """The file of client CAs on a node, as its yml names it."""
    return set_path(observed.inventory.folder, CLIENT_SET, "ca.crt")


def _trust_value(node: ObservedNode, observed: Observed) -> tuple[str, ...]:
    found = node.settings.get(TRUST)
    return tuple(dict.fromkeys((*(found.items if found else ()), client_path(observed))))


def realm_settings(node: ObservedNode, observed: Observed) -> list[tuple[str, SettingValue, str]]:
    """The PKI realm, last in order: a password that comes with a request counts before its certificate.

    Before 8.0 a realm that is named hides those that are not (§13), so the built-in two are named as well.
    """
    found = {match.string: node.settings[match.string].text for match in map(_ORDER.fullmatch, node.settings) if match}
    others = [int(text) for key, text in found.items() if key != f"{REALM}.order" and text.lstrip("-").isdigit()]
    wanted: list[tuple[str, SettingValue, str]] = []
    if not others and (node.version is None or node.version.major < 8):
        for order, kind in enumerate(("file", "native")):
            key = f"xpack.security.authc.realms.{kind}.default_{kind}.order"
            wanted.append((key, order, "a realm that is named hides those that are not (7.x)"))
        others = [0, 1]
    order = int(found.get(f"{REALM}.order") or max([1, *others]) + 1)
    folder = observed.inventory.folder
    return [
        *wanted,
        (f"{REALM}.order", order, "who shows a certificate and no password is logged in by it"),
        (f"{REALM}.certificate_authorities", (client_path(observed),), "certificates of this CA only"),
        (f"{REALM}.files.role_mapping", set_path(folder, CLIENT_SET, MAPPING_FILE), "who has which role"),
    ]


def _without_realm(node: ObservedNode) -> list[Change]:
    why = "certificates log nobody in any more"
    return [_removed(node, key, why) for key in node.settings if key.startswith(f"{REALM}.")]


def _removed(node: ObservedNode, key: str, why: str) -> RemoveSetting:
    found = node.settings[key]
    return RemoveSetting(node.target, NODE_YML, found.key, shown_value(found.key, found.value), why)


def _off(node: ObservedNode, observed: Observed) -> list[Change]:
    changes: list[Change] = []
    if DEMAND in node.settings and demand_of(node) is not Demand.NONE:
        changes.append(_removed(node, DEMAND, "nobody is asked for a certificate"))
    found = node.settings.get(TRUST)
    left = tuple(item for item in found.items if item != client_path(observed)) if found else ()
    if found and not left:
        changes.append(_removed(node, TRUST, "no client certificate is looked at"))
    elif found and value_text(left) != found.text:
        changes += setting_changes(node, [(TRUST, left, "no client certificate is looked at")])
    return changes + _without_realm(node)


def joined_changes(node: ObservedNode, members: Observed, changes: Sequence[Change]) -> list[Change]:
    """What a joining node gets, with mutual TLS as the members have it."""
    goal = standing_goal(members)
    more = node_changes(node, members, goal)
    keys = {change.key for change in more if isinstance(change, SetSetting)}
    kept = [change for change in changes if not (isinstance(change, SetSetting) and change.key in keys - {TRUST})]
    path = client_path(members)
    found: list[Change] = []
    for change in kept:
        if isinstance(change, SetSetting) and change.key == TRUST and isinstance(change.value, tuple):
            change = SetSetting(change.target, change.path, TRUST, (*change.value, path), change.before, change.why)
            more = [each for each in more if not (isinstance(each, SetSetting) and each.key == TRUST)]
        found.append(change)
    return [*found, *more]


def standing_goal(members: Observed) -> Goal:
    """The goal of mutual TLS as the nodes of a cluster have it."""
    demands = [demand_of(node) for node in members.nodes]
    demand = next((each for each in (Demand.REQUIRED, Demand.OPTIONAL) if each in demands), Demand.OPTIONAL)
    return Goal(Scenario.MUTUAL, mutual=MutualTls(demand, any(map(has_realm, members.nodes))))


# notes


def notes(observed: Observed, goal: Goal, planned: Sequence[Stage]) -> list[str]:
    """What the operator should know before mutual TLS goes a step on."""
    demand = wanted_demand(observed, goal)
    found = []
    if demand is Demand.OPTIONAL:
        found.append("clients without a certificate go on as before; with one of another CA they are refused")
    if demand is Demand.REQUIRED:
        seen = [each.text for each in observed.connected or ()]
        found += [f"ticked as looked after: {text}" for text in seen]
        found.append(
            "elasticsearch's own tools on the nodes (reset-password, setup-passwords) get no certificate, and do not "
            "work while it is demanded"
        )
    if any(
        isinstance(change, SetSetting) and change.key == clients.PRESENT for each in planned for change in each.changes
    ):
        found.append(
            "Kibana shows its certificate for people too; by the PKI realm it has no role, so nobody gets rights by it"
        )
    if any(isinstance(change, IssueClient) for each in planned for change in each.changes):
        found.append("an undo leaves in the workspace: the client CA, estui's own client certificate")
    return found
