"""A node into a kept `estui.yaml` and out of it: what people wrote stays, to the byte."""

from __future__ import annotations

import pytest

from estui.errors import SettingsError
from estui.formats.inventory import parse_inventory
from estui.formats.inventory_edit import with_node, without_node
from estui.model.inventory import Address, Commands, NodeEntry

KEPT = b"""\
# ours
cluster: logs
expect_nodes: 2   # counted by hand
nodes:            # all of them
  # the hot one
  - config: /mnt/es-1/config   # rack 1
    tags: [hot]

  # the cold one
  - /mnt/es-2/config   # rack 2

# what looks at them
kibana: [/mnt/kibana]
"""
NEW = NodeEntry(
    "/mnt/es 3/config",
    name="es-3",
    http=Address("es-3.example.net", 9200),
    tags=("cold", "b"),
    commands=Commands(start=("ssh", "es-3", "start")),
)
FORMS = {
    "kept": KEPT,
    "flow": b"cluster: logs\nnodes: [/mnt/es-1/config, {config: /mnt/es-2/config}]  # two\n",
    "crlf": KEPT.replace(b"\n", b"\r\n"),
    "no indent, no last line end": b"cluster: logs\nnodes:\n- /mnt/es-1/config\n- config: /mnt/es-2/config",
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_a_node_is_added_at_the_end_and_every_other_line_stays(content: bytes) -> None:
    added = with_node(content, NEW, "estui.yaml", "/w")
    assert parse_inventory(added, "estui.yaml", "/w").nodes[-1] == NEW
    lines = added.splitlines()
    missing = [line for line in content.splitlines() if line not in lines]
    assert all(b"expect_nodes" in line or b"nodes: [" in line for line in missing)


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_taking_it_out_again_gives_the_file_of_before(content: bytes) -> None:
    added = with_node(content, NEW, "estui.yaml", "/w")
    assert without_node(added, NEW.config, "estui.yaml", "/w").rstrip() == content.rstrip()


def test_a_stated_number_of_nodes_is_counted_along_and_keeps_its_comment() -> None:
    assert b"expect_nodes: 3   # counted by hand" in with_node(KEPT, NEW, "estui.yaml", "/w")
    assert b"expect_nodes: 1   # counted by hand" in without_node(KEPT, "/mnt/es-1/config", "estui.yaml", "/w")


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("index", [0, 1])
def test_any_node_can_be_taken_out_and_comments_of_the_others_stay(content: bytes, index: int) -> None:
    before = parse_inventory(content, "estui.yaml", "/w").nodes
    rest = without_node(content, before[index].config, "estui.yaml", "/w")
    assert parse_inventory(rest, "estui.yaml", "/w").nodes == (before[1 - index],)
    if content is KEPT:
        assert (b"# rack 1" in rest, b"# rack 2" in rest) == (index == 1, index == 0)
        assert b"# the hot one" in rest
        assert b"# the cold one" in rest


def test_the_last_node_stays() -> None:
    with pytest.raises(SettingsError, match="one node only"):
        without_node(b"cluster: logs\nnodes: [/a]\n", "/a", "estui.yaml", "/w")


@pytest.mark.parametrize(
    "content",
    [
        b"cluster: logs\nall: &all\n  - /a\n  - /b\nnodes: *all\n",
        b"cluster: logs\nnodes:\n  - &one {config: /a}\n  - /b\nkibana:\n  - *one\n",
    ],
)
def test_an_unusual_form_is_left_to_a_person_or_refused_before(content: bytes) -> None:
    with pytest.raises(SettingsError):
        without_node(content, "/a", "estui.yaml", "/w")
