"""Figures of one run as a table and as JSON: how each grows with size, how it stands to peers and to an earlier run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.process import Figures

FORMAT = 1
LINEAR = 1.15
"""Growth exponent up to which a measure counts as linear: start-up makes it smaller, noise larger."""
_LEAST_SIZE = 30
"""Below it the interpreter's start is all there is to see."""


@dataclass(frozen=True)
class Result:
    """One measure at one size; a peer's name where another tool did the work."""

    measure: str
    size: int
    figures: Figures
    peer: str = ""
    details: dict[str, float] = field(default_factory=dict)
    """Further figures of the same run by name, in seconds."""


def growth(results: Iterable[Result], measure: str, peer: str = "") -> float | None:
    """Exponent k of `processor time ~ size^k` between the smallest and the largest size from 30 on; None below two.

    Processor time, since the clock also shows what else the host was doing.
    """
    found = sorted(
        (each.size, each.figures.user_s + each.figures.system_s or each.figures.wall_s)
        for each in results
        if (each.measure, each.peer) == (measure, peer) and each.size >= _LEAST_SIZE
    )
    if len(found) < 2 or found[0][0] == found[-1][0] or found[0][1] <= 0:
        return None
    (small, little), (large, much) = found[0], found[-1]
    return math.log(much / little) / math.log(large / small)


def table(results: Sequence[Result]) -> str:
    """All figures, a line each; peers stand below the measure that they are compared with."""
    header = ("measure", "nodes", "wall s", "user s", "sys s", "MiB", "growth", "ratio")
    rows: list[tuple[str, ...]] = [header]
    for measure in dict.fromkeys(each.measure for each in results):
        own = [each for each in results if each.measure == measure]
        for each in sorted(own, key=lambda result: (result.peer, result.size)):
            rows.append(_row(each, results))
            rows += [(f"  {name}", "", f"{value:.2f}", *[""] * 5) for name, value in each.details.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(_line(row, widths) for row in rows)


def _row(each: Result, results: Sequence[Result]) -> tuple[str, ...]:
    same = [other for other in results if other.measure == each.measure and other.peer == each.peer]
    exponent = growth(results, each.measure, each.peer) if each.size == max(other.size for other in same) else None
    ratio = peer_ratio(each, results)
    figures = each.figures
    return (
        f"{each.measure} [{each.peer}]" if each.peer else each.measure,
        str(each.size),
        f"{figures.wall_s:.2f}",
        f"{figures.user_s:.2f}",
        f"{figures.system_s:.2f}",
        f"{figures.peak_mib:.0f}",
        f"n^{exponent:.2f}{'' if exponent <= LINEAR else ' !'}" if exponent is not None else "",
        f"{ratio:.1f}x" if ratio else "",
    )


def peer_ratio(each: Result, results: Iterable[Result]) -> float | None:
    """How many times longer a peer took than estui for the same measure and size, by the clock."""
    own = next((r for r in results if (r.measure, r.size, r.peer) == (each.measure, each.size, "")), None)
    if not each.peer or own is None or own.figures.wall_s <= 0:
        return None
    return each.figures.wall_s / own.figures.wall_s


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]).rstrip()


def to_json(results: Sequence[Result], host: dict[str, str]) -> str:
    return json.dumps({"format": FORMAT, "host": host, "results": [asdict(each) for each in results]}, indent=1) + "\n"


def read_results(path: Path) -> tuple[Result, ...]:
    """Results of an earlier run. Raises ValueError: another format."""
    body = json.loads(path.read_text())
    if body.get("format") != FORMAT:
        raise ValueError(f"{path}: has format {body.get('format')!r}, not {FORMAT}")
    return tuple(Result(**{**each, "figures": Figures(**each["figures"])}) for each in body["results"])


def comparison(before: Sequence[Result], after: Sequence[Result]) -> str:
    """What changed between two runs, for every measure and size that both have."""
    old = {(each.measure, each.peer, each.size): each.figures for each in before}
    rows: list[tuple[str, ...]] = [("measure", "nodes", "wall s", "user+sys s", "MiB")]
    for each in after:
        was = old.get((each.measure, each.peer, each.size))
        if was is None:
            continue
        now = each.figures
        rows.append(
            (
                f"{each.measure} [{each.peer}]" if each.peer else each.measure,
                str(each.size),
                _change(was.wall_s, now.wall_s),
                _change(was.user_s + was.system_s, now.user_s + now.system_s),
                _change(was.peak_mib, now.peak_mib, digits=0),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _change(was: float, now: float, digits: int = 2) -> str:
    share = f" ({(now - was) / was:+.0%})" if was > 0 else ""
    return f"{was:.{digits}f} -> {now:.{digits}f}{share}"
