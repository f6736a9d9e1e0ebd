"""The journal of a run: one checksummed record per line, on disk before the act that it announces."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from estui.act.fs import Fs, Owner
from estui.errors import Location, StoreError
from estui.formats.wire import Json, to_json

RUNS = "runs"
JOURNAL = "journal.jsonl"
JOURNAL_FORMAT = 1

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of this host, in UTC."""
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """A moment as the journal writes it: ISO 8601 in UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Record:
    """One line: its number, moment, what it records, and the rest."""

    number: int
    at: str
    act: str
    fields: dict[str, Json]

    def text(self, name: str) -> str:
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""


def _checksum(body: dict[str, Json]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def parse_journal(content: bytes, path: str) -> list[Record]:
    """Records in order; a line that was torn while it was written is left out.

    Raises StoreError where a record is missing: each carries its number, so a damaged line that once was
    whole leaves a gap.
    """
    records: list[Record] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        record = _parse_line(line) if line else None
        if record is None:
            continue
        if record.number != len(records) + 1:
            raise StoreError(
                "misses a record or has a damaged one",
                location=Location(path, number),
                hint="restore it from a backup",
            )
        records.append(record)
    return records


def _parse_line(line: bytes) -> Record | None:
    try:
        body = json.loads(line)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    checksum = body.pop("sum", None)
    if checksum != _checksum(body) or not isinstance(body.get("n"), int):
        return None
    return Record(body.pop("n"), str(body.pop("at", "")), str(body.pop("act", "")), body)


class Journal:
    """Appends to and reads the journal of one run."""

    def __init__(self, fs: Fs, workspace: str, run: str, clock: Clock = utc_now) -> None:
        self.fs = fs
        self.workspace = workspace
        self.run = run
        self.clock = clock
        self.records = self._read()

    @property
    def path(self) -> str:
        return f"{RUNS}/{self.run}/{JOURNAL}"

    def _read(self) -> list[Record]:
        state = self.fs.read(self.workspace, self.path)
        if not state.exists:
            return []
        content = state.content
        records = parse_journal(content, f"{self.workspace}/{self.path}")
        self._torn = bool(content) and not content.endswith(b"\n")
        return records

    _torn = False

    def write(self, act: str, **fields: object) -> Record:
        """One record, on disk when this returns."""
        body: dict[str, Json] = {"n": len(self.records) + 1, "at": stamp(self.clock()), "act": act}
        body.update({name: to_json(value) for name, value in fields.items()})
        line = json.dumps({**body, "sum": _checksum(body)}, ensure_ascii=False).encode() + b"\n"
        # a torn line before this one gets its line end, so that this one stands alone
        self.fs.append(self.workspace, self.path, (b"\n" if self._torn else b"") + line)
        self._torn = False
        record = _parse_line(line.rstrip(b"\n"))
        assert record is not None  # noqa: S101 - just written
        self.records.append(record)
        return record

    def find(self, act: str) -> list[Record]:
        return [record for record in self.records if record.act == act]

    def has(self, act: str) -> bool:
        return any(record.act == act for record in self.records)


def make_run_folder(fs: Fs, workspace: str, run: str) -> None:
    """The run's folder in the workspace, readable by its owner only."""
    fs.make_folder(workspace, RUNS, 0o700, Owner())
    fs.make_folder(workspace, f"{RUNS}/{run}", 0o700, Owner())


def run_ids(fs: Fs, workspace: str) -> tuple[str, ...]:
    """Ids of all runs, oldest first (they begin with their UTC time)."""
    return fs.names(workspace, RUNS)
