"""Passwords that estui makes: how long, from which characters."""

from __future__ import annotations

import pytest

from estui.act.context import MARKS, MIXED_UP, Recipe, new_password
from estui.engine.passwords import recipe
from estui.errors import UsageError
from estui.formats.password_file import check_password


@pytest.mark.parametrize("marks", [False, True])
@pytest.mark.parametrize("mixed_up", [False, True])
@pytest.mark.parametrize("length", [12, 24, 128])
def test_what_is_made_looks_as_asked_and_arrives_everywhere(length: int, mixed_up: bool, marks: bool) -> None:
    seen: set[str] = set()
    for _ in range(200):
        password = new_password(Recipe(length, marks, mixed_up))
        check_password("somebody", password)
        text = password.reveal()
        assert len(text) == length
        assert text[0].isalpha()
        assert text[-1].isalnum()
        seen |= set(text)
    assert bool(seen & set(MARKS)) is marks
    assert bool(seen & set(MIXED_UP)) is mixed_up


@pytest.mark.parametrize("length", [0, 11, 129])
def test_what_could_be_guessed_or_is_not_read_by_everybody_is_refused(length: int) -> None:
    with pytest.raises(UsageError, match="will not do"):
        recipe(length=length)


def test_nothing_said_means_as_before() -> None:
    assert recipe() == Recipe()
    assert not set(new_password().reveal()) & set(MIXED_UP + MARKS)
