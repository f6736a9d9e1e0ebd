"""Runs as the workspace holds them: opened, told from their journals, ended."""

from __future__ import annotations

from estui.act.fs import Fs
from estui.act.journal import RUNS, Clock, Journal, run_ids, utc_now
from estui.errors import StoreError
from estui.formats.wire import decode, parse_plan
from estui.model.plan import Plan
from estui.model.run import Evidence, RunPhase, RunState, Step, StepRecord, StepState

PLAN = "plan.json"
REPORT = "report.json"


def read_plan(fs: Fs, workspace: str, run: str) -> Plan | None:
    """The plan of a run, or None where the run never got so far."""
    path = f"{RUNS}/{run}/{PLAN}"
    state = fs.read(workspace, path)
    return parse_plan(state.content, f"{workspace}/{path}") if state.exists else None


def read_run(fs: Fs, workspace: str, run: str, clock: Clock = utc_now) -> RunState:
    """A run as its journal tells it."""
    journal = Journal(fs, workspace, run, clock)
    plan = read_plan(fs, workspace, run)
    begin = next(iter(journal.find("begin")), None)
    ended = next(iter(reversed(journal.find("ended"))), None)
    return RunState(
        id=run,
        kind=begin.text("kind") if begin else "apply",
        phase=phase_of(journal),
        records=tuple(step_record(journal, step) for step in (plan.steps if plan else ())),
        started=begin.at if begin else "",
        ended=ended.at if ended else "",
        detail=ended.text("detail") if ended else "",
        undoes=begin.text("undoes") if begin else "",
    )


def phase_of(journal: Journal) -> RunPhase:
    """Done, rolled back, waiting for a next step, or cut short in the middle of an act."""
    ended = journal.find("ended")
    if ended:
        return RunPhase(ended[-1].text("phase"))
    if not journal.has("materialised"):
        return RunPhase.PREPARING
    begun = [f"{record.text('stage')}/{record.text('target')}" for record in journal.find("committing")]
    done = {f"{record.text('stage')}/{record.text('target')}" for record in journal.find("committed")}
    return RunPhase.INTERRUPTED if any(each not in done for each in begun) else RunPhase.WAITING


def step_record(journal: Journal, step: Step) -> StepRecord:
    """State of a step: its last record."""
    records = [record for record in journal.find("step") if record.text("step") == step.id]
    if not records:
        return StepRecord(step, StepState.WAITING)
    last = records[-1]
    evidence = last.fields.get("evidence")
    try:
        seen = tuple(decode(Evidence, each, journal.path) for each in (evidence if isinstance(evidence, list) else ()))
    except StoreError:
        seen = ()
    return StepRecord(step, StepState(last.text("state")), seen, last.text("detail"))


def read_runs(fs: Fs, workspace: str) -> tuple[RunState, ...]:
    """All runs, oldest first."""
    return tuple(read_run(fs, workspace, run) for run in run_ids(fs, workspace))


def unfinished(fs: Fs, workspace: str) -> RunState | None:
    """The run that has to be finished or undone before another one may change anything."""
    for run in reversed(run_ids(fs, workspace)):
        state = read_run(fs, workspace, run)
        if state.unfinished:
            return state
    return None
