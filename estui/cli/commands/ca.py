"""`estui ca`: certificate authorities of the workspace."""

from __future__ import annotations

import argparse

from estui import present
from estui.cli.output import Exit, say, show, show_json
from estui.cli.session import open_session, require_passphrase
from estui.decide.plan import authority_title
from estui.engine import Engine
from estui.errors import UsageError
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest

NAMES = ("transport", "http", "client")


def run(options: argparse.Namespace) -> int:
    """`list` or `create`."""
    engine = open_session(options)
    return _create(engine, options) if options.verb == "create" else _list(engine, options)


def _list(engine: Engine, options: argparse.Namespace) -> int:
    authorities = engine.authorities()
    if options.json:
        show_json(authorities)
        return Exit.DONE
    for each in authorities:
        show(present.authority_lines([each], engine.clock()))
        show(present.certificate_lines(each.certificate, engine.clock()))
    if not authorities:
        say("no certificate authority yet; a plan that needs one makes it")
    return Exit.DONE


def _create(engine: Engine, options: argparse.Namespace) -> int:
    if options.name not in NAMES:
        raise UsageError(f"a CA is one of {', '.join(NAMES)}", hint=f"estui ca create {NAMES[0]}")
    inventory = engine.inventory()
    policy = inventory.policy
    request = AuthorityRequest(
        options.name,
        f"{inventory.cluster} {authority_title(options.name)}",
        KeyType(options.key) if options.key else policy.ca_key,
        options.days or policy.ca_days,
    )
    require_passphrase(engine)
    made = engine.create_authority(request)
    if options.json:
        show_json(made)
    else:
        show(present.authority_lines([made], engine.clock()))
    return Exit.DONE
