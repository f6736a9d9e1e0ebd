"""Certificate requests of the workspace and the answers to them, as their files tell. `act/csr.py` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from estui.errors import Location, StoreError
from estui.formats.pem import load_certificates
from estui.formats.wire import decode, loads
from estui.model.csr import CSR_FORMAT, CsrAnswer, CsrAnswers, CsrSet
from estui.model.observed import FileKind, ImportedLeaf
from estui.observe.files import read_state
from estui.pki.facts import certificate_facts

_Record = TypeVar("_Record", CsrSet, CsrAnswers)
FOLDER = "csr"
REQUESTS_JSON, ANSWERS_JSON = "requests.json", "answers.json"


def read_sets(workspace: Path) -> tuple[CsrSet, ...]:
    """Every set of requests, oldest first; a folder without `requests.json` was cut short and is passed over.

    Raises StoreError: one that cannot be read, or was written by a newer estui.
    """
    found = []
    for name in _folders(workspace):
        path = workspace / FOLDER / name / REQUESTS_JSON
        content = _content(path)
        if content is not None:
            found.append(_record(CsrSet, content, path))
    return tuple(found)


def read_answers(workspace: Path, csr: str) -> CsrAnswers:
    """The answers of one set; none where nothing was imported. Raises StoreError."""
    path = workspace / FOLDER / csr / ANSWERS_JSON
    content = _content(path)
    return CsrAnswers("", ()) if content is None else _record(CsrAnswers, content, path)


def read_imported(workspace: Path) -> tuple[ImportedLeaf, ...]:
    """Every imported leaf, oldest set first. Raises StoreError: an answer that cannot be read, or is another one."""
    found = []
    for each in read_sets(workspace):
        entries = {entry.stem: entry for entry in each.entries}
        for answer in read_answers(workspace, each.id).answers:
            if entry := entries.get(answer.stem):
                target = entry.request.target
                found += [_leaf(workspace, each.id, answer, target, set_name) for set_name in entry.sets]
    return tuple(found)


def _leaf(workspace: Path, csr: str, answer: CsrAnswer, target: str, set_name: str) -> ImportedLeaf:
    path = workspace / FOLDER / csr / answer.file
    content = _content(path)
    if content is None:
        raise StoreError("is missing", location=Location(str(path)), hint="import the certificate again")
    chain = tuple(certificate_facts(each) for each in load_certificates(content, str(path)))
    if chain[0].sha256 != answer.sha256:
        raise StoreError(
            "does not hold the leaf that was imported", location=Location(str(path)), hint="import it again"
        )
    return ImportedLeaf(csr, target, set_name, answer.authority, chain)


def _folders(workspace: Path) -> list[str]:
    home = workspace / FOLDER
    try:
        return sorted(entry.name for entry in home.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as exc:
        raise StoreError("cannot be read", location=Location(str(home))) from exc


def _content(path: Path) -> bytes | None:
    state = read_state(path)
    if state.kind is FileKind.ABSENT:
        return None
    if state.error or state.kind is not FileKind.FILE:
        raise StoreError(state.error or f"is a {state.kind.value}, not a file", location=Location(str(path)))
    return state.content


def _record(kind: type[_Record], content: bytes, path: Path) -> _Record:
    body = loads(content, str(path))
    number = body.get("format") if isinstance(body, dict) else None
    if not isinstance(number, int) or number > CSR_FORMAT:
        raise StoreError(
            f"has format {number!r}, which this estui does not know",
            location=Location(str(path)),
            hint="use a newer one",
        )
    return decode(kind, body, str(path))
