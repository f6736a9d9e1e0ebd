"""`estui status`: the three views of every target, what differs, and the worst findings."""

from __future__ import annotations

import argparse
import sys

from estui import present
from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import open_session
from estui.decide.selection import named_targets, select
from estui.decide.views import views_of
from estui.errors import UsageError


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where nothing stands out, 3 where something does: a problem, a difference, an unfinished run."""
    engine = open_session(options)
    observed = engine.observe(timeout_s=options.timeout)
    unfinished = engine.unfinished()
    now = engine.clock()
    views = views_of(observed, now)
    options.targets = select(named_targets(observed), (*options.targets, *options.only))
    unknown = sorted(set(options.targets) - {view.target for view in views})
    if unknown:
        known = ", ".join(view.target for view in views)
        raise UsageError(f"the inventory has no {', '.join(unknown)}", hint=f"known: {known}")
    findings = engine.findings(observed)
    if options.json:
        body = present.status_json(observed, now, findings=findings, targets=options.targets)
        show_json({**body, "run": unfinished})
    else:
        show(
            present.status_lines(
                observed,
                now,
                glyphs(sys.stdout),
                findings=findings,
                targets=options.targets,
                evidence=options.evidence,
            )
        )
    if unfinished:
        say(present.run_headline(unfinished))
        say(f"hint: {present.PHASE_HINTS[unfinished.phase]}")
    shown = [view for view in views if not options.targets or view.target in options.targets]
    problems = any(thing.problems for thing in (*observed.things, *observed.beats))
    return Exit.PENDING if problems or unfinished or any(view.named for view in shown) else Exit.DONE
