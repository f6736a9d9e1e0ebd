"""Passwords that the operator keeps: the file, and which passwords arrive as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.act.context import new_password
from estui.errors import UsageError
from estui.formats.password_file import check_password, parse_password_file, password_file
from estui.secret import Secret


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1),
    ).filter(bool)
)
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    written = password_file({user: Secret(value) for user, value in values.items()})
    assert {user: each.reveal() for user, each in parse_password_file(written, "file").items()} == values


def test_comments_blank_lines_and_windows_line_ends_mean_nothing() -> None:
    found = parse_password_file(b"# ours\r\n\r\n elastic =a=b \r\n", "file")
    assert found["elastic"].reveal() == "a=b "


@pytest.mark.parametrize("content", [b"", b"# none\n", b"hunter2secret\n", b"elastic=\n", b"a=x\na=y\n", b"\xff=a\n"])
def test_anything_else_is_refused_without_showing_it(content: bytes) -> None:
    with pytest.raises(UsageError) as refused:
        parse_password_file(content, "file")
    assert "hunter2secret" not in "\n".join(refused.value.lines())


@pytest.mark.parametrize(
    "bad",
    [
        *("12345678", "01234567", "1e500000", "+1234567", "0xdeadbeef", "2026-11-25", "12:30:45", "a,b,c,d,e"),
        *("abc${HOME}", "abcdefé", "abc def", "five5", 'quoted"one', "back\\slash", "infinity", "{braced}", "[listed]"),
    ],
)
def test_what_somebody_on_the_way_would_change_is_refused(bad: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_password("elastic", Secret(bad))
    assert bad not in "\n".join(refused.value.lines())


@pytest.mark.parametrize("good", ["Own.beats-2026!", "7Uvw*x=y", "p@ss:word#1", "abcdef"])
def test_ordinary_ones_are_taken(good: str) -> None:
    check_password("elastic", Secret(good))


def test_those_that_are_made_are_long_unambiguous_and_taken() -> None:
    for _ in range(300):
        made = new_password()
        check_password("elastic", made)
        assert len(made.reveal()) == 24
        assert made.reveal().isalnum()
        assert made.reveal()[0].isalpha()
        assert not set(made.reveal()) & set("Il1O0")
