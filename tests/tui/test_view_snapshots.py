"""The views, pixel for pixel and word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.engine import adoption
from estui.engine.adoption import Look
from estui.model.rollover import Client
from tests.tui import snapshot
from tests.tui.builders import secured, unsecured
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import FakeEngine
from tests.tui.test_adoption_view import REPORT
from tests.tui.test_rollover_view import CLIENTS, after_phase_one
from tests.tui.test_snapshots import SIZES
from tests.tui.test_views import with_findings, with_runs


@pytest.mark.parametrize("size", SIZES)
async def test_certificates(size: tuple[int, int], update_snapshots: bool) -> None:
    """One node's leaves end soon."""
    async with at_the_screen(FakeEngine(secured(soon="es-2")), size=size) as user:
        await user.open("certificates")
        snapshot.check(user.app, "certificates", update=update_snapshots)


@pytest.mark.parametrize("size", SIZES)
async def test_findings(size: tuple[int, int], update_snapshots: bool) -> None:
    """An error, warnings on two nodes, and a note; on the warnings."""
    async with at_the_screen(with_findings(), size=size) as user:
        await user.open("findings")
        await user.do("move.down")
        snapshot.check(user.app, "findings", update=update_snapshots)


@pytest.mark.parametrize("size", SIZES)
async def test_nodes_with_findings(size: tuple[int, int], update_snapshots: bool) -> None:
    """The worst of each node in the nodes' pane."""
    async with at_the_screen(with_findings(), size=size) as user:
        await user.until(lambda: user.session.findings, "the findings")
        snapshot.check(user.app, "nodes-with-findings", update=update_snapshots)


@pytest.mark.parametrize("size", SIZES)
async def test_review_side_by_side(size: tuple[int, int], update_snapshots: bool) -> None:
    """The change of a yml as it is and as it will be."""
    async with at_the_screen(size=size) as user:
        await user.review("https")
        await user.do("review.next", "review.next", "review.next", "review.split")
        snapshot.check(user.app, "review-split", update=update_snapshots)


@pytest.mark.parametrize("size", SIZES)
async def test_rollover_choice(size: tuple[int, int], update_snapshots: bool) -> None:
    """Which CA is to go."""
    async with at_the_screen(FakeEngine(secured()), size=size) as user:
        await user.open("rollover")
        await user.do("rollover.mark")
        snapshot.check(user.app, "rollover-choice", update=update_snapshots)


@pytest.mark.parametrize("size", SIZES)
async def test_rollover(size: tuple[int, int], update_snapshots: bool, tmp_path: Path) -> None:
    """After phase 1, with one client ticked; read-only, so that nobody is asked who connects."""
    ticked = Client(CLIENTS[1].id, CLIENTS[1].text, CLIENTS[1].last_seen, "ops at 2026-11-25T14:00:00.000Z")
    engine = after_phase_one(tmp_path, CLIENTS[0], ticked)
    async with at_the_screen(engine, size=size, read_only=True) as user:
        await user.open("rollover")
        snapshot.check(user.app, "rollover", update=update_snapshots)


@pytest.mark.parametrize("size", SIZES)
async def test_history(size: tuple[int, int], update_snapshots: bool) -> None:
    """A run that is in effect, and one that was undone."""
    async with at_the_screen(with_runs(), size=size) as user:
        await user.open("history")
        snapshot.check(user.app, "history", update=update_snapshots)


@pytest.mark.parametrize("size", SIZES)
async def test_adoption(size: tuple[int, int], update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One CA whose key is at hand, one whose key is not here."""
    monkeypatch.setattr(adoption, "look", lambda *_: Look(unsecured(), (), REPORT))
    async with at_the_screen(size=size) as user:
        await user.open("adoption")
        snapshot.check(user.app, "adoption", update=update_snapshots)
