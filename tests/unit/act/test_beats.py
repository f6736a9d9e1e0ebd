"""Beats in a run: what goes into their keystores, whose users are touched, and how a restart is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from estui.act import beats_files, grants
from estui.act.beats import ASKED, Beats
from estui.act.context import Context
from estui.act.peers import Peers
from estui.errors import ApplyError, ProbeError, WaitingError
from estui.formats.beats_keystore import read_beats_keystore, write_beats_keystore
from estui.model.observed import ABSENT, FileKind, FileState
from estui.model.plan import GrantLogin, IndexRights, Place
from estui.observe.http import Answer, Client
from estui.secret import Secret

PLACE = Place("beat/mb", "/etc/metricbeat", 0, 0, 0o750, 0o600, 0o600)
WRITER = GrantLogin(
    "beat/mb", "mb_writer", "mb_writer", (), ("monitor",), (IndexRights(("mb-*",), ("create_doc",)),), "may publish"
)
SALT, IV = bytes(64), bytes(12)


@dataclass
class Asked:
    """A client that answers from a table, and keeps what it was asked."""

    answers: Mapping[tuple[str, str], tuple[int, object]]
    calls: list[tuple[str, str, object]] = field(default_factory=list)

    def request(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Answer:
        self.calls.append((method, path, body))
        status, content = self.answers.get((method, path), (404, {}))
        return Answer(status, {}, json.dumps(content).encode())

    @property
    def client(self) -> Client:
        return cast(Client, self)


def _context(**more: Any) -> Context:
    workspace = SimpleNamespace(identity=lambda: SimpleNamespace(id="w-1"), audit=lambda *_, **__: None)
    return cast(Context, SimpleNamespace(workspace=workspace, **more))


# keystores


def test_entries_of_before_stay_and_a_file_of_a_fips_build_stays_one() -> None:
    before = write_beats_keystore({"A": Secret("a"), "B": Secret("b")}, salt=SALT, iv=IV, is_fips=True)
    state = FileState(FileKind.FILE, before)
    content = beats_files.keystore_content(PLACE, "x.keystore", state, {"B": None, "C": Secret("c")})
    found = read_beats_keystore(content, "x")
    assert found.is_fips
    assert {name: value.reveal() for name, value in found.entries.items()} == {"A": "a", "C": "c"}


def test_a_new_keystore_is_of_the_usual_kind_and_never_twice_the_same() -> None:
    one, other = (beats_files.keystore_content(PLACE, "x.keystore", ABSENT, {"C": Secret("c")}) for _ in range(2))
    assert one.startswith(b"v1")
    assert one != other


@pytest.mark.parametrize("typed", ["0123", "1e5", "on", "a,b", " x"])
def test_a_typed_password_that_would_change_is_refused_with_the_reason(typed: str) -> None:
    with pytest.raises(ApplyError, match="would not arrive as it is") as caught:
        beats_files.require_unchanged("mb_writer", Secret(typed))
    assert repr(typed) not in str(caught.value)


# users


def test_role_and_user_are_made_with_the_mark_of_the_workspace() -> None:
    asked = Asked({("PUT", "/_security/role/mb_writer"): (200, {}), ("PUT", "/_security/user/mb_writer"): (200, {})})
    journal = Journal()
    grants.give(_context(journal=journal), asked.client, WRITER, Secret("pw-of-writer"))
    assert [(each.act, each.fields["kind"]) for each in journal.records] == [
        ("login-made", "role"),
        ("login-made", "user"),
    ]
    puts = {path: body for method, path, body in asked.calls if method == "PUT"}
    assert list(puts) == ["/_security/role/mb_writer", "/_security/user/mb_writer"]
    assert all(cast(dict[str, Any], body)["metadata"] == {"estui": "w-1"} for body in puts.values())


@pytest.mark.parametrize("kind", ["role", "user"])
@pytest.mark.parametrize("metadata", [{}, {"estui": "another"}])
def test_a_user_or_role_of_somebody_else_is_left_alone(kind: str, metadata: dict[str, str]) -> None:
    asked = Asked({("GET", f"/_security/{kind}/mb_writer"): (200, {"mb_writer": {"metadata": metadata}})})
    with pytest.raises(ApplyError, match=f"there is a {kind} mb_writer already"):
        grants.give(_context(journal=Journal()), asked.client, WRITER, Secret("pw-of-writer"))
    assert not [call for call in asked.calls if call[0] == "PUT"]


def test_what_a_run_made_is_deleted_once_and_what_was_there_stays() -> None:
    """A role of this workspace was there before; the user is new, and goes with an undo."""
    there = (200, {"mb_writer": {"metadata": {"estui": "w-1"}}})
    path = "/_security/{}/mb_writer"
    made, undo = Journal(), Journal()
    ways = {("GET", path.format("role")): there, **{("PUT", path.format(kind)): (200, {}) for kind in ("role", "user")}}
    asked = Asked({**ways, ("DELETE", path.format("user")): (200, {})})
    grants.give(_context(journal=made), asked.client, WRITER, Secret("pw-of-writer"))
    context = _context(journal=undo, run="r")
    assert grants.take_back(context, cast(Any, made), asked.client) == ["user mb_writer"]
    assert grants.take_back(context, cast(Any, made), asked.client) == []
    refused = Asked({**ways, ("DELETE", path.format("user")): (403, {})})
    with pytest.raises(ApplyError, match="was not deleted"):
        grants.take_back(_context(journal=Journal(), run="r"), cast(Any, made), refused.client)


def test_a_user_is_proven_by_its_login_and_its_privileges() -> None:
    login = {("GET", "/_security/_authenticate"): (200, {"username": "mb_writer"})}
    path = ("POST", "/_security/user/_has_privileges")
    assert "may do" in grants.proven(Asked({**login, path: (200, {"has_all_requested": True})}).client, WRITER)
    with pytest.raises(ProbeError, match="lacks privileges"):
        grants.proven(Asked({**login, path: (200, {"has_all_requested": False})}).client, WRITER)
    with pytest.raises(ProbeError, match="refused"):
        grants.proven(Asked({("GET", "/_security/_authenticate"): (401, {})}).client, WRITER)


def test_beats_that_share_a_user_share_its_rights() -> None:
    other = GrantLogin("beat/b", "mb_writer", "mb_writer", ("r",), ("monitor", "x"), WRITER.indices, "may publish")
    (found,) = grants.merged((WRITER, other))
    assert (found.roles, found.cluster, found.indices) == (("r",), ("monitor", "x"), WRITER.indices)


# restarts


class Journal:
    """The records of one run."""

    def __init__(self) -> None:
        self.records: list[SimpleNamespace] = []

    def write(self, act: str, **fields: Any) -> None:
        self.records.append(SimpleNamespace(act=act, fields=fields, text=lambda name: str(fields.get(name, ""))))

    def find(self, act: str) -> list[SimpleNamespace]:
        return [record for record in self.records if record.act == act]


@pytest.fixture
def beats() -> Beats:
    stop = SimpleNamespace(is_set=lambda: False)
    context = _context(journal=Journal(), options=SimpleNamespace(wait_s=0.0), stop=stop)
    peers = SimpleNamespace(read_beat=lambda _: SimpleNamespace(kind="metricbeat"))
    return Beats(context, cast(Peers, peers))


def _opener(*clients: tuple[int, str]) -> Any:
    listed = [
        {"opened_time_millis": opened, "agent": agent, "remote_address": "10.0.0.5:4711"} for opened, agent in clients
    ]

    @contextmanager
    def opened() -> Iterator[Client]:
        stats = ("GET", "/_nodes/stats/http?filter_path=nodes.*.http.clients")
        yield Asked({stats: (200, {"nodes": {"a": {"http": {"clients": listed}}}})}).client

    return opened


def test_a_person_is_asked_and_a_new_connection_closes_the_step(beats: Beats) -> None:
    old = (1000, "Elastic-Metricbeat/8.19.0")
    with pytest.raises(WaitingError, match="restart beat/mb"):
        beats.await_person("beat/mb", _opener(old, (5000, "estui/1")), "systemctl restart metricbeat")
    seen = beats.await_person("beat/mb", _opener(old, (6000, "Elastic-Metricbeat/8.19.0")), "words")
    assert seen.startswith("10.0.0.5 (Elastic-Metricbeat/8.19.0) connected anew")


def test_connections_of_before_and_of_others_are_no_evidence(beats: Beats) -> None:
    """Then the word of who went on counts, and is called not proven."""
    clients = ((4000, "Elastic-Metricbeat/8.19.0"), (5000, "estui/1"))
    with pytest.raises(WaitingError):
        beats.await_person("beat/mb", _opener(*clients), "words")
    assert len(beats.context.journal.find(ASKED)) == 1
    said = beats.await_person("beat/mb", _opener(*clients, (7000, "Elastic-Filebeat/8.19.0")), "words")
    assert "not proven" in said
