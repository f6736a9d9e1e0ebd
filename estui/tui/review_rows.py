"""A review as rows: what it needs on top, then every file with its changed lines, then the steps; and where its
changes and files begin, for the keys that step through them.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby

from estui import present
from estui.decide.diff import DiffLine, FileDiff, Mark, Review
from estui.model.plan import Plan
from estui.tui.rows import Row, Span, line_row, text_row

NUMBER = 5
"""Cells of a line number."""
_STYLES = {Mark.SAME: "same", Mark.ADD: "add", Mark.REMOVE: "remove", Mark.FOLD: "fold", Mark.NOTE: "note"}
_WORD = re.compile(r"\w+|\s+|.")
_ALIKE = 0.5
"""Two lines less alike than this are shown as one gone and one new, without marks inside."""


@dataclass
class ReviewRows:
    """The rows, and the indexes of those that the keys jump to."""

    rows: list[Row] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    targets: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Whom the file that begins at a row is for."""

    def add(self, row: Row) -> None:
        self.rows.append(row)


def review_rows(plan: Plan, review: Review, *, folded: bool, key: str = "e", split: bool = False) -> ReviewRows:
    """The whole review, in the order in which it is to be read: outage, notes, files, steps.

    With `split` a file that is changed stands side by side, as it is and as it will be.
    """
    shown = ReviewRows()
    shown.add(text_row(present.plan_summary(plan, review), "title"))
    if plan.is_empty:
        return shown
    _add_outage(shown, plan)
    for file in review.files:
        _add_file(shown, file, folded, key, split=split)
    _add_steps(shown, plan)
    return shown


def tree_rows(plan: Plan, review: Review, *, folded: bool, key: str = "e") -> ReviewRows:
    """The review as a tree: a line for each target with its sum, below it one for each of its files."""
    shown = ReviewRows()
    shown.add(text_row(present.plan_summary(plan, review), "title"))
    _add_outage(shown, plan)
    for target, files in groupby(review.files, key=lambda file: file.target):
        mine = list(files)
        shown.add(text_row(""))
        shown.files.append(len(shown.rows))
        shown.targets[len(shown.rows)] = tuple(dict.fromkeys(each for file in mine for each in file.targets))
        shown.add(_target_row(target, mine))
        for file in mine:
            shown.files.append(len(shown.rows))
            shown.targets[len(shown.rows)] = file.targets
            others = len(file.targets) - 1
            same = f"  same on {others} more" + (f" ({key} shows each)" if folded else "") if others else ""
            row = file_row(file)
            spans = (Span("    "), *row.spans[1:], *([Span(same, "note")] if same else []))
            shown.add(replace(row, spans=spans, indent=8))
    _add_steps(shown, plan)
    return shown


def _target_row(target: str, files: list[FileDiff]) -> Row:
    """`es-1  3 files  +20 -1`."""
    added, removed = sum(file.added for file in files), sum(file.removed for file in files)
    return Row(
        (
            Span(short_target(target), "file-target"),
            Span(f"  {present.count(len(files), 'file')}", "file-note"),
            Span(f"  +{added}" if added else "", "add-count"),
            Span(f" -{removed}" if removed else "", "remove-count"),
        ),
        key=f"{target}:",
        indent=4,
    )


def undo_rows(plan: Plan, run: str) -> ReviewRows:
    """The review of an undo: no lines of its own, the steps back and what they do not bring back."""
    shown = ReviewRows()
    shown.add(text_row(f"undo of run {run}: every file that it replaced comes back", "title"))
    _add_outage(shown, plan)
    _add_steps(shown, plan)
    return shown


def _add_outage(shown: ReviewRows, plan: Plan) -> None:
    for line in present.outage_lines(plan):
        shown.add(line_row(line))
    for note in plan.notes:
        shown.add(text_row(note[:1].upper() + note[1:], "note", indent=2))


def _add_steps(shown: ReviewRows, plan: Plan) -> None:
    shown.add(text_row(""))
    shown.files.append(len(shown.rows))
    shown.add(text_row(f"{present.count(len(plan.steps), 'step')}, one after the other", "file"))
    for number, step in enumerate(plan.steps, start=1):
        spans = [Span(f"{number:4d}  ", "number"), Span(step.title)]
        if step.targets and not any(target in step.title for target in step.targets):
            spans.append(Span("  " + ", ".join(short_target(target) for target in step.targets), "note"))
        if step.gate:
            spans.append(Span(f"  until {step.gate}", "note"))
        shown.add(Row(tuple(spans), indent=6))


def _add_file(shown: ReviewRows, file: FileDiff, folded: bool, expand_key: str, *, split: bool) -> None:
    shown.add(text_row(""))
    shown.files.append(len(shown.rows))
    shown.targets[len(shown.rows)] = file.targets
    shown.add(file_row(file))
    if file.same:
        hint = f"  ({expand_key} shows each)" if folded else ""
        shown.add(text_row("  " + present.same_line(file) + hint, "note", indent=2))
    words = changed_words(file.lines)
    # what is new as a whole has nothing to stand beside
    if split and any(line.old is not None for line in file.lines):
        _add_pairs(shown, file.lines, words)
        return
    inside = False
    for number, line in enumerate(file.lines):
        changed = line.mark in (Mark.ADD, Mark.REMOVE)
        if changed and not inside:
            shown.changes.append(len(shown.rows))
        inside = changed
        shown.add(diff_row(line, words.get(number)))


