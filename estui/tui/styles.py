"""Names of the styles that rows use; every screen that shows rows has them as component classes."""

from __future__ import annotations

STYLES = (
    "title",
    "note",
    "good",
    "warn",
    "bad",
    "add",
    "remove",
    "same",
    "fold",
    "file",
    "file-note",
    "file-target",
    "number",
    "why",
    "match",
    "heading",
    "name",
    "marked",
    "add-word",
    "remove-word",
    "add-count",
    "remove-count",
    "key",
    "cursor",
    "marker",
    "verdict-good",
    "verdict-bad",
)
LINE_CLASSES = {f"line--{name}" for name in STYLES}
