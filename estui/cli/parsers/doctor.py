"""The grammar of `estui doctor`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from estui.cli.parsers.options import only_option, run_options

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`doctor`: looking, explaining, and fixing."""
    doctor = command("doctor", "find mistakes before Elasticsearch does; needs no workspace for folders", "doctor")
    doctor.add_argument("folders", nargs="*", metavar="DIR", help="configuration folders (else the workspace's)")
    doctor.add_argument("--explain", metavar="RULE", help="what a rule means")
    doctor.add_argument("--rules", action="store_true", help="list all rules")
    only_option(doctor)
    doctor.add_argument("--offline", action="store_true", help="read the folders only, ask no port")
    doctor.add_argument(
        "--elasticsearch",
        metavar="VERSION",
        help="release to judge folders by (else what their files tell)",
    )
    _fixing(doctor.add_argument_group("putting it right, in a workspace"))
    run_options(doctor)


def _fixing(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fix",
        nargs="+",
        metavar="RULE[@TARGET]",
        help="make a plan that puts the findings of a rule right, show it, ask, and apply it",
    )
    group.add_argument("--dry-run", action="store_true", help="with --fix: show the plan only")
    group.add_argument("--yes", action="store_true", help="with --fix: the review was read, do not ask")
