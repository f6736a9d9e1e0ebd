"""The tree of a review, the time of steps, the filter of the log, copies into files, and what explains itself."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from estui.decide.diff import Review
from estui.model.plan import Plan
from estui.model.run import Evidence, EvidenceSeen, Said, StepChanged, StepKind, StepState
from estui.present import UNICODE
from estui.tui.keymap import Keymap
from estui.tui.review_rows import tree_rows
from estui.tui.run_view import new_run
from estui.tui.screens.board import MANY_FILES
from estui.tui.session import Stage
from estui.tui.work_rows import run_note, step_rows
from tests.tui.builders import NOW, secured, unsecured
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import FakeEngine

DOCUMENTED = "https://www.elastic.co/docs/"


async def test_the_tree_leads_to_a_file_and_back() -> None:
    """t shows one line for each node and file with counts; enter opens the file; t comes back to it."""
    async with at_the_screen() as user:
        await user.review("https")
        await user.do("review.tree")
        shown = user.rows("review")
        assert re.search(r"^es-1  \d files  \+\d+ -1$", shown, re.MULTILINE)
        assert re.search(r"elasticsearch\.yml  changed  \+\d+ -1 .*same on 2 more", shown)
        assert "xpack.security.enabled" not in shown
        while "kibana.yml" not in user.main.view("review").rows[user.main.view("review").cursor].text:
            await user.do("review.next")
        await user.press("enter")
        view = user.main.view("review")
        assert "kibana.yml" in view.rows[view.cursor].text
        assert "elasticsearch.hosts" in user.rows("review")
        await user.do("review.tree")
        assert "kibana.yml" in view.rows[view.cursor].text
        assert "elasticsearch.hosts" not in user.rows("review")


async def test_a_review_of_very_many_files_begins_as_a_tree() -> None:
    """4,000 files: the first look is a line each, and a key goes through."""

    class Large(FakeEngine):
        def review(self, plan: Plan, observed: object, *, fold: bool = True) -> Review:
            small = super().review(plan, self.now_observed, fold=False)
            mine = [file for file in small.files if file.target == "es-1"]
            files = [replace(file, target=f"node-{number:04}") for number in range(1000) for file in mine]
            assert len(files) > MANY_FILES
            return Review(tuple(files))

    async with at_the_screen(Large()) as user:
        await user.review("https")
        open_as_tree = user.main.as_tree
        await user.do("move.end", "move.up")
        await user.do("move.top", "review.next", "review.next")
        assert "node-0000" in user.screen
        await user.press("enter")
        assert (open_as_tree, user.main.as_tree) == (True, False)
        assert "node-0000" in user.main.file_here


def test_steps_tell_how_long_they_took_and_how_long_they_will() -> None:
    """A step done tells its time, one at work what its kind takes, and the rest is added up."""
    plan = next(each.plan for each in FakeEngine().previews(unsecured()) if each.plan)
    steps = [replace(plan.steps[0], id=name, kind=StepKind.RESTART, title=name, targets=(name,)) for name in "abc"]
    run = new_run(replace(plan, steps=tuple(steps)), "apply", NOW)
    assert run.left(NOW) is None

    def at(seconds: int) -> object:
        return NOW + timedelta(seconds=seconds)

    run = run.with_event(StepChanged(steps[0], StepState.RUNNING), at(0))  # type: ignore[arg-type]
    run = run.with_event(StepChanged(steps[0], StepState.DONE), at(40))  # type: ignore[arg-type]
    run = run.with_event(StepChanged(steps[1], StepState.RUNNING), at(40))  # type: ignore[arg-type]
    texts = [row.text.replace("\u00a0", " ") for row in step_rows(run, at(52), UNICODE)]  # type: ignore[arg-type]
    assert "40 s" in texts[0]
    assert "12 s of about 40 s" in texts[1]
    assert "about 40 s" in texts[2]
    assert run_note(run, at(52)).endswith("00:52 · 01:08 left at least")  # type: ignore[arg-type]


def test_nodes_that_take_longer_than_others_are_told_apart() -> None:
    """In one step for all, each node's own time stands beside it where they differ."""
    plan = next(each.plan for each in FakeEngine().previews(unsecured()) if each.plan)
    step = next(each for each in plan.steps if len(each.targets) == 3)
    run = new_run(plan, "apply", NOW).with_event(StepChanged(step, StepState.RUNNING), NOW)
    for name, seconds in zip(step.targets, (5, 5, 90), strict=True):
        seen = EvidenceSeen(step.id, Evidence("", name, "up"))
        run = run.with_event(seen, NOW + timedelta(seconds=seconds))
    text = "\n".join(row.text for row in step_rows(run, NOW + timedelta(seconds=90), UNICODE)).replace("\u00a0", " ")
    assert "es-1 ✓ 5 s" in text
    assert "es-3 ✓ 01:30" in text


async def test_the_log_is_filtered_and_whole_again() -> None:
    """/ in the log shows what passes, also of what comes later; ! inverts; esc shows all."""
    engine = FakeEngine()
    engine.hold = "prepare"
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(engine.held.is_set, "the first step")
        for name in ("es-1", "es-2"):
            user.main.log_event(Said(f"{name} says something"))
        await user.do("view.search")
        await user.type("es-2")
        await user.press("enter")
        user.main.log_event(Said("es-1 says more"))
        assert "es-2 says" in user.rows("log")
        assert "es-1" not in user.rows("log")
        assert "log: es-2" in user.screen
        await user.press("escape")
        assert "es-1 says more" in user.rows("log")
        engine.release()


