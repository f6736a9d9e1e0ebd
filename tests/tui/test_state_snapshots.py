"""Questions, pages and moods of the screen, pixel for pixel and word for word; several in one run of the app."""

from __future__ import annotations

from pathlib import Path

from estui.engine import Options
from estui.errors import UsageError
from estui.model.run import RunPhase, RunState, StepRecord, StepState
from estui.tui.session import Stage
from tests.tui import snapshot
from tests.tui.builders import secured, unsecured
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import RUN, FakeEngine


async def test_what_lies_over_the_main_screen(update_snapshots: bool) -> None:
    """Help, words, copy menu, letters, a refused step."""
    async with at_the_screen() as user:
        await user.do("app.help")
        await snapshot.check_sizes(user, "help", update=update_snapshots)
        await user.press("escape")
        await user.do("view.copy")
        await user.until(lambda: user.dialog == "Choose", "the copy menu")
        await snapshot.check_sizes(user, "copy-menu", update=update_snapshots)
        await user.press("escape")
        await user.do("app.jump")
        await user.until(lambda: user.dialog == "Choose", "the letters")
        await snapshot.check_sizes(user, "go-to", update=update_snapshots)
        await user.press("escape")
        await user.review("minimal")
        await snapshot.check_sizes(user, "refused", update=update_snapshots)
        await user.do("pane.3", "view.explain")
        await user.until(lambda: user.dialog == "Page", "the words")
        await snapshot.check_sizes(user, "scenario-in-words", update=update_snapshots)


async def test_from_the_tree_to_the_questions(update_snapshots: bool) -> None:
    """The review as a tree, a setting in words, the question before an apply, a new passphrase."""
    async with at_the_screen() as user:
        await user.review("https")
        await user.do("review.tree")
        await snapshot.check_sizes(user, "review-tree", update=update_snapshots)
        await user.do("review.tree", "review.next", "review.next", "review.next", "view.explain")
        await user.until(lambda: user.dialog == "Page", "the setting in words")
        await snapshot.check_sizes(user, "setting-in-words", update=update_snapshots)
        await user.press("escape")
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await snapshot.check_sizes(user, "apply-question", update=update_snapshots)
        await user.type("logs-demo")
        await user.press("enter")
        await user.until(lambda: user.dialog == "AskPassphrase", "the passphrase")
        await snapshot.check_sizes(user, "new-passphrase", update=update_snapshots)


async def test_while_a_run_is_at_work(update_snapshots: bool) -> None:
    """Pausing, and the question of somebody who leaves."""
    engine = FakeEngine()
    engine.hold = "prepare"
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(engine.held.is_set, "the first step")
        await user.do("app.quit")
        await user.until(lambda: user.dialog == "Choose", "the question")
        await snapshot.check_sizes(user, "leave-question", update=update_snapshots)
        await user.press("escape")
        await user.do("run.pause")
        await snapshot.check_sizes(user, "pausing", update=update_snapshots)


async def test_an_interrupted_run_at_the_start(update_snapshots: bool) -> None:
    """What was cut short, and what can be done about it."""
    engine = FakeEngine()
    records = tuple(StepRecord(step, StepState.WAITING) for step in engine.run_plan("").steps)
    engine.left = RunState(RUN, "apply", RunPhase.INTERRUPTED, records, "2026-11-25T14:37:00Z")
    async with at_the_screen(engine) as user:
        await user.until(lambda: user.dialog == "Choose", "the question")
        await snapshot.check_sizes(user, "interrupted", update=update_snapshots)


async def test_failed_proofs(update_snapshots: bool) -> None:
    """A verdict that does not hold: what failed comes first."""
    engine = FakeEngine()
    engine.failing_proofs = 2
    async with at_the_screen(engine, options=Options(run_commands=True)) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until_stage(Stage.VERDICT)
        await user.ready()
        user.app.clear_notifications()
        await snapshot.check_sizes(user, "verdict-failed", update=update_snapshots)


async def test_a_production_cluster_read_only(update_snapshots: bool) -> None:
    """Both in words, and the keys that change anything gone from the footer."""
    async with at_the_screen(FakeEngine(unsecured(production=True)), read_only=True) as user:
        await user.review("https")
        await snapshot.check_sizes(user, "production-read-only", update=update_snapshots)


async def test_a_cluster_that_cannot_be_read(update_snapshots: bool) -> None:
    """Why, and what to do, where the nodes would be."""
    engine = FakeEngine()
    engine.read_error = UsageError("no estui.yaml here", hint="estui init DIR")
    async with at_the_screen(engine) as user:
        user.app.clear_notifications()
        await snapshot.check_sizes(user, "unreadable", update=update_snapshots)


async def test_a_terminal_of_ascii_and_one_without_colours(update_snapshots: bool) -> None:
    """The same review where nothing but ASCII shows, and where no colour does."""
    for name, options in (("ascii", {"ascii_only": True}), ("no-colour", {"ansi_color": True, "theme": "ansi-dark"})):
        async with at_the_screen(FakeEngine(secured(soon="es-2")), **options) as user:
            await user.do("nodes.mark", "nodes.mark", "nodes.rotate")
            await user.until(lambda: user.session.review and not user.session.planning, "the review")
            await snapshot.check_sizes(user, f"rotation-{name}", update=update_snapshots)


async def test_light_and_high_contrast(update_snapshots: bool) -> None:
    """The other two themes of estui's own, over the review of a step."""
    async with at_the_screen() as user:
        await user.review("https")
        await user.do("review.next", "review.next", "review.next")
        for name in ("light", "high-contrast"):
            user.app.theme = f"estui-{name}"
            await snapshot.check_sizes(user, f"review-{name}", update=update_snapshots)


async def test_first_start(update_snapshots: bool, tmp_path: Path) -> None:
    """Where the folders are, and what was found in them."""
    for name in ("es-1", "es-2"):
        folder = tmp_path / "etc" / name
        folder.mkdir(parents=True)
        (folder / "elasticsearch.yml").write_text(f"cluster.name: logs\nnode.name: {name}\nnetwork.host: 127.0.0.1\n")
    engine = FakeEngine(path="/srv/estui")
    async with at_the_screen(engine, first_start=True) as user:
        await user.until(lambda: type(user.app.screen).__name__ == "AskText", "the question")
        await snapshot.check_sizes(user, "first-start", update=update_snapshots)
