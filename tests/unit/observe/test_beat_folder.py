"""What a Beat's folder tells."""

from __future__ import annotations

import shutil
from pathlib import Path

from estui.model.inventory import BeatEntry
from estui.model.observed import FileKind
from estui.observe.beat_folder import observe_beat_folder
from tests.unit.observe.servers import ANSWERS


def test_the_kind_is_told_by_the_yml_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "filebeat.yml").write_text('name: shipper\noutput.elasticsearch.hosts: ["http://es-1:9200"]\n')
    beat = observe_beat_folder(BeatEntry(str(tmp_path)), folder="estui")
    assert (beat.target, beat.problems) == ("beat/shipper", ())
    assert beat.settings["output.elasticsearch.hosts"].items == ("http://es-1:9200",)
    assert beat.files["filebeat.keystore"].kind is FileKind.ABSENT


def test_a_real_metricbeat_yml_is_read(tmp_path: Path) -> None:
    shutil.copy(ANSWERS.parent / "yml" / "metricbeat.yml", tmp_path)
    beat = observe_beat_folder(BeatEntry(str(tmp_path), kind="metricbeat", name="mb"), folder="estui")
    assert (beat.name, beat.problems) == ("mb", ())


def test_a_folder_without_its_yml_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "kibana.yml").touch()
    beat = observe_beat_folder(BeatEntry(str(tmp_path), kind="metricbeat"), folder="estui")
    assert beat.problems[0].rule == "yml-missing"
    assert "Kibana" in beat.problems[0].hint
