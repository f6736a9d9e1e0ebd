"""The grammar of `estui support-bundle`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`support-bundle`."""
    bundle = command(
        "support-bundle", "facts for a bug report, without any secret: shown first, then written", "support_bundle"
    )
    bundle.add_argument("-o", "--output", metavar="FILE", help="new file (else estui-support-DATE.md, or .json, here)")
    bundle.add_argument("--offline", action="store_true", help="read the folders only, ask no port")
    bundle.add_argument("--yes", action="store_true", help="write what is shown: do not ask")
