"""`estui probe`: one fresh handshake with a port, and what it proves. Needs no workspace, writes nothing."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from estui import present
from estui.act.journal import utc_now
from estui.cli.output import Exit, glyphs, show, show_json
from estui.decide.probing import commands, judge
from estui.errors import UsageError
from estui.formats.pem import load_certificates
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address
from estui.model.observed import PortState
from estui.observe.probe import probe
from estui.pki.facts import certificate_facts

_NO_ANSWER = (PortState.REFUSED, PortState.TIMED_OUT, PortState.UNREACHABLE, PortState.SILENT)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where every claim holds, 3 where one does not, 1 where a port gave no answer."""
    addresses = [parse_address(text) for text in options.addresses]
    trusted = _read_authorities(Path(options.ca)) if options.ca else ()
    authority = os.path.abspath(options.ca) if options.ca else ""  # noqa: PTH100 - resolve() follows links
    code = Exit.DONE
    shown = []
    for address in addresses:
        name = options.name or address.host
        served = probe(address, timeout_s=options.timeout, server_name=name)
        proofs = judge(served, name, trusted, utc_now())
        by_hand = commands(served, name, authority)
        if served.state in _NO_ANSWER:
            code = Exit.FAILED
        elif code is Exit.DONE and not all(proof.ok for proof in proofs):
            code = Exit.PENDING
        shown.append({"served": served, "proofs": proofs, "commands": by_hand})
        if not options.json:
            show(present.probe_lines(served, proofs, by_hand, utc_now(), glyphs(sys.stdout)))
    if options.json:
        show_json(shown)
    return code


def parse_address(text: str) -> Address:
    """`host:port`, with brackets around an IPv6 address; a scheme and a path are passed over. Raises UsageError."""
    bare = text.partition("://")[2] or text
    host, colon, port = bare.partition("/")[0].rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"{text!r} is no HOST:PORT", hint="such as es-1.example.net:9300, or [fe80::1]:9200")
    return Address(host, int(port))


def _read_authorities(path: Path) -> tuple[CertificateFacts, ...]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {os.strerror(error.errno or 0)}", hint="name a PEM file of CAs") from error
    return tuple(certificate_facts(certificate) for certificate in load_certificates(content, str(path)))
