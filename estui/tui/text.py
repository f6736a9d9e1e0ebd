"""Text from outside made fit for a terminal: no control characters, no markup, and ASCII where nothing else shows.

Every string that a widget draws comes through `plain`; what it returns has the width that it seems to have.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from estui.present import ASCII, UNICODE, Glyphs
from estui.present.escapes import escaped

_TAB = "    "
_ASCII_TWINS = {
    "·": "-",
    "\u00a0": " ",
    "…": "...",
    "→": "->",
    "←": "<-",
    "↑": "up",
    "↓": "down",
    "—": "-",
    "–": "-",
    "×": "x",
    "▸": ">",
    "▾": "v",
    "▶": ">",
    "✓": "v",
    "✗": "x",
    "●": "*",
    "○": "o",
    "◐": ">",
    "│": "|",
    "─": "-",
    "§": "section ",
    "’": "'",
    "“": '"',
    "”": '"',
}
_TRANSLATION = str.maketrans(_ASCII_TWINS)


def plain(text: object, *, ascii_only: bool = False) -> str:
    """The text on one line, with every character that a terminal would act on written out as an escape."""
    shown = escaped(str(text).replace("\t", _TAB))
    return to_ascii(shown) if ascii_only else shown


def to_ascii(text: str) -> str:
    """The ASCII twin of a text; a character without one becomes `?`."""
    if text.isascii():
        return text
    return text.translate(_TRANSLATION).encode("ascii", "replace").decode("ascii")


def glyphs(ascii_only: bool) -> Glyphs:
    return ASCII if ascii_only else UNICODE


def pad(text: str, width: int) -> str:
    """The text in exactly `width` cells; what does not fit is cut, and says so."""
    return set_cell_size(cut(text, width), width)


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, with `…` where its end went."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)).rstrip() + "…" if width > 0 else ""


def shortened(headline: str, width: int) -> str:
    """A line of parts joined by ` · ` in at most `width` cells: the second part goes first, the name last."""
    parts = headline.split(" · ")
    while cell_len(" · ".join(parts)) > width and len(parts) > 1:
        parts.pop(1 if len(parts) > 2 else -1)
    return cut(" · ".join(parts), width)


def front_of(note: str, width: int) -> str:
    """A note in at most `width` cells: its last parts go, parts being what ` · ` or a comma divides."""
    while cell_len(note) > width:
        at = max(note.rfind(" · "), note.rfind(", "))
        if at <= 0:
            return cut(note, width)
        note = note[:at]
    return note


def cut_middle(text: str, width: int) -> str:
    """A path in at most `width` cells: its middle goes, its file name stays."""
    if cell_len(text) <= width or width < 5:
        return cut(text, width)
    tail = text[-(width - width // 3 - 1) :]
    return text[: width // 3] + "…" + tail


def leaves_text(number: int) -> str:
    """`1 leaf`, `3 leaves`."""
    return "1 leaf" if number == 1 else f"{number} leaves"


def clock_text(seconds: float) -> str:
    """`00:41`, `1:02:03`."""
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes:02d}:{rest:02d}"
