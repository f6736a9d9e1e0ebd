"""The grammar of `estui passwords`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from estui.cli.parsers.nested import verbs_of
from estui.cli.parsers.options import plan_out, run_options, runbook_option

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`passwords` and its verbs."""
    verb = verbs_of(command("passwords", "passwords of built-in users: new ones, forgotten ones", "passwords"))
    listed = verb("list", "every built-in user: where its password is kept, and who logs in with it")
    listed.add_argument("--offline", action="store_true", help="read the folders only, ask no port")
    show = verb("show", "show a stored password on the terminal, or write it into a new file")
    show.add_argument("name", metavar="USER", help="elastic, kibana_system, ...")
    show.add_argument("--to", metavar="FILE", help="write it into a new file that only you can read")
    new = verb("set", "new passwords, for whoever logs in with them too; proven, or undone")
    new.add_argument("users", nargs="*", metavar="USER", help="elastic, kibana_system, ...")
    new.add_argument("--all", action="store_true", help="every built-in user")
    _values(new)
    recover = verb("recover", "a forgotten password of elastic: a new one, with nothing but the folders")
    recover.add_argument("users", nargs="*", metavar="USER", help="others than elastic as well")
    _values(recover)


def _values(parser: argparse.ArgumentParser) -> None:
    """Where new passwords come from, and where they are kept; then how far a run goes."""
    parser.add_argument("--ask", action="store_true", help="type them, twice, instead of having them made")
    parser.add_argument("--length", type=int, metavar="N", help="characters of those that are made (default 24)")
    parser.add_argument("--marks", action="store_true", help="with - _ . ~ beside letters and digits")
    parser.add_argument(
        "--mixed-up", action="store_true", help="also with I l 1 O 0, which are easily mixed up and else left out"
    )
    keep = parser.add_mutually_exclusive_group()
    keep.add_argument("--show", action="store_true", help="show them once, on this terminal, and keep them nowhere")
    keep.add_argument("--passwords-out", metavar="FILE", help="keep them in a new file that only you can read")
    plan_out(parser)
    parser.add_argument("--yes", action="store_true", help="the review was read: do not ask")
    run_options(parser)
    runbook_option(parser)


def passwords_out(parser: argparse.ArgumentParser) -> None:
    """For commands whose plans make passwords."""
    parser.add_argument(
        "--passwords-out",
        metavar="FILE",
        help="keep new passwords in a new file that only you can read, instead of the workspace",
    )
