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
