"""`estui passwords`: what is kept where, new passwords as a reviewed run, and the one place that shows a secret."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from estui import present
from estui.cli.commands.filing import print_runbook, wants_runbook
from estui.cli.commands.plan import save, save_plan
from estui.cli.commands.run import finish, run_options
from estui.cli.output import Exit, has_terminal, say, show, show_json
from estui.cli.session import confirm, confirm_commands, given_secret, narrate, open_session, require_passphrase
from estui.engine import Engine
from estui.engine import passwords as care
from estui.errors import UsageError
from estui.model.observed import Observed
from estui.model.plan import Plan
from estui.present.passwords import counted_words, kept_words, shown_words, user_lines
from estui.secret import Secret


def run(options: argparse.Namespace) -> int:
    """`list`, `show`, `set` or `recover`."""
    verbs = {"list": _list, "show": _show, "set": _set, "recover": _recover}
    return verbs[options.verb](open_session(options), options)


def _list(engine: Engine, options: argparse.Namespace) -> int:
    users = care.built_in_users(engine, engine.observe(network=not options.offline))
    if options.json:
        show_json(users)
    else:
        show(user_lines(users))
    return Exit.DONE


def _show(engine: Engine, options: argparse.Namespace) -> int:
    """On a terminal, or into a new file that only its owner can read."""
    require_passphrase(engine)
    stored = engine.passwords()
    if options.name not in stored:
        known = ", ".join(sorted(stored)) or "none"
        raise UsageError(f"no password of {options.name} is stored here (stored: {known})")
    if options.to:
        save(Path(options.to), stored[options.name].encode() + b"\n")
        engine.workspace.audit("password shown", user=options.name, to="file")
        say(f"written to {options.to}, readable by you only")
        return Exit.DONE
    if not sys.stdout.isatty():
        raise UsageError("a password is shown on a terminal only", hint="--to FILE writes it into a new private file")
    engine.workspace.audit("password shown", user=options.name, to="terminal")
    print(stored[options.name].reveal())
    return Exit.DONE


# new passwords


def _set(engine: Engine, options: argparse.Namespace) -> int:
    users = care.BUILT_IN if options.all else tuple(options.users)
    if not users:
        raise UsageError("whose password?", hint=f"one of {', '.join(care.BUILT_IN)}, or --all")
    return _new(engine, options, users, by_file=False)


def _recover(engine: Engine, options: argparse.Namespace) -> int:
    """Whatever login is at hand is not looked at: what counts is the folder."""
    return _new(engine, options, tuple(dict.fromkeys((care.ELASTIC, *options.users))), by_file=True)


def _new(engine: Engine, options: argparse.Namespace, users: tuple[str, ...], *, by_file: bool) -> int:
    engine.refuse_unfinished()
    _check_source(options)
    observed = care.look(engine)
    plan = care.plan_passwords(engine, observed, users, by_file=by_file)
    if wants_runbook(options):
        return print_runbook(engine, plan, observed, options)
    if options.output:
        show(present.review_lines(plan, engine.review(plan, observed)))
        save_plan(plan, options.output)
        return Exit.PENDING
    if not _confirmed(engine, options, observed, plan):
        say("nothing was changed")
        return Exit.PENDING
    values = _values(engine, options, plan)
    if options.restart:
        confirm_commands(engine, by_option=True)
    if engine.needs_passphrase(plan):
        require_passphrase(engine)
    with care.kept_in_file(engine, Path(options.passwords_out) if options.passwords_out else None, values):
        if options.passwords_out:
            say(kept_words(tuple(values), options.passwords_out))
        if options.show:
            _show_once(engine, values)
        state = care.proven(
            engine, lambda: engine.apply(plan, narrate, run_options(options)), narrate, run_options(options)
        )
    if not state.unfinished:
        say(counted_words(care.users_of(plan)))
    return finish(state, options)


def _check_source(options: argparse.Namespace) -> None:
    if options.ask and options.passwords_file:
        raise UsageError("--ask and --passwords-file both say where the passwords come from", hint="give one of them")
    if _has_recipe(options) and (options.ask or options.passwords_file or options.output):
        raise UsageError(
            "--length, --marks and --mixed-up are about passwords that estui makes in this run",
            hint="leave them out beside --ask, --passwords-file and -o",
        )
    care.recipe(length=options.length)
    if options.show and not sys.stdout.isatty():
        raise UsageError("passwords are shown on a terminal only", hint="--passwords-out FILE keeps them in a file")
    if options.ask and not has_terminal():
        raise UsageError("there is no terminal to type passwords on", hint="give --passwords-file FILE")


def _confirmed(engine: Engine, options: argparse.Namespace, observed: Observed, plan: Plan) -> bool:
    if options.yes:
        return True
    show(present.review_lines(plan, engine.review(plan, observed)), sys.stderr)
    return confirm(f"Apply this to {plan.cluster}?", "--yes, after reading the review")


def _values(engine: Engine, options: argparse.Namespace, plan: Plan) -> dict[str, Secret]:
    """Passwords that are not to be kept in the workspace; none where estui makes and keeps them."""
    users = care.users_of(plan)
    if options.ask:
        values = {user: given_secret(None, f"new password of {user}", "--passwords-file", new=True) for user in users}
    elif options.passwords_file:
        missing = [user for user in users if user not in engine.access.passwords]
        if missing:
            raise UsageError(f"{options.passwords_file} has no password of {', '.join(missing)}")
        values = {user: engine.access.passwords[user] for user in users}
    elif options.show or options.passwords_out or _has_recipe(options):
        like = care.recipe(length=options.length, marks=options.marks, mixed_up=options.mixed_up)
        values = care.make(users, like)
    else:
        return {}
    kept_here = not (options.passwords_file or options.show or options.passwords_out)
    care.give(engine, plan, values, store=kept_here)
    return values


def _has_recipe(options: argparse.Namespace) -> bool:
    return options.length is not None or options.marks or options.mixed_up


def _show_once(engine: Engine, values: dict[str, Secret]) -> None:
    say(shown_words())
    for user, value in values.items():
        engine.workspace.audit("password shown", user=user, to="terminal")
        print(f"{user}={value.reveal()}")
