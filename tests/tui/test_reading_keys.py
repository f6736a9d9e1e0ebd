"""Keys that show the same thing in another way, or explain it: split, wide, explain, go to; and leaving out."""

from __future__ import annotations

import pytest

from estui.present import Kind, TargetRow
from estui.secret import Secret
from estui.tui.keymap import BY_ID
from estui.tui.node_rows import nodes_table
from estui.tui.session import Stage
from tests.tui.builders import secured, trusting_both
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import PASSPHRASE, FakeEngine
from tests.tui.test_rollover_view import goal_of
from tests.tui.test_views import with_findings

ROWS = [
    TargetRow(
        "es-1",
        "●",
        "127.0.0.1:9201",
        "basic + HTTPS",
        "397 d",
        "12 d !!",
        "NOT LOADED",
        "1 error",
        Kind.WARN,
        differences=("not loaded",),
    ),
    TargetRow(
        "es-data-2", "●", "10.0.0.4:9201", "basic + HTTPS", "9 d", "396 d", "as on disk", "2 warnings", Kind.TEXT
    ),
    TargetRow("kibana/kibana", "●", "127.0.0.1:5601", "https", "", "396 d", "available", "", Kind.TEXT),
]


@pytest.mark.parametrize("width", range(34, 130))
def test_no_cell_of_the_nodes_table_is_cut(width: int) -> None:
    """At any width columns go as a whole, and the rows fit."""
    table = nodes_table(ROWS, width)
    assert all(len(row.text) <= width for row in table.rows)
    assert not any("…" in row.text for row in (*table.rows, *([table.heading] if table.heading else [])))


def test_the_columns_go_in_their_order() -> None:
    """First the address, then the ends, then the words of the findings, then what is served, told in the state."""
    shown = {width: nodes_table(ROWS, width).rows[0].text for width in (100, 75, 55, 45, 34)}
    assert "127.0.0.1:9201" in shown[100]
    assert "127.0.0.1" not in shown[75]
    assert "12 d !!" in shown[75]
    assert "12 d" not in shown[55]
    assert "1 error" in shown[55]
    assert shown[45].split() == ["●", "es-1", "basic", "+", "HTTPS", "✗", "NOT", "LOADED", "✗"]
    assert shown[34].split() == ["●", "es-1", "✗", "NOT", "LOADED", "✗"]


async def test_wide_shows_every_column() -> None:
    """w gives each row as many lines as its columns take, with their names; w again takes that back."""
    async with at_the_screen(with_findings(), size=(80, 24)) as user:
        await user.until(lambda: user.session.findings, "the findings")
        assert "127.0.0.1:9201" not in user.rows("node-list")
        await user.do("view.wide")
        assert "address 127.0.0.1:9201" in user.rows("node-list")
        assert "transport 396 d" in user.rows("node-list")
        assert "wide" in user.screen
        await user.do("view.wide", "pane.3", "view.wide")
        assert "127.0.0.1:9201" not in user.rows("node-list")
        await user.told("there are no columns here")
        await user.open("certificates")
        await user.do("view.wide")
        assert "seen es-1 transport (disk, served)" in user.listed


async def test_a_change_side_by_side() -> None:
    """s puts what is beside what will be, the cursor on the same change; n goes on from there; s puts it back."""
    async with at_the_screen() as user:
        await user.review("https")
        await user.do("review.next", "review.next", "review.next")
        view = user.main.view("review")
        before = view.rows[view.cursor].text
        assert "xpack.security.enabled: false" in before
        await user.do("review.split")
        here = view.rows[view.cursor]
        assert "xpack.security.enabled: false" in here.text
        assert here.beside is not None
        assert "xpack.security.enabled: true" in "".join(span.text for span in here.beside)
        assert "│" in user.screen.splitlines()[20]
        await user.do("review.next")
        assert view.cursor > 0
        await user.do("review.previous", "review.split")
        assert view.rows[view.cursor].text == before


