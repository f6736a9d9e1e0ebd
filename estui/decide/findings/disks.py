"""Rules about disks of data nodes: full ones are slow to restart, and get no shards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from estui.decide.findings.rule import V8, Facts, Hit, Text, about_node
from estui.decide.findings.view import version_of
from estui.model.finding import Severity
from estui.model.observed import DiskUse, ObservedNode

LOW = "cluster.routing.allocation.disk.watermark.low"
_DEFAULT = "85%"
_HEADROOM = 200 * 1024**3
"""Bytes free that are enough by default from 8.5 on, however large the disk (`watermark.low.max_headroom`)."""
_UNITS = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4, "pb": 1024**5}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtp]?b)", re.IGNORECASE)


def free_wanted(total: int, watermark: str, *, headroom: bool) -> int | None:
    """Bytes that have to stay free on a disk of so many bytes by a low watermark: `85%`, `0.85` or `10gb` (free).

    None where the watermark cannot be read. Source: `DiskThresholdSettings`.
    """
    size = _SIZE.fullmatch(watermark.strip())
    if size:
        return int(float(size.group(1)) * _UNITS[size.group(2).lower()])
    text = watermark.strip()
    try:
        used = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return None
    if not 0 <= used <= 1:
        return None
    wanted = int(total * (1 - used))
    return min(wanted, _HEADROOM) if headroom else wanted


def _too_full(node: ObservedNode, disk: DiskUse) -> bool:
    stated = node.api.watermark or node.setting(LOW) or ""
    wanted = free_wanted(disk.total, stated or _DEFAULT, headroom=not stated and version_of(node) >= V8)
    return wanted is not None and disk.available < wanted


@about_node(
    Text(
        "disk-watermark",
        Severity.WARNING,
        "the disk of a data node is fuller than the low watermark",
        "Elasticsearch allocates no new shards there; after a restart its shards come back slowly, or not at all",
        "free space first, then restart: old indices, snapshots, logs; or add a node",
        "cluster.routing.allocation.disk.watermark.low: 85% by default, of large disks 200 GB free (elastic.co)",
    )
)
def disk_watermark(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for disk in node.api.disks:
        if disk.total > 0 and _too_full(node, disk):
            used = 100 * (disk.total - disk.available) // disk.total
            free = f"{disk.available / 1024**3:.0f} GB free"
            yield Hit(node.target, f"{used}% used, {free}", f"http {node.http_address}")


RULES = (disk_watermark,)
