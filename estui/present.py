"""Plans, reviews, steps, verdicts, observed clusters and errors as lines of (kind, text): every sentence is made
once, for the command line, the screens and the golden files alike.

A line's kind tells a front end how to draw it; its text stands alone without colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from estui.decide.diff import FileDiff, Mark, Review
from estui.decide.plan import authority_title
from estui.decide.rung import cluster_rung
from estui.errors import EstuiError
from estui.model.certificate import CertificateFacts
from estui.model.finding import Finding, Severity
from estui.model.inventory import Layer
from estui.model.observed import (
    AuthorityFacts,
    Observed,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)
from estui.model.plan import FirstLogin, Plan, Restart
from estui.model.run import Evidence, Proof, RunPhase, RunState, StepRecord, StepState, Verdict

if TYPE_CHECKING:
    from estui.decide.findings.rule import Rule


class Kind(StrEnum):
    """What a line is, for those who draw it."""

    TITLE = "title"
    TEXT = "text"
    NOTE = "note"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ADD = "add"
    REMOVE = "remove"
    SAME = "same"
    FOLD = "fold"
    FILE = "file"


@dataclass(frozen=True)
class Line:
    """One line of a presentation."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Glyphs:
    """The signs of states; each stands beside a word and has an ASCII twin."""

    up: str = "●"
    waiting: str = "○"
    running: str = "◐"
    unknown: str = "?"
    done: str = "✓"
    soon: str = "!!"
    failed: str = "✗"


UNICODE = Glyphs()
ASCII = Glyphs("*", "o", ">", "?", "v", "!!", "x")

STEP_WORDS = {
    StepState.WAITING: "waiting",
    StepState.RUNNING: "running",
    StepState.DONE: "done",
    StepState.FAILED: "failed",
    StepState.SKIPPED: "skipped",
}


def step_glyph(state: StepState, glyphs: Glyphs = UNICODE) -> str:
    return {
        StepState.WAITING: glyphs.waiting,
        StepState.RUNNING: glyphs.running,
        StepState.DONE: glyphs.done,
        StepState.FAILED: glyphs.failed,
        StepState.SKIPPED: "-",
    }[state]


def count(number: int, noun: str) -> str:
    """`3 nodes`, `1 file`."""
    plural = noun if number == 1 else noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {plural}"


# plans and reviews

OUTAGE = {
    Restart.FULL: "FULL RESTART needed: the whole cluster is down from the stop to the start",
    Restart.ROLLING: "ROLLING RESTART needed: one node after the other, the cluster stays up",
    Restart.KIBANA: "KIBANA RESTART needed: the cluster stays up",
    Restart.BEAT: "BEAT RESTART needed: the cluster stays up",
    Restart.NONE: "no restart needed: Elasticsearch loads the new files by itself",
}


def outage_lines(plan: Plan) -> list[Line]:
    """Whether an outage is needed, for whom, and why Elasticsearch insists."""
    kind = Kind.WARN if plan.restart in (Restart.FULL, Restart.ROLLING) else Kind.TEXT
    lines = [Line(kind, OUTAGE[plan.restart])]
    lines += [
        Line(Kind.NOTE, stage.why[:1].upper() + stage.why[1:])
        for stage in plan.stages
        if stage.restart in (plan.restart, Restart.KIBANA)
    ]
    return lines


def plan_summary(plan: Plan, review: Review) -> str:
    """One counted line: `3 nodes, 1 Kibana · 14 files · full restart · temporary superuser`."""
    if plan.is_empty:
        return f"{plan.goal.label}: reached, nothing to do"
    targets = {place.target for place in plan.places}
    kibana = sum(target.startswith("kibana/") for target in targets)
    parts = [count(len(targets) - kibana, "node") + (f", {kibana} Kibana" if kibana else "")]
    files = {(target, file.path) for file in review.files for target in file.targets}
    parts.append(count(len(files), "file") + " and sets")
    parts.append({Restart.NONE: "no restart"}.get(plan.restart, f"{plan.restart.value} restart"))
    if any(isinstance(change, FirstLogin) for change in plan.changes):
        parts.append("new passwords")
    return " · ".join(parts)


