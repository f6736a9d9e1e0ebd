"""Growth, ratios and comparisons are worked out from figures, and survive being written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.process import Figures
from benchmarks.results import Result, comparison, growth, peer_ratio, read_results, table, to_json


def result(size: int, seconds: float, peer: str = "", measure: str = "plan") -> Result:
    return Result(measure, size, Figures(seconds, seconds, 0.0, 50.0), peer)


def test_growth_is_the_exponent_between_the_smallest_and_the_largest_size() -> None:
    assert growth([result(30, 1), result(300, 10), result(3000, 100)], "plan") == pytest.approx(1.0)
    assert growth([result(30, 1), result(300, 100)], "plan") == pytest.approx(2.0)


def test_growth_needs_two_sizes_from_thirty_on() -> None:
    assert growth([result(3, 1), result(30, 10)], "plan") is None


def test_a_quadratic_measure_is_marked_in_the_table() -> None:
    lines = table([result(30, 1), result(300, 100), result(30, 1, measure="x"), result(300, 10, measure="x")])
    assert [line.endswith("!") for line in lines.splitlines()] == [False, False, True, False, False]


def test_a_peer_stands_by_its_ratio() -> None:
    results = [result(30, 2), result(30, 100, "openssl")]
    assert peer_ratio(results[1], results) == pytest.approx(50)
    assert "50.0x" in table(results)
    assert peer_ratio(results[0], results) is None


def test_results_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    results = (result(30, 2), Result("ui", 3, Figures(1.0), details={"first paint": 0.2}))
    path = tmp_path / "now.json"
    path.write_text(to_json(results, {"processors": "2"}))
    assert read_results(path) == results


def test_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text('{"format": 0, "results": []}')
    with pytest.raises(ValueError, match="format 0"):
        read_results(path)


def test_a_comparison_tells_the_change_of_what_both_have() -> None:
    text = comparison([result(30, 2), result(300, 9)], [result(30, 1), result(3, 1)])
    assert "2.00 -> 1.00 (-50%)" in text
    assert len(text.splitlines()) == 2