async def test_a_copy_goes_into_a_file_where_no_clipboard_is_reached(tmp_path: Path) -> None:
    """C writes what c copies into a file for its owner only, and says where."""
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.do("pane.3", "view.copy")
        await user.told("C writes a file")
        await user.do("view.copy-to-file")
        await user.until(lambda: list(tmp_path.glob("estui-copy-*.txt")), "the file")
        (path,) = tmp_path.glob("estui-copy-*.txt")
        await user.told("this text is in")
        assert "basic + HTTPS" in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await user.open("certificates")
        await user.do("view.copy-to-file")
        if user.dialog == "Choose":
            await user.press("1")
        await user.until(lambda: len(list(tmp_path.glob("estui-copy-*.txt"))) == 2, "the second file")


async def test_setting_step_and_scenario_explain_themselves_with_an_address() -> None:
    """i on a changed setting, at a gate and on a step of the ladder: meaning, effect, documentation."""
    async with at_the_screen(FakeEngine(unsecured(with_commands=False))) as user:
        await user.do("pane.3", "view.explain")
        await user.until(lambda: user.dialog == "Page", "the scenario in words")
        assert DOCUMENTED in user.screen
        await user.press("escape")
        await user.review("https")
        await user.do("review.next", "review.next", "review.next", "move.down", "view.explain")
        await user.until(lambda: user.dialog == "Page", "the setting in words")
        assert "every request without a login is answered 401" in user.screen
        assert re.search(r"here +users must log in", user.screen)
        assert DOCUMENTED in user.screen
        await user.press("escape")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        await user.do("view.explain")
        await user.until(lambda: user.dialog == "Page", "the step in words")
        assert re.search(r"if it fails +tried again, or everything taken back", user.screen)
        assert DOCUMENTED in user.screen


async def test_a_failure_puts_reason_and_ways_back_in_front() -> None:
    """What failed, then: try again, take back, and why the step is not skipped."""
    engine = FakeEngine()
    engine.fail_at = "start"
    async with at_the_screen(engine) as user:
        user.main.change(options=replace(user.session.options, run_commands=True))
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.problem, "the failure")
        asked = user.rows("ask")
        assert asked.index("es-2 did not come up") < asked.index("tries the step again")
        assert "takes everything back" in asked
        await user.do("view.explain")
        await user.until(lambda: user.dialog == "Page", "the step in words")
        assert "left out it cannot be" in user.screen


def test_the_keys_of_an_empty_tree_are_harmless() -> None:
    """A plan without files still has its steps in the tree."""
    plan = next(each.plan for each in FakeEngine().previews(unsecured()) if each.plan)
    shown = tree_rows(plan, Review(()), folded=True, key=Keymap({}).first("review.expand"))
    assert len(shown.files) == 1
    assert "one after the other" in shown.rows[shown.files[0]].text


async def test_the_first_start_ends_in_an_inventory(tmp_path: Path) -> None:
    """From a folder to estui.yaml; a wrong folder is said at once, and leaving writes nothing."""
    folder = tmp_path / "etc" / "es-1"
    folder.mkdir(parents=True)
    (folder / "elasticsearch.yml").write_text("cluster.name: logs\nnode.name: es-1\nhttp.port: 9200\n")
    engine = FakeEngine(path=str(tmp_path / "workspace"))
    async with at_the_screen(engine, first_start=True) as user:
        await user.until(lambda: type(user.app.screen).__name__ == "AskText", "the question")
        user.app.screen.query_one("#text").value = str(tmp_path / "nowhere")  # type: ignore[attr-defined]
        await user.press("enter")
        await user.told("is not a folder")
        user.app.screen.query_one("#text").value = "'/etc"  # type: ignore[attr-defined]
        await user.press("enter")
        await user.told("a quote is not closed")
        user.app.screen.query_one("#text").value = str(tmp_path / "etc")  # type: ignore[attr-defined]
        await user.press("enter")
        await user.until(lambda: type(user.app.screen).__name__ == "Confirm", "what was found")
        assert "cluster logs" in user.screen
        assert "es-1" in user.screen
        await user.press("y")
        await user.until(lambda: type(user.app.screen).__name__ == "MainScreen", "the main screen")
        assert "cluster: logs" in (tmp_path / "workspace" / "estui.yaml").read_text()
    async with at_the_screen(FakeEngine(path=str(tmp_path / "other")), first_start=True) as user:
        await user.until(lambda: type(user.app.screen).__name__ == "AskText", "the question")
        await user.press("escape")
        await user.until(lambda: user.app.return_code == 0, "leaving")
        assert not (tmp_path / "other").exists()


async def test_a_verdict_keeps_the_log() -> None:
    """After the run l shows its steps and log, in time and with a filter."""
    async with at_the_screen(FakeEngine()) as user:
        user.main.change(options=replace(user.session.options, run_commands=True))
        await user.review("https")
        await user.confirm_apply()
        await user.until_stage(Stage.VERDICT)
        await user.do("run.log")
        assert "start all nodes" in user.rows("steps")
        assert "es-1" in user.rows("log")