def file_title(file: FileDiff) -> str:
    """`es-1  elasticsearch.yml  changed +9 -1  0660 0:1000`."""
    counts = f" +{file.added}" + (f" -{file.removed}" if file.removed else "")
    note = f"  {file.note}" if file.note else ""
    return f"{file.target}  {file.path}  {file.action}{counts}{note}"


def same_line(file: FileDiff) -> str:
    return f"same change on {', '.join(file.same)}" if file.same else ""


_MARK_KINDS = {
    Mark.SAME: Kind.SAME,
    Mark.ADD: Kind.ADD,
    Mark.REMOVE: Kind.REMOVE,
    Mark.FOLD: Kind.FOLD,
    Mark.NOTE: Kind.NOTE,
}


def file_lines(file: FileDiff) -> list[Line]:
    """The lines of one file's change, with line numbers and reasons."""
    lines = []
    for line in file.lines:
        if line.mark is Mark.FOLD:
            lines.append(Line(Kind.FOLD, f"      … {line.text}"))
            continue
        number = line.new if line.new is not None else line.old
        shown = f"{number:5d}" if number is not None else "     "
        why = f"    # {line.why}" if line.why else ""
        lines.append(Line(_MARK_KINDS[line.mark], f"{shown} {line.mark.value} {line.text}{why}"))
    return lines


def review_lines(plan: Plan, review: Review) -> list[Line]:
    """The whole review as text."""
    lines = [
        Line(Kind.TITLE, f"{plan.cluster}: {plan.goal.label}"),
        Line(Kind.TEXT, plan_summary(plan, review)),
    ]
    if plan.is_empty:
        return lines
    lines += outage_lines(plan)
    lines += [Line(Kind.NOTE, note) for note in plan.notes]
    for file in review.files:
        lines += [Line(Kind.TEXT, ""), Line(Kind.FILE, file_title(file))]
        if file.same:
            lines.append(Line(Kind.NOTE, "  " + same_line(file)))
        lines += file_lines(file)
    return [*lines, Line(Kind.TEXT, ""), Line(Kind.TITLE, "steps"), *plan_steps(plan)]


def plan_steps(plan: Plan) -> list[Line]:
    """The run-book before anything was done."""
    return [
        Line(
            Kind.TEXT,
            f"{number:3d}. {step.title}"
            + (f"  [{', '.join(step.targets)}]" if step.targets else "")
            + (f"  until {step.gate}" if step.gate else ""),
        )
        for number, step in enumerate(plan.steps, start=1)
    ]


# runs

_STEP_KINDS = {
    StepState.DONE: Kind.GOOD,
    StepState.FAILED: Kind.BAD,
    StepState.RUNNING: Kind.WARN,
    StepState.WAITING: Kind.TEXT,
    StepState.SKIPPED: Kind.NOTE,
}


def step_line(number: int, record: StepRecord, glyphs: Glyphs = UNICODE) -> Line:
    """`✓ 3 stop all nodes  done`."""
    text = f"{step_glyph(record.state, glyphs)} {number:2d} {record.step.title}  {STEP_WORDS[record.state]}"
    if record.detail:
        text += f": {record.detail}"
    return Line(_STEP_KINDS[record.state], text)


def evidence_line(evidence: Evidence, glyphs: Glyphs = UNICODE) -> Line:
    """`00:14:37 es-1: transport serves …`."""
    mark = "" if evidence.ok else f"{glyphs.failed} "
    text = f"{evidence.at[11:19]} {mark}{evidence.target}: {evidence.text}"
    return Line(Kind.NOTE if evidence.ok else Kind.BAD, text)


