"""The login that a Beat's own files give it, as the Beat itself would read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.errors import ProbeError, SettingsError, StoreError
from estui.formats.beats_keystore import write_beats_keystore
from estui.model.inventory import BeatEntry
from estui.model.version import Version
from estui.observe.beat_folder import observe_beat_folder
from estui.observe.beat_login import beat_login
from estui.observe.http import ApiKey, Basic, Credentials
from estui.secret import Secret

OUTPUT = "output.elasticsearch"


def _login(
    root: Path, lines: str, secure: dict[str, str], *, in_data: bool = False, version: Version | None = None
) -> Credentials | None:
    config, data = root / "config", root / "data"
    config.mkdir()
    data.mkdir()
    stated = "" if in_data else "keystore.path: /etc/metricbeat/metricbeat.keystore\n"
    (config / "metricbeat.yml").write_text(f"{OUTPUT}:\n  hosts: [a]\n{lines}{stated}")
    values = {name: Secret(value) for name, value in secure.items()}
    content = write_beats_keystore(values, salt=bytes(64), iv=bytes(12))
    ((data if in_data else config) / "metricbeat.keystore").write_bytes(content)
    entry = BeatEntry(str(config), on_host="/etc/metricbeat", data=str(data), version=version)
    return beat_login(observe_beat_folder(entry, folder="estui"))


@pytest.mark.parametrize("in_data", [True, False])
def test_a_password_comes_from_the_keystore_that_the_yml_means(tmp_path: Path, in_data: bool) -> None:
    found = _login(tmp_path, "  username: mb\n  password: ${P}\n", {"P": "s3cret"}, in_data=in_data)
    assert isinstance(found, Basic)
    assert (found.user, found.password.reveal()) == ("mb", "s3cret")


def test_it_is_changed_as_the_beat_changes_it(tmp_path: Path) -> None:
    found = _login(tmp_path, "  username: mb\n  password: ${P}\n", {"P": "0123"})
    assert isinstance(found, Basic)
    assert found.password.reveal() == "83"


def test_a_setting_of_the_yml_wins_over_the_keystore(tmp_path: Path) -> None:
    found = _login(tmp_path, f"  username: mb\n  password: ${{{OUTPUT}.username}}\n", {f"{OUTPUT}.username": "x"})
    assert isinstance(found, Basic)
    assert found.password.reveal() == "mb"


def test_what_stops_7_17_is_told_without_the_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        _login(tmp_path, "  username: mb\n  password: ${P}\n", {"P": "hun,ter2"}, version=Version(7, 17, 29))
    assert "hun" not in str(caught.value)


def test_an_api_key_wins_and_no_login_is_none(tmp_path: Path) -> None:
    found = _login(tmp_path, "  api_key: ${K}\n", {"K": "id:key"})
    assert isinstance(found, ApiKey)
    (tmp_path / "other").mkdir()
    assert _login(tmp_path / "other", "", {}) is None


def test_a_name_that_nobody_holds_and_a_user_alone_are_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="missing field"):
        _login(tmp_path, "  username: mb\n  password: ${NOPE}\n", {})
    (tmp_path / "other").mkdir()
    with pytest.raises(ProbeError, match="password is missing"):
        _login(tmp_path / "other", "  username: mb\n", {})


def test_a_broken_keystore_is_told(tmp_path: Path) -> None:
    _login(tmp_path, "  username: mb\n  password: x\n", {})
    (tmp_path / "config" / "metricbeat.keystore").write_bytes(b"v1AAAA")
    entry = BeatEntry(str(tmp_path / "config"), on_host="/etc/metricbeat")
    with pytest.raises(StoreError, match="ends early"):
        beat_login(observe_beat_folder(entry, folder="estui"))
