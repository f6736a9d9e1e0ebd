"""The keystores of all nodes side by side, and changes of them: `estui secure-settings`. Never a value."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on

from estui.decide.findings.secure_settings import is_plain
from estui.errors import UsageError
from estui.formats.es_keystore import SEED, check_setting_name
from estui.model.goal import KeystoreEdit, SecureEdit
from estui.model.secure import Agreement, SecureEntry, SecureTable
from estui.present import Kind, Line, explain
from estui.present.documented import setting_lines
from estui.present.escapes import escaped
from estui.present.secure_settings import cells, entry_words, file_words, secure_title
from estui.tui import messages
from estui.tui.copies import Copy
from estui.tui.keymap import Scope
from estui.tui.rows import Row, line_rows, text_row
from estui.tui.screens.dialogs import AskSecret, AskText, Choice, Choose
from estui.tui.screens.table_view import TableView
from estui.tui.screens.view import LOAD
from estui.tui.session import Session
from estui.tui.table import Column, Entry

if TYPE_CHECKING:
    from estui.secret import Secret
    from estui.tui.screens.board import BoardScreen

_AGREEMENTS = [Agreement.DIFFERENT, Agreement.MISSING, Agreement.SAME, Agreement.OWN]
_SHORT = {Agreement.MISSING: "missing", Agreement.OWN: "own"}
"""For where there is no room for more."""
_KINDS = {Agreement.DIFFERENT: Kind.BAD, Agreement.MISSING: Kind.WARN, Agreement.SAME: Kind.GOOD}


class SecureView(TableView):
    """One row for each name, one column for each node."""

    SCOPE = Scope.SECURE
    TITLE = "Secure settings"
    LOADING = "opening the keystores of all nodes …"
    EMPTY = "no entry besides those of each node's own: a new one is named and typed with n"

    def __init__(self, main: BoardScreen) -> None:
        super().__init__(main)
        self.table: SecureTable | None = None

    # loading

    def load(self) -> None:
        self.jobs.look_at_secure(self.jobs.ticket(LOAD))

    def session_changed(self, old: Session, new: Session) -> None:
        if old.standing.unlocked != new.standing.unlocked:
            self.reload()  # the passphrase may open more of them
        super().session_changed(old, new)

    @on(messages.SecureSeen)
    def _seen(self, message: messages.SecureSeen) -> None:
        message.stop()
        if self.is_newest(LOAD, message.ticket):
            self.table = message.table
            self.has_loaded()

    def do_cluster_probe(self) -> None:
        self.main.action_do("cluster.probe")
        self.reload()

    # rows

    @property
    def columns(self) -> tuple[Column, ...]:
        files = self.table.files if self.table else ()
        return (
            Column("name", "entry", 0, least=28, style="name"),
            Column("agreement", "values", 1, style="kind"),
            *(Column(f"on {file.target}", file.target, 2 + place) for place, file in enumerate(files)),
            Column("reading", "a new one is", 2 + len(files), style="note", spare=True),
        )

    COLUMNS: ClassVar[tuple[Column, ...]] = ()

    def _by_name(self) -> dict[str, SecureEntry]:
        return {entry.name: entry for entry in self.table.entries} if self.table else {}

    def entries(self) -> Sequence[Entry]:
        return [self._entry(self.table, each) for each in self.table.entries] if self.table else []

    def _entry(self, table: SecureTable, entry: SecureEntry) -> Entry:
        kind = _KINDS.get(entry.agreement, Kind.NOTE)
        signs = {Kind.BAD: self.glyphs.failed, Kind.WARN: self.glyphs.soon, Kind.GOOD: self.glyphs.done}
        shown = cells(table, entry)
        words = {f"on {file.target}": cell for file, cell in zip(table.files, shown, strict=True)}
        agreement, _, reading = entry_words(entry).partition("; ")
        order = {"agreement": _AGREEMENTS.index(entry.agreement), "name": entry.name}
        words |= {"name": entry.name, "agreement": agreement, "reading": reading}
        short = {"agreement": _SHORT.get(entry.agreement, agreement)}
        return Entry(entry.name, kind, signs.get(kind, self.glyphs.waiting), words, order, short=short)

    def rest_rows(self) -> list[Row]:
        """The files themselves."""
        if self.table is None:
            return []
        lines = [Line(Kind.BAD if file.error else Kind.NOTE, file_words(file)) for file in self.table.files]
        if not self.table.entries:
            lines.insert(0, Line(Kind.NOTE, self.EMPTY))
        if self._locked:
            key = self.main.keymap.first("secure.unlock")
            lines.append(Line(Kind.NOTE, f"{key} gives the password, for this session"))
        return [*([text_row("")] if self.table.entries else []), *line_rows(lines)]

    def explanation(self) -> list[Line]:
        return [*setting_lines(self.key), *explain.secure_words()]

    def note(self) -> str:
        return secure_title(self.table).text if self.table else ""

    def _details(self, key: str) -> list[Line]:
        entry = self._by_name().get(key)
        if entry is None or self.table is None:
            return []
        kind = _KINDS.get(entry.agreement, Kind.NOTE)
        lines = [Line(kind, f"{escaped(entry.name)}: {entry_words(entry)}")]
        found = zip(self.table.files, cells(self.table, entry), strict=True)
        return [*lines, *(Line(Kind.TEXT, f"  {escaped(file.target)}: {cell}") for file, cell in found)]

    def about_rows(self, key: str) -> list[Row]:
        return line_rows(self._details(key))

    # keys

    def why_not_here(self, action: str) -> str:
        if action == "secure.unlock":
            return "" if self._locked else "every file is open, or cannot be opened by a password"
        if action in ("secure.open", "secure.set", "secure.remove") and self.key not in self._by_name():
            return "there is no entry under the cursor"
        return ""

    def do_secure_open(self) -> None:
        self.open_page(self.key, self._details(self.key))

    def do_secure_set(self) -> None:
        self.main.in_dialogue(self._set(self.key))

    def do_secure_new(self) -> None:
        self.main.in_dialogue(self._new())

    async def _new(self) -> None:
        rows = [text_row("As Elasticsearch calls it, such as s3.client.default.secret_key.", "note")]
        ask = AskText("Which entry?", rows, placeholder="name", check=_check_name, ascii_only=self.ascii_only)
        name = await self.app.push_screen_wait(ask)
        if name is not None:
            await self._set(name)

    async def _set(self, name: str) -> None:
        rows = [
            text_row(f"For {name}, on every node. It is shown nowhere, and written when the plan is applied."),
            text_row("enter goes on. A value of several lines: estui secure-settings set --value-file.", "note"),
        ]
        ask = AskSecret(f"Value of {name}", rows, new=True, word="value", ascii_only=self.ascii_only)
        value = await self.app.push_screen_wait(ask)
        if value is not None:
            await self._plan(KeystoreEdit.SET, name, {name: value})

    @property
    def _locked(self) -> bool:
        return self.table is not None and any(file.protected and file.error for file in self.table.files)

    def do_secure_unlock(self) -> None:
        self.main.in_dialogue(self._unlock())

    async def _unlock(self) -> None:
        """The password is kept for this session only, for looking as for writing."""
        rows = [text_row("For this session only: estui.yaml can name a file with it (keystore_password).")]
        ask = AskSecret("Password of the keystores", rows, new=False, word="password", ascii_only=self.ascii_only)
        password = await self.app.push_screen_wait(ask)
        if password is not None:
            self.main.keep_access(keystore_password=password)
            self.reload()

    def do_secure_password(self) -> None:
        self.main.in_dialogue(self._password())

    async def _password(self) -> None:
        protected = self.table is not None and any(file.protected for file in self.table.files)
        choices = [Choice("b", "back: leave it as it is", "")]
        choices.append(Choice("s", "another password" if protected else "set a password", KeystoreEdit.PROTECT))
        choices += [Choice("t", "take the password off", KeystoreEdit.UNPROTECT)] if protected else []
        rows = [text_row("Every node reads it at its start, and has to be told it before: the plan says how.", "note")]
        title = "Password of every keystore"
        chosen = await self.app.push_screen_wait(Choose(title, rows, choices, ascii_only=self.ascii_only))
        if not chosen:
            return
        password: Secret | None = None
        if chosen == KeystoreEdit.PROTECT:
            ask = AskSecret("New password of the keystores", [], new=True, word="password", ascii_only=self.ascii_only)
            password = await self.app.push_screen_wait(ask)
            if password is None:
                return
        if await self.main.unlocked(needed=False):
            plan = partial(self.jobs.plan_secure, edit=SecureEdit(KeystoreEdit(chosen)), values={}, password=password)
            plan(self.start("planning …"))

    def do_secure_remove(self) -> None:
        self.main.in_dialogue(self._plan(KeystoreEdit.REMOVE, self.key, {}))

    async def _plan(self, edit: KeystoreEdit, name: str, values: dict[str, Secret]) -> None:
        """A restart, or a reload, is asked for by a login: the stored password of elastic is one."""
        if await self.main.unlocked(needed=False):
            ask = partial(self.jobs.plan_secure, edit=SecureEdit(edit, (name,)), values=values)
            ask(self.start("planning …"))

    def do_secure_sort_state(self) -> None:
        self.sort("agreement")

    def do_secure_sort_name(self) -> None:
        self.sort("name")

    def copies(self) -> Sequence[Copy]:
        return [Copy("name", self.key)] if self.key in self._by_name() else super().copies()


def _check_name(name: str) -> None:
    """EstuiError for a name that no keystore takes."""
    if not name:
        raise UsageError("name an entry, or leave with esc")
    check_setting_name(name)
    if name == SEED:
        raise UsageError(f"{SEED} is each node's own, and Elasticsearch makes it")
    if is_plain(name):
        raise UsageError("an ordinary setting: with it in its keystore Elasticsearch does not start")
