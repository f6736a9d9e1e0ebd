"""The grammar of `estui adopt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`estui adopt`."""
    adopt = command("adopt", "report which CA signed what here, and take CAs over into the workspace", "adopt")
    adopt.add_argument(
        "--import",
        dest="imports",
        nargs="*",
        metavar="FINGERPRINT|SUBJECT",
        help="import these CAs; none named: all that sign or are trusted here, or are given",
    )
    adopt.add_argument(
        "--ca",
        action="extend",
        nargs="+",
        default=[],
        metavar="FILE",
        help="further CA files: PKCS#12, or certificate and key",
    )
    adopt.add_argument("--ca-password-file", metavar="FILE", help="password of the CA's file or key")
