"""The file that says which subjects of certificates have which roles."""

from __future__ import annotations

from estui.formats.role_mapping import MARK, mark_of, marked, role_mapping_text
from estui.formats.yml import parse_settings


def test_the_mark_tells_one_mapping_from_another() -> None:
    one = marked([("viewer", "CN=alice")], "CN=estui")
    other = marked([("viewer", "CN=alice", "CN=bob")], "CN=estui")
    assert marked([("viewer", "CN=alice")], "CN=estui") == one
    marks = [mark_of(role_mapping_text(mapping)) for mapping in (one, other, marked([], "CN=estui"))]
    assert len(set(marks)) == 3
    assert all(mark.startswith(MARK) for mark in marks)
    assert mark_of(role_mapping_text([("viewer", "CN=alice")])) == ""


def test_the_file_is_a_map_of_roles_to_subjects() -> None:
    text = role_mapping_text(marked([("a role", 'CN="x", O=y')], "CN=estui"))
    found = {key: setting.items for key, setting in parse_settings(text, "role_mapping.yml").items()}
    assert found["a role"] == ('CN="x", O=y',)
    assert found[mark_of(text)] == ("CN=estui",)
