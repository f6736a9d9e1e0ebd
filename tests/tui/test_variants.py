"""A step with something besides, the checklist of who connects, and the password of keystores, from the keyboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from estui.engine import Engine, clients, secure_settings
from estui.model.goal import Demand, Goal, KeystoreEdit, KibanaWish, MutualTls, Scenario
from estui.model.rollover import Client
from estui.model.secure import SecureFile, SecureTable
from estui.secret import Secret
from estui.tui.session import Stage
from estui.tui.widgets.line_view import LineView
from tests.tui.builders import secured
from tests.tui.driver import User, at_the_screen
from tests.tui.fake_engine import PASSPHRASE, FakeEngine


def engine_at_https() -> FakeEngine:
    engine = FakeEngine(secured())
    engine.passphrase = Secret(PASSPHRASE)
    engine.stored = True
    return engine


async def choose_with(user: User, scenario: str, key: str) -> None:
    await user.do("pane.3")
    ladder = user.main.query_one("#ladder", LineView)
    wanted = next(number for number, row in enumerate(ladder.rows) if row.key == scenario)
    for _ in range(abs(wanted - ladder.cursor)):
        await user.do("move.down" if wanted > ladder.cursor else "move.up")
    await user.do("scenario.variants")
    await user.until(lambda: user.dialog == "Choose", "the choices")
    await user.press(key)


async def test_mutual_tls_is_planned_as_it_is_chosen_and_a_refusal_is_told() -> None:
    """v on the step: the words of the command line; what cannot be planned says why."""
    engine = engine_at_https()
    async with at_the_screen(engine) as user:
        await choose_with(user, "mutual", "p")
        await user.until(lambda: Goal(Scenario.MUTUAL, mutual=MutualTls(realm=True)) in engine.goals, "the goal")
        await user.until(lambda: "PKI realm" in user.rows("review"), "the reason")
        await choose_with(user, "mutual", "o")
        await user.until(
            lambda: Goal(Scenario.MUTUAL, mutual=MutualTls(Demand.OPTIONAL)) in engine.goals, "the other goal"
        )


async def test_kibana_gets_keys_and_further_hosts_by_choice() -> None:
    engine = engine_at_https()
    async with at_the_screen(engine) as user:
        await choose_with(user, "https", "k")
        await user.until_stage(Stage.REVIEW)
        await user.until(lambda: user.session.plan, "the plan")
        assert "xpack.security.encryptionKey" in user.rows("review")
        await choose_with(user, "https", "h")
        await user.until(lambda: user.dialog == "AskText", "the question")
        await user.type("es-2 es-3")
        await user.press("enter")
        wanted = Goal(Scenario.HTTPS, kibana=KibanaWish(hosts=("es-2", "es-3")))
        await user.until(lambda: wanted in engine.goals, "the goal")


async def test_who_connects_is_ticked_on_the_way_to_the_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [Client("1.2.3.4 curl", "curl from 1.2.3.4"), Client("others", "whoever else")]

    def look(engine: Engine, observed: Any) -> tuple[Client, ...]:
        return tuple(listed)

    def tick(engine: Engine, ids: Sequence[str], *, undo: bool = False) -> tuple[Client, ...]:
        for number, each in enumerate(listed):
            if each.id in ids:
                listed[number] = replace(each, ticked="" if undo else "me")
        return tuple(listed)

    monkeypatch.setattr(clients, "look", look)
    monkeypatch.setattr(clients, "known", lambda engine: tuple(listed))
    monkeypatch.setattr(clients, "tick", tick)
    async with at_the_screen(engine_at_https()) as user:
        await choose_with(user, "mutual", "w")
        await user.until(lambda: "curl from 1.2.3.4" in user.screen, "the checklist")
        await user.press("1")
        await user.until(lambda: "ticked by me" in user.screen, "the tick")
        await user.press("1")
        await user.until(lambda: "ticked by me" not in user.screen, "the tick taken back")
        await user.press("b")
        await user.until(lambda: user.dialog == "", "the main screen")
        assert [each.ticked for each in listed] == ["", ""]


async def test_keystores_with_a_password_are_opened_by_it_for_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """o asks for it; it counts for looking as for the next plan, and is shown nowhere."""

    def look(engine: Engine, only: Sequence[str] = ()) -> SecureTable:
        opened = engine.access.keystore_password == Secret("c4nary-keystore")
        return SecureTable((SecureFile("es-1", True, True, "" if opened else "it has a password", 7),), ())

    monkeypatch.setattr(secure_settings, "look", look)
    engine = engine_at_https()
    async with at_the_screen(engine) as user:
        await user.open("secure")
        assert "o gives the password" in user.listed
        await user.do("secure.unlock")
        await user.until(lambda: user.dialog == "AskSecret", "the question")
        await user.type("c4nary-keystore")
        assert "c4nary" not in user.screen
        await user.press("enter")
        await user.until(lambda: "protected by a password" in user.listed, "the open file")
        assert user.main.own_access.keystore_password == Secret("c4nary-keystore")
        await user.do("secure.unlock")
        await user.told("cannot be opened by a password")


async def test_the_password_of_the_keystores_is_set_by_a_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    table = SecureTable((SecureFile("es-1", True, False, "", 7),), ())
    monkeypatch.setattr(secure_settings, "look", lambda engine, only=(): table)
    engine = engine_at_https()
    async with at_the_screen(engine) as user:
        await user.open("secure")
        await user.do("secure.password")
        await user.until(lambda: user.dialog == "Choose", "the choices")
        await user.press("s")
        for _ in range(2):
            await user.until(lambda: user.dialog == "AskSecret", "the question")
            await user.type("c4nary-new")
            await user.press("enter")
        await user.until_stage(Stage.REVIEW)
        assert user.session.plan is not None
        assert user.session.plan.goal.secure is not None
        assert user.session.plan.goal.secure.edit is KeystoreEdit.PROTECT
        assert engine.access.new_keystore_password == Secret("c4nary-new")
        assert "c4nary" not in user.rows("review")
