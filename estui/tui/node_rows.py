"""The nodes table: which columns fit, which rows pass the filter, in which order; as rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rich.cells import cell_len

from estui.model.finding import Finding
from estui.model.observed import Observed, ObservedNode
from estui.present import Glyphs, Kind, TargetRow
from estui.present.findings import findings_badge
from estui.tui.review_rows import short_target
from estui.tui.rows import Row, Span
from estui.tui.text import cut, pad, plain

GAP = 2
_COLUMNS = ("name", "address", "rung", "transport", "http", "served", "findings")
"""In the order in which they stand."""
_RANK = ("name", "rung", "findings", "address", "served", "http", "transport")
"""In the order in which they are wanted when room is short."""
_HEADINGS = {"rung": "state"}
HEADED = 60
"""Cells from which on the columns carry their names, and are at least as wide as those."""
NAME_LIMIT = 24
"""Cells that a name may take in the table; details show it whole."""


@dataclass(frozen=True)
class Order:
    """What the table is sorted by; empty is the order of the inventory."""

    by: str = ""
    reverse: bool = False

    def toggled(self, by: str) -> Order:
        """Sorted by this; asked for twice, in reverse; three times, as in the inventory."""
        if self.by != by:
            return Order(by)
        return Order() if self.reverse else Order(by, reverse=True)


def with_findings(rows: Sequence[TargetRow], findings: Sequence[Finding] | None) -> list[TargetRow]:
    """The rows with the worst that was found about each; as they are while that is not known."""
    if findings is None:
        return list(rows)
    by_target: dict[str, list[Finding]] = {}
    for finding in findings:
        by_target.setdefault(finding.target, []).append(finding)
    return [replace(row, findings=findings_badge(by_target.get(row.target, ())) or row.findings) for row in rows]


def passes(row: TargetRow, wanted: str) -> bool:
    """Whether the row is shown under a filter; `!` in front inverts it."""
    inverse = wanted.startswith("!")
    sought = wanted.removeprefix("!").casefold().strip()
    if not sought:
        return True
    text = " ".join((row.target, row.address, row.rung, row.served, row.transport, row.http, row.findings))
    return (sought in text.casefold()) != inverse


def ordered(rows: Sequence[TargetRow], order: Order, observed: Observed, now: datetime) -> list[TargetRow]:
    """The rows in the order that was asked for; equal ones keep their places."""
    if order.by == "name":
        return sorted(rows, key=lambda row: row.target, reverse=order.reverse)
    if order.by == "state":
        return sorted(rows, key=lambda row: (row.kind is not Kind.BAD, row.rung, row.served), reverse=order.reverse)
    if order.by == "expiry":
        ends = {thing.target: _first_end(thing, now) for thing in observed.things}
        return sorted(rows, key=lambda row: ends.get(row.target, now), reverse=order.reverse)
    return list(rows)


def _first_end(thing: object, now: datetime) -> datetime:
    leaves = thing.disk.values() if isinstance(thing, ObservedNode) else [getattr(thing, "disk", None)]
    ends = [disk.leaf.not_after for disk in leaves if disk is not None and disk.leaf is not None]
    return min(ends, default=datetime.max.replace(tzinfo=now.tzinfo))


def _cells(row: TargetRow) -> dict[str, str]:
    values = {name: plain(getattr(row, name, "")) for name in _COLUMNS}
    values["name"] = cut(plain(short_target(row.target)), NAME_LIMIT)
    return values


def columns(rows: Sequence[TargetRow], width: int) -> dict[str, int]:
    """The columns that fit into `width` cells, with their widths, in standing order; the name always does."""
    cells = [_cells(row) for row in rows]
    filled = [name for name in _RANK if any(cell[name] for cell in cells)]
    sizes: dict[str, int] = {}
    left = width - GAP
    for name in filled:
        size = max(cell_len(cell[name]) for cell in cells)
        if width >= HEADED:
            size = max(size, cell_len(_HEADINGS.get(name, name)))
        if sizes and size + GAP > left:
            continue
        sizes[name] = min(size, max(left, 1))
        left -= sizes[name] + GAP
    return {name: sizes[name] for name in _COLUMNS if name in sizes}


def heading(sizes: dict[str, int], width: int) -> Row | None:
    """The names of the columns, where there are enough of them to need names."""
    if width < HEADED:
        return None
    text = (" " * GAP).join(pad(_HEADINGS.get(name, name), size) for name, size in sizes.items())
    return Row((Span(" " * GAP + text.rstrip(), "heading"),))


def table_rows(
    rows: Sequence[TargetRow], sizes: dict[str, int], marks: frozenset[str] = frozenset(), glyphs: Glyphs | None = None
) -> list[Row]:
    """One row per target: glyph, cells, its kind's style on what is wrong."""
    return [_table_row(row, sizes, row.target in marks, glyphs or Glyphs()) for row in rows]


def _table_row(row: TargetRow, sizes: dict[str, int], marked: bool, glyphs: Glyphs) -> Row:
    cells = _cells(row)
    style = {Kind.BAD: "bad", Kind.WARN: "warn"}.get(row.kind, "")
    glyph_style = style or "good"
    spans = [Span(pad(glyphs.done if marked else row.glyph, GAP), "marked" if marked else glyph_style)]
    last = list(sizes)[-1]
    for name, size in sizes.items():
        text = pad(cells[name], size) + ("" if name == last else " " * GAP)
        spans.append(Span(text, _cell_style(name, cells[name], style, glyphs)))
    return Row(tuple(spans), key=row.target)


def _cell_style(name: str, text: str, style: str, glyphs: Glyphs) -> str:
    if name == "name":
        return "name"
    if name == "address":
        return "note"
    if glyphs.soon in text or "NOT LOADED" in text:
        return "warn"
    if name == "findings" and "warning" in text:
        return "warn"
    if glyphs.failed in text or name == "findings":
        return "bad"
    return style if name in ("served", "rung") else ""
