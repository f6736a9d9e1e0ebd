"""Certificates and their ends as text: a table for people, one line for Nagios, metrics for Prometheus.

Sources of the formats: Prometheus text exposition format 0.0.4; Monitoring Plugins Development Guidelines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from estui.decide.findings.view import listed
from estui.model.certificate import CertificateFacts
from estui.model.expiry import ExpiryReport, ExpiryRow, ExpiryState, Sighting
from estui.present.escapes import escaped
from estui.present.lines import UNICODE, Glyphs, Kind, Line, count
from estui.present.status import certificate_lines

_SERIAL_SHOWN = 12
"""Hex digits of a serial number in the table; whole ones are in the other formats."""
_KINDS = {ExpiryState.OK: Kind.TEXT, ExpiryState.DUE: Kind.WARN, ExpiryState.UNKNOWN: Kind.WARN}
NAGIOS_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
"""By exit code."""


def expiry_title(report: ExpiryReport) -> str:
    """`lab · 7 certificates · 1 expired, 2 due · next: CN=es-1 (es-1 http) in 12 d`."""
    parts = [escaped(report.cluster), count(len(report.certificates), "certificate")]
    parts += [_counts(report)] if _counts(report) else []
    following = _next(report)
    if following:
        parts.append(f"next: {_name(following)} in {following.days_left} d")
    return " · ".join(part for part in parts if part)


def _counts(report: ExpiryReport) -> str:
    worst_first = [state for state in reversed(ExpiryState) if state is not ExpiryState.OK]
    return ", ".join(f"{report.count(state)} {state.value}" for state in worst_first if report.count(state))


def _next(report: ExpiryReport) -> ExpiryRow | None:
    """What ends next; what has ended already is counted, not awaited."""
    return next((row for row in report.certificates if row.state is not ExpiryState.EXPIRED), None)


def _name(row: ExpiryRow) -> str:
    return f"{escaped(row.subject)} ({_seen(row.seen[:1], wheres=False)})" if row.seen else escaped(row.subject)


def expiry_lines(report: ExpiryReport, glyphs: Glyphs = UNICODE) -> list[Line]:
    """The whole table, one certificate a line, and below it what could not be looked at."""
    lines = [Line(Kind.TITLE, expiry_title(report))]
    width = max((len(row.state.value) for row in report.rows), default=0)
    return lines + [_line(row, width, glyphs) for row in report.rows]


@dataclass(frozen=True)
class ExpiryCells:
    """One row of the table, in words; of what could not be looked at only state, places and detail have any."""

    kind: Kind
    sign: str
    state: str
    left: str
    """`12 d`."""
    ends: str
    what: str
    """`CA` or `leaf`."""
    subject: str
    issuer: str
    """`by …`, or `self-signed`."""
    serial: str
    seen: str
    """Who has it, and where it was seen."""
    detail: str


def expiry_cells(row: ExpiryRow, glyphs: Glyphs = UNICODE) -> ExpiryCells:
    """The words for a certificate, or for something that could not be looked at."""
    kind = _KINDS.get(row.state, Kind.BAD)
    sign = {Kind.TEXT: glyphs.done, Kind.WARN: glyphs.soon, Kind.BAD: glyphs.failed}[kind]
    seen = _seen(row.seen)
    if row.not_after is None:
        if row.state is ExpiryState.UNKNOWN:
            sign = glyphs.unknown
        place = row.seen[0].place if row.seen else ""
        at = f" ({escaped(place)})" if place and place not in row.detail else ""
        return ExpiryCells(kind, sign, row.state.value, "", "", "", "", "", "", seen, f"{escaped(row.detail)}{at}")
    return ExpiryCells(
        kind,
        sign,
        row.state.value,
        left=f"{row.days_left} d",
        ends=f"{row.not_after:%Y-%m-%d}",
        what="CA" if row.is_ca else "leaf",
        subject=escaped(row.subject),
        issuer="self-signed" if row.issuer == row.subject else f"by {escaped(row.issuer) or '?'}",
        serial=_short(row.serial),
        seen=seen,
        detail=row.detail,
    )


def _line(row: ExpiryRow, width: int, glyphs: Glyphs) -> Line:
    cells = expiry_cells(row, glyphs)
    head = f"{cells.sign:2} {cells.state:{width}}"
    if row.not_after is None:
        return Line(cells.kind, f"{head}  {cells.seen}: {cells.detail}")
    text = (
        f"{head}  {cells.left:>8}  {cells.ends}  {cells.what:4}  {cells.subject} {cells.issuer}  "
        f"serial {cells.serial}  {cells.seen}"
    )
    return Line(cells.kind, text + (f"  {cells.detail}" if cells.detail else ""))


def expiry_details(
    row: ExpiryRow, facts: CertificateFacts | None, now: datetime, glyphs: Glyphs = UNICODE
) -> list[Line]:
    """Everything about one row; without `facts` what a node's own list tells of it."""
    cells = expiry_cells(row, glyphs)
    lines = [Line(cells.kind, f"{cells.sign} {cells.state}" + (f": {cells.detail}" if cells.detail else ""))]
    if row.not_after is not None:
        lines.append(Line(Kind.TEXT, f"{cells.what}, ends {cells.ends} ({cells.left})"))
    if facts is not None:
        lines += certificate_lines(facts, now)
    elif row.not_after is not None:
        lines.append(Line(Kind.TEXT, f"    {cells.subject} {cells.issuer}, serial {row.serial}"))
    lines.append(Line(Kind.TITLE, "seen"))
    return lines + [Line(Kind.TEXT, f"  {_place(each)}") for each in row.seen]


