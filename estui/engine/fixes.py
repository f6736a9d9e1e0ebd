"""Fixes of findings on an opened workspace: from a rule to a reviewed plan, and the secrets that it moves."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

from estui.decide import fixes
from estui.decide.findings.registry import RULES
from estui.engine import Engine
from estui.errors import UsageError
from estui.model.observed import Observed
from estui.model.plan import Plan


def parse_fixes(texts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """`RULE` or `RULE@TARGET`, each of the same rule: the rule, and the targets, none for all.

    UsageError: no such rule, or several rules.
    """
    parts = [text.partition("@") for text in texts]
    rules = list(dict.fromkeys(rule for rule, _, _ in parts))
    for rule in rules:
        if rule not in RULES:
            near = difflib.get_close_matches(rule, RULES, 1)
            hint = f"did you mean {near[0]}?" if near else "estui doctor --rules lists them"
            raise UsageError(f"there is no rule {rule}", hint=hint)
    if len(rules) != 1:
        raise UsageError("one rule at a time, so that each fix is reviewed and undone by itself", hint=rules[0])
    if any(not at for _, at, _ in parts):
        return rules[0], ()
    return rules[0], tuple(dict.fromkeys(target for _, _, target in parts))


def plan_fix(engine: Engine, observed: Observed, rule: str, only: Sequence[str] = ()) -> Plan:
    """The plan of a fix. UsageError for a rule that has none; PlanError with every reason against it."""
    if rule not in fixes.FIXABLE:
        command = fixes.command_of_rule(rule)
        hint = f"{command} puts it right" if command else f"estui doctor --explain {rule} tells what to do"
        raise UsageError(f"{rule} is not put right by a few sure edits", hint=hint)
    goal = fixes.fix_goal(observed, rule, tuple(only))
    if engine.expect_nodes:
        goal = replace(goal, expect_nodes=engine.expect_nodes)
    findings = engine.findings(observed)
    return fixes.fix_plan(observed, goal, findings, workspace=engine.workspace_id())


def give(engine: Engine, observed: Observed, plan: Plan) -> None:
    """What the plan moves out of ymls, for whoever writes the keystores."""
    engine.access = replace(engine.access, values=fixes.clear_values(observed, plan))
