"""Options that several commands share."""

from __future__ import annotations

import argparse


def run_options(parser: argparse.ArgumentParser) -> None:
    """How far a command walks a run-book by itself, and how long it waits."""
    parser.add_argument(
        "--restart", action="store_true", help="run the inventory's own stop, start and restart commands"
    )
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="watch this long for what a person does"
    )
    parser.add_argument("--take-over", action="store_true", help="replace the mark of a dead run on another host")


def only_option(parser: argparse.ArgumentParser) -> None:
    """For commands that can do with a part of the targets. What it means is told by `decide/selection.py`."""
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="TARGET",
        help="these only: names, patterns (es-0*) or tags of estui.yaml; zone-a+hot is both, ^master is not",
    )


def plan_out(parser: argparse.ArgumentParser) -> None:
    """For commands that make a plan and apply it."""
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="save the plan for `estui apply FILE`, and change nothing"
    )


def runbook_option(parser: argparse.ArgumentParser) -> None:
    """For commands that make a plan."""
    parser.add_argument(
        "--runbook",
        choices=("text", "markdown"),
        nargs="?",
        const="text",
        help="print the whole run-book for a change request, and change nothing",
    )
