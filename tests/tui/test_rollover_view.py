"""A new CA in phases, from the keyboard to the engine and back, in a user's words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from estui.act.checklist import write_checklist
from estui.cli.parsers import build_parser
from estui.engine import Engine, rollover
from estui.errors import CertificateError
from estui.model.goal import Goal, Phase, Rollover, Scenario
from estui.model.observed import AuthorityFacts, Observed
from estui.model.rollover import UNASKED, Client
from estui.model.run import RunPhase, RunState, StepRecord, StepState
from estui.present.rollover import LEAKED
from estui.secret import Secret
from estui.tui.session import Stage
from estui.tui.widgets.line_view import LineView
from tests.tui.builders import authority, secured, trusting_both
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import PASSPHRASE, FakeEngine

ID = "2026-11-24T09-00-00Z-roll"
FIRST_RUN = "2026-11-24T09-01-00Z-0001"
CLIENTS = (
    Client("others http", "whoever talks to the HTTP layer only now and then trusts the new CA"),
    Client("http 10.0.0.7 metricbeat", "10.0.0.7 (metricbeat) talks to the HTTP layer", "2026-11-25T14:36:00Z"),
)


def goal_of(phase: Phase, *, leaked: bool = False) -> Goal:
    return Goal(Scenario.HTTPS, rollover=Rollover(ID, phase, (("http", "http-2"),), leaked))


def after_phase_one(folder: Path, *clients: Client, observed: Observed | None = None) -> FakeEngine:
    """Everyone trusts both CAs; these clients are on the checklist."""
    engine = FakeEngine(observed or trusting_both(), path=str(folder))
    engine.done_run = engine.was_run(FIRST_RUN, goal_of(Phase.TRUST), before=secured())
    engine.passphrase = Secret(PASSPHRASE)
    engine.stored = True
    write_checklist(engine.workspace, ID, clients)
    return engine


async def test_a_rollover_begins_at_the_ca_under_the_cursor() -> None:
    """o on a CA opens the view on it; enter shows phase 1, and nothing is changed before it is applied."""
    engine = FakeEngine(secured())
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine) as user:
        await user.do("pane.2", "move.down", "authority.rollover")
        await user.until(lambda: user.view.loaded, "the choice")
        assert user.view.key == "transport"
        await user.press("k")
        assert user.view.key == "http"
        await user.do("rollover.start")
        await user.until_stage(Stage.REVIEW)
        assert user.dialog == ""
        assert "new CA: trust both" in user.screen
        assert "ca/http-2" in user.rows("review")
        assert engine.calls == []
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until(lambda: user.session.run and user.session.run.asks, "Kibana's restart")


async def test_several_cas_go_together() -> None:
    """space marks; all marked ones are in one plan."""
    engine = FakeEngine(secured())
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        await user.do("rollover.mark", "move.down", "rollover.mark")
        assert "2 marked" in user.screen
        await user.do("rollover.start")
        await user.until_stage(Stage.REVIEW)
        goal = engine.goals[-1].rollover
        assert goal is not None
        assert dict(goal.successors) == {"http": "http-2", "transport": "transport-2"}


async def test_a_leaked_key_is_asked_about_on_another_key() -> None:
    """L tells what is different; neither L again nor enter says yes; y plans it with the words of the command."""
    engine = FakeEngine(secured())
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        assert LEAKED in user.listed
        await user.do("rollover.leaked")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        assert "a key is in foreign hands" in user.screen
        await user.press("L")
        assert user.dialog == "Confirm"
        await user.press("enter")
        assert user.dialog == "RolloverView"
        assert user.session.stage is Stage.EMPTY
        await user.do("rollover.leaked")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until_stage(Stage.REVIEW)
        goal = engine.goals[-1].rollover
        assert goal is not None
        assert goal.leaked
        assert "Elasticsearch checks no revocation list" in user.rows("review")


def test_the_words_for_a_leak_are_those_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, on the screen and in `--help`."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["ca", "rollover", "start", "--help"])
    assert LEAKED in " ".join(capsys.readouterr().out.split())


def _bring_in(
    engine: Engine, observed: Observed, names: Sequence[str], to: str, path: Path
) -> tuple[Observed, tuple[str, ...]]:
    if "broken" in path.name:
        raise CertificateError(f"CA {to} was not brought in", reasons=("no root",), hint="give the root of that CA")
    known = AuthorityFacts(to, authority(to), has_key=False)
    return replace(observed, authorities=(*observed.authorities, known)), ("its root ends before the others",)


async def test_a_rollover_leads_to_a_ca_that_is_not_estuis_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """e asks for its name and its file; phase 1 is shown, what should be known is told, and nothing is applied."""
    monkeypatch.setattr(rollover, "bring_in", _bring_in)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "corporate-root.crt").touch()
    engine = FakeEngine(secured())
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        await user.go_to_row("http")
        await user.do("rollover.external")
        await user.until(lambda: user.dialog == "AskSuccessor", "the dialog")
        assert "It follows HTTP CA" in user.screen
        await user.press("enter")
        await user.told("give it a name, or leave with esc")
        await user.type("corporate")
        await user.press("enter")
        await user.type("~/corp")
        await user.until(lambda: "corporate-root.crt" in user.screen, "the completion")
        await user.press("right", "enter")
        await user.until_stage(Stage.REVIEW)
        await user.told("corporate: its root ends before the others")
        assert user.session.plan is not None
        assert user.session.plan.goal.rollover is not None
        assert dict(user.session.plan.goal.rollover.successors) == {"http": "corporate"}
        assert engine.calls == []


async def test_a_ca_file_that_will_not_do_is_refused_in_the_view(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine's reasons stay in the view; leaving the dialog does nothing."""
    monkeypatch.setattr(rollover, "bring_in", _bring_in)
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.open("rollover")
        await user.do("rollover.external")
        await user.until(lambda: user.dialog == "AskSuccessor", "the dialog")
        await user.press("escape")
        assert user.dialog == "RolloverView"
        assert not user.view.waiting
        await user.do("rollover.external")
        await user.until(lambda: user.dialog == "AskSuccessor", "the dialog")
        await user.type("corporate")
        await user.press("enter")
        await user.type(str(tmp_path / "broken.pem"))
        await user.press("enter")
        await user.told("CA corporate was not brought in")
        assert "no root" in user.screen
        assert user.dialog == "RolloverView"


