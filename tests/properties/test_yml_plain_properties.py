"""The short way for plain yml files gives the very tree that the parser gives, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from estui.errors import SettingsError
from estui.formats import yml_tree
from estui.formats.yml_nodes import Alias, Mapping, Node, Scalar, Sequence
from estui.formats.yml_plain import plain_tree
from estui.sandbox.stock import elasticsearch_yml, kibana_yml, metricbeat_yml

FIXTURES = sorted((Path(__file__).parents[1] / "fixtures" / "yml").glob("*.yml"))


def shape(node: Node | None) -> object:
    """Everything that a node says, so that two trees can be compared."""
    match node:
        case None:
            return None
        case Scalar(start, end, text, style, tagged):
            return start, end, text, style, tagged
        case Sequence(start, end, items, flow):
            return start, end, [shape(item) for item in items], flow
        case Mapping(start, end, pairs, flow):
            return start, end, [(shape(pair.key), shape(pair.value)) for pair in pairs], flow
        case Alias(start, end):
            return start, end


def parsed(text: str) -> object:
    """The tree as the parser alone makes it."""
    composer = yml_tree._Composer("x.yml", text, False, iter(yml_tree._events(text, "x.yml")), "")
    return shape(composer.document().root)


def check(text: str) -> None:
    found = plain_tree(text)
    if found is not None:
        assert shape(found) == parsed(text)


PARTS = [
    "a", "b.c", "key", "x_y", ":", ": ", ":\n", "\n", "\n\n", " ", "  ", "    ", "- ", "-", "\n- ", "\n  - ", "\n    ",
    "value", "1", "true", "/var/log", "${A}", "http://h:9200", "h:9300", "[", "]", "[]", ", ", ",", '"', '"q: r"',
    "'s'", "''", "# c", " # c", "#", "\\", "|", ">", "&n ", "*n", "!t ", "---\n", "...", "~", "{", "}", "?", "? ", "é",
    "\t", "\r\n", "\u2028", "%", "@", "<<: ", "=", ".", "-1",
]  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(PARTS), max_size=24).map("".join))
@example("a: b\n  c\n")
@example("a:\n- b\nc: d\n")
@example("a: [h:9300, '']\nb:\n  - c: 1\n    d:\n  - c: 2\n")
@example("a: 'it''s'\n")
@example('a: "b" \n')
@example("a: b: c\n")
@example("a: b#c\nd: e #f\n")
def test_whatever_is_read_the_short_way_is_what_the_parser_reads(text: str) -> None:
    check(text)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_files_of_the_stack_read_the_same_both_ways(path: Path) -> None:
    check(path.read_text())


@pytest.mark.parametrize(
    "text",
    [
        elasticsearch_yml(name="n", folder="/f", http=9200, transport=9300, seeds=(9301,), masters=("n", "m")),
        kibana_yml(folder="/f", port=5601, hosts=("http://h:9200",)),
        metricbeat_yml(folder="/f", hosts=("h:9200",), kibana=""),
        "cluster: c\nnodes:\n  - config: /a\n    tags: [zone-a, hot]\n  - config: /b\n    commands:\n      stop: x y\n",
    ],
    ids=["elasticsearch", "kibana", "metricbeat", "inventory"],
)
def test_ordinary_files_take_the_short_way(text: str) -> None:
    found = plain_tree(text)
    assert found is not None
    assert shape(found) == parsed(text)


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "a: b\na: c\n", "a: |\n  b\n", "a: b\n  c\n", "- a\n", "a: *b\n", "a:\tb\n"]
)
def test_anything_else_is_left_to_the_parser(text: str) -> None:
    assert plain_tree(text) is None


def test_what_is_broken_is_still_told_by_the_parser() -> None:
    with pytest.raises(SettingsError, match="set twice"):
        yml_tree.read_document(b"a: 1\na: 2\n", "x.yml")
