"""The command line's grammar: every command and option, by what the commands are for. Running them is `commands/`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from estui.cli.output import MEANINGS
from estui.cli.parsers import (
    adopt,
    ca,
    client,
    csr,
    doctor,
    kibana,
    node,
    passwords,
    probe,
    runs,
    secure_settings,
    shell,
    status,
    support,
    watch,
)
from estui.cli.parsers.options import only_option, plan_out, run_options, runbook_option
from estui.cli.session import common_options

SCENARIOS = ("minimal", "basic", "https", "mutual")


def build_parser() -> argparse.ArgumentParser:
    """Every command and option."""
    after = common_options(after_command=True)
    parser = argparse.ArgumentParser(
        prog="estui",
        description="Secures self-managed Elasticsearch clusters and keeps their certificates alive. "
        "Without a command it opens the terminal UI on the workspace.",
        epilog=f"Exit codes: {', '.join(f'{code:d} {text}' for code, text in MEANINGS.items())}, 128 + signal.",
        parents=[common_options()],
    )
    parser.add_argument("--version", action=_Versions, nargs=0, help="versions, for a bug report")
    _tui_options(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, help_text: str, module: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name, help=help_text, description=help_text[:1].upper() + help_text[1:], parents=[after]
        )
        sub.set_defaults(module=module, action=name)
        return sub

    _looking_commands(command)
    _changing_commands(command)
    _keeping_commands(command)
    _sandbox_commands(command)
    support.add(command)
    shell.add(command)
    return parser


class _Versions(argparse.Action):
    """Looks versions up when they are asked for, and not whenever a parser is made."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from estui.versions import versions

        print(", ".join(f"{name} {number}" for name, number in versions()))
        parser.exit()


def _tui_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("terminal UI")
    group.add_argument("--read-only", action="store_true", help="no key changes anything")
    group.add_argument("--ascii", action="store_true", help="ASCII signs and borders only")
    group.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")


Adder = Callable[[str, str, str], argparse.ArgumentParser]
"""Adds a command: its name, its help, the module of `commands/` that runs it."""


def _looking_commands(command: Adder) -> None:
    init = command("init", "look at configuration folders and write estui.yaml", "init")
    init.add_argument("folders", nargs="*", metavar="DIR", help="configuration folder of an Elasticsearch node")
    init.add_argument(
        "--kibana",
        action="append",
        default=[],
        metavar="DIR[=ON_HOST]",
        help="Kibana's folder, and its path on its own host",
    )
    init.add_argument("--beat", action="append", default=[], metavar="DIR[=ON_HOST]", help="a Beat's folder")
    init.add_argument("--cluster", metavar="NAME", help="name of the cluster (else cluster.name)")
    adopt.add(command)
    watch.add(command)
    status.add(command)
    doctor.add(command)
    probe.add(command)
    plan = command("plan", "show what a scenario would change; changes nothing", "plan")
    plan.add_argument("scenario", choices=SCENARIOS, help="where the cluster is to go")
    _plan_options(plan)
    plan.add_argument("-o", "--output", metavar="FILE", help="save the plan for `estui apply FILE`")
    plan.add_argument("--all", action="store_true", help="show every node, also where changes are the same")
    runbook_option(plan)


def _plan_options(parser: argparse.ArgumentParser) -> None:
    only_option(parser)
    parser.add_argument("--format", choices=("pem", "pkcs12"), help="files for keys and certificates")
    client.mutual_options(parser)
    kibana.wish_options(parser)


def _changing_commands(command: Adder) -> None:
    apply = command("apply", "apply a saved plan or a scenario, and walk its run-book", "run")
    apply.add_argument("what", metavar="FILE|SCENARIO", help="saved plan, or minimal, basic, https, mutual")
    _plan_options(apply)
    run_options(apply)
    runbook_option(apply)
    apply.add_argument("--yes", action="store_true", help="the review was read: do not ask")
    passwords.passwords_out(apply)
    secure_settings.secrets_of_plan(apply)
    apply.add_argument("--write-now", action="store_true", help="switch files before the nodes are stopped")
    rotate = command("rotate", "new leaves from the same CA, loaded without a restart", "run")
    rotate.add_argument("targets", nargs="*", metavar="TARGET", help="a node, kibana/NAME, beat/NAME or client/estui")
    rotate.add_argument("--all", action="store_true", help="every target")
    rotate.add_argument("--due", action="store_true", help="what falls inside the renewal window")
    rotate.add_argument("--layer", choices=("transport", "http", "client"), help="this layer only")
    rotate.add_argument("--fresh-names", action="store_true", help="names as inventory and addresses want them today")
    rotate.add_argument(
        "--new-store-password",
        action="store_true",
        help="PKCS#12 sets: stores with a new password, read by each node at its restart",
    )
    only_option(rotate)
    plan_out(rotate)
    rotate.add_argument("--yes", action="store_true", help="do not ask")
    run_options(rotate)
    runbook_option(rotate)
    runs.add_runbook(command)
    rollback = command("rollback", "undo a run: the one in hand, or the last one", "run")
    rollback.add_argument("run", nargs="?", metavar="RUN", help="else the one in hand, or the last one")
    rollback.add_argument("--yes", action="store_true", help="do not ask")
    rollback.add_argument(
        "--force", nargs="+", default=[], metavar="FILE", help="undo these although they were changed since"
    )
    run_options(rollback)
    runbook_option(rollback)
    recover = command("recover", "finish or undo a run that was cut short", "run")
    way = recover.add_mutually_exclusive_group()
    way.add_argument("--complete", action="store_true", help="finish the act in hand")
    way.add_argument("--undo", action="store_true", help="take everything back")
    recover.add_argument(
        "--force",
        nargs="+",
        default=[],
        metavar="FILE",
        help="with --undo: these too, although they were changed since",
    )
    run_options(recover)
    runs.add_history(command)
    only_option(command("verify", "prove every layer again by fresh handshakes and requests", "verify"))


def _keeping_commands(command: Adder) -> None:
    ca.add(command)
    client.add(command)
    csr.add(command)
    node.add(command)
    passwords.add(command)
    secure_settings.add(command)


def _sandbox_commands(command: Adder) -> None:
    demo = command(
        "demo", "a sandbox cluster to try everything on; without a terminal the whole tour by itself", "demo"
    )
    _tui_options(demo)
    demo.add_argument("--folder", metavar="DIR", help="keep the sandbox here (else a temporary folder)")
    demo.add_argument("--beat", action="store_true", help="with a Metricbeat that sends to it")
    demo.add_argument("--tour", action="store_true", help="the unattended tour, also on a terminal")
    sandbox = command("sandbox", "the sandbox by itself, for trying commands", "sandbox")
    verbs = ("up", "stop", "start", "restart", "down", "status", "add")
    sandbox.add_argument("verb", choices=verbs, help="of the whole sandbox, of one service, or a folder for a new node")
    sandbox.add_argument("name", nargs="?", metavar="NODE", help="node or kibana, for stop, start and restart")
    sandbox.add_argument("--folder", metavar="DIR", help="the sandbox's folder")
    sandbox.add_argument("--beat", action="store_true", help="with `up`: a Metricbeat that sends to it as well")
