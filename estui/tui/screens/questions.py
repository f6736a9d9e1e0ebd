"""What is asked before something happens: the dialogs, their words, and the answers. Does nothing by itself."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from textual.reactive import var
from textual.screen import Screen

from estui import present
from estui.act.consent import PlainHttpError
from estui.engine import Engine
from estui.model.plan import Plan, Restart
from estui.model.run import RunPhase, RunState
from estui.tui.jobs import Jobs
from estui.tui.rows import Row, line_rows, text_row
from estui.tui.screens.dialogs import AskPassphrase, Choice, Choose, Confirm
from estui.tui.session import Session
from estui.tui.text import plain
from estui.tui.work_rows import commands_rows

_LATER = Choice("l", "later: look around first; nothing can be applied until then", "later")
_CHOICES = {
    RunPhase.WAITING: (
        _LATER,
        Choice("s", "go on with it", "go-on"),
        Choice("u", "show what undoing it does", "undo"),
    ),
    RunPhase.INTERRUPTED: (
        _LATER,
        Choice("c", "complete the act in which it was cut short", "complete"),
        Choice("u", "take everything back", "recover"),
    ),
    RunPhase.PREPARING: (_LATER, Choice("u", "remove what was prepared; nothing was switched yet", "recover")),
}


class QuestionScreen(Screen[None]):
    """A screen with a session, that asks."""

    session: var[Session] = var(Session)

    def __init__(self, engine: Engine, session: Session, *, ascii_only: bool) -> None:
        super().__init__()
        self.engine = engine
        self.ascii_only = ascii_only
        self.set_reactive(QuestionScreen.session, session)

    @property
    def jobs(self) -> Jobs:
        return self.query_one(Jobs)

    def change(self, **fields: Any) -> None:
        """Another session; everything that shows it follows."""
        self.session = replace(self.session, **fields)

    def change_run(self, **fields: Any) -> None:
        if self.session.run is not None:
            self.change(run=replace(self.session.run, **fields))

    def tell(self, text: str, *, severe: bool = False) -> None:
        """A toast; never the only trace of a failure."""
        shown = plain(text, ascii_only=self.ascii_only)
        self.notify(shown, severity="warning" if severe else "information", markup=False)

    def in_dialogue(self, talk: Coroutine[Any, Any, None]) -> None:
        """Questions, one after the other, while everything else goes on."""
        self.run_worker(talk, group="dialogue", exclusive=True, description="dialogue")

    # applying

    async def ask_apply(self, plan: Plan) -> bool:
        """Whether a reviewed plan is to be applied; a full restart, or a production cluster, wants its name typed."""
        undo = bool(self.session.undoes)
        dialog = Confirm(
            "Undo this run?" if undo else f"Apply {plan.goal.label}?",
            self._apply_rows(plan),
            verb="undo" if undo else "apply",
            typed=plan.cluster if plan.restart is Restart.FULL or self._is_production() else "",
            ascii_only=self.ascii_only,
        )
        answer: bool | None = await self.app.push_screen_wait(dialog)
        return bool(answer)

    def _is_production(self) -> bool:
        return self.session.observed is not None and self.session.observed.inventory.production

    def _apply_rows(self, plan: Plan) -> list[Row]:
        rows: list[Row] = []
        if self.session.review is not None:
            rows.append(text_row(present.plan_summary(plan, self.session.review), "title"))
        rows += line_rows(present.outage_lines(plan)[:1])
        rows += [text_row(note[:1].upper() + note[1:], "note") for note in plan.notes]
        rows.append(text_row("A restart of a node is not undone by an undo; files are.", "note"))
        return rows

    async def unlocked(self, *, needed: bool) -> bool:
        """Asks for the passphrase where it is not known: until it opens what is there, or the person gives up.

        Where it is not `needed`, only what is stored already could want it: nothing is asked while nothing is.
        """
        standing = self.session.standing
        if standing.unlocked or (standing.new_passphrase and not needed):
            return True
        new = standing.new_passphrase
        words = (
            "It encrypts the keys of the authorities and the passwords that are set. Nobody can reset it: keep it."
            if new
            else "It opens the keys of the authorities and the stored passwords."
        )
        rows = [text_row(words)]
        while True:
            asked = AskPassphrase(rows, new=new, ascii_only=self.ascii_only)
            secret = await self.app.push_screen_wait(asked)
            if secret is None:
                return False
            error = await self.jobs.outcome(self.jobs.unlock(secret))
            if error is None:
                self.change(standing=replace(self.session.standing, unlocked=True))
                return True
            rows = [text_row(str(error), "bad"), text_row(words)]

    async def agreed_to_plain_http(self, error: PlainHttpError) -> bool:
        """Whether passwords may go over plain HTTP in this session: asked before anything of the run is written."""
        rows = [text_row(str(error), "bad"), *(text_row(f"  - {place}", indent=4) for place in error.reasons)]
        rows.append(text_row("Nothing was written yet. Basic + HTTPS needs none of this.", "note"))
        dialog = Confirm("Send passwords over plain HTTP?", rows, verb="send them", ascii_only=self.ascii_only)
        if not await self.app.push_screen_wait(dialog):
            return False
        self.engine.access = replace(self.engine.access, over_plain=True)
        return True

    async def confirmed_commands(self) -> bool:
        """Shows the inventory's commands once, before estui may run them."""
        commands = self.session.standing.unconfirmed
        if not commands:
            return True
        dialog = Confirm("Run these commands?", commands_rows(commands), verb="run", ascii_only=self.ascii_only)
        if not await self.app.push_screen_wait(dialog):
            return False
        error = await self.jobs.outcome(self.jobs.confirm_commands())
        if error is not None:
            self.change(problem=error)
            self.tell(str(error), severe=True)
            return False
        self.change(standing=replace(self.session.standing, unconfirmed=()))
        return True

    # runs

    async def ask_unfinished(self, run: RunState) -> str:
        """What is to become of a run that was left: `go-on`, `undo`, `complete`, `recover`, or `later`."""
        rows = [text_row(present.run_headline(run), "title"), text_row(f"begun {run.started}", "note")]
        dialog = Choose("A run is unfinished", rows, _CHOICES[run.phase], ascii_only=self.ascii_only)
        return await self.app.push_screen_wait(dialog) or "later"

    async def ask_take_back(self, run: RunState) -> bool:
        """Whether everything that an interrupted run did is to be taken back."""
        rows = [
            text_row(present.run_headline(run), "title"),
            text_row("Every file that it replaced comes back; what it prepared is removed."),
            text_row("An undo does not bring back passwords that were set, nor the restart of a node.", "note"),
        ]
        typed = self.session.observed.inventory.cluster if self.session.observed else ""
        dialog = Confirm("Take everything back?", rows, verb="undo", typed=typed, ascii_only=self.ascii_only)
        answer: bool | None = await self.app.push_screen_wait(dialog)
        return bool(answer)

    async def ask_leave(self) -> str:
        """`stay`, `leave` after the step in hand, or `undo` after it."""
        rows = [text_row("A run is at work. It is never cut off in the middle of a step.")]
        choices = [
            Choice("b", "back: stay here", "stay"),
            Choice("f", "finish the step in hand, then leave; estui offers to go on at the next start", "leave"),
            Choice("u", "finish the step in hand, then show the undo", "undo"),
        ]
        dialog = Choose("Leave while a run is at work?", rows, choices, ascii_only=self.ascii_only)
        return await self.app.push_screen_wait(dialog) or "stay"
