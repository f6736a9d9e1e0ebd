"""What Kibana gets on request only: a service account token, encryption keys that are missing, further hosts.

Source: elastic-stack-security.md §1.9 (service accounts), §12.3, §12.4; Elasticsearch 7.x, class `HttpTlsRuntimeCheck`
(no token of a service account without HTTPS).
"""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide import kibana
from estui.decide.beats_paths import leads_to_nodes
from estui.decide.hosts import LOOPBACK, address_of_url
from estui.decide.rung import has_tls
from estui.formats.kibana_keystore import ENCRYPTION_KEYS
from estui.model.goal import Goal, KibanaWish, Scenario
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedKibana, ObservedNode
from estui.model.plan import Change, IssueToken, RemoveSecureSetting, SetSecureSetting
from estui.model.version import Version

ACCOUNT = "elastic/kibana"
TOKENS_SINCE = Version(7, 13)
_NO_DATA = frozenset({"master", "voting_only"})
"""Roles of a node that does nothing but elect and be elected: no client should ask it."""


def wish_of(goal: Goal) -> KibanaWish:
    """What the goal wishes for Kibana; nothing where it does not say."""
    return goal.kibana or KibanaWish()


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Every reason against what is wished for Kibana."""
    wish, instances = wish_of(goal), kibana.touched(observed, goal)
    if wish == KibanaWish():
        return []
    if goal.scenario is not Scenario.HTTPS:
        return ["tokens, encryption keys and further hosts of Kibana go with https: estui plan https"]
    if not instances:
        return ["something is wished for Kibana, and there is none: estui.yaml names it under `kibana:`"]
    reasons = []
    if wish.token or wish.keys:
        reasons += [
            f"{each.target}: kibana.keystore cannot be read: {each.keystore.error}"
            for each in (observed.kibana if wish.keys else instances)
            if each.keystore.present and not each.keystore.opened
        ]
    if wish.token and not all(map(kibana.has_token, instances)):
        reasons += _token_refusals(observed, instances)
    if wish.keys:
        reasons += _key_refusals(observed, instances)
    return reasons + list(_host_refusals(observed, wish, instances))


# a token in place of the password


def _token_refusals(observed: Observed, instances: tuple[ObservedKibana, ...]) -> Iterator[str]:
    plain = [node.target for node in observed.nodes if not has_tls(node, Layer.HTTP)]
    if plain:
        yield (
            f"a token would travel in clear, and before 8.0 none is made, while {', '.join(plain)} speak plain HTTP: "
            "estui plan https first, then once more with --kibana-token"
        )
        return
    if asked_node(observed) is None:
        yield (
            "a token is made through the API by somebody who may manage security, and nobody is let in: give --user "
            "NAME --password-file FILE, or the workspace passphrase"
        )
    things: tuple[ObservedNode | ObservedKibana, ...] = (*observed.nodes, *instances)
    for each in things:
        if each.version is not None and each.version < TOKENS_SINCE:
            yield f"{each.target} is {each.version}, and tokens of service accounts begin with {TOKENS_SINCE}"


def asked_node(observed: Observed) -> ObservedNode | None:
    """The node through which tokens are made: one where somebody is logged in."""
    return next((node for node in observed.nodes if node.api.reachable and node.api.authenticated_as), None)


def token_changes(instance: ObservedKibana, observed: Observed) -> list[Change]:
    """A token in the keystore, and neither user name nor password beside it: Kibana starts with one of them only."""
    changes: list[Change] = []
    node = asked_node(observed)
    if not kibana.has_token(instance) and node is not None:
        why = "Kibana's server logs in as a service: nobody else has its token, and it has no password that people know"
        name = "estui-" + "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in instance.name)[:200]
        changes += [
            IssueToken(instance.target, node.target, ACCOUNT, name, why),
            SetSecureSetting(
                instance.target,
                kibana.KIBANA_KEYSTORE,
                kibana.TOKEN,
                f"token:{instance.target}",
                False,
                "kept out of the yml",
            ),
        ]
    for key in (kibana.USER, kibana.PASSWORD):
        why = "cannot stand beside a service account token"
        changes += kibana.dropped(instance, key, why)
        if key in instance.keystore.names:
            changes.append(RemoveSecureSetting(instance.target, kibana.KIBANA_KEYSTORE, key, why))
    return changes


# encryption keys


def missing_keys(instance: ObservedKibana) -> tuple[str, ...]:
    """Encryption keys that an instance makes up anew at each start."""
    held = dict(instance.shared)
    return tuple(name for name in ENCRYPTION_KEYS if name not in held)


def differing_keys(observed: Observed) -> Iterator[tuple[str, tuple[ObservedKibana, ...]]]:
    """Encryption keys of which instances have different ones, and who has one."""
    for name in ENCRYPTION_KEYS:
        owners = tuple(each for each in observed.kibana if dict(each.shared).get(name))
        if len({dict(each.shared)[name] for each in owners}) > 1:
            yield name, owners


def _key_refusals(observed: Observed, instances: tuple[ObservedKibana, ...]) -> Iterator[str]:
    for name, owners in differing_keys(observed):
        yield (
            f"{', '.join(each.target for each in owners)} have different values of {name}: give them one by hand first "
            "(what was encrypted with another one cannot be read any more)"
        )
    for name in ENCRYPTION_KEYS:
        held = [dict(each.shared).get(name) for each in observed.kibana]
        if "" in held and not any(held) and any(name in missing_keys(each) for each in instances):
            owner = observed.kibana[held.index("")]
            yield f"{owner.target} takes {name} from its environment, where estui cannot read it: set it likewise"


def key_changes(instance: ObservedKibana, observed: Observed) -> list[Change]:
    """What is missing, the same as the others have it; one that is there is never changed."""
    changes: list[Change] = []
    for name in missing_keys(instance):
        owner = next((each for each in observed.kibana if dict(each.shared).get(name)), None)
        why = f"the same as {owner.target} has" if owner else "new, the same on all instances: it outlives a restart"
        changes.append(SetSecureSetting(instance.target, kibana.KIBANA_KEYSTORE, name, f"shared:{name}", False, why))
    return changes


# further hosts


def is_master_only(node: ObservedNode) -> bool:
    """Whether a node has no other role than to be elected (`node.roles`; before 7.9 `node.data` and `node.ingest`)."""
    roles = node.settings.get("node.roles")
    if roles is not None:
        return bool(roles.items) and set(roles.items) <= _NO_DATA
    without = {role for role in ("master", "data", "ingest") if node.setting(f"node.{role}") == "false"}
    return without == {"data", "ingest"}


def _host_refusals(observed: Observed, wish: KibanaWish, instances: tuple[ObservedKibana, ...]) -> Iterator[str]:
    for name in wish.hosts:
        node = observed.node(name)
        if node is None:
            yield f"the inventory has no node {name}"
        elif is_master_only(node):
            yield f"{name} is a master-eligible node without another role, which no client should ask"
        elif node.http_address is None:
            yield f"{name}: its HTTP address cannot be told; write `http: HOST:PORT` into estui.yaml"
        elif node.http_address.host in LOOPBACK and not all(map(_is_local, instances)):
            yield f"{name} is known here by a loopback address only; write `http: HOST:PORT` into estui.yaml"
    for each in instances if wish.hosts else ():
        strange = [
            str(address_of_url(url) or "a host that cannot be read")  # not the URL, which may hold a login
            for url in kibana.urls(each)
            if not leads_to_nodes(url, observed)
        ]
        if strange:
            yield (
                f"{each.target} asks {', '.join(strange)}, which is no node of the inventory: a load balancer is left "
                "alone, and hosts beside it would go around it; leave out --kibana-hosts"
            )


def _is_local(instance: ObservedKibana) -> bool:
    """Whether an instance asks loopback addresses already, so that it runs where the nodes do."""
    return any(f"//{host}:" in url for url in kibana.urls(instance) for host in LOOPBACK)


def further_urls(observed: Observed, goal: Goal) -> tuple[str, ...]:
    """URLs of the nodes that were named as further hosts."""
    named = (observed.node(name) for name in wish_of(goal).hosts)
    return tuple(f"https://{node.http_address}" for node in named if node is not None and node.http_address)


# altogether


def changes(instance: ObservedKibana, observed: Observed, goal: Goal) -> list[Change]:
    """What one instance gets by wish, besides further hosts."""
    wish = wish_of(goal)
    return [
        *(token_changes(instance, observed) if wish.token else ()),
        *(key_changes(instance, observed) if wish.keys else ()),
    ]


def notes(observed: Observed, goal: Goal) -> list[str]:
    """What is left out or lost, and how to have it otherwise."""
    wish, found = wish_of(goal), []
    instances = kibana.touched(observed, goal)
    for each in instances if goal.scenario is Scenario.HTTPS and not wish.keys else ():
        lacking = missing_keys(each)
        unread = each.keystore.present and not each.keystore.opened
        if lacking and not unread:
            found.append(
                f"{each.target} has no {', '.join(lacking)}: with each restart people are logged out and what it "
                "encrypted is lost; --kibana-keys gives it what is missing"
            )
    left = [each.target for each in observed.kibana if each not in instances]
    if wish.keys and any(map(missing_keys, instances)):
        if left:
            found.append(f"{', '.join(left)} get no encryption keys from this plan, and need the same ones")
        found.append(
            "an undo takes new encryption keys away again, and what was encrypted with them cannot be read then"
        )
    return found
