"""The screens that everybody sees, pixel for pixel and word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.tui.session import Stage
from tests.tui import snapshot
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import FakeEngine


async def test_main_screen(update_snapshots: bool) -> None:
    """An unsecured cluster, before anything was chosen."""
    async with at_the_screen(sandbox=True) as user:
        await snapshot.check_sizes(user, "main", update=update_snapshots)


async def test_review(update_snapshots: bool) -> None:
    """What securing it would change, on the second change of the list."""
    async with at_the_screen(sandbox=True) as user:
        await user.review("https")
        await user.do("review.next", "review.next", "review.next")
        await snapshot.check_sizes(user, "review", update=update_snapshots)


async def test_running_apply(update_snapshots: bool) -> None:
    """In the middle of the start: one node is through, two are on their way."""
    engine = FakeEngine()
    engine.hold = "start"
    async with at_the_screen(engine, sandbox=True) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        await user.do("run.go-on")
        await user.until(engine.held.is_set, "the start")
        await user.until(lambda: "es-1" in dict(user.session.run.steps[5].seen), "es-1")  # type: ignore[union-attr]
        await snapshot.check_sizes(user, "apply", update=update_snapshots)


async def test_gate(update_snapshots: bool) -> None:
    """A person has to stop the nodes."""
    engine = FakeEngine()
    async with at_the_screen(engine, sandbox=True) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        await snapshot.check_sizes(user, "gate", update=update_snapshots)


async def test_verdict(update_snapshots: bool) -> None:
    """Everything proven."""
    engine = FakeEngine()
    async with at_the_screen(engine, sandbox=True) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        await user.do("run.go-on")
        await user.until_stage(Stage.VERDICT)
        await user.ready()
        await snapshot.check_sizes(user, "verdict", update=update_snapshots)


async def test_a_difference_fails_and_leaves_the_actual_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen that differs from its snapshot fails the test and lies beside it as `.actual`."""
    monkeypatch.setattr(snapshot, "FOLDER", tmp_path)
    async with at_the_screen(size=(80, 24)) as user:
        snapshot.check(user.app, "main", update=True)
        snapshot.check(user.app, "main", update=False)
        await user.do("move.down")
        with pytest.raises(AssertionError, match="differs from its snapshot"):
            snapshot.check(user.app, "main", update=False)
        assert (tmp_path / "main-80x24.txt.actual").read_text() == user.screen
