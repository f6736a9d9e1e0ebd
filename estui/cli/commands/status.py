"""`estui status`: the views of every node."""

from __future__ import annotations

import argparse
import sys

from estui import present
from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import open_session


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where nothing stands out, 3 where something does."""
    engine = open_session(options)
    observed = engine.observe()
    unfinished = engine.unfinished()
    if options.json:
        rows = present.rows(observed, engine.clock(), present.ASCII)
        show_json(
            {
                "cluster": observed.inventory.cluster,
                "headline": present.headline(observed, engine.clock()),
                "targets": rows,
                "run": unfinished,
            }
        )
    else:
        show(present.status_lines(observed, engine.clock(), glyphs(sys.stdout)))
    if unfinished:
        say(present.run_headline(unfinished))
        say(f"hint: {present.PHASE_HINTS[unfinished.phase]}")
    problems = any(thing.problems for thing in observed.things)
    return Exit.PENDING if problems or unfinished else Exit.DONE
