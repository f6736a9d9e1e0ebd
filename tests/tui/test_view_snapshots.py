"""The views, pixel for pixel and word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.engine import adoption, passwords, report, secure_settings
from estui.engine.adoption import Look
from estui.model.rollover import Client
from tests.tui import snapshot
from tests.tui.builders import secured, unsecured
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import FakeEngine
from tests.tui.test_adoption_view import REPORT
from tests.tui.test_documents import REPORT as RUN_REPORT
from tests.tui.test_documents import open_runbook, page_text
from tests.tui.test_fixes import differing_rows, failed_start, with_beat, with_fixes
from tests.tui.test_passwords_view import known_users
from tests.tui.test_rollover_view import CLIENTS, after_phase_one
from tests.tui.test_secure_view import TABLE, unlocked_engine
from tests.tui.test_views import with_findings, with_runs


async def test_certificates(update_snapshots: bool) -> None:
    """One node's leaves end soon."""
    async with at_the_screen(FakeEngine(secured(soon="es-2"))) as user:
        await user.open("certificates")
        await snapshot.check_sizes(user, "certificates", update=update_snapshots)


async def test_findings(update_snapshots: bool) -> None:
    """An error, warnings on two nodes, and a note; on the warnings."""
    async with at_the_screen(with_findings()) as user:
        await user.open("findings")
        await user.do("move.down")
        await snapshot.check_sizes(user, "findings", update=update_snapshots)


async def test_nodes_with_findings(update_snapshots: bool) -> None:
    """The worst of each node in the nodes' pane."""
    async with at_the_screen(with_findings()) as user:
        await user.until(lambda: user.session.findings, "the findings")
        await snapshot.check_sizes(user, "nodes-with-findings", update=update_snapshots)


async def test_review_side_by_side(update_snapshots: bool) -> None:
    """The change of a yml as it is and as it will be."""
    async with at_the_screen() as user:
        await user.review("https")
        await user.do("review.next", "review.next", "review.next", "review.split")
        await snapshot.check_sizes(user, "review-split", update=update_snapshots)


async def test_rollover_choice(update_snapshots: bool) -> None:
    """Which CA is to go."""
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.open("rollover")
        await user.do("rollover.mark")
        await snapshot.check_sizes(user, "rollover-choice", update=update_snapshots)


async def test_rollover(update_snapshots: bool, tmp_path: Path) -> None:
    """After phase 1, with one client ticked; read-only, so that nobody is asked who connects."""
    ticked = Client(CLIENTS[1].id, CLIENTS[1].text, CLIENTS[1].last_seen, "ops at 2026-11-25T14:00:00.000Z")
    engine = after_phase_one(tmp_path, CLIENTS[0], ticked)
    async with at_the_screen(engine, read_only=True) as user:
        await user.open("rollover")
        await snapshot.check_sizes(user, "rollover", update=update_snapshots)


async def test_history(update_snapshots: bool) -> None:
    """A run that is in effect, and one that was undone."""
    async with at_the_screen(with_runs()) as user:
        await user.open("history")
        await snapshot.check_sizes(user, "history", update=update_snapshots)


async def test_adoption(update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One CA whose key is at hand, one whose key is not here."""
    monkeypatch.setattr(adoption, "look", lambda *_: Look(unsecured(), (), REPORT))
    async with at_the_screen() as user:
        await user.open("adoption")
        await snapshot.check_sizes(user, "adoption", update=update_snapshots)


async def test_findings_with_fixes(update_snapshots: bool) -> None:
    """On one that a plan puts right."""
    async with at_the_screen(with_fixes()) as user:
        await user.open("findings")
        await snapshot.check_sizes(user, "findings-with-fixes", update=update_snapshots)


async def test_secure_settings(update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One entry differs, one is missing on two nodes; on the one that differs."""
    monkeypatch.setattr(secure_settings, "look", lambda *_: TABLE)
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("secure")
        await user.do("move.down")
        await snapshot.check_sizes(user, "secure-settings", update=update_snapshots)


async def test_passwords(update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are stored here; elastic is marked."""
    monkeypatch.setattr(passwords, "built_in_users", known_users())
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("passwords")
        await user.do("passwords.mark")
        await snapshot.check_sizes(user, "passwords", update=update_snapshots)


async def test_typing_a_password(update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time, after the first."""
    monkeypatch.setattr(passwords, "built_in_users", known_users())
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("passwords")
        await user.do("passwords.type")
        await user.until(lambda: user.dialog == "AskSecret", "the question")
        await user.type("twenty characters ..")
        await user.press("enter")
        await snapshot.check_sizes(user, "password-typed", update=update_snapshots)


async def test_rollover_to_another_ca(update_snapshots: bool) -> None:
    """Its name and its file are asked for."""
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.open("rollover")
        await user.do("rollover.external")
        await user.until(lambda: user.dialog == "AskSuccessor", "the dialog")
        await snapshot.check_sizes(user, "rollover-external", update=update_snapshots)


async def test_runbook(update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole run-book of basic + HTTPS, from its top."""
    monkeypatch.setattr("estui.engine.runbook.login_name", lambda: "ops")
    monkeypatch.setattr("estui.engine.runbook.socket.gethostname", lambda: "admin-1")
    async with at_the_screen() as user:
        await open_runbook(user)
        await snapshot.check_sizes(user, "runbook", update=update_snapshots)


async def test_report(update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run did, from its top."""
    monkeypatch.setattr(report, "report_of", lambda *_: RUN_REPORT)
    async with at_the_screen(with_runs()) as user:
        await user.open("history")
        await user.do("history.report")
        await user.until(lambda: user.dialog == "DocumentPage", "the report")
        await user.until(lambda: page_text(user), "its text")
        await snapshot.check_sizes(user, "report", update=update_snapshots)


async def test_failed_gate(update_snapshots: bool) -> None:
    """A node does not come up, and its log says why."""
    async with at_the_screen() as user:
        await failed_start(user)
        await snapshot.check_sizes(user, "gate-failed", update=update_snapshots)


async def test_nodes_that_differ(update_snapshots: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every difference by sign and word, with a Beat below."""
    monkeypatch.setattr("estui.present.rows", lambda *_: differing_rows())
    async with at_the_screen(FakeEngine(with_beat())) as user:
        await snapshot.check_sizes(user, "nodes-that-differ", update=update_snapshots)
