"""From the keyboard to the engine and back, in a user's words."""

from __future__ import annotations

from collections.abc import Callable

from estui.act.consent import refused
from estui.engine import Options
from estui.errors import UsageError
from estui.model.inventory import Layer
from estui.model.plan import Plan
from estui.model.run import Event, RunPhase, RunState, StepRecord, StepState
from estui.secret import Secret
from estui.tui.session import Stage
from tests.tui.builders import many, secured, unsecured
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import PASSPHRASE, RUN, FakeEngine


async def test_the_tour_takes_few_keys() -> None:
    """From the first screen to "verified" in at most 15 key presses besides typed text."""
    engine = FakeEngine()
    async with at_the_screen(engine, sandbox=True) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        await user.do("run.go-on")
        await user.until_stage(Stage.VERDICT)
        assert "VERIFIED: all 14 proofs hold" in user.screen
        assert user.pressed <= 15
        await user.ready()
        assert "basic + HTTPS" in user.screen.splitlines()[0]


async def test_nothing_is_applied_unasked() -> None:
    """The key that opens the question does not answer it, nor does enter, nor a wrong name."""
    engine = FakeEngine()
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("a", "enter")
        assert user.dialog == "Confirm"
        assert "that is not logs-demo" in user.screen
        await user.press("escape")
        assert user.dialog == ""
        assert engine.calls == []


async def test_a_small_change_is_confirmed_by_y_and_cancel_has_the_focus() -> None:
    """Where nothing is lost, enter cancels and `y` applies."""
    engine = FakeEngine(secured(https=False))
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.review("https")
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("enter")
        assert user.dialog == ""
        assert engine.calls == []
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until_stage(Stage.VERDICT)


async def test_passwords_go_over_plain_http_only_when_told_so() -> None:
    """Nothing is written before the answer; `y` begins the run again, anything else leaves everything as it was."""

    class Wary(FakeEngine):
        def apply(self, plan: Plan, emit: Callable[[Event], None] = print, options: Options | None = None) -> RunState:
            if not self.access.over_plain:
                raise refused(["es-1 (10.0.0.1:9200)"])
            return super().apply(plan, emit, options)

    engine = Wary(secured(https=False))
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine, options=_with_commands()) as user:
        for answer in ("escape", "y"):
            await user.review("https")
            await user.do("plan.apply")
            await user.until(lambda: user.dialog == "Confirm", "the question")
            await user.press("y")
            await user.until(lambda: "over plain HTTP?" in user.screen, "the question about plain HTTP")
            assert "es-1 (10.0.0.1:9200)" in user.screen
            assert engine.calls == []
            await user.press(answer)
        await user.until_stage(Stage.VERDICT)
        assert engine.calls[0] == "apply"


async def test_a_refused_step_says_why() -> None:
    """Choosing a step that cannot be planned shows every reason and changes nothing."""
    async with at_the_screen() as user:
        await user.review("minimal")
        assert "no plan for minimal" in user.rows("review")
        assert user.session.plan is None
        await user.do("plan.apply")
        await user.told("there is nothing to apply")


async def test_the_review_steps_through_changes_and_files() -> None:
    """n and N go from change to change, the arrows from file to file, e unfolds equal changes."""
    async with at_the_screen() as user:
        await user.review("https")
        view = user.main.view("review")
        await user.do("review.next")
        first = view.cursor
        await user.do("review.next")
        assert view.cursor > first
        await user.do("review.previous")
        assert view.cursor == first
        await user.do("review.next-file")
        assert view.cursor in user.main.shown.files
        assert "same change on es-2, es-3" in user.rows("review")
        await user.do("review.expand")
        await user.until(lambda: not user.session.folded, "the unfolded review")
        assert "same change on" not in user.rows("review")


async def test_search_in_the_review() -> None:
    """/ finds text, n goes to the next place, esc ends it."""
    async with at_the_screen() as user:
        await user.review("https")
        await user.do("view.search")
        await user.type("verification")
        await user.press("enter")
        view = user.main.view("review")
        assert "verification_mode" in view.rows[view.cursor].text
        await user.press("escape")
        assert view.wanted == ""


async def test_the_gate_can_be_left_to_the_commands() -> None:
    """At a gate the words to type are shown; s runs the commands, after they were confirmed once."""
    engine = FakeEngine()
    engine.confirmed = False
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        assert "systemctl stop kibana" in user.rows("ask")
        await user.do("run.go-on")
        await user.until(lambda: user.dialog == "Confirm", "the commands")
        assert "systemctl stop es-1" in user.screen
        await user.press("y")
        await user.until_stage(Stage.VERDICT)
        assert "confirm" in engine.calls
        assert "resume commands=True wait=600" in engine.calls


async def test_without_commands_estui_watches() -> None:
    """Where the inventory names no commands, estui watches, and the key says why it does nothing."""
    engine = FakeEngine(unsecured(with_commands=False))
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
        await user.until(lambda: "resume commands=False wait=600" in engine.calls, "the watch")
        await user.do("run.go-on")
        await user.told("estui.yaml names no command")


