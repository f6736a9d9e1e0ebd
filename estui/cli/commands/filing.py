"""Documents that a person files: on standard output or into a new file, as text, Markdown or JSON."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from estui.cli.commands.plan import save
from estui.cli.output import Exit, say, show, show_json
from estui.engine import Engine
from estui.engine.runbook import run_sheet, undo_sheet
from estui.formats.wire import dumps
from estui.model.observed import Observed
from estui.model.plan import Plan
from estui.present.document import Block, document_lines, document_markdown
from estui.present.runbook import runbook_document, runbook_title, undo_document, undo_title


def file_document(blocks: Sequence[Block], value: object, options: argparse.Namespace) -> None:
    """Puts a document out as the options say; `value` is what it was made from, for JSON."""
    output, markdown = getattr(options, "output", None), getattr(options, "markdown", False)
    if output:
        text = document_markdown(blocks) if markdown else "".join(f"{line.text}\n" for line in document_lines(blocks))
        save(Path(output), dumps(value) if options.json else text.encode("utf-8", "replace"))
        say(f"saved: {output}")
    elif options.json:
        show_json(value)
    elif markdown:
        print(document_markdown(blocks).encode("utf-8", "replace").decode(), end="")
    else:
        show(document_lines(blocks))


def wants_runbook(options: argparse.Namespace) -> bool:
    """Whether `--runbook` was given, where the command has it: the run-book is printed, and nothing is changed."""
    return bool(getattr(options, "runbook", None))


def print_runbook(engine: Engine, plan: Plan, observed: Observed, options: argparse.Namespace) -> int:
    """The whole run-book of a plan, before anything is done. Exit code 3 where it would change something."""
    sheet = run_sheet(engine, plan, observed)
    _choose_form(options)
    file_document(runbook_document(sheet), sheet, options)
    say(runbook_title(sheet))
    return Exit.DONE if plan.is_empty else Exit.PENDING


def print_way_back(engine: Engine, runs: Sequence[str | None], options: argparse.Namespace) -> int:
    """The run-books of the undo of some runs, in this order; None is the one in hand, or the last one."""
    sheets = [undo_sheet(engine, run) for run in runs]
    _choose_form(options)
    file_document([block for sheet in sheets for block in undo_document(sheet)], sheets, options)
    say(undo_title(sheets))
    return Exit.PENDING


def _choose_form(options: argparse.Namespace) -> None:
    if wants_runbook(options):
        options.markdown = options.runbook == "markdown"
