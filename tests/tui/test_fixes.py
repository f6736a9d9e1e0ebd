"""From a finding to the review of its fix, and the words of differing views, in a user's words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estui.errors import ApplyError
from estui.formats import yml
from estui.model.finding import Finding, Severity
from estui.model.inventory import BeatEntry
from estui.model.observed import Observed, ObservedBeat, OnDisk
from estui.model.views import Difference
from estui.present import ASCII, UNICODE, Kind, TargetRow
from estui.secret import Secret
from estui.tui.node_rows import nodes_table
from estui.tui.session import Stage
from tests.tui.builders import _file, authority, secured
from tests.tui.driver import User, at_the_screen
from tests.tui.fake_engine import PASSPHRASE, FakeEngine

MASTERS = b'cluster.initial_master_nodes: ["es-1", "es-2"]\n'


def _left(name: str, fix: str) -> Finding:
    return Finding(
        "initial-masters-left",
        Severity.WARNING,
        name,
        "cluster.initial_master_nodes is still set",
        hint="remove it",
        effect="a warning at every start",
        title="initial master nodes are still set",
        fix=fix,
    )


FOUND = (
    *(_left(name, f"estui doctor --fix initial-masters-left@{name}") for name in ("es-1", "es-2")),
    Finding("leaf-expires-soon", Severity.WARNING, "es-3", "ends in 12 d", effect="refused", fix="estui rotate es-3"),
    Finding("security-off", Severity.NOTE, "es-3", "security is off", title="security is off"),
)


def with_masters() -> Observed:
    """Two nodes keep a setting of the very first start."""
    before = secured()

    def left(node_content: bytes) -> bytes:
        return node_content + MASTERS

    nodes = []
    for node in before.nodes:
        content = left(node.files["elasticsearch.yml"].content) if node.name != "es-3" else b""
        if content:
            node = replace(
                node,
                files={**node.files, "elasticsearch.yml": _file(content)},
                settings=yml.parse_settings(content, "elasticsearch.yml"),
            )
        nodes.append(node)
    return replace(before, nodes=tuple(nodes))


def with_fixes() -> FakeEngine:
    engine = FakeEngine(with_masters())
    engine.found = FOUND
    engine.passphrase = Secret(PASSPHRASE)
    return engine


async def test_a_fix_is_planned_for_all_its_targets_and_reviewed_like_any_plan() -> None:
    """f on a finding with a fix: the review has just these nodes and this setting; the apply is asked for as ever."""
    engine = with_fixes()
    async with at_the_screen(engine) as user:
        await user.open("findings")
        assert "fix: estui doctor --fix initial-masters-left" in user.screen
        await user.do("findings.fix")
        await user.until_stage(Stage.REVIEW)
        assert user.dialog == ""
        assert user.session.plan is not None
        assert user.session.plan.goal.fix == "initial-masters-left"
        assert {place.target for place in user.session.plan.places} == {"es-1", "es-2"}
        assert "- cluster.initial_master_nodes" in user.rows("review")
        assert engine.calls == []
        await user.do("plan.apply")
        await user.until(lambda: user.dialog == "Confirm", "the question")
        await user.press("y")
        await user.until_stage(Stage.VERDICT)


async def test_a_target_is_left_out_of_a_fix() -> None:
    """x in the review of a fix plans the same fix again without it."""
    async with at_the_screen(with_fixes()) as user:
        await user.open("findings")
        await user.do("findings.fix")
        await user.until_stage(Stage.REVIEW)
        await user.do("review.next", "review.leave-out")
        await user.until(lambda: user.dialog == "Choose", "the question")
        await user.press("1")
        await user.until(lambda: user.session.plan and len(user.session.plan.places) == 1, "the smaller plan")
        assert user.session.plan is not None
        assert user.session.plan.goal.fix == "initial-masters-left"


async def test_where_a_fix_is_no_plan_the_key_names_the_command() -> None:
    """Another command, or a person's judgement: the key says which, and is dim."""
    async with at_the_screen(with_fixes()) as user:
        await user.open("findings")
        await user.do("move.down", "findings.fix")
        await user.told("estui rotate es-3 puts it right")
        await user.do("move.down", "findings.fix")
        await user.told("this takes a person's judgement")
        assert user.dialog == "FindingsView"
        assert user.session.stage is Stage.EMPTY


