"""A whole cluster in one look: what it says of itself, the table of targets with what differs, the worst findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from estui.decide.compare import unchecked_words
from estui.decide.views import started_at, version_note, views_of
from estui.model.finding import Finding, Severity
from estui.model.observed import Observed, ObservedNode
from estui.present.escapes import escaped
from estui.present.findings import finding_groups, findings_title
from estui.present.lines import ASCII, UNICODE, Glyphs, Kind, Line, count
from estui.present.status import TargetRow, headline, rows
from estui.present.views import difference_line, target_lines, version_text, views_json

WORST = 3
"""Findings that stand in the summary."""
_HEADINGS = TargetRow("name", "", "address", "state", "transport", "http", "served", "", Kind.NOTE)


def status_lines(
    observed: Observed,
    now: datetime,
    glyphs: Glyphs = UNICODE,
    *,
    findings: Sequence[Finding] = (),
    targets: Sequence[str] = (),
    evidence: bool = False,
) -> list[Line]:
    """The cluster as text; with `evidence` every target in full. `targets` leaves out all others."""
    lines = [Line(Kind.TITLE, headline(observed, now)), *cluster_lines(observed, now)]
    if evidence:
        for view in views_of(observed, now):
            if not targets or view.target in targets:
                lines += [Line(Kind.TEXT, ""), *target_lines(observed, view.target, now)]
    else:
        lines += _table(observed, now, glyphs, targets)
    lines += findings_summary([each for each in findings if not targets or each.target in targets])
    return [replace(line, text=escaped(line.text)) for line in lines]


def cluster_lines(observed: Observed, now: datetime) -> list[Line]:
    """What the cluster says of itself, as far as it was told, and what the last run wants."""
    lines = [Line(Kind.TEXT, f"cluster: {', '.join(_told(observed))}")]
    unset = next((each.api.without_password for each in observed.nodes if each.api.without_password is not None), ())
    unset = tuple(name for name in unset if name != "elastic")
    if unset:
        lines.append(Line(Kind.NOTE, f"built-in users without a password: {', '.join(unset)}"))
    if _started(observed):
        lines.append(Line(Kind.TEXT, f"started: {_started(observed)}"))
    lines += _version_lines(observed)
    lines.append(_desired_line(observed))
    if not any(node.api.members for node in observed.nodes):
        more = ["with --user NAME more is seen: health, members, licence, start times, the nodes' own lists"]
        lines += [Line(Kind.NOTE, text) for text in unchecked_words(observed) or more]
    return lines


def _told(observed: Observed) -> Iterator[str]:
    witness = next((node.api for node in observed.nodes if node.api.health), None)
    if witness is not None and witness.health is not None:
        yield f"{witness.health.status}, {witness.health.nodes} of {count(len(observed.nodes), 'node')} joined"
        if witness.licence:
            yield f"licence {witness.licence}"
        if witness.authenticated_as:
            yield f"asked as {witness.authenticated_as}"
        return
    answering = [node for node in observed.nodes if node.api.reachable]
    if answering:
        secured = any(node.api.secured for node in answering)
        words = "tell nothing without a login" if secured else "answer"
        yield f"{len(answering)} of {count(len(observed.nodes), 'node')} {words}"
    else:
        yield "no node answers"


def _started(observed: Observed) -> str:
    """The first and the last start: what a rolling restart looks like from outside."""
    starts = sorted((moment, node.target) for node in observed.nodes if (moment := started_at(node, observed)))
    if not starts:
        return ""
    (first, one), (last, other) = starts[0], starts[-1]
    if len(starts) == 1:
        return f"{one} {first:%Y-%m-%d %H:%M:%S} UTC"
    return f"{one} {first:%Y-%m-%d %H:%M:%S} (first), {other} {last:%Y-%m-%d %H:%M:%S} UTC (last)"


def _version_lines(observed: Observed) -> Iterator[Line]:
    """Every version that there is, from where it is known, and what an unknown one is treated as."""
    groups: dict[tuple[str, str], list[ObservedNode]] = {}
    for node in observed.nodes:
        groups.setdefault((version_text(node), version_note(node)), []).append(node)
    for (version, note), nodes in groups.items():
        who = f" on {', '.join(node.target for node in nodes[:4])}" if len(groups) > 1 else ""
        more = f" and {len(nodes) - 4} more" if who and len(nodes) > 4 else ""
        told = f", {note}" if note else ""
        yield Line(Kind.WARN if note else Kind.TEXT, f"version {version}{who}{more}{told}")


def _desired_line(observed: Observed) -> Line:
    desired = observed.desired
    if desired is None:
        return Line(Kind.TEXT, "desired: what is there, since no run was applied from this workspace")
    parts = [f"{desired.goal}, as run {desired.run} left it"] if desired.run else []
    parts += [f"run {desired.waiting} is in hand"] if desired.waiting else []
    return Line(Kind.TEXT, f"desired: {'; '.join(parts) or 'what is there: every run was undone'}")


def _table(observed: Observed, now: datetime, glyphs: Glyphs, targets: Sequence[str]) -> Iterator[Line]:
    table = [row for row in rows(observed, now, glyphs) if not targets or row.target in targets]
    named = {view.target: view.named for view in views_of(observed, now)}
    problems = {thing.target: thing.problems for thing in (*observed.things, *observed.beats)}
    cells = [_cells(row) for row in (_HEADINGS, *table)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    for row, texts in zip((_HEADINGS, *table), cells, strict=True):
        padded = "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True))
        yield Line(row.kind, f"{row.glyph or ' ':1} {padded}".rstrip())
        for each in named.get(row.target, ()):
            yield difference_line(each)
        for problem in problems.get(row.target, ()):
            where = f"{problem.where}: " if problem.where else ""
            yield Line(Kind.BAD, f"    {where}{problem.summary}")
            if problem.hint:
                yield Line(Kind.NOTE, f"      hint: {problem.hint}")


def _cells(row: TargetRow) -> tuple[str, ...]:
    return (row.target, row.address, row.rung, row.transport, row.http, row.served)


def findings_summary(findings: Sequence[Finding]) -> list[Line]:
    """Counts by severity, the worst three, and the command that shows all; nothing where nothing was looked for."""
    groups = [group for group in finding_groups(findings) if group[0].severity is not Severity.NOTE]
    if not findings:
        return []
    title = findings_title(findings)
    lines = [Line(title.kind, f"findings: {title.text}")]
    for group in groups[:WORST]:
        first = group[0]
        others = f" and {len(group) - 1} more" if len(group) > 1 else ""
        kind = Kind.BAD if first.severity in (Severity.FATAL, Severity.ERROR) else Kind.WARN
        lines.append(Line(kind, f"  {first.severity.value:8}{first.target}{others}: {first.summary} ({first.rule})"))
    return [*lines, Line(Kind.NOTE, "  all of them: estui doctor")]


def status_json(
    observed: Observed, now: datetime, *, findings: Sequence[Finding] = (), targets: Sequence[str] = ()
) -> dict[str, object]:
    """Everything that `estui status --evidence` tells, for programs."""
    shown = [view for view in views_of(observed, now) if not targets or view.target in targets]
    table = {row.target: row for row in rows(observed, now, ASCII)}
    told = [each for each in findings if not targets or each.target in targets]
    return {
        "cluster": observed.inventory.cluster,
        "headline": headline(observed, now),
        "targets": [table[view.target] for view in shown],
        "views": views_json(shown),
        "desired": _desired_json(observed),
        "nodes": [_node_json(node, observed) for node in observed.nodes if not targets or node.target in targets],
        "findings": {
            "counts": {each.value: sum(one.severity is each for one in told) for each in Severity},
            "worst": told[:WORST],
            "all": "estui doctor --json",
        },
    }


def _desired_json(observed: Observed) -> dict[str, object] | None:
    desired = observed.desired
    if desired is None:
        return None
    return {"run": desired.run, "goal": desired.goal, "tls": desired.layers, "in_hand": desired.waiting}


def _node_json(node: ObservedNode, observed: Observed) -> dict[str, object]:
    api = node.api
    return {
        "target": node.target,
        "folder": node.entry.config,
        "version": str(node.version) if node.version else None,
        "version_source": node.version_source,
        "version_note": version_note(node),
        "started": started_at(node, observed),
        "reachable": api.reachable,
        "secured": api.secured,
        "detail": api.detail,
        "health": api.health,
        "licence": api.licence,
        "without_password": api.without_password,
        "own_list": None
        if api.listed is None
        else [{"path": each.path, "serial": f"{each.serial:x}", "has_key": each.has_key} for each in api.listed],
        "own_list_problem": api.listed_problem,
        "set_outside": {each.key: each.source for each in node.settings.values() if each.source},
    }