def run_lines(run: RunState, glyphs: Glyphs = UNICODE, *, evidence: bool = True) -> list[Line]:
    """A run: where it stands, its steps, and what each rests on."""
    title = f"run {run.id} ({run.kind}{' of ' + run.undoes if run.undoes else ''}): {run.phase.value}"
    lines = [Line(Kind.TITLE, title)]
    for number, record in enumerate(run.records, start=1):
        lines.append(step_line(number, record, glyphs))
        if evidence:
            seen = [evidence_line(each, glyphs) for each in record.evidence]
            lines += [Line(line.kind, "     " + line.text) for line in seen]
    if run.detail:
        lines.append(Line(Kind.NOTE, run.detail))
    return lines


def run_headline(run: RunState) -> str:
    """One line about an unfinished run, for whoever has to decide."""
    done = sum(record.state in (StepState.DONE, StepState.SKIPPED) for record in run.records)
    following = f"; next: {run.next.step.title}" if run.next else ""
    return f"run {run.id} is {run.phase.value}: {done} of {count(len(run.records), 'step')} done{following}"


PHASE_HINTS = {
    RunPhase.WAITING: "estui runbook resume goes on, estui rollback undoes",
    RunPhase.INTERRUPTED: "estui recover --complete finishes the act, --undo takes everything back",
    RunPhase.PREPARING: "estui recover --undo removes what was prepared",
}


# verdicts


def proof_line(proof: Proof, glyphs: Glyphs = UNICODE) -> Line:
    word, kind = ("ok", Kind.GOOD) if proof.ok else ("FAILED", Kind.BAD)
    return Line(
        kind, f"{glyphs.done if proof.ok else glyphs.failed} {word} {proof.target}: {proof.claim}: {proof.evidence}"
    )


def verdict_title(verdict: Verdict) -> Line:
    total = len(verdict.proofs)
    if verdict.ok:
        return Line(Kind.GOOD, f"VERIFIED: all {total} proofs hold")
    return Line(Kind.BAD, f"NOT VERIFIED: {len(verdict.failed)} of {total} proofs failed")


