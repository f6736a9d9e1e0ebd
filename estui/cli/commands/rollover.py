"""`estui ca rollover`: a new CA in phases, from the first trust to the last restart, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from estui.cli.commands.filing import print_way_back, wants_runbook
from estui.cli.commands.run import carry_out, finish, run_options
from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import confirm, confirm_commands, narrate, open_session
from estui.engine import Engine, rollover
from estui.errors import UsageError
from estui.model.goal import Goal
from estui.model.observed import Observed
from estui.present.rollover import rollover_lines, rollover_title, undo_lines


def run(options: argparse.Namespace) -> int:
    """`start`, `status`, `next`, `tick` or `abort`."""
    engine = open_session(options)
    verb = {"start": _start, "status": _status, "next": _next, "tick": _tick, "abort": _abort}[options.verb]
    return verb(engine, options)


def _start(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    if options.ca_file:
        observed = _bring_in(engine, observed, options)
    goal = rollover.start_goal(engine, observed, options.names, leaked=options.leaked, to=options.to or "")
    code = _phase(engine, options, observed, goal)
    if code is Exit.DONE and options.leaked:
        return _all_phases(engine, options)
    return _then(engine, code)


def _bring_in(engine: Engine, observed: Observed, options: argparse.Namespace) -> Observed:
    """The CA that follows, out of a file; it is trusted by nobody before the first phase is applied."""
    if not options.to:
        raise UsageError("what is the CA in that file to be called?", hint="--to NAME, such as --to corporate")
    keep = not wants_runbook(options)
    observed, notes = rollover.bring_in(engine, observed, options.names, options.to, Path(options.ca_file), keep=keep)
    for note in notes:
        say(f"{options.to}: {note}")
    return observed


def _phase(engine: Engine, options: argparse.Namespace, observed: Observed, goal: Goal) -> int:
    return carry_out(engine, options, observed, rollover.plan_phase(engine, observed, goal))


def _all_phases(engine: Engine, options: argparse.Namespace) -> int:
    """After a leak: what is left, in one sitting, as far as it goes without a person."""
    while (state := rollover.current(engine)) is not None and state.open:
        observed = engine.observe()
        code = _phase(engine, options, observed, rollover.next_goal(engine, observed))
        if code is not Exit.DONE:
            return _then(engine, code)
    return _then(engine, Exit.DONE)


def _then(engine: Engine, code: int) -> int:
    """What follows, as talk; the exit code says that a person has to go on."""
    state = rollover.current(engine)
    if code is not Exit.DONE or state is None:
        return code
    if not state.open:
        say(rollover_title(state))
        return Exit.DONE
    state = rollover.look_for_clients(engine, engine.observe())
    waits_for = [f"not ticked yet: {each.text}" for each in state.unticked]
    show(rollover_lines(state, waits_for, glyphs(sys.stderr)), sys.stderr)
    return Exit.PENDING


def _next(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    state = rollover.opened(engine) if wants_runbook(options) else rollover.look_for_clients(engine, observed)
    if state.goal.leaked:
        return _all_phases(engine, options)
    return _then(engine, _phase(engine, options, observed, rollover.next_goal(engine, observed)))


def _status(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    state = rollover.current(engine)
    if state is not None and state.open and not state.goal.leaked:
        rollover.look_for_clients(engine, observed)
    report = rollover.report(engine, observed)
    if report is None:
        say("there was no rollover yet; estui ca rollover start NAME begins one")
        return Exit.DONE
    if options.json:
        show_json(report)
    else:
        show(rollover_lines(report.state, report.waits_for, glyphs(sys.stdout)))
    return Exit.PENDING if report.state.open else Exit.DONE


def _tick(engine: Engine, options: argparse.Namespace) -> int:
    state = rollover.opened(engine)
    every = state.ticked if options.undo else state.unticked
    ids = [client.id for client in every] if options.all else options.names
    if not ids and not options.all:
        raise UsageError("which clients?", hint="estui ca rollover status lists them; or give --all")
    state = rollover.tick(engine, ids, undo=options.undo)
    if options.json:
        show_json(state)
    else:
        show(rollover_lines(state, [f"not ticked yet: {each.text}" for each in state.unticked], glyphs(sys.stdout)))
    return Exit.PENDING if state.unticked else Exit.DONE


def _abort(engine: Engine, options: argparse.Namespace) -> int:
    """Undoes the phases that are done, the last one first, each by its own gates."""
    runs = rollover.way_back(engine)
    if wants_runbook(options):
        return print_way_back(engine, [each.run for each in runs], options)
    if not options.yes:
        if found := rollover.current(engine):
            show(undo_lines(found, runs), sys.stderr)
        if not confirm("Bring the cluster back to where it was?", "--yes"):
            say("nothing was changed")
            return Exit.PENDING
    if options.restart:
        confirm_commands(engine, by_option=True)
    for each in runs:
        state = engine.rollback(each.run, narrate, run_options(options))
        if state.unfinished:
            return finish(state, options)
    say("the cluster is back to where it was; the new CA stays in the workspace and is trusted by nobody")
    return Exit.DONE
