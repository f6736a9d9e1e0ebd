"""From which size on a screen takes which shape, and what is shown where there is no room for any."""

from __future__ import annotations

from textual.geometry import Size

from estui.tui.rows import Row, text_row

LEAST_WIDTH, LEAST_HEIGHT = 40, 12
WIDTHS = [(0, "-no-width"), (LEAST_WIDTH, "-narrow"), (80, "-tabbed"), (100, "-wide"), (140, "-very-wide")]
HEIGHTS = [(0, "-no-height"), (LEAST_HEIGHT, "-low"), (24, "-high")]


def too_small(size: Size) -> list[Row]:
    """What is there and what is needed; nothing where there is room."""
    if size.width >= LEAST_WIDTH and size.height >= LEAST_HEIGHT:
        return []
    return [text_row(f"{size.width}×{size.height}, needed {LEAST_WIDTH}×{LEAST_HEIGHT}", "warn")]
