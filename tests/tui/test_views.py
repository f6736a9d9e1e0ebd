"""Certificates, findings and history, from the keyboard to the engine and back, in a user's words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.errors import StoreError, UsageError
from estui.model.finding import Finding, Severity
from estui.model.goal import Goal, Scenario
from estui.model.run import RunPhase, RunState, StepRecord, StepState
from estui.secret import Secret
from estui.tui.session import Stage
from tests.tui.builders import HOSTILE, hostile, secured, unsecured
from tests.tui.driver import User, at_the_screen
from tests.tui.fake_engine import PASSPHRASE, FakeEngine

FOUND = (
    Finding(
        "tls-key-readable",
        Severity.ERROR,
        "es-1",
        "node.key is 0644",
        hint="chmod 0640",
        where="/etc/es-1/node.key",
        effect="everybody on the host reads it",
        title="a key that everybody reads",
    ),
    *(
        Finding(
            "initial-masters-left",
            Severity.WARNING,
            name,
            "cluster.initial_master_nodes is still set",
            hint="remove it",
            where=f"/etc/{name}/elasticsearch.yml:69: cluster.initial_master_nodes",
            effect="a warning at every start",
            title="initial master nodes are still set",
        )
        for name in ("es-1", "es-2")
    ),
    Finding("security-off", Severity.NOTE, "es-3", "security is off", title="security is off"),
)


def with_findings() -> FakeEngine:
    engine = FakeEngine(secured())
    engine.found = FOUND
    return engine


def with_runs() -> FakeEngine:
    """Two runs: one that was undone, and the one that is in effect."""
    engine = FakeEngine(secured())
    engine.was_run("2026-11-23T09-00-00Z-0001", Goal(Scenario.BASIC), before=unsecured(), phase=RunPhase.ROLLED_BACK)
    engine.done_run = engine.was_run("2026-11-24T09-00-00Z-0002", Goal(Scenario.HTTPS), before=unsecured())
    return engine


# going there and back


async def test_every_view_is_reached_by_its_digit_and_left_by_esc() -> None:
    """A digit opens a view from the main screen and from another view; esc goes back; 1 to 4 go to a pane."""
    async with at_the_screen(FakeEngine(secured())) as user:
        for number, title in (("5", "Certificates"), ("6", "Findings"), ("7", "Rollover"), ("8", "History")):
            await user.press(number)
            await user.until(lambda: user.view.loaded, title)
            assert f"{number} {title}" in user.screen.splitlines()[1]
            assert len(user.app.screen_stack) == 3
        await user.press("escape")
        assert user.dialog == ""
        await user.press("f8")
        await user.until(lambda: user.dialog == "HistoryView", "the view")
        await user.press("3")
        assert user.dialog == ""
        assert user.main.here == "scenario"


async def test_a_view_has_its_help_and_its_palette() -> None:
    """? lists the keys of the view first and leaves out those of the main screen; : offers what can be done here."""
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.open("certificates")
        await user.do("app.help")
        assert user.screen.index("In certificates") < user.screen.index("On the main screen and in every view")
        await user.press("escape")
        offered = {entry.id for entry, reason in _palette(user) if not reason}
        assert {"certificates.rotate", "open.history", "app.quit"} <= offered
        assert "plan.apply" not in offered
        await user.do("app.palette")
        await user.until(lambda: user.dialog == "CommandPalette", "the palette")


async def test_views_are_in_the_palette_of_the_main_screen() -> None:
    """Everything that has a key is found by words as well."""
    async with at_the_screen(FakeEngine(secured())) as user:
        offered = {entry.id for entry, reason in _palette(user) if not reason}
        assert {f"open.{name}" for name in ("certificates", "findings", "rollover", "history", "adoption")} <= offered


def _palette(user: User) -> list:  # type: ignore[type-arg]
    from estui.tui.palette import Actions

    return list(Actions(user.app.screen)._entries())


async def test_a_view_says_that_a_run_waits() -> None:
    """Whoever looks at something else while a run needs a person is told, with the key that goes there."""
    async with at_the_screen(FakeEngine()) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        await user.open("history")
        assert "a run waits for you: 4" in user.screen.splitlines()[0]
        await user.press("4")
        assert user.main.here == "work"


async def test_a_cluster_that_cannot_be_read_says_so_in_the_view() -> None:
    """The error stays in the view, and R tries again."""
    engine = FakeEngine(secured())
    engine.read_error = UsageError("no estui.yaml here", hint="estui init DIR")
    async with at_the_screen(engine) as user:
        for view in ("certificates", "findings", "rollover"):
            await user.open(view)
            assert "no estui.yaml here" in user.screen
        await user.open("certificates")
        await user.do("certificates.rotate")
        await user.told("the cluster could not be read")
        engine.read_error = None
        await user.do("cluster.probe")
        await user.until(lambda: user.view.loaded, "the list")
        assert "CN=es-1" in user.listed


# certificates


async def test_what_ends_first_stands_first() -> None:
    """The table of `estui watch`: state in words, days left, who has it; details of the row below it."""
    async with at_the_screen(FakeEngine(secured(soon="es-2"))) as user:
        await user.open("certificates")
        first = user.listed.splitlines()[0]
        assert "!! due" in first
        assert "12 d" in first
        assert "es-2" in first
        assert "next: CN=es-2" in user.screen
        assert "serial" in user.screen
        await user.do("certificates.open")
        assert user.dialog == "Page"
        assert "issued by CN=logs-demo" in user.screen


async def test_certificates_are_filtered_and_sorted() -> None:
    """/ filters, ! inverts, esc clears and only then leaves; N sorts by subject, S by state."""
    async with at_the_screen(FakeEngine(secured(soon="es-2"))) as user:
        await user.open("certificates")
        await user.do("view.search")
        await user.type("!es-")
        await user.press("enter")
        assert "es-1" not in user.listed
        assert "CN=kibana" in user.listed
        await user.press("escape")
        assert "es-1" in user.listed
        await user.do("certificates.sort-name")
        subjects = [line.split("CN=")[1][:6] for line in user.listed.splitlines()]
        assert subjects == sorted(subjects)
        await user.do("certificates.sort-state")
        assert "due" in user.listed.splitlines()[0]
        await user.press("escape")
        assert user.dialog == ""


async def test_r_rotates_just_this_certificate() -> None:
    """From a row to the verdict: the review has only this layer of this node, and nothing is applied unasked."""
    engine = FakeEngine(secured(soon="es-2"))
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine) as user:
        await user.open("certificates")
        await user.do("certificates.rotate")
        await user.until(lambda: user.session.review is not None or user.session.problem, "the review")
        assert user.dialog == ""
        goal = engine.goals[-1]
        assert goal.only == ("es-2",)
        assert goal.rotation is not None
        assert goal.rotation.sets in (("http",), ("transport",))
        assert f"estui/{goal.rotation.sets[0]}/current" in user.rows("review")
        assert engine.calls == []
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until_stage(Stage.VERDICT)


async def test_a_ca_is_not_rotated() -> None:
    """On a CA r says what to press instead."""
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.open("certificates")
        await user.do("move.end")
        await user.do("certificates.rotate")
        await user.told("this is a CA: 7 rolls over to a new one")


async def test_without_certificates_the_view_says_what_makes_some() -> None:
    """An unsecured cluster has none."""
    async with at_the_screen() as user:
        await user.open("certificates")
        assert "no certificates yet" in user.listed


# findings


async def test_findings_stand_worst_first_and_explain_themselves() -> None:
    """Findings that say the same stand together; enter shows evidence, what happens, what to do, and the rule."""
    async with at_the_screen(with_findings()) as user:
        await user.until(lambda: user.session.findings, "the findings")
        await user.open("findings")
        rows = user.listed.splitlines()
        assert [row.split()[1] for row in rows] == ["error", "warning", "note"]
        assert "es-1, es-2" in rows[1]
        assert "1 error, 2 warnings, 1 note" in user.screen
        await user.do("move.down", "findings.open")
        assert "/etc/es-2/elasticsearch.yml:69" in user.screen
        assert "happens: a warning at every start" in user.screen
        assert "do: remove it" in user.screen
        assert "versions: " in user.screen


async def test_findings_are_filtered_and_copied() -> None:
    """/ filters by target as well; c copies the finding."""
    async with at_the_screen(with_findings()) as user:
        await user.open("findings")
        await user.do("view.search")
        await user.type("es-3")
        await user.press("enter")
        assert user.listed.splitlines() == [user.listed]
        await user.do("view.copy")
        await user.until(lambda: user.dialog == "Choose", "the menu")
        await user.press("1")
        assert "security is off" in user.app.clipboard


async def test_the_nodes_pane_counts_what_stands_out() -> None:
    """The worst of each node is in its row, notes are not; its details have all of it."""
    async with at_the_screen(with_findings(), size=(80, 24)) as user:
        await user.until(lambda: user.session.findings, "the findings")
        rows = user.rows("node-list").splitlines()
        assert "1 error" in rows[0]
        assert "1 warning" in rows[1]
        assert "note" not in rows[2]
        await user.do("nodes.open")
        await user.told("folder /etc/es-1")
        await user.do("move.end")
        assert "do: remove it" in user.screen


async def test_a_defect_in_a_rule_hides_nothing_else() -> None:
    """Where a rule breaks, it is told, and the nodes are shown all the same."""
    engine = FakeEngine(secured())
    engine.findings = _broken  # type: ignore[method-assign]
    async with at_the_screen(engine) as user:
        await user.told("internal error: ZeroDivisionError")
        assert "es-1" in user.rows("node-list")
        assert user.session.problem is None


def _broken(observed: object) -> tuple[Finding, ...]:
    raise ZeroDivisionError


# history


async def test_past_runs_with_their_steps_and_evidence() -> None:
    """The newest first, with state and goal in words; enter shows what each step rests on."""
    async with at_the_screen(with_runs()) as user:
        await user.open("history")
        newest, oldest = user.listed.splitlines()
        assert "done" in newest
        assert "basic + HTTPS" in newest
        assert "rolled back" in oldest
        await user.do("history.open")
        assert "14:37:00 es-1" in user.screen


async def test_u_in_history_shows_the_undo_of_that_run() -> None:
    """It leads to the review of the undo, which is applied like any other; an undone run says why there is none."""
    engine = with_runs()
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.open("history")
        await user.do("move.down", "history.undo")
        await user.told("nothing to undo")
        await user.do("move.up", "history.undo")
        await user.until(lambda: user.session.undoes == "2026-11-24T09-00-00Z-0002", "the undo plan")
        assert user.dialog == ""
        assert user.main.here == "work"
        assert engine.calls == []
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.type("logs-demo")
        await user.press("enter")
        await user.until_stage(Stage.VERDICT)
        assert "rollback 2026-11-24T09-00-00Z-0002" in engine.calls


async def test_a_run_that_was_undone_since_says_so() -> None:
    """It ended well once; its row says that it is undone, and u that there is nothing left of it."""
    engine = with_runs()
    state, plan = engine.past["2026-11-24T09-00-00Z-0002"]
    undo = replace(state, id="2026-11-25T09-00-00Z-0003", kind="rollback", undoes=state.id)
    engine.past[undo.id] = (undo, plan)
    async with at_the_screen(engine) as user:
        await user.open("history")
        assert "undo of basic + HTTPS" in user.listed.splitlines()[0]
        assert "done, undone" in user.listed.splitlines()[1]
        await user.do("move.down", "history.undo")
        await user.told("was undone since")


async def test_an_undo_that_cannot_be_planned_says_why_in_the_view() -> None:
    """The engine's refusal stays in the view, which goes on working."""
    engine = with_runs()

    def refused(run: str | None = None) -> object:
        raise UsageError("run took back another", hint="plan and apply again")

    engine.rollback_preview = refused  # type: ignore[method-assign,assignment]
    async with at_the_screen(engine) as user:
        await user.open("history")
        await user.do("history.undo")
        await user.told("run took back another")
        assert "hint: plan and apply again" in user.screen
        assert user.dialog == "HistoryView"


