"""Plans go to JSON and back unchanged; what was edited, damaged or is newer is refused with its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from estui.errors import StoreError
from estui.formats.wire import _digest, decode, dumps, kind_of, loads, parse_plan, plan_bytes, to_json
from estui.model.goal import Goal, Scenario
from estui.model.inventory import KeyType, Layer, StoreFormat
from estui.model.observed import FileKind, FileState
from estui.model.plan import (
    PLAN_FORMAT,
    AuthorityRequest,
    CreateAuthority,
    FirstLogin,
    LeafRequest,
    Manual,
    Pin,
    Place,
    Plan,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    Restart,
    SetSecureSetting,
    SetSetting,
    Stage,
)
from estui.model.run import Step, StepKind
from estui.secret import Secret

REQUEST = LeafRequest("es-1", "http", "http", "es-1", ("es-1", "ü"), ("::1",), ("serverAuth",), KeyType.RSA_2048, 9)
CHANGES = (
    CreateAuthority(AuthorityRequest("http", "lab HTTP CA", KeyType.EC_P256, 3650), "signs"),
    SetSetting("es-1", "elasticsearch.yml", "a", True, None, "why"),
    SetSetting("es-1", "elasticsearch.yml", "b", ("x", 1, 2.5, None, False), "before", "why"),
    SetSetting("es-1", "elasticsearch.yml", "c", 9200, ("y",), "why"),
    RemoveSetting("es-1", "elasticsearch.yml", "d", 1.5, "why"),
    SetSecureSetting("es-1", "elasticsearch.keystore", "e", "store:http", True, "why"),
    RemoveSecureSetting("es-1", "elasticsearch.keystore", "f", "why"),
    PublishSet("es-1", "http", REQUEST, ("http",), StoreFormat.PKCS12, False, "why"),
    PublishSet("kibana/k", "elasticsearch", None, ("http",), StoreFormat.PEM, True, "why"),
    FirstLogin("es-1", ("elastic",), "why"),
    Manual("es-1", "text", "why"),
)
PLAN = Plan(
    "id",
    "lab",
    "uuid",
    Goal(Scenario.HTTPS, StoreFormat.PEM, ("es-1",), 3),
    (Stage("nodes", Restart.FULL, CHANGES, "why"),),
    (Step("prepare", StepKind.PREPARE, "make", ("es-1",), "nodes", "gate"),),
    (Pin("es-1", "elasticsearch.yml", "file", "ab", "", 0o660, 0, 1000, None),),
    (Place("es-1", "/mnt/es-1", 0, 1000, 0o2750, 0o640, 0o660, "9.1.0"),),
    ("a note",),
    3,
)


def edited(change: Any) -> bytes:
    """A plan file with an edited body and a digest that fits it."""
    outer = json.loads(plan_bytes(PLAN))
    change(outer["plan"])
    outer["digest"] = _digest(outer["plan"])
    return json.dumps(outer).encode()


def test_a_plan_with_every_kind_of_change_comes_back_equal() -> None:
    assert parse_plan(plan_bytes(PLAN), "plan.json") == PLAN


def test_every_change_says_its_kind() -> None:
    shown = json.loads(plan_bytes(PLAN))["plan"]["stages"][0]["changes"]
    assert [change["kind"] for change in shown] == [kind_of(type(change)) for change in CHANGES]
    assert kind_of(SetSecureSetting) == "set-secure-setting"


def test_the_text_is_stable_utf8_with_a_final_line_end() -> None:
    content = plan_bytes(PLAN)
    assert content == plan_bytes(PLAN)
    assert content.endswith(b"}\n")
    assert "ü".encode() in content


def test_an_edited_plan_is_refused() -> None:
    content = plan_bytes(PLAN).replace(b'"restart": "full"', b'"restart": "none"')
    with pytest.raises(StoreError, match="was edited or damaged"):
        parse_plan(content, "plan.json")


def test_a_newer_plan_is_refused_in_words() -> None:
    content = edited(lambda body: body.update(format=PLAN_FORMAT + 1))
    with pytest.raises(StoreError, match="written by a newer estui"):
        parse_plan(content, "plan.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"{}", b'{"plan": 1}', b"null"])
def test_what_is_no_plan_is_one_error_with_the_files_name(content: bytes) -> None:
    with pytest.raises(StoreError) as error:
        parse_plan(content, "some.json")
    assert str(error.value).startswith("some.json")
    assert error.value.hint


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda body: body.pop("cluster"), "cluster"),
        (lambda body: body.update(more=1), "more"),
        (lambda body: body.update(notes="text"), "notes"),
        (lambda body: body.update(notes=[1]), "notes[0]"),
        (lambda body: body.update(expect_nodes="3"), "expect_nodes"),
        (lambda body: body.update(expect_nodes=True), "expect_nodes"),
        (lambda body: body["goal"].update(scenario="all"), "goal.scenario"),
        (lambda body: body["goal"].update(format="jks"), "goal.format"),
        (lambda body: body["stages"][0].update(restart=None), "stages[0].restart"),
        (lambda body: body["stages"][0]["changes"][0].update(kind="run-command"), "stages[0].changes[0]"),
        (lambda body: body["stages"][0]["changes"][0].pop("kind"), "stages[0].changes[0]"),
        (lambda body: body["stages"][0]["changes"].append(1), "stages[0].changes[11]"),
        (lambda body: body["stages"][0]["changes"][1].update(value={}), "stages[0].changes[1].value"),
        (lambda body: body["stages"][0]["changes"][1].update(value=[[1]]), "stages[0].changes[1].value[0]"),
        (lambda body: body["pins"][0].update(mode=1.5), "pins[0].mode"),
        (lambda body: body.update(stages={}), "stages"),
        (lambda body: body.update(goal=[]), "goal"),
    ],
)
def test_decoding_is_strict_and_names_the_place(change: Any, place: str) -> None:
    with pytest.raises(StoreError) as error:
        parse_plan(edited(change), "plan.json")
    assert error.value.location is not None
    assert error.value.location.key == place


def test_missing_fields_with_a_default_are_filled_in() -> None:
    assert parse_plan(edited(lambda body: body.pop("folder")), "plan.json") == PLAN


def test_contents_of_files_stay_out_of_json() -> None:
    assert "content" not in json.loads(dumps(FileState(FileKind.FILE, b"hunter2")))


class Plain(Enum):
    A = "a"


@dataclass(frozen=True)
class Odd:
    when: datetime
    names: dict[Layer, tuple[int, ...]]
    plain: Plain
    secret: Secret
    path: Path
    ratio: float = 0.0


def test_reports_may_hold_dates_enums_and_mappings_and_never_a_secret() -> None:
    odd = Odd(datetime(2026, 11, 25, tzinfo=UTC), {Layer.HTTP: (1, 2)}, Plain.A, Secret("hunter2"), Path("a"))
    assert to_json(odd) == {
        "when": "2026-11-25T00:00:00+00:00",
        "names": {"http": [1, 2]},
        "plain": "a",
        "secret": "(secret)",
        "path": "a",
        "ratio": 0.0,
    }


@dataclass(frozen=True)
class Measured:
    seconds: float


def test_a_whole_number_is_fine_where_a_fraction_may_stand() -> None:
    assert decode(Measured, {"seconds": 3}, "x") == Measured(3.0)


def test_damaged_json_names_its_line() -> None:
    with pytest.raises(StoreError) as error:
        loads(b'{\n"a": }', "report.json")
    assert str(error.value) == "report.json:2: is not valid JSON"
