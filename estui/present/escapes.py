"""Text from outside with every character that a terminal would act on written out.

Subjects of certificates, names in answers and the like can hold anything: escape sequences, line ends, direction
marks. Both front ends and everything that is written for monitoring go through here.
"""

from __future__ import annotations

import re

UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]")
"""C0 and C1 controls, zero-width and direction marks (the "Trojan source" characters), lone surrogates."""


def escaped(text: str) -> str:
    """The text on one line: `\\x1b`, `\\u202e`."""
    return UNSEEN.sub(written_out, text)


def written_out(found: re.Match[str]) -> str:
    """An escape for the character that was found."""
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
