"""The support bundle: facts for a bug report, also where the workspace is broken; shown, and only then written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from estui.cli.output import Exit
from estui.decide.support import NOT_SHOWN, support_settings
from estui.model.setting import Setting, SettingValue
from estui.secret import MASK
from tests.unit.cli.conftest import Shell


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("cluster.name", "logs", "logs"),
        ("xpack.security.http.ssl.certificate_authorities", ("a.crt", "b.crt"), "a.crt, b.crt"),
        ("xpack.security.transport.ssl.keystore.path", "certs/a.p12", "certs/a.p12"),
        ("elasticsearch.hosts", ("https://me:hunter2@es-1:9200",), f"https://me:{MASK}@es-1:9200"),
        ("xpack.security.transport.ssl.keystore.password", "hunter2", NOT_SHOWN),
        ("xpack.security.http.ssl.key_passphrase", "hunter2", NOT_SHOWN),
        ("elasticsearch.password", "hunter2", NOT_SHOWN),
        ("elasticsearch.customHeaders.x", "hunter2", NOT_SHOWN),
        ("a.setting.of.tomorrow", "hunter2", NOT_SHOWN),
    ],
)
def test_only_values_of_settings_that_are_known_to_be_harmless_are_shown(
    key: str, value: SettingValue, shown: str
) -> None:
    ((name, text),) = support_settings({key: Setting(key, value, 1)})
    assert name == key
    assert text == shown


def workspace(shell: Shell) -> Path:
    folder = shell.node("es-1", "my.secret.setting: hunter2")
    assert shell.run("init", str(folder)) == 0
    return folder


def test_it_is_shown_and_without_a_yes_not_written(shell: Shell, tmp_path: Path) -> None:
    workspace(shell)
    target = tmp_path / "bundle.md"
    assert shell.run("support-bundle", "--offline", "-o", str(target)) == Exit.USAGE
    assert "give --yes" in shell.err
    assert "my.secret.setting" in shell.out
    assert "hunter2" not in shell.out + shell.err
    assert not target.exists()


def test_what_is_written_is_what_was_shown(shell: Shell, tmp_path: Path) -> None:
    workspace(shell)
    target = tmp_path / "bundle.json"
    assert shell.run("support-bundle", "--offline", "--yes", "--json", "-o", str(target)) == Exit.DONE
    assert json.loads(shell.out) == json.loads(target.read_bytes())
    assert target.stat().st_mode & 0o777 == 0o600
    assert shell.run("support-bundle", "--offline", "--yes", "-o", str(target)) == Exit.USAGE, "nothing is overwritten"


def test_a_broken_workspace_is_told_and_does_not_stop_it(shell: Shell, tmp_path: Path) -> None:
    workspace(shell)
    (shell.workspace / "estui.yaml").write_text("cluster: [\n")
    (shell.workspace / "estui.yaml").chmod(0o600)
    target = tmp_path / "bundle.md"
    assert shell.run("support-bundle", "--offline", "--yes", "-o", str(target)) == Exit.DONE
    text = target.read_text()
    assert "Could not be read" in text
    assert "estui.yaml" in text
    assert "Python" in text


def test_reports_of_defects_are_taken_only_where_nobody_else_could_write(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    workspace(shell)
    for name, mode in (("estui-crash-ours.log", 0o600), ("estui-crash-theirs.log", 0o666)):
        (tmp_path / name).write_text(f"stack of {name}\n")
        (tmp_path / name).chmod(mode)
    (tmp_path / "estui-crash-link.log").symlink_to(shell.workspace / "estui.yaml")
    target = tmp_path / "bundle.md"
    assert shell.run("support-bundle", "--offline", "--yes", "-o", str(target)) == Exit.DONE
    text = target.read_text()
    assert "stack of estui-crash-ours.log" in text
    assert "theirs" not in text
    assert "estui-crash-link" not in text
