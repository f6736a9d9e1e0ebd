"""The nodes of a yml text and where they stand.

Owns: bytes to text, the YAML events of ruamel.yaml to a small tree whose nodes know their place in the text (plain
files have a shorter way: `yml_plain.py`), bounds against hostile documents, and the translation of every way in which
a document is broken.
Leaves to others: what the values mean (`yml.py`, `inventory.py`) and how scalars are spelled (`yml_scalar.py`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from estui.errors import Location, SettingsError
from estui.formats.yml_nodes import MAX_DEPTH, Alias, Mapping, Node, Pair, Scalar, Sequence
from estui.formats.yml_plain import plain_tree

__all__ = [
    "COLON",
    "MAX_DEPTH",
    "MAX_NODES",
    "Alias",
    "Document",
    "Mapping",
    "Node",
    "Pair",
    "Scalar",
    "Sequence",
    "duplicate_error",
    "line_starts",
    "read_document",
]

MAX_BYTES = 1 << 20
"""Longest document that is read; the longest reference file of a Beat has about 200 KiB."""
MAX_NODES = 50_000
"""Most nodes, counted again for each alias that leads to them."""

COLON = re.compile(r"[ \t]*:")
"""Behind a key, unless it is written in the form `? key`."""
_BOM = b"\xef\xbb\xbf"
_LINE_START = re.compile(r"\r\n|\n|\r")
_TRAILING_TAB = re.compile(r"""(?m)(?<=[^\s:'"\]}])[ \t]*\t[ \t]*(?=#|\r?$)""")
_BRACKETED_ADDRESS = re.compile(r"\[[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]:\d")
_QUOTED = re.compile(r"(['\"])(?!<).{3,}?\1")


@dataclass(frozen=True, eq=False)
class Document:
    """A yml file: its text without byte order mark, and its root (None where there are only comments)."""

    path: str
    text: str
    has_bom: bool
    root: Mapping | None
    close: int | None
    """Index of the `...` that ends the document, where there is one."""

    @cached_property
    def line_starts(self) -> list[int]:
        return line_starts(self.text)

    def line(self, index: int) -> int:
        """Line number, from 1, of a place in the text."""
        return bisect_right(self.line_starts, index)

    def line_span(self, line: int) -> tuple[int, int]:
        """Start of a line, and of the next one."""
        starts = self.line_starts
        return starts[line - 1], starts[line] if line < len(starts) else len(self.text)

    def location(self, index: int, key: str | None = None) -> Location:
        return Location(self.path, self.line(index), key)

    def encode(self, text: str) -> bytes:
        """Another text as this file would hold it."""
        return (_BOM if self.has_bom else b"") + text.encode()


def line_starts(text: str) -> list[int]:
    """Where lines start. YAML 1.2 §5.4: CRLF, LF and a lone CR break lines, and nothing else does."""
    return [0, *(found.end() for found in _LINE_START.finditer(text))]


def read_document(content: bytes, path: str, list_as: str = "") -> Document:
    """The tree of a yml file. With `list_as` a list at the top is taken for the value of that key.

    Raises SettingsError: not UTF-8, a control character, broken YAML, an alias that leads nowhere or to itself,
    a key that is there twice in one map, several documents, something else than a map at the top, or more than
    MAX_BYTES, MAX_NODES or MAX_DEPTH.
    """
    if len(content) > MAX_BYTES:
        raise SettingsError(
            f"longer than {MAX_BYTES >> 20} MiB", hint="name a settings file, not a log", location=Location(path)
        )
    text = _decode(content, path)
    root = plain_tree(text)
    if root is not None:
        return Document(path, text, content.startswith(_BOM), root, None)
    try:
        events = _events(text, path)
    except SettingsError:
        # Tabs behind a plain value are fine for SnakeYAML 1.26 and 2.0, js-yaml and go-yaml, not for ruamel.yaml.
        # Spaces in their place keep every position.
        spaced = _TRAILING_TAB.sub(lambda found: " " * len(found.group()), text)
        if spaced == text:
            raise
        events = _events(spaced, path)
    return _Composer(path, text, content.startswith(_BOM), iter(events), list_as).document()


def _decode(content: bytes, path: str) -> str:
    body = content.removeprefix(_BOM)
    line = 0
    try:
        text = body.decode()
    except UnicodeDecodeError as exc:
        line = body.count(b"\n", 0, exc.start) + 1
        raise SettingsError(
            "not UTF-8", hint="save the file as UTF-8; Elasticsearch reads nothing else", location=Location(path, line)
        ) from exc
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SettingsError("holds a NUL character", hint="remove it", location=Location(path, line))
    return text


def _events(text: str, path: str) -> list[Event]:
    events: list[Event] = []
    depth = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            events.append(event)
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            # Checked while the parser runs: its time grows with the square of the depth.
            if len(events) > MAX_NODES or depth > MAX_DEPTH:
                raise SettingsError(
                    f"more than {MAX_NODES} values, or nested deeper than {MAX_DEPTH} levels",
                    hint="name a settings file; flatten what is nested: `a.b.c: value`",
                    location=Location(path, event.start_mark.line + 1),
                )
    except YAMLError as exc:
        raise _syntax_error(exc, text, path) from exc
    except (ValueError, OverflowError) as exc:  # an escape such as "\UFFFFFFFF" that is no character
        raise SettingsError(
            "a quoted value holds an escape that is no character",
            hint="write a backslash as \\\\, or use single quotes",
            location=Location(path),
        ) from exc
    return events


def _syntax_error(error: YAMLError, text: str, path: str) -> SettingsError:
    """What the parser says, with a hint for the usual reasons. Never the text of a value: it may be a password."""
    if not isinstance(error, MarkedYAMLError):
        position = getattr(error, "position", 0)
        return SettingsError(
            "holds a control character",
            hint="remove it, or write it as an escape in double quotes",
            location=Location(path, text.count("\n", 0, position) + 1),
        )
    mark = error.problem_mark or error.context_mark
    starts = line_starts(text)
    number = min(mark.line + 1, len(starts)) if mark else 1
    line = text[starts[number - 1] : starts[number] if number < len(starts) else len(text)]
    problem = _QUOTED.sub("…", str(error.problem or error.context or "broken")).split("\n")[0].strip()
    if "\\t" in problem or line.lstrip(" ").startswith("\t"):
        return SettingsError(
            "a tab where YAML allows only spaces", hint="replace the tab by spaces", location=Location(path, number)
        )
    hint = "check the indentation and the quotes of this line and the one before"
    if _BRACKETED_ADDRESS.search(line):
        hint = 'quote an address with brackets: "[::1]:9200"'
    return SettingsError(f"not valid YAML: {problem}", hint=hint, location=Location(path, number))


class _Composer:
    """Builds the tree of one document from its events."""

    def __init__(self, path: str, text: str, has_bom: bool, events: Iterator[Event], list_as: str) -> None:
        self._empty = Document(path, text, has_bom, None, None)
        self._events = events
        self._anchors: dict[str, Scalar | Sequence | Mapping] = {}
        self._open: list[str | None] = []
        self._list_as = list_as

    def document(self) -> Document:
        empty = self._empty
        root: Node | None = None
        close: int | None = None
        seen = False
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                if seen:
                    raise self._error("several YAML documents in one file", event, "keep one; remove the others")
                seen = True
                root = self._node(next(self._events))
            elif isinstance(event, DocumentEndEvent) and event.explicit:
                close = event.start_mark.index
            elif isinstance(event, StreamEndEvent):
                break
        if isinstance(root, Scalar) and root.is_plain and not root.text:
            root = None
        if isinstance(root, Sequence) and self._list_as:
            pair = Pair(Scalar(root.start, root.start, self._list_as, ""), root)
            root = Mapping(root.start, root.end, (pair,), is_flow=False)
        if not isinstance(root, Mapping | None):
            raise SettingsError(
                "not a map of settings", hint="write one `key: value` a line", location=empty.location(root.start)
            )
        return Document(empty.path, empty.text, empty.has_bom, root, close)

    def _node(self, event: Event) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event)
        assert isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent)  # noqa: S101 - no other is left
        node: Scalar | Sequence | Mapping
        self._open.append(event.anchor)
        if isinstance(event, ScalarEvent):
            node = self._scalar(event)
        elif isinstance(event, SequenceStartEvent):
            node = self._sequence(event)
        else:
            node = self._mapping(event)
        self._open.pop()
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: AliasEvent) -> Alias:
        if event.anchor in self._open:
            raise self._error("an alias leads to itself", event, "write the value out")
        if event.anchor not in self._anchors:
            raise self._error("an alias (*) without its anchor (&)", event, "quote a value that begins with *")
        return Alias(event.start_mark.index, event.end_mark.index, self._anchors[event.anchor])

    def _scalar(self, event: ScalarEvent) -> Scalar:
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or ""
        if style in ("|", ">"):
            # The mark stands after the blank lines that follow; they belong to nobody.
            text = self._empty.text
            last = start + len(text[start:end].rstrip()) - 1
            end = start + len(text[start:last].rstrip("\r\n")) + 1 if last < start else _line_end(text, last)
        return Scalar(start, end, self._characters(event), style, tagged=event.tag is not None)

    def _characters(self, event: ScalarEvent) -> str:
        """The content; halves of a character that were escaped one by one, as in JSON, are put together."""
        try:
            found: str = event.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError as exc:
            raise self._error("holds an escape that is half a character", event, "write the character itself") from exc
        return found

    def _sequence(self, event: SequenceStartEvent) -> Sequence:
        items: list[Node] = []
        while not isinstance(following := next(self._events), SequenceEndEvent):
            items.append(self._node(following))
        flow = bool(event.flow_style)
        end = following.end_mark.index if flow or not items else items[-1].end
        return Sequence(event.start_mark.index, end, tuple(items), flow)

    def _mapping(self, event: MappingStartEvent) -> Mapping:
        pairs: dict[str, Pair] = {}
        while not isinstance(following := next(self._events), MappingEndEvent):
            key = self._node(following)
            if not isinstance(key, Scalar) or (key.is_plain and not key.text):
                raise self._error("a key that is no text", following, "write one `key: value` a line")
            if key.text in pairs:
                first = self._empty.line(pairs[key.text].key.start)
                raise duplicate_error(self._empty, key.text, first, key.start)
            pairs[key.text] = Pair(key, self._placed(key, self._node(next(self._events))))
        flow = bool(event.flow_style)
        values = list(pairs.values())
        end = following.end_mark.index if flow or not values else values[-1].value.end
        return Mapping(event.start_mark.index, end, tuple(values), flow)

    def _placed(self, key: Scalar, value: Node) -> Node:
        """A missing value stands right behind its colon; the parser says: behind the comments that follow."""
        if not isinstance(value, Scalar) or value.start != value.end:
            return value
        colon = COLON.match(self._empty.text, key.end)
        at = colon.end() if colon else key.end
        return Scalar(at, at, "", "")

    def _error(self, summary: str, event: Event, hint: str) -> SettingsError:
        return SettingsError(summary, hint=hint, location=self._empty.location(event.start_mark.index))


def duplicate_error(document: Document, key: str, first: int, second: int) -> SettingsError:
    """`first` is a line number, `second` a place in the text.

    Elasticsearch refuses to start with both: `Duplicate field '…'` (Jackson's strict duplicate detection).
    """
    line = document.line(second)
    return SettingsError(
        f"set twice, in line {first} and in line {line}",
        hint="keep one of them; Elasticsearch, Kibana and Beats refuse to start with both",
        location=Location(document.path, line, key),
    )


def _line_end(text: str, index: int) -> int:
    """End of the line of `index`, before its line break."""
    found = _LINE_START.search(text, index)
    return found.start() if found else len(text)