async def test_pause_and_go_on() -> None:
    """space stops before the next step, and goes on again."""
    engine = FakeEngine()
    engine.hold = "prepare"
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(engine.held.is_set, "the first step")
        await user.do("run.pause")
        assert "Pausing before the next step" in user.rows("ask")
        engine.release()
        await user.until(lambda: not user.session.working, "the pause")
        assert "Paused." in user.rows("ask")
        await user.do("run.pause")
        await user.until_stage(Stage.VERDICT)


async def test_a_failed_step_can_be_tried_again() -> None:
    """A failure says what and why, stays on the screen, and s tries the step again."""
    engine = FakeEngine()
    engine.fail_at = "start"
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(lambda: user.session.run and user.session.run.problem, "the failure")
        assert "es-2 did not come up as planned" in user.rows("ask")
        assert "failed" in user.rows("steps")
        await user.do("run.go-on")
        await user.until_stage(Stage.VERDICT)


async def test_failed_proofs_are_a_verdict() -> None:
    """A verification that fails says so first, with the failed proofs on top."""
    engine = FakeEngine()
    engine.failing_proofs = 2
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until_stage(Stage.VERDICT)
        assert "NOT VERIFIED: 2 of 14 proofs failed" in user.rows("verdict")
        assert "not loaded" in user.rows("verdict")


async def test_undo_is_a_plan_like_any_other() -> None:
    """u shows the steps back; a asks; the run is shown like an apply."""
    engine = FakeEngine(secured())
    plan = engine.run_plan("")
    engine.done_run = RunState(
        RUN, "apply", RunPhase.DONE, tuple(StepRecord(step, StepState.DONE) for step in plan.steps), ""
    )
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.do("run.undo")
        await user.until(lambda: user.session.undoes == RUN, "the undo plan")
        assert "bring the old files back" in user.rows("review")
        assert "apply" not in engine.calls
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.type("logs-demo")
        await user.press("enter")
        await user.until_stage(Stage.VERDICT)
        assert f"rollback {RUN}" in engine.calls


async def test_an_unfinished_run_comes_first() -> None:
    """A run that another process left is shown at the start, with what can be done about it."""
    engine = FakeEngine()
    plan = engine.run_plan("")
    engine.plan_now = plan
    engine.states = {step.id: StepRecord(step, StepState.WAITING) for step in plan.steps}
    engine.left = RunState(RUN, "apply", RunPhase.WAITING, tuple(engine.states.values()), "")
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.until(lambda: user.dialog == "Choose", "the question")
        assert "A run is unfinished" in user.screen
        await user.press("s")
        await user.until_stage(Stage.VERDICT)


async def test_an_interrupted_run_is_completed_or_undone() -> None:
    """A commit cut short is completed by c, and then waits."""
    engine = FakeEngine()
    plan = engine.run_plan("")
    engine.left = RunState(
        RUN, "apply", RunPhase.INTERRUPTED, tuple(StepRecord(step, StepState.WAITING) for step in plan.steps), ""
    )
    async with at_the_screen(engine) as user:
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("c")
        await user.until(lambda: "recover complete=True" in engine.calls, "the recovery")
        await user.until(lambda: not user.session.working, "the rest")
        assert "go on, or roll back" in user.rows("ask")


async def test_a_wrong_passphrase_is_asked_again() -> None:
    """A passphrase that does not open what is there is refused in the dialog, and nothing is begun."""
    engine = FakeEngine(secured())
    engine.stored = True
    async with at_the_screen(engine) as user:
        await user.do("run.verify")
        await user.until(lambda: user.dialog == "AskPassphrase", "the dialog")
        await user.type("wrong")
        await user.press("enter")
        await user.until(lambda: "does not open" in user.screen, "the reproach")
        await user.type(PASSPHRASE)
        await user.press("enter")
        await user.until_stage(Stage.VERDICT)
        assert engine.calls == ["verify"]


async def test_two_new_passphrases_have_to_agree() -> None:
    """A new passphrase is typed twice; two different ones are refused."""
    engine = FakeEngine()
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.type("logs-demo")
        await user.press("enter")
        await user.until(lambda: user.dialog == "AskPassphrase", "the dialog")
        await user.type("one")
        await user.press("enter")
        await user.type("two")
        await user.press("enter")
        assert "not the same" in user.screen
        assert engine.calls == []


async def test_quitting_asks_only_while_a_run_is_at_work() -> None:
    """q leaves at once when idle; during a step it asks, and leaving means after the step."""
    engine = FakeEngine()
    async with at_the_screen(engine) as user:
        await user.do("app.quit")
        assert user.app.return_code == 0
    engine = FakeEngine()
    engine.hold = "prepare"
    async with at_the_screen(engine) as user:
        await user.review("https")
        await user.confirm_apply()
        await user.until(engine.held.is_set, "the first step")
        await user.do("app.quit")
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("f")
        assert user.app.return_code is None
        engine.release()
        await user.until(lambda: user.app.return_code == 0, "leaving")
        assert [state.state for state in list(engine.states.values())[:2]] == [StepState.DONE, StepState.WAITING]


