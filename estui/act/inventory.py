"""Nodes written into `estui.yaml` and taken out again, with every other byte, owner and mode as they were.

What an entry looks like in the text is `formats/inventory_edit.py`'s. The workspace's lock must be held.
"""

from __future__ import annotations

from estui.act.context import Context
from estui.act.fs import Owner, temporary_name
from estui.act.workspace import INVENTORY, Workspace
from estui.decide.join_steps import leaving
from estui.errors import ApplyError, Location
from estui.formats.inventory import parse_inventory
from estui.formats.inventory_edit import with_node, without_node
from estui.model.inventory import NodeEntry
from estui.model.observed import FileKind
from estui.model.run import RunPhase


def add_node(workspace: Workspace, entry: NodeEntry) -> None:
    """One more entry. Raises SettingsError or ApplyError: it cannot be written there."""
    path = f"{workspace.path}/{INVENTORY}"
    content = workspace.fs.read(workspace.path, INVENTORY).content
    _write(workspace, with_node(content, entry, path, workspace.path))
    workspace.audit("node added", config=entry.config)


def drop_node(workspace: Workspace, config: str) -> bool:
    """Takes the entry of a folder out; False where it is not there. Raises as `add_node`."""
    path = f"{workspace.path}/{INVENTORY}"
    content = workspace.fs.read(workspace.path, INVENTORY).content
    if config not in {node.config for node in parse_inventory(content, path, workspace.path).nodes}:
        return False
    _write(workspace, without_node(content, config, path, workspace.path))
    workspace.audit("node removed", config=config)
    return True


def _write(workspace: Workspace, content: bytes) -> None:
    state = workspace.fs.read(workspace.path, INVENTORY)
    if state.kind is not FileKind.FILE:
        raise ApplyError(
            f"is a {state.kind.value}, and would be replaced by a file",
            location=Location(f"{workspace.path}/{INVENTORY}"),
            hint="change the list of nodes by hand",
        )
    temporary = temporary_name(INVENTORY)
    workspace.fs.remove(workspace.path, temporary)
    workspace.fs.create(workspace.path, temporary, content, state.mode, Owner(state.uid, state.gid))
    workspace.fs.rename(workspace.path, temporary, INVENTORY)


def settle_inventory(context: Context, phase: RunPhase) -> None:
    """At the end of a run: a node whose join was taken back, or never began, goes from the inventory; idempotent."""
    plan = context.plan
    never = phase is RunPhase.ROLLED_BACK and not context.journal.has("undoes")
    left = plan.goal.joins if never else leaving(plan) if phase is RunPhase.DONE else ()
    for place in plan.places:
        if place.target in left:
            drop_node(context.workspace, place.root)
