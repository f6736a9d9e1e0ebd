"""`estui watch`: when every certificate ends. Reads only, but for the metrics file that it is told to write."""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Sequence

from estui.cli.output import Exit, glyphs, say, show, show_json, tell_error
from estui.cli.session import open_session
from estui.engine import Engine, expiry
from estui.errors import EstuiError
from estui.model.expiry import ExpiryReport, ExpiryState
from estui.present import expiry as presented


def run(options: argparse.Namespace) -> int:
    """Exit codes as `--help` tells them; those of Nagios with its format, also where nothing can be looked at."""
    if options.json:
        options.format = "json"
    try:
        return _watch(options)
    except EstuiError as error:
        if options.format != "nagios":
            raise
        tell_error(error)
        print(presented.nagios_failure(str(error)))
        return 3


def _watch(options: argparse.Namespace) -> int:
    engines = open_all(options)
    code = _once(engines, options)
    while options.interval:
        if engines[0].stop.wait(options.interval):
            break
        code = _once(engines, options)
    return code


def open_all(options: argparse.Namespace) -> list[Engine]:
    """An engine for each workspace that was named; the one that is found where none was."""
    opened = []
    for folder in getattr(options, "workspaces", None) or [options.workspace]:
        each = copy.copy(options)
        each.workspace = folder
        opened.append(open_session(each))
    return opened


def _once(engines: Sequence[Engine], options: argparse.Namespace) -> int:
    alone = len(engines) == 1 and not options.interval
    reports = [_look(engine, options, alone=alone) for engine in engines]
    _tell(reports, options)
    sys.stdout.flush()
    if options.output:
        _write(engines[0], options, presented.prometheus_text(reports))
    return presented.nagios_code(reports) if options.format == "nagios" else exit_code(reports)


def _write(engine: Engine, options: argparse.Namespace, text: str) -> None:
    """The metrics file. A watch that goes on tries again the next time, when there may be room."""
    try:
        expiry.write_report(engine.fs, options.output, text)
    except EstuiError as error:
        if not options.interval:
            raise
        tell_error(error)


def _look(engine: Engine, options: argparse.Namespace, *, alone: bool) -> ExpiryReport:
    """One workspace. Where there are others, or a next time, one that cannot be looked at ends nothing."""
    try:
        return expiry.look(engine, network=not options.offline, warn_days=options.warn, critical_days=options.critical)
    except EstuiError as error:
        if alone:
            raise
        say(f"estui: {error}")
        return expiry.blind(engine, error.summary)


def exit_code(reports: Sequence[ExpiryReport]) -> Exit:
    """By the worst of all rows: bad ones fail, what is due or unknown is pending."""
    states = {row.state for report in reports for row in report.rows}
    if any(state.is_bad for state in states):
        return Exit.FAILED
    return Exit.DONE if states <= {ExpiryState.OK} else Exit.PENDING


def _tell(reports: Sequence[ExpiryReport], options: argparse.Namespace) -> None:
    match options.format:
        case "json":
            show_json({"clusters": list(reports)})
        case "nagios":
            print(presented.nagios_line(reports))
        case "prometheus" if not options.output:
            print(presented.prometheus_text(reports), end="")
        case "text":
            for report in reports:
                show(presented.expiry_lines(report, glyphs(sys.stdout)))
        case _:
            pass
