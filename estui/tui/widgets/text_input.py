"""The line in which something is typed, everywhere in the terminal UI."""

from __future__ import annotations

from textual.reactive import reactive
from textual.widgets import Input


class TextInput(Input):
    """Its cursor stands still: one that blinks writes to the terminal twice a second, which a slow line feels."""

    cursor_blink = reactive(False, init=False)
