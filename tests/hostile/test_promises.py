"""`SECURITY.md` names a test for every promise, and each of them exists; and the promises about estui's own records."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from estui.act.journal import parse_journal
from estui.errors import StoreError
from estui.formats.wire import parse_plan, plan_bytes
from tests.fuzz.records import _journals, _right_sums
from tests.unit.formats.test_wire import PLAN

ROOT = Path(__file__).parents[2]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text())


def test_the_threat_model_names_tests() -> None:
    assert len(NAMED) > 40
    rows = [line for line in (ROOT / "SECURITY.md").read_text().splitlines() if line.startswith("| ")]
    promises = rows[rows.index("| promise | test |") :]
    unproven = [line for line in promises if line != "| promise | test |" and "::" not in line]
    assert not unproven, "a promise without its test"


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_every_test_that_the_threat_model_names_exists(path: str, name: str) -> None:
    defined = ast.walk(ast.parse((ROOT / path).read_text()))
    assert name in {each.name for each in defined if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_hostile_test_is_part_of_the_threat_model_or_of_such_a_test() -> None:
    """A new promise is written down: at least one test of every file here is named."""
    files = {path.relative_to(ROOT).as_posix() for path in Path(__file__).parent.glob("test_*.py")}
    assert files <= {path for path, _ in NAMED}


@pytest.mark.parametrize("edit", ["workspace", "cluster", "goal", "stages", "pins"])
def test_a_plan_that_was_edited_by_hand_is_refused(edit: str) -> None:
    """What was reviewed is what is applied: another value, and another type with a right digest, are both told."""
    outer = json.loads(plan_bytes(PLAN))
    assert edit in outer["plan"]
    outer["plan"][edit] = "../../../etc/shadow"
    with pytest.raises(StoreError, match=r"edited or damaged|expected|found") as told:
        parse_plan(json.dumps(outer).encode(), "plan.json")
    assert told.value.hint


@pytest.mark.parametrize("at", range(3))
def test_a_journal_that_was_edited_by_hand_is_refused(at: int) -> None:
    """A changed record no longer has its checksum; a record that is taken out leaves a gap in the numbers."""
    lines = _right_sums(_journals()[0]).splitlines(keepends=True)
    assert len(parse_journal(b"".join(lines), "journal.jsonl")) == 3
    for changed in (lines[at].replace(b'"act"', b'"act" ').replace(b"2026", b"2027").replace(b'"x"', b'"y"'), b""):
        edited = b"".join([*lines[:at], changed, *lines[at + 1 :]])
        if at < 2:
            with pytest.raises(StoreError, match="misses a record") as told:
                parse_journal(edited, "journal.jsonl")
            assert told.value.location is not None
            assert told.value.hint
        else:
            assert len(parse_journal(edited, "journal.jsonl")) == 2  # as a record that was torn
