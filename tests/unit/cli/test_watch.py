"""`estui watch`: exit codes, formats, the metrics file, several workspaces; nothing else is written."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from estui.act.fs import RealFs
from estui.cli.main import main
from estui.engine import Engine, expiry
from estui.errors import ApplyError, EstuiError
from estui.formats import pem
from tests.unit.cli.conftest import Shell
from tests.unit.observe.servers import ANSWERS
from tests.unit.pki.samples import NOW, authority, key, leaf, leaf_request

STORES = ANSWERS.parent / "stores"


@pytest.fixture
def watched(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Two nodes; the second has HTTPS, with a leaf that ends in 397 days."""
    shell.made("es-1", "es-2")
    with_https(shell.home / "es-2")
    at(monkeypatch, 0)
    monkeypatch.delenv("ESTUI_PASSPHRASE_FILE", raising=False)
    return shell


def with_https(folder: Path) -> None:
    made = leaf(leaf_request(common_name="es-2"))
    (folder / "h.crt").write_bytes(pem.certificate_pem(made))
    (folder / "h.key").write_bytes(pem.private_key_pem(key(100)))
    (folder / "ca.crt").write_bytes(pem.certificate_pem(authority()))
    yml = (folder / "elasticsearch.yml").read_text().replace("enabled: false", "enabled: true")
    ssl = "{enabled: true, certificate: h.crt, key: h.key, certificate_authorities: [ca.crt]}"
    (folder / "elasticsearch.yml").write_text(f"{yml}xpack.security.http.ssl: {ssl}\n")


