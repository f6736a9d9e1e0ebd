"""The grammar of `estui node`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estui.cli.parsers.nested import verbs_of
from estui.cli.parsers.options import run_options, runbook_option

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`node` and its verbs."""
    verb = verbs_of(command("node", "a node joins the secured cluster, or leaves it", "node"))
    join = verb("add", "give a new node what the others have, start it, and prove that it joined")
    join.add_argument("folder", metavar="DIR", help="its configuration folder; the node need not have been started")
    join.add_argument("--name", metavar="NAME", help="its node.name, where its elasticsearch.yml has none")
    join.add_argument("--http", metavar="HOST:PORT", help="where its HTTP layer is reached (else its yml)")
    join.add_argument("--transport", metavar="HOST:PORT", help="where the other nodes reach it")
    join.add_argument("--names", nargs="+", default=[], metavar="NAME", help="further names for its HTTP certificate")
    join.add_argument("--tags", nargs="+", default=[], metavar="TAG", help="tags for its entry in estui.yaml")
    join.add_argument("--node-version", metavar="VERSION", help="its Elasticsearch version, where nothing tells it")
    for action in ("stop", "start", "restart"):
        help_text = f"the command that does it, for its entry in estui.yaml ({action}:)"
        join.add_argument(f"--{action}-command", metavar="COMMAND", help=help_text)
    join.add_argument("--format", choices=("pem", "pkcs12"), help="files for keys and certificates (else the others')")
    join.add_argument(
        "--requests-to",
        metavar="DIR",
        help="only write the certificate requests that a CA of others has to answer first, into this folder",
    )
    join.add_argument("--yes", action="store_true", help="the review was read: do not ask")
    run_options(join)
    runbook_option(join)
    leave = verb("remove", "take a node that is no member any more out of estui.yaml")
    leave.add_argument("name", metavar="NAME", help="its name or its configuration folder")
    leave.add_argument("--force", action="store_true", help="although no node can be asked whether it is a member")
    leave.add_argument("--yes", action="store_true", help="do not ask")
