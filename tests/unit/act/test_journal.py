"""The journal: on disk before the act, torn ends recognised, nothing else forgiven."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.act.fs import RealFs
from estui.act.journal import BEGIN, JOURNAL_FORMAT, Journal, make_run_folder, next_number, parse_journal, run_ids
from estui.act.system import SystemCalls
from estui.errors import ApplyError, StoreError

RUN = "2026-11-24T01-02-03Z-abcd"


def journal(tmp_path: Path, run: str = RUN, fs: RealFs | None = None) -> Journal:
    fs = fs or RealFs()
    make_run_folder(fs, str(tmp_path), run)
    return Journal(fs, str(tmp_path), run, lambda: datetime(2026, 11, 24, tzinfo=UTC))


def file_of(tmp_path: Path, run: str = RUN) -> Path:
    return tmp_path / "runs" / run / "journal.jsonl"


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    one = journal(tmp_path)
    one.write(BEGIN, kind="apply")
    one.write("step", step="commit", targets=("n1", "n2"), detail="é\n")
    again = journal(tmp_path)
    assert [record.act for record in again.records] == [BEGIN, "step"]
    assert again.records[1].fields["targets"] == ["n1", "n2"]
    assert again.records[1].text("detail") == "é\n"


def test_the_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    journal(tmp_path).write(BEGIN)
    assert file_of(tmp_path).stat().st_mode & 0o777 == 0o600
    assert file_of(tmp_path).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_is_left_out_and_the_next_record_stands_alone(tmp_path: Path, cut: int) -> None:
    one = journal(tmp_path)
    one.write(BEGIN)
    one.write("step", step="torn")
    content = file_of(tmp_path).read_bytes()
    file_of(tmp_path).write_bytes(content[:-cut])
    again = journal(tmp_path)
    left = [BEGIN, "step"] if cut == 1 else [BEGIN]  # only the line end is missing: the record is whole
    assert [record.act for record in again.records] == left
    again.write("step", step="after")
    assert [record.text("step") for record in journal(tmp_path).records[len(left) :]] == ["after"]


def test_a_line_of_zeros_after_a_power_loss_is_a_torn_line(tmp_path: Path) -> None:
    journal(tmp_path).write(BEGIN)
    with file_of(tmp_path).open("ab") as file:
        file.write(b"\0" * 100)
    again = journal(tmp_path)
    again.write("next")
    assert [record.act for record in journal(tmp_path).records] == [BEGIN, "next"]


def test_a_damaged_record_in_the_middle_is_refused_with_its_place(tmp_path: Path) -> None:
    one = journal(tmp_path)
    for act in (BEGIN, "two", "three"):
        one.write(act)
    file_of(tmp_path).write_bytes(file_of(tmp_path).read_bytes().replace(b'"two"', b'"TWO"'))
    with pytest.raises(StoreError, match=r"journal.jsonl:3: misses a record"):
        journal(tmp_path)


def test_an_unreadable_journal_is_never_an_empty_one(tmp_path: Path) -> None:
    journal(tmp_path).write(BEGIN)

    class Broken(SystemCalls):
        @staticmethod
        def read(number: int, size: int) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(StoreError, match="Input/output error"):
        journal(tmp_path, fs=RealFs(Broken()))


@pytest.mark.parametrize("written", [0, 10, None], ids=["nothing", "a part", "all but fsync"])
def test_a_record_that_failed_is_looked_for_before_the_next(tmp_path: Path, written: int | None) -> None:
    class Failing(SystemCalls):
        fails = False

        def write(self, number: int, data: memoryview) -> int:  # type: ignore[override]
            if self.fails and written is not None:
                os.write(number, data[:written])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return os.write(number, data)

        def fsync(self, number: int) -> None:  # type: ignore[override]
            if self.fails:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    calls = Failing()
    one = journal(tmp_path, fs=RealFs(calls))
    one.write(BEGIN)
    calls.fails = True
    with pytest.raises(ApplyError):
        one.write("failed")
    calls.fails = False
    one.write("next")
    acts = [record.act for record in journal(tmp_path).records]
    assert acts == ([BEGIN, "failed", "next"] if written is None else [BEGIN, "next"])


def test_a_journal_of_a_newer_estui_is_refused(tmp_path: Path) -> None:
    journal(tmp_path).write(BEGIN, format=JOURNAL_FORMAT + 1)
    with pytest.raises(StoreError, match="newer estui"):
        journal(tmp_path)


def test_runs_are_in_the_order_in_which_they_began_whatever_the_clock_says(tmp_path: Path) -> None:
    ids = ["2026-11-24T01-02-03Z-abcd", "2025-01-01T00-00-00Z-0001", "2026-11-24T01-02-03Z-0000"]
    for run in ids:
        number = next_number(RealFs(), str(tmp_path))
        journal(tmp_path, run).write(BEGIN, number=number)
    assert run_ids(RealFs(), str(tmp_path)) == tuple(ids)


def test_what_is_no_run_is_not_taken_for_one(tmp_path: Path) -> None:
    journal(tmp_path).write(BEGIN, number=1)
    (tmp_path / "runs/notes.txt").write_text("mine")
    (tmp_path / "runs/old").mkdir()
    assert run_ids(RealFs(), str(tmp_path)) == (RUN,)


@given(st.binary(max_size=400))
def test_no_content_crashes_the_reader(content: bytes) -> None:
    try:
        records = parse_journal(content, "journal.jsonl")
    except StoreError:
        return
    assert [record.number for record in records] == list(range(1, len(records) + 1))


def test_a_record_with_another_checksum_is_none(tmp_path: Path) -> None:
    record = journal(tmp_path).write(BEGIN, kind="apply")
    body = json.loads(file_of(tmp_path).read_bytes())
    body["kind"] = "rollback"
    assert parse_journal(json.dumps(body).encode(), "j") == ()
    assert record.text("kind") == "apply"
    assert datetime.fromisoformat(record.at.replace("Z", "+00:00")) - datetime(2026, 11, 24, tzinfo=UTC) == timedelta(0)


def test_the_latest_record_of_each_value_is_found_also_after_more_were_written(tmp_path: Path) -> None:
    one = journal(tmp_path)
    one.write("step", step="a", state="running")
    assert one.latest("step", "step")["a"].text("state") == "running"
    one.write("other", step="a", state="never")
    one.write("step", step="a", state="done")
    found = one.latest("step", "step")
    assert (found["a"].text("state"), set(found)) == ("done", {"a"})
