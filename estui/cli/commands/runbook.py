"""`estui runbook`: the run in hand, its steps one by one, or the whole run-book of a plan, printed."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from estui import present
from estui.cli.commands.filing import file_document, print_runbook
from estui.cli.commands.run import finish, read_plan, run_options
from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import confirm_commands, narrate, open_session, require_passphrase
from estui.engine import Engine, passwords
from estui.engine.report import last_run, report_of
from estui.errors import UsageError
from estui.present.report import report_document

VERBS = ("show", "next", "resume")


def run(options: argparse.Namespace) -> int:
    """Shows the steps, does the next one, goes on as far as possible; or prints those of a plan."""
    engine = open_session(options)
    if options.verb not in VERBS:
        observed = engine.observe()
        return print_runbook(engine, read_plan(engine, options.verb, options, observed), observed, options)
    if options.verb == "show":
        return _show(engine, options)
    if options.markdown or options.output:
        raise UsageError(f"{options.verb} prints no document", hint="estui runbook show --markdown")
    if options.restart:
        confirm_commands(engine, by_option=True)
    state = engine.unfinished()
    if state is not None and engine.needs_passphrase(engine.run_plan(state.id)):
        require_passphrase(engine)
    only_next, how = options.verb == "next", run_options(options)
    walk = partial(engine.resume, narrate, how, only_next=only_next)
    return finish(passwords.proven(engine, walk, narrate, how), options)


def _show(engine: Engine, options: argparse.Namespace) -> int:
    state = engine.run(last_run(engine))
    if options.markdown or options.output:
        report = report_of(engine, state.id)
        file_document(report_document(report), report, options)
    elif options.json:
        show_json(state)
    else:
        show(present.run_lines(state, glyphs(sys.stdout)))
    if state.unfinished:
        say(f"hint: {present.PHASE_HINTS[state.phase]}")
    return Exit.PENDING if state.unfinished else Exit.DONE
