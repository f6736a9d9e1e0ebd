"""How a node reads its folder, beyond the cases that the contract tests hold against Elasticsearch too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from estui.formats.es_keystore import read_header, read_secure_settings
from estui.sandbox.settings import StartupError, parse_duration, read_node_settings
from tests.contract.start_cases import CASES, FAILED, PEM, PEM_FILES, Case

from .makers import keystore, write_node


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_folder_starts_or_is_refused_in_elasticsearchs_words(case: Case, tmp_path: Path) -> None:
    """The contract tests ask the same of real nodes; here also that the first exception is the one."""
    config = write_node(tmp_path, case.settings, {"elasticsearch.keystore": keystore(case.secure), **case.files})
    case.change(config)
    if not case.says:
        read_node_settings(config, {})
        return
    with pytest.raises(StartupError) as refused:
        read_node_settings(config, {})
    assert refused.value.summary == case.says.replace("{config}", str(config))
    assert refused.value.exit_code == 1


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = write_node(tmp_path, PEM, {"elasticsearch.keystore": keystore(), **PEM_FILES})
    read = Path.read_bytes

    def refused(path: Path) -> bytes:
        # The user who runs the tests may read everything.
        if path.name == "transport.key":
            raise PermissionError
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    path = config / "certs/transport.key"
    with pytest.raises(StartupError) as error:
        read_node_settings(config, {})
    assert error.value.summary == FAILED + f"not permitted to read the PEM private key file [{path}]"


def test_two_lines_for_one_setting_are_refused(tmp_path: Path) -> None:
    config = write_node(tmp_path, {})
    (config / "elasticsearch.yml").write_text("node.name: a\nnode.name: b\n")
    with pytest.raises(StartupError, match=r"Failed to load settings from \[elasticsearch.yml\]"):
        read_node_settings(config, {})


@pytest.mark.parametrize(("given", "opens"), [("store-pass", True), ("wrong", False), ("", False)])
def test_a_protected_keystore_takes_its_password_from_the_environment(tmp_path: Path, given: str, opens: bool) -> None:
    config = write_node(tmp_path, {}, {"elasticsearch.keystore": keystore(password="store-pass")})
    environ = {"ES_KEYSTORE_PASSWORD": given} if given else {}
    if opens:
        assert read_node_settings(config, environ).secure["keystore.seed"]
        return
    with pytest.raises(StartupError) as refused:
        read_node_settings(config, environ)
    assert (refused.value.kind, refused.value.summary) == (
        "java.lang.SecurityException",
        "Provided keystore password was incorrect",
    )


def test_an_older_keystore_is_raised_to_format_7_and_keeps_its_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estui.sandbox.secure_settings.NEWEST_FORMAT", 7)
    config = write_node(tmp_path, {}, {"elasticsearch.keystore": keystore({"bootstrap.password": "changeme"})})
    read_node_settings(config, {})
    content = (config / "elasticsearch.keystore").read_bytes()
    entries = read_secure_settings(content, None, "").entries
    assert read_header(content, "").version == 7
    assert (entries["bootstrap.password"], entries["keystore.seed"]) == (b"changeme", b"A" * 20)
    assert not (config / "elasticsearch.keystore.tmp").exists()


def test_a_missing_keystore_is_made_with_a_seed_and_mode_0660(tmp_path: Path) -> None:
    config = write_node(tmp_path, {})
    read_node_settings(config, {})
    path = config / "elasticsearch.keystore"
    assert path.stat().st_mode & 0o777 == 0o660
    assert len(read_secure_settings(path.read_bytes(), None, "").entries["keystore.seed"]) == 20


@pytest.mark.parametrize(
    ("settings", "environ", "binding"),
    [
        ({"network.host": "127.0.0.1"}, {}, False),
        ({"network.host": "0.0.0.0"}, {}, True),
        ({"network.host": "0.0.0.0", "discovery.type": "single-node"}, {}, False),
        ({"network.host": "0.0.0.0", "xpack.security.enabled": False}, {}, False),
        ({}, {"ES_JAVA_OPTS": "-Des.enforce.bootstrap.checks=true"}, True),
    ],
)
def test_security_without_transport_tls_is_a_bootstrap_check(
    tmp_path: Path, settings: dict[str, Any], environ: dict[str, str], binding: bool
) -> None:
    config = write_node(tmp_path, settings, {"elasticsearch.keystore": keystore()})
    if not binding:
        read_node_settings(config, environ)
        return
    with pytest.raises(StartupError, match="Transport SSL must be enabled if security is enabled") as refused:
        read_node_settings(config, environ)
    assert refused.value.exit_code == 78


def test_the_sandbox_listens_on_loopback_whatever_the_file_says(tmp_path: Path) -> None:
    settings = {"network.host": "0.0.0.0", "xpack.security.enabled": False}
    found = read_node_settings(write_node(tmp_path, settings, {"elasticsearch.keystore": keystore()}), {})
    assert (found.http_host, found.transport_host) == ("127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize(("text", "seconds"), [("500ms", 0.5), ("5s", 5.0), ("2m", 120.0)])
def test_time_values_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_time_value_without_a_unit_is_refused() -> None:
    with pytest.raises(StartupError, match="unit is missing or unrecognized"):
        parse_duration("5", "resource.reload.interval.high")
