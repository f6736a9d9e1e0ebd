"""The Beat of the sandbox: what it refuses at start, and what it says about hosts that it cannot send to."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from estui.formats.beats_keystore import write_beats_keystore
from estui.sandbox.beat import BeatProcess
from estui.sandbox.beat_settings import read_beat_settings
from estui.sandbox.log import NodeLog
from estui.sandbox.settings import StartupError
from estui.secret import Secret

from .conftest import RunningNode, StartNode
from .makers import Pair, ask, client, keystore, make_leaf, pem_files, pem_settings, until, write_node

OUTPUT = "output.elasticsearch"
SALT, IV = bytes(64), bytes(12)
UNKNOWN = "x509: certificate signed by unknown authority"


def write_beat(folder: Path, settings: dict[str, Any], secure: dict[str, str] | None = None) -> Path:
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    settings = {"path.data": str(folder / "data"), f"{OUTPUT}.hosts": ["localhost:1"], **settings}
    yml = config / "filebeat.yml"
    yml.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))
    yml.chmod(0o600)
    if secure is not None:
        (folder / "data").mkdir(exist_ok=True)
        values = {name: Secret(value) for name, value in secure.items()}
        path = folder / "data" / "filebeat.keystore"
        path.write_bytes(write_beats_keystore(values, salt=SALT, iv=IV))
        path.chmod(0o600)
    return config


def send(config: Path) -> str:
    return BeatProcess(read_beat_settings(config), NodeLog("beat", io.StringIO())).send()


@pytest.fixture
def elasticsearch(tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]) -> RunningNode:
    """A node with HTTPS that sends its CA along, whose `elastic` has the password `changeme`."""
    settings = {"discovery.type": "single-node", "http.port": ports[0], "transport.port": ports[1]}
    files = {
        "elasticsearch.keystore": keystore({"bootstrap.password": "changeme"}),
        **pem_files("http", make_leaf(ca, sans=("127.0.0.1",)), ca),
    }
    certificate = next(name for name in files if name.endswith("http.crt"))
    files[certificate] += ca.crt
    node = start_node(write_node(tmp_path / "es", {**settings, **pem_settings("http")}, files))
    until(node.is_up)
    path = "/_security/user/elastic/_password"

    def known() -> bool:
        body = {"password": "changeme"}
        return ask(node.http, path, method="POST", body=body, user="elastic:changeme", context=client(ca)).status == 200

    until(known)
    return node


def secured(tmp_path: Path, node: RunningNode, ca: Pair, **changes: Any) -> dict[str, Any]:
    (tmp_path / "ca.crt").write_bytes(ca.crt)
    return {
        f"{OUTPUT}.hosts": [f"127.0.0.1:{node.http}"],
        f"{OUTPUT}.protocol": "https",
        f"{OUTPUT}.username": "elastic",
        f"{OUTPUT}.password": "${PWD_OF_ELASTIC}",
        f"{OUTPUT}.ssl.certificate_authorities": [str(tmp_path / "ca.crt")],
        **{f"{OUTPUT}.{key}": value for key, value in changes.items()},
    }


def test_it_sends_where_it_trusts_and_is_let_in(tmp_path: Path, ca: Pair, elasticsearch: RunningNode) -> None:
    config = write_beat(tmp_path / "fb", secured(tmp_path, elasticsearch, ca), {"PWD_OF_ELASTIC": "changeme"})
    assert send(config) == ""
    stats = ask(elasticsearch.http, "/_nodes/stats/http", user="elastic:changeme", context=client(ca)).body
    assert "Elastic-Filebeat/" in json.dumps(stats)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("trust", UNKNOWN),
        ("nothing", UNKNOWN),
        ("scheme", ": EOF"),
        ("password", "401 Unauthorized: {"),
        ("name", "x509: certificate is valid for other names, not localhost"),
        ("port", "connect: connection refused"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_beats(
    tmp_path: Path, ca: Pair, other_ca: Pair, elasticsearch: RunningNode, wrong: str, says: str
) -> None:
    settings = secured(tmp_path, elasticsearch, other_ca if wrong == "trust" else ca)
    if wrong == "nothing":
        del settings[f"{OUTPUT}.ssl.certificate_authorities"]
    if wrong == "scheme":
        settings[f"{OUTPUT}.protocol"] = "http"
    if wrong == "name":
        settings[f"{OUTPUT}.hosts"] = [f"localhost:{elasticsearch.http}"]
    if wrong == "port":
        settings[f"{OUTPUT}.hosts"] = ["127.0.0.1:1"]
    password = "0123" if wrong == "password" else "changeme"
    found = send(write_beat(tmp_path / "fb", settings, {"PWD_OF_ELASTIC": password}))
    assert says in found
    assert found.startswith("Failed to connect to backoff(elasticsearch(")


def test_a_pinned_fingerprint_counts_for_a_ca_that_is_sent_along(
    tmp_path: Path, ca: Pair, other_ca: Pair, elasticsearch: RunningNode
) -> None:

    def pin(pair: Pair) -> str:
        return hashlib.sha256(pair.certificate.public_bytes(Encoding.DER)).hexdigest()

    settings = secured(tmp_path, elasticsearch, ca, **{"ssl.ca_trusted_fingerprint": pin(ca)})
    del settings[f"{OUTPUT}.ssl.certificate_authorities"]
    assert send(write_beat(tmp_path / "one", settings, {"PWD_OF_ELASTIC": "changeme"})) == ""
    settings[f"{OUTPUT}.ssl.ca_trusted_fingerprint"] = pin(other_ca)
    assert UNKNOWN in send(write_beat(tmp_path / "two", settings, {"PWD_OF_ELASTIC": "changeme"}))


def test_https_to_a_plain_port(tmp_path: Path, start_node: StartNode, ports: tuple[int, int]) -> None:
    settings = {"discovery.type": "single-node", "http.port": ports[0], "transport.port": ports[1]}
    files = {"elasticsearch.keystore": keystore()}
    node = start_node(write_node(tmp_path / "es", {**settings, "xpack.security.enabled": False}, files))
    until(node.is_up)
    plain = {f"{OUTPUT}.hosts": [f"http://127.0.0.1:{node.http}"]}
    assert send(write_beat(tmp_path / "one", plain)) == ""
    secured = {f"{OUTPUT}.hosts": [f"https://127.0.0.1:{node.http}"]}
    assert "http: server gave HTTP response to HTTPS client" in send(write_beat(tmp_path / "two", secured))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (
            {f"{OUTPUT}.password": "${NOPE}"},
            "error initializing publisher: missing field accessing 'output.elasticsearch.password'",
        ),
        (
            {f"{OUTPUT}.ssl.verification_mode": "ca"},
            "error initializing publisher: unknown verification mode 'ca' accessing "
            "'output.elasticsearch.ssl.verification_mode'",
        ),
        (
            {f"{OUTPUT}.ssl.certificate_authorities": ["/nowhere/ca.crt"]},
            "error initializing publisher: open /nowhere/ca.crt: no such file or directory reading <nil>",
        ),
        (
            {f"{OUTPUT}.ssl.certificate_authorities": ["-----BEGIN NOTHING"]},
            "error initializing publisher: file is not a certificate adding",
        ),
        ({f"{OUTPUT}.ssl.certificate": "/x.crt"}, "error initializing publisher: key file not configured"),
        ({f"{OUTPUT}.ssl.key": "/x.key"}, "error initializing publisher: certificate file not configured"),
    ],
)
def test_a_configuration_is_refused_in_the_words_of_beats(tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(StartupError) as refused:
        read_beat_settings(write_beat(tmp_path / "fb", settings))
    assert refused.value.summary.startswith(says)


@pytest.mark.parametrize("mode", [0o660, 0o602])
def test_a_yml_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    config = write_beat(tmp_path / "fb", {})
    (config / "filebeat.yml").chmod(mode)
    with pytest.raises(StartupError, match="can only be writable by the owner"):
        read_beat_settings(config)


@pytest.mark.parametrize("mode", [0o640, 0o400, 0o700])
def test_a_keystore_of_another_mode_is_refused(tmp_path: Path, mode: int) -> None:
    config = write_beat(tmp_path / "fb", {}, {"A": "b"})
    (tmp_path / "fb" / "data" / "filebeat.keystore").chmod(mode)
    with pytest.raises(StartupError, match="can only be writable and readable by the owner"):
        read_beat_settings(config)


def test_unknown_tls_options_are_ignored_in_silence(tmp_path: Path) -> None:
    assert read_beat_settings(write_beat(tmp_path / "fb", {f"{OUTPUT}.ssl.certificateAuthorities": ["x"]}))


def test_a_keystore_at_a_stated_path_is_read(tmp_path: Path) -> None:
    config = write_beat(tmp_path / "fb", {}, {"A": "x"})
    (tmp_path / "fb" / "data" / "filebeat.keystore").rename(config / "filebeat.keystore")
    settings = {"keystore.path": str(config / "filebeat.keystore"), f"{OUTPUT}.password": "${A}"}
    assert read_beat_settings(write_beat(tmp_path / "fb", settings)).password.reveal() == "x"
