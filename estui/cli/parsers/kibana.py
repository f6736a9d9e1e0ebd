"""What Kibana gets on request: options of the commands that take the scenario https."""

from __future__ import annotations

import argparse

from estui.model.variants import HOSTS_WORDS, words_of


def wish_options(parser: argparse.ArgumentParser) -> None:
    """`--kibana-token` and the like; they go with https only."""
    group = parser.add_argument_group("Kibana, with https")
    for option in ("--kibana-token", "--kibana-keys"):
        group.add_argument(option, action="store_true", help=words_of(option))
    group.add_argument("--kibana-hosts", nargs="+", default=[], metavar="NODE", help=HOSTS_WORDS)