def _place(each: Sighting) -> str:
    context = "" if each.context == "ca" else f" {escaped(each.context)}"
    return f"{escaped(each.target)}{context}: {each.where.value}" + (f", {escaped(each.place)}" if each.place else "")


def _short(serial: str) -> str:
    return serial if len(serial) <= _SERIAL_SHOWN else f"{serial[:_SERIAL_SHOWN]}…"


def _seen(seen: Iterable[Sighting], *, wheres: bool = True) -> str:
    """`es-1, es-2 http (disk, served); ca/http`: targets with the same sightings together."""
    ways: dict[tuple[str, str], dict[str, None]] = {}
    for each in seen:
        ways.setdefault((each.target, each.context), {})[each.where.value] = None
    groups: dict[tuple[str, str], list[str]] = {}
    for (target, context), found in ways.items():
        groups.setdefault((context, ", ".join(found)), []).append(target)
    return "; ".join(_group(targets, context, found if wheres else "") for (context, found), targets in groups.items())


def _group(targets: Sequence[str], context: str, wheres: str) -> str:
    names = escaped(listed(targets))
    if context == "ca":
        return names
    return f"{names} {escaped(context)}" + (f" ({wheres})" if wheres else "")


# Prometheus


def prometheus_text(reports: Sequence[ExpiryReport]) -> str:
    """Metrics of one or several clusters, for a text file collector."""
    return "".join(f"{line}\n" for line in _metrics(reports))


def _metrics(reports: Sequence[ExpiryReport]) -> Iterable[str]:
    yield from _head("estui_certificate_not_after_seconds", "End of a certificate, in seconds since the epoch.")
    for report in reports:
        for labels, end in _ends(report).items():
            yield f"estui_certificate_not_after_seconds{{{labels}}} {end}"
    yield from _head("estui_watch_up", "Whether all of a target could be looked at.")
    for report in reports:
        for each in report.targets:
            labels = _labels(cluster=report.cluster, target=each.target)
            yield f"estui_watch_up{{{labels}}} {int(each.complete)}"
    yield from _head("estui_watch_last_run_seconds", "When estui looked last, in seconds since the epoch.")
    for report in reports:
        yield f"estui_watch_last_run_seconds{{{_labels(cluster=report.cluster)}}} {_epoch(report.at)}"


def _head(name: str, help_text: str) -> tuple[str, str]:
    return f"# HELP {name} {help_text}", f"# TYPE {name} gauge"


def _ends(report: ExpiryReport) -> dict[str, int]:
    """The end for each set of labels. A set may occur once only, so where several certificates share one the first
    end counts."""
    found: dict[str, int] = {}
    for row in report.rows:
        if row.not_after is None:
            continue
        for seen in row.seen:
            labels = _labels(
                cluster=report.cluster,
                target=seen.target,
                context=seen.context,
                kind="ca" if row.is_ca else "leaf",
                subject=row.subject,
                serial=row.serial,
                where=seen.where.value,
            )
            end = _epoch(row.not_after)
            found[labels] = min(end, found.get(labels, end))
    return found


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{label_value(value)}"' for name, value in labels.items())


def label_value(text: str) -> str:
    """A label's value: backslash, quote and line feed escaped, as the format wants it; controls written out before."""
    return escaped(text).replace("\\", "\\\\").replace('"', '\\"')


# Nagios


def nagios_code(reports: Sequence[ExpiryReport]) -> int:
    """0 to 3 as plugins answer. Something bad outweighs what is due, and that what is not known."""
    states = {row.state for report in reports for row in report.rows}
    if any(state.is_bad for state in states):
        return 2
    if ExpiryState.DUE in states:
        return 1
    return 3 if ExpiryState.UNKNOWN in states else 0


def nagios_line(reports: Sequence[ExpiryReport]) -> str:
    """One line: the state, what ends first, and figures after the bar."""
    text = "; ".join(expiry_title(report) for report in reports).replace("|", "\\x7c").replace(" · ", ", ")
    return f"ESTUI {NAGIOS_WORDS[nagios_code(reports)]} - {text} | {' '.join(_figures(reports))}"


def nagios_failure(problem: str) -> str:
    """The line for a watch that could not look at all."""
    return f"ESTUI {NAGIOS_WORDS[3]} - {escaped(problem).replace('|', chr(92) + 'x7c')}"


def _figures(reports: Sequence[ExpiryReport]) -> Iterable[str]:
    """`days_left` alerts below its thresholds, which is what `N:` means."""
    ends = [(row.days_left, report) for report in reports for row in report.rows if row.days_left is not None]
    if ends:
        days, report = min(ends, key=lambda end: end[0])
        yield f"days_left={days};{report.warn_days + 1}:;{report.critical_days + 1}:"
    for state in (ExpiryState.EXPIRED, ExpiryState.CRITICAL, ExpiryState.DUE, ExpiryState.UNKNOWN):
        yield f"{state.value}={sum(report.count(state) for report in reports)};;;0"
    yield f"certificates={sum(len(report.certificates) for report in reports)};;;0"
