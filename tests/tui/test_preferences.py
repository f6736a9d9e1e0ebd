"""Colours and keys of one's own: remembered, and never in the way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from estui.errors import SettingsError
from estui.tui.preferences import Preferences, default_path, read_preferences, remember_theme
from tests.tui.driver import at_the_screen


async def test_a_chosen_theme_is_remembered(tmp_path: Path) -> None:
    """A choice of colours is written at once, and own keys beside it stay."""
    path = tmp_path / "config" / "tui.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"keys": {"cluster.probe": "f12"}}))
    async with at_the_screen(preferences=path) as user:
        assert "theme" not in json.loads(path.read_text())
        user.app.theme = "estui-light"
        await user.until(lambda: read_preferences(path).theme, "the choice")
    assert read_preferences(path) == Preferences("estui-light", {"cluster.probe": "f12"})


async def test_a_theme_that_is_gone_is_no_obstacle() -> None:
    """A name that nobody knows any more gives the colours that there are by themselves."""
    async with at_the_screen(theme="no-such-theme") as user:
        assert user.app.theme == "estui-dark"


async def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    """Where the choice cannot be written it is said, and the colours hold until the end."""
    (tmp_path / "config").touch()
    async with at_the_screen(preferences=tmp_path / "config" / "tui.json") as user:
        user.app.theme = "estui-light"
        await user.until(lambda: any("not used" in each.message for each in user.app._notifications), "the toast")
        assert user.app.theme == "estui-light"


async def test_what_is_wrong_in_the_file_is_told_at_the_start() -> None:
    """The complaint is a toast; the screen works."""
    async with at_the_screen(complaint="tui.json: own colours and keys are not used") as user:
        await user.told("own colours and keys are not used")


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"theme": 3}', '{"keys": {"a": 1}}', '{"keys": {"no.such": "x"}}', '{"keys": {"view.full": "u"}}'],
)
def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    """Neither half of it is used: the file is named, and never written over."""
    path = tmp_path / "tui.json"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_preferences(path)
    assert str(path) in str(caught.value)
    with pytest.raises(SettingsError):
        remember_theme(path, "estui-light")
    assert path.read_text() == text


def test_nothing_is_chosen_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file lies where the user's own settings lie."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path().name == "tui.json"
    assert read_preferences(tmp_path / "absent.json") == Preferences()