async def test_a_wide_screen_shows_it_side_by_side_by_itself() -> None:
    """Where the pane has the room nobody has to ask; a narrower terminal takes it back, the cursor stays."""
    async with at_the_screen(size=(200, 50)) as user:
        await user.review("https")
        view = user.main.view("review")
        assert any(row.beside is not None for row in view.rows)
        await user.do("review.next", "review.next", "review.next")
        await user.pilot.resize_terminal(100, 30)
        await user.until(lambda: all(row.beside is None for row in view.rows), "the unified review")
        assert "xpack.security.enabled: false" in view.rows[view.cursor].text


async def test_a_target_is_left_out_of_the_plan() -> None:
    """x on a file asks which target, the harmless answer first; the plan is made again without it."""
    engine = FakeEngine(secured())
    engine.passphrase = Secret(PASSPHRASE)
    async with at_the_screen(engine) as user:
        await user.do("nodes.mark", "nodes.mark", "nodes.mark", "nodes.rotate")
        await user.until(lambda: user.session.plan and not user.session.planning, "the plan")
        await user.do("review.leave-out")
        await user.told("go to a file")
        await user.do("review.next-file")
        await user.until(lambda: user.main.targets_here(), "a file")
        await user.do("review.leave-out")
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("enter")
        assert user.session.plan is not None
        assert len(user.session.plan.places) == 3
        await user.do("review.leave-out")
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("1")
        await user.until(lambda: user.session.plan and len(user.session.plan.places) == 2, "the smaller plan")
        assert engine.goals[-1].only == ("es-2", "es-3")
        assert engine.goals[-1].rotation is not None
        assert engine.calls == []


async def test_a_phase_of_a_rollover_is_never_made_smaller() -> None:
    """Whoever is left out of a phase would be cut off by the next one: x says so."""
    engine = FakeEngine(trusting_both())
    async with at_the_screen(engine) as user:
        plan = engine.run_plan("")
        from dataclasses import replace

        from estui.model.goal import Phase

        rolling = replace(plan, goal=goal_of(Phase.SWITCH))
        user.main.change(stage=Stage.REVIEW, plan=rolling, undoes="")
        assert "for every node" in user.main.reason("review.leave-out")
        user.main.change(undoes="some run")
        assert "an undo is whole" in user.main.reason("review.leave-out")


async def test_every_pane_and_view_explains_its_words() -> None:
    """i opens a page with what is seen there; in the ladder the step under the cursor comes first."""
    wanted = {
        "pane.1": "NOT LOADED",
        "pane.2": "transport CA",
        "pane.3": "set-up-",
        "pane.4": "a line that is new",
        "open.certificates": "not yet valid",
        "open.findings": "the node does not start",
        "open.rollover": "trust both",
        "open.history": "interrupted",
        "open.adoption": "at hand",
    }
    async with at_the_screen(FakeEngine(secured())) as user:
        for place, words in wanted.items():
            await user.do(place, "view.explain")
            await user.until(lambda: user.dialog == "Page", place)
            assert words in user.screen, user.screen
            await user.press("escape")


async def test_letters_lead_everywhere() -> None:
    """ctrl+o lists every pane and view with a letter of its name; the letter goes there, also from a view."""
    places = [key for key in BY_ID.values() if key.id.startswith(("pane.", "open."))]
    async with at_the_screen(FakeEngine(secured())) as user:
        await user.do("app.jump")
        await user.until(lambda: user.dialog == "Choose", "the letters")
        assert all(key.word in user.screen for key in places if key.id[-1] in "1234" or key.id.startswith("open."))
        await user.press("h")
        await user.until(lambda: user.dialog == "HistoryView", "the history")
        await user.do("app.jump")
        await user.until(lambda: user.dialog == "Choose", "the letters")
        await user.press("s")
        await user.until(lambda: user.dialog == "", "the main screen")
        assert user.main.here == "scenario"
