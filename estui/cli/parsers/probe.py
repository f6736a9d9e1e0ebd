"""The grammar of `estui probe`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estui.cli.parsers import Adder


def add(command: Adder) -> None:
    """`probe`: ports by their addresses, or those of the workspace by name."""
    probe = command("probe", "one handshake with a port, and who would accept it; needs no workspace", "probe")
    probe.add_argument(
        "addresses", nargs="*", metavar="HOST:PORT", help="or the name of a node or kibana/NAME of the workspace"
    )
    probe.add_argument("--name", metavar="NAME", help="the name to check (else the host)")
    probe.add_argument("--ca", metavar="FILE", help="PEM file of the CAs to trust")
    probe.add_argument("--timeout", type=float, default=3.0, metavar="SECONDS", help="for each port (3)")
