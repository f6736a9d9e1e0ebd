"""Snapshots of screens: `snapshots/NAME-WIDTHxHEIGHT.svg` to look at, `.txt` to read in a review.

A mismatch leaves `.actual` files beside them; `pytest --update-snapshots` takes the new screens over.
"""

from __future__ import annotations

import re
from pathlib import Path

from estui.tui.app import EstuiApp
from tests.tui.driver import User, screen_text

FOLDER = Path(__file__).parent.parent.parent / "snapshots"
_RICH_ID = re.compile(r"terminal-\d+-")


SIZES = ((80, 24), (120, 40))


async def check_sizes(user: User, name: str, *, update: bool) -> None:
    """Compares the screen with its snapshots at every size, as it comes by resizing the terminal."""
    for size in SIZES:
        await user.resize(*size)
        check(user.app, name, update=update)


def _svg(app: EstuiApp) -> str:
    """The picture, with Rich's random ids made equal."""
    return _RICH_ID.sub("terminal-0-", app.export_screenshot(title="estui")) + "\n"


def check(app: EstuiApp, name: str, *, update: bool) -> None:
    """Compares the screen with its snapshot. Fails naming the files that differ."""
    width, height = app.size
    failed = []
    for suffix, content in ((".txt", screen_text(app)), (".svg", _svg(app))):
        path = FOLDER / f"{name}-{width}x{height}{suffix}"
        actual = path.with_name(path.name + ".actual")
        actual.unlink(missing_ok=True)
        if update:
            path.write_text(content)
        elif not path.exists() or path.read_text() != content:
            actual.write_text(content)
            failed.append(str(actual))
    assert not failed, f"the screen differs from its snapshot; look at {', '.join(failed)}, then --update-snapshots"
