"""The grammar of `estui secure-settings`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from estui.cli.parsers.nested import verbs_of
from estui.cli.parsers.options import only_option, plan_out, run_options, runbook_option

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`secure-settings` and its verbs."""
    verb = verbs_of(
        command("secure-settings", "elasticsearch.keystore of all nodes: compared, changed together", "secure_settings")
    )
    listed = verb("list", "names on every node side by side, and whether the values agree; never a value")
    only_option(listed)
    new = verb("set", "give an entry a value on every node")
    new.add_argument("name", metavar="NAME", help="such as s3.client.default.secret_key")
    _value(new)
    _changing(new)
    gone = verb("remove", "take entries out on every node that has them")
    gone.add_argument("names", nargs="+", metavar="NAME", help="such as s3.client.default.secret_key")
    _changing(gone)
    password = verb("password", "set, change or take off the password of the file on every node")
    _new_password(password)
    password.add_argument("--remove", action="store_true", help="no password any more")
    _changing(password)


def secrets_of_plan(parser: argparse.ArgumentParser) -> None:
    """For a command that applies saved plans, which hold no secrets."""
    group = parser.add_argument_group("a saved plan of secure settings")
    _value(group)
    _new_password(group)


def _value(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--value-file",
        metavar="FILE",
        help="the value, without a last line end; - reads standard input (else typed twice)",
    )
    parser.add_argument("--raw", action="store_true", help="every byte of it, as elasticsearch-keystore add-file")


def _new_password(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--new-password-file", metavar="FILE", help="the new one (else typed twice)")


def _changing(parser: argparse.ArgumentParser) -> None:
    only_option(parser)
    plan_out(parser)
    parser.add_argument("--yes", action="store_true", help="the review was read: do not ask")
    run_options(parser)
    runbook_option(parser)
