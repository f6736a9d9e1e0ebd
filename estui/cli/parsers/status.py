"""Grammar of `estui status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estui.cli.parsers.options import only_option

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """The command and its options."""
    status = command("status", "show every target: desired, on disk, served, and where they differ", "status")
    status.add_argument("targets", nargs="*", metavar="TARGET", help="these only, as with --only")
    only_option(status)
    status.add_argument(
        "-v", "--evidence", action="store_true", help="everything about each target, and what shows each difference"
    )
    status.add_argument("--timeout", type=float, default=3.0, metavar="SECONDS", help="for each port (3)")
