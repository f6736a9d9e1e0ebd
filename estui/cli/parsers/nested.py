"""Commands with verbs of their own: `estui ca renew NAME`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from estui.cli.session import common_options

Verb = Callable[[str, str], argparse.ArgumentParser]
"""Adds a verb: its name and its help."""


def verbs_of(parser: argparse.ArgumentParser, module: str | None = None) -> Verb:
    """Adds verbs to a command; which one was given is `options.verb`. Each takes the common options as well.

    `module` is the one of `commands/` that runs them, where it is not that of the command.
    """
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, help_text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(
            name,
            help=help_text,
            description=help_text[:1].upper() + help_text[1:],
            parents=[common_options(after_command=True)],
        )
        if module:
            added.set_defaults(module=module)
        return added

    return verb
