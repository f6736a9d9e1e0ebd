"""Documents to read on the screen and to file: laid out by the width, saved by the ending of a name.

What stands in them is `present`'s; here a table that is too wide for the screen becomes a list of its rows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len

from estui.errors import Location, UsageError
from estui.formats.wire import dumps
from estui.present.document import Block, Facts, Table, document_lines, document_markdown
from estui.tui.rows import Row, Span, line_rows, text_row
from estui.tui.text import pad

MARKDOWN, JSON = ".md", ".json"
LABEL = 18
"""Cells that the name of a column takes at most, where it stands before its value."""


@dataclass(frozen=True)
class Document:
    """A run-book or a report."""

    title: str
    blocks: tuple[Block, ...]
    value: object
    """What it was made from, for JSON."""
    name: str
    """Of a file for it, without its ending."""

    def content(self, path: str) -> bytes:
        """As the file's name ends: Markdown, JSON, else plain text."""
        if path.endswith(JSON):
            return dumps(self.value)
        if path.endswith(MARKDOWN):
            return document_markdown(self.blocks).encode("utf-8", "replace")
        return "".join(f"{line.text}\n" for line in document_lines(self.blocks)).encode("utf-8", "replace")


def file_name(text: str) -> str:
    """A text as the name of a file: letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")


def save_new(path: Path, content: bytes) -> None:
    """A new file that only its owner can read. UsageError where it is there already or cannot be written."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(number, "wb") as file:
            file.write(content)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise UsageError(f"cannot be written: {words}", location=Location(str(path)), hint="name a new file") from error


def document_rows(blocks: Iterable[Block], width: int) -> list[Row]:
    """The document in rows for this width."""
    rows: list[Row] = []
    for block in blocks:
        if rows:
            rows.append(text_row(""))
        lines = document_lines([block])
        if isinstance(block, Table) and any(cell_len(line.text) > width for line in lines):
            rows += _stacked(block)
        elif isinstance(block, Facts):
            label = max((len(name) for name, value in block.pairs if value), default=0)
            rows += [text_row(line.text, indent=label + 4) for line in lines]
        else:
            rows += line_rows(lines)
    return rows


def _stacked(table: Table) -> Iterator[Row]:
    """Each row of the table below the other: its first words as a title, then one value a line."""
    label = min(max(map(len, table.heads)), LABEL) + 2
    for cells in table.rows:
        # a column without a name numbers its rows, or says `ok`
        lead = 2 if not table.heads[0] and len(cells) > 1 else 1
        yield text_row("  " + " ".join(cell for cell in cells[:lead] if cell), "title", indent=4)
        for head, cell in zip(table.heads[lead:], cells[lead:], strict=True):
            if cell:
                yield Row((Span(f"    {pad(head, label)}", "note"), Span(cell)), indent=label + 4)
