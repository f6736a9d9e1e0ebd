"""Settings of elasticsearch.yml, kibana.yml and the yml files of Beats: read, and edited by position.

Owns: flat dotted settings out of nested and mixed maps, and edits that leave every byte outside of the edited
spans as it was (comments, order, quotes, aligned values, line ends, byte order mark).
Leaves to others: the tree (`yml_tree.py`), spelling (`yml_scalar.py`), the spans in the text (`yml_spans.py`),
and what a setting means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from estui.errors import Location, SettingsError
from estui.formats import yml_spans, yml_tree
from estui.formats.yml_scalar import needs_quotes, plain_value, quote, spell
from estui.formats.yml_spans import Span
from estui.formats.yml_tree import Alias, Document, Node, Pair, duplicate_error, read_document
from estui.model.setting import Scalar, Setting, SettingValue

_BEGIN = b"#----------------------- BEGIN SECURITY AUTO CONFIGURATION -----------------------"
_END = b"#----------------------- END SECURITY AUTO CONFIGURATION -------------------------"
_BLANK_LAST_LINE = re.compile(r"(\A|\n|\r(?!\n))[ \t]*(\r\n|\n|\r)\Z")
_LINE_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Put:
    """A setting gets a value. `comment` is written above it where it is new."""

    key: str
    value: SettingValue
    comment: str = ""


@dataclass(frozen=True)
class Drop:
    """A setting goes away; one that is not set is left alone."""

    key: str


@dataclass(frozen=True, eq=False)
class _Leaf:
    """A setting, its key and value in the tree, and the maps around it from the outside in."""

    setting: Setting
    pair: Pair
    value: Node
    trail: tuple[tuple[yml_tree.Mapping, Pair], ...]
    """Ends with the leaf's own map and pair."""
    is_shared: bool = False
    """Reached through an alias: the text stands elsewhere and counts there too."""
    in_list: bool = False


def parse_settings(content: bytes, path: str, list_as: str = "") -> dict[str, Setting]:
    """Settings by flat dotted key, in the order of the file; a file of comments only has none.

    A list of scalars is a tuple. A list that holds maps or lists is flattened by position from 0
    (`logging.loggers.0.name`). An empty map is no setting, an explicit or missing value is None. `<<` merges.
    A line is that of the last part of the key; what comes through an alias has the line of its anchor's content.
    With `list_as` the file may be a list, as in the `modules.d` of a Beat: its settings stand below that name.
    Raises SettingsError: see `read_document`; a setting that is set twice, flat and nested.
    """
    return dict(_settings(content, path, list_as))


@lru_cache(maxsize=4096)  # a run looks at the same files again and again; a cache that is too small helps nobody
def _settings(content: bytes, path: str, list_as: str) -> Mapping[str, Setting]:
    return {leaf.setting.key: leaf.setting for leaf in _leaves(read_document(content, path, list_as))}


def auto_configured(content: bytes) -> bool:
    """Whether the block of Elasticsearch's security auto-configuration is there, begin and end.

    Source: Elasticsearch 8.0 and later, AutoConfigureNode (marker lines).
    """
    begin = content.find(_BEGIN)
    return begin >= 0 and content.find(_END, begin) >= 0


def auto_configured_lines(content: bytes) -> range | None:
    """Numbers (from 1) of the lines between the markers of that block, or None where it is not there."""
    begin = content.find(_BEGIN)
    end = content.find(_END, begin) if begin >= 0 else -1
    if end < 0:
        return None
    return range(content.count(b"\n", 0, begin) + 2, content.count(b"\n", 0, end) + 1)


