"""`estui client`: certificates for people, the checklist of who connects, and what clients have to change."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import given_secret, open_session, require_passphrase
from estui.decide.client_way import client_way
from estui.engine import Engine, client_guides, clients
from estui.errors import UsageError
from estui.model.rollover import Client
from estui.present.client_guides import GUIDES, guide_lines, search_lines
from estui.present.clients import client_lines, connected_lines
from estui.secret import Secret


def run(options: argparse.Namespace) -> int:
    """`list`, `new`, `remove`, `connected`, `tick`, `guide` or `search`."""
    verbs = {
        "list": _list,
        "new": _new,
        "remove": _remove,
        "connected": _connected,
        "tick": _tick,
        "guide": _guide,
        "search": _search,
    }
    return verbs[options.verb](open_session(options), options)


def _list(engine: Engine, options: argparse.Namespace) -> int:
    found = clients.listed(engine)
    if options.json:
        show_json(found)
    else:
        show(client_lines(found, engine.clock()))
    return Exit.DONE


def _new(engine: Engine, options: argparse.Namespace) -> int:
    password = _p12_password(options)
    require_passphrase(engine)
    handed = clients.hand_out(
        engine,
        options.name,
        Path(options.to),
        roles=options.role,
        p12_password=password,
        days=options.days,
        renew=options.renew,
    )
    if options.json:
        show_json(handed)
    else:
        for file in handed.files:
            print(file)
    say(f"the key of {options.name} is in these files and nowhere else: hand them over, then remove them")
    if handed.client.roles:
        say("its roles count once the nodes have them: estui plan mutual")
    return Exit.DONE


def _p12_password(options: argparse.Namespace) -> Secret | None:
    if not options.p12:
        if options.p12_password_file:
            raise UsageError("--p12-password-file goes with --p12", hint="give both")
        return None
    password = given_secret(
        options.p12_password_file, "password of the PKCS#12 file", "--p12-password-file FILE", new=True
    )
    if not password.reveal().isascii():
        raise UsageError("a PKCS#12 password has to be ASCII for some readers", hint="choose another one")
    return password


def _remove(engine: Engine, options: argparse.Namespace) -> int:
    clients.forget(engine, options.name)
    say(f"{options.name} is forgotten; estui plan mutual takes its roles from the nodes")
    say("its certificate passes the handshake until it ends: passwords and roles keep it out, not the TLS layer")
    return Exit.DONE


def _guide(engine: Engine, options: argparse.Namespace) -> int:
    unknown = [name for name in options.guides if name not in GUIDES]
    if unknown:
        raise UsageError(f"there is no guide {unknown[0]!r}", hint=f"one of {', '.join(GUIDES)}")
    way = client_way(engine.observe())
    if options.json:
        names = options.guides or list(GUIDES)
        show_json({"way": way, "guides": {name: [line.text for line in GUIDES[name](way)] for name in names}})
    else:
        show(guide_lines(way, tuple(options.guides)))
    return Exit.DONE


def _search(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe(network=False)
    sought = client_guides.authorities_sought(engine, observed, options.ca)
    found = client_guides.search_folders(engine, observed, [Path(each) for each in options.folders], options.ca)
    if options.json:
        show_json(found)
    else:
        show(search_lines(found, [each.name for each in sought]))
    return Exit.PENDING if found.references else Exit.DONE


def _connected(engine: Engine, options: argparse.Namespace) -> int:
    return _shown(clients.look(engine, engine.observe()), options)


def _tick(engine: Engine, options: argparse.Namespace) -> int:
    every = [each.id for each in clients.known(engine) if bool(each.ticked) is options.undo]
    ids = every if options.all else options.names
    if not ids and not options.all:
        raise UsageError("which clients?", hint="estui client connected lists them; or give --all")
    return _shown(clients.tick(engine, ids, undo=options.undo), options)


def _shown(found: tuple[Client, ...], options: argparse.Namespace) -> int:
    if options.json:
        show_json(found)
    else:
        show(connected_lines(found, glyphs(sys.stdout)))
    return Exit.PENDING if any(not each.ticked for each in found) else Exit.DONE