async def test_read_only_changes_nothing() -> None:
    """Read-only: looking works, applying says why it does not, and is not offered."""
    async with at_the_screen(read_only=True) as user:
        await user.review("https")
        assert "read-only" in user.screen.splitlines()[0]
        assert "a apply" not in user.screen.splitlines()[-1]
        await user.do("plan.apply")
        await user.told("estui is read-only here")
        assert user.engine.calls == []


async def test_a_cluster_that_cannot_be_read_says_why() -> None:
    """An error stays in the view it belongs to."""
    engine = FakeEngine()
    engine.read_error = UsageError("no estui.yaml here", hint="estui init DIR")
    async with at_the_screen(engine) as user:
        assert "no estui.yaml here" in user.rows("node-list")
        assert "estui init DIR" in user.rows("node-list")
        engine.read_error = None
        await user.do("cluster.probe")
        await user.ready()
        assert "es-1" in user.rows("node-list")


async def test_filter_marks_and_order_of_nodes() -> None:
    """/ filters, ! inverts, esc clears; space marks; E sorts by expiry."""
    engine = FakeEngine(secured(soon="es-2"))
    async with at_the_screen(engine) as user:
        await user.do("view.search")
        await user.type("!kibana")
        await user.press("enter")
        assert "kibana" not in user.rows("node-list")
        await user.press("escape")
        assert "kibana" in user.rows("node-list")
        await user.do("nodes.mark", "nodes.mark")
        assert user.main.marks == {"es-1", "es-2"}
        await user.press("escape")
        assert not user.main.marks
        await user.do("nodes.sort-expiry")
        assert user.main.view("node-list").rows[0].key == "es-2"


async def test_details_help_and_palette() -> None:
    """enter opens a node, ? lists the keys of this pane first, : finds an action."""
    async with at_the_screen() as user:
        await user.do("nodes.open")
        assert "/etc/es-1" in user.screen
        assert Layer.TRANSPORT.value in user.screen
        await user.press("escape")
        await user.do("app.help")
        assert "In nodes" in user.screen
        await user.press("escape")
        await user.do("app.palette")
        await user.until(lambda: user.dialog == "CommandPalette", "the palette")


async def test_a_thousand_nodes() -> None:
    """A thousand rows are there, and a key goes through."""
    async with at_the_screen(FakeEngine(many(1000))) as user:
        await user.do("move.end")
        assert "node-0999" in user.screen


def _with_commands() -> object:
    from estui.engine import Options

    return Options(run_commands=True)


async def test_the_mouse_reaches_what_keys_reach() -> None:
    """A click on a row moves there, a second one chooses it; footer keys and tabs can be clicked."""
    async with at_the_screen() as user:
        ladder = user.main.view("ladder")
        row = next(number for number, each in enumerate(ladder.rows) if each.key == "https")
        await user.pilot.click("#ladder", offset=(4, row))
        assert ladder.key == "https"
        assert user.main.here == "scenario"
        await user.pilot.click("#ladder", offset=(4, row))
        await user.until(lambda: user.session.stage is Stage.REVIEW, "the review")
        footer = user.screen.splitlines()[-1]
        await user.pilot.click("#footer", offset=(footer.index("apply"), 0))
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("escape")
        await user.pilot.resize_terminal(80, 24)
        await user.pilot.pause()
        tabs = user.screen.splitlines()[1]
        await user.pilot.click("#tabs", offset=(tabs.index("1 Nodes"), 0))
        assert user.main.here == "nodes"


async def test_copying_says_what_was_sent() -> None:
    """c offers values and commands of a node; the toast names what went to the clipboard."""
    async with at_the_screen() as user:
        await user.do("view.copy")
        await user.until(lambda: user.dialog == "Choose", "the menu")
        assert "curl command" in user.screen
        await user.press("1")
        await user.told("sent to the terminal's clipboard: HTTP address")
        assert user.app.clipboard == "127.0.0.1:9201"


async def test_marked_nodes_are_rotated_in_at_most_eight_keys() -> None:
    """Mark three, r, a, y: from the main screen to the verdict; only they are in the plan, Kibana is not."""
    engine = FakeEngine(secured())
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine) as user:
        await user.ready()
        user.pressed = 0
        await user.press("1")
        await user.do("nodes.mark", "nodes.mark", "nodes.mark", "nodes.rotate")
        await user.until(lambda: user.session.review is not None or user.session.problem, "the review")
        assert user.session.problem is None
        shown = user.rows("review")
        assert "no restart needed" in shown
        assert user.session.plan is not None
        assert {place.target for place in user.session.plan.places} == {"es-1", "es-2", "es-3"}
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until_stage(Stage.VERDICT)
        assert user.pressed <= 8
