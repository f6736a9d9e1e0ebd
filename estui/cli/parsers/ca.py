"""The grammar of `estui ca`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from estui.cli.parsers import rollover
from estui.cli.parsers.nested import Verb, verbs_of

if TYPE_CHECKING:
    from estui.cli.parsers import Adder

KEY_TYPES = ("ec-p256", "rsa-2048", "rsa-3072", "rsa-4096")


def add(command: Adder) -> None:
    """`ca` and its verbs."""
    verb = verbs_of(command("ca", "certificate authorities of the workspace", "ca"))
    verb("list", "every CA: its end, its key, what it issued")
    create = verb("create", "make a CA before a plan needs it")
    create.add_argument("name", metavar="NAME", help="transport, http or client")
    create.add_argument("--key", choices=KEY_TYPES, help="key type (else the policy's)")
    _days(create)
    _moving(verb)
    passphrase = verb("passphrase", "change the workspace passphrase: every CA key and stored password sealed anew")
    passphrase.add_argument(
        "--new-passphrase-file", metavar="FILE", help="file with the new one on its first line (else asked for twice)"
    )
    renew = verb("renew", "make a CA last longer: new certificate, same key, so that its leaves go on holding")
    renew.add_argument("name", metavar="NAME", help="as `estui ca list` names it")
    renew.add_argument("--new-key", action="store_true", help="refused: another key is another CA, see ca rollover")
    _days(renew)
    issued = verb("issued", "the leaves that a CA issued, and where each of them is now")
    issued.add_argument("name", metavar="NAME", help="as `estui ca list` names it")
    issued.add_argument("--offline", action="store_true", help="read the folders only, ask no port")
    rollover.add(verb)


def _days(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, metavar="N", help="life in days (else the policy's)")


def _moving(verb: Verb) -> None:
    """Out of the workspace and into it."""
    export = verb("export", "write a CA's certificate into a new file, on request with its key")
    export.add_argument("name", metavar="NAME", help="as `estui ca list` names it")
    export.add_argument("--to", metavar="FILE", required=True, help="new file; PKCS#12 where it ends in .p12 or .pfx")
    export.add_argument("--with-key", action="store_true", help="the encrypted key as well, under its own password")
    export.add_argument(
        "--key-password-file", metavar="FILE", help="password for the exported key (else asked for twice)"
    )
    bring = verb("import", "bring in a CA that was made elsewhere, with its key or without")
    bring.add_argument("name", metavar="NAME", help="its name in this workspace, such as corporate")
    bring.add_argument("--cert", metavar="FILE", help="its certificate, PEM or DER")
    bring.add_argument("--key", metavar="FILE", help="its private key, PEM or DER")
    bring.add_argument("--p12", metavar="FILE", help="certificate and key in a PKCS#12 file")
    bring.add_argument("--key-password-file", metavar="FILE", help="password of the key or the PKCS#12 file")
