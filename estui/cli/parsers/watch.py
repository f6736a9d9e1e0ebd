"""The grammar of `estui watch`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estui.cli.parsers import Adder

FORMATS = ("text", "json", "prometheus", "nagios")
EXIT_CODES = (
    "Exit codes: 0 everything was looked at and nothing is due; 3 something is due, or could not be looked at; "
    "1 something is critical, has expired or is not valid yet. With --format nagios: 0 OK, 1 WARNING, 2 CRITICAL, "
    "3 UNKNOWN (something could not be looked at, and nothing else is wrong)."
)


def add(command: Adder) -> None:
    """`estui watch`."""
    watch = command("watch", "when every certificate ends, on disk and served, for people and for monitoring", "watch")
    watch.epilog = EXIT_CODES
    watch.add_argument("--format", choices=FORMATS, default="text", help="what goes to standard output (text)")
    watch.add_argument(
        "--warn", type=days, metavar="DAYS", help="due when this many days are left (else policy.renew_before_days)"
    )
    watch.add_argument("--critical", type=days, default=7, metavar="DAYS", help="critical when this many are left (7)")
    watch.add_argument(
        "--output", metavar="FILE", help="write the Prometheus metrics there, whole or not at all, mode 0644"
    )
    watch.add_argument("--offline", action="store_true", help="read the folders only, ask no port")
    watch.add_argument("--interval", type=seconds, metavar="SECONDS", help="look again and again, until interrupted")


def days(text: str) -> int:
    """A number of whole days."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def seconds(text: str) -> float:
    """A pause of a second at least."""
    number = float(text)
    if not 1 <= number <= 366 * 86400:
        raise argparse.ArgumentTypeError("must be between 1 second and a year")
    return number
