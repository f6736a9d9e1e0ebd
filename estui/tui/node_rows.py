"""The nodes table: what its columns are, which of them give way where room is short, in which order it is sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from estui.model.finding import Finding
from estui.model.observed import Observed, ObservedBeat, ObservedNode
from estui.model.views import Difference
from estui.present import Glyphs, Kind, TargetRow
from estui.present.findings import findings_badge
from estui.tui.review_rows import short_target
from estui.tui.rows import Row, text_row
from estui.tui.table import HEADED, Column, Entry, Order, heading_row, labelled, passes, sizes_of, table_rows
from estui.tui.text import cut, plain

SIGN = 2
"""Cells of the sign and the gap after it."""
NAME_LIMIT = 24
"""Cells that a name may take in the table; details show it whole."""
ENDS = ("transport", "http")
COLUMNS = (
    Column("name", "name", 0, style="name"),
    Column("address", "address", 6, style="note", spare=True),
    Column("rung", "state", 1),
    Column("transport", "transport", 5, needs="http"),
    Column("http", "http", 4, needs="served"),
    Column("served", "served", 3),
    Column("findings", "findings", 2),
)
"""In the order in which they stand. Where room is short they go in this order: the address, the ends of the transport
and the HTTP certificates, the words of the findings (their sign stays), what is served. Name and state always stand.
"""


def with_findings(rows: Sequence[TargetRow], findings: Sequence[Finding] | None) -> list[TargetRow]:
    """The rows with the worst that was found about each; as they are while that is not known."""
    if findings is None:
        return list(rows)
    by_target: dict[str, list[Finding]] = {}
    for finding in findings:
        by_target.setdefault(finding.target, []).append(finding)
    return [replace(row, findings=findings_badge(by_target.get(row.target, ())) or row.findings) for row in rows]


def filtered(rows: Sequence[TargetRow], wanted: str) -> list[TargetRow]:
    """Those that pass a filter, which sees every column, shown or not."""
    return [row for row in rows if passes(" ".join(_cells(row).values()) + row.target, wanted)]


def ordered(rows: Sequence[TargetRow], order: Order, observed: Observed, now: datetime) -> list[TargetRow]:
    """The rows in the order that was asked for; equal ones keep their places."""
    if order.by == "name":
        return sorted(rows, key=lambda row: row.target, reverse=order.reverse)
    if order.by == "state":
        return sorted(rows, key=lambda row: (row.kind is not Kind.BAD, row.rung, row.served), reverse=order.reverse)
    if order.by == "expiry":
        ends = {thing.target: _first_end(thing, now) for thing in (*observed.things, *observed.beats)}
        return sorted(rows, key=lambda row: ends.get(row.target, now), reverse=order.reverse)
    return list(rows)


def _first_end(thing: object, now: datetime) -> datetime:
    leaves = thing.disk.values() if isinstance(thing, ObservedNode) else [getattr(thing, "disk", None)]
    ends = [disk.leaf.not_after for disk in leaves if disk is not None and disk.leaf is not None]
    if isinstance(thing, ObservedBeat):
        ends = [each.not_after for each in thing.trust.trusted]
    return min(ends, default=datetime.max.replace(tzinfo=now.tzinfo))


@dataclass(frozen=True)
class NodesTable:
    """The table at one width."""

    heading: Row | None
    rows: list[Row]


def nodes_table(
    rows: Sequence[TargetRow],
    width: int,
    marks: frozenset[str] = frozenset(),
    glyphs: Glyphs | None = None,
    *,
    wide: bool = False,
) -> NodesTable:
    """As many columns as fit; with `wide` all of them, in as many lines as they take.

    Where there is no room for what is served, a node that does not serve what it should says so in the place of its
    state: that it has a rung on disk is worth less then.
    """
    glyphs = glyphs or Glyphs()
    entries = [_entry(row, glyphs) for row in rows]
    if wide:
        entries = [labelled(entry, COLUMNS) for entry in entries]
    # without headings nobody knows what ends in `396 d`
    offered = COLUMNS if wide or width >= HEADED else [column for column in COLUMNS if column.name not in ENDS]
    sizes = sizes_of(entries, offered, width, sign=SIGN, wide=wide)
    if "served" not in sizes:
        entries = [_telling(entry) for entry in entries]
        sizes = sizes_of(entries, offered, width, sign=SIGN)
    return NodesTable(
        heading_row(COLUMNS, sizes, width, sign=SIGN),
        table_rows(entries, COLUMNS, sizes, marks, glyphs.done, sign=SIGN),
    )


def arriving_rows(rows: Sequence[TargetRow], width: int, glyphs: Glyphs) -> list[Row]:
    """Targets as far as the first look got, under the words that it goes on: to be read, and not to be chosen yet."""
    table = nodes_table(rows, width, frozenset(), glyphs)
    return [text_row("reading and probing …", "note"), *(replace(row, key="") for row in table.rows)]


def _telling(entry: Entry) -> Entry:
    """Without a column for what is served: where that is amiss it is told as the state."""
    served = entry.cells["served"]
    cells = {**entry.cells, "served": ""}
    if "served" not in entry.styles:
        return replace(entry, cells=cells)
    styles = {**entry.styles, "rung": entry.styles["served"]}
    return replace(entry, cells={**cells, "rung": served}, styles=styles)


def _cells(row: TargetRow) -> dict[str, str]:
    cells = {column.name: plain(getattr(row, column.name, "")) for column in COLUMNS}
    return cells | {"name": cut(plain(short_target(row.target)), NAME_LIMIT)}


def _entry(row: TargetRow, glyphs: Glyphs) -> Entry:
    cells = _cells(row)
    sign, difference = _difference(row, glyphs)
    if sign:
        cells["served"] = f"{sign} {cells['served']}"
    styles = {name: style for name, text in cells.items() if (style := _style(name, text, row.kind, glyphs))}
    if difference:
        styles["served"] = difference
    badge = {"findings": _badge(cells["findings"], glyphs)}
    return Entry(row.target, row.kind, row.glyph, cells, styles=styles, short=badge)


_CALM = {Difference.PENDING.value, Difference.UNREACHABLE.value}
"""Differences that need not be wrong."""


def _difference(row: TargetRow, glyphs: Glyphs) -> tuple[str, str]:
    """Sign and style of a target whose views differ, whatever the difference is called; empty where none does."""
    if not row.differences:
        return "", ""
    return (glyphs.soon, "warn") if _CALM.issuperset(row.differences) else (glyphs.failed, "bad")


def _badge(findings: str, glyphs: Glyphs) -> str:
    """The sign that stands for `1 warning` or `2 errors`; the words are in the details and in Findings."""
    if not findings:
        return ""
    return glyphs.soon if "warning" in findings else glyphs.failed


def _style(name: str, text: str, kind: Kind, glyphs: Glyphs) -> str:
    """What a cell looks like besides its column; empty where nothing is amiss."""
    if name in ("name", "address") or not text:
        return ""
    if glyphs.soon in text or (name == "findings" and "warning" in text):
        return "warn"
    if glyphs.failed in text or name == "findings":
        return "bad"
    kinds: Mapping[Kind, str] = {Kind.BAD: "bad", Kind.WARN: "warn"}
    return kinds.get(kind, "") if name in ("served", "rung") else ""
