"""The fourth pane as rows: nothing yet, refused, a run's steps, what it waits for, the verdict."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from estui import present
from estui.engine import ScenarioPreview
from estui.errors import EstuiError
from estui.model.run import Event, Evidence, EvidenceSeen, Proof, Said, StepChanged, StepState, Verdict
from estui.present import Glyphs
from estui.tui.keymap import Keymap
from estui.tui.review_rows import short_target
from estui.tui.rows import Row, Span, line_rows, text_row
from estui.tui.run_view import RunView, StepView
from estui.tui.session import Session, has_commands
from estui.tui.text import clock_text, pad

WORD = 8
"""Cells of the word for a step's state."""
NO_BREAK = "\u00a0"
_TOLD_S = 1.0
"""Seconds from which on it is said how long something took."""
CLAIM = 34
"""Cells to which the claims of a verdict are padded."""
_STATE_STYLES = {
    StepState.WAITING: "note",
    StepState.RUNNING: "warn",
    StepState.DONE: "good",
    StepState.FAILED: "bad",
    StepState.SKIPPED: "note",
}


def problem_rows(error: EstuiError | None) -> list[Row]:
    return [] if error is None else [*line_rows(present.error_lines(error)), text_row("")]


def empty_rows(session: Session, keymap: Keymap) -> list[Row]:
    """Before anything was chosen: what to press next."""
    rows = problem_rows(session.problem)
    if session.observed is None:
        return [*rows, text_row("reading the folders and asking the ports …", "note")]
    return [
        *rows,
        text_row("Nothing is chosen yet.", "title"),
        text_row(""),
        _key_row(keymap, "pane.3", "goes to the ladder of scenarios"),
        _key_row(keymap, "scenario.choose", "there shows what a step would change, line by line"),
        _key_row(keymap, "run.verify", "proves what the cluster serves now"),
        _key_row(keymap, "open.certificates", "shows when every certificate ends"),
        _key_row(keymap, "open.findings", "shows what is wrong, or will be at the next start"),
        _key_row(keymap, "app.help", "lists every key"),
        text_row(""),
        text_row("No file is changed before you have seen the change and said yes.", "note"),
    ]


def _key_row(keymap: Keymap, action: str, words: str) -> Row:
    return Row((Span(f"  {keymap.first(action):6}", "key"), Span(words)), indent=8)


def refused_rows(preview: ScenarioPreview, glyphs: Glyphs) -> list[Row]:
    """Why a step of the ladder cannot be planned."""
    rows = [text_row(f"{glyphs.failed} no plan for {preview.scenario.label}", "bad"), text_row("")]
    rows += [text_row(f"  - {reason}", indent=4) for reason in preview.refusals]
    return [*rows, text_row(""), text_row("mend what is listed, or choose another step", "note")]


# a run


def run_note(view: RunView, now: datetime) -> str:
    """`3 of 14 steps · 00:41`."""
    end = view.finished or now
    left = view.left(now) if view.working and view.asks is None else None
    parts = [f"{view.done} of {present.count(len(view.steps), 'step')}"]
    parts.append(clock_text((end - view.started).total_seconds()))
    parts += [f"{clock_text(left)} left at least"] if left else []
    return " · ".join(parts)


def step_rows(view: RunView, now: datetime, glyphs: Glyphs) -> list[Row]:
    """One row per step, and one more with the reason where it failed or waits for somebody."""
    rows: list[Row] = []
    for number, each in enumerate(view.steps, start=1):
        rows.append(_step_row(number, each, _time_text(view, each, now), glyphs))
        if each.detail and each.state in (StepState.FAILED, StepState.WAITING):
            style = "bad" if each.state is StepState.FAILED else "warn"
            rows.append(text_row(" " * (WORD + 6) + each.detail, style, indent=WORD + 6))
    return rows


def _time_text(view: RunView, each: StepView, now: datetime) -> str:
    """How long a step took; for one at work how long it has, for one to come how long it will take, where known."""
    taken, expected = each.seconds(now), view.expected(each)
    if each.state is StepState.WAITING:
        return f"  about {_seconds(expected)}" if expected is not None else ""
    if each.state is StepState.RUNNING and taken is not None and expected is not None:
        return f"  {_seconds(taken)} of about {_seconds(expected)}"
    return f"  {_seconds(taken)}" if taken is not None and taken >= _TOLD_S else ""


def _seconds(seconds: float) -> str:
    """`12 s`, `02:10`."""
    return f"{seconds:.0f}{NO_BREAK}s" if seconds < 60 else clock_text(seconds)


def _step_row(number: int, each: StepView, time: str, glyphs: Glyphs) -> Row:
    style = _STATE_STYLES[each.state]
    sign = glyphs.running if each.state is StepState.RUNNING else present.step_glyph(each.state, glyphs)
    quiet = each.state in (StepState.WAITING, StepState.SKIPPED)
    spans = [
        Span(f"{sign} {pad(present.STEP_WORDS[each.state], WORD)}", style),
        Span(f"{number:2d}  ", "number"),
        Span(each.step.title, "note" if quiet else "title" if each.state is StepState.RUNNING else ""),
        *([Span(time, "number")] if time else []),
        *_target_spans(each, glyphs),
    ]
    return Row(tuple(spans), key=each.step.id, indent=WORD + 6)


def _target_spans(each: StepView, glyphs: Glyphs) -> list[Span]:
    if each.state is StepState.WAITING and not each.seen:
        return []
    seen = dict(each.seen)
    took = {target: seconds for target in seen if (seconds := each.seconds_of(target)) is not None}
    # what all took at once is the step's own time
    apart = took if took and max(took.values()) - min(took.values()) >= _TOLD_S else {}
    spans: list[Span] = []
    for target in each.step.targets:
        name = short_target(target)
        if target in seen:
            sign, style = (glyphs.done, "good") if seen[target] else (glyphs.failed, "bad")
        elif each.state is StepState.RUNNING:
            sign, style = glyphs.running, "warn"
        else:
            continue
        spans += [Span(f"  {name}{NO_BREAK}", "note"), Span(sign, style)]
        if target in apart:
            spans.append(Span(f"{NO_BREAK}{_seconds(apart[target])}", "number"))
    return spans


