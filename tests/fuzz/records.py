"""Targets for estui's own JSON: plans, journals, the workspace's records, requests for an external CA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from estui.act import passphrase
from estui.act.journal import _checksum, parse_journal
from estui.act.workspace import parse_identity
from estui.formats.wire import _digest, decode, loads, parse_plan, plan_bytes
from estui.model.csr import CsrAnswers, CsrSet
from tests.fuzz.engine import Target
from tests.fuzz.mutation import mutate_json
from tests.unit.formats.test_wire import PLAN

_GOLDEN = Path(__file__).parents[1] / "golden"


def _plans() -> list[bytes]:
    return [plan_bytes(PLAN), *(path.read_bytes() for path in sorted(_GOLDEN.glob("minimal*.json")))]


def _right_digest(content: bytes) -> bytes:
    try:
        outer: Any = json.loads(content)
        return json.dumps({**outer, "digest": _digest(outer["plan"])}).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return content


def _journals() -> list[bytes]:
    bodies: list[dict[str, Any]] = [
        {"n": 1, "at": "2026-11-25T01:02:03.004Z", "act": "begin", "format": 1, "number": 1, "kind": "apply"},
        {"n": 2, "at": "2026-11-25T01:02:04.004Z", "act": "step", "step": "commit", "state": "done", "evidence": []},
        {"n": 3, "at": "x", "act": "commit", "targets": ["es-1"], "files": {"a": {"sha256": "0"}}},
    ]
    return [b"".join(json.dumps(body).encode() + b"\n" for body in bodies)]


def _right_sums(content: bytes) -> bytes:
    lines = []
    for line in content.split(b"\n"):
        try:
            body = json.loads(line)
            lines.append(json.dumps({**body, "sum": _checksum({k: v for k, v in body.items() if k != "sum"})}).encode())
        except (ValueError, TypeError, RecursionError):
            lines.append(line)
    return b"\n".join(lines)


def _read_journal(content: bytes) -> None:
    parse_journal.__wrapped__(content, "journal.jsonl")


def _read_records(content: bytes) -> None:
    body = loads(content, "x")
    for kind in (CsrSet, CsrAnswers):
        decode(kind, body, "x")


_IDENTITY = {"format": 1, "id": "w", "digest_key": "AAAA", "confirmed_commands": ["a"]}
_MARKER = {"format": 1, "at": "2026-11-25", "files": ["ca/http/ca.key", "secrets.json"]}

RECORDS = (
    Target("plan", _plans, lambda content: parse_plan(content, "plan.json"), mutate_json, _right_digest),
    Target("journal", _journals, _read_journal, repair=_right_sums),
    Target("identity", lambda: [json.dumps(_IDENTITY).encode()], lambda c: parse_identity(c, "x"), mutate_json),
    Target(
        "passphrase-marker",
        lambda: [json.dumps(_MARKER).encode()],
        lambda c: passphrase._marker(loads(c, "x"), "x"),
        mutate_json,
    ),
)