async def test_an_unfinished_run_is_undone_on_the_main_screen() -> None:
    """For a run that was cut short, u in History asks what the main screen asks."""
    engine = with_runs()
    plan = engine.run_plan("")
    records = tuple(StepRecord(step, StepState.WAITING) for step in plan.steps)
    engine.left = RunState("2026-11-25T09-00-00Z-0003", "apply", RunPhase.INTERRUPTED, records, "")
    async with at_the_screen(engine) as user:
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("escape")
        await user.open("history")
        assert "interrupted" in user.listed.splitlines()[0]
        await user.do("history.undo")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        assert "Take everything back?" in user.screen


async def test_journals_that_cannot_be_read() -> None:
    """A damaged journal is told in the view, with what to do."""
    engine = with_runs()

    def damaged() -> tuple[RunState, ...]:
        raise StoreError("journal.jsonl is damaged", hint="restore it")

    async with at_the_screen(engine) as user:
        engine.runs = damaged  # type: ignore[method-assign]
        await user.open("history")
        assert "journal.jsonl is damaged" in user.screen


async def test_read_only_offers_no_undo() -> None:
    """Read-only: looking works, undoing says why not and is not in the footer."""
    async with at_the_screen(with_runs(), read_only=True) as user:
        await user.open("history")
        assert "u undo" not in user.screen.splitlines()[-1]
        await user.do("history.undo")
        await user.told("estui is read-only here")


