"""One table of keys: complete, unambiguous, and what the screen really does."""

from __future__ import annotations

from textual.binding import Binding

from estui.tui.app import EstuiApp
from estui.tui.keymap import ALONE, BY_ID, FOOTER, KEYS, VIEW_SCOPES, Scope, problems
from estui.tui.screens.adoption import AdoptionView
from estui.tui.screens.certificates import CertificatesView
from estui.tui.screens.dialogs import Dialog
from estui.tui.screens.document import DocumentPage
from estui.tui.screens.findings import FindingsView
from estui.tui.screens.history import HistoryView
from estui.tui.screens.main import MainScreen
from estui.tui.screens.page import Page
from estui.tui.screens.passwords import PasswordsView
from estui.tui.screens.rollover import RolloverView
from estui.tui.screens.secure import SecureView
from estui.tui.screens.view import ViewScreen
from estui.tui.widgets.line_view import LineView
from tests.tui.builders import NOW
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import FakeEngine

VIEWS = (
    CertificatesView,
    FindingsView,
    RolloverView,
    HistoryView,
    AdoptionView,
    SecureView,
    PasswordsView,
)
_FORBIDDEN = {"ctrl+h", "ctrl+i", "ctrl+m", "left_square_bracket", "right_square_bracket"}
"""Backspace, tab and enter in a terminal; brackets are awkward on many keyboards."""


def test_ids_are_unique_and_every_key_explains_itself() -> None:
    """Every binding has an id and a tooltip."""
    assert len(BY_ID) == len(KEYS)
    for key in KEYS:
        assert key.word
        assert key.tooltip
        assert not _FORBIDDEN & set(key.keys.split(","))


def test_bindings_come_from_the_table_only() -> None:
    """No class binds a key of its own."""
    for owner in (MainScreen, *VIEWS, ViewScreen, Dialog, Page, DocumentPage, LineView, EstuiApp):
        for binding in owner.__dict__.get("BINDINGS", []):
            assert isinstance(binding, Binding)
            assert binding.id in BY_ID
            assert binding.tooltip


def test_every_action_is_done_by_somebody() -> None:
    """Every action of the main screen and of the views has its method."""
    views = {view.SCOPE: view for view in VIEWS}
    assert set(views) == set(VIEW_SCOPES)
    for key in KEYS:
        owner = views.get(key.scope, MainScreen)
        if key.scope not in (*ALONE, Scope.MOVE):
            assert hasattr(owner, "do_" + key.id.replace(".", "_").replace("-", "_")), key.id


def test_no_key_means_two_things_in_one_place() -> None:
    """A pane's keys, the screen's and the global ones do not clash."""
    assert problems({}) == []


def test_footers_are_short_and_real() -> None:
    """At most seven keys, all of them in the table."""
    for actions in FOOTER.values():
        assert len(actions) <= 7
        assert set(actions) <= set(BY_ID)


def test_own_keys_are_checked() -> None:
    """An unknown action and a clash are told, where Textual would keep silent."""
    assert "no action is called view.fulll" in problems({"view.fulll": "x"})
    assert any("is both" in problem for problem in problems({"view.full": "u"}))


async def test_own_keys_work_and_are_shown() -> None:
    """A remapped key does what it should, and footer and help follow."""
    app_keys = {"cluster.probe": "f12"}
    async with at_the_screen(FakeEngine(), keymap=app_keys, size=(140, 40)) as user:
        assert "f12 probe again" in user.screen.splitlines()[-1]
        await user.press("f12")
        await user.ready()
        assert user.app.own_keys.text("cluster.probe") == "f12"
    assert NOW.tzinfo is not None
