"""Secure settings of all nodes, from the keyboard to the engine and back, in a user's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from estui.engine import Engine, secure_settings
from estui.errors import StoreError
from estui.model.goal import KeystoreEdit, SecureEdit
from estui.model.secure import Agreement, SecureEntry, SecureFile, SecureTable
from estui.secret import Secret
from estui.tui.session import Stage
from tests.tui.builders import secured
from tests.tui.driver import User, at_the_screen
from tests.tui.fake_engine import PASSPHRASE, FakeEngine

S3 = "s3.client.default.secret_key"
TABLE = SecureTable(
    tuple(SecureFile(name, True, False, version=7) for name in ("es-1", "es-2", "es-3")),
    (
        SecureEntry("azure.client.default.key", ("3f9c2b1a", "3f9c2b1a", "3f9c2b1a"), Agreement.SAME, True),
        SecureEntry(S3, ("a1b2c3d4", "a1b2c3d4", "99999999"), Agreement.DIFFERENT, True),
        SecureEntry("xpack.notification.slack.account.ops.secure_url", ("11223344", "", ""), Agreement.MISSING, True),
    ),
)
LOCKED = SecureTable((SecureFile("es-1", True, True, "it has a password"),), ())
VALUE = "c4nary-secure-value"


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the keystores hold; this table, unless another one is given."""

    def set_table(table: SecureTable = TABLE, error: StoreError | None = None) -> None:
        def look(engine: Engine, only: Sequence[str] = ()) -> SecureTable:
            if error is not None:
                raise error
            return table

        monkeypatch.setattr(secure_settings, "look", look)

    set_table()
    return set_table


def unlocked_engine() -> FakeEngine:
    engine = FakeEngine(secured())
    engine.passphrase = Secret(PASSPHRASE)
    engine.stored = True
    return engine


async def type_twice(user: User, text: str) -> None:
    await user.until(lambda: user.dialog == "AskSecret", "the question")
    for _ in range(2):
        await user.type(text)
        await user.press("enter")


async def test_names_stand_side_by_side_with_what_their_values_are_to_one_another(canned: object) -> None:
    """K opens it: a fingerprint below each node, agreement in words, the files below, the sum in the title."""
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("secure")
        rows = user.listed.splitlines()
        assert "✓" in rows[0]
        assert "same" in rows[0]
        assert "✗" in rows[1]
        assert "different" in rows[1]
        assert "99999999" in rows[1]
        assert "missing on some" in rows[2]
        assert "es-1: format 7, no password" in user.listed
        assert "2 entries differ or are missing somewhere" in user.screen
        assert "K Secure settings" in user.screen.splitlines()[1]
        await user.do("move.down", "secure.open")
        assert "es-3: 99999999" in user.screen


async def test_both_views_have_a_letter_of_the_jump(canned: object) -> None:
    """^o: e goes to the secure settings, p to the passwords, from wherever one is."""
    async with at_the_screen(unlocked_engine(), size=(80, 24)) as user:
        for letter, view in (("e", "SecureView"), ("p", "PasswordsView")):
            await user.do("app.jump")
            await user.until(lambda: user.dialog == "Choose", "the letters")
            await user.press(letter)
            await user.until(lambda view=view: user.dialog == view, view)  # type: ignore[misc]


async def test_a_value_is_typed_twice_unseen_and_written_by_the_plan(canned: object) -> None:
    """s: two equal values make a plan for every node; only its apply writes, and nothing keeps the value after it."""
    engine = unlocked_engine()
    written: list[dict[str, bytes]] = []
    apply = engine.apply

    def seen(*args: object, **options: object) -> object:
        written.append(dict(engine.access.values))
        return apply(*args, **options)  # type: ignore[arg-type]

    engine.apply = seen  # type: ignore[method-assign,assignment]
    async with at_the_screen(engine) as user:
        await user.open("secure")
        await user.do("move.down", "secure.set")
        await user.until(lambda: user.dialog == "AskSecret", "the question")
        await user.type(VALUE)
        assert VALUE not in user.screen
        await user.press("enter")
        await user.type("another")
        await user.press("enter")
        assert "the two are not the same" in user.screen
        await type_twice(user, VALUE)
        await user.until_stage(Stage.REVIEW)
        assert user.dialog == ""
        assert user.session.plan is not None
        assert user.session.plan.goal.secure == SecureEdit(KeystoreEdit.SET, (S3,))
        assert {place.target for place in user.session.plan.places} == {"es-1", "es-2", "es-3"}
        assert VALUE not in user.rows("review")
        assert engine.calls == []
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until_stage(Stage.VERDICT)
        assert written == [{S3: VALUE.encode()}]
        assert engine.access.values == {}


