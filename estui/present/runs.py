"""Runs, their steps and evidence, and verdicts as lines."""

from __future__ import annotations

from estui.decide.runbook import leaves_allocation_off
from estui.model.run import Evidence, Proof, RunPhase, RunState, StepRecord, StepState, Verdict
from estui.present.escapes import escaped
from estui.present.lines import STEP_WORDS, UNICODE, Glyphs, Kind, Line, count, step_glyph

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
        text += f": {escaped(record.detail)}"
    return Line(_STEP_KINDS[record.state], text)


def evidence_line(evidence: Evidence, glyphs: Glyphs = UNICODE) -> Line:
    """`00:14:37 es-1: transport serves …`."""
    mark = "" if evidence.ok else f"{glyphs.failed} "
    text = f"{evidence.at[11:19]} {mark}{evidence.target}: {escaped(evidence.text)}"
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
    if run.unfinished and leaves_allocation_off(run.records):
        lines.append(Line(Kind.WARN, f"{ALLOCATION_OFF}: going on switches it on again, and so does the undo"))
    if run.detail:
        lines.append(Line(Kind.NOTE, escaped(run.detail)))
    return lines


ALLOCATION_OFF = "replica allocation is off"


def run_headline(run: RunState) -> str:
    """One line about an unfinished run, for whoever has to decide."""
    done = sum(record.state in (StepState.DONE, StepState.SKIPPED) for record in run.records)
    following = f"; next: {run.next.step.title}" if run.next else ""
    off = f"; {ALLOCATION_OFF}" if leaves_allocation_off(run.records) else ""
    return f"run {run.id} is {run.phase.value}: {done} of {count(len(run.records), 'step')} done{following}{off}"


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