def verdict_lines(verdict: Verdict, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Every proof, and the sum of them."""
    return [*(proof_line(proof, glyphs) for proof in verdict.proofs), verdict_title(verdict)]


# observed clusters

RENEW_SOON_DAYS = 30


def leaf_text(facts: CertificateFacts | None, now: datetime, glyphs: Glyphs = UNICODE) -> str:
    """`397 d`, `12 d !!`, `expired 3 d ago`, `none`."""
    if facts is None:
        return "none"
    days = facts.days_left(now)
    if facts.not_after <= now:
        return f"expired {-days} d ago {glyphs.failed}"
    return f"{days} d" + (f" {glyphs.soon}" if days <= RENEW_SOON_DAYS else "")


def served_word(served: Served, disk: OnDisk) -> str:
    """Served against disk, with the names of the differences (design: pending, not loaded, …)."""
    if served.state is PortState.TLS and served.leaf is not None:
        if disk.leaf is None:
            return "foreign certificate" if disk.enabled else "not as on disk"
        return "as on disk" if served.leaf.sha256 == disk.leaf.sha256 else "NOT LOADED"
    if served.state is PortState.PLAIN:
        return "NOT LOADED" if disk.enabled else "plain text"
    return served.state.value


@dataclass(frozen=True)
class TargetRow:
    """One row of the nodes table."""

    target: str
    glyph: str
    address: str
    rung: str
    transport: str
    http: str
    served: str
    findings: str
    kind: Kind


def node_row(node: ObservedNode, now: datetime, glyphs: Glyphs = UNICODE) -> TargetRow:
    """A node in words."""
    http, transport = node.port(Layer.HTTP), node.port(Layer.TRANSPORT)
    up = http.state in (PortState.TLS, PortState.PLAIN)
    words = dict.fromkeys(
        served_word(served, node.disk.get(layer, OnDisk()))
        for layer, served in ((Layer.TRANSPORT, transport), (Layer.HTTP, http))
    )
    kind = Kind.BAD if node.problems else Kind.TEXT if up else Kind.WARN
    return TargetRow(
        target=node.target,
        glyph=glyphs.failed if node.problems else glyphs.up if up else glyphs.waiting,
        address=str(node.http_address or "?"),
        rung=node.rung.label,
        transport=leaf_text(_leaf(node, Layer.TRANSPORT), now, glyphs),
        http=leaf_text(_leaf(node, Layer.HTTP), now, glyphs),
        served=", ".join(words),
        findings=count(len(node.problems), "problem") if node.problems else "",
        kind=kind,
    )


def _leaf(node: ObservedNode, layer: Layer) -> CertificateFacts | None:
    return node.disk[layer].leaf if layer in node.disk else None


def kibana_row(kibana: ObservedKibana, now: datetime, glyphs: Glyphs = UNICODE) -> TargetRow:
    """A Kibana instance in words."""
    up = kibana.served.state in (PortState.TLS, PortState.PLAIN)
    secured = kibana.setting("server.ssl.enabled") == "true"
    return TargetRow(
        target=kibana.target,
        glyph=glyphs.failed if kibana.problems else glyphs.up if up else glyphs.waiting,
        address=str(kibana.address or "?"),
        rung="https" if secured else "plain http",
        transport="",
        http=leaf_text(kibana.disk.leaf, now, glyphs) if secured else "none",
        served=kibana.status or served_word(kibana.served, kibana.disk),
        findings=count(len(kibana.problems), "problem") if kibana.problems else "",
        kind=Kind.BAD if kibana.problems else Kind.TEXT if up else Kind.WARN,
    )


def rows(observed: Observed, now: datetime, glyphs: Glyphs = UNICODE) -> list[TargetRow]:
    """All rows of the nodes table: nodes, then Kibana."""
    return [
        *(node_row(node, now, glyphs) for node in observed.nodes),
        *(kibana_row(kibana, now, glyphs) for kibana in observed.kibana),
    ]


def next_expiry(observed: Observed, now: datetime) -> str:
    """The certificate that ends first: `es-1 http in 12 d`, or `no certificates yet`."""
    ends: list[tuple[datetime, str]] = [
        (disk.leaf.not_after, f"{node.target} {layer.value}")
        for node in observed.nodes
        for layer, disk in node.disk.items()
        if disk.leaf
    ]
    ends += [(kibana.disk.leaf.not_after, kibana.target) for kibana in observed.kibana if kibana.disk.leaf]
    ends += [(each.certificate.not_after, authority_title(each.name)) for each in observed.authorities]
    if not ends:
        return "no certificates yet"
    moment, what = min(ends)
    return f"next expiry: {what} in {(moment - now).days} d"


def headline(observed: Observed, now: datetime) -> str:
    """`logs-demo · 3 nodes · unsecured · no certificates yet`."""
    rung = cluster_rung(observed)
    mixed = len({node.rung for node in observed.nodes}) > 1
    standing = "mixed, lowest " + rung.label if mixed else rung.label
    parts = [observed.inventory.cluster, count(len(observed.nodes), "node"), standing, next_expiry(observed, now)]
    if observed.inventory.production:
        parts.insert(0, "PRODUCTION")
    return " · ".join(parts)


def status_lines(observed: Observed, now: datetime, glyphs: Glyphs = UNICODE) -> list[Line]:
    """The whole cluster as text: one fact per line and target."""
    lines = [Line(Kind.TITLE, headline(observed, now))]
    table = rows(observed, now, glyphs)
    width = max((len(row.target) for row in table), default=0)
    for row in table:
        layers = f"transport {row.transport}, http {row.http}" if row.transport else f"http {row.http}"
        lines.append(
            Line(row.kind, f"{row.glyph} {row.target:{width}}  {row.address}  {row.rung}  {layers}  {row.served}")
        )
    for thing in observed.things:
        for finding in thing.problems:
            where = f"{finding.where}: " if finding.where else ""
            lines.append(Line(Kind.BAD, f"  {finding.target}: {where}{finding.summary}"))
            if finding.hint:
                lines.append(Line(Kind.NOTE, f"    hint: {finding.hint}"))
    return lines


def layer_lines(node: ObservedNode, layer: Layer, now: datetime) -> list[Line]:
    """One layer of one node in full: on disk, served, and the evidence."""
    disk, served = node.disk.get(layer, OnDisk()), node.port(layer)
    lines = [Line(Kind.TITLE, f"{layer.value}: {served_word(served, disk)}")]
    lines.append(
        Line(
            Kind.TEXT,
            f"  on disk: {'TLS' if disk.enabled else 'no TLS'}" + (f", {', '.join(disk.files)}" if disk.files else ""),
        )
    )
    if disk.problem:
        lines.append(Line(Kind.BAD, f"  {disk.problem}"))
    if disk.leaf:
        lines += certificate_lines(disk.leaf, now)
    state = f"{served.tls_version} {served.cipher}".strip() if served.state is PortState.TLS else served.state.value
    lines.append(
        Line(
            Kind.TEXT,
            f"  served at {served.address or '?'}: {state}" + (f" ({served.detail})" if served.detail else ""),
        )
    )
    if served.leaf and (disk.leaf is None or served.leaf.sha256 != disk.leaf.sha256):
        lines += certificate_lines(served.leaf, now)
    return lines


def certificate_lines(facts: CertificateFacts, now: datetime) -> list[Line]:
    """A certificate as meaning."""
    life = f"{facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d}"
    return [
        Line(Kind.TEXT, f"    {facts.subject}, issued by {facts.issuer}"),
        Line(Kind.TEXT, f"    names {', '.join(facts.names) or 'none'}"),
        Line(Kind.TEXT, f"    {facts.key_type}, {life} ({facts.days_left(now)} d)"),
        Line(Kind.TEXT, f"    serial {facts.serial_hex}, sha256 {facts.sha256}"),
    ]


def node_lines(node: ObservedNode, now: datetime) -> list[Line]:
    """Everything about one node."""
    lines = [
        Line(Kind.TITLE, f"{node.target}  {node.rung.label}"),
        Line(Kind.TEXT, f"folder {node.entry.config}"),
        Line(Kind.TEXT, f"version {node.version or 'unknown'}" + (f" ({node.version_source})" if node.version else "")),
        Line(Kind.TEXT, f"API: {_api_text(node)}"),
    ]
    for layer in Layer:
        lines += layer_lines(node, layer, now)
    lines += [Line(Kind.BAD, f"{finding.where}: {finding.summary}") for finding in node.problems]
    return lines


def _api_text(node: ObservedNode) -> str:
    api = node.api
    if not api.reachable:
        return api.detail or "no answer"
    if api.name:
        health = f", {api.health.nodes} nodes, {api.health.status}" if api.health else ""
        return f"answers as {api.name}{health}"
    return api.detail or f"HTTP {api.status}"


def authority_lines(authorities: Iterable[AuthorityFacts], now: datetime) -> list[Line]:
    """The CAs of the workspace."""
    lines = []
    for each in authorities:
        facts = each.certificate
        leaves = "1 leaf" if each.issued == 1 else f"{each.issued} leaves"
        parts = (
            f"{facts.days_left(now)} d",
            facts.key_type,
            leaves,
            "key here, encrypted" if each.has_key else "no key",
        )
        lines.append(Line(Kind.TEXT, f"{authority_title(each.name)}  {' · '.join(parts)}"))
    return lines


def error_lines(error: EstuiError) -> list[Line]:
    """An error as both front ends show it."""
    first, *rest = error.lines()
    return [
        Line(Kind.BAD, first),
        *(Line(Kind.NOTE if line.startswith("hint:") else Kind.TEXT, line) for line in rest),
    ]


def kibana_lines(kibana: ObservedKibana, now: datetime) -> list[Line]:
    """Everything about one Kibana instance."""
    secured = kibana.setting("server.ssl.enabled") == "true"
    served = kibana.served
    lines = [
        Line(Kind.TITLE, f"{kibana.target}  {'https' if secured else 'plain http'}"),
        Line(Kind.TEXT, f"folder {kibana.entry.config}"),
        Line(Kind.TEXT, f"version {kibana.version or 'unknown'}"),
        Line(Kind.TEXT, f"status {kibana.status or 'no answer'}"),
        Line(Kind.TITLE, f"browsers: {served_word(served, kibana.disk)}"),
        Line(Kind.TEXT, f"  served at {kibana.address or '?'}: {served.state.value}"),
    ]
    if kibana.disk.leaf:
        lines += certificate_lines(kibana.disk.leaf, now)
    trusted = ", ".join(each.subject for each in kibana.trust.trusted) or "none"
    lines.append(Line(Kind.TITLE, "Elasticsearch"))
    lines.append(Line(Kind.TEXT, f"  {kibana.setting('elasticsearch.hosts') or 'no elasticsearch.hosts'}"))
    lines.append(Line(Kind.TEXT, f"  trusted CAs: {trusted}"))
    lines += [Line(Kind.BAD, f"{finding.where}: {finding.summary}") for finding in kibana.problems]
    return lines


# findings and probes

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
    lines: list[Line] = []
    groups: dict[tuple[Severity, str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.rule, finding.effect, finding.hint), []).append(finding)
    for (severity, rule, effect, hint), found in groups.items():
        lines.append(Line(_SEVERITY_KINDS[severity], f"{severity.value:8} {rule}: {found[0].title}"))
        lines += [Line(Kind.TEXT, f"  {_finding_text(finding)}") for finding in found]
        lines += [Line(Kind.NOTE, f"  happens: {effect}")] if effect else []
        lines += [Line(Kind.NOTE, f"  do: {hint}")] if hint else []
    return [*lines, findings_title(findings)]


def _finding_text(finding: Finding) -> str:
    return f"{finding.target}: {finding.summary}" + (f"  [{finding.where}]" if finding.where else "")


def rule_lines(rule: Rule) -> list[Line]:
    """Everything that a rule says about itself."""
    return [
        Line(Kind.TITLE, f"{rule.id} ({rule.severity.value})"),
        Line(Kind.TEXT, rule.title),
        Line(Kind.TEXT, f"happens: {rule.what_happens}"),
        Line(Kind.TEXT, f"do: {rule.what_to_do}"),
        Line(Kind.NOTE, f"versions: {rule.versions.text}"),
        Line(Kind.NOTE, f"source: {rule.source}"),
    ]


def rules_lines(rules: Sequence[Rule]) -> list[Line]:
    """One line for each rule."""
    width = max(len(rule.id) for rule in rules)
    return [Line(Kind.TEXT, f"{rule.severity.value:8} {rule.id:{width}}  {rule.title}") for rule in rules]


def probe_lines(
    served: Served, proofs: Sequence[Proof], commands: Sequence[str], now: datetime, glyphs: Glyphs = UNICODE
) -> list[Line]:
    """One handshake: what was served, what it proves, how to ask by hand."""
    detail = f" ({served.detail})" if served.detail else ""
    lines = [Line(Kind.TITLE, f"{served.address}: {served.state.value}{detail}")]
    lines += [proof_line(proof, glyphs) for proof in proofs]
    if served.state is PortState.TLS:
        word = "demanded" if served.client_certificate else "asked for" if served.asks_certificate else "not asked for"
        lines.append(Line(Kind.TEXT, f"client certificate: {word}"))
    for number, facts in enumerate(served.chain, start=1):
        lines += [Line(Kind.TEXT, f"  certificate {number} of {len(served.chain)} as served")]
        lines += certificate_lines(facts, now)
    return [*lines, *(Line(Kind.NOTE, f"by hand: {command}") for command in commands)]
