"""The tree of a yml file that uses only the plainest YAML, some twenty times faster than a whole parser.

Configuration files are keys, scalars of one line, lists and maps by indentation; that is all this reads. Whatever
else stands in a file (anchors, tags, blocks of text, quotes with escapes, scalars over several lines, tabs, anything
broken) makes it give up, and `yml_tree` takes its parser, which alone decides what is an error.
Source: YAML 1.2 §7.3 (flow scalars), §7.4.1 (flow sequences), §8.2 (block collections).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from estui.formats.yml_nodes import MAX_DEPTH, Mapping, Node, Pair, Scalar, Sequence

_STRANGE = re.compile("[^\n -~\xa1-\u1fff\u2010-\u2027\u2030-\ud7ff]")
"""Anything that could be a tab, a line break of another kind, or a character that a parser refuses."""
_LINE = re.compile(r"^( *)([^\s#].*?) *$", re.MULTILINE)
"""A line that is neither blank nor a comment: indentation and content."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*(?=:(?: |$))", re.MULTILINE)
_WORD = r"[A-Za-z0-9_/$.]"
_PLAIN = re.compile(rf"{_WORD}(?:[^\s#:]|:(?=[^\s#])| +(?=[^\s#]))*")
_FLOW_PLAIN = re.compile(rf"{_WORD}(?:[A-Za-z0-9_./$@%+=-]|:(?=[A-Za-z0-9]))*(?= *[,\]])")
_DOUBLE = re.compile(r'"([^"\\\n]*)"')
_SINGLE = re.compile(r"'([^'\n]*)'(?!')")
_END = re.compile(r" *(?: #.*)?$", re.MULTILINE)
"""Behind a value: the end of the line, or a comment."""
_SPACES = re.compile(" *")


class _NotPlain(Exception):
    """Something that the parser has to look at."""


@dataclass(frozen=True)
class _Line:
    """Where the content of a line begins, and in which column."""

    indent: int
    start: int


def plain_tree(text: str) -> Mapping | None:
    """The map at the top of a text, with the very nodes and places that a parser would give; None where the text
    holds anything that is not plain, right or wrong."""
    if _STRANGE.search(text):
        return None
    lines = [_Line(len(found[1]), found.start(2)) for found in _LINE.finditer(text)]
    if not lines or lines[0].indent:
        return None
    reader = _Reader(text, lines)
    try:
        root = reader.mapping(0, 1)
    except _NotPlain:
        return None
    return root if reader.at == len(lines) else None


class _Reader:
    def __init__(self, text: str, lines: list[_Line]) -> None:
        self.text = text
        self.lines = lines
        self.at = 0
        """Index of the line to be read next."""

    def mapping(self, indent: int, depth: int) -> Mapping:
        """A block map whose keys stand in one column."""
        if depth > MAX_DEPTH:
            raise _NotPlain
        pairs: dict[str, Pair] = {}
        for line in self._lines_at(indent):
            found = _KEY.match(self.text, line.start)
            if found is None or found[0] in pairs:
                raise _NotPlain
            self.at += 1
            key = Scalar(found.start(), found.end(), found[0], "")
            pairs[found[0]] = Pair(key, self._value(found.end() + 1, indent, depth))
        values = list(pairs.values())
        if not values:
            raise _NotPlain
        return Mapping(values[0].key.start, values[-1].value.end, tuple(values), is_flow=False)

    def _lines_at(self, indent: int) -> Iterator[_Line]:
        """Lines of a block, until one that stands further left."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.indent < indent:
                return
            if line.indent > indent:
                raise _NotPlain
            yield line

    def _value(self, colon: int, indent: int, depth: int) -> Node:
        """What stands behind a colon, or below it."""
        if not _END.match(self.text, colon):
            value = self._inline(_SPACES.match(self.text, colon).end())  # type: ignore[union-attr]
            self._refuse_more(indent)
            return value
        if self.at == len(self.lines):
            return Scalar(colon, colon, "", "")
        below = self.lines[self.at]
        is_list = self.text.startswith("- ", below.start)
        if below.indent > indent or (below.indent == indent and is_list):
            return self._list(below.indent, depth + 1) if is_list else self.mapping(below.indent, depth + 1)
        return Scalar(colon, colon, "", "")

    def _list(self, indent: int, depth: int) -> Sequence:
        if depth > MAX_DEPTH:
            raise _NotPlain
        start = self.lines[self.at].start
        items: list[Node] = []
        for line in self._lines_at(indent):
            if not self.text.startswith("- ", line.start):
                break  # a list may stand in the column of its key, which goes on here
            content = _SPACES.match(self.text, line.start + 1).end()  # type: ignore[union-attr]
            if _KEY.match(self.text, content):
                column = indent + content - line.start
                self.lines[self.at] = _Line(column, content)
                items.append(self.mapping(column, depth + 1))
                continue
            self.at += 1
            items.append(self._inline(content))
            self._refuse_more(indent)
        return Sequence(start, items[-1].end, tuple(items), is_flow=False)

    def _refuse_more(self, indent: int) -> None:
        """A value that stands in its line must end there."""
        if self.at < len(self.lines) and self.lines[self.at].indent > indent:
            raise _NotPlain

    def _inline(self, start: int) -> Node:
        value = self._flow(start) if self.text.startswith("[", start) else self._scalar(start, _PLAIN)
        if not _END.match(self.text, value.end):
            raise _NotPlain
        return value

    def _scalar(self, start: int, plain: re.Pattern[str]) -> Scalar:
        for pattern, style in ((_DOUBLE, '"'), (_SINGLE, "'")):
            if found := pattern.match(self.text, start):
                return Scalar(start, found.end(), found[1], style)
        found = plain.match(self.text, start)
        if found is None:
            raise _NotPlain
        return Scalar(start, found.end(), found[0], "")

    def _flow(self, start: int) -> Sequence:
        """`[a, "b"]` in one line, scalars only."""
        items: list[Node] = []
        at = _SPACES.match(self.text, start + 1).end()  # type: ignore[union-attr]
        if self.text.startswith("]", at):
            return Sequence(start, at + 1, (), is_flow=True)
        while True:
            items.append(self._scalar(at, _FLOW_PLAIN))
            at = _SPACES.match(self.text, items[-1].end).end()  # type: ignore[union-attr]
            if self.text.startswith("]", at):
                return Sequence(start, at + 1, tuple(items), is_flow=True)
            if not self.text.startswith(",", at):
                raise _NotPlain
            at = _SPACES.match(self.text, at + 1).end()  # type: ignore[union-attr]
