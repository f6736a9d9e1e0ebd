"""A rung of the ladder before it is chosen."""

from __future__ import annotations

from dataclasses import dataclass

from estui.model.goal import Scenario
from estui.model.plan import Plan


@dataclass(frozen=True)
class ScenarioPreview:
    """A rung of the ladder as the scenario pane shows it, before anything is chosen."""

    scenario: Scenario
    here: bool
    """The cluster stands on this rung."""
    refusals: tuple[str, ...]
    plan: Plan | None
    """What choosing it would do; None where it is refused. An empty plan means that it is reached."""
