"""`estui csr`: certificates of an external CA."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from estui.cli.commands.run import carry_out
from estui.cli.output import Exit, say, show, show_json
from estui.cli.session import open_session, require_passphrase
from estui.engine import Engine
from estui.engine import csr as external
from estui.model.inventory import KeyType, Layer
from estui.present import authorities as told
from estui.present import csr as shown


def run(options: argparse.Namespace) -> int:
    """One of the verbs of `csr`."""
    verbs = {"export": _export, "import": _import, "list": _list, "apply": _apply}
    return verbs[options.verb](open_session(options), options)


def _layer(options: argparse.Namespace) -> Layer | None:
    return Layer(options.layer) if options.layer else None


def _export(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    require_passphrase(engine)
    wish = external.Wish(
        tuple(options.targets),
        _layer(options),
        KeyType(options.key) if options.key else None,
        tuple(options.without),
    )
    made = external.export_requests(engine, observed, wish, Path(options.to))
    if options.json:
        show_json(made)
        return Exit.DONE
    show(shown.exported_lines(made.csr.entries, made.files))
    show(shown.handing_over_lines(len(made.files), options.to), sys.stderr)
    return Exit.DONE


def _import(engine: Engine, options: argparse.Namespace) -> int:
    files, authorities = [Path(each) for each in options.files], [Path(each) for each in options.ca]
    done = external.import_answers(engine, files, authorities, partial=options.partial_chain, name=options.name or "")
    if options.json:
        show_json(done)
        return Exit.DONE
    rows = [
        (each.pending.entry.name, authority, each.received.facts, len(each.intermediates))
        for each, authority in done.answers
    ]
    show(shown.imported_lines(rows, engine.clock()))
    show(told.noted_lines(done.notes))
    show(shown.next_lines(done.missing), sys.stderr)
    return Exit.DONE


def _list(engine: Engine, options: argparse.Namespace) -> int:
    states = external.request_states(engine, engine.observe(network=False))
    if options.json:
        show_json(states)
        return Exit.DONE
    show(
        shown.request_lines(
            (each.csr, each.name, shown.state_text(each.imported, each.authority, installed=each.installed))
            for each in states
        )
    )
    if not states:
        say("no requests were made yet: estui csr export --to DIR")
    return Exit.DONE


def _apply(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    goal = external.external_goal(observed, tuple(options.targets), _layer(options))
    return carry_out(engine, options, observed, engine.plan(observed, goal))
