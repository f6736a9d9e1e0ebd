"""Text from outside with every character that a terminal would act on, or that nobody would see, written out.

Subjects of certificates, names in answers and the like can hold anything: escape sequences, line ends, direction
marks. Both front ends and everything that is written for monitoring go through here.
"""

from __future__ import annotations

import re
import unicodedata

UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""C0 and C1 controls, zero-width and direction marks (the "Trojan source" characters), fillers, selectors and tags that
show as nothing, lone surrogates."""
MOST_MARKS = 3
"""Combining marks on one character: every script in use has fewer, and a pile of them covers the lines around it."""


def escaped(text: str) -> str:
    """The text on one line: `\\x1b`, `\\u202e`. Escaping it once more changes nothing."""
    shown = UNSEEN.sub(written_out, text)
    return shown if shown.isascii() else _thinned(shown)


def written_out(found: re.Match[str]) -> str:
    """An escape for the character that was found."""
    return _code(found.group())


def _code(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _thinned(text: str) -> str:
    """With the marks written out that go beyond what one character carries."""
    parts: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        parts.append(_code(character) if marks > MOST_MARKS else character)
    return "".join(parts)
