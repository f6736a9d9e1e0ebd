"""A node joins a secured cluster, or leaves it for good: the inventory, the plan, and what is left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from estui.act import inventory as entries
from estui.act import lock
from estui.decide import joining, membership
from estui.decide.issued import IssuedLeaf
from estui.engine import Engine
from estui.engine.ca import issued
from estui.engine.csr import Exported, Wish, export_requests
from estui.errors import PlanError, UsageError
from estui.model.inventory import NodeEntry, StoreFormat
from estui.model.observed import Observed, ObservedNode
from estui.model.plan import Plan


@dataclass(frozen=True)
class Addition:
    """A new entry of the inventory, and how its node becomes a member."""

    entry: NodeEntry
    name: str
    observed: Observed
    """The cluster with the new node."""
    plan: Plan | None
    """None where the node is a member already: its entry is all that lacks."""


def look(engine: Engine, entry: NodeEntry, store: StoreFormat | None = None) -> Addition:
    """The cluster as it would be with one more node, and the plan of its joining; in the format of the others' files
    unless `store` says otherwise. Writes nothing.

    Raises UsageError (the folder is in the inventory already), PlanError with every reason against it, WaitingError
    (a run is unfinished).
    """
    observed, node = _candidate(engine, entry)
    same = [each for each in observed.nodes if each.name == node.name]
    if len(same) == 1 and node.api.name in ("", node.name) and _is_member(node, observed):
        return Addition(entry, node.name, observed, None)
    goal = joining.join_goal(observed, node.target)
    plan = engine.plan(observed, replace(goal, format=store or goal.format))
    return Addition(entry, node.name, observed, plan)


def _candidate(engine: Engine, entry: NodeEntry) -> tuple[Observed, ObservedNode]:
    """The cluster with a node that is not in the inventory, and that node."""
    engine.refuse_unfinished()
    inventory = engine.inventory()
    if entry.config in {node.config for node in inventory.nodes}:
        raise UsageError(f"{entry.config} is in estui.yaml already", hint="estui status")
    observed = engine.observe(inventory=replace(inventory, nodes=(*inventory.nodes, entry)))
    node = next(each for each in observed.nodes if each.entry is entry)
    if node.problems:
        found = tuple(f"{each.summary} ({each.hint})" for each in node.problems)
        raise PlanError(f"{entry.config} cannot be used", reasons=found, hint="mend what is listed")
    if not node.name:
        raise UsageError(f"{entry.config}: node.name is not set in its elasticsearch.yml", hint="give --name NAME")
    return observed, node


def request_leaves(engine: Engine, entry: NodeEntry, to: Path) -> Exported:
    """Requests for the leaves that a CA of others has to sign before the node can join; `estui.yaml` stays as it is.

    Raises UsageError: no layer of the cluster has such a CA; and what `look` and `export_requests` raise.
    """
    observed, node = _candidate(engine, entry)
    goal = joining.join_goal(observed, node.target)
    layers = joining.external_layers(joining.members_of(observed, goal), goal)
    if not layers:
        raise UsageError("no layer of this cluster has a CA of others: nothing has to be asked for", hint="node add")
    layer = next(iter(layers)) if len(layers) == 1 else None
    return export_requests(engine, observed, Wish((node.target,), layer), to)


def _is_member(node: ObservedNode, observed: Observed) -> bool:
    """Whether the others list it, at the address that its own folder tells: a name alone could be a coincidence."""
    if not joining.is_member(node, observed):
        return False
    return node.api.cluster_uuid in ("", observed.cluster_uuid)


@contextlib.contextmanager
def recorded(engine: Engine, addition: Addition) -> Iterator[None]:
    """Writes the entry; takes it out again where what follows fails and leaves no run that goes on with it."""
    with lock.workspace_lock(engine.path, "node add"):
        engine.refuse_unfinished()
        entries.add_node(engine.workspace, addition.entry)
    try:
        yield
    except BaseException:
        # also for Ctrl-C at a question: an entry without a run would be planned for as if it were a member
        if engine.unfinished() is None:
            with lock.workspace_lock(engine.path, "node add"):
                entries.drop_node(engine.workspace, addition.entry.config)
        raise


@dataclass(frozen=True)
class Removal:
    """A node that is to be taken out of the inventory, and what stays behind."""

    name: str
    config: str
    outstanding: tuple[IssuedLeaf, ...]
    """Certificates that it got and that are valid still."""
    notes: tuple[str, ...]


def look_at_removal(engine: Engine, name: str, *, force: bool = False) -> Removal:
    """What removing a node would mean. Writes nothing.

    Raises UsageError (no such node), PlanError (it is a member still, or nobody can tell), WaitingError.
    """
    engine.refuse_unfinished()
    observed = engine.observe()
    node = next((each for each in observed.nodes if name in (each.target, each.entry.config)), None)
    if node is None:
        known = ", ".join(each.target for each in observed.nodes)
        raise UsageError(f"the inventory has no node {name} (it has: {known})", hint="estui status")
    reasons = membership.removal_refusals(observed, node, force=force)
    if reasons:
        raise PlanError(f"{node.target} stays in estui.yaml", reasons=tuple(reasons), hint="then try again")
    leaves = [leaf for each in engine.authorities() for leaf in issued(engine, each.name, observed)]
    mine = membership.outstanding(node, leaves)
    return Removal(node.target, node.entry.config, mine, tuple(membership.removal_notes(observed, node, leaves)))


def remove(engine: Engine, removal: Removal) -> None:
    """Takes the entry out of `estui.yaml`; nothing else changes."""
    with lock.workspace_lock(engine.path, "node remove"):
        engine.refuse_unfinished()
        entries.drop_node(engine.workspace, removal.config)


def folder_of(text: str) -> str:
    """A configuration folder as the inventory has it: absolute, links of mounts not followed."""
    return str(Path(text).expanduser().absolute())
