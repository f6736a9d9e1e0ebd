"""`estui watch` on a sandbox cluster: what is on disk, served and listed by the nodes, without and with credentials."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.job.conftest import Maker

pytestmark = pytest.mark.slow

APPLY = ("apply", "--yes", "--restart")


def wheres(report: Any, target: str, context: str) -> set[str]:
    return {
        seen["where"]
        for row in report["rows"]
        for seen in row["seen"]
        if (seen["target"], seen["context"]) == (target, context)
    }


def test_a_secured_cluster_is_watched_from_every_side(
    bastion: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disk, trust, served and the nodes' own lists; a node that is down is no silence; a short life is an alarm."""
    here = bastion(2)
    here.estui(*APPLY, "https")
    (report,) = here.json("watch")["clusters"]
    assert report["state"] == "ok"
    assert wheres(report, "es-1", "http") == {"disk", "trust", "served", "listed"}
    assert wheres(report, "es-1", "transport") == {"disk", "trust", "served", "listed"}
    assert wheres(report, "kibana/kibana", "server") == {"disk", "served"}
    assert wheres(report, "kibana/kibana", "elasticsearch") == {"trust"}
    assert {each["target"] for row in report["rows"] if row["holder"] == "workspace" for each in row["seen"]} == {
        "ca/http",
        "ca/transport",
    }
    fingerprints = [(row["holder"], row["sha256"]) for row in report["rows"]]
    assert len(set(fingerprints)) == len(fingerprints), "a certificate has two rows"
    assert all(each["complete"] for each in report["targets"])

    metrics = tmp_path / "estui.prom"
    assert here.estui("watch", "--warn", "400", "--format", "nagios", "--output", str(metrics), expect=1).startswith(
        "ESTUI WARNING - "
    )
    assert stat.S_IMODE(metrics.stat().st_mode) == 0o644
    assert re.search(
        r'^estui_certificate_not_after_seconds\{cluster="[^"]+",target="es-1",context="http",kind="leaf",'
        r'subject="CN=es-1",serial="[0-9a-f]+",where="served"\} \d{10}$',
        metrics.read_text(),
        re.MULTILINE,
    )
    assert here.estui("watch", "--warn", "400", expect=3)
    assert here.estui("watch", "--critical", "400", expect=1)

    monkeypatch.delenv("ESTUI_PASSPHRASE_FILE")
    (plain,) = here.json("watch")["clusters"]
    assert wheres(plain, "es-1", "http") == {"disk", "trust", "served"}, "no passphrase, no login, no list"

    here.estui("sandbox", "stop", "es-2", "--folder", str(here.sandbox.folder))
    (down,) = here.json("watch", expect=3)["clusters"]
    assert [each["target"] for each in down["targets"] if not each["complete"]] == ["es-2"]
    assert here.estui("watch", "--format", "nagios", expect=3).startswith("ESTUI UNKNOWN - ")
    assert here.estui("watch", "--offline", expect=0)
