"""Plans, reviews and refusals as people and files see them, byte for byte.

`pytest tests/golden --update-golden` rewrites the files; the difference is then read like any other change.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from estui import present
from estui.decide.diff import build_review
from estui.decide.plan import build_plan
from estui.errors import PlanError
from estui.formats.wire import dumps, parse_plan, plan_bytes
from estui.model.plan import Plan
from tests.golden.samples import CASES, REFUSED
from tests.unit.decide.samples import WORKSPACE

FOLDER = Path(__file__).parent


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(bool(request.config.getoption("--update-golden")))


class Golden:
    """Compares with a file of this folder, or writes it."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def check(self, name: str, content: bytes) -> None:
        path = FOLDER / name
        if self.update:
            path.write_bytes(content)
        expected = path.read_bytes().decode() if path.exists() else "(no file: run with --update-golden)"
        assert content.decode() == expected
        assert b"\r" not in content


def plan_of(name: str, root: Path) -> tuple[Plan, bytes]:
    """Plan of a case, and its review as text."""
    case = CASES[name]
    lab = case.lab(root)
    observed = case.observed(lab)
    plan = build_plan(observed, case.goal, workspace=WORKSPACE, now=lab.now)
    lines = present.review_lines(plan, build_review(plan, observed))
    return plan, "".join(f"{line.text}\n" for line in lines).encode()


@pytest.mark.parametrize("name", CASES)
def test_the_review_reads_as_it_did(name: str, golden: Golden, tmp_path: Path) -> None:
    golden.check(f"{name}.txt", plan_of(name, tmp_path)[1])


@pytest.mark.parametrize("name", ["minimal-one-node", "https-three-nodes-kibana", "https-pkcs12"])
def test_the_plan_file_is_as_it_was(name: str, golden: Golden, tmp_path: Path) -> None:
    plan, _ = plan_of(name, tmp_path)
    golden.check(f"{name}.json", dumps(plan))
    assert parse_plan(plan_bytes(plan), "plan.json") == plan


def test_refusals_read_as_they_did(golden: Golden, tmp_path: Path) -> None:
    shown = []
    for name, case in REFUSED.items():
        lab = case.lab(tmp_path / name.replace(" ", "-"))
        with pytest.raises(PlanError) as refused:
            build_plan(case.observed(lab), case.goal, workspace=WORKSPACE, now=lab.now)
        shown += [f"# {name}", *refused.value.lines(), ""]
    golden.check("refusals.txt", "\n".join(shown).encode())
