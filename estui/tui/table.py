"""Tables of the views: which columns fit, how wide each is, which rows pass a filter and in which order; as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rich.cells import cell_len

from estui.present import Kind
from estui.tui.rows import Row, Span
from estui.tui.text import pad, plain
from estui.tui.widgets.line_view import MARKER

GAP = 2
"""Cells between two columns."""
HEADED = 60
"""Cells from which on the columns carry their names, and are at least as wide as those."""
SIGN = 3
"""Cells of the sign and the gap after it: `!!` takes two."""
_STYLES = {Kind.BAD: "bad", Kind.WARN: "warn", Kind.GOOD: "good", Kind.NOTE: "note"}


@dataclass(frozen=True)
class Order:
    """What a table is sorted by; empty is the order in which it stands by itself."""

    by: str = ""
    reverse: bool = False

    def toggled(self, by: str) -> Order:
        """Sorted by this; asked for twice, in reverse; three times, as it stands by itself."""
        if self.by != by:
            return Order(by)
        return Order() if self.reverse else Order(by, reverse=True)

    @property
    def text(self) -> str:
        """`by expiry (reverse)`; empty where it stands by itself."""
        return f"by {self.by}{' (reverse)' if self.reverse else ''}" if self.by else ""


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
    needs: str = ""
    """The column without which this one would not be understood."""


@dataclass(frozen=True)
class Entry:
    """One row: what it stands for, its sign and its cells."""

    key: str
    kind: Kind
    sign: str
    cells: Mapping[str, str]
    order: Mapping[str, Any] = field(default_factory=dict)
    """What it is sorted by, for each order that there is."""
    styles: Mapping[str, str] = field(default_factory=dict)
    """Styles of single cells, before those of their columns."""
    short: Mapping[str, str] = field(default_factory=dict)
    """What stands in a cell where its column is too narrow for its words."""

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


def sizes_of(
    entries: Sequence[Entry], columns: Sequence[Column], width: int, *, sign: int = SIGN, wide: bool = False
) -> dict[str, int]:
    """The columns that fit into `width` cells, with their widths, in standing order; with `wide` all, whole."""
    wanted: dict[str, int] = {}
    for column in columns:
        size = max((cell_len(plain(entry.cells.get(column.name, ""))) for entry in entries), default=0)
        if size:
            wanted[column.name] = max(size, cell_len(column.heading) if width >= HEADED else 0)
    if wide:
        return wanted
    least = {column.name: column.least or _shortest(entries, column.name) for column in columns}
    ranked = sorted(columns, key=lambda each: each.rank)
    # what is left counts the gap before the next column, which the first one does not have
    sizes, left = _fitting([each for each in ranked if not each.spare], wanted, least, {}, width - sign + GAP)
    for column in ranked:
        more = min(wanted.get(column.name, 0) - sizes.get(column.name, 0), max(left, 0))
        words = column.least or not least[column.name] or more == wanted[column.name] - least[column.name]
        if column.name in sizes and words:
            sizes[column.name] += more
            left -= more
    if all(sizes.get(column.name, 0) == wanted.get(column.name, 0) for column in columns if not column.spare):
        sizes, _ = _fitting([each for each in ranked if each.spare], wanted, least, sizes, left)
    return {column.name: sizes[column.name] for column in columns if column.name in sizes}


def labelled(entry: Entry, columns: Sequence[Column]) -> Entry:
    """The entry with the names of its columns in its cells, for where no heading names them."""
    plain_ones = [column for column in columns if column.style not in ("name", "kind")]
    cells = {
        column.name: f"{column.heading} {entry.cells[column.name]}"
        for column in plain_ones
        if entry.cells.get(column.name)
    }
    return replace(entry, cells={**entry.cells, **cells}, short={})


def _shortest(entries: Sequence[Entry], name: str) -> int:
    """Cells of a column's short forms; 0 where it has none."""
    return max((cell_len(entry.short.get(name, "")) for entry in entries), default=0)


def _fitting(
    columns: Sequence[Column], wanted: Mapping[str, int], least: Mapping[str, int], taken: Mapping[str, int], left: int
) -> tuple[dict[str, int], int]:
    """What is taken and those of the columns that fit beside it; and the cells that are left then."""
    sizes = dict(taken)
    for column in columns:
        whole = wanted.get(column.name, 0)
        size = min(whole, least[column.name] or whole)
        if not size or (sizes and size + GAP > left) or (column.needs and column.needs not in sizes):
            continue
        sizes[column.name] = min(size, max(left - GAP, 1))
        left -= sizes[column.name] + GAP
    return sizes, left


def heading_row(columns: Sequence[Column], sizes: Mapping[str, int], width: int, *, sign: int = SIGN) -> Row | None:
    """The names of the columns, where there is room for them."""
    if width < HEADED or not sizes:
        return None
    headings = {column.name: column for column in columns}
    cells = [_heading(headings[name], size) for name, size in sizes.items()]
    return Row((Span(" " * (MARKER + sign)), Span((" " * GAP).join(cells).rstrip(), "heading")))


def _heading(column: Column, size: int) -> str:
    """A column of signs alone is too narrow for its name and explains itself."""
    fits = column.least or cell_len(column.heading) <= size
    return _padded(column.heading if fits else "", size, right=column.right)


def table_rows(
    entries: Sequence[Entry],
    columns: Sequence[Column],
    sizes: Mapping[str, int],
    marks: frozenset[str] = frozenset(),
    marked: str = "✓",
    *,
    sign: int = SIGN,
) -> list[Row]:
    """One row for each entry: sign, then cells."""
    by_name = {column.name: column for column in columns}
    return [_row(entry, by_name, sizes, marked if entry.key in marks else "", sign) for entry in entries]


def _row(entry: Entry, columns: Mapping[str, Column], sizes: Mapping[str, int], mark: str, sign: int) -> Row:
    kind_style = _STYLES.get(entry.kind, "")
    spans = [Span(pad(mark or entry.sign, sign), "marked" if mark else kind_style or "good")]
    for name, size in sizes.items():
        column = columns[name]
        style = kind_style if column.style == "kind" else column.style
        gap = "" if len(spans) == len(sizes) else " " * GAP
        spans.append(Span(_cell(entry, column, size) + gap, entry.styles.get(name, style)))
    return Row(tuple(spans), key=entry.key, indent=sign)


def _cell(entry: Entry, column: Column, size: int) -> str:
    text = plain(entry.cells.get(column.name, ""))
    if cell_len(text) > size:
        text = plain(entry.short.get(column.name, text))
    return _padded(text, size, right=column.right)


def _padded(text: str, size: int, *, right: bool) -> str:
    return " " * max(size - cell_len(text), 0) + text if right and cell_len(text) <= size else pad(text, size)
