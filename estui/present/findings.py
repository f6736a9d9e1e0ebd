"""Findings, rules, probes and errors as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from estui.decide.findings.view import listed
from estui.errors import EstuiError
from estui.model.finding import Finding, Severity
from estui.model.observed import (
    PortState,
    Served,
)
from estui.model.run import Proof
from estui.present.lines import UNICODE, Glyphs, Kind, Line, count
from estui.present.runs import proof_line
from estui.present.status import certificate_lines

if TYPE_CHECKING:
    from estui.decide.findings.rule import Rule


_COMMANDS_SHOWN = 3
_SEVERITY_KINDS = {
    Severity.FATAL: Kind.BAD,
    Severity.ERROR: Kind.BAD,
    Severity.WARNING: Kind.WARN,
    Severity.NOTE: Kind.NOTE,
}


def findings_title(findings: Sequence[Finding]) -> Line:
    """`1 fatal, 2 errors, 3 warnings, 1 note`."""
    if not findings:
        return Line(Kind.GOOD, "nothing to say")
    counts = Counter(finding.severity for finding in findings)
    words = {Severity.FATAL: "fatal"}
    parts = [
        f"{counts[each]} {words[each]}" if each in words else count(counts[each], each.value)
        for each in Severity
        if counts[each]
    ]
    clean = set(counts) == {Severity.NOTE}
    return Line(Kind.GOOD if clean else _SEVERITY_KINDS[findings[0].severity], ", ".join(parts))


def finding_lines(findings: Sequence[Finding]) -> list[Line]:
    """Findings, the worst first; those that say the same about several targets stand together."""
    lines = [line for group in finding_groups(findings) for line in group_lines(group)]
    return [*lines, findings_title(findings)]


def finding_groups(findings: Sequence[Finding]) -> list[tuple[Finding, ...]]:
    """Findings that say the same about several targets, together; in the order of the first of each."""
    groups: dict[tuple[Severity, str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.rule, finding.effect, finding.hint), []).append(finding)
    return [tuple(group) for group in groups.values()]


def group_lines(group: Sequence[Finding]) -> list[Line]:
    """What one rule found: the evidence on every target, what happens, what to do."""
    first = group[0]
    lines = [Line(_SEVERITY_KINDS[first.severity], f"{first.severity.value:8} {first.rule}: {first.title}")]
    lines += [Line(Kind.TEXT, f"  {_finding_text(finding)}") for finding in group]
    lines += [Line(Kind.NOTE, f"  happens: {first.effect}")] if first.effect else []
    lines += [Line(Kind.NOTE, f"  do: {first.hint}")] if first.hint else []
    lines += [Line(Kind.NOTE, f"  fix: {command}") for command in fix_commands(group)]
    return lines


def fix_commands(group: Sequence[Finding]) -> list[str]:
    """The commands that put findings of one rule right: one for all targets where that does."""
    commands = list(dict.fromkeys(finding.fix for finding in group if finding.fix))
    targets = {finding.target for finding in group}
    by_rule = [command for command in commands if command.startswith("estui doctor --fix ")]
    if len(by_rule) > 1 and len(by_rule) == len(targets):
        return [f"estui doctor --fix {group[0].rule}"]
    return commands if len(commands) <= _COMMANDS_SHOWN else [*commands[:_COMMANDS_SHOWN], "..."]


@dataclass(frozen=True)
class FindingCells:
    """One row of the table of findings, in words."""

    kind: Kind
    sign: str
    severity: str
    rule: str
    title: str
    targets: str


def finding_cells(group: Sequence[Finding], glyphs: Glyphs = UNICODE) -> FindingCells:
    """The words for findings that say the same."""
    first = group[0]
    kind = _SEVERITY_KINDS[first.severity]
    sign = {Kind.BAD: glyphs.failed, Kind.WARN: glyphs.soon}.get(kind, glyphs.waiting)
    targets = listed(dict.fromkeys(finding.target for finding in group))
    return FindingCells(kind, sign, first.severity.value, first.rule, first.title or first.summary, targets)


def findings_badge(findings: Sequence[Finding]) -> str:
    """The worst that was found and how often, for a cell: `2 errors`; empty where there is nothing but notes."""
    counts = Counter(finding.severity for finding in findings)
    worst = next((each for each in Severity if counts[each]), Severity.NOTE)
    if worst is Severity.NOTE:
        return ""
    return f"{counts[worst]} {worst.value}" if worst is Severity.FATAL else count(counts[worst], worst.value)


def _finding_text(finding: Finding) -> str:
    return f"{finding.target}: {finding.summary}" + (f"  [{finding.where}]" if finding.where else "")


def rule_lines(rule: Rule, fix: str = "") -> list[Line]:
    """Everything that a rule says about itself, and the command that puts its findings right."""
    return [
        Line(Kind.TITLE, f"{rule.id} ({rule.severity.value})"),
        Line(Kind.TEXT, rule.title),
        Line(Kind.TEXT, f"happens: {rule.what_happens}"),
        Line(Kind.TEXT, f"do: {rule.what_to_do}"),
        *([Line(Kind.TEXT, f"fix: {fix}")] if fix else []),
        Line(Kind.NOTE, f"versions: {rule.versions.text}"),
        Line(Kind.NOTE, f"source: {rule.source}"),
    ]


def rules_lines(rules: Sequence[Rule]) -> list[Line]:
    """One line for each rule."""
    width = max(len(rule.id) for rule in rules)
    return [Line(Kind.TEXT, f"{rule.severity.value:8} {rule.id:{width}}  {rule.title}") for rule in rules]


def probe_lines(
    served: Served,
    proofs: Sequence[Proof],
    commands: Sequence[str],
    now: datetime,
    glyphs: Glyphs = UNICODE,
    title: str = "",
) -> list[Line]:
    """One handshake: what was served, what it proves, how to ask by hand. `title` says whose port it is."""
    detail = f" ({served.detail})" if served.detail else ""
    whose = f"{title}, " if title else ""
    lines = [Line(Kind.TITLE, f"{whose}{served.address}: {served.state.value}{detail}")]
    lines += [proof_line(proof, glyphs) for proof in proofs]
    if served.state is PortState.TLS:
        word = "demanded" if served.client_certificate else "asked for" if served.asks_certificate else "not asked for"
        lines.append(Line(Kind.TEXT, f"client certificate: {word}"))
    for number, facts in enumerate(served.chain, start=1):
        lines += [Line(Kind.TEXT, f"  certificate {number} of {len(served.chain)} as served")]
        lines += certificate_lines(facts, now)
    return [*lines, *(Line(Kind.NOTE, f"by hand: {command}") for command in commands)]


def error_lines(error: EstuiError) -> list[Line]:
    """An error as both front ends show it."""
    first, *rest = error.lines()
    return [
        Line(Kind.BAD, first),
        *(Line(Kind.NOTE if line.startswith("hint:") else Kind.TEXT, line) for line in rest),
    ]