def edit(content: bytes, edits: Sequence[Put | Drop], path: str, heading: str = "", list_as: str = "") -> bytes:
    """The file with some settings put or dropped.

    A setting that is there gets its value where it stands, flat or nested. New ones come at the end of the file
    (so never inside an auto-configured block) as flat keys, after a blank line and `# heading`; those of a map in a
    list behind the first entry of that map. A dropped one
    takes its lines along, and the maps around it that would be left empty, since Elasticsearch refuses a null
    in the place of a map; comments on lines of their own stay.
    Raises SettingsError: the file cannot be read, the place cannot be edited safely, or reading the result back
    gives anything else than what was asked for.
    """
    document = read_document(content, path, list_as)
    leaves = {leaf.setting.key: leaf for leaf in _leaves(document)}
    _check_request(edits, leaves, path)
    new = [each for each in edits if isinstance(each, Put) and each.key not in leaves]
    listed = {each.key: first for each in new if (first := _first_in_list(leaves, each.key)) is not None}
    new = [each for each in new if each.key not in listed]
    spans = [
        span
        for each in edits
        if isinstance(each, Put) and each.key in leaves
        for span in _put_spans(document, leaves[each.key], each.value)
    ]
    spans += _drop_spans(document, leaves, {each.key for each in edits if isinstance(each, Drop)})
    for first in dict.fromkeys(listed.values()):
        puts = [each for each in edits if isinstance(each, Put) and listed.get(each.key) is first]
        spans.append(_insertion(document, first, puts))
    try:
        result = document.encode(yml_spans.splice(document.text, spans))
        if new:
            changed = read_document(result, path, list_as)
            result = changed.encode(_appended(changed, new, heading))
        after = parse_settings(result, path, list_as)
    except SettingsError as exc:
        raise SettingsError(
            f"cannot be edited in place, the result would be broken ({exc.summary})",
            hint="change it by hand: " + ", ".join(each.key for each in edits),
            location=Location(path, exc.location.line if exc.location else None),
        ) from exc
    _check_result(_expected(leaves, edits), after, path)
    return result


def _leaves(document: Document) -> list[_Leaf]:
    """All settings of a document; SettingsError where one is set twice or aliases multiply without end."""
    if document.root is None:
        return []
    found: dict[str, _Leaf] = {}
    for leaf in _Walk(document).mapping(document.root, "", (), is_shared=False, in_list=False):
        earlier = found.setdefault(leaf.setting.key, leaf)
        if earlier is not leaf:
            raise duplicate_error(document, leaf.setting.key, earlier.setting.line, leaf.pair.key.start)
    return list(found.values())


