"""What is there already: which CA signed what, who trusts whom, and which can be taken over: `estui adopt`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on

from estui import present
from estui.errors import EstuiError
from estui.model.adoption import Import, ReportedAuthority
from estui.present import Line, explain
from estui.present.adoption import authority_lines, import_lines, report_title, rest_lines, way_line, wish_lines
from estui.tui import messages
from estui.tui.copies import Copy
from estui.tui.keymap import Scope
from estui.tui.rows import Row, line_rows, text_row
from estui.tui.screens.ask_file import AskFile, GivenFile
from estui.tui.screens.dialogs import Confirm
from estui.tui.screens.table_view import TableView
from estui.tui.screens.view import DO, LOAD
from estui.tui.session import Session
from estui.tui.table import Column, Entry
from estui.tui.text import leaves_text

if TYPE_CHECKING:
    from estui.engine.adoption import Look
    from estui.tui.screens.board import BoardScreen


class AdoptionView(TableView):
    """Every CA behind the cluster's files, and those in files that are named; any of them can be imported."""

    SCOPE = Scope.ADOPTION
    TITLE = "Take over"
    LOADING = "reading the folders, and the files beside them …"
    EMPTY = "no certificate authority found: there is nothing to take over, unless you name its file"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("subject", "CA", 0, least=30, style="name"),
        Column("left", "left", 3, right=True),
        Column("key", "key", 1),
        Column("signed", "signed", 2),
        Column("way", "possible", 4, least=24, style="kind"),
    )

    def __init__(self, main: BoardScreen) -> None:
        super().__init__(main)
        self.seen: Look | None = None
        self.given = self.accepted = GivenFile()
        """CA files that were named: those asked for, and those that could be read."""

    # loading

    def load(self) -> None:
        self.jobs.look_for_authorities(self.jobs.ticket(LOAD), self.given.paths, self.given.password)

    def session_changed(self, old: Session, new: Session) -> None:
        if old != new:
            self.draw()

    @on(messages.AuthoritiesSeen)
    def _seen(self, message: messages.AuthoritiesSeen) -> None:
        message.stop()
        if self.is_newest(LOAD, message.ticket):
            self.seen, self.accepted, self.waiting = message.look, self.given, ""
            self.has_loaded()

    def fail(self, error: EstuiError) -> None:
        """A file that cannot be used is forgotten: what was listed stays as it was."""
        self.given = self.accepted
        super().fail(error)

    def do_cluster_probe(self) -> None:
        self.notice = []
        self.main.action_do("cluster.probe")
        self.reload()

    # rows

    def _by_key(self) -> dict[str, ReportedAuthority]:
        return {each.certificate.sha256: each for each in self.seen.report.authorities} if self.seen else {}

    def entries(self) -> Sequence[Entry]:
        return [self._entry(key, each) for key, each in self._by_key().items()]

    def _entry(self, key: str, each: ReportedAuthority) -> Entry:
        way = way_line(each)
        signs = {present.Kind.GOOD: self.glyphs.done, present.Kind.BAD: self.glyphs.failed}
        signs |= {present.Kind.WARN: self.glyphs.soon}
        words = {
            "subject": each.certificate.subject,
            "left": f"{each.certificate.days_left(self.now())} d",
            "key": "in workspace" if each.has_key else "at hand" if each.keys else "not here",
            "signed": leaves_text(len(each.leaves)),
            "way": way.text,
        }
        return Entry(key, way.kind, signs.get(way.kind, self.glyphs.waiting), words)

    def rest_rows(self) -> list[Row]:
        if self.seen is None:
            return []
        rows = line_rows(rest_lines(self.seen.report, self.now()))
        return [text_row(""), *rows] if rows else []

    def explanation(self) -> list[Line]:
        return explain.adoption_words()

    def note(self) -> str:
        return report_title(self.seen.report).text if self.seen else ""

    def remark(self) -> str:
        names = ", ".join(path.rpartition("/")[2] for path in self.accepted.paths)
        return " · ".join(part for part in (super().remark(), f"with {names}" if names else "") if part)

    def about_rows(self, key: str) -> list[Row]:
        """What is possible right below the name: there may be no room for the rest."""
        each = self._by_key().get(key)
        if each is None:
            return []
        title, *facts, possible = authority_lines(each, self.now())
        return line_rows([title, possible, *facts])

    # keys

    def why_not_here(self, action: str) -> str:
        if action == "adoption.take-all":
            return "" if self._by_key() else "no CA was found: there is nothing to import"
        if action in ("adoption.open", "adoption.take") and self.key not in self._by_key():
            return "there is no CA under the cursor"
        return ""

    def do_adoption_open(self) -> None:
        each = self._by_key()[self.key]
        self.open_page(each.certificate.subject, authority_lines(each, self.now()))

    def do_adoption_take(self) -> None:
        self._choose((self.key,))

    def do_adoption_take_all(self) -> None:
        self._choose(())

    def _choose(self, fingerprints: tuple[str, ...]) -> None:
        if self.seen is not None:
            self.jobs.choose_import(self.start("looking what importing does …"), self.seen, fingerprints)

    def do_adoption_file(self) -> None:
        self.main.in_dialogue(self._ask_file())

    async def _ask_file(self) -> None:
        given = await self.app.push_screen_wait(AskFile(ascii_only=self.ascii_only))
        if given is not None:
            self.notice, self.given = [], given
            self.waiting = "reading the CA file …"
            self.reload()
            self.draw()

    @on(messages.ImportChosen)
    def _chosen_import(self, message: messages.ImportChosen) -> None:
        message.stop()
        if not self.is_newest(DO, message.ticket):
            return
        self.waiting = ""
        if any(each.writes for each in message.imports):
            self.draw()
            self.main.in_dialogue(self._ask(message.imports))
        else:
            self._tell(message.imports)

    async def _ask(self, imports: tuple[Import, ...]) -> None:
        rows = line_rows(line for each in imports for line in wish_lines(each))
        rows.append(text_row("No file of a node is changed.", "note"))
        title = "Import this CA?" if len(imports) == 1 else "Import these CAs?"
        dialog = Confirm(title, rows, verb="import", ascii_only=self.ascii_only)
        if not await self.app.push_screen_wait(dialog):
            return
        if any(each.with_key for each in imports) and not await self.main.unlocked(needed=True):
            return
        if self.seen is not None:
            self.jobs.import_chosen(self.start("importing …"), self.seen, imports)

    @on(messages.AuthoritiesImported)
    def _imported(self, message: messages.AuthoritiesImported) -> None:
        message.stop()
        if self.is_newest(DO, message.ticket):
            self.waiting = ""
            self._tell(message.imports)
            self.main.start_reading()
            self.reload()

    def _tell(self, imports: tuple[Import, ...]) -> None:
        self.notice = line_rows(import_lines(imports))
        self.draw()

    def copies(self) -> Sequence[Copy]:
        each = self._by_key().get(self.key)
        if each is None:
            return super().copies()
        return [Copy("subject", each.certificate.subject), Copy("SHA-256", each.certificate.sha256)]