async def test_a_fix_that_cannot_be_planned_says_why_in_the_view() -> None:
    """What was found is gone meanwhile, or takes judgement: the reasons stay in the view."""
    engine = with_fixes()
    engine.now_observed = secured()
    async with at_the_screen(engine) as user:
        await user.open("findings")
        await user.do("findings.fix")
        await user.told("what is right there takes a person's judgement")
        assert user.dialog == "FindingsView"


# the nodes table


def _row(served: str, *differences: Difference) -> TargetRow:
    names = tuple(each.value for each in differences)
    kind = Kind.WARN if differences else Kind.TEXT
    return TargetRow("es-1", "●", "127.0.0.1:9201", "basic", "9 d", "9 d", served, "", kind, differences=names)


@pytest.mark.parametrize("difference", [each for each in Difference if each.value not in ("pending", "unreachable")])
def test_every_difference_is_styled_alike(difference: Difference) -> None:
    """Sign, word and style are the same for all of them, whatever they are called; in ASCII too."""
    for glyphs in (UNICODE, ASCII):
        row = nodes_table([_row(difference.value.upper(), difference)], 120, glyphs=glyphs).rows[0]
        spans = [span for span in row.spans if difference.value.upper() in span.text]
        assert [span.style for span in spans] == ["bad"]
        assert spans[0].text.startswith(f"{glyphs.failed} ")


def test_what_need_not_be_wrong_only_warns() -> None:
    row = nodes_table([_row("PENDING", Difference.PENDING)], 120).rows[0]
    span = next(span for span in row.spans if "PENDING" in span.text)
    assert span.style == "warn"
    assert span.text.startswith("!! PENDING")


def test_in_a_narrow_table_the_difference_stands_as_the_state() -> None:
    row = nodes_table([_row("NOT LOADED", Difference.NOT_LOADED)], 40).rows[0]
    assert "✗ NOT LOADED" in row.text
    assert "bad" in [span.style for span in row.spans]


def with_beat() -> Observed:
    trust = OnDisk(trusted=(authority("http"),))
    beat = ObservedBeat(BeatEntry("/etc/metricbeat"), "metrics", {}, trust=trust, kind="metricbeat")
    return replace(secured(), beats=(beat,))


def differing_rows() -> list[TargetRow]:
    """A node for each difference, and one without."""
    rows = [_row("as on disk")] + [_row(f"{each.value.upper()}, as on disk", each) for each in Difference]
    return [replace(row, target=f"es-{number}") for number, row in enumerate(rows, start=1)]


async def test_a_beat_opens_its_details() -> None:
    """Enter on a Beat shows everything about it; it is counted among the nodes, and its folder can be copied."""
    async with at_the_screen(FakeEngine(with_beat()), size=(80, 24)) as user:
        assert "1 Nodes · 5" in user.screen
        await user.do("move.end", "nodes.open")
        await user.until(lambda: user.dialog == "Page", "the details")
        await user.told("folder /etc/metricbeat")
        await user.press("escape")
        await user.do("view.copy")
        assert user.app.clipboard == "/etc/metricbeat"


# a gate that stays open

REASON = "log of es-2: failed to load SSL configuration [xpack.security.http.ssl]: cannot read node.key"


async def failed_start(user: User) -> None:
    user.engine.fail_with = ApplyError(
        "es-2: did not come up as planned: connection refused",
        reasons=(REASON,),
        hint="look at its log, then: estui runbook resume",
    )
    user.engine.fail_at = "start"
    await user.review("https")
    await user.confirm_apply()
    await user.until(lambda: user.session.run and user.session.run.asks, "the gate")
    await user.do("run.go-on")
    await user.until(lambda: user.session.run and user.session.run.problem, "the failure")


async def test_the_reason_of_a_log_is_in_sight_when_a_gate_fails(tmp_path: Path) -> None:
    """At 80 columns too: what failed, what the node's log says about it, and the keys that go on or back."""
    async with at_the_screen(size=(80, 24)) as user:
        await failed_start(user)
        seen = " ".join(user.screen.replace("┃", " ").split())
        assert REASON in seen
        assert "s tries the step again" in seen
        assert "u takes everything back" in seen
