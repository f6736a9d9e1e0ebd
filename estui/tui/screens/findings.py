"""What every rule finds, the worst first: `estui doctor`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from estui import present
from estui.decide.findings.registry import RULES
from estui.model.finding import Finding, Severity
from estui.present import Line, explain
from estui.present.documented import finding_address
from estui.present.findings import finding_cells, finding_groups, findings_title, fix_commands, group_lines, rule_lines
from estui.tui.copies import Copy
from estui.tui.keymap import Scope
from estui.tui.rows import Row, line_rows
from estui.tui.screens.table_view import TableView
from estui.tui.session import Session
from estui.tui.table import Column, Entry

if TYPE_CHECKING:
    from estui.tui.screens.board import BoardScreen

_SEVERITIES = list(Severity)
PLANNED = "estui doctor --fix "
"""How the command of a fix begins that is a plan."""


def _by_plan(group: Sequence[Finding]) -> tuple[str, ...]:
    """`RULE@TARGET` of each that a plan puts right, as its command names it."""
    commands = dict.fromkeys(each.fix for each in group if each.fix.startswith(PLANNED))
    return tuple(shlex.split(command)[-1] for command in commands)


class FindingsView(TableView):
    """Findings that say the same about several targets stand in one row."""

    SCOPE = Scope.FINDINGS
    TITLE = "Findings"
    EMPTY = "nothing to say"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column("severity", "severity", 0, style="kind"),
        Column("targets", "targets", 2, least=18),
        Column("title", "what", 1, least=38, style="name"),
        Column("rule", "rule", 3, style="note", spare=True),
    )

    def __init__(self, main: BoardScreen) -> None:
        super().__init__(main)
        self.groups: dict[str, tuple[Finding, ...]] = {}
        """By their number: what the rows stand for."""

    def load(self) -> None:
        """Nothing to ask for: the main screen holds every rule against each new observation."""
        self.loaded = self.session.findings is not None
        self.groups = {str(number): group for number, group in enumerate(finding_groups(self.session.findings or ()))}
        if not self.loaded and self.session.read_problem is not None:
            self.problem = self.session.read_problem

    def session_changed(self, old: Session, new: Session) -> None:
        if (old.findings, old.read_problem) != (new.findings, new.read_problem):
            self.reload()
        if old != new:
            self.draw()

    def entries(self) -> Sequence[Entry]:
        return [self._entry(key, group) for key, group in self.groups.items()]

    def _entry(self, key: str, group: tuple[Finding, ...]) -> Entry:
        cells = finding_cells(group, self.glyphs)
        words = {"severity": cells.severity, "targets": cells.targets, "title": cells.title, "rule": cells.rule}
        order = {"severity": _SEVERITIES.index(group[0].severity), "rule": cells.rule}
        return Entry(key, cells.kind, cells.sign, words, order)

    def explanation(self) -> list[Line]:
        return [*self._rule_words(self.groups.get(self.key, ())), *explain.findings_words()]

    def note(self) -> str:
        return findings_title(self.session.findings).text if self.session.findings else ""

    def about_rows(self, key: str) -> list[Row]:
        group = self.groups.get(key)
        return line_rows(group_lines(group)) if group else []

    # keys

    def why_not_here(self, action: str) -> str:
        if action not in ("findings.open", "findings.fix"):
            return ""
        group = self.groups.get(self.key)
        if group is None:
            return "there is no finding under the cursor"
        return self._why_not_fix(group) if action == "findings.fix" else ""

    def _why_not_fix(self, group: tuple[Finding, ...]) -> str:
        if _by_plan(group):
            return ""
        commands = fix_commands(group)
        if commands:
            return f"{commands[0]} puts it right"
        return "this takes a person's judgement: no plan puts it right"

    def do_findings_fix(self) -> None:
        self.main.in_dialogue(self._fix(_by_plan(self.groups[self.key])))

    async def _fix(self, texts: tuple[str, ...]) -> None:
        """A fix that restarts nodes asks the cluster; without the passphrase its plan says what that takes."""
        await self.main.unlocked(needed=False)
        self.jobs.plan_fix(self.start("planning the fix …"), texts)

    def do_findings_open(self) -> None:
        group = self.groups[self.key]
        lines = [*group_lines(group), present.Line(present.Kind.TEXT, ""), *self._rule_words(group)]
        self.open_page(group[0].rule, lines)

    def _rule_words(self, group: Sequence[Finding]) -> list[Line]:
        """What the rule says about itself, and where what it is about is documented."""
        rule = RULES.get(group[0].rule) if group else None
        if rule is None:
            return []
        return [*rule_lines(rule), finding_address(group[0].where), Line(present.Kind.TEXT, "")]

    def do_findings_sort_state(self) -> None:
        self.sort("severity")

    def do_findings_sort_name(self) -> None:
        self.sort("rule")

    def copies(self) -> Sequence[Copy]:
        group = self.groups.get(self.key)
        if group is None:
            return super().copies()
        text = "\n".join(line.text for line in group_lines(group))
        return [
            Copy("this finding", text),
            Copy("the command that explains it", f"estui doctor --explain {group[0].rule}"),
        ]