async def test_another_plan_forgets_the_value(canned: object) -> None:
    """A value belongs to the plan under review; leaving a node out keeps it, another plan drops it."""
    engine = unlocked_engine()
    async with at_the_screen(engine) as user:
        await user.open("secure")
        await user.do("secure.set")
        await type_twice(user, VALUE)
        await user.until_stage(Stage.REVIEW)
        await user.do("review.next", "review.leave-out")
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("1")
        await user.until(lambda: user.session.plan and len(user.session.plan.places) == 2, "the smaller plan")
        assert list(engine.access.values.values()) == [VALUE.encode()]
        await user.do("pane.1", "nodes.rotate")
        await user.until(lambda: user.session.plan and user.session.plan.goal.rotation, "another plan")
        assert engine.access.values == {}


async def test_a_new_entry_is_named_first(canned: object) -> None:
    """n: a name that no keystore takes, or that is an ordinary setting, is refused in the dialog."""
    engine = unlocked_engine()
    async with at_the_screen(engine) as user:
        await user.open("secure")
        await user.do("secure.new")
        await user.until(lambda: user.dialog == "AskText", "the name")
        await user.type("cluster.name")
        await user.press("enter")
        await user.told("an ordinary setting")
        await user.press(*["backspace"] * len("cluster.name"))
        await user.type("s3.client.backup.access_key")
        await user.press("enter")
        await type_twice(user, VALUE)
        await user.until_stage(Stage.REVIEW)
        assert "s3.client.backup.access_key" in user.rows("review")


async def test_an_entry_is_removed_by_a_plan(canned: object) -> None:
    """x shows what removing it does; where no keystore has it, the refusal stays in the view."""
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("secure")
        await user.do("secure.remove")
        await user.told("no elasticsearch.keystore of es-1, es-2, es-3 holds azure.client.default.key")
        assert user.dialog == "SecureView"
        assert user.session.stage is Stage.EMPTY


async def test_the_passphrase_is_asked_where_it_opens_a_login(canned: object) -> None:
    """Locked: the stored password of elastic is wanted to ask the cluster; leaving that plans nothing."""
    engine = FakeEngine(secured())
    engine.stored = True
    async with at_the_screen(engine) as user:
        await user.open("secure")
        await user.do("secure.remove")
        await user.until(lambda: user.dialog == "AskPassphrase", "the passphrase")
        await user.press("escape")
        assert user.dialog == "SecureView"
        assert not user.view.waiting


async def test_keystores_that_cannot_be_opened(canned: Callable[..., None]) -> None:
    """A file with a password says so; an error of the look stays in the view."""
    canned(LOCKED)
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("secure")
        assert "es-1: cannot be opened: it has a password" in user.listed
        await user.do("secure.set")
        await user.told("there is no entry under the cursor")
        canned(error=StoreError("estui.yaml is broken", hint="mend it"))
        await user.do("cluster.probe")
        await user.told("estui.yaml is broken")


async def test_read_only_sets_nothing(canned: object) -> None:
    """Read-only: the table is there; set, new and remove are not offered and say why."""
    async with at_the_screen(unlocked_engine(), read_only=True) as user:
        await user.open("secure")
        assert "s set" not in user.screen.splitlines()[-1]
        for action in ("secure.set", "secure.new", "secure.remove"):
            assert "read-only" in user.view.reason(action)


async def test_sorted_and_filtered(canned: object) -> None:
    """S puts what differs first, / filters by name."""
    async with at_the_screen(unlocked_engine()) as user:
        await user.open("secure")
        await user.do("secure.sort-state")
        assert S3 in user.listed.splitlines()[0]
        await user.do("view.search")
        await user.type("azure")
        await user.press("enter")
        assert S3 not in user.listed


@pytest.mark.parametrize("size", [(39, 24), (40, 12), (60, 20), (140, 50)])
async def test_every_size_works(canned: object, size: tuple[int, int]) -> None:
    """From nothing to wide, in ASCII as well."""
    async with at_the_screen(unlocked_engine(), size=size, ascii_only=True) as user:
        await user.open("secure")
        await user.pilot.pause()
        assert ("needed 40" if size[0] < 40 else user.view.TITLE) in user.screen
        assert user.screen.isascii()
        await user.do("move.down")