class _Walk:
    """A walk over the settings of one document that ends, however its aliases multiply."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0

    def mapping(
        self,
        mapping: yml_tree.Mapping,
        prefix: str,
        trail: tuple[tuple[yml_tree.Mapping, Pair], ...],
        *,
        is_shared: bool,
        in_list: bool,
    ) -> Iterator[_Leaf]:
        own: set[str] = set()
        merged: list[_Leaf] = []
        for pair in mapping.pairs:
            here = (*trail, (mapping, pair))
            if pair.key.is_plain and pair.key.text == "<<":
                merged.extend(self._merged(pair, prefix, here))
                continue
            for leaf in self._node(pair.value, prefix + pair.key.text, here, is_shared=is_shared, in_list=in_list):
                own.add(leaf.setting.key)
                yield leaf
        for leaf in merged:
            if leaf.setting.key not in own:
                own.add(leaf.setting.key)
                yield leaf

    def _merged(self, pair: Pair, prefix: str, trail: tuple[tuple[yml_tree.Mapping, Pair], ...]) -> Iterator[_Leaf]:
        value = _resolved(pair.value)
        for part in value.items if isinstance(value, yml_tree.Sequence) else (value,):
            source = _resolved(part)
            if not isinstance(source, yml_tree.Mapping):
                raise SettingsError(
                    "merges (<<) something else than a map",
                    hint="write the settings out",
                    location=self._document.location(pair.key.start, "<<"),
                )
            self._visit(trail)
            yield from self.mapping(source, prefix, trail, is_shared=True, in_list=True)

    def _node(
        self,
        node: Node,
        key: str,
        trail: tuple[tuple[yml_tree.Mapping, Pair], ...],
        *,
        is_shared: bool,
        in_list: bool,
    ) -> Iterator[_Leaf]:
        self._visit(trail)
        pair = trail[-1][1]
        value = _resolved(node)
        shared = is_shared or (isinstance(node, Alias) and not isinstance(value, yml_tree.Scalar))
        if isinstance(value, yml_tree.Mapping):
            yield from self.mapping(value, f"{key}.", trail, is_shared=shared, in_list=in_list)
            return
        if isinstance(value, yml_tree.Sequence):
            items = [_resolved(item) for item in value.items]
            if not all(isinstance(item, yml_tree.Scalar) for item in items):
                for number, item in enumerate(value.items):
                    yield from self._node(item, f"{key}.{number}", trail, is_shared=shared, in_list=True)
                return
            self._count += len(items)
            meaning: SettingValue = tuple(_value(item) for item in items if isinstance(item, yml_tree.Scalar))
        else:
            meaning = _value(value)
        setting = Setting(key, meaning, self._document.line(pair.key.start))
        yield _Leaf(setting, pair, node, trail, is_shared, in_list)

    def _visit(self, trail: tuple[tuple[yml_tree.Mapping, Pair], ...]) -> None:
        self._count += 1
        if self._count <= yml_tree.MAX_NODES and len(trail) <= yml_tree.MAX_DEPTH:
            return
        raise SettingsError(
            f"aliases multiply to more than {yml_tree.MAX_NODES} values or {yml_tree.MAX_DEPTH} levels",
            hint="write the settings out instead of using aliases",
            location=self._document.location(trail[0][1].key.start, trail[0][1].key.text),
        )


def _resolved(node: Node) -> yml_tree.Scalar | yml_tree.Sequence | yml_tree.Mapping:
    return node.target if isinstance(node, Alias) else node


def _value(scalar: yml_tree.Scalar) -> Scalar:
    return plain_value(scalar.text) if scalar.is_plain else scalar.text


def _check_request(edits: Sequence[Put | Drop], leaves: Mapping[str, _Leaf], path: str) -> None:
    named: set[str] = set()
    for each in edits:
        if each.key in named:
            raise SettingsError("asked for twice in one edit", location=Location(path, None, each.key))
        named.add(each.key)
        below = next((leaf for key, leaf in leaves.items() if key.startswith(f"{each.key}.")), None)
        if each.key not in leaves and below is not None:
            raise SettingsError(
                "is a map here, not a setting",
                hint=f"name a setting below it, such as {below.setting.key}",
                location=Location(path, below.setting.line, each.key),
            )


def _put_spans(document: Document, leaf: _Leaf, value: SettingValue) -> list[Span]:
    if _is_same(leaf, value):
        return []
    if leaf.is_shared:
        raise _refusal(document, leaf, "its value comes through an alias", "write the value out in its place")
    in_flow = any(mapping.is_flow for mapping, _ in leaf.trail)
    return yml_spans.value_spans(document, leaf.pair, leaf.value, spell(value, in_flow=in_flow))


def _is_same(leaf: _Leaf, value: SettingValue) -> bool:
    """Whether the file already says `value`, in a spelling that every parser of the stack takes for it."""
    if not _equal(leaf.setting.value, value):
        return False
    node = _resolved(leaf.value)
    scalars = node.items if isinstance(node, yml_tree.Sequence) else (node,)
    return not any(
        isinstance(scalar, yml_tree.Scalar)
        and scalar.is_plain
        and isinstance(_value(scalar), str)
        and needs_quotes(scalar.text)
        for scalar in map(_resolved, scalars)
    )


def _drop_spans(document: Document, leaves: Mapping[str, _Leaf], keys: set[str]) -> list[Span]:
    """Spans of the dropped settings, and of the maps that they leave empty."""
    dropped = [leaf for key, leaf in leaves.items() if key in keys]
    gone: set[Pair] = set()
    for leaf in dropped:
        if leaf.is_shared:
            raise _refusal(document, leaf, "its value comes through an alias", "remove it by hand")
        if leaf.in_list or leaf.pair.value is not leaf.value:
            raise _refusal(document, leaf, "it stands inside a list", "remove it by hand")
        gone.add(leaf.pair)
    # From the inside out: a map whose last pair goes, goes itself.
    for depth in range(max((len(leaf.trail) for leaf in dropped), default=0) - 1, 0, -1):
        for leaf in dropped:
            if len(leaf.trail) > depth and all(pair in gone for pair in leaf.trail[depth][0].pairs):
                gone.add(leaf.trail[depth - 1][1])
    spans: list[Span] = []
    for mapping in {mapping for leaf in dropped for mapping, pair in leaf.trail if pair in gone}:
        spans += yml_spans.removal_spans(document, mapping, gone)
    return spans


def _refusal(document: Document, leaf: _Leaf, reason: str, hint: str) -> SettingsError:
    return SettingsError(
        f"cannot be edited: {reason}", hint=hint, location=document.location(leaf.pair.key.start, leaf.setting.key)
    )


def _first_in_list(leaves: Mapping[str, _Leaf], key: str) -> _Leaf | None:
    """The first setting of the innermost map in a list that a new key belongs to; None where it belongs to none."""
    found: _Leaf | None = None
    length = 0
    for leaf in leaves.values():
        item = leaf.setting.key.removesuffix(f".{leaf.pair.key.text}")
        is_item = leaf.in_list and item.rpartition(".")[2].isdigit() and leaf.trail[-1][0].pairs[0] is leaf.pair
        if is_item and key.startswith(f"{item}.") and len(item) > length:
            found, length = leaf, len(item)
    return found


def _insertion(document: Document, first: _Leaf, puts: Sequence[Put]) -> Span:
    """New lines behind the first entry of a map in a list. SettingsError: it is written in braces."""
    if first.is_shared or any(mapping.is_flow for mapping, _ in first.trail):
        raise _refusal(document, first, "it stands in braces or comes through an alias", "write one setting a line")
    item = first.setting.key.removesuffix(f".{first.pair.key.text}")
    start, _ = document.line_span(document.line(first.pair.key.start))
    indent = " " * (first.pair.key.start - start)
    line_start, line_end = document.line_span(document.line(max(first.value.end - 1, first.pair.key.start)))
    line = document.text[line_start:line_end]
    newline = line[len(line.rstrip("\r\n")) :] or "\n"
    at = line_start + len(line.rstrip("\r\n"))
    lines = [f"{newline}{indent}{put.key.removeprefix(f'{item}.')}: {spell(put.value)}" for put in puts]
    return Span(at, at, "".join(lines))


def _appended(document: Document, new: Sequence[Put], heading: str) -> str:
    """The text with new settings at its end, or before the `...` that ends the document."""
    root = document.root
    if root is not None and root.is_flow:
        raise SettingsError("the whole file is one map in braces")
    at = len(document.text) if document.close is None else document.close
    before, after = document.text[:at], document.text[at:]
    breaks = _LINE_BREAK.findall(before)
    newline = breaks[-1] if breaks else "\n"
    indent = " " * (root.start - document.line_span(document.line(root.start))[0]) if root else ""
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    for put in new:
        lines += [f"# {line}".rstrip() for line in put.comment.splitlines()]
        lines.append(f"{quote(put.key) if needs_quotes(put.key) else put.key}: {spell(put.value)}")
    if before and not before.endswith(("\n", "\r")):
        before += newline
    if before and not _BLANK_LAST_LINE.search(before):
        before += newline
    return before + "".join(f"{indent}{line}{newline}" for line in lines) + after


def _expected(leaves: Mapping[str, _Leaf], edits: Sequence[Put | Drop]) -> dict[str, SettingValue]:
    values = {key: leaf.setting.value for key, leaf in leaves.items()}
    for each in edits:
        if isinstance(each, Put):
            values[each.key] = each.value
        else:
            values.pop(each.key, None)
    return values


def _check_result(expected: Mapping[str, SettingValue], after: Mapping[str, Setting], path: str) -> None:
    """Nothing but the intended settings changed: the guard against an edit that went wrong."""
    for key in sorted(expected.keys() | after.keys()):
        if key not in expected or key not in after or not _equal(expected[key], after[key].value):
            raise SettingsError(
                "cannot be edited in place, the result would not say what was asked for",
                hint="change the file by hand; nothing was written",
                location=Location(path, after[key].line if key in after else None, key),
            )


def _equal(one: SettingValue, other: SettingValue) -> bool:
    """Equality that tells `true` from 1. Line ends at the end of a text do not count: a block scalar that was
    the end of a file without a last line end gains one when something is written below it."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return one.rstrip("\r\n") == other.rstrip("\r\n")
    return type(one) is type(other) and one == other