async def test_read_only_brings_no_ca_in() -> None:
    async with at_the_screen(FakeEngine(secured()), read_only=True) as user:
        await user.open("rollover")
        assert "read-only" in user.view.reason("rollover.external")


async def test_the_next_phase_waits_for_the_checklist(tmp_path: Path) -> None:
    """What is waited for is listed; n says so; space ticks client by client; then n shows the phase to review."""
    engine = after_phase_one(tmp_path, *CLIENTS)
    async with at_the_screen(engine, read_only=False) as user:
        await user.open("rollover")
        assert "✓ 1. trust both" in user.listed
        assert "○ 2. switch leaves" in user.listed
        assert "not ticked yet: 10.0.0.7 (metricbeat)" in user.listed
        await user.do("rollover.next")
        await user.told("they are listed")
        for client in user.view.report.state.clients:  # type: ignore[attr-defined]
            await user.go_to_row(client.id)
            await user.do("rollover.mark")
            await user.until(lambda: not user.view.waiting, "the tick")
        assert "looked after by" in user.listed
        assert "the next phase may be entered: n" in user.listed
        await user.do("rollover.next")
        await user.until_stage(Stage.REVIEW)
        assert user.dialog == ""
        assert "new CA: switch leaves" in user.screen
        assert "signed by HTTP CA 2" in user.rows("review")


async def test_a_tick_is_taken_back(tmp_path: Path) -> None:
    """space on a ticked client takes the tick back: footer and row say so, the next phase waits again, and the
    checklist remembers who did it.
    """
    clients = (*CLIENTS, *rollover.GUIDED, Client(UNASKED, "nobody could be asked"))
    engine = after_phase_one(tmp_path, *(replace(each, ticked="ops at 2026-11-25T14:00:00Z") for each in clients))
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        assert "the next phase may be entered" in user.listed
        await user.go_to_row(CLIENTS[1].id)
        assert "space take tick back" in user.screen.splitlines()[-1]
        await user.do("rollover.mark")
        await user.until(lambda: not user.view.waiting, "the tick")
        assert "tick taken back by" in user.listed
        assert "not ticked yet: 10.0.0.7 (metricbeat)" in user.listed
        assert "space tick" in user.screen.splitlines()[-1]
        await user.do("rollover.next")
        await user.told("they are listed")
        await user.do("rollover.mark")
        await user.until(lambda: not user.view.waiting, "the tick")
        assert "tick taken back" not in user.listed
        assert "the next phase may be entered" in user.listed


async def test_where_the_next_phase_lacks_evidence_it_is_named(tmp_path: Path) -> None:
    """Not only clients: a node that does not trust both yet is named."""
    engine = after_phase_one(tmp_path, observed=secured())
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        assert "es-1 http trusts CA http but not http-2" in user.listed


async def test_the_rollover_is_seen_from_the_main_screen(tmp_path: Path) -> None:
    """The authorities' pane says that one is under way, and which key shows it."""
    async with at_the_screen(after_phase_one(tmp_path, *CLIENTS)) as user:
        shown = user.rows("authority-list")
        assert "rollover http → http-2: next is phase 2 of 3, switch leaves" in shown
        assert "7 shows it" in shown


async def test_another_rollover_has_to_wait(tmp_path: Path) -> None:
    """While one is under way none is begun, and o on a CA shows the one that is."""
    async with at_the_screen(after_phase_one(tmp_path, *CLIENTS)) as user:
        await user.do("pane.2", "authority.rollover")
        await user.until(lambda: user.view.loaded, "the rollover")
        await user.do("rollover.start")
        await user.told("a rollover is under way")


