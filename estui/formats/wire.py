"""Model values to JSON and back: `plan.json`, the records of a journal, reports and `--json` output.

Frozen dataclasses become objects; members of a closed union carry a `kind` (`SetSetting` is
`set-setting`). Decoding is strict: unknown kinds, missing or superfluous fields and wrong types are
one `StoreError` that names the place. No secret is in any type that passes here.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from estui.errors import Location, StoreError
from estui.model.plan import PLAN_FORMAT, Change, Plan

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


def kind_of(cls: type) -> str:
    """`SetSecureSetting` → `set-secure-setting`."""
    return _WORD.sub("-", cls.__name__).lower()


_TAGGED: dict[type, str] = {cls: kind_of(cls) for cls in typing.get_args(Change)}


def to_json(value: object) -> Json:
    """A model value as JSON. Bytes are left out: they are contents, which belong to no plan or report."""
    if value is None or isinstance(value, bool | int | float) or type(value) is str:
        return value
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown: dict[str, Json] = {"kind": _TAGGED[type(value)]} if type(value) in _TAGGED else {}
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if not isinstance(item, bytes):
                shown[field.name] = to_json(item)
        return shown
    return str(value)


def dumps(value: object, *, indent: int | None = 2) -> bytes:
    """A model value as UTF-8 JSON text with a final line end."""
    return as_text(to_json(value), indent=indent) + b"\n"


def as_text(value: Json, *, indent: int | None = None, sort_keys: bool = False) -> bytes:
    """JSON text in UTF-8, lone surrogates too: an answer or a file name can hold some, and `json.loads` takes them."""
    text = json.dumps(value, indent=indent, sort_keys=sort_keys, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def loads(content: bytes, path: str) -> Json:
    """Parsed JSON; StoreError with line and column where it is damaged."""
    try:
        parsed: Json = json.loads(content)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        raise StoreError("is not valid JSON", location=Location(path, line), hint="make it anew") from error
    return parsed


@functools.cache
def _hints(cls: type) -> dict[str, object]:
    """Types of a record's fields: making them from their text takes most of the time of decoding a plan."""
    return typing.get_type_hints(cls)


class _Decoder:
    """Walks a type and a JSON value together; `path` names the file for messages."""

    def __init__(self, path: str) -> None:
        self.path = path

    def fail(self, place: str, problem: str) -> StoreError:
        return StoreError(
            problem, location=Location(self.path, key=place or None), hint="make it anew; it was edited or damaged"
        )

    def decode(self, hint: object, value: Json, place: str) -> object:
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return self.union(args, value, place)
        if origin is tuple:
            if not isinstance(value, list):
                raise self.fail(place, "expected a list")
            inner = args[0]
            return tuple(self.decode(inner, item, f"{place}[{number}]") for number, item in enumerate(value))
        if isinstance(hint, type):
            return self.plain(hint, value, place)
        raise self.fail(place, "has a type that is not decoded")  # pragma: no cover - a bug in the model

    def plain(self, hint: type, value: Json, place: str) -> object:
        if dataclasses.is_dataclass(hint):
            return self.record(hint, value, place)
        if issubclass(hint, Enum):
            try:
                return hint(value)
            except ValueError as error:
                raise self.fail(place, f"{value!r} is not one of {', '.join(str(e.value) for e in hint)}") from error
        if hint is float and type(value) is int:
            return float(value)
        if type(value) is not hint:
            raise self.fail(place, f"expected {hint.__name__}, found {type(value).__name__}")
        return value

    def union(self, args: tuple[object, ...], value: Json, place: str) -> object:
        if value is None and type(None) in args:
            return None
        tagged = {_TAGGED[arg]: arg for arg in args if isinstance(arg, type) and arg in _TAGGED}
        if tagged:
            kind = value.get("kind") if isinstance(value, dict) else None
            if not isinstance(kind, str) or kind not in tagged:
                raise self.fail(place, f"{kind!r} is not a kind of change")
            return self.record(tagged[kind], value, place)
        if isinstance(value, list):
            lists = [arg for arg in args if typing.get_origin(arg) is tuple]
            return self.decode(lists[0], value, place) if lists else self.mismatch(place, value)
        exact = [arg for arg in args if isinstance(arg, type) and type(value) is arg]
        if exact:
            return value
        records = [
            arg for arg in args if isinstance(arg, type) and (dataclasses.is_dataclass(arg) or issubclass(arg, Enum))
        ]
        return self.decode(records[0], value, place) if records else self.mismatch(place, value)

    def mismatch(self, place: str, value: Json) -> object:
        raise self.fail(place, f"found {type(value).__name__}")

    def record(self, cls: type, value: Json, place: str) -> object:
        if not isinstance(value, dict):
            raise self.fail(place, "expected an object")
        hints = _hints(cls)
        fields = {field.name: field for field in dataclasses.fields(cls)}
        extra = set(value) - set(fields) - ({"kind"} if cls in _TAGGED else set())
        if extra:
            raise self.fail(f"{place}.{sorted(extra)[0]}".lstrip("."), "is not known here")
        given: dict[str, object] = {}
        for name, field in fields.items():
            if name in value:
                given[name] = self.decode(hints[name], value[name], f"{place}.{name}".lstrip("."))
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise self.fail(f"{place}.{name}".lstrip("."), "is missing")
        return cls(**given)


T = typing.TypeVar("T")


def decode(cls: type[T], value: Json, path: str) -> T:
    """A dataclass from JSON.

    Raises StoreError naming the place where the value does not fit the type.
    """
    return typing.cast(T, _Decoder(path).decode(cls, value, ""))


def plan_bytes(plan: Plan) -> bytes:
    """`plan.json`, with a digest over its own content so that damage shows."""
    body = to_json(plan)
    return dumps({"digest": _digest(body), "plan": body})


def _digest(body: Json) -> str:
    return hashlib.sha256(as_text(body, sort_keys=True)).hexdigest()


def parse_plan(content: bytes, path: str) -> Plan:
    """A plan from `plan.json`.

    Raises StoreError: damaged, edited, or written by a newer estui.
    """
    outer = loads(content, path)
    if not isinstance(outer, dict) or not isinstance(outer.get("plan"), dict):
        raise StoreError(
            "is not a plan of estui", location=Location(path), hint="make one with: estui plan SCENARIO -o FILE"
        )
    body = outer["plan"]
    number = body.get("format") if isinstance(body, dict) else None
    if isinstance(number, int) and number > PLAN_FORMAT:
        raise StoreError(
            f"was written by a newer estui (plan format {number}, this one knows {PLAN_FORMAT})",
            location=Location(path),
            hint="use the newer estui, or plan again",
        )
    if outer.get("digest") != _digest(body):
        raise StoreError("was edited or damaged since it was made", location=Location(path), hint="plan again")
    return decode(Plan, body, path)
