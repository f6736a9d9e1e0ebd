"""The single lines of the screen: what this is (top), the panes as tabs, and the keys that work now (bottom)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from estui.tui.text import cut, plain


@dataclass(frozen=True)
class Part:
    """A piece of a bar: its text, its style, and what a click on it does."""

    text: str
    style: str = ""
    action: str = ""
    lead: str = ""
    """Text in front of it that is never parted from it, in the style `lead_style`: the key before its word."""
    lead_style: str = ""

    @property
    def width(self) -> int:
        return cell_len(self.lead) + cell_len(self.text)


class Bar(Widget):
    """One line of parts, the first ones at the left, the others at the right; what does not fit is left away."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"bar--{name}" for name in ("key", "word", "dim", "title", "alarm", "note", "here", "good")
    }
    DEFAULT_CSS = "Bar { height: 1; }"

    @dataclass
    class Clicked(Message):
        """A part that does something was clicked."""

        action: str

    def __init__(self, *, ident: str, ascii_only: bool = False) -> None:
        super().__init__(id=ident)
        self.ascii_only = ascii_only
        self.left: Sequence[Part] = ()
        self.right: Sequence[Part] = ()
        self._places: list[tuple[int, int, str]] = []

    def set_parts(self, left: Sequence[Part], right: Sequence[Part] = ()) -> None:
        if (self.left, self.right) != (left, right):
            self.left, self.right = left, right
            self.refresh()

    def render(self) -> Text:
        width = self.size.width
        right = [self._clean(part) for part in self.right]
        room = width - sum(part.width for part in right)
        line = Text(no_wrap=True, end="")
        self._places = []
        for part in map(self._clean, self.left):
            left = room - cell_len(line.plain)
            if part.width > left:
                if not part.action:
                    self._add(line, Part(cut(part.text, left), part.style))
                break
            self._add(line, part)
        line.append(" " * max(room - cell_len(line.plain), 0))
        for part in right:
            self._add(line, part)
        return line

    def _clean(self, part: Part) -> Part:
        text = plain(part.text, ascii_only=self.ascii_only)
        return replace(part, text=text, lead=plain(part.lead, ascii_only=self.ascii_only))

    def _add(self, line: Text, part: Part) -> None:
        start = cell_len(line.plain)
        if part.lead:
            line.append(part.lead, self._style(part.lead_style))
        line.append(part.text, self._style(part.style))
        if part.action:
            self._places.append((start, cell_len(line.plain), part.action))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"bar--{name}", partial=True) if name else Style()

    async def on_click(self, event: events.Click) -> None:
        for start, end, action in self._places:
            if start <= event.x < end:
                self.post_message(self.Clicked(action))
                return
