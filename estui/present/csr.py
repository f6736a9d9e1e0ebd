"""Certificate requests and the answers to them, as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from estui.model.certificate import CertificateFacts
from estui.model.csr import CsrEntry
from estui.present.lines import Kind, Line, count


def exported_lines(entries: Sequence[CsrEntry], files: Sequence[str]) -> list[Line]:
    """Every request as it has to be issued: what to write to those who run the CA."""
    lines: list[Line] = []
    for entry, file in zip(entries, files, strict=True):
        request = entry.request
        usages = " and ".join(request.usages) or "any"
        lines += [
            Line(Kind.FILE, file),
            Line(Kind.TEXT, f"  for {entry.name}: CN={request.common_name}, {request.key.value}, {usages}"),
            Line(Kind.TEXT, f"  subjectAltName {', '.join((*request.dns_names, *request.addresses))}"),
        ]
    return lines


def handing_over_lines(requests: int, folder: str) -> list[Line]:
    """What to do with the requests, as talk."""
    return [
        Line(Kind.TEXT, f"{count(requests, 'request')} in {folder}; the keys stay in the workspace, encrypted"),
        Line(Kind.TEXT, "have each issued with the subjectAltName, keyUsage and extendedKeyUsage that it asks for,"),
        Line(Kind.TEXT, "then: estui csr import FILE... (PEM, .p7b or DER; root and intermediates with --ca FILE)"),
    ]


def imported_lines(answers: Iterable[tuple[str, str, CertificateFacts, int]], now: datetime) -> list[Line]:
    """Each answer: request, name of the CA, leaf, count of intermediates."""
    lines = []
    for name, authority, leaf, between in answers:
        through = f" through {count(between, 'intermediate')}" if between else ""
        end = f"{leaf.not_after:%Y-%m-%d} ({leaf.days_left(now)} d)"
        lines.append(
            Line(Kind.GOOD, f"{name}: {leaf.subject} of CA {authority}{through}, until {end}, serial {leaf.serial_hex}")
        )
    return lines


def next_lines(missing: Sequence[str]) -> list[Line]:
    """What comes after an import, as talk."""
    lines = [Line(Kind.WARN, f"still without a certificate: {', '.join(missing)}")] if missing else []
    return [
        *lines,
        Line(
            Kind.TEXT, "estui csr apply puts them in place of the leaves in use; where there is no TLS yet: estui plan"
        ),
        Line(Kind.TEXT, "within a rollover: estui ca rollover next; for a node that is to join: estui node add DIR"),
    ]


def state_text(leaf: CertificateFacts | None, authority: str, *, installed: bool) -> str:
    """`requested`, `imported, until 2027-11-25, CA corporate`, `installed, …`."""
    if leaf is None:
        return "requested"
    return f"{'installed' if installed else 'imported'}, until {leaf.not_after:%Y-%m-%d}, CA {authority}"


def request_lines(states: Iterable[tuple[str, str, str]]) -> list[Line]:
    """Set, request and state, one line each."""
    rows = list(states)
    width = max((len(name) for _, name, _ in rows), default=0)
    return [Line(Kind.TEXT, f"{csr}  {name:{width}}  {state}") for csr, name, state in rows]
