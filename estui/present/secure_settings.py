"""Secure settings of many nodes as lines: names and agreement, never a value."""

from __future__ import annotations

from estui.model.secure import Agreement, SecureEntry, SecureFile, SecureTable
from estui.present.escapes import escaped
from estui.present.lines import Kind, Line, count

_KINDS = {
    Agreement.SAME: Kind.GOOD,
    Agreement.OWN: Kind.TEXT,
    Agreement.DIFFERENT: Kind.BAD,
    Agreement.MISSING: Kind.WARN,
}
ABSENT = "-"
"""Stands where a node has no such entry."""
UNREAD = "?"
"""Stands where a node's file was not opened."""


def file_words(file: SecureFile) -> str:
    """`es-1: format 7, no password`."""
    if file.error:
        return f"{escaped(file.target)}: cannot be opened: {escaped(file.error)}"
    if not file.present:
        return f"{escaped(file.target)}: no elasticsearch.keystore; the node makes one at its start"
    password = "protected by a password" if file.protected else "no password"
    return f"{escaped(file.target)}: format {file.version}, {password}"


def cells(table: SecureTable, entry: SecureEntry) -> tuple[str, ...]:
    """What stands below each node for an entry: a fingerprint, or why there is none."""
    return tuple(
        UNREAD if file.error else fingerprint or ABSENT
        for file, fingerprint in zip(table.files, entry.fingerprints, strict=True)
    )


def entry_words(entry: SecureEntry) -> str:
    """`same; read again while nodes run`."""
    words = [entry.agreement.value]
    words.append("read again while nodes run" if entry.reloadable else "read at the start")
    if not entry.known:
        words.append("not known here")
    return "; ".join(words)


def secure_lines(table: SecureTable) -> list[Line]:
    """Files, then one line for each name with a fingerprint below each node, then the sum."""
    lines = [Line(Kind.BAD if file.error else Kind.TEXT, file_words(file)) for file in table.files]
    if table.entries:
        lines.append(Line(Kind.TEXT, ""))
        name_width = max(len("name"), *(len(entry.name) for entry in table.entries))
        widths = [max(8, len(escaped(file.target))) for file in table.files]
        heads = "  ".join(f"{escaped(file.target):{width}}" for file, width in zip(table.files, widths, strict=True))
        lines.append(Line(Kind.TITLE, f"{'name':{name_width}}  {heads}"))
        for entry in table.entries:
            shown = "  ".join(f"{cell:{width}}" for cell, width in zip(cells(table, entry), widths, strict=True))
            lines.append(Line(_KINDS[entry.agreement], f"{entry.name:{name_width}}  {shown}  {entry_words(entry)}"))
        lines.append(Line(Kind.NOTE, "fingerprints are salted anew each time: they compare within this list only"))
    return [*lines, secure_title(table)]


def secure_title(table: SecureTable) -> Line:
    """The sum in one line."""
    odd = [entry for entry in table.entries if entry.agreement in (Agreement.DIFFERENT, Agreement.MISSING)]
    locked = [file for file in table.files if file.error]
    if table.agrees:
        return Line(Kind.GOOD, f"{count(len(table.entries), 'entry')} agree on {count(len(table.files), 'node')}")
    words = [f"{count(len(odd), 'entry')} differ or are missing somewhere"] if odd else []
    words += [f"{count(len(locked), 'file')} cannot be opened"] if locked else []
    return Line(Kind.BAD, "; ".join(words))
