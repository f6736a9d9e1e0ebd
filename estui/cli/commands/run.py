"""`estui apply`, `rotate`, `rollback`, `recover`: everything that begins a run, or ends one early."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from estui import present
from estui.act.consent import PlainHttpError
from estui.cli.commands.filing import print_runbook, print_way_back, wants_runbook
from estui.cli.commands.plan import goal_of, save_plan
from estui.cli.output import Exit, glyphs, has_terminal, say, show, show_json
from estui.cli.session import confirm, confirm_commands, narrate, open_session, require_passphrase
from estui.engine import Engine, Options, clients, passwords, rotation_goal
from estui.errors import Location, UsageError
from estui.formats.wire import parse_plan
from estui.model.goal import Rotation, Scenario
from estui.model.plan import Plan
from estui.model.run import StepKind
from estui.present.passwords import kept_words
from estui.secret import Secret

if TYPE_CHECKING:
    from estui.model.observed import Observed
    from estui.model.run import RunState


def run(options: argparse.Namespace) -> int:
    """One of the commands of this family."""
    command = {
        "apply": apply,
        "rotate": rotate,
        "rollback": rollback,
        "recover": recover,
    }
    return command[options.action](open_session(options), options)


def run_options(options: argparse.Namespace) -> Options:
    return Options(
        run_commands=options.restart,
        write_now=getattr(options, "write_now", False),
        take_over=options.take_over,
        wait_s=options.wait,
    )


def read_plan(engine: Engine, what: str, options: argparse.Namespace, observed: Observed) -> Plan:
    """The plan of a scenario, or a saved one. UsageError where it is neither."""
    if what in {scenario.value for scenario in Scenario}:
        goal = goal_of(options, what)
        return engine.plan(clients.with_connected(engine, observed, goal), goal)
    path = Path(what)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}",
            location=Location(what),
            hint="name a saved plan, or one of " + ", ".join(Scenario),
        ) from error
    return parse_plan(content, what)


def apply(engine: Engine, options: argparse.Namespace) -> int:
    """Shows the review, asks, materialises, walks."""
    from estui.cli.commands.secure_settings import give_secrets

    observed = engine.observe()
    plan = read_plan(engine, options.what, options, observed)
    if not wants_runbook(options):
        give_secrets(engine, options, plan)
    return carry_out(engine, options, observed, plan)


def rotate(engine: Engine, options: argparse.Namespace) -> int:
    """New leaves for the targets named, for all, or for what is due; nothing due is success."""
    targets = (*options.targets, *options.only)
    if not targets and not options.all and not options.due:
        raise UsageError("which certificates?", hint="name targets, or give --all or --due")
    observed = engine.observe()
    sets = (options.layer,) if options.layer else ()
    rotation = Rotation(options.due, sets, options.fresh_names, options.new_store_password)
    plan = engine.plan(observed, rotation_goal(observed, targets, rotation))
    if options.output and not options.runbook and not plan.is_empty:
        show(present.review_lines(plan, engine.review(plan, observed)))
        save_plan(plan, options.output)
        return Exit.PENDING
    return carry_out(engine, options, observed, plan)


def carry_out(engine: Engine, options: argparse.Namespace, observed: Observed, plan: Plan) -> int:
    """Review, question, apply: what every command that makes a plan does with it."""
    review = engine.review(plan, observed)
    if plan.is_empty:
        say(present.plan_summary(plan, review))
        return Exit.DONE
    if wants_runbook(options):
        return print_runbook(engine, plan, observed, options)
    if not options.yes:
        show(present.review_lines(plan, review), sys.stderr)
        if not confirm(f"Apply this to {plan.cluster}?", "--yes, after reading the review of `estui plan`"):
            say("nothing was changed")
            return Exit.PENDING
    if options.restart:
        confirm_commands(engine, by_option=True)
    values = _kept_outside(engine, options, plan)
    if engine.needs_passphrase(plan):
        require_passphrase(engine)
    with passwords.kept_in_file(engine, _passwords_out(options), values):
        walk = partial(_begin, engine, plan, options)
        state = passwords.proven(engine, walk, narrate, run_options(options)) if plan.goal.passwords else walk()
        return finish(state, options)


def _begin(engine: Engine, plan: Plan, options: argparse.Namespace) -> RunState:
    """Applies; where logins would go over plain HTTP, which is found before anything is written, asks first."""
    try:
        return engine.apply(plan, narrate, run_options(options))
    except PlainHttpError as error:
        if not has_terminal():
            raise
        for line in error.lines()[:-1]:
            say(line)
        if not confirm("Send them all the same, in this run?", "--plain-http"):
            raise
        engine.access = replace(engine.access, over_plain=True)
        return engine.apply(plan, narrate, run_options(options))


def _passwords_out(options: argparse.Namespace) -> Path | None:
    path = getattr(options, "passwords_out", None)
    return Path(path) if path else None


def _kept_outside(engine: Engine, options: argparse.Namespace, plan: Plan) -> dict[str, Secret]:
    """New passwords of built-in users that go into the operator's own file; none without `--passwords-out`."""
    path = _passwords_out(options)
    if path is None:
        return {}
    users = [user for user in passwords.users_of(plan) if user not in engine.access.passwords]
    if not users:
        raise UsageError("the plan makes no passwords to be kept in a file", hint="leave out --passwords-out")
    values = passwords.make(users)
    passwords.give(engine, plan, values, store=False)
    say(kept_words(users, str(path)))
    return values


def finish(state: RunState, options: argparse.Namespace) -> int:
    """Where a run stands, as result and exit code."""
    if options.json:
        show_json(state)
    else:
        show(present.run_lines(state, glyphs(sys.stdout), evidence=False))
    return Exit.PENDING if state.unfinished else Exit.DONE


def rollback(engine: Engine, options: argparse.Namespace) -> int:
    """Shows the steps back, asks, undoes."""
    if wants_runbook(options):
        return print_way_back(engine, [options.run], options)
    plan = engine.rollback_preview(options.run)
    if not options.yes:
        show([*present.outage_lines(plan), *present.plan_steps(plan)], sys.stderr)
        if not confirm(f"Undo it on {plan.cluster}?", "--yes"):
            say("nothing was changed")
            return Exit.PENDING
    deletes = any(step.kind is StepKind.TOKENS for step in plan.steps) and engine.credentials() is None
    if (plan.goal.passwords or deletes) and engine.workspace.has_secrets():
        require_passphrase(engine)
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