async def test_a_rollover_is_undone_phase_by_phase(tmp_path: Path) -> None:
    """u asks with the runs in their order, on another key; the undo of the last phase is reviewed and applied."""
    engine = after_phase_one(tmp_path, *CLIENTS)
    async with at_the_screen(engine, options=_with_commands()) as user:
        await user.open("rollover")
        await user.do("rollover.undo")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        assert "Bring the cluster back to where it was?" in user.screen
        assert "to undo: 1 run" in " ".join(user.screen.split())
        assert f"{FIRST_RUN}, new CA: trust both:" in user.screen
        await user.press("u", "enter")
        assert user.dialog == "RolloverView"
        await user.do("rollover.undo")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until(lambda: user.session.undoes == FIRST_RUN, "the undo plan")
        assert engine.calls == []
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until_stage(Stage.VERDICT)
        assert engine.calls == [f"rollback {FIRST_RUN}"]


async def test_a_run_in_hand_comes_first(tmp_path: Path) -> None:
    """While a run is unfinished no phase is planned and none undone; the view says so."""
    engine = after_phase_one(tmp_path, *(Client(each.id, each.text, ticked="root") for each in CLIENTS))
    plan = engine.run_plan("")
    records = tuple(StepRecord(step, StepState.WAITING) for step in plan.steps)
    engine.left = RunState("2026-11-25T09-00-00Z-0003", "apply", RunPhase.WAITING, records, "")
    async with at_the_screen(engine) as user:
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("escape")
        await user.open("rollover")
        await user.do("rollover.next")
        await user.told("a run is unfinished")
        await user.do("rollover.undo")
        await user.told("or undo it, first")


async def test_read_only_writes_no_checklist(tmp_path: Path) -> None:
    """Read-only: the rollover is shown, nobody is asked who connects, nothing is ticked."""
    engine = after_phase_one(tmp_path, *CLIENTS)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    async with at_the_screen(engine, read_only=True) as user:
        await user.open("rollover")
        await user.go_to_row(CLIENTS[0].id)
        await user.do("rollover.mark")
        await user.told("estui is read-only here")
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


async def test_without_a_ca_there_is_nothing_to_roll_over() -> None:
    """The empty view says what makes a CA."""
    async with at_the_screen() as user:
        await user.open("rollover")
        assert "no CA in the workspace yet" in user.listed
        await user.do("rollover.start")
        await user.told("there is no CA under the cursor")


async def test_a_refused_start_says_why_in_the_view() -> None:
    """A CA that nobody uses is not rolled over; the reason stays in the view."""
    before = secured(https=False)
    both = secured()
    engine = FakeEngine(replace(before, authorities=both.authorities))
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        await user.go_to_row("http")
        await user.do("rollover.start")
        await user.told("no leaf of CA http is in use")
        assert user.dialog == "RolloverView"


def _with_commands() -> object:
    from estui.engine import Options

    return Options(run_commands=True)


async def test_what_clients_have_to_change_is_a_page_for_all_or_for_the_one_under_the_cursor(tmp_path: Path) -> None:
    engine = after_phase_one(tmp_path, *CLIENTS)
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        await user.do("rollover.guide")
        await user.until(lambda: user.dialog == "Page", "the guides")
        assert "what every client needs" in user.screen
        await user.do("page.close")
        while user.view.key != CLIENTS[-1].id:
            await user.do("move.down")
        await user.do("rollover.guide")
        await user.until(lambda: user.dialog == "Page", "the guide of a Beat")
        for _ in range(3):
            await user.press("pagedown")
        assert "Beats that estui does not manage" in user.screen
        assert "Logstash" not in user.screen


async def test_files_of_clients_are_searched_for_the_old_ca(tmp_path: Path) -> None:
    observed = trusting_both()
    old = next(each for each in observed.authorities if each.name == "http")
    (tmp_path / "agent.yml").write_text(f"x: 1\nca_trusted_fingerprint: {old.certificate.sha256}\n")
    (tmp_path / "w").mkdir()
    engine = after_phase_one(tmp_path / "w", observed=observed)
    async with at_the_screen(engine) as user:
        await user.open("rollover")
        await user.do("rollover.search")
        await user.until(lambda: user.dialog == "AskText", "the question")
        await user.type(str(tmp_path / "agent.yml"))
        await user.press("enter")
        await user.until(lambda: user.dialog == "Page", "what was found")
        assert "agent.yml:2" in user.screen
        found = "\n".join(row.text for row in user.app.screen.query_one(LineView).rows)
        assert re.search(r"agent\.yml:2.*pins CA http", found)


async def test_who_talked_to_the_nodes_stands_in_the_review(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Client("http 10.0.0.8 c", "10.0.0.8 (curl/8.5.0) talks to the HTTP layer", "2026-11-25T11:00:00Z")
    monkeypatch.setattr(
        "estui.engine.clients.with_connected", lambda engine, observed, goal: replace(observed, connected=(seen,))
    )
    async with at_the_screen(FakeEngine()) as user:
        await user.do("pane.3")
        while user.main.view("ladder").key != "https":
            await user.do("move.down")
        await user.do("scenario.choose")
        await user.until_stage(Stage.REVIEW)
        assert "10.0.0.8 (curl/8.5.0)" in user.rows("review")
