"""Targets by name, by pattern or by tag: what `--only` means, everywhere.

An expression is the name of a target, a tag of its entry in `estui.yaml` (data center, role, zone), or a pattern of
either (`es-0*`). `zone-a+hot` has to be both, `^master` must not be it. Several expressions add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from estui.errors import UsageError
from estui.model.finding import Finding
from estui.model.goal import Goal
from estui.model.inventory import NodeEntry
from estui.model.observed import Observed

AND, NOT = "+", "^"
_OPERATORS = (AND, NOT, "*", "?")

Named = tuple[str, Sequence[str]]
"""A target and its tags."""


def named_targets(observed: Observed) -> list[Named]:
    """Every target of an observation with its tags; only nodes have some."""
    things = (*observed.things, *observed.beats)
    return [(each.target, each.entry.tags if isinstance(each.entry, NodeEntry) else ()) for each in things]


def select(targets: Iterable[Named], expressions: Sequence[str]) -> tuple[str, ...]:
    """The targets that the expressions mean, in the order in which they are there; all names without an expression
    stay out. A plain word that nothing matches stays as it is, for whoever knows further names.

    Raises UsageError: an expression with an operator or a pattern that nothing matches.
    """
    known = list(targets)
    found: set[str] = set()
    others: list[str] = []
    for expression in expressions:
        hits = [target for target, tags in known if _matches(target, tags, expression)]
        if not hits and any(sign in expression for sign in _OPERATORS):
            tags = ", ".join(sorted({tag for _, mine in known for tag in mine})) or "none"
            raise UsageError(f"nothing matches {expression}", hint=f"name targets or tags; the tags are: {tags}")
        found.update(hits)
        others += [] if hits else [expression]
    return (*(target for target, _ in known if target in found), *others)


def _matches(target: str, tags: Sequence[str], expression: str) -> bool:
    if expression == target:
        return True
    return all(_is(target, tags, term) for term in expression.split(AND))


def _is(target: str, tags: Sequence[str], term: str) -> bool:
    pattern = term.removeprefix(NOT)
    found = bool(pattern) and any(fnmatchcase(word, pattern) for word in (target, *tags))
    return found is not term.startswith(NOT)


def with_targets(observed: Observed, goal: Goal) -> Goal:
    """The goal with the names that its `only` means."""
    return replace(goal, only=select(named_targets(observed), goal.only)) if goal.only else goal


def require_known(targets: Iterable[str], known: Sequence[str]) -> None:
    """Raises UsageError naming those of the targets that are none."""
    unknown = [each for each in targets if each not in known]
    if unknown:
        raise UsageError(f"the inventory has no {', '.join(unknown)}", hint="estui status names the targets")


def of_targets(
    observed: Observed, findings: tuple[Finding, ...], expressions: Sequence[str]
) -> tuple[Observed, tuple[Finding, ...]]:
    """The observation without the targets that the expressions do not mean, and the findings about what is left.

    Raises UsageError: an expression that means nothing.
    """
    if not expressions:
        return observed, findings
    wanted = select(named_targets(observed), expressions)
    require_known(wanted, [target for target, _ in named_targets(observed)])
    left = replace(
        observed,
        nodes=tuple(each for each in observed.nodes if each.target in wanted),
        kibana=tuple(each for each in observed.kibana if each.target in wanted),
        beats=tuple(each for each in observed.beats if each.target in wanted),
    )
    return left, tuple(finding for finding in findings if finding.target in wanted)


def group_of(tags: Sequence[str], groups: Sequence[str]) -> int:
    """Place of the first of the ordered groups that a node has as a tag; behind all of them where it has none."""
    return next((place for place, group in enumerate(groups) if group in tags), len(groups))