def _add_pairs(shown: ReviewRows, lines: tuple[DiffLine, ...], words: dict[int, tuple[Span, ...]]) -> None:
    """Each block of changed lines with what was there at the left, what will be there at the right."""
    at = 0
    while at < len(lines):
        gone = _block(lines, at, Mark.REMOVE)
        new = _block(lines, at + gone, Mark.ADD)
        if gone or new:
            shown.changes.append(len(shown.rows))
        for offset in range(max(gone, new)):
            old_at, new_at = at + offset, at + gone + offset
            left = diff_row(lines[old_at], words.get(old_at)).spans if offset < gone else ()
            right = diff_row(lines[new_at], words.get(new_at)).spans if offset < new else ()
            shown.add(Row(left, indent=NUMBER + 3, beside=right))
        if not gone and not new:
            shown.add(_same_pair(lines[at]))
        at += max(gone + new, 1)


def _same_pair(line: DiffLine) -> Row:
    """A line that stays; a fold and a note take the whole width."""
    if line.mark is not Mark.SAME or line.old is None:
        return diff_row(line)
    left = diff_row(replace(line, new=line.old, why=""))
    return replace(left, beside=diff_row(line).spans)


def file_row(file: FileDiff) -> Row:
    """`es-1  elasticsearch.yml  changed +9 -1  0660 0:0`."""
    added = [Span(f"  +{file.added}", "add-count")] if file.added else []
    removed = [Span(f" -{file.removed}", "remove-count")] if file.removed else []
    note = [Span(f"  {file.note}", "file-note")] if file.note else []
    return Row(
        (
            Span(short_target(file.target), "file-target"),
            Span(f"  {file.path}", "file"),
            Span(f"  {file.action}", "file-note"),
            *added,
            *removed,
            *note,
        ),
        key=f"{file.target}:{file.path}",
        indent=4,
    )


def diff_row(line: DiffLine, words: tuple[Span, ...] | None = None) -> Row:
    """One line of a change: number, mark, text, reason."""
    style = _STYLES[line.mark]
    if line.mark is Mark.FOLD:
        return text_row(" " * (NUMBER + 1) + f"… {line.text}", style, indent=NUMBER + 3)
    number = line.new if line.new is not None else line.old
    shown = f"{number:{NUMBER}d} " if number is not None else " " * (NUMBER + 1)
    why = (Span(f"   # {line.why}", "why"),) if line.why else ()
    body = words or (Span(line.text, style),)
    return Row((Span(shown, "number"), Span(f"{line.mark.value} ", style), *body, *why), indent=NUMBER + 3)


def line_and_reason(row: Row) -> tuple[str, str]:
    """The text of a changed line as `diff_row` made it, without its number and mark, and the reason beside it."""
    spans = row.beside or row.spans
    text = "".join(span.text for span in spans[2:] if span.style != "why")
    return text, "".join(span.text for span in spans if span.style == "why").strip().removeprefix("# ")


@lru_cache(maxsize=1024)
def changed_words(lines: tuple[DiffLine, ...]) -> dict[int, tuple[Span, ...]]:
    """Spans with the words that differ marked, for each line gone that has a line new right after its block."""
    found: dict[int, tuple[Span, ...]] = {}
    number = 0
    while number < len(lines):
        gone = _block(lines, number, Mark.REMOVE)
        new = _block(lines, number + gone, Mark.ADD)
        for offset in range(min(gone, new)):
            old_at, new_at = number + offset, number + gone + offset
            pair = _pair(lines[old_at].text, lines[new_at].text)
            if pair:
                found[old_at], found[new_at] = pair
        number += max(gone + new, 1)
    return found


def _block(lines: tuple[DiffLine, ...], start: int, mark: Mark) -> int:
    end = start
    while end < len(lines) and lines[end].mark is mark:
        end += 1
    return end - start


def _pair(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    before, after = _WORD.findall(old), _WORD.findall(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return None
    left: list[Span] = []
    right: list[Span] = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        mark = "" if tag == "equal" else "-word"
        left.append(Span("".join(before[i1:i2]), f"remove{mark}"))
        right.append(Span("".join(after[j1:j2]), f"add{mark}"))
    return tuple(span for span in left if span.text), tuple(span for span in right if span.text)


def short_target(target: str) -> str:
    """`kibana` for `kibana/kibana`: the kind is not said twice."""
    kind, slash, name = target.partition("/")
    return name if slash and name.startswith(kind) else target


def matching(rows: list[Row], wanted: str) -> list[int]:
    """Indexes of the rows that hold a text, in any case."""
    sought = wanted.casefold()
    return [number for number, row in enumerate(rows) if sought and sought in row.text.casefold()]


def with_matches(row: Row, wanted: str) -> Row:
    """The row with every place where the text stands marked."""
    sought = wanted.casefold()
    if not sought or sought not in row.text.casefold():
        return row
    spans: list[Span] = []
    for span in row.spans:
        spans += _marked(span, sought)
    return replace(row, spans=tuple(spans))


def _marked(span: Span, sought: str) -> list[Span]:
    text, folded = span.text, span.text.casefold()
    if len(folded) != len(text):  # a letter like ß grows when folded: positions would not agree
        return [span]
    parts: list[Span] = []
    at = 0
    while (found := folded.find(sought, at)) >= 0:
        parts += [Span(text[at:found], span.style), Span(text[found : found + len(sought)], "match")]
        at = found + len(sought)
    parts.append(Span(text[at:], span.style))
    return [part for part in parts if part.text]
