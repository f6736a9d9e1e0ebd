"""Rows of styled text: what every list, diff and log of the screen is made of, before any width is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest

from rich.cells import cell_len, get_character_cell_size

from estui.present import Kind, Line
from estui.tui.text import plain

SEAM = " │ "
"""Between the halves of a pair."""
_KEPT = 16_384
"""Rows whose lines are remembered: nodes of a cluster change in the same lines, so most rows come again."""


@dataclass(frozen=True)
class Span:
    """A piece of text and the name of its style (`line--NAME` in the style sheet); empty is the plain one."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Row:
    """One logical line; it takes as many lines on the screen as its width needs."""

    spans: tuple[Span, ...]
    key: str = ""
    """What the row stands for: a target, a scenario, a file; empty for mere text."""
    indent: int = 0
    """Cells by which its further lines are indented."""
    beside: tuple[Span, ...] | None = None
    """What stands in the right half, where the row is a pair; None where it takes the whole width."""

    @property
    def text(self) -> str:
        return "".join(span.text for span in (*self.spans, *(self.beside or ())))


def text_row(text: str, style: str = "", *, key: str = "", indent: int = 0) -> Row:
    return Row((Span(text, style),), key, indent)


def line_row(line: Line, *, key: str = "") -> Row:
    """A line of `present`, drawn by its kind; its further lines start where its words do."""
    text = line.text
    indent = min(len(text) - len(text.lstrip()) + 2, 12)
    return text_row(text, "" if line.kind is Kind.TEXT else line.kind.value, key=key, indent=indent)


def line_rows(lines: Iterable[Line]) -> list[Row]:
    return [line_row(line) for line in lines]


@lru_cache(maxsize=_KEPT)
def cleaned(row: Row, *, ascii_only: bool) -> Row:
    """The row with every span made fit for a terminal."""

    def clean(spans: tuple[Span, ...]) -> tuple[Span, ...]:
        return tuple(Span(plain(span.text, ascii_only=ascii_only), span.style) for span in spans)

    return replace(row, spans=clean(row.spans), beside=None if row.beside is None else clean(row.beside))


@lru_cache(maxsize=_KEPT)
def wrap(row: Row, width: int) -> tuple[tuple[Span, ...], ...]:
    """The row in lines of at most `width` cells, broken at spaces where there are any; halves each by itself."""
    if row.beside is not None:
        return tuple(_pair_lines(row, row.beside, width))
    if width <= 0 or cell_len(row.text) <= width:
        return (row.spans,)
    indent = row.indent if row.indent < width // 2 else 0
    cells = [(character, span.style) for span in row.spans for character in span.text]
    lines: list[tuple[Span, ...]] = []
    start = 0
    while start < len(cells):
        room = width - (indent if lines else 0)
        end = _line_end(cells, start, room)
        pad = (Span(" " * indent),) if lines and indent else ()
        lines.append(pad + _spans(cells[start:end]))
        start = end
        while lines and start < len(cells) and cells[start][0] == " ":
            start += 1
    return tuple(lines)


def _pair_lines(row: Row, beside: tuple[Span, ...], width: int) -> list[tuple[Span, ...]]:
    """Both halves side by side, the shorter one with empty lines below it."""
    half = max((width - cell_len(SEAM)) // 2, 1)
    left = wrap(replace(row, beside=None), half)
    right = wrap(Row(beside, indent=row.indent), half)
    lines: list[tuple[Span, ...]] = []
    for one, other in zip_longest(left, right, fillvalue=()):
        used = sum(cell_len(span.text) for span in one)
        lines.append((*one, Span(" " * max(half - used, 0)), Span(SEAM, "fold"), *other))
    return lines


def _line_end(cells: list[tuple[str, str]], start: int, room: int) -> int:
    """Where the line that begins at `start` ends: the last space that fits, else the last character."""
    used, end, space = 0, start, -1
    while end < len(cells):
        character = cells[end][0]
        used += get_character_cell_size(character)
        if used > room:
            break
        if character == " " and end > start:
            space = end
        end += 1
    if end == len(cells):
        return end
    if cells[end][0] == " ":
        return max(end, start + 1)
    head = end if space < 0 else space + 1
    if space < 0 or all(cells[at][0] in " +-" for at in range(start, space + 1)):
        # a word longer than the line, such as a setting or a path: at its last joint, if that is in its later half
        joints = [at + 1 for at in range((start + end) // 2, end) if cells[at][0] in "./,"]
        head = joints[-1] if joints else end
    return max(head, start + 1)


def _spans(cells: list[tuple[str, str]]) -> tuple[Span, ...]:
    spans: list[Span] = []
    for character, style in cells:
        if spans and spans[-1].style == style:
            spans[-1] = Span(spans[-1].text + character, style)
        else:
            spans.append(Span(character, style))
    return tuple(spans)
