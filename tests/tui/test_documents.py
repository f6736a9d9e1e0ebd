"""Run-books and reports, from the keyboard to a file, in a user's words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from estui.engine import report
from estui.model.report import RunReport, StepReport
from estui.model.run import Evidence
from estui.present.document import Block, Facts, Heading, Quoted, Table, document_lines
from estui.tui.documents import document_rows, file_name
from estui.tui.session import Stage
from tests.tui.driver import User, at_the_screen
from tests.tui.fake_engine import FakeEngine
from tests.tui.test_views import with_runs

RUN = "2026-11-24T09-00-00Z-0002"
PROOF = Evidence("2026-11-24T09:03:00Z", "es-1", "transport serves the planned leaf: CN=es-1 serial 4f9a")
REPORT = RunReport(
    format=1,
    estui="1.0",
    workspace="workspace",
    cluster="logs-demo",
    cluster_uuid="bM9wZl0oQoyJmq8s3uTq2A",
    run=RUN,
    kind="apply",
    undoes="",
    goal="basic + HTTPS",
    restart="full",
    phase="done",
    detail="",
    began="2026-11-24T09:00:00Z",
    ended="2026-11-24T09:04:00Z",
    people=("ops on admin-1",),
    files=(),
    leaves=(),
    steps=(
        StepReport(
            "verify", "fresh handshakes", ("es-1",), "every proof holds", "done", "09:02", "09:04", "", (PROOF,)
        ),
    ),
    proofs=(PROOF,),
    audit=(),
    journal_sha256="00" * 32,
)


def page_text(user: User) -> str:
    from estui.tui.widgets.line_view import LineView

    return "\n".join(row.text for row in user.app.screen.query_one("#page-text", LineView).rows)


async def open_runbook(user: User) -> None:
    await user.review("https")
    await user.do("review.runbook")
    await user.until(lambda: user.dialog == "DocumentPage", "the run-book")
    await user.until(lambda: page_text(user), "its text")


async def test_the_runbook_of_a_plan_is_read_as_a_whole() -> None:
    """b in a review: outage, steps with their gates, the way back, and every change; nothing is applied."""
    async with at_the_screen() as user:
        await open_runbook(user)
        text = page_text(user)
        for part in ("Run-book: basic + HTTPS", "FULL RESTART", "Steps", "stop all nodes", "Every change"):
            assert part in text
        assert "+ xpack.security.enabled: true" in text
        assert "s saves it as a file" in user.screen
        await user.press("escape")
        assert user.session.stage is Stage.REVIEW
        assert user.engine.calls == []


async def test_the_runbook_is_saved_under_a_new_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """s offers a name; what is there already is not written over, and the dialog says so; the file is for its owner."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run-book-logs-demo.md").write_text("mine")
    async with at_the_screen() as user:
        await open_runbook(user)
        await user.do("document.save")
        await user.until(lambda: user.dialog == "AskText", "the question")
        await user.press("enter")
        await user.told("File exists")  # the path before it wraps where it is long
        assert (tmp_path / "run-book-logs-demo.md").read_text() == "mine"
        await user.press(*["backspace"] * 3)
        await user.type("-2.md")
        await user.press("enter")
        await user.told("saved:")
        saved = tmp_path / "run-book-logs-demo-2.md"
        assert saved.read_text().startswith("# Run-book: basic + HTTPS on logs-demo")
        assert saved.stat().st_mode & 0o777 == 0o600
        assert user.dialog == "DocumentPage"


async def test_leaving_the_question_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """esc goes back to the document, then to the review."""
    monkeypatch.chdir(tmp_path)
    async with at_the_screen() as user:
        await open_runbook(user)
        await user.do("document.save")
        await user.until(lambda: user.dialog == "AskText", "the question")
        await user.press("escape")
        assert user.dialog == "DocumentPage"
        await user.press("escape")
        assert user.dialog == ""
        assert list(tmp_path.iterdir()) == []


async def test_without_a_plan_there_is_no_runbook() -> None:
    """The key and the palette say why."""
    async with at_the_screen() as user:
        assert user.main.reason("review.runbook") == "there is nothing under review"
        await user.do("pane.4", "review.runbook")
        await user.told("there is nothing under review")


async def test_an_undo_has_its_steps_in_the_review() -> None:
    """The run-book is that of a plan forwards."""
    async with at_the_screen(with_runs()) as user:
        await user.do("run.undo")
        await user.until(lambda: user.session.undoes, "the undo plan")
        await user.do("review.runbook")
        await user.told("an undo shows its steps here")


async def test_the_report_of_a_run_is_read_and_saved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """b in History shows the report; its name's ending says what it is saved as."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "report_of", lambda engine, run: REPORT if run == RUN else None)
    async with at_the_screen(with_runs()) as user:
        await user.open("history")
        await user.do("history.report")
        await user.until(lambda: user.dialog == "DocumentPage", "the report")
        await user.until(lambda: page_text(user), "its text")
        assert "all 1 proofs hold" in page_text(user)
        assert "ops on admin-1" in page_text(user)
        await user.do("document.save")
        await user.until(lambda: user.dialog == "AskText", "the question")
        await user.press(*["backspace"] * 2)
        await user.type("json")
        await user.press("enter")
        await user.told("saved:")
        assert json.loads((tmp_path / f"report-{RUN}.json").read_text())["goal"] == "basic + HTTPS"
        await user.press("escape")
        assert user.dialog == "HistoryView"


async def test_a_report_that_cannot_be_made_says_why_in_the_view() -> None:
    """A run without a journal: the reason stays in History, which goes on working."""
    engine = with_runs()
    engine.run = _no_run  # type: ignore[method-assign,assignment]
    async with at_the_screen(engine) as user:
        await user.open("history")
        await user.do("history.report")
        await user.told("there is no run here")
        assert user.dialog == "HistoryView"


def _no_run(run: str) -> object:
    from estui.errors import UsageError

    raise UsageError("there is no run here", hint="estui history")


async def test_history_without_runs_has_no_report() -> None:
    async with at_the_screen(FakeEngine()) as user:
        await user.open("history")
        await user.do("history.report")
        await user.told("there is no run under the cursor")


def test_a_table_that_is_too_wide_becomes_a_list_of_its_rows() -> None:
    """Nothing is cut off: every cell stands behind the name of its column."""
    table = Table(("", "step", "goes on when"), (("1", "stop all nodes", "every port is refused " * 5),))
    wide = document_rows([table], 200)
    assert [row.text for row in wide] == [line.text for line in document_lines([table])]
    narrow = [row.text for row in document_rows([Heading("Steps"), table], 60)]
    assert narrow[:3] == ["Steps", "", "  1 stop all nodes"]
    assert narrow[3].startswith("    goes on when  every port is refused")


def test_other_blocks_are_as_in_print() -> None:
    blocks: list[Block] = [Heading("Title"), Facts((("cluster", "logs-demo"),)), Quoted(())]
    assert [row.text for row in document_rows(blocks, 40)] == [line.text for line in document_lines(blocks)]


def test_a_file_name_has_no_path_in_it() -> None:
    assert file_name("run-book-../etc/x y") == "run-book-..-etc-x-y"
    assert "/" not in file_name("a/b")
