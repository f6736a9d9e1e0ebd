"""Why a key cannot work now: always a sentence, never silence; and the pages that list keys and screens."""

from __future__ import annotations

from dataclasses import replace

from estui.errors import WaitingError
from estui.model.goal import Goal, Scenario
from estui.model.run import EvidenceSeen, RunPhase, StepChanged, StepState
from estui.tui.keymap import KEYS, markdown
from estui.tui.run_view import found_run, new_run, verdict_of
from estui.tui.session import Session, Stage, why_not
from tests.tui.builders import NOW, unsecured
from tests.tui.fake_engine import FakeEngine
from tests.tui.snapshot import FOLDER

KEYS_PAGE = FOLDER.parent / "docs" / "keys.md"


def _planned() -> Session:
    engine = FakeEngine()
    plan = engine.plan(unsecured(), Goal(Scenario.HTTPS))
    return Session(observed=unsecured(), reading=False, stage=Stage.REVIEW, plan=plan)


def test_every_reason_is_a_sentence() -> None:
    """At the very start most keys cannot work, and each says so in words."""
    for key in KEYS:
        reason = why_not(key.id, Session())
        assert reason == "" or " " in reason


def test_applying_wants_a_reviewed_plan() -> None:
    """Nothing is applied that is not under review; nor while a run is at work."""
    planned = _planned()
    assert why_not("plan.apply", planned) == ""
    assert "choose a step" in why_not("plan.apply", replace(planned, stage=Stage.EMPTY))
    assert planned.plan is not None
    running = replace(planned, run=new_run(planned.plan, "apply", NOW))
    assert "at work" in why_not("plan.apply", running)
    assert "read-only" in why_not("plan.apply", replace(planned, read_only=True))


def test_going_on_depends_on_what_is_asked() -> None:
    """At a gate without commands the key says that estui watches."""
    planned = _planned()
    assert planned.plan is not None
    run = new_run(planned.plan, "apply", NOW)
    asked = replace(run, asks=WaitingError("waits", reasons=("stop es-1",)))
    assert why_not("run.go-on", replace(planned, run=asked)) == ""
    bare = replace(planned, observed=unsecured(with_commands=False), run=asked)
    assert "names no command" in why_not("run.go-on", bare)
    assert "needs nothing from you" in why_not("run.go-on", replace(planned, run=run))


def test_a_run_follows_its_events() -> None:
    """Steps change with events; evidence is counted per target; taking a step up again starts it anew."""
    engine = FakeEngine()
    plan = engine.plan(unsecured(), Goal(Scenario.HTTPS))
    run = new_run(plan, "apply", NOW)
    step = plan.steps[3]
    run = run.with_event(StepChanged(step, StepState.RUNNING), NOW)
    run = run.with_event(EvidenceSeen(step.id, engine._evidence(step, "es-1", NOW)), NOW)
    assert run.steps[3].seen == (("es-1", True),)
    run = run.with_event(StepChanged(step, StepState.DONE), NOW)
    assert run.done == 1
    run = run.with_event(StepChanged(step, StepState.RUNNING), NOW)
    assert run.steps[3].seen == ()


def test_a_run_without_proofs_has_no_verdict() -> None:
    """Only a verify step with evidence makes a verdict."""
    engine = FakeEngine()
    engine.plan_now = plan = engine.run_plan("")
    engine.states = {}
    state = engine._state("apply", RunPhase.WAITING)
    assert verdict_of(state) is None
    assert found_run(state, plan, NOW).steps == ()


def keys_page() -> str:
    """`docs/keys.md`."""
    return (
        "# Keys of the terminal UI\n\n"
        "Made from the table of bindings; `pytest tests/tui/test_reasons.py --update-snapshots` writes it anew.\n"
        "`?` on the screen lists the same keys, those of the focused pane first. Own keys stand in `tui.json` in the\n"
        "user's config folder, by the name of the action: "
        '`{"keys": {"cluster.probe": "f12"}}`.\nKeys that clash are refused and told.\n\n' + markdown().rstrip() + "\n"
    )


def test_the_page_of_keys_is_that_of_the_bindings(update_snapshots: bool) -> None:
    """Every key, its action's name and what it does."""
    if update_snapshots:
        KEYS_PAGE.write_text(keys_page())
    assert KEYS_PAGE.read_text() == keys_page()
    for key in KEYS:
        assert not key.keys or f"`{key.id}`" in keys_page()


def test_the_page_of_screens_shows_each_of_them() -> None:
    """A picture of every snapshot that there is."""
    text = (KEYS_PAGE.parent / "screens.md").read_text()
    assert [path.name for path in FOLDER.glob("*-120x40.svg") if f"(../snapshots/{path.name})" not in text] == []
