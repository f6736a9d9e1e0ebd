"""A run-book without a network: its gates hold by themselves."""

from __future__ import annotations

import pytest

from estui.act.steps import Steps
from estui.model.run import StepKind

DONE_BY_ITSELF = (
    StepKind.VERIFY,
    StepKind.RESTART,
    StepKind.START,
    StepKind.STOP,
    StepKind.CLUSTER,
    StepKind.ALLOCATION_OFF,
    StepKind.ALLOCATION_ON,
    StepKind.FIRST_LOGIN,
    StepKind.PASSWORDS,
    StepKind.REMOVE_LOGIN,
)


def go_offline(patch: pytest.MonkeyPatch) -> None:
    """Steps that would ask a node do nothing; those that write files are the real ones."""
    real = Steps.do

    def do(self: Steps, step: object) -> None:
        if getattr(step, "kind", None) not in DONE_BY_ITSELF:
            real(self, step)  # type: ignore[arg-type]

    patch.setattr(Steps, "do", do)
