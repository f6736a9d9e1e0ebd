"""What a node's coming and going means, as lines."""

from __future__ import annotations

from collections.abc import Sequence

from estui.decide.issued import IssuedLeaf
from estui.present.lines import Kind, Line


def added_lines(name: str, *, member: bool) -> list[Line]:
    """After an entry was written and nothing else had to be done."""
    if member:
        return [
            Line(Kind.GOOD, f"{name} is a member already; its entry is in estui.yaml now"),
            Line(Kind.NOTE, "estui status shows it, and estui plan what it may lack"),
        ]
    return [
        Line(Kind.GOOD, f"{name} has everything that it needs; its entry is in estui.yaml now"),
        Line(Kind.NOTE, f"start {name}, then: estui verify"),
    ]


def removal_lines(name: str, outstanding: Sequence[IssuedLeaf], notes: Sequence[str]) -> list[Line]:
    """What stays behind when a node is taken out of the inventory."""
    lines = [
        Line(
            Kind.WARN,
            f"{name} {leaf.set_name}: serial {leaf.serial[:16]} is outstanding until {leaf.not_after:%Y-%m-%d}",
        )
        for leaf in outstanding
    ]
    return [*lines, *(Line(Kind.NOTE, note) for note in notes)]
