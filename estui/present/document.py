"""Documents that are filed: headings, facts, tables and diffs, made once and shown as lines or as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from estui.present.escapes import escaped
from estui.present.lines import Kind, Line


@dataclass(frozen=True)
class Heading:
    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    text: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class Facts:
    """Names and values, one a line; without a value the line is left out."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Listing:
    """Points of a list."""

    points: tuple[str, ...]


@dataclass(frozen=True)
class Quoted:
    """Lines as they are: a diff, a command."""

    lines: tuple[Line, ...]
    language: str = ""


Block = Heading | Paragraph | Facts | Table | Listing | Quoted


def document_lines(blocks: Iterable[Block]) -> list[Line]:
    """The document as text."""
    lines: list[Line] = []
    for block in blocks:
        if lines:
            lines.append(Line(Kind.TEXT, ""))
        lines += _lines_of(block)
    return lines


def _lines_of(block: Block) -> list[Line]:
    match block:
        case Heading(text):
            return [Line(Kind.TITLE, escaped(text))]
        case Paragraph(text, kind):
            return [Line(kind, escaped(text))]
        case Facts(pairs):
            width = max((len(name) for name, value in pairs if value), default=0)
            return [Line(Kind.TEXT, f"  {name:<{width}}  {escaped(value)}") for name, value in pairs if value]
        case Table(heads, rows):
            return _table(heads, rows)
        case Listing(points):
            return [Line(Kind.TEXT, f"  - {escaped(point)}") for point in points]
        case Quoted(lines):
            return [Line(line.kind, escaped(line.text)) for line in lines]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Line]:
    shown = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [heads, *shown]) for place in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        return "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()

    return [Line(Kind.NOTE, line(heads)), *(Line(Kind.TEXT, line(row)) for row in shown)]


def document_markdown(blocks: Iterable[Block]) -> str:
    """The document in Markdown (CommonMark with the tables of GitHub). Whatever comes from outside stays text."""
    return "\n\n".join("\n".join(_markdown_of(block)) for block in blocks) + "\n"


def _markdown_of(block: Block) -> list[str]:
    match block:
        case Heading(text, level):
            return [f"{'#' * level} {_text(text)}"]
        case Paragraph(text, kind):
            return [f"**{_text(text)}**" if kind in (Kind.WARN, Kind.BAD) else _text(text)]
        case Facts(pairs):
            return _markdown_table(("", ""), [(name, value) for name, value in pairs if value])
        case Table(heads, rows):
            return _markdown_table(heads, rows)
        case Listing(points):
            return [f"- {_text(point)}" for point in points]
        case Quoted(lines, language):
            return _fenced([escaped(line.text) for line in lines], language)


def _markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(_text(cell) for cell in cells) + " |"

    return [row(heads), "|" + "---|" * len(heads), *(row(cells) for cells in rows)]


def _fenced(lines: Sequence[str], language: str) -> list[str]:
    ticks = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, ticks + 1)
    return [f"{fence}{language}", *lines, fence]


_MARKS = re.compile(r"([\\`*_\[\]<>|#~])")


def _text(text: str) -> str:
    return _MARKS.sub(r"\\\1", escaped(text))
