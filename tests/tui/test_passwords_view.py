"""Passwords of built-in users, from the keyboard to the engine and back, in a user's words."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from estui.engine import Engine, passwords
from estui.model.goal import NewPasswords
from estui.model.observed import Observed
from estui.model.run import RunState
from estui.model.users import BuiltInUser
from estui.secret import Secret
from estui.tui.session import Stage
from tests.tui.builders import secured
from tests.tui.driver import User, at_the_screen
from tests.tui.fake_engine import PASSPHRASE, FakeEngine
from tests.tui.test_secure_view import type_twice, unlocked_engine

NEW = "c4nary-new-pass"
CONSUMERS = {"kibana_system": ("kibana/kibana",)}


def known_users(given: tuple[str, ...] = ()) -> Callable[[Engine, Observed], tuple[BuiltInUser, ...]]:
    def users(engine: Engine, observed: Observed) -> tuple[BuiltInUser, ...]:
        known = engine.passphrase is not None
        return tuple(
            BuiltInUser(
                each, each in ("elastic", "kibana_system") if known else None, each in given, CONSUMERS.get(each, ())
            )
            for each in passwords.BUILT_IN
        )

    return users


@pytest.fixture(autouse=True)
def canned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """elastic and kibana_system are stored here, as far as the passphrase is known; of `given` ones a file is kept."""

    def set_users(given: tuple[str, ...] = ()) -> None:
        monkeypatch.setattr(passwords, "built_in_users", known_users(given))

    set_users()
    return set_users


async def apply(user: User) -> None:
    await user.do("plan.apply")
    await user.until(lambda: user.dialog == "Confirm", "the question")
    await user.press("y")


def asked(user: User) -> NewPasswords:
    assert user.session.plan is not None
    assert user.session.plan.goal.passwords is not None
    return user.session.plan.goal.passwords


async def test_who_has_a_password_here_and_who_logs_in_with_it() -> None:
    """P opens it: where each password is, and who uses it; never one itself."""
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("passwords")
        rows = user.listed.splitlines()
        assert "elastic" in rows[0]
        assert "stored in this workspace" in rows[0]
        assert "used by kibana/kibana" in rows[1]
        assert "not stored here" in rows[2]
        assert "2 of 6 users stored here" in user.screen
        assert "P Passwords" in user.screen.splitlines()[1]


async def test_the_passphrase_tells_what_is_stored() -> None:
    """o asks for it, and the list follows."""
    engine = FakeEngine(secured())
    engine.stored = True
    async with at_the_screen(engine) as user:
        await user.open("passwords")
        assert "the passphrase tells what is stored: o" in user.screen
        await user.do("passwords.unlock")
        await user.until(lambda: user.dialog == "AskPassphrase", "the passphrase")
        await user.type(PASSPHRASE)
        await user.press("enter")
        await user.until(lambda: "stored in this workspace" in user.listed, "what is stored")
        await user.do("passwords.unlock")
        await user.told("there is nothing to unlock")


async def test_new_passwords_for_several_users_are_one_reviewed_plan() -> None:
    """space marks, enter plans: nothing is set before the apply; Kibana's restart is in the plan."""
    engine = unlocked_engine()
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.open("passwords")
        await user.do("passwords.mark", "passwords.mark")
        assert "2 marked" in user.screen
        await user.do("passwords.new")
        await user.until_stage(Stage.REVIEW)
        assert user.dialog == ""
        assert asked(user) == NewPasswords(("elastic", "kibana_system"))
        assert engine.calls == []
        assert "a password counts everywhere" in user.main.reason("review.leave-out")
        await apply(user)
        await user.until_stage(Stage.VERDICT)
        assert engine.calls == ["apply"]


async def test_a_typed_password_is_stored_by_its_own_plan_only() -> None:
    """t: typed twice, unseen; the engine has it while its plan is under review, and not beyond the run."""
    engine = unlocked_engine()
    async with at_the_screen(engine) as user:
        await user.open("passwords")
        await user.do("passwords.type")
        await type_twice(user, NEW)
        await user.until_stage(Stage.REVIEW)
        assert NEW not in user.screen
        assert asked(user) == NewPasswords(("elastic",))
        assert engine.access.typed == {"elastic": Secret(NEW)}
        assert engine.access.passwords == {}
        await apply(user)
        await user.until_stage(Stage.VERDICT)
        assert engine.access.typed == {}


async def test_a_password_that_elasticsearch_refuses_makes_no_plan() -> None:
    """The reason stays in the view, without the password."""
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("passwords")
        await user.do("passwords.type")
        await type_twice(user, "qzx12")
        await user.until(lambda: user.view.problem, "the reason")
        assert "qzx12" not in user.screen
        assert user.session.stage is Stage.EMPTY


