"""`estui verify`: every proof again."""

from __future__ import annotations

import argparse
import sys

from estui import present
from estui.cli.output import Exit, glyphs, show, show_json
from estui.cli.session import open_session


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where every proof holds, 4 where one fails."""
    verdict = open_session(options).verify(only=options.only)
    if options.json:
        show_json({"ok": verdict.ok, "at": verdict.at, "proofs": verdict.proofs})
    else:
        show(present.verdict_lines(verdict, glyphs(sys.stdout)))
    return Exit.DONE if verdict.ok else Exit.UNVERIFIED