async def test_no_runs_yet() -> None:
    """A new workspace says what makes a run."""
    async with at_the_screen() as user:
        await user.open("history")
        assert "no run yet" in user.listed


async def test_the_mouse_reaches_a_view() -> None:
    """A click on a row moves there, a second one opens it; a footer key can be clicked."""
    async with at_the_screen(with_runs()) as user:
        await user.open("history")
        await user.pilot.click("#list", offset=(5, 1))
        assert user.view.listing.cursor == 1
        await user.pilot.click("#list", offset=(5, 1))
        await user.until(lambda: user.dialog == "Page", "the details")


def _with_commands() -> object:
    from estui.engine import Options

    return Options(run_commands=True)


# every screen's manners, in the views


VIEWS = ("certificates", "findings", "rollover", "history")


@pytest.mark.parametrize("size", [(39, 24), (80, 11), (40, 12), (60, 20), (100, 24), (140, 50)])
async def test_every_size_works(size: tuple[int, int]) -> None:
    """From nothing to wide: something sensible is shown, and keys go on working."""
    engine = with_runs()
    engine.found = FOUND
    async with at_the_screen(engine, size=size) as user:
        for view in VIEWS:
            await user.open(view)
            await user.pilot.pause()
            if size[0] < 40 or size[1] < 12:
                assert f"{size[0]}×{size[1]}, needed 40×12" in user.screen
            else:
                assert user.view.TITLE in user.screen
                assert user.listed.splitlines()[0].strip()[:8] in user.screen
            await user.do("move.down")
        await user.press("1")
        assert user.main.here == "nodes"


