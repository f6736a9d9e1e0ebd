"""What fuzzing found, each as the smallest input that showed it. `SECURITY.md` tells how to fuzz."""

from __future__ import annotations

import json

import pytest

from estui.act.journal import parse_journal
from estui.errors import StoreError
from estui.formats import beats_keystore
from estui.formats.wire import _digest, as_text, loads, parse_plan, plan_bytes
from tests.fuzz.records import _right_sums
from tests.unit.formats.test_wire import PLAN


def test_a_beats_value_that_is_no_ascii_is_damage() -> None:
    with pytest.raises(StoreError, match="no text"):
        beats_keystore._parse_entries('{"A":{"value":"é"}}'.encode(), "metricbeat.keystore")


def test_a_kind_of_change_that_is_no_text_is_damage() -> None:
    outer = json.loads(plan_bytes(PLAN))
    outer["plan"]["stages"][0]["changes"][0]["kind"] = {}
    outer["digest"] = _digest(outer["plan"])
    with pytest.raises(StoreError, match="not a kind of change"):
        parse_plan(json.dumps(outer).encode(), "plan.json")


def test_half_a_character_in_a_record_is_written_and_read_again() -> None:
    assert loads(as_text({"a": "\ud800"}), "x") == {"a": "\ud800"}
    line = b'{"n": 1, "at": "x", "act": "begin", "name": "\\ud800"}\n'
    assert parse_journal(_right_sums(line), "journal.jsonl")[0].text("name") == "\ud800"


def test_a_record_that_nests_without_end_is_no_record() -> None:
    assert parse_journal(b"[" * 200_000 + b"\n", "journal.jsonl") == ()
