"""Lines, their kinds and the signs of states: what every presentation is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from estui.model.run import StepState


class Kind(StrEnum):
    """What a line is, for those who draw it."""

    TITLE = "title"
    TEXT = "text"
    NOTE = "note"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    ADD = "add"
    REMOVE = "remove"
    SAME = "same"
    FOLD = "fold"
    FILE = "file"


@dataclass(frozen=True)
class Line:
    """One line of a presentation."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Glyphs:
    """The signs of states; each stands beside a word and has an ASCII twin."""

    up: str = "●"
    waiting: str = "○"
    running: str = "◐"
    unknown: str = "?"
    done: str = "✓"
    soon: str = "!!"
    failed: str = "✗"


UNICODE = Glyphs()
ASCII = Glyphs("*", "o", ">", "?", "v", "!!", "x")

STEP_WORDS = {
    StepState.WAITING: "waiting",
    StepState.RUNNING: "running",
    StepState.DONE: "done",
    StepState.FAILED: "failed",
    StepState.SKIPPED: "skipped",
}


def step_glyph(state: StepState, glyphs: Glyphs = UNICODE) -> str:
    return {
        StepState.WAITING: glyphs.waiting,
        StepState.RUNNING: glyphs.running,
        StepState.DONE: glyphs.done,
        StepState.FAILED: glyphs.failed,
        StepState.SKIPPED: "-",
    }[state]


def count(number: int, noun: str) -> str:
    """`3 nodes`, `1 file`."""
    plural = noun if number == 1 else noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {plural}"
