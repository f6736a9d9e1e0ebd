"""`estui history`: past runs, the report of one, and pruning old ones."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

from estui import present
from estui.cli.commands.filing import file_document
from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import confirm, open_session
from estui.engine import Engine
from estui.engine import history as past
from estui.engine.report import last_run, report_of
from estui.errors import UsageError
from estui.present.report import report_document


def run(options: argparse.Namespace) -> int:
    """Past runs, oldest first; what one did; or old ones removed, which cannot be undone afterwards."""
    engine = open_session(options)
    if options.verb == "report":
        return _report(engine, options)
    if options.run or options.markdown or options.output:
        raise UsageError(f"history {options.verb} is about all runs", hint="estui history report RUN --markdown")
    return _prune(engine, options) if options.verb == "prune" else _list(engine, options)


def _report(engine: Engine, options: argparse.Namespace) -> int:
    """Exit code 3 for a run that has not ended."""
    report = report_of(engine, options.run or last_run(engine))
    file_document(report_document(report), report, options)
    return Exit.PENDING if engine.run(report.run).unfinished else Exit.DONE


def _list(engine: Engine, options: argparse.Namespace) -> int:
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
