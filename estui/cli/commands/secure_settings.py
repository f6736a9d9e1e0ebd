"""`estui secure-settings`: what the nodes' keystores hold, side by side, and changes of them as reviewed runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from estui import present
from estui.cli.commands.filing import print_runbook, wants_runbook
from estui.cli.commands.plan import save_plan
from estui.cli.commands.run import carry_out
from estui.cli.output import Exit, show, show_json
from estui.cli.session import given_secret, open_session
from estui.engine import Engine
from estui.engine import secure_settings as care
from estui.errors import Location, UsageError
from estui.model.goal import KeystoreEdit, SecureEdit
from estui.model.observed import Observed
from estui.model.plan import Plan
from estui.present.secure_settings import secure_lines
from estui.secret import Secret

STDIN = "-"


def run(options: argparse.Namespace) -> int:
    """`list`, `set`, `remove` or `password`."""
    verbs = {"list": _list, "set": _set, "remove": _remove, "password": _password}
    return verbs[options.verb](open_session(options), options)


def _list(engine: Engine, options: argparse.Namespace) -> int:
    """Exit code 3 where values differ, are missing, or cannot be looked at."""
    table = care.look(engine, options.only)
    if options.json:
        show_json(table)
    else:
        show(secure_lines(table))
    return Exit.DONE if table.agrees else Exit.PENDING


def _set(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    edit = SecureEdit(KeystoreEdit.SET, (options.name,))
    return _carry_out(engine, options, observed, care.plan_secure(engine, observed, edit, options.only))


def _carry_out(engine: Engine, options: argparse.Namespace, observed: Observed, plan: Plan) -> int:
    """Saved for later, or with its secrets applied at once; its run-book needs none of them."""
    if wants_runbook(options):
        return print_runbook(engine, plan, observed, options)
    if options.output and not plan.is_empty:
        show(present.review_lines(plan, engine.review(plan, observed)))
        save_plan(plan, options.output)
        return Exit.PENDING
    give_secrets(engine, options, plan)
    return carry_out(engine, options, observed, plan)


def give_secrets(engine: Engine, options: argparse.Namespace, plan: Plan) -> None:
    """What a plan of secure settings writes, from files or a terminal: it holds none itself. Other plans have none."""
    edit = plan.goal.secure
    if edit is None or plan.is_empty:
        _refuse_files(options)
    elif edit.edit is KeystoreEdit.SET:
        if len(edit.names) > 1 and options.value_file:
            raise UsageError(f"the plan sets {len(edit.names)} entries", hint="leave out --value-file to type each")
        care.give(engine, {name: _value(options, name) for name in edit.names})
    elif edit.edit is KeystoreEdit.PROTECT:
        care.give(engine, {}, _new_password(options))


def _refuse_files(options: argparse.Namespace) -> None:
    for name in ("value_file", "new_password_file"):
        if getattr(options, name, None):
            shown = "--" + name.replace("_", "-")
            raise UsageError(f"{shown} goes with a plan of secure settings", hint=f"leave out {shown}")


def _remove(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    edit = SecureEdit(KeystoreEdit.REMOVE, tuple(dict.fromkeys(options.names)))
    return _carry_out(engine, options, observed, care.plan_secure(engine, observed, edit, options.only))


def _password(engine: Engine, options: argparse.Namespace) -> int:
    if options.remove and options.new_password_file:
        raise UsageError("--remove takes the password off, --new-password-file sets one", hint="give one of them")
    observed = engine.observe()
    edit = SecureEdit(KeystoreEdit.UNPROTECT if options.remove else KeystoreEdit.PROTECT)
    return _carry_out(engine, options, observed, care.plan_secure(engine, observed, edit, options.only))


def _new_password(options: argparse.Namespace) -> Secret:
    password = given_secret(
        options.new_password_file, "new password of the keystores", "--new-password-file FILE", new=True
    )
    if not password:
        raise UsageError("an empty password is none", hint="--remove takes the password off")
    return password


def _value(options: argparse.Namespace, name: str) -> bytes:
    """From a file or standard input, else typed twice; never from the command line, which others can see."""
    if not options.value_file:
        if options.raw:
            raise UsageError("--raw goes with --value-file", hint="name the file")
        return given_secret(None, f"value of {name}", "--value-file FILE", new=True).encode()
    content = _read(options.value_file)
    if options.raw:
        return content
    text = content.removesuffix(b"\n").removesuffix(b"\r")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise UsageError("the value is not text", hint="--raw takes every byte of the file") from error
    if b"\n" in text:
        raise UsageError("the value has several lines", hint="--raw takes every byte of the file")
    return text


def _read(path: str) -> bytes:
    if path == STDIN:
        if sys.stdin.isatty():
            raise UsageError("standard input is the terminal", hint="leave out --value-file to type the value unseen")
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise UsageError(f"cannot be read: {words}", location=Location(path), hint="name a file with it") from error
