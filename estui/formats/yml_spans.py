"""Where to cut a yml text, and what to put there.

Owns: the spans of values, entries and empty parents, in all forms of YAML. Leaves to `yml.py`: which setting
is meant, and the check that the result says what it should.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from estui.errors import SettingsError
from estui.formats.yml_tree import COLON, Document, Mapping, Node, Pair, Scalar, Sequence


@dataclass(frozen=True)
class Span:
    """Replace text[start:end]; an insertion where both are equal."""

    start: int
    end: int
    text: str = ""


def splice(text: str, spans: Iterable[Span]) -> str:
    """The text with all spans replaced; spans that only delete may overlap."""
    parts: list[str] = []
    at = 0
    for span in sorted(spans, key=attrgetter("start", "end")):
        parts.append(text[at : max(at, span.start)])
        parts.append(span.text)
        at = max(at, span.end)
    return "".join([*parts, text[at:]])


def value_spans(document: Document, pair: Pair, value: Node, spelled: str) -> list[Span]:
    """What to replace so that `value`, at or below `pair`, reads `spelled`; a comment behind it stays."""
    if isinstance(value, Scalar) and value.is_block:
        return _block_scalar_spans(document, value, spelled)
    if isinstance(value, Scalar) and value.start == value.end:
        return [Span(value.start, value.end, f" {spelled}")]
    if isinstance(value, Sequence) and not value.is_flow and value is pair.value:
        return _block_list_spans(document, pair, value, spelled)
    return [Span(value.start, value.end, spelled)]


def _block_scalar_spans(document: Document, value: Scalar, spelled: str) -> list[Span]:
    """`|` and what belongs to it in its line make way for the value; the lines below go."""
    header = re.compile(r"[^\s#]+([ \t]+[^\s#]+)*").match(document.text, value.start)
    header_end = header.end() if header else value.start + 1
    line_end = _without_break(document, document.line(value.start))[1]
    spans = [Span(value.start, header_end, spelled)]
    return [*spans, Span(line_end, value.end)] if value.end > line_end else spans


def _block_list_spans(document: Document, pair: Pair, value: Sequence, spelled: str) -> list[Span]:
    """The value goes behind the colon and the items' lines go; lines of comments between them stay."""
    colon = _colon_end(document, pair)
    first = document.line(value.start)
    if first == document.line(pair.key.start):  # an anchor or a tag stands behind the colon
        return [Span(value.start, value.end, spelled)]
    spans = [Span(colon, colon, f" {spelled}")]
    for line in _own_lines(document, first, value):
        # With the line break before, not the one behind: the end of the file stays as it was.
        spans.append(Span(_without_break(document, line - 1)[1], _without_break(document, line)[1]))
    return spans


def removal_spans(document: Document, mapping: Mapping, gone: set[Pair]) -> list[Span]:
    """What to delete so that the pairs in `gone` are no longer in `mapping`."""
    if not mapping.is_flow:
        return [span for pair in mapping.pairs if pair in gone for span in _entry_spans(document, pair)]
    spans: list[Span] = []
    kept_end: int | None = None
    for number, pair in enumerate(mapping.pairs):
        if pair not in gone:
            kept_end = _end(pair)
        elif number + 1 < len(mapping.pairs):
            spans.append(Span(pair.key.start, mapping.pairs[number + 1].key.start))
        else:
            spans.append(Span(pair.key.start if kept_end is None else kept_end, _end(pair)))
    return spans


def _entry_spans(document: Document, pair: Pair) -> list[Span]:
    """Whole lines of one entry of a block map. The lines of a block map below it are not its own."""
    first = document.line(pair.key.start)
    start, _ = document.line_span(first)
    _colon_end(document, pair)
    if document.text[start : pair.key.start].strip():
        raise SettingsError(
            "cannot be removed: something stands before its key in the line",
            hint="remove it by hand",
            location=document.location(pair.key.start, pair.key.text),
        )
    if isinstance(pair.value, Mapping) and not pair.value.is_flow:
        return [Span(*document.line_span(first))]
    lines = [first, *_own_lines(document, first + 1, pair.value)]
    return [Span(*document.line_span(line)) for line in lines]


def _own_lines(document: Document, first: int, value: Node) -> list[int]:
    """Lines of a value from line `first` on, without the comments between the items of a block list."""
    last = document.line(max(value.end - 1, value.start))
    inside: set[int] = set()
    if isinstance(value, Sequence) and not value.is_flow:
        for item in value.items:
            inside.update(range(document.line(item.start), document.line(max(item.end - 1, item.start)) + 1))
    else:
        inside.update(range(first, last + 1))
    return [
        line
        for line in range(first, last + 1)
        if line in inside or not document.text[slice(*document.line_span(line))].lstrip().startswith("#")
    ]


def _colon_end(document: Document, pair: Pair) -> int:
    found = COLON.match(document.text, pair.key.end)
    if not found:
        raise SettingsError(
            "cannot be edited: the key is written in the form `? key`",
            hint="write it as `key: value`",
            location=document.location(pair.key.start, pair.key.text),
        )
    return found.end()


def _end(pair: Pair) -> int:
    return max(pair.key.end, pair.value.end)


def _without_break(document: Document, line: int) -> tuple[int, int]:
    """A line's start, and its end before the line break."""
    start, end = document.line_span(line)
    return start, start + len(document.text[start:end].rstrip("\r\n"))
