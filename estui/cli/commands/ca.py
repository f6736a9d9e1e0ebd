"""`estui ca`: certificate authorities of the workspace."""

from __future__ import annotations

import argparse
from pathlib import Path

from estui import present
from estui.cli.output import Exit, say, show, show_json
from estui.cli.session import given_secret, open_session, require_passphrase
from estui.decide.plan import authority_title
from estui.engine import Engine
from estui.engine import ca as care
from estui.errors import UsageError
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest
from estui.present import authorities as shown

NAMES = ("transport", "http", "client")


def run(options: argparse.Namespace) -> int:
    """One of the verbs of `ca`."""
    verbs = {
        "list": _list,
        "create": _create,
        "export": _export,
        "import": _import,
        "passphrase": _passphrase,
        "renew": _renew,
        "issued": _issued,
    }
    return verbs[options.verb](open_session(options), options)


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
    made = care.create_authority(engine, request)
    if options.json:
        show_json(made)
    else:
        show(present.authority_lines([made], engine.clock()))
    return Exit.DONE


def _export(engine: Engine, options: argparse.Namespace) -> int:
    to, password = Path(options.to), None
    if options.key_password_file and not options.with_key:
        raise UsageError("--key-password-file goes with --with-key")
    care.authority(engine, options.name)
    if options.with_key:
        require_passphrase(engine)
        password = given_secret(
            options.key_password_file, "password for the exported key", "--key-password-file FILE", new=True
        )
    care.export_authority(engine, options.name, to, password)
    if options.json:
        show_json({"name": options.name, "to": str(to), "with_key": options.with_key})
    say(f"written to {to}" + (", readable by you only; its key is encrypted" if options.with_key else ""))
    return Exit.DONE


def _import(engine: Engine, options: argparse.Namespace) -> int:
    engine.inventory()
    offered = _offered(options)
    if offered.key is not None:
        require_passphrase(engine)
    made, notes = care.import_authority(engine, options.name, offered)
    if options.json:
        show_json({"authority": made, "notes": list(notes)})
        return Exit.DONE
    show(present.authority_lines([made], engine.clock()))
    show(present.certificate_lines(made.certificate, engine.clock()))
    show(shown.noted_lines(notes))
    return Exit.DONE


def _offered(options: argparse.Namespace) -> care.Offered:
    """Certificate and key from the files named; their password is asked for where one turns out to be needed."""
    if bool(options.cert) == bool(options.p12) or (options.p12 and options.key):
        raise UsageError("which CA?", hint="give --cert FILE, with --key FILE where you have it, or --p12 FILE")
    option = "--key-password-file FILE"
    if options.p12:
        password = given_secret(options.key_password_file, f"password of {options.p12}", option)
        return care.read_store(Path(options.p12), password)
    key = Path(options.key) if options.key else None
    known = None
    if key and (options.key_password_file or care.is_encrypted(key)):
        known = given_secret(options.key_password_file, f"password of {key}", option)
    return care.read_pair(Path(options.cert), key, known)


def _passphrase(engine: Engine, options: argparse.Namespace) -> int:
    if engine.needs_new_passphrase:
        raise UsageError("nothing is sealed yet, so there is no passphrase to change")
    require_passphrase(engine)
    new = given_secret(options.new_passphrase_file, "new workspace passphrase", "--new-passphrase-file FILE", new=True)
    count = care.change_passphrase(engine, new)
    if options.json:
        show_json({"files": count})
    else:
        show([shown.resealed_line(count)])
    return Exit.DONE


def _renew(engine: Engine, options: argparse.Namespace) -> int:
    care.authority(engine, options.name)
    if options.new_key:
        raise UsageError(
            "a CA with another key is another CA: everyone has to trust both before leaves change",
            hint=f"estui ca rollover start {options.name}",
        )
    require_passphrase(engine)
    done = care.renew_authority(engine, options.name, options.days)
    if options.json:
        show_json(done)
    else:
        show(shown.renewed_lines(done.before, done.after, done.holders))
    return Exit.DONE


def _issued(engine: Engine, options: argparse.Namespace) -> int:
    care.authority(engine, options.name)
    leaves = care.issued(engine, options.name, engine.observe(network=not options.offline))
    if options.json:
        show_json(leaves)
        return Exit.DONE
    show(shown.issued_lines(leaves))
    if not leaves:
        say(f"CA {options.name} has issued nothing yet")
    return Exit.DONE
