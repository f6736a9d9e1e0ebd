"""The main screen's keys: one dispatcher that knows the reason against each, and what each does.

What stands where is `board.py`'s, the way from a plan to a verdict `flow.py`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widgets import Input

from estui import present
from estui.errors import EstuiError
from estui.model.goal import Scenario
from estui.model.variants import variants_of
from estui.present import documented, explain
from estui.tui.copies import Copy, target_copies, written
from estui.tui.documents import Document
from estui.tui.keymap import ALONE, KEYS, VIEW_SCOPES, Scope, bindings
from estui.tui.review_rows import line_and_reason, matching
from estui.tui.rows import line_rows, text_row
from estui.tui.screens.board import PANES, BoardScreen
from estui.tui.screens.dialogs import Choice, Choose
from estui.tui.screens.page import Page, explanation_rows, help_rows
from estui.tui.screens.view import ViewScreen
from estui.tui.session import Stage, why_not
from estui.tui.widgets.bars import Bar
from estui.tui.widgets.line_view import LineView


class MainScreen(BoardScreen):
    """Every action of the keymap is a method `do_<id>` here or below."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.MAIN, Scope.VIEWS, Scope.APP)]

    @property
    def keymap_scopes(self) -> tuple[Scope, ...]:
        """What the palette offers here."""
        return tuple(scope for scope in Scope if scope not in (*VIEW_SCOPES, *ALONE, Scope.MOVE))

    def reason(self, action: str) -> str:
        """Why an action cannot work now, in one sentence; empty where it can."""
        return why_not(action, self.session)

    # one way for every key, click and palette entry

    def action_do(self, action: str) -> None:
        """Does an action, or says in one sentence why it cannot be done now."""
        reason = self.reason(action)
        if reason:
            self.tell(reason)
            return
        method = getattr(self, "do_" + action.replace(".", "_").replace("-", "_"))
        method()

    @on(Bar.Clicked)
    def _bar_clicked(self, message: Bar.Clicked) -> None:
        self.action_do(message.action)

    # panes

    def do_pane_1(self) -> None:
        self.go_to("nodes")

    def do_pane_2(self) -> None:
        self.go_to("authority")

    def do_pane_3(self) -> None:
        self.go_to("scenario")

    def do_pane_4(self) -> None:
        self.go_to("work")

    def do_pane_next(self) -> None:
        self.go_to(PANES[(PANES.index(self.here) + 1) % len(PANES)])

    def do_pane_previous(self) -> None:
        self.go_to(PANES[PANES.index(self.here) - 1])

    # views: their modules are imported on first use, so that the first screen does not wait for them

    def open_view(self, view: ViewScreen) -> None:
        """Shows a view in the place of the one that is open."""
        self.close_views()
        self.app.push_screen(view)

    def do_open_certificates(self) -> None:
        from estui.tui.screens.certificates import CertificatesView

        self.open_view(CertificatesView(self))

    def do_open_findings(self) -> None:
        from estui.tui.screens.findings import FindingsView

        self.open_view(FindingsView(self))

    def do_open_rollover(self) -> None:
        from estui.tui.screens.rollover import RolloverView

        self.open_view(RolloverView(self))

    def do_open_history(self) -> None:
        from estui.tui.screens.history import HistoryView

        self.open_view(HistoryView(self))

    def do_open_adoption(self) -> None:
        from estui.tui.screens.adoption import AdoptionView

        self.open_view(AdoptionView(self))

    def do_open_secure(self) -> None:
        from estui.tui.screens.secure import SecureView

        self.open_view(SecureView(self))

    def do_open_passwords(self) -> None:
        from estui.tui.screens.passwords import PasswordsView

        self.open_view(PasswordsView(self))

    def show_document(self, document: Document) -> None:
        from estui.tui.screens.document import DocumentPage

        self.app.push_screen(DocumentPage(document, self.keymap, ascii_only=self.ascii_only))

    def do_authority_rollover(self) -> None:
        from estui.tui.screens.rollover import RolloverView

        self.open_view(RolloverView(self, self.view("authority-list").key))

    def do_authority_adopt(self) -> None:
        self.do_open_adoption()

    def do_view_full(self) -> None:
        self.full = not self.full
        self.set_class(self.full, "-full")
        self.call_after_refresh(self.draw_nodes)

    def do_view_back(self) -> None:
        """Search, then marks, then full screen; a confirmed thing is never undone by it."""
        searched = self.filter or self.log_view.filter or self.view(self.work_view).wanted
        if self.query_one("#search", Input).display or searched:
            self._end_search(keep=False)
        elif self.marks:
            self.marks = frozenset()
            self.draw_nodes()
        elif self.full:
            self.do_view_full()

    # nodes

    def do_nodes_open(self) -> None:
        observed, key = self.session.observed, self.view("node-list").key
        lines = present.target_lines(observed, key, self.now()) if observed else []
        if not lines:
            return
        found = [finding for finding in self.session.findings or () if finding.target == key]
        if found:
            lines += [present.Line(present.Kind.TEXT, ""), *present.finding_lines(found)]
        self.open_page(key, lines)

    def open_page(self, title: str, lines: list[present.Line]) -> None:
        self.app.push_screen(Page(title, line_rows(lines), ascii_only=self.ascii_only))

    def do_nodes_mark(self) -> None:
        key = self.view("node-list").key
        if key:
            self.marks ^= {key}
            self.last_mark = key
            self.draw_nodes()
            self.view("node-list").action_move("move.down")

    def do_nodes_mark_range(self) -> None:
        view = self.view("node-list")
        keys = [row.key for row in view.rows]
        start = keys.index(self.last_mark) if self.last_mark in keys else view.cursor
        low, high = sorted((start, view.cursor))
        self.marks |= {key for key in keys[low : high + 1] if key}
        self.last_mark = view.key
        self.draw_nodes()

    def do_nodes_rotate(self) -> None:
        """Plans new certificates for what is marked, else for the row under the cursor; changes nothing yet."""
        key = self.view("node-list").key
        targets = tuple(sorted(self.marks)) or ((key,) if key else ())
        if targets:
            self.plan_rotation(targets)
            self.show_work()

    def do_nodes_sort_expiry(self) -> None:
        self._sort("expiry")

    def do_nodes_sort_state(self) -> None:
        self._sort("state")

    def do_nodes_sort_name(self) -> None:
        self._sort("name")

    def _sort(self, by: str) -> None:
        self.order = self.order.toggled(by)
        self.draw_nodes()

    def do_cluster_probe(self) -> None:
        self.start_reading()

    # authorities and ladder

    def do_authority_open(self) -> None:
        observed = self.session.observed
        if observed is None or not observed.authorities:
            self.tell("no authority yet: choose a step in Scenario, and applying it makes one")
            return
        lines = []
        for each in observed.authorities:
            lines += present.authority_lines([each], self.now())
            lines += [*present.certificate_lines(each.certificate, self.now()), present.Line(present.Kind.TEXT, "")]
        self.open_page("Certificate authority", lines)

    def do_scenario_choose(self) -> None:
        key = self.view("ladder").key
        preview = self.session.preview(Scenario(key)) if key else None
        if preview is None:
            self.tell("the cluster stands here: choose a step above it")
            return
        self.choose(preview)
        self.show_work()

    def do_scenario_variants(self) -> None:
        from estui.tui.screens.variants import ask_variant

        key = self.view("ladder").key
        if key and variants_of(Scenario(key)):
            self.in_dialogue(ask_variant(self, Scenario(key)))
        else:
            self.tell("there is nothing to choose for this step")

    def do_plan_make(self) -> None:
        self.do_scenario_choose()

    @on(LineView.Chosen, "#ladder")
    def _ladder_chosen(self) -> None:
        self.action_do("scenario.choose")

    @on(LineView.Chosen, "#authority-list")
    def _authority_chosen(self) -> None:
        self.action_do("authority.open")

    @on(LineView.Chosen, "#node-list")
    def _node_chosen(self) -> None:
        self.action_do("nodes.open")

    # review

    def do_plan_apply(self) -> None:
        if self.here != "work" and not self.shows_all:
            # what is applied has to be in sight first
            self.show_work()
            return
        super().do_plan_apply()

    def do_review_next(self) -> None:
        self._jump(self._places(), forward=True)

    def do_review_previous(self) -> None:
        self._jump(self._places(), forward=False)

    def do_review_next_file(self) -> None:
        self._jump(self.shown.files, forward=True)

    def do_review_previous_file(self) -> None:
        self._jump(self.shown.files, forward=False)

    def do_review_split(self) -> None:
        self.split = not self.is_split
        self.redraw_review()

    def do_review_tree(self) -> None:
        """The tree; in it, the text of the file under the cursor."""
        self.as_tree = not self.as_tree
        self.redraw_review()

    @on(LineView.Chosen, "#review")
    def _file_chosen(self) -> None:
        if self.as_tree:
            self.action_do("review.tree")

    def do_review_leave_out(self) -> None:
        """The target of the file under the cursor; where that stands for several, one of them is chosen."""
        plan, targets = self.session.plan, self.targets_here()
        places = [place.target for place in plan.places] if plan is not None else []
        found = [target for target in targets if target in places]
        if not found:
            self.tell("go to a file of the node or Kibana that is to be left out")
        else:
            self.in_dialogue(self._leave_out(found))

    async def _leave_out(self, targets: Sequence[str]) -> None:
        choices = [Choice("b", "back: leave nothing out", "")]
        choices += [Choice(str(number), each, each) for number, each in enumerate(targets[:9], start=1)]
        rows = [text_row("The plan is made again without it, and shown. Nothing is changed yet.", "note")]
        target = await self.app.push_screen_wait(Choose("Leave out?", rows, choices, ascii_only=self.ascii_only))
        if target:
            self.plan_without(target)

    def _places(self) -> list[int]:
        view = self.view("review")
        return matching(view.rows, view.wanted) if view.wanted else self.shown.changes or self.shown.files

    def _jump(self, places: list[int], *, forward: bool) -> None:
        view = self.view("review")
        ahead = [place for place in places if (place > view.cursor if forward else place < view.cursor)]
        if ahead:
            view.jump(ahead[0] if forward else ahead[-1])
        else:
            self.tell("that was the last one" if forward else "that was the first one")

    # the run

    def do_run_log(self) -> None:
        if self.session.stage is Stage.VERDICT or self.show_log:
            self.show_log = not self.show_log
        self.draw_work(self.session, self.session)
        self.go_to("work")

    # words and columns

    def do_view_explain(self) -> None:
        """What the words and signs of the focused pane mean; the step under the cursor first."""
        if self.here == "scenario":
            key = self.view("ladder").key
            lines = explain.scenario_words(Scenario(key) if key else None)
        elif self.here == "nodes":
            lines = explain.nodes_words(self.glyphs)
        elif self.here == "authority":
            lines = explain.authority_words()
        else:
            lines = self._words_of_work()
        self.app.push_screen(Page("In words", explanation_rows(lines), ascii_only=self.ascii_only))

    def _words_of_work(self) -> list[present.Line]:
        """The step at work, or the setting under the cursor, before what the signs mean."""
        if self.scope is not Scope.RUN:
            row = self.view("review").row
            text, why = line_and_reason(row) if row else ("", "")
            return [*documented.setting_lines(documented.setting_of(text), why), *explain.review_words()]
        run = self.session.run
        at_work = [] if run is None or run.current >= len(run.steps) else [run.steps[run.current].step]
        return [line for step in at_work for line in documented.step_lines(step)] + explain.run_words(self.glyphs)

    def do_view_wide(self) -> None:
        if self.here != "nodes":
            self.tell("there are no columns here: go to Nodes")
            return
        self.wide = not self.wide
        self.draw_nodes()

    # filter and search

    def do_view_search(self) -> None:
        field = self.query_one("#search", Input)
        wanted = self._filtered
        field.placeholder = "search" if wanted is None else "filter; ! in front inverts"
        field.display = True
        field.value = wanted or ""
        self.set_focus(field)

    @property
    def _filtered(self) -> str | None:
        """By what the focused list is filtered; None where text is searched instead."""
        if self.here == "nodes":
            return self.filter
        return self.log_view.filter if self.here == "work" and self.work_view == "log" else None

    @on(Input.Changed, "#search")
    def _search_changed(self, event: Input.Changed) -> None:
        if self.here == "nodes":
            self.filter = event.value
            self.draw_nodes()
        elif self._filtered is not None:
            self.log_view.show_only(event.value)
            self._title_work(self.session)
        else:
            self.view(self.work_view).search(event.value)

    @on(Input.Submitted, "#search")
    def _search_submitted(self) -> None:
        self._end_search(keep=True)

    def _end_search(self, *, keep: bool) -> None:
        field = self.query_one("#search", Input)
        field.display = False
        view = self.view(self.work_view)
        if not keep:
            self.filter = ""
            view.search("")
            self.log_view.show_only("")
            self._title_work(self.session)
        self.go_to(self.here)
        self.draw_nodes()
        if keep and view.wanted and self.here == "work":
            places = matching(view.rows, view.wanted)
            later = [place for place in places if place >= view.cursor]
            if places:
                view.jump(later[0] if later else places[0])
            else:
                self.tell(f"{view.wanted} is nowhere in this text")

    # copying

    def do_view_copy(self) -> None:
        self.offer_copies(self._copies())

    def do_view_copy_to_file(self) -> None:
        self.offer_copies(self._copies(), to_file=True)

    def offer_copies(self, copies: Sequence[Copy], *, to_file: bool = False) -> None:
        """Copies the only one there is, or asks which."""
        if not copies:
            self.tell("there is nothing to copy here")
        elif len(copies) > 1:
            self.in_dialogue(self._choose_copy(copies, to_file=to_file))
        elif to_file:
            self.in_dialogue(self._write_copy(copies[0]))
        else:
            self._copy(copies[0])

    def _copies(self) -> list[Copy]:
        session = self.session
        if self.here == "nodes" and session.observed is not None:
            return target_copies(session.observed, self.view("node-list").key)
        if self.here == "authority" and session.observed is not None:
            return [Copy(f"{each.name} CA, SHA-256", each.certificate.sha256) for each in session.observed.authorities]
        if self.here == "work" and session.run is not None and session.run.asks is not None:
            # each reason is `target: command`; without a command it is a sentence
            commands = [reason.partition(": ")[2] or reason for reason in session.run.asks.reasons]
            return [Copy("what to type", "\n".join(commands))]
        view = self.view(self.work_view if self.here == "work" else "ladder")
        return [Copy("this text", "\n".join(row.text for row in view.rows))]

    async def _choose_copy(self, copies: Sequence[Copy], *, to_file: bool) -> None:
        choices = [Choice(str(number), copy.words, str(number)) for number, copy in enumerate(copies[:9], start=1)]
        title = "Copy to a file" if to_file else "Copy"
        answer = await self.app.push_screen_wait(Choose(title, [], choices, ascii_only=self.ascii_only))
        if answer and to_file:
            await self._write_copy(copies[int(answer) - 1])
        elif answer:
            self._copy(copies[int(answer) - 1])

    def _copy(self, copy: Copy) -> None:
        self.app.copy_to_clipboard(copy.value)
        key = self.keymap.first("view.copy-to-file")
        self.tell(f"sent to the terminal's clipboard: {copy.words}. If nothing arrives there, {key} writes a file")

    async def _write_copy(self, copy: Copy) -> None:
        try:
            path = await asyncio.to_thread(written, copy)
        except EstuiError as error:
            self.tell(str(error), severe=True)
        else:
            self.tell(f"{copy.words} is in {path}")

    # help, palette, colours

    def do_app_help(self) -> None:
        rows = help_rows(self.keymap, self.scope)
        self.app.push_screen(Page("Keys", rows, ascii_only=self.ascii_only))

    def do_app_palette(self) -> None:
        self.app.action_command_palette()

    def do_app_theme(self) -> None:
        self.app.search_themes()

    def do_app_jump(self) -> None:
        self.in_dialogue(self._jump_to())

    async def _jump_to(self) -> None:
        """Every pane and view by the first letter of its name that is free."""
        choices: list[Choice] = []
        for key in KEYS:
            if key.id.startswith(("pane.", "open.")) and key.scope is Scope.VIEWS:
                taken = {choice.key for choice in choices}
                letter = next(each for each in key.word if each not in taken)
                choices.append(Choice(letter, key.word, key.id))
        action = await self.app.push_screen_wait(Choose("Go to", [], choices, ascii_only=self.ascii_only))
        if action:
            self.close_views()
            self.action_do(action)
