"""Steps of a run-book that belong to Beats: their users while somebody may make them, then files and restarts."""

from __future__ import annotations

from estui.decide.beats_rights import API_KEY, USER
from estui.decide.rung import SECURITY
from estui.model.plan import FirstLogin, GrantLogin, IssueKey, Plan, RemoveSetting, Restart, SetSetting, Stage
from estui.model.run import Step, StepKind

BEAT_GATE = "with its own files it trusts every host and is let in"
OUTSIDE = "restarted; it was not let in before, and is not now"
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


def strangers(plan: Plan) -> frozenset[str]:
    """Beats that got their first login of a plan on a cluster that had users already: with their files of before they
    are not let in, so that an undo leaves them outside again."""
    if any(isinstance(each, SetSetting) and each.key == SECURITY for each in plan.changes):
        return frozenset()
    had = {each.target for each in plan.changes if isinstance(each, RemoveSetting) and each.key in (USER, API_KEY)}
    got = {each.target for each in plan.changes if isinstance(each, GrantLogin | IssueKey)}
    return frozenset(got - had)


def unproven(plan: Plan) -> frozenset[str]:
    """Beats that a plan writes files of and does not prove: those that its undo leaves outside."""
    proven = {target for step in plan.steps if step.kind is StepKind.VERIFY for target in step.targets}
    written = {place.target for place in plan.places if is_beat(place.target)}
    return frozenset(written - proven) if proven else frozenset()


def undo_steps(beats: tuple[str, ...], stage: str, outside: frozenset[str] = frozenset()) -> list[Step]:
    """The old files come back, then the restarts; nothing is waited for of those that are `outside` then."""
    if not beats:
        return []
    title = "bring the old files of the Beats back"
    undo = Step("undo beats", StepKind.UNDO, title, beats, stage, "every file as before")
    return [undo, *restart_steps(beats, stage, outside)]


def restart_steps(beats: tuple[str, ...], stage: str, outside: frozenset[str] = frozenset()) -> list[Step]:
    return [_restart(beat, stage, OUTSIDE if beat in outside else BEAT_GATE) for beat in beats]


def _restart(beat: str, stage: str, gate: str = BEAT_GATE) -> Step:
    return Step(f"restart {beat}", StepKind.RESTART, f"restart {beat}", (beat,), stage, gate)