async def test_resizing_keeps_the_place() -> None:
    """Cursor and filter survive a change of size."""
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.open("certificates")
        await user.do("move.down", "move.down")
        key = user.view.key
        await user.pilot.resize_terminal(80, 24)
        await user.pilot.resize_terminal(30, 10)
        await user.pilot.resize_terminal(120, 40)
        await user.pilot.pause()
        assert user.view.key == key


async def test_ascii_mode() -> None:
    """With --ascii every character of every view is ASCII."""
    engine = with_runs()
    engine.found = FOUND
    async with at_the_screen(engine, ascii_only=True) as user:
        for view in VIEWS:
            await user.open(view)
            assert user.screen.isascii(), {each for each in user.screen if not each.isascii()}


async def test_text_from_outside_does_nothing() -> None:
    """Names, messages and paths that are out to do harm are shown as they are in every view."""
    engine = FakeEngine(hostile())
    engine.found = (Finding(HOSTILE, Severity.ERROR, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE),)
    async with at_the_screen(engine) as user:
        for view in ("certificates", "findings", "rollover"):
            await user.open(view)
            assert "[red]x[/]" in user.screen
            assert "\x1b" not in user.screen
            assert "\u202e" not in user.screen
            await user.do("view.copy")
            await user.press("escape")


async def test_a_thousand_findings_and_certificates() -> None:
    """A large cluster's views are there, and a key goes through."""
    engine = FakeEngine(secured())
    engine.found = tuple(
        Finding("rule", Severity.WARNING, f"node-{number:04d}", "x", effect=str(number), title=f"finding {number}")
        for number in range(1000)
    )
    async with at_the_screen(engine) as user:
        await user.open("findings")
        await user.do("move.end")
        assert "finding 999" in user.screen
