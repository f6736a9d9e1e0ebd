"""Tables of the views: which columns fit, how wide each is, which rows pass a filter and in which order; as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len

from estui.present import Kind
from estui.tui.node_rows import GAP, HEADED, Order
from estui.tui.rows import Row, Span
from estui.tui.text import pad, plain
from estui.tui.widgets.line_view import MARKER

SIGN = 3
"""Cells of the sign and the gap after it: `!!` takes two."""
_STYLES = {Kind.BAD: "bad", Kind.WARN: "warn", Kind.GOOD: "good", Kind.NOTE: "note"}


@dataclass(frozen=True)
class Column:
    """A column: its name in the cells, its heading, and how it gives way where room is short."""

    name: str
    heading: str
    rank: int
    """The lower, the earlier it gets its room."""
    least: int = 0
    """Cells that it needs at least, where it may be cut; 0 where it must stand whole."""
    style: str = ""
    """Style of its text; `kind` takes that of the row."""
    right: bool = False
    spare: bool = False
    """Shown only where everything else stands whole."""


@dataclass(frozen=True)
class Entry:
    """One row: what it stands for, its sign and its cells."""

    key: str
    kind: Kind
    sign: str
    cells: Mapping[str, str]
    order: Mapping[str, Any] = field(default_factory=dict)
    """What it is sorted by, for each order that there is."""

    @property
    def text(self) -> str:
        """What a filter looks at."""
        return " ".join(self.cells.values())


def passes(text: str, wanted: str) -> bool:
    """Whether a text is shown under a filter; `!` in front inverts it."""
    sought = wanted.removeprefix("!").casefold().strip()
    return not sought or (sought in text.casefold()) != wanted.startswith("!")


def arranged(entries: Sequence[Entry], order: Order, wanted: str) -> list[Entry]:
    """Those that pass the filter, in the order that was asked for; equal ones keep their places."""
    shown = [entry for entry in entries if passes(entry.text, wanted)]
    return sorted(shown, key=lambda entry: entry.order[order.by], reverse=order.reverse) if order.by else shown


def sizes_of(entries: Sequence[Entry], columns: Sequence[Column], width: int) -> dict[str, int]:
    """The columns that fit into `width` cells, with their widths, in standing order."""
    wanted: dict[str, int] = {}
    for column in columns:
        size = max((cell_len(plain(entry.cells.get(column.name, ""))) for entry in entries), default=0)
        if size:
            wanted[column.name] = max(size, cell_len(column.heading) if width >= HEADED else 0)
    ranked = sorted(columns, key=lambda each: each.rank)
    sizes, left = _fitting([each for each in ranked if not each.spare], wanted, {}, width - SIGN)
    for name in sizes:
        more = min(wanted[name] - sizes[name], max(left + GAP, 0))
        sizes[name] += more
        left -= more
    sizes, _ = _fitting([each for each in ranked if each.spare], wanted, sizes, left)
    return {column.name: sizes[column.name] for column in columns if column.name in sizes}


def _fitting(
    columns: Sequence[Column], wanted: Mapping[str, int], taken: Mapping[str, int], left: int
) -> tuple[dict[str, int], int]:
    """What is taken and those of the columns that fit beside it; and the cells that are left then."""
    sizes = dict(taken)
    for column in columns:
        whole = wanted.get(column.name, 0)
        size = min(whole, column.least or whole)
        if not size or (sizes and size + GAP > left):
            continue
        sizes[column.name] = min(size, max(left, 1))
        left -= sizes[column.name] + GAP
    return sizes, left


def heading_row(columns: Sequence[Column], sizes: Mapping[str, int], width: int) -> Row | None:
    """The names of the columns, where there is room for them."""
    if width < HEADED or not sizes:
        return None
    headings = {column.name: column for column in columns}
    cells = [_padded(headings[name].heading, size, right=headings[name].right) for name, size in sizes.items()]
    return Row((Span(" " * (MARKER + SIGN)), Span((" " * GAP).join(cells).rstrip(), "heading")))


def table_rows(
    entries: Sequence[Entry],
    columns: Sequence[Column],
    sizes: Mapping[str, int],
    marks: frozenset[str] = frozenset(),
    marked: str = "✓",
) -> list[Row]:
    """One row for each entry: sign, then cells."""
    return [_row(entry, columns, sizes, marked if entry.key in marks else "") for entry in entries]


def _row(entry: Entry, columns: Sequence[Column], sizes: Mapping[str, int], mark: str) -> Row:
    kind_style = _STYLES.get(entry.kind, "")
    spans = [Span(pad(mark or entry.sign, SIGN), "marked" if mark else kind_style or "good")]
    by_name = {column.name: column for column in columns}
    for name, size in sizes.items():
        column = by_name[name]
        text = _padded(plain(entry.cells.get(name, "")), size, right=column.right)
        spans.append(Span(text + " " * GAP, kind_style if column.style == "kind" else column.style))
    return Row(tuple(spans), key=entry.key)


def _padded(text: str, size: int, *, right: bool) -> str:
    return " " * max(size - cell_len(text), 0) + text if right and cell_len(text) <= size else pad(text, size)
