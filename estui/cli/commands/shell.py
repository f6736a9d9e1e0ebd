"""`estui completion` and `estui man`: what a shell and a reader of manuals want, on standard output."""

from __future__ import annotations

import argparse

from estui import __version__
from estui.cli.completion import completion
from estui.cli.grammar import grammar_of
from estui.cli.manual import man_page
from estui.cli.output import MEANINGS, Exit
from estui.cli.parsers import build_parser


def run(options: argparse.Namespace) -> int:
    """Always done: both are made from the commands alone."""
    root = grammar_of(build_parser())
    is_manual = options.action == "man"
    print(man_page(root, __version__, MEANINGS) if is_manual else completion(options.shell, root), end="")
    return Exit.DONE