def at(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """The day on which is looked."""
    made = Engine.__post_init__

    def with_clock(engine: Engine) -> None:
        made(engine)
        engine.clock = lambda: NOW + timedelta(days=days)

    monkeypatch.setattr(Engine, "__post_init__", with_clock)


@pytest.mark.parametrize(
    ("days", "code", "nagios"),
    [(0, 0, 0), (380, 3, 1), (392, 1, 2), (400, 1, 2), (-2, 1, 2)],
    ids=["ok", "due", "critical", "expired", "not yet valid"],
)
def test_exit_codes_follow_the_worst_certificate(
    watched: Shell, monkeypatch: pytest.MonkeyPatch, days: int, code: int, nagios: int
) -> None:
    at(monkeypatch, days)
    assert watched.run("watch", "--offline") == code, watched.out
    assert watched.run("watch", "--offline", "--format", "nagios") == nagios
    assert len(watched.out.splitlines()) == 1


def test_certificates_in_jks_stores_are_told_without_asking_the_node(watched: Shell) -> None:
    """Elasticsearch reads JKS, and no password is needed to list what is in the open there."""
    folder = watched.home / "es-2"
    for name in ("node.jks", "trust.jks"):
        shutil.copy(STORES / "java" / name, folder)
    ssl = "{enabled: true, keystore.path: node.jks, truststore.path: trust.jks}"
    yml = [line for line in (folder / "elasticsearch.yml").read_text().splitlines() if ".http.ssl" not in line]
    (folder / "elasticsearch.yml").write_text("\n".join([*yml, f"xpack.security.http.ssl: {ssl}", ""]))
    watched.run("watch", "--offline", "--json")
    (answer,) = json.loads(watched.out).values()
    rows = answer[0]["rows"]
    assert {seen["place"] for row in rows for seen in row["seen"]} == {"node.jks", "trust.jks"}
    assert all(row["not_after"] for row in rows)


def test_thresholds_are_options(watched: Shell) -> None:
    assert watched.run("watch", "--offline", "--warn", "397") == 3
    assert watched.run("watch", "--offline", "--critical", "397") == 1
    for wrong in ("-1", "soon"):
        assert watched.run("watch", "--warn", wrong) == 2


def test_a_port_that_does_not_answer_is_at_least_a_warning(watched: Shell) -> None:
    """A watch that cannot look must not say OK."""
    assert watched.run("watch") == 3
    assert "?" in watched.out
    assert "the http port does not answer: refused" in watched.out
    assert watched.run("watch", "--format", "nagios") == 3
    assert watched.out.startswith("ESTUI UNKNOWN - ")


def test_json_tells_every_row(watched: Shell) -> None:
    assert watched.run("watch", "--offline", "--json") == 0
    (cluster,) = json.loads(watched.out)["clusters"]
    assert {row["subject"] for row in cluster["rows"]} == {"CN=es-2", "CN=Test CA"}
    assert cluster["targets"] == [{"target": "es-1", "complete": True}, {"target": "es-2", "complete": True}]


def test_the_metrics_file_is_whole_readable_and_alone(watched: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "collector"
    folder.mkdir()
    metrics = folder / "estui.prom"
    metrics.write_text("old\n")
    metrics.chmod(0o600)
    assert watched.run("watch", "--offline", "--format", "prometheus", "--output", str(metrics)) == 0
    assert watched.out == ""
    assert "estui_certificate_not_after_seconds{" in metrics.read_text()
    assert stat.S_IMODE(metrics.stat().st_mode) == 0o644
    assert [path.name for path in folder.iterdir()] == ["estui.prom"]
    assert watched.run("watch", "--offline", "--format", "prometheus") == 0
    assert watched.out == metrics.read_text().replace("\r", "")


def test_a_metrics_file_that_cannot_be_replaced_is_an_error_and_leaves_nothing(watched: Shell, tmp_path: Path) -> None:
    (tmp_path / "estui.prom").mkdir()
    before = sorted(tmp_path.iterdir())
    assert watched.run("watch", "--offline", "--output", str(tmp_path / "estui.prom")) == 1
    assert "cannot be written" in watched.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_reader_never_sees_half_a_metrics_file(tmp_path: Path) -> None:
    """The new text is complete before it gets its name."""
    seen: list[str] = []

    class Watching(RealFs):
        def rename(self, root: str, source: str, target: str) -> None:
            seen.append((Path(root) / source).read_text())
            seen.append((Path(root) / target).read_text())
            super().rename(root, source, target)

    (tmp_path / "m.prom").write_text("old")
    expiry.write_report(Watching(), str(tmp_path / "m.prom"), "new")
    assert seen == ["new", "old"]


def test_nothing_but_the_metrics_file_is_written(watched: Shell) -> None:
    before = {path: path.stat().st_mtime_ns for path in watched.home.rglob("*")}
    assert watched.run("watch", "--offline") == 0
    assert {path: path.stat().st_mtime_ns for path in watched.home.rglob("*")} == before


def test_nagios_is_told_in_its_own_words_that_there_is_no_workspace(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run("watch", "--format", "nagios") == 3
    assert shell.out.startswith("ESTUI UNKNOWN - ")
    assert shell.run("watch") == 2


def test_several_workspaces_are_watched_at_once_and_none_hides_another(
    watched: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, nowhere = str(watched.workspace), str(tmp_path / "nowhere")
    (tmp_path / "nowhere").mkdir()
    capsys.readouterr()
    assert main(["watch", "--offline", "--workspace", here, "--workspace", here]) == 0
    assert capsys.readouterr().out.count("lab - 2 certificates") == 2
    assert main(["watch", "--offline", "--json", "--workspace", here, "--workspace", nowhere]) == 3
    out, err = capsys.readouterr()
    assert [cluster["state"] for cluster in json.loads(out)["clusters"]] == ["ok", "unknown"]
    assert "no inventory" in err


def test_an_interval_looks_again_until_it_is_stopped(watched: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be looked at or written one time is tried the next time."""
    rounds = 0
    real = expiry.look

    def look(engine: Engine, **given: object) -> object:
        nonlocal rounds
        rounds += 1
        monkeypatch.setattr(engine.stop, "wait", lambda timeout=None: engine.stop.is_set())
        if rounds == 1:
            raise EstuiError("not this time")
        if rounds == 3:
            engine.stop.set()
        return real(engine, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(expiry, "look", look)
    output = str(watched.home / "gone" / "m.prom")
    assert watched.run("watch", "--offline", "--interval", "60", "--output", output) == 0
    assert rounds == 3
    assert watched.err.count("not this time") == 1
    assert watched.out.count("2 certificates") == 2


def test_a_temporary_file_of_a_failed_write_goes(tmp_path: Path) -> None:
    class Failing(RealFs):
        def rename(self, root: str, source: str, target: str) -> None:
            raise ApplyError("no")

    with pytest.raises(ApplyError):
        expiry.write_report(Failing(), str(tmp_path / "m.prom"), "text")
    assert list(tmp_path.iterdir()) == []
