"""Changes to bytes and to JSON values, by a given source of randomness."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63)
_PIECES = (
    b"\0",
    b"\n",
    b"\r\n",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1b[2J",
    b"\xe2\x80\xae",
    b"\xed\xa0\x80",
    b"-",
    b":",
)
_TEXTS = ("", "\0", "\x1b[31m", "\u202e", "x" * 300, "../../etc/shadow", "1e999", "-1", "[red]", "\ud800")
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**70,
    1.5,
    1e308,
    *_TEXTS,
    [],
    {},
    [[]],
    {"": None},
    [None] * 50,
)

Mutator = Callable[[Random, bytes, Sequence[bytes]], bytes]


def mutate_bytes(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """One to eight small changes; `others` are pieces and files that parts are taken from."""
    changed = bytearray(content)
    for _ in range(1 + int(random.expovariate(0.7)) % 8):
        _BYTE_CHANGES[random.randrange(len(_BYTE_CHANGES))](random, changed, others)
    return bytes(changed)


def _span(random: Random, content: bytearray) -> tuple[int, int]:
    start = random.randrange(len(content) + 1)
    return start, min(len(content), start + 1 + int(random.expovariate(0.1)))


def _flip(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)


def _byte(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    if content:
        content[random.randrange(len(content))] = random.randrange(256)


def _number(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    width = random.choice((1, 2, 4, 8))
    at = random.randrange(len(content) + 1)
    value = random.choice(_NUMBERS) % (1 << 8 * width)
    content[at : at + width] = value.to_bytes(width, random.choice(("big", "little")))


def _drop(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    start, end = _span(random, content)
    del content[start:end]


def _repeat(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    start, end = _span(random, content)
    content[start:start] = content[start:end] * random.choice((1, 1, 2, 20))


def _insert(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    at = random.randrange(len(content) + 1)
    content[at:at] = random.choice(_PIECES)


def _splice(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    if others:
        other = random.choice(others)
        start = random.randrange(len(other) + 1)
        at = random.randrange(len(content) + 1)
        content[at:at] = other[start : start + 1 + int(random.expovariate(0.03))]


def _cut(random: Random, content: bytearray, others: Sequence[bytes]) -> None:
    if random.random() < 0.2:
        del content[random.randrange(len(content) + 1) :]


_BYTE_CHANGES = (_flip, _byte, _number, _drop, _repeat, _insert, _splice, _splice, _cut)


def mutate_json(random: Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """One to four changes to the values of a JSON text, at any depth; bytes that are no JSON are changed as such."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return mutate_bytes(random, content, others)
    if random.random() < 0.05:
        return mutate_bytes(random, content, others)
    for _ in range(random.randrange(1, 5)):
        tree = _changed(random, tree)
    return json.dumps(tree).encode()


def _changed(random: Random, tree: Any) -> Any:
    """The tree with one value somewhere in it changed, dropped, added or put in the place of another."""
    places = list(_places(tree))
    if not places or random.random() < 0.02:
        return _copy(random.choice(_VALUES))
    holder, key = random.choice(places)
    change = random.randrange(5)
    if change == 0:
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[random.choice((*_TEXTS, *holder))] = holder.pop(key)
    elif change == 2:
        other, there = random.choice(places)
        if there in other if isinstance(other, dict) else there < len(other):
            holder[key] = _copy(other[there])
    elif change == 3 and isinstance(holder, list):
        holder.insert(key, _copy(holder[key]))
    else:
        holder[key] = _copy(random.choice(_VALUES))
    return tree


def _copy(value: Any) -> Any:
    """A value of its own: what is put into a tree is changed there later on."""
    return json.loads(json.dumps(value))


def _places(tree: Any, depth: int = 0) -> Any:
    if depth > 40:
        return
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key], depth + 1)
