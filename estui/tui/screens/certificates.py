"""Every certificate, what ends first comes first: the table of `estui watch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on

from estui.decide.expiry import certificate
from estui.model.expiry import ExpiryReport, ExpiryRow, ExpiryState
from estui.present import Line, explain
from estui.present.expiry import expiry_cells, expiry_details, expiry_title
from estui.tui import messages
from estui.tui.copies import Copy
from estui.tui.keymap import Scope
from estui.tui.rows import Row, line_rows
from estui.tui.screens.table_view import TableView
from estui.tui.screens.view import LOAD
from estui.tui.table import Column, Entry

if TYPE_CHECKING:
    from estui.tui.screens.board import BoardScreen

_STATES = list(ExpiryState)


class CertificatesView(TableView):
    """What ends when, who has it, where it was seen."""

    SCOPE = Scope.CERTIFICATES
    TITLE = "Certificates"
    EMPTY = "no certificates yet: a step of the ladder above minimal makes some"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("state", "state", 0, style="kind"),
        Column("left", "left", 1, style="kind", right=True),
        Column("ends", "ends", 4, style="note"),
        Column("what", "what", 5),
        Column("subject", "subject", 2, least=20, style="name"),
        Column("seen", "seen", 3, least=22),
        Column("issuer", "issuer", 6, least=24, style="note", spare=True),
    )

    def __init__(self, main: BoardScreen) -> None:
        super().__init__(main)
        self.report: ExpiryReport | None = None
        self.by_key: dict[str, ExpiryRow] = {}
        """By their number: what the rows stand for."""

    def load(self) -> None:
        if self.session.observed is not None:
            self.jobs.look_at_ends(self.jobs.ticket(LOAD), self.session.observed)
        elif self.session.read_problem is not None:
            self.problem = self.session.read_problem

    @on(messages.EndsSeen)
    def _seen(self, message: messages.EndsSeen) -> None:
        message.stop()
        if self.is_newest(LOAD, message.ticket):
            self.report = message.report
            self.by_key = {str(number): row for number, row in enumerate(message.report.rows)}
            self.has_loaded()

    # rows

    def entries(self) -> Sequence[Entry]:
        return [self._entry(key, row) for key, row in self.by_key.items()]

    def _entry(self, key: str, row: ExpiryRow) -> Entry:
        cells = expiry_cells(row, self.glyphs)
        words = {
            "state": cells.state,
            "left": cells.left,
            "ends": cells.ends,
            "what": cells.what,
            "subject": cells.subject or cells.detail,
            "seen": cells.seen,
            "issuer": cells.issuer,
        }
        order = {
            "expiry": (row.not_after is None, row.not_after.timestamp() if row.not_after else 0.0),
            "state": -_STATES.index(row.state),
            "name": cells.subject,
        }
        # the place matters more than whether it is a file, a port or both, which stands below
        short = {"seen": cells.seen.partition(" (")[0]}
        return Entry(key, cells.kind, cells.sign, words, order, short=short)

    def explanation(self) -> list[Line]:
        return explain.certificates_words(self.glyphs)

    def note(self) -> str:
        return expiry_title(self.report).partition(" · ")[2] if self.report and self.report.cluster else ""

    def about_rows(self, key: str) -> list[Row]:
        row = self.by_key.get(key)
        return line_rows(self._details(row)) if row else []

    def _details(self, row: ExpiryRow) -> list[Line]:
        observed = self.session.observed
        facts = certificate(observed, row.sha256) if observed is not None and row.sha256 else None
        return expiry_details(row, facts, self.now(), self.glyphs)

    # keys

    def why_not_here(self, action: str) -> str:
        if action not in ("certificates.open", "certificates.rotate"):
            return ""
        row = self.by_key.get(self.key)
        if row is None:
            return "there is no certificate under the cursor"
        return self._why_not_rotate(row) if action == "certificates.rotate" else ""

    def _why_not_rotate(self, row: ExpiryRow) -> str:
        if row.not_after is None:
            return "this could not be looked at, so there is nothing to rotate"
        if row.is_ca:
            return f"this is a CA: {self.main.keymap.first('open.rollover')} rolls over to a new one"
        return "" if self._places(row)[0] else "no node and no Kibana instance has this certificate in a file"

    def _places(self, row: ExpiryRow) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Targets that have it as their own, and the sets it is in."""
        things = {thing.target for thing in self.session.observed.things} if self.session.observed else set()
        seen = [each for each in row.seen if each.target in things and each.context in ("transport", "http", "server")]
        return tuple(dict.fromkeys(each.target for each in seen)), tuple(dict.fromkeys(each.context for each in seen))

    def do_certificates_rotate(self) -> None:
        self.main.plan_rotation(*self._places(self.by_key[self.key]))
        self.main.show_work()

    def do_certificates_open(self) -> None:
        row = self.by_key[self.key]
        self.open_page(expiry_cells(row).subject or row.seen[0].target, self._details(row))

    def do_certificates_sort_expiry(self) -> None:
        self.sort("expiry")

    def do_certificates_sort_state(self) -> None:
        self.sort("state")

    def do_certificates_sort_name(self) -> None:
        self.sort("name")

    def copies(self) -> Sequence[Copy]:
        row = self.by_key.get(self.key)
        if row is None or row.not_after is None:
            return super().copies()
        found = [Copy("subject", row.subject), Copy("serial number", row.serial)]
        return [*found, Copy("SHA-256", row.sha256)] if row.sha256 else found