def ask_rows(session: Session, keymap: Keymap) -> list[Row]:
    """What the run needs from a person now, in the words to type; or what went wrong and what can be done."""
    view = session.run
    if view is None or view.ended is not None:
        return []
    if view.asks is not None:
        return _gate_rows(session, view.asks, keymap)
    if view.pausing:
        return [text_row("Pausing before the next step …", "warn")]
    if view.working:
        return []
    if view.problem is None:
        keys = [("run.go-on", "goes on"), ("run.undo", "takes everything back")]
        return [text_row("Paused.", "warn"), _hint(keymap, *keys)]
    keys = [("run.go-on", "tries the step again"), ("run.undo", "takes everything back")]
    keys.append(("view.explain", "explains the step, and why it cannot be skipped"))
    return [*line_rows(present.error_lines(view.problem)), _hint(keymap, *keys)]


def _gate_rows(session: Session, asks: EstuiError, keymap: Keymap) -> list[Row]:
    rows = [text_row(f"Your turn: estui {asks.summary}.", "warn")]
    rows += [text_row(f"  {reason}", "key", indent=4) for reason in asks.reasons]
    keys = [("view.copy", "copies this")]
    if has_commands(session):
        keys.insert(0, ("run.go-on", "lets estui run the commands"))
    return [*rows, _hint(keymap, *keys, ("run.pause", "stops watching"))]


def _hint(keymap: Keymap, *keys: tuple[str, str]) -> Row:
    spans: list[Span] = []
    for action, words in keys:
        spans += [Span(keymap.first(action), "key"), Span(f" {words}   ", "note")]
    return Row(tuple(spans))


# the log


def event_rows(event: Event, at: datetime, glyphs: Glyphs) -> list[Row]:
    """What an event leaves in the log."""
    match event:
        case EvidenceSeen():
            return [evidence_row(event.evidence, glyphs)]
        case Said():
            return [Row((Span(f"{at:%H:%M:%S} ", "number"), Span(line)), indent=9) for line in event.text.splitlines()]
        case StepChanged():
            if event.state is not StepState.RUNNING:
                return []
            return [Row((Span(f"{at:%H:%M:%S} ", "number"), Span(event.step.title, "file")), indent=9)]


def evidence_row(evidence: Evidence, glyphs: Glyphs) -> Row:
    line = present.evidence_line(evidence, glyphs)
    moment, _, rest = line.text.partition(" ")
    return Row((Span(f"{moment} ", "number"), Span(f"  {rest}", "" if evidence.ok else "bad")), indent=11)


# the verdict


def verdict_rows(
    verdict: Verdict, view: RunView | None, glyphs: Glyphs, keymap: Keymap, *, rolling: bool = False
) -> list[Row]:
    """The sum first, then what can be done next, then every proof; failed ones come before the others.

    `rolling` where a rollover is under way, whose next phase is one of the things that can be done.
    """
    title = present.verdict_title(verdict)
    sign = glyphs.done if verdict.ok else glyphs.failed
    rows = [text_row(f"{sign} {title.text}", "verdict-good" if verdict.ok else "verdict-bad")]
    if view is not None and view.ended is not None:
        rows.append(text_row(f"  {view.title} · {run_note(view, view.finished or view.started)}", "note", indent=2))
    keys = [("run.verify", "proves it again")]
    if view is not None:
        keys.append(("run.log", "shows steps and log"))
        if view.kind == "apply":
            keys.insert(0, ("run.undo", "shows the undo"))
    if rolling:
        keys.insert(0, ("open.rollover", "shows the next phase"))
    rows.append(_hint(keymap, *keys))
    rows.append(text_row(""))
    return [*rows, *_proof_rows(verdict, glyphs)]


def _proof_rows(verdict: Verdict, glyphs: Glyphs) -> list[Row]:
    """Grouped by target; targets with a failed proof first, and failed proofs first within them."""
    targets = dict.fromkeys(proof.target for proof in (*verdict.failed, *verdict.proofs))
    width = min(max((len(proof.claim) for proof in verdict.proofs), default=0), CLAIM)
    rows: list[Row] = []
    for target in targets:
        rows.append(text_row(short_target(target), "file", key=target))
        mine = [proof for proof in verdict.proofs if proof.target == target]
        rows += [_proof_row(proof, width, glyphs) for proof in sorted(mine, key=lambda proof: proof.ok)]
    return rows


def _proof_row(proof: Proof, width: int, glyphs: Glyphs) -> Row:
    sign, word, style = (glyphs.done, "ok", "good") if proof.ok else (glyphs.failed, "FAILED", "bad")
    claim = pad(proof.claim, width) if len(proof.claim) <= width else proof.claim
    spans = (
        Span(f"  {sign} {word:7}", style),
        Span(claim),
        Span(f"  {proof.evidence}", "note" if proof.ok else "bad"),
    )
    return Row(spans, key=proof.target, indent=13)


def commands_rows(commands: Sequence[tuple[str, ...]]) -> list[Row]:
    """The commands of the inventory, shown once before they may run."""
    return [
        text_row("estui.yaml names these commands. They run as you, without a shell:"),
        text_row(""),
        *(text_row("  " + shlex.join(command), "key", indent=4) for command in commands),
        text_row(""),
        text_row("You are asked again only when they change.", "note"),
    ]
