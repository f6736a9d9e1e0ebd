"""From options to an opened engine: workspace, credentials, passphrase, questions on a terminal."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from estui.cli.output import glyphs, has_terminal, say
from estui.errors import UsageError
from estui.secret import Secret

if TYPE_CHECKING:
    from estui.engine import Engine
    from estui.model.run import Event
    from estui.observe.http import ClientCertificate

PASSPHRASE_VARIABLE = "ESTUI_PASSPHRASE_FILE"  # noqa: S105 - a variable's name


class _Workspaces(argparse.Action):
    """Keeps the last workspace as `workspace`, and all of them as `workspaces` for commands that look at several."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        namespace.workspace = values
        namespace.workspaces = [*getattr(namespace, "workspaces", []), values]


def common_options(*, after_command: bool = False) -> argparse.ArgumentParser:
    """Options that every command on a workspace takes, before or after its name.

    After it they have no default of their own: it would overwrite what was given before.
    """
    default = argparse.SUPPRESS if after_command else None
    flag = argparse.SUPPRESS if after_command else False
    parser = argparse.ArgumentParser(add_help=False, argument_default=default)
    group = parser.add_argument_group("workspace and credentials")
    group.add_argument(
        "--workspace",
        metavar="DIR",
        action=_Workspaces,
        help="workspace folder (else ESTUI_WORKSPACE, else here); `watch` takes several",
    )
    group.add_argument("--json", action="store_true", default=flag, help="result as JSON")
    group.add_argument("--passphrase-file", metavar="FILE", help=f"workspace passphrase (else {PASSPHRASE_VARIABLE})")
    group.add_argument("--user", metavar="NAME", help="superuser of a secured cluster")
    group.add_argument("--password-file", metavar="FILE", help="password of --user")
    group.add_argument(
        "--passwords-file",
        metavar="FILE",
        help="passwords of built-in users that you keep yourself: user=password lines, readable by you only",
    )
    group.add_argument(
        "--client-cert", metavar="FILE", help="client certificate to show to nodes, PEM (else estui's own)"
    )
    group.add_argument("--client-key", metavar="FILE", help="key of --client-cert, PEM, without a passphrase")
    group.add_argument("--keystore-password-file", metavar="FILE", help="password of elasticsearch.keystore")
    group.add_argument(
        "--plain-http", action="store_true", default=flag, help="send --user's password over plain HTTP too"
    )
    group.add_argument(
        "--expect-nodes", type=int, metavar="N", help="number of nodes of a cluster that cannot be asked"
    )
    return parser


def open_session(options: argparse.Namespace) -> Engine:
    """The engine for these options; a passphrase file that is named is read and checked at once."""
    from estui.engine import Access, open_engine, read_secret_file

    def given(name: str) -> Secret | None:
        value = getattr(options, name, None)
        return read_secret_file(Path(value)) if value else None

    password = given("password_file")
    user = getattr(options, "user", None)
    if user and password is None:
        password = _ask_secret(f"password of {user}: ", "--password-file FILE")
    plain = bool(getattr(options, "plain_http", False))
    keystore = given("keystore_password_file")
    access = Access(user, password, keystore, plain, _kept_passwords(options), client=_client(options))
    engine = open_engine(options.workspace, access=access, expect_nodes=getattr(options, "expect_nodes", None))
    named = options.passphrase_file or os.environ.get(PASSPHRASE_VARIABLE)
    if named:
        engine.unlock(read_secret_file(Path(named)))
    return engine


def _client(options: argparse.Namespace) -> ClientCertificate | None:
    """The certificate that the operator shows to nodes, where one is given."""
    certificate, key = getattr(options, "client_cert", None), getattr(options, "client_key", None)
    if not certificate and not key:
        return None
    if not certificate:
        raise UsageError("--client-key goes with --client-cert", hint="give both")
    from estui.observe.http import ClientCertificate

    return ClientCertificate(certificate, key or certificate)


def _kept_passwords(options: argparse.Namespace) -> dict[str, Secret]:
    """Passwords of built-in users from the file that the operator keeps."""
    path = getattr(options, "passwords_file", None)
    if not path:
        return {}
    from estui.engine.passwords import read_passwords

    return read_passwords(Path(path))


def _ask_secret(prompt: str, option: str) -> Secret:
    if not has_terminal():
        raise UsageError(f"{prompt.rstrip(': ')} is needed, and there is no terminal to ask on", hint=f"give {option}")
    sys.stdout.flush()
    return Secret(getpass.getpass(prompt))


def require_passphrase(engine: Engine) -> None:
    """Asks for the workspace passphrase where it is not known: twice when it is a new one."""
    if engine.passphrase is not None:
        return
    is_new = engine.needs_new_passphrase
    first = _ask_secret("new workspace passphrase: " if is_new else "workspace passphrase: ", "--passphrase-file FILE")
    if not first:
        raise UsageError("an empty passphrase protects nothing", hint="type one, or give --passphrase-file FILE")
    if is_new and _ask_secret("again: ", "--passphrase-file FILE") != first:
        raise UsageError("the two passphrases differ", hint="try again")
    engine.unlock(first)


def confirm(question: str, option: str) -> bool:
    """A yes or no on the terminal, no by default; without one a UsageError names the option that stands for yes."""
    if not has_terminal():
        raise UsageError(f"{question} needs a yes, and there is no terminal to ask on", hint=f"give {option}")
    say(f"{question} [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def narrate(event: Event) -> None:
    """Progress as talk: one line per step change and per piece of evidence."""
    from estui.model.run import EvidenceSeen, Said, StepChanged, StepState
    from estui.present import evidence_line, step_glyph

    signs = glyphs(sys.stderr)
    match event:
        case StepChanged(step, state, detail):
            if state is not StepState.RUNNING:
                say(f"{step_glyph(state, signs)} {step.title}: {state.value}" + (f": {detail}" if detail else ""))
            else:
                say(f"{step_glyph(state, signs)} {step.title}")
        case EvidenceSeen(_, evidence):
            say(f"    {evidence_line(evidence, signs).text}")
        case Said(text):
            say(f"    {text}")


def confirm_commands(engine: Engine, *, by_option: bool) -> None:
    """Shows commands of the inventory that are new or changed, once; `--restart` stands for yes without a terminal."""
    commands = engine.unconfirmed_commands()
    if not commands:
        return
    say("estui.yaml names these commands, which will be run as you, without a shell:")
    for command in commands:
        say(f"    {' '.join(command)}")
    if has_terminal():
        if not confirm("Run them when the run-book says so?", "--restart"):
            raise UsageError("the commands were not confirmed", hint="leave out --restart, or mend estui.yaml")
    elif not by_option:
        raise UsageError("the commands were not confirmed", hint="give --restart")
    engine.confirm_commands()


def given_secret(path: str | None, prompt: str, option: str, *, new: bool = False) -> Secret:
    """A password from the file that an option names, else from the terminal: twice where it is a new one."""
    from estui.engine import read_secret_file

    if path:
        return read_secret_file(Path(path))
    first = _ask_secret(f"{prompt}: ", option)
    if new and _ask_secret("again: ", option) != first:
        raise UsageError("the two differ", hint="try again")
    return first
