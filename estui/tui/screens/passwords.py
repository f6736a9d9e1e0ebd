"""Passwords of built-in users, never shown: where they are, who logs in with them, new ones: `estui passwords`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on

from estui import present
from estui.engine.passwords import ELASTIC, make, read_recipe
from estui.model.users import BuiltInUser
from estui.present import Line, explain
from estui.present.passwords import user_lines
from estui.tui import messages
from estui.tui.copies import Copy
from estui.tui.keymap import Scope
from estui.tui.rows import Row, Span, line_row, text_row
from estui.tui.screens.dialogs import AskSecret, AskText
from estui.tui.screens.view import LOAD, ViewScreen
from estui.tui.session import Session
from estui.tui.text import pad

if TYPE_CHECKING:
    from estui.secret import Secret
    from estui.tui.screens.board import BoardScreen

_CHANGING = ("passwords.new", "passwords.type")
NAME = 23
"""Cells of the longest name and the gap after it."""


class PasswordsView(ViewScreen):
    """All built-in users; several may be marked."""

    SCOPE = Scope.PASSWORDS
    TITLE = "Passwords"

    def __init__(self, main: BoardScreen) -> None:
        super().__init__(main)
        self.users: tuple[BuiltInUser, ...] = ()
        self.marks: frozenset[str] = frozenset()
        self.recipe = ""
        """What made passwords are like, in words; empty as usual."""

    # loading

    def load(self) -> None:
        session = self.session
        if session.observed is not None:
            self.jobs.look_at_users(self.jobs.ticket(LOAD), session.observed)
        elif session.read_problem is not None:
            self.problem = session.read_problem

    def session_changed(self, old: Session, new: Session) -> None:
        if old.standing.unlocked != new.standing.unlocked:
            self.reload()
        super().session_changed(old, new)

    @on(messages.UsersSeen)
    def _seen(self, message: messages.UsersSeen) -> None:
        message.stop()
        if self.is_newest(LOAD, message.ticket):
            self.users = message.users
            self.has_loaded()

    # rows

    def list_rows(self, width: int) -> list[Row]:
        rows = [self._user_row(each, line) for each, line in zip(self.users, user_lines(self.users), strict=True)]
        key = self.main.keymap.first
        hints = (
            ("passwords.new", "plans a new password for this user, or for the marked ones; estui makes and keeps it"),
            ("passwords.mark", "marks a user, where several get one together"),
            ("passwords.type", "the same with passwords that you type"),
            ("passwords.forgotten", "nobody knows the password of elastic: a new one, with nothing but the folders"),
        )
        words = [Row((Span(f"  {key(action):6}", "key"), Span(text)), indent=8) for action, text in hints]
        return [
            *rows,
            text_row(""),
            *words,
            text_row(""),
            text_row("Each shows its plan; nothing changes yet.", "note"),
        ]

    def _user_row(self, each: BuiltInUser, line: Line) -> Row:
        sign = self.glyphs.done if each.user in self.marks else ""
        row = line_row(line, key=each.user)
        return Row((Span(pad(sign, 2), "marked"), *row.spans), each.user, NAME + 2)

    def explanation(self) -> list[Line]:
        return explain.passwords_words()

    def note(self) -> str:
        if any(each.stored is None for each in self.users):
            return f"the passphrase tells what is stored: {self.main.keymap.first('passwords.unlock')}"
        stored = sum(bool(each.stored) for each in self.users)
        return f"{stored} of {present.count(len(self.users), 'user')} stored here" if self.users else ""

    def remark(self) -> str:
        marked = f"{len(self.marks)} marked" if self.marks else ""
        return ", ".join(filter(None, (marked, f"made like: {self.recipe}" if self.recipe else "")))

    def words(self) -> dict[str, str]:
        return {} if any(each.stored is None for each in self.users) else {"passwords.unlock": ""}

    # reasons

    def why_not_here(self, action: str) -> str:
        if action == "passwords.unlock":
            return "" if any(each.stored is None for each in self.users) else "there is nothing to unlock"
        if action == "passwords.mark":
            return "" if self._user(self.key) else "there is no user under the cursor"
        if action == "passwords.forgotten":
            return self._why_not_made((ELASTIC,))
        return self._why_not_made(self._chosen_users()) if action in _CHANGING else ""

    def _why_not_made(self, users: Sequence[str]) -> str:
        if not users:
            return "there is no user under the cursor"
        kept = [each.user for each in self.users if each.given and each.user in users]
        return f"you keep the password of {', '.join(kept)} in a file: estui passwords set" if kept else ""

    def _user(self, name: str) -> BuiltInUser | None:
        return next((each for each in self.users if each.user == name), None)

    def _chosen_users(self) -> tuple[str, ...]:
        marked = tuple(each.user for each in self.users if each.user in self.marks)
        return marked or ((self.key,) if self._user(self.key) else ())

    # keys

    def do_passwords_mark(self) -> None:
        self.marks ^= {self.key}
        self.draw()
        self.listing.action_move("move.down")

    def do_passwords_unlock(self) -> None:
        self.main.in_dialogue(self._unlock())

    async def _unlock(self) -> None:
        await self.main.unlocked(needed=False)

    def do_passwords_recipe(self) -> None:
        self.main.in_dialogue(self._ask_recipe())

    async def _ask_recipe(self) -> None:
        rows = [
            text_row("How many characters, and which beside letters and digits, for those that estui makes."),
            text_row(
                "marks: - _ . ~ as well. mixed-up: I l 1 O 0 as well. Empty: as usual, 24 letters and digits.", "note"
            ),
        ]
        ask = AskText(
            "What are they like?",
            rows,
            placeholder="32 marks",
            check=_check_recipe,
            text=self.recipe,
            ascii_only=self.ascii_only,
        )
        words = await self.app.push_screen_wait(ask)
        if words is not None:
            self.recipe = words
            self.draw()

    def do_passwords_new(self) -> None:
        users = self._chosen_users()
        made = make(users, read_recipe(self.recipe)) if self.recipe else {}
        self.main.in_dialogue(self._plan(users, made))

    def do_passwords_type(self) -> None:
        self.main.in_dialogue(self._type(self._chosen_users()))

    async def _type(self, users: tuple[str, ...]) -> None:
        typed: dict[str, Secret] = {}
        for number, user in enumerate(users, start=1):
            many = f" ({number} of {len(users)})" if len(users) > 1 else ""
            rows = [
                text_row("It is kept in the workspace, encrypted, and counts once the plan is applied."),
                text_row("enter goes on; six characters or more.", "note"),
            ]
            title = f"New password of {user}{many}"
            value = await self.app.push_screen_wait(
                AskSecret(title, rows, new=True, word="new password", ascii_only=self.ascii_only)
            )
            if value is None:
                return
            typed[user] = value
        await self._plan(users, typed)

    def do_passwords_forgotten(self) -> None:
        words = "planning a new password of elastic …"
        self.jobs.plan_passwords(self.start(words), (ELASTIC,), {}, by_file=True)

    async def _plan(self, users: tuple[str, ...], typed: dict[str, Secret]) -> None:
        """With the stored password of elastic, where it can be opened, no temporary superuser is needed."""
        if await self.main.unlocked(needed=False):
            self.jobs.plan_passwords(self.start("planning new passwords …"), users, typed)

    def copies(self) -> Sequence[Copy]:
        return [Copy("user", self.key)] if self._user(self.key) else super().copies()


def _check_recipe(text: str) -> None:
    """EstuiError for words that are no recipe."""
    read_recipe(text)
