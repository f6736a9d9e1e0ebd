"""Secure settings on an opened workspace: side by side, and changed on many nodes at once as a reviewed plan."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from estui.decide import secure_settings as rules
from estui.decide.selection import named_targets, select, with_targets
from estui.engine import Engine
from estui.errors import UsageError
from estui.model.goal import SecureEdit
from estui.model.observed import Observed
from estui.model.plan import Plan
from estui.model.secure import SecureTable
from estui.observe.cluster import observe
from estui.secret import Secret

SALT = 32


def look(engine: Engine, only: Sequence[str] = ()) -> SecureTable:
    """The entries of all keystores. Their fingerprints are salted anew, and compare with those of no other look.

    UsageError: a node of `only` that is none.
    """
    access = engine._access()
    observed = observe(
        engine.inventory(),
        digest_key=secrets.token_bytes(SALT),
        keystore_password=access.keystore_password,
        network=False,
    )
    only = select(named_targets(observed), only)
    unknown = [name for name in only if name not in {node.target for node in observed.nodes}]
    if unknown:
        raise UsageError(f"the inventory has no node {unknown[0]}", hint="estui status names them")
    nodes = tuple(node for node in observed.nodes if not only or node.target in only)
    return rules.secure_table(replace(observed, nodes=nodes))


def plan_secure(engine: Engine, observed: Observed, edit: SecureEdit, only: Sequence[str] = ()) -> Plan:
    """The plan of a change. PlanError with every reason against it."""
    goal = with_targets(observed, rules.secure_goal(observed, edit, tuple(only)))
    if engine.expect_nodes:
        goal = replace(goal, expect_nodes=engine.expect_nodes)
    return rules.secure_plan(observed, goal, workspace=engine.workspace_id())


def give(engine: Engine, values: Mapping[str, bytes], new_password: Secret | None = None) -> None:
    """What the next plan writes: values by name, or the new password of the files."""
    engine.access = replace(engine.access, values=dict(values), new_keystore_password=new_password)
