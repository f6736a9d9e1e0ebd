"""`estui node`: a node joins the secured cluster, or is taken out of the inventory."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from estui import present
from estui.cli.commands.filing import print_runbook, wants_runbook
from estui.cli.commands.run import finish, run_options
from estui.cli.output import Exit, say, show, show_json
from estui.cli.session import confirm, confirm_commands, narrate, open_session, require_passphrase
from estui.decide.hosts import address_of_url
from estui.engine import Engine, membership
from estui.engine.membership import Addition
from estui.errors import UsageError
from estui.model.inventory import Address, Commands, NodeEntry, StoreFormat
from estui.model.plan import Plan
from estui.model.version import Version
from estui.present.csr import exported_lines, handing_over_lines
from estui.present.membership import added_lines, removal_lines


def run(options: argparse.Namespace) -> int:
    """`add` or `remove`."""
    return {"add": _add, "remove": _remove}[options.verb](open_session(options), options)


def _entry(options: argparse.Namespace) -> NodeEntry:
    version = Version.parse(options.node_version) if options.node_version else None
    if options.node_version and version is None:
        raise UsageError(f"{options.node_version} is no version", hint="such as --node-version 9.1.0")
    return NodeEntry(
        config=membership.folder_of(options.folder),
        name=options.name,
        http=_address(options.http, "--http"),
        transport=_address(options.transport, "--transport"),
        names=tuple(options.names),
        version=version,
        tags=tuple(options.tags),
        commands=Commands(*(_command(options, action) for action in ("stop", "start", "restart"))),
    )


def _address(text: str | None, option: str) -> Address | None:
    found = address_of_url(text) if text else None
    if text and (found is None or ":" not in text.rpartition("]")[2]):
        raise UsageError(f"{text} is no address", hint=f"such as {option} es-4.example.net:9200")
    return found


def _command(options: argparse.Namespace, action: str) -> tuple[str, ...]:
    text = getattr(options, f"{action}_command")
    try:
        return tuple(shlex.split(text)) if text else ()
    except ValueError as error:
        raise UsageError(f"--{action}-command: {error}", hint="quote it as for a shell, though none runs it") from error


def _add(engine: Engine, options: argparse.Namespace) -> int:
    """Looks, shows the review, asks, writes the entry, applies. A declined or refused plan leaves no trace."""
    if options.requests_to:
        return _request(engine, options)
    addition = membership.look(engine, _entry(options), StoreFormat(options.format) if options.format else None)
    plan = addition.plan
    if plan is None or plan.is_empty:
        if wants_runbook(options):
            say(f"{addition.name} has everything already: there are no steps, only its entry in estui.yaml is missing")
            return Exit.PENDING
        return _record_only(engine, options, addition)
    if wants_runbook(options):
        return print_runbook(engine, plan, addition.observed, options)
    if not options.yes:
        show(present.review_lines(plan, engine.review(plan, addition.observed)), sys.stderr)
        if not confirm(f"Let {addition.name} join {plan.cluster}?", "--yes, after reading the review"):
            say("nothing was changed")
            return Exit.PENDING
    with membership.recorded(engine, addition):
        return _carry_out(engine, options, plan)


def _request(engine: Engine, options: argparse.Namespace) -> int:
    """Keys and requests only; the node is added once they are answered."""
    require_passphrase(engine)
    made = membership.request_leaves(engine, _entry(options), Path(options.requests_to))
    if options.json:
        show_json(made)
        return Exit.PENDING
    show(exported_lines(made.csr.entries, made.files))
    show(handing_over_lines(len(made.files), options.requests_to), sys.stderr)
    say(f"and after that: estui node add {options.folder}")
    return Exit.PENDING


def _carry_out(engine: Engine, options: argparse.Namespace, plan: Plan) -> int:
    if options.restart:
        confirm_commands(engine, by_option=True)
    if engine.needs_passphrase(plan):
        require_passphrase(engine)
    return finish(engine.apply(plan, narrate, run_options(options)), options)


def _record_only(engine: Engine, options: argparse.Namespace, addition: Addition) -> int:
    """The node has everything already: it is a member, or only has to be started."""
    with membership.recorded(engine, addition):
        pass
    if options.json:
        show_json(addition.entry)
    else:
        show(added_lines(addition.name, member=addition.plan is None), sys.stderr)
    return Exit.DONE


def _remove(engine: Engine, options: argparse.Namespace) -> int:
    removal = membership.look_at_removal(engine, options.name, force=options.force)
    lines = removal_lines(removal.name, removal.outstanding, removal.notes)
    if options.yes:
        membership.remove(engine, removal)
    show(lines, sys.stderr)
    if not options.yes:
        if not confirm(f"Take {removal.name} out of estui.yaml?", "--yes"):
            say("nothing was changed")
            return Exit.PENDING
        membership.remove(engine, removal)
    if options.json:
        show_json(removal)
    say(f"{removal.name} is not in estui.yaml any more; its folder {removal.config} stays as it is")
    return Exit.DONE
