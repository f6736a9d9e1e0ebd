"""Steps of a run-book that belong to Beats: their users while somebody may make them, then files and restarts."""

from __future__ import annotations

from estui.model.plan import FirstLogin, GrantLogin, Plan, Restart, Stage
from estui.model.run import Step, StepKind

BEAT_GATE = "with its own files it trusts every host and is let in"
PREFIX = "beat/"


def is_beat(target: str) -> bool:
    """Whether a target is a Beat: `beat/NAME`."""
    return target.startswith(PREFIX)


def beat_stage(plan: Plan) -> Stage | None:
    """The stage of the Beats, if the plan has one."""
    return next((stage for stage in plan.stages if stage.restart is Restart.BEAT), None)


def grants_of(plan: Plan) -> tuple[GrantLogin, ...]:
    """Logins that a plan gives, in order."""
    return tuple(change for change in plan.changes if isinstance(change, GrantLogin))


def grant_steps(plan: Plan, login: FirstLogin) -> list[Step]:
    """While the temporary superuser is there, on its node."""
    users = tuple(dict.fromkeys(each.user for each in grants_of(plan)))
    if not users:
        return []
    title = f"make {', '.join(users)} with the least role"
    return [Step("grant", StepKind.GRANT, title, (login.target,), gate="each gets in and may what it needs")]


def beat_steps(stage: Stage, beats: tuple[str, ...]) -> list[Step]:
    """`beats` are those that get new files."""
    if not beats:
        return []
    commit = Step("commit beats", StepKind.COMMIT, "switch the files of the Beats", beats, stage.id, "as planned")
    return [commit, *(_restart(beat, stage.id) for beat in beats)]


def undo_steps(beats: tuple[str, ...], stage: str) -> list[Step]:
    """The old files come back, then the restarts."""
    if not beats:
        return []
    undo = Step("undo beats", StepKind.UNDO, "bring the old files of the Beats back", beats, stage)
    return [undo, *restart_steps(beats, stage)]


def restart_steps(beats: tuple[str, ...], stage: str) -> list[Step]:
    return [_restart(beat, stage) for beat in beats]


def _restart(beat: str, stage: str) -> Step:
    return Step(f"restart {beat}", StepKind.RESTART, f"restart {beat}", (beat,), stage, BEAT_GATE)
