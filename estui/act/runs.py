"""Runs as the workspace holds them: opened, told from their journals, ended."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import replace

from estui.act.commit import open_announcements
from estui.act.context import Context
from estui.act.fs import Fs, Owner
from estui.act.journal import (
    BEGIN,
    JOURNAL_FORMAT,
    RUNS,
    Clock,
    Journal,
    make_run_folder,
    next_number,
    run_ids,
    utc_now,
)
from estui.errors import StoreError, UsageError
from estui.formats.wire import decode, parse_plan, plan_bytes
from estui.model.plan import Plan, Restart
from estui.model.run import Evidence, RunPhase, RunState, Step, StepRecord, StepState

PLAN = "plan.json"
REPORT, REPORT_MARKDOWN = "report.json", "report.md"


def begin_run(context: Context, kind: str, undoes: str = "") -> None:
    """The first record of a run, after its plan: from here on it is one. The workspace's lock must be held."""
    fs, workspace, run = context.fs, context.workspace.path, context.run
    number = next_number(fs, workspace)
    make_run_folder(fs, workspace, run)
    fs.create(workspace, f"{RUNS}/{run}/{PLAN}", plan_bytes(context.plan), 0o600, Owner())
    context.journal.write(
        BEGIN,
        format=JOURNAL_FORMAT,
        number=number,
        kind=kind,
        undoes=undoes,
        cluster=context.plan.cluster,
        plain_http=context.plain_http,
    )


def read_plan(fs: Fs, workspace: str, run: str) -> Plan | None:
    """The plan of a run, or None where the run never got so far."""
    path = f"{RUNS}/{run}/{PLAN}"
    state = fs.read(workspace, path)
    return _parsed(state.content, f"{workspace}/{path}") if state.exists else None


_parsed = functools.lru_cache(maxsize=64)(parse_plan)
"""A run's plan never changes, and every look at all runs needs each of them."""


def read_run(fs: Fs, workspace: str, run: str, clock: Clock = utc_now) -> RunState:
    """A run as its journal tells it."""
    journal = Journal(fs, workspace, run, clock)
    begin = next(iter(journal.find(BEGIN)), None)
    # without its first record a run was cut short before it was one, and its plan may be half written
    plan = read_plan(fs, workspace, run) if begin else None
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
    if not journal.has(BEGIN):
        return RunPhase.ABANDONED  # cut short before it was one: nothing was touched
    if not journal.has("materialised") or journal.has("discarding"):
        return RunPhase.PREPARING
    return RunPhase.INTERRUPTED if open_announcements(journal) else RunPhase.WAITING


def step_record(journal: Journal, step: Step) -> StepRecord:
    """State of a step: its last record."""
    last = journal.latest("step", "step").get(step.id)
    if last is None:
        return StepRecord(step, StepState.WAITING)
    evidence = last.fields.get("evidence")
    try:
        seen = tuple(decode(Evidence, each, journal.path) for each in (evidence if isinstance(evidence, list) else ()))
    except StoreError:
        seen = ()
    return StepRecord(step, StepState(last.text("state")), seen, last.text("detail"))


def read_runs(fs: Fs, workspace: str) -> tuple[RunState, ...]:
    """All runs, oldest first."""
    return with_undone([read_run(fs, workspace, run) for run in run_ids(fs, workspace)])


def with_undone(runs: Sequence[RunState]) -> tuple[RunState, ...]:
    """Runs, where an unfinished one that another run has undone meanwhile counts as ended."""
    undone = {run.undoes for run in runs if run.undoes and run.phase is RunPhase.DONE}
    return tuple(
        replace(run, phase=RunPhase.ROLLED_BACK) if run.unfinished and run.id in undone else run for run in runs
    )


def unfinished(fs: Fs, workspace: str) -> RunState | None:
    """The run that has to be finished or undone before another one may change anything."""
    return next((run for run in reversed(read_runs(fs, workspace)) if run.unfinished), None)


def in_effect(runs: Sequence[RunState]) -> tuple[RunState, ...]:
    """Runs that ended well and that no later run has undone, oldest first. Undoing an undo brings a run back."""
    undone: set[str] = set()
    kept: list[RunState] = []
    for run in reversed(runs):
        if run.phase is RunPhase.DONE and run.id not in undone:
            kept.append(run)
            if run.undoes:
                undone.add(run.undoes)
    return tuple(reversed(kept))


def refuse_before_join(fs: Fs, workspace: str, state: RunState, folders: Collection[str]) -> None:
    """Raises UsageError where undoing a run would cut off a node that joined since: it has what the run brought.

    `folders` are those of the inventory's nodes: who was removed since is not cut off.
    """
    plan = read_plan(fs, workspace, state.id)
    if plan is None or not (plan.restart is Restart.FULL or plan.goal.rollover):
        return
    runs = in_effect(read_runs(fs, workspace))
    later = (run for run in runs if run.kind == "apply" and run.id > state.id)
    for run in later:
        joined = read_plan(fs, workspace, run.id)
        names = ", ".join(place.target for place in joined.places if place.root in folders) if joined else ""
        if joined is not None and joined.goal.joins and names:
            raise UsageError(
                f"{names} joined the cluster since, and would be cut off", hint=f"first: estui rollback {run.id}"
            )
