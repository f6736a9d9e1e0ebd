"""Disks above the low watermark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.findings.disks import free_wanted
from estui.model.observed import DiskUse, Observed
from tests.unit.decide.findings.builders import V7, V9, Case, answers, check, fire, names, node, seen

GB, TB = 1024**3, 1024**4


def full(total: int, available: int, *, watermark: str = "", yml: str = "", version: object = V9) -> Observed:
    api = replace(answers(), disks=(DiskUse("es-1", total, available),), watermark=watermark)
    return seen(node(yml, api=api, version=version))  # type: ignore[arg-type]


CASES = [Case("disk-watermark", full(100 * GB, 10 * GB), full(100 * GB, 20 * GB), "90% used, 10 GB free")]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("watermark", "wanted"),
    [("85%", 15 * GB), ("0.85", 15 * GB), ("10gb", 10 * GB), ("512 mb", GB // 2), ("nonsense", None), ("140%", None)],
)
def test_a_watermark_is_read_in_every_form(watermark: str, wanted: int | None) -> None:
    found = free_wanted(100 * GB, watermark, headroom=False)
    assert found == wanted or (found is not None and wanted is not None and abs(found - wanted) < 2)


def test_of_a_large_disk_200_gb_are_enough_from_8_on_unless_the_watermark_is_stated() -> None:
    assert fire("disk-watermark", full(10 * TB, 300 * GB)) == []
    assert fire("disk-watermark", full(10 * TB, 100 * GB))
    assert fire("disk-watermark", full(10 * TB, 300 * GB, version=V7))
    assert fire("disk-watermark", full(10 * TB, 300 * GB, watermark="90%"))
    assert fire("disk-watermark", full(10 * TB, 300 * GB, yml="cluster.routing.allocation.disk.watermark.low: 90%"))
    assert fire("disk-watermark", full(0, 0)) == []
