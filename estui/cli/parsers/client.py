"""The grammar of `estui client`, and of the options that go with the scenario `mutual`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from estui.cli.parsers.nested import verbs_of
from estui.model.variants import words_of

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`client` and its verbs."""
    verb = verbs_of(command("client", "client certificates for people, and who connects to the nodes", "client"))
    verb("list", "every client certificate of the workspace: its end, its owner's roles")
    new = verb("new", "a certificate and key for somebody, into new files that only you can read")
    new.add_argument("name", metavar="NAME", help="who it is for: the name that the PKI realm logs in")
    new.add_argument("--to", metavar="DIR", default=".", help="folder for the files (else here)")
    new.add_argument("--p12", action="store_true", help="one PKCS#12 file, as browsers take it, instead of PEM")
    new.add_argument("--p12-password-file", metavar="FILE", help="password of the PKCS#12 file (else asked for twice)")
    new.add_argument(
        "--role",
        action="append",
        default=[],
        metavar="ROLE",
        help="a role that the PKI realm gives, from the next `estui apply mutual` on; may be repeated",
    )
    new.add_argument("--days", type=int, metavar="N", help="life in days (else the policy's)")
    new.add_argument("--renew", action="store_true", help="another certificate for a name that has one; roles stay")
    guide = verb("guide", "what to change at clients that estui does not manage: settings, CA, fingerprint, role")
    guide.add_argument("guides", nargs="*", metavar="KIND", help="logstash, fleet, curl, languages, beats, kibana")
    search = verb("search", "where files of clients mean the CA that goes, or the cluster by http://; exit code 3 then")
    search.add_argument("folders", nargs="+", metavar="DIR", help="folder or file of a client, as this host sees it")
    search.add_argument(
        "--ca",
        action="append",
        default=[],
        metavar="NAME",
        help="this CA (else those that go in the rollover under way, else all of the workspace); may be repeated",
    )
    remove = verb("remove", "forget a client: no roles from the next `estui apply mutual` on")
    remove.add_argument("name", metavar="NAME", help="as `estui client list` names it")
    verb("connected", "who talks to the HTTP layer, as the nodes tell; exit code 3 where somebody is not ticked")
    tick = verb("tick", "say that whoever connects has a certificate")
    tick.add_argument("names", nargs="*", metavar="CLIENT", help="as `estui client connected` names it")
    tick.add_argument("--all", action="store_true", help="all of them")
    tick.add_argument("--undo", action="store_true", help="take the tick back")


def mutual_options(parser: argparse.ArgumentParser) -> None:
    """How far the scenario `mutual` goes; without any of them it stays where it is, and begins with `--optional`."""
    group = parser.add_argument_group("mutual TLS (with the scenario mutual)")
    demand = group.add_mutually_exclusive_group()
    for word in ("optional", "required", "off"):
        words = words_of(f"--{word}")
        demand.add_argument(f"--{word}", dest="demand", action="store_const", const=word, default=None, help=words)
    realm = group.add_mutually_exclusive_group()
    realm.add_argument("--pki", dest="realm", action="store_true", default=None, help=words_of("--pki"))
    realm.add_argument("--no-pki", dest="realm", action="store_false", help=words_of("--no-pki"))