async def test_each_of_several_is_typed_and_leaving_one_plans_nothing() -> None:
    """The dialog counts; esc in the second plans neither."""
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("passwords")
        await user.do("passwords.mark", "passwords.mark", "passwords.type")
        await user.until(lambda: user.dialog == "AskSecret", "the question")
        assert "New password of elastic (1 of 2)" in user.screen
        await type_twice(user, NEW)
        await user.told("New password of kibana_system (2 of 2)")
        await user.press("escape")
        assert user.dialog == "PasswordsView"
        assert not user.view.waiting
        assert user.session.stage is Stage.EMPTY


async def test_a_forgotten_password_of_elastic_needs_nothing_but_the_folders() -> None:
    """f plans it through a temporary superuser, whatever login is at hand; no passphrase is asked before the apply."""
    engine = FakeEngine(secured())
    engine.stored = True
    async with at_the_screen(engine) as user:
        await user.open("passwords")
        await user.do("passwords.forgotten")
        await user.until_stage(Stage.REVIEW)
        assert asked(user) == NewPasswords(("elastic",), by_file=True)
        assert "temporary superuser" in user.rows("review")


async def test_a_password_in_a_file_of_ones_own_is_left_alone(canned: Callable[..., None]) -> None:
    """Who keeps it in a file gives the new one there."""
    canned(given=("elastic",))
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("passwords")
        await user.do("passwords.new")
        await user.told("you keep the password of elastic in a file")
        await user.do("passwords.forgotten")
        await user.told("you keep the password of elastic in a file")


async def test_passwords_that_fail_their_proof_are_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The automatic undo of the engine: the run is rolled back by itself, and the screen says why."""
    engine = unlocked_engine()
    monkeypatch.setattr(passwords, "_has_set", lambda *_: True)
    audited: list[str] = []
    monkeypatch.setattr(engine.workspace, "audit", lambda what, **_: audited.append(what))
    rollback = engine.rollback

    def undone(*args: object, **options: object) -> RunState:
        engine.fail_at = ""
        return rollback(*args, **options)  # type: ignore[arg-type]

    engine.rollback = undone  # type: ignore[method-assign]
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.open("passwords")
        await user.do("passwords.new")
        await user.until_stage(Stage.REVIEW)
        assert user.session.plan is not None
        engine.fail_at = user.session.plan.steps[-1].id
        await apply(user)
        await user.until(lambda: user.session.problem, "what became of it")
        assert audited == ["passwords set back"]
        assert engine.calls[0] == "apply"
        assert engine.calls[1].startswith("rollback ")
        assert "the ones before count again" in user.rows("review")


async def test_read_only_plans_no_password() -> None:
    async with at_the_screen(unlocked_engine(), read_only=True) as user:
        await user.open("passwords")
        assert "t type it" not in user.screen.splitlines()[-1]
        for action in ("passwords.new", "passwords.type", "passwords.forgotten"):
            assert "read-only" in user.view.reason(action)


def _with_commands() -> object:
    from estui.engine import Options

    return Options(run_commands=True)


@pytest.mark.parametrize("size", [(39, 24), (40, 12), (60, 20), (140, 50)])
async def test_every_size_works(size: tuple[int, int]) -> None:
    """From nothing to wide, in ASCII as well."""
    async with at_the_screen(unlocked_engine(), size=size, ascii_only=True) as user:
        await user.open("passwords")
        await user.pilot.pause()
        assert ("needed 40" if size[0] < 40 else user.view.TITLE) in user.screen
        assert user.screen.isascii()
        await user.do("move.down")


async def test_what_is_made_is_as_long_as_was_asked_for() -> None:
    """l: characters and signs of those that estui makes; a word that is none is not taken."""
    engine = unlocked_engine()
    async with at_the_screen(engine) as user:
        await user.open("passwords")
        await user.do("passwords.recipe")
        await user.until(lambda: user.dialog == "AskText", "the question")
        await user.type("forty")
        await user.press("enter")
        await user.until(lambda: "nothing else" in user.screen, "the reproach")
        for _ in "forty":
            await user.press("backspace")
        await user.type("40 marks")
        await user.press("enter")
        await user.until(lambda: "made like: 40 marks" in user.screen, "the remark")
        await user.do("passwords.new")
        await user.until_stage(Stage.REVIEW)
        (made,) = engine.access.typed.values()
        assert len(made.reveal()) == 40
        assert made.reveal() not in user.rows("review")
