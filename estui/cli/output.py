"""What leaves a command: exit codes, text, JSON. Standard output is the result, standard error the talk."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, TextIO

from estui.errors import EstuiError

if TYPE_CHECKING:
    from estui.present import Glyphs, Line


class Exit(IntEnum):
    """Exit codes, the same for every command. 128 + signal where one interrupted."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PENDING = 3
    UNVERIFIED = 4
    LOCKED = 5


MEANINGS: dict[int, str] = {
    Exit.DONE: "done or clean",
    Exit.FAILED: "failed",
    Exit.USAGE: "usage",
    Exit.PENDING: "changes pending, findings or waiting for a person",
    Exit.UNVERIFIED: "applied but not verified",
    Exit.LOCKED: "locked",
}
"""What each code says, in the words of the help."""

_COLOURS = {
    "good": "32",
    "warn": "33",
    "bad": "31",
    "add": "32",
    "remove": "31",
    "title": "1",
    "file": "1;36",
    "note": "2",
}


def has_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def use_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and never with a non-empty NO_COLOR."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def glyphs(stream: TextIO) -> Glyphs:
    """Signs that the stream can carry: piped output is plain ASCII."""
    from estui.present import ASCII, UNICODE

    encoding = (stream.encoding or "").lower().replace("-", "")
    return UNICODE if stream.isatty() and encoding == "utf8" else ASCII


_PLAIN = str.maketrans({"·": "-", "…": "...", "→": "->", "×": "x", "–": "-"})
"""Piped output is plain ASCII where the signs are ours; foreign names stay as they are."""


def _harmless(text: str) -> str:
    """Lines of text with whatever a terminal would act on written out, wherever in a message it came from."""
    from estui.present.escapes import escaped  # the commands that print nothing odd go without

    return "\n".join(escaped(line.replace("\t", "    ")) for line in text.split("\n"))


def _print(stream: TextIO, text: str, style: str = "") -> None:
    encoding = stream.encoding or "utf-8"
    if not text.isprintable():
        text = _harmless(text)
    if not stream.isatty():
        text = text.translate(_PLAIN)
    shown = text.encode(encoding, "replace").decode(encoding)
    print(f"{style}{shown}\x1b[0m" if style else shown, file=stream)


def show(lines: Iterable[Line], stream: TextIO | None = None) -> None:
    """Lines of a presentation, coloured where that is wanted."""
    stream = stream or sys.stdout
    colour = use_colour(stream)
    for line in lines:
        code = _COLOURS.get(line.kind.value, "")
        # a line is one line, so that nobody's text looks like the next one of ours
        _print(stream, line.text.replace("\n", "\\x0a"), f"\x1b[{code}m" if colour and code else "")


def show_json(value: object) -> None:
    """A model value as JSON on standard output."""
    from estui.formats.wire import to_json

    print(json.dumps(to_json(value), indent=2, ensure_ascii=True))


def say(text: str) -> None:
    """Talk: standard error, after what is already out."""
    sys.stdout.flush()
    _print(sys.stderr, text)


def tell_error(error: EstuiError, *, as_json: bool = False) -> None:
    """An error in the words of both front ends, on standard error; with `--json` as an object on standard output."""
    if as_json:
        body = {
            "error": error.summary,
            "hint": error.hint,
            "reasons": list(error.reasons),
            "location": str(error.location) if error.location else None,
        }
        print(json.dumps(body, indent=2))
    first, *rest = error.lines()
    say(f"estui: {first}")
    for line in rest:
        say(line)


def exit_code(error: EstuiError) -> Exit:
    """The exit code that an error stands for."""
    from estui import errors

    for kind, code in (
        (errors.UsageError, Exit.USAGE),
        (errors.LockedError, Exit.LOCKED),
        (errors.VerificationError, Exit.UNVERIFIED),
        (errors.WaitingError, Exit.PENDING),
    ):
        if isinstance(error, kind):
            return code
    return Exit.FAILED
