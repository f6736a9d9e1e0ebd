"""One node into an `estui.yaml` that people keep, or out of it: every other line stays as it is.

Owns where an entry stands in the text. Reading and fresh files are `inventory.py` and `inventory_text.py`.
"""

from __future__ import annotations

from dataclasses import replace

from estui.errors import Location, SettingsError
from estui.formats import yml, yml_tree
from estui.formats.inventory import parse_inventory
from estui.formats.inventory_text import node_lines
from estui.formats.yml_tree import Document, Sequence, read_document
from estui.model.inventory import Inventory, NodeEntry


def with_node(content: bytes, entry: NodeEntry, path: str, base: str) -> bytes:
    """The inventory with one more node at the end of `nodes`; a stated number of nodes counts it.

    Raises SettingsError: the file cannot be read, or the place cannot be edited safely.
    """
    before = parse_inventory(content, path, base)
    document = read_document(content, path)
    added = document.encode(_inserted(document, _nodes(document), node_lines(entry)))
    expected = replace(before, nodes=(*before.nodes, entry), expect_nodes=_changed_count(before, 1))
    return _checked(_counted(added, expected, path), expected, path, base)


def without_node(content: bytes, config: str, path: str, base: str) -> bytes:
    """The inventory without the node of that folder, which has to be in it; comments around the entry stay.

    Raises SettingsError: as `with_node`, or it is the only node.
    """
    before = parse_inventory(content, path, base)
    index = next(index for index, node in enumerate(before.nodes) if node.config == config)
    if len(before.nodes) == 1:
        raise SettingsError("names one node only", hint="a cluster needs one", location=Location(path, key="nodes"))
    document = read_document(content, path)
    rest = document.encode(_removed(document, _nodes(document), index))
    nodes = (*before.nodes[:index], *before.nodes[index + 1 :])
    expected = replace(before, nodes=nodes, expect_nodes=_changed_count(before, -1))
    return _checked(_counted(rest, expected, path), expected, path, base)


def _changed_count(inventory: Inventory, by: int) -> int | None:
    return inventory.expect_nodes + by if inventory.expect_nodes is not None else None


def _counted(content: bytes, expected: Inventory, path: str) -> bytes:
    if expected.expect_nodes is None:
        return content
    return yml.edit(content, [yml.Put("expect_nodes", expected.expect_nodes)], path)


def _checked(content: bytes, expected: Inventory, path: str, base: str) -> bytes:
    """The new text, if it reads as what was asked for."""
    try:
        found = parse_inventory(content, path, base)
    except SettingsError as error:
        raise _by_hand(path, error.summary) from error
    if found != expected:
        raise _by_hand(path, "the entries stand in an unusual form")
    return content


def _by_hand(path: str, why: str) -> SettingsError:
    return SettingsError(
        f"cannot be edited in place ({why})",
        hint="change the list by hand: one `- config: /path/to/config` a line",
        location=Location(path, key="nodes"),
    )


def _nodes(document: Document) -> Sequence:
    pairs = document.root.pairs if document.root else ()
    value = next((pair.value for pair in pairs if pair.key.text == "nodes"), None)
    if not isinstance(value, yml_tree.Sequence) or not value.items:
        raise _by_hand(document.path, "`nodes` is no list with entries")
    return value


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _next_line(document: Document, end: int) -> int:
    """Start of the line after the one in which something ends."""
    return document.line_span(document.line(max(end - 1, 0)))[1]


def _inserted(document: Document, nodes: Sequence, lines: list[str]) -> str:
    text = document.text
    if nodes.is_flow:
        end = nodes.items[-1].end
        return f"{text[:end]}, {{{', '.join(lines)}}}{text[end:]}"
    dash = _dash(document, nodes, 0)
    indent = text[document.line_span(document.line(dash))[0] : dash]
    place, newline = _next_line(document, nodes.items[-1].end), _line_break(text)
    first, *others = lines
    added = newline.join([f"{indent}- {first}", *(f"{indent}  {line}" for line in others)])
    before = text[:place]
    return before + (newline if not before.endswith(("\n", "\r")) else "") + added + newline + text[place:]


def _dash(document: Document, nodes: Sequence, index: int) -> int:
    """Index of the dash of an entry of a block list."""
    dash = len(document.text[: nodes.items[index].start].rstrip()) - 1
    if document.text[dash : dash + 1] != "-":
        raise _by_hand(document.path, "something stands between a dash and its entry")
    return dash


def _removed(document: Document, nodes: Sequence, index: int) -> str:
    text = document.text
    if nodes.is_flow:
        last = index == len(nodes.items) - 1
        start = nodes.items[index - 1].end if last else nodes.items[index].start
        end = nodes.items[index].end if last else nodes.items[index + 1].start
        return text[:start] + text[end:]
    start = document.line_span(document.line(_dash(document, nodes, index)))[0]
    return text[:start] + text[_next_line(document, nodes.items[index].end) :]
