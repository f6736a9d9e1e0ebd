"""Logs of nodes, Kibana and Beats, where the inventory names their folders: the reason of a gate that stays open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from estui.act.journal import make_run_folder
from estui.act.node_logs import NodeLogs
from estui.act.peers import Peers
from estui.model.inventory import BeatEntry, KibanaEntry
from tests.unit.act.folders import Cluster


def test_why_kibana_and_a_beat_do_not_come_up_is_told_by_their_logs(single: Cluster, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for name in ("kibana", "metricbeat"):
        (tmp_path / name).mkdir()
        (logs / name).mkdir(parents=True)
    (tmp_path / "kibana" / "kibana.yml").write_text("server.name: kb\n")
    (tmp_path / "metricbeat" / "metricbeat.yml").write_text("name: mb\n")
    context = single.context(single.plan())
    context.inventory = replace(
        context.inventory,
        kibana=(KibanaEntry(str(tmp_path / "kibana"), name="kb", logs=str(logs / "kibana")),),
        beats=(BeatEntry(str(tmp_path / "metricbeat"), name="mb", logs=str(logs / "metricbeat")),),
    )
    make_run_folder(single.fs, str(single.workspace_path), context.run)
    read = NodeLogs(context, Peers(context))
    (logs / "kibana" / "kibana.log").write_text("[2026-11-24T01:02:03.004+00:00][ERROR][root] EADDRINUSE of before\n")
    read.begin("start kibana", ("kibana/kb", "beat/mb"))
    with (logs / "kibana" / "kibana.log").open("a") as file:
        file.write(
            "[2026-11-24T01:02:04.004+00:00][FATAL][root] Error: ENOENT: no such file or directory, open '/k/x'\n"
        )
    told = '{"log.level":"error","message":"connect: x509: certificate signed by unknown authority"}\n'
    (logs / "metricbeat" / "metricbeat-20261124.ndjson").write_text(told)
    assert read.why("kibana/kb") == ("log of kibana/kb: it does not find /k/x",)
    assert read.has_ended("kibana/kb")
    assert "is not among those that it trusts" in read.why("beat/mb")[0]
