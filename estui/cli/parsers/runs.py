"""The grammar of `estui runbook` and `estui history`: the run in hand, those that were, and what is filed of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from estui.cli.parsers.client import mutual_options
from estui.cli.parsers.kibana import wish_options
from estui.cli.parsers.options import only_option, run_options

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add_runbook(command: Adder) -> None:
    """`runbook`."""
    runbook = command("runbook", "the steps of the run in hand, and the next one; or those of a plan", "runbook")
    runbook.add_argument(
        "verb",
        metavar="show|next|resume|FILE|SCENARIO",
        nargs="?",
        default="show",
        help="show the run in hand, do its next step, or go on; or print the whole run-book of a saved plan or a "
        "scenario, for a change request, and change nothing",
    )
    _filed(runbook)
    only_option(runbook)
    runbook.add_argument("--format", choices=("pem", "pkcs12"), help="of a scenario: files for keys and certificates")
    mutual_options(runbook)
    wish_options(runbook)
    run_options(runbook)


def add_history(command: Adder) -> None:
    """`history`."""
    history = command("history", "past runs, the report of one, and pruning old ones", "history")
    history.add_argument("verb", choices=("list", "report", "prune"), nargs="?", default="list", help="else list")
    history.add_argument("run", nargs="?", metavar="RUN", help="of `report` (else the one in hand, or the last one)")
    _filed(history)
    history.add_argument("--keep", type=int, default=10, metavar="N", help="newest runs that stay (default 10)")
    history.add_argument("--days", type=float, default=0.0, metavar="N", help="only runs older than this many days")
    history.add_argument("--yes", action="store_true", help="do not ask")


def _filed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--markdown", action="store_true", help="in Markdown")
    parser.add_argument("-o", "--output", metavar="FILE", help="into a new file instead of standard output")
