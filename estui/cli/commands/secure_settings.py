"""`estui secure-settings`: what the nodes' keystores hold, side by side, and changes of them as reviewed runs."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from estui.cli.commands.run import carry_out
from estui.cli.output import Exit, show, show_json
from estui.cli.session import given_secret, open_session
from estui.engine import Engine
from estui.engine import secure_settings as care
from estui.errors import Location, UsageError
from estui.model.goal import KeystoreEdit, SecureEdit
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
    observed, name = engine.observe(), options.name
    plan = care.plan_secure(engine, observed, SecureEdit(KeystoreEdit.SET, (name,)), options.only)
    care.give(engine, {name: _value(options)})
    return carry_out(engine, options, observed, plan)


def _remove(engine: Engine, options: argparse.Namespace) -> int:
    observed = engine.observe()
    edit = SecureEdit(KeystoreEdit.REMOVE, tuple(dict.fromkeys(options.names)))
    return carry_out(engine, options, observed, care.plan_secure(engine, observed, edit, options.only))


def _password(engine: Engine, options: argparse.Namespace) -> int:
    if options.remove and options.new_password_file:
        raise UsageError("--remove takes the password off, --new-password-file sets one", hint="give one of them")
    observed = engine.observe()
    edit = SecureEdit(KeystoreEdit.UNPROTECT if options.remove else KeystoreEdit.PROTECT)
    plan = care.plan_secure(engine, observed, edit, options.only)
    if not options.remove:
        care.give(engine, {}, _new_password(options))
    return carry_out(engine, options, observed, plan)


def _new_password(options: argparse.Namespace) -> Secret:
    password = given_secret(
        options.new_password_file, "new password of the keystores", "--new-password-file FILE", new=True
    )
    if not password:
        raise UsageError("an empty password is none", hint="--remove takes the password off")
    return password


def _value(options: argparse.Namespace) -> bytes:
    """From a file or standard input, else typed twice; never from the command line, which others can see."""
    if not options.value_file:
        if options.raw:
            raise UsageError("--raw goes with --value-file", hint="name the file")
        return given_secret(None, f"value of {options.name}", "--value-file FILE", new=True).encode()
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
