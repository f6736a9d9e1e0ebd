"""`estui adopt`: which CA signed what, read-only; with `--import` the CAs come into the workspace."""

from __future__ import annotations

import argparse
from pathlib import Path

from estui.cli.output import Exit, show, show_json
from estui.cli.session import open_session, require_passphrase
from estui.engine import Engine, adoption, read_secret_file
from estui.model.adoption import Import
from estui.present.adoption import import_lines, report_lines


def run(options: argparse.Namespace) -> int:
    """Exit code 0 also where something could be imported: a report is no finding."""
    engine = open_session(options)
    named = options.ca_password_file
    seen = adoption.look(engine, options.ca, read_secret_file(Path(named)) if named else None)
    if options.imports is not None:
        return _import(engine, seen, options)
    if options.json:
        show_json(seen.report)
    else:
        show(report_lines(seen.report, engine.clock()))
    return Exit.DONE


def _import(engine: Engine, seen: adoption.Look, options: argparse.Namespace) -> int:
    imports = adoption.choose(engine, seen, options.imports)
    if any(each.with_key for each in imports):
        require_passphrase(engine)
    if any(each.writes for each in imports):
        adoption.import_authorities(engine, seen, imports)
    if options.json:
        show_json([_object(each) for each in imports])
    else:
        show(import_lines(imports))
    return Exit.DONE


def _object(each: Import) -> dict[str, object]:
    facts = each.authority.certificate
    return {
        "name": each.name,
        "outcome": each.outcome,
        "subject": facts.subject,
        "sha256": facts.sha256,
        "weak": each.authority.weak,
    }
