"""`estui apply`, `runbook`, `rollback`, `recover`, `history`: everything that walks or shows a run."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from estui import present
from estui.cli.commands.plan import goal_of
from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import confirm, confirm_commands, narrate, open_session, require_passphrase
from estui.engine import Engine, Options, rotation_goal
from estui.engine import history as past
from estui.errors import Location, UsageError
from estui.formats.wire import parse_plan
from estui.model.goal import Rotation, Scenario
from estui.model.plan import Plan

if TYPE_CHECKING:
    from estui.model.observed import Observed
    from estui.model.run import RunState


def run(options: argparse.Namespace) -> int:
    """One of the commands of this family."""
    command = {
        "apply": apply,
        "rotate": rotate,
        "runbook": runbook,
        "rollback": rollback,
        "recover": recover,
        "history": history,
    }
    return command[options.action](open_session(options), options)


def run_options(options: argparse.Namespace) -> Options:
    return Options(
        run_commands=options.restart,
        write_now=getattr(options, "write_now", False),
        take_over=options.take_over,
        wait_s=options.wait,
    )


def _plan(engine: Engine, options: argparse.Namespace, observed: Observed) -> Plan:
    if options.what in {scenario.value for scenario in Scenario}:
        return engine.plan(observed, goal_of(options, options.what))
    path = Path(options.what)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}",
            location=Location(options.what),
            hint="name a saved plan, or one of minimal, basic, https",
        ) from error
    return parse_plan(content, options.what)


def apply(engine: Engine, options: argparse.Namespace) -> int:
    """Shows the review, asks, materialises, walks."""
    observed = engine.observe()
    return carry_out(engine, options, observed, _plan(engine, options, observed))


def rotate(engine: Engine, options: argparse.Namespace) -> int:
    """New leaves for the targets named, for all, or for what is due; nothing due is success."""
    if not options.targets and not options.all and not options.due:
        raise UsageError("which certificates?", hint="name targets, or give --all or --due")
    observed = engine.observe()
    sets = (options.layer,) if options.layer else ()
    goal = rotation_goal(observed, tuple(options.targets), Rotation(options.due, sets, options.fresh_names))
    return carry_out(engine, options, observed, engine.plan(observed, goal))


def carry_out(engine: Engine, options: argparse.Namespace, observed: Observed, plan: Plan) -> int:
    """Review, question, apply: what every command that makes a plan does with it."""
    review = engine.review(plan, observed)
    if plan.is_empty:
        say(present.plan_summary(plan, review))
        return Exit.DONE
    if not options.yes:
        show(present.review_lines(plan, review), sys.stderr)
        if not confirm(f"Apply this to {plan.cluster}?", "--yes, after reading the review of `estui plan`"):
            say("nothing was changed")
            return Exit.PENDING
    if options.restart:
        confirm_commands(engine, by_option=True)
    if engine.needs_passphrase(plan):
        require_passphrase(engine)
    return finish(engine.apply(plan, narrate, run_options(options)), options)


def finish(state: RunState, options: argparse.Namespace) -> int:
    """Where a run stands, as result and exit code."""
    if options.json:
        show_json(state)
    else:
        show(present.run_lines(state, glyphs(sys.stdout), evidence=False))
    return Exit.PENDING if state.unfinished else Exit.DONE


def runbook(engine: Engine, options: argparse.Namespace) -> int:
    """Shows the steps, does the next one, or goes on as far as possible."""
    if options.verb == "show":
        return _show_run(engine, options)
    if options.restart:
        confirm_commands(engine, by_option=True)
    state = engine.unfinished()
    if state is not None and engine.needs_passphrase(engine.run_plan(state.id)):
        require_passphrase(engine)
    return finish(engine.resume(narrate, run_options(options), only_next=options.verb == "next"), options)


def _show_run(engine: Engine, options: argparse.Namespace) -> int:
    runs = engine.runs()
    state = engine.unfinished() or (runs[-1] if runs else None)
    if state is None:
        raise UsageError("there was no run yet", hint="estui apply SCENARIO begins one")
    if options.json:
        show_json(state)
    else:
        show(present.run_lines(state, glyphs(sys.stdout)))
    if state.unfinished:
        say(f"hint: {present.PHASE_HINTS[state.phase]}")
    return Exit.PENDING if state.unfinished else Exit.DONE


def rollback(engine: Engine, options: argparse.Namespace) -> int:
    """Shows the steps back, asks, undoes."""
    plan = engine.rollback_preview(options.run)
    if not options.yes:
        show([*present.outage_lines(plan), *present.plan_steps(plan)], sys.stderr)
        if not confirm(f"Undo it on {plan.cluster}?", "--yes"):
            say("nothing was changed")
            return Exit.PENDING
    if options.restart:
        confirm_commands(engine, by_option=True)
    return finish(engine.rollback(options.run, narrate, run_options(options), options.force), options)


def recover(engine: Engine, options: argparse.Namespace) -> int:
    """Shows an unfinished run, or finishes or undoes the act it was cut short in."""
    if options.force and not options.undo:
        raise UsageError("--force overwrites files of others, which only an undo does", hint="estui recover --undo")
    state = engine.unfinished()
    if state is None:
        say("no run was cut short")
        return Exit.DONE
    if not options.complete and not options.undo:
        show(present.run_lines(state, glyphs(sys.stdout)))
        say(f"hint: {present.PHASE_HINTS[state.phase]}")
        return Exit.PENDING
    if options.restart:
        confirm_commands(engine, by_option=True)
    state = engine.recover(complete=options.complete, emit=narrate, options=run_options(options), force=options.force)
    return finish(state, options)


def history(engine: Engine, options: argparse.Namespace) -> int:
    """Past runs, oldest first; or old ones removed, which cannot be undone afterwards."""
    if options.verb == "prune":
        return _prune(engine, options)
    runs = engine.runs()
    if options.json:
        show_json(runs)
        return Exit.DONE
    for state in runs:
        title, *_ = present.run_lines(state, glyphs(sys.stdout), evidence=False)
        show([title])
    return Exit.DONE


def _prune(engine: Engine, options: argparse.Namespace) -> int:
    going = past.prunable(engine, keep=options.keep, older_than=timedelta(days=options.days))
    if not going:
        say("no run is old enough to go")
        return Exit.DONE
    if not options.yes:
        for state in going:
            say(f"  {state.id} ({state.kind}, {state.phase.value})")
        question = f"Remove {present.count(len(going), 'run')} and the replaced files that only they keep?"
        if not confirm(question, "--yes"):
            say("nothing was removed")
            return Exit.PENDING
    pruned = past.prune_runs(engine, going)
    if options.json:
        show_json(pruned)
    else:
        for run_id in pruned.runs:
            print(run_id)
        say(f"removed {present.count(len(pruned.runs), 'run')} and {present.count(pruned.files, 'file')} on the nodes")
    for skipped in pruned.skipped:
        say(f"left: {skipped}")
    return Exit.FAILED if pruned.skipped else Exit.DONE
