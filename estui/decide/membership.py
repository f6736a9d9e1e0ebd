"""A node that leaves the cluster for good: when it may be taken out of the inventory, and what stays behind."""

from __future__ import annotations

from collections.abc import Iterable

from estui.decide import hosts
from estui.decide.issued import Fate, IssuedLeaf
from estui.decide.runbook import is_master_eligible
from estui.model.observed import Observed, ObservedNode


def exclude_words(name: str) -> str:
    """The call that moves every shard off a node. Source: cluster-level shard allocation filtering."""
    return (
        f'move its shards first: PUT _cluster/settings {{"persistent": '
        f'{{"cluster.routing.allocation.exclude._name": "{name}"}}}}'
    )


def seen_members(observed: Observed, node: ObservedNode) -> frozenset[str]:
    """Names of the cluster's nodes, as the others tell them; empty where nobody could be asked."""
    others = (other for other in observed.nodes if other is not node)
    return frozenset(member.name for other in others for member in other.api.members)


def removal_refusals(observed: Observed, node: ObservedNode, *, force: bool) -> list[str]:
    """Why a node may not be taken out of the inventory."""
    if len(observed.nodes) == 1:
        return [f"{node.target} is the only node of the inventory"]
    members = seen_members(observed, node)
    if node.name in members:
        return [
            f"{node.target} is a member of the cluster; take it out of the cluster first",
            exclude_words(node.name),
            "wait until GET _cat/shards names it no more, then stop it for good",
            *_majority_notes(observed, node, leaves=True),
        ]
    if not members and not force:
        return [
            f"no other node tells whether {node.target} is a member of the cluster: let them run, and let yourself ask "
            "(the passphrase, or --user); or give --force where it is gone for certain"
        ]
    return []


def _majority_notes(observed: Observed, node: ObservedNode, *, leaves: bool) -> list[str]:
    """Whether those that stay can still elect a master.

    Source: "Voting configurations", elections need more than half of the master-eligible nodes that vote.
    """
    eligible = [each for each in observed.nodes if is_master_eligible(each)]
    if node not in eligible:
        return []
    members = seen_members(observed, node)
    left = [each for each in eligible if each is not node and (not members or each.name in members)]
    needed = len(eligible) // 2 + 1
    if len(left) >= needed:
        return []
    words = (
        f"of {len(eligible)} master-eligible nodes {len(left)} would be left, and {needed} are needed to elect a master"
    )
    if leaves:
        words += f": before you stop it, POST _cluster/voting_config_exclusions?node_names={node.name}"
    return [words]


def removal_notes(observed: Observed, node: ObservedNode, leaves: Iterable[IssuedLeaf]) -> list[str]:
    """What the operator should know about a node that goes: who votes, who still names it, what it can still prove."""
    found = _majority_notes(observed, node, leaves=False)
    found += _still_named(observed, node)
    valid = outstanding(node, leaves)
    if valid:
        end = max(leaf.not_after for leaf in valid)
        found.append(
            f"its certificates stay valid until {end:%Y-%m-%d}, and the nodes go on trusting them: destroy the keys in "
            f"{node.entry.config}/{observed.inventory.folder}"
        )
        found.append(
            "where you cannot be sure of them, only a new CA makes them worthless: estui ca rollover start "
            f"{' '.join(_families(valid))} --leaked"
        )
    return found


def _families(leaves: Iterable[IssuedLeaf]) -> list[str]:
    """CAs of these leaves, by the sets that they were issued for."""
    return sorted({leaf.set_name for leaf in leaves})


def outstanding(node: ObservedNode, leaves: Iterable[IssuedLeaf]) -> tuple[IssuedLeaf, ...]:
    """Leaves that were issued for a node and are valid still, wherever they are."""
    return tuple(leaf for leaf in leaves if leaf.target == node.target and leaf.fate is not Fate.EXPIRED)


def _still_named(observed: Observed, node: ObservedNode) -> list[str]:
    """Kibana instances, Beats and nodes whose yml names it."""
    addresses = hosts.known_hosts(node, observed)
    found = [
        f"{owner} still names {node.target} in its Elasticsearch hosts"
        for owner, urls in hosts.client_settings(observed)
        if any(hosts.address_of_url(url) in addresses for url in urls)
    ]
    transport = str(node.transport_address or "")
    for other in observed.nodes:
        seeds = other.settings.get("discovery.seed_hosts")
        if other is not node and seeds and transport and transport in seeds.items:
            found.append(f"{other.target} still names {node.target} in discovery.seed_hosts")
    return found
