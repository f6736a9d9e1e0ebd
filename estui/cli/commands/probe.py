"""`estui probe`: one fresh handshake with a port, and what it proves. Needs no workspace, writes nothing.

In a workspace that knows the address, whoever connects to it there judges it too.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from estui import present
from estui.act.journal import utc_now
from estui.cli.output import Exit, glyphs, say, show, show_json
from estui.cli.session import open_session
from estui.decide.probing import commands, judge
from estui.engine import Engine
from estui.engine.probing import Probed, probe_address, probe_targets
from estui.errors import EstuiError, UsageError
from estui.formats.pem import load_certificates
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address
from estui.model.observed import PortState, Served
from estui.model.run import Proof
from estui.observe.probe import probe
from estui.pki.facts import certificate_facts

_NO_ANSWER = (PortState.REFUSED, PortState.TIMED_OUT, PortState.UNREACHABLE, PortState.SILENT)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where every claim holds, 3 where one does not, 1 where a port gave no answer."""
    if not options.addresses or not all(is_address(text) for text in options.addresses):
        return _targets(options)
    addresses = [parse_address(text) for text in options.addresses]
    trusted = _read_authorities(Path(options.ca)) if options.ca else ()
    authority = os.path.abspath(options.ca) if options.ca else ""  # noqa: PTH100 - resolve() follows links
    engine = None if options.ca else _workspace(options)
    code = Exit.DONE
    shown: list[object] = []
    for address in addresses:
        name = options.name or address.host
        known = probe_address(engine, address, timeout_s=options.timeout, name=options.name or "") if engine else None
        if known:
            code = _worse(code, known.served, known.proofs)
            shown.append(known)
            _show(known, options)
            continue
        served = probe(address, timeout_s=options.timeout, server_name=name)
        proofs = judge(served, name, trusted, utc_now())
        by_hand = commands(served, name, authority)
        code = _worse(code, served, proofs)
        shown.append({"served": served, "proofs": proofs, "commands": by_hand})
        if not options.json:
            show(present.probe_lines(served, proofs, by_hand, utc_now(), glyphs(sys.stdout)))
    if options.json:
        show_json(shown)
    return code


def _workspace(options: argparse.Namespace) -> Engine | None:
    """The workspace that may know an address; none where there is none, or where it cannot be read, which is told."""
    engine = open_session(options)
    try:
        engine.inventory()
    except UsageError:
        return None
    except EstuiError as error:
        say(f"judged without the workspace: {error}")
        return None
    return engine


def _show(probed: Probed, options: argparse.Namespace) -> None:
    if not options.json:
        title = f"{probed.target} {probed.port}"
        show(present.probe_lines(probed.served, probed.proofs, probed.commands, utc_now(), glyphs(sys.stdout), title))


def _worse(code: Exit, served: Served, proofs: Sequence[Proof]) -> Exit:
    if served.state in _NO_ANSWER:
        return Exit.FAILED
    return Exit.PENDING if code is Exit.DONE and not all(proof.ok for proof in proofs) else code


def _targets(options: argparse.Namespace) -> int:
    """Targets of the workspace by name: each of their ports, judged by whoever connects to it."""
    if options.ca:
        raise UsageError("--ca goes with HOST:PORT", hint="targets are judged by what their peers trust")
    mixed = [text for text in options.addresses if is_address(text)]
    if mixed:
        raise UsageError(f"{mixed[0]} is an address, and others are names", hint="addresses and names one at a time")
    if options.addresses and _workspace(options) is None:
        parse_address(options.addresses[0])
    code = Exit.DONE
    probed = probe_targets(open_session(options), options.addresses, timeout_s=options.timeout, name=options.name or "")
    for each in probed:
        code = _worse(code, each.served, each.proofs)
        _show(each, options)
    if options.json:
        show_json(probed)
    return code


def is_address(text: str) -> bool:
    """Whether it is meant as `host:port` or a URL rather than as the name of a target."""
    return ":" in text


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
