"""The nodes of a yml text, each with its place in the text. Who makes them: `yml_plain.py` and `yml_tree.py`."""

from __future__ import annotations

from dataclasses import dataclass

MAX_DEPTH = 64
"""Deepest nesting that is read."""


@dataclass(frozen=True, eq=False)
class Scalar:
    """A scalar; `text` is its content after unquoting and folding, `start` includes a tag or an anchor."""

    start: int
    end: int
    text: str
    style: str
    """`"` or `'` where it is quoted, `|` or `>` for a block, empty where it is plain."""
    tagged: bool = False

    @property
    def is_plain(self) -> bool:
        return not self.style and not self.tagged

    @property
    def is_block(self) -> bool:
        return self.style in ("|", ">")


@dataclass(frozen=True, eq=False)
class Sequence:
    """A list; the end of a block list is the end of its last item, before comments and blank lines."""

    start: int
    end: int
    items: tuple[Node, ...]
    is_flow: bool


@dataclass(frozen=True, eq=False)
class Pair:
    """One key and its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True, eq=False)
class Mapping:
    """A map; ends like a `Sequence`. No key is there twice."""

    start: int
    end: int
    pairs: tuple[Pair, ...]
    is_flow: bool


@dataclass(frozen=True, eq=False)
class Alias:
    """`*name`: the node that stands elsewhere under `&name`."""

    start: int
    end: int
    target: Scalar | Sequence | Mapping


Node = Scalar | Sequence | Mapping | Alias
