"""The journal of a run: one checksummed record per line, on disk before the act that it announces."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from estui.act.fs import Fs, Owner
from estui.errors import EstuiError, Location, StoreError
from estui.formats.wire import Json, as_text, to_json
from estui.model.observed import FileKind

RUNS = "runs"
JOURNAL = "journal.jsonl"
BEGIN = "begin"
JOURNAL_FORMAT = 1
"""Number in the first record; a reader refuses a larger one."""
_RUN_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-f]{4}")

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
    return hashlib.sha256(as_text(body, sort_keys=True)).hexdigest()[:16]


@functools.lru_cache(maxsize=64)
def parse_journal(content: bytes, path: str) -> tuple[Record, ...]:
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
    _check_format(records, path)
    return tuple(records)


def _check_format(records: list[Record], path: str) -> None:
    number = records[0].fields.get("format", 0) if records else 0
    if isinstance(number, int) and number > JOURNAL_FORMAT:
        raise StoreError("was written by a newer estui", location=Location(path), hint="use the newer estui")


def _parse_line(line: bytes) -> Record | None:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
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
        self._one_by_one = threading.Lock()
        self._latest: dict[tuple[str, str], tuple[list[Record], int, dict[str, Record]]] = {}
        self.records = self._read()

    @property
    def path(self) -> str:
        return f"{RUNS}/{self.run}/{JOURNAL}"

    def _read(self) -> list[Record]:
        state = self.fs.read(self.workspace, self.path)
        if not state.exists:
            return []
        shown = f"{self.workspace}/{self.path}"
        if state.kind is not FileKind.FILE:
            # an unreadable journal must never pass for an empty one
            reason = state.error or f"is a {state.kind.value}"
            raise StoreError(f"cannot be read: {reason}", location=Location(shown), hint="make it readable")
        records = list(parse_journal(state.content, shown))
        self._torn = bool(state.content) and not state.content.endswith(b"\n")
        return records

    _torn = False
    _unsure = False

    def write(self, act: str, **fields: object) -> Record:
        """One record, on disk when this returns; any thread may write.

        Raises ApplyError where it cannot be written; whether it is there is then read again before the next one.
        """
        with self._one_by_one:
            return self._write(act, fields)

    def _write(self, act: str, fields: Mapping[str, object]) -> Record:
        if self._unsure:
            self.records = self._read()
            self._unsure = False
        body: dict[str, Json] = {"n": len(self.records) + 1, "at": stamp(self.clock()), "act": act}
        body.update({name: to_json(value) for name, value in fields.items()})
        line = as_text({**body, "sum": _checksum(body)}) + b"\n"
        # a torn line before this one gets its line end, so that this one stands alone
        try:
            self.fs.append(self.workspace, self.path, (b"\n" if self._torn else b"") + line)
        except EstuiError:
            self._unsure = True
            raise
        self._torn = False
        record = _parse_line(line.rstrip(b"\n"))
        assert record is not None  # noqa: S101 - just written
        self.records.append(record)
        return record

    def find(self, act: str) -> list[Record]:
        return [record for record in self.records if record.act == act]

    def has(self, act: str) -> bool:
        return any(record.act == act for record in self.records)

    def latest(self, act: str, name: str) -> Mapping[str, Record]:
        """The last record of an act for each value of one of its fields; a look costs no more than what is new."""
        records, seen, found = self._latest.get((act, name), (self.records, 0, {}))
        if records is not self.records:
            seen, found = 0, {}
        for record in self.records[seen:]:
            if record.act == act:
                found[record.text(name)] = record
        self._latest[act, name] = self.records, len(self.records), found
        return found


def make_run_folder(fs: Fs, workspace: str, run: str) -> None:
    """The run's folder in the workspace, readable by its owner only."""
    fs.make_folder(workspace, RUNS, 0o700, Owner())
    fs.make_folder(workspace, f"{RUNS}/{run}", 0o700, Owner())


def run_ids(fs: Fs, workspace: str) -> tuple[str, ...]:
    """Ids of all runs, in the order in which they began.

    Each run counts on from the ones before it, so that a clock that was set back changes nothing; ids that never
    began come first.
    """
    names = [name for name in fs.names(workspace, RUNS) if _RUN_ID.fullmatch(name)]
    return tuple(sorted(names, key=lambda run: (run_number(fs, workspace, run), run)))


def run_number(fs: Fs, workspace: str, run: str) -> int:
    """Place of a run among all runs, from 1; 0 where it never began."""
    begin = next(iter(Journal(fs, workspace, run).find(BEGIN)), None)
    number = begin.fields.get("number", 0) if begin else 0
    return number if isinstance(number, int) else 0


def next_number(fs: Fs, workspace: str) -> int:
    """Number for a run that begins now. The workspace's lock must be held."""
    names = (name for name in fs.names(workspace, RUNS) if _RUN_ID.fullmatch(name))
    return 1 + max((run_number(fs, workspace, run) for run in names), default=0)
