"""The steps of changed secure settings: read again under running nodes, or at their restart, one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from estui.model.plan import Plan, Restart
from estui.model.run import Step, StepKind

_RESTARTED = "its process was started anew"


def secure_steps(plan: Plan, steps: Iterable[Step], nodes: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps of a run-book, or of its undo, in the words of secure settings; with a reload by `nodes` where they
    take the change up while they run."""
    if plan.goal.secure is None:
        return tuple(steps)
    found: list[Step] = []
    for step in steps:
        if step.kind is StepKind.VERIFY and plan.restart is Restart.NONE:
            gate = "each node reads them without a complaint"
            found.append(Step("reload", StepKind.RELOAD, "read the secure settings again", nodes, gate=gate))
        found.append(_worded(step))
    return tuple(found)


def _worded(step: Step) -> Step:
    match step.kind:
        case StepKind.PREPARE:
            return replace(step, title="make the files beside the old ones")
        case StepKind.COMMIT:
            return replace(step, title="switch elasticsearch.keystore", gate="every file as planned")
        case StepKind.RESTART:
            return replace(step, gate=_RESTARTED)
        case _:
            return step
