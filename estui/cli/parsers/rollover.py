"""The grammar of `estui ca rollover`."""

from __future__ import annotations

from estui.cli.parsers.nested import Verb, verbs_of
from estui.cli.parsers.options import run_options, runbook_option


def add(verb: Verb) -> None:
    """`rollover` among the verbs of `estui ca`, with verbs of its own."""
    parser = verb("rollover", "a new CA in three phases, without an outage")
    under = verbs_of(parser, module="rollover")
    start = under("start", "phase 1: everyone trusts the CA and its successor")
    start.add_argument("names", nargs="+", metavar="CA", help="transport, http, or another name of `estui ca list`")
    start.add_argument(
        "--to", metavar="CA", help="the CA that follows, as `estui ca list` names it (else a new one of estui's own)"
    )
    start.add_argument(
        "--ca-file",
        metavar="FILE",
        help="certificate of the CA named by --to, where it is not in the workspace yet: its root, with the CAs below",
    )
    start.add_argument(
        "--leaked",
        action="store_true",
        help="a key is in foreign hands: all phases in one sitting, clients are not waited for, every node restarts",
    )
    under("status", "phases, what the next one waits for, and the checklist of clients")
    following = under("next", "the next phase: switch leaves, then drop the old CA")
    tick = under("tick", "say that a client of the checklist is looked after")
    tick.add_argument("names", nargs="*", metavar="CLIENT", help="as `estui ca rollover status` names it")
    tick.add_argument("--all", action="store_true", help="all of them")
    tick.add_argument("--undo", action="store_true", help="take the tick back: it is not looked after yet")
    abort = under("abort", "undo the phases that are done, the last one first")
    for changing in (start, following, abort):
        changing.add_argument("--yes", action="store_true", help="do not ask")
        run_options(changing)
        runbook_option(changing)
