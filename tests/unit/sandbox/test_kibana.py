"""The Kibana of the sandbox: what it refuses at start, and what its status says about Elasticsearch."""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from estui.formats.kibana_keystore import write_kibana_keystore
from estui.sandbox.cluster import free_ports
from estui.sandbox.kibana import KibanaServer
from estui.sandbox.kibana_settings import read_kibana_settings
from estui.sandbox.log import NodeLog
from estui.sandbox.settings import StartupError

from .conftest import RunningNode, StartNode
from .makers import Pair, ask, client, keystore, make_leaf, pem_files, pem_settings, until, write_node

Start = Callable[[Path], KibanaServer]
SALT, IV = bytes(64), bytes(12)
FORBIDDEN = (
    '[config validation of [elasticsearch].username]: value of "elastic" is forbidden. This is a superuser account'
)


def write_kibana(folder: Path, settings: dict[str, Any], secure: dict[str, str] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    settings = {"server.host": "127.0.0.1", "path.data": str(folder / "data"), **settings}
    settings.setdefault("elasticsearch.healthCheck.delay", 50)
    (folder / "kibana.yml").write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items()))
    if secure is not None:
        content = write_kibana_keystore(dict(secure), password=None, salt=SALT, iv=IV)
        (folder / "kibana.keystore").write_bytes(content)
    return folder


@pytest.fixture
def start_kibana() -> Iterator[Start]:
    started: list[KibanaServer] = []

    def start(config: Path) -> KibanaServer:
        server = KibanaServer(read_kibana_settings(config), NodeLog("kibana", io.StringIO()))
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def elasticsearch(tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]) -> RunningNode:
    """A node with HTTPS whose kibana_system has the password `kibana-pass`."""
    settings = {"discovery.type": "single-node", "http.port": ports[0], "transport.port": ports[1]}
    files = {
        "elasticsearch.keystore": keystore({"bootstrap.password": "changeme"}),
        **pem_files("http", make_leaf(ca), ca),
    }
    node = start_node(write_node(tmp_path / "es", {**settings, **pem_settings("http")}, files))
    until(node.is_up)
    path = "/_security/user/kibana_system/_password"

    def set_password() -> bool:
        body = {"password": "kibana-pass"}
        return ask(node.http, path, method="POST", body=body, user="elastic:changeme", context=client(ca)).status == 200

    until(set_password)
    return node


def secured(tmp_path: Path, node: RunningNode, ca: Pair, **changes: Any) -> Path:
    (tmp_path / "ca.crt").write_bytes(ca.crt)
    settings = {
        "server.port": next(free_ports(1)),
        "elasticsearch.hosts": [f"https://127.0.0.1:{node.http}"],
        "elasticsearch.username": "kibana_system",
        "elasticsearch.ssl.certificateAuthorities": [str(tmp_path / "ca.crt")],
        **changes,
    }
    return write_kibana(tmp_path / "kibana", settings, {"elasticsearch.password": "kibana-pass"})


def test_status_is_available_when_elasticsearch_knows_the_login(
    tmp_path: Path, ca: Pair, elasticsearch: RunningNode, start_kibana: Start
) -> None:
    server = start_kibana(secured(tmp_path, elasticsearch, ca))
    port = server.settings.port
    answer = until(lambda: (found := ask(port, "/api/status")).status == 200 and found)
    assert answer.body == {"status": {"overall": {"level": "available"}}}
    full = ask(port, "/api/status", user="kibana_system:kibana-pass").body
    assert full["version"]["number"] == "9.1.0"
    assert full["status"]["core"]["elasticsearch"]["level"] == "available"
    assert ask(port, "/api/status", user="kibana_system:wrong").status == 401


@pytest.mark.parametrize("wrong", ["password", "trust", "scheme", "name"])
def test_status_is_unavailable_when_something_is_wrong(
    tmp_path: Path, ca: Pair, other_ca: Pair, elasticsearch: RunningNode, start_kibana: Start, wrong: str
) -> None:
    config = secured(tmp_path, elasticsearch, other_ca if wrong == "trust" else ca)
    yml = config / "kibana.yml"
    if wrong == "password":
        content = write_kibana_keystore({"elasticsearch.password": "wrong"}, password=None, salt=SALT, iv=IV)
        (config / "kibana.keystore").write_bytes(content)
    elif wrong == "scheme":
        yml.write_text(yml.read_text().replace("https://", "http://"))
    elif wrong == "name":
        yml.write_text(yml.read_text().replace("https://127.0.0.1", "https://ip6-localhost.invalid"))
    server = start_kibana(config)
    server.ask_elasticsearch()
    answer = ask(server.settings.port, "/api/status")
    assert (answer.status, answer.body["status"]["overall"]["level"]) == (503, "unavailable")


def test_status_turns_critical_when_elasticsearch_is_lost(
    tmp_path: Path, ca: Pair, elasticsearch: RunningNode, start_kibana: Start
) -> None:
    server = start_kibana(secured(tmp_path, elasticsearch, ca))
    until(lambda: ask(server.settings.port, "/api/status").status == 200)
    elasticsearch.stop()
    answer = until(lambda: (found := ask(server.settings.port, "/api/status")).status == 503 and found)
    assert answer.body["status"]["overall"]["level"] == "critical"


def test_kibana_without_security_tells_everything(
    tmp_path: Path, start_node: StartNode, ports: tuple[int, int], start_kibana: Start
) -> None:
    settings = {"discovery.type": "single-node", "http.port": ports[0], "transport.port": ports[1]}
    files = {"elasticsearch.keystore": keystore()}
    node = start_node(write_node(tmp_path / "es", {**settings, "xpack.security.enabled": False}, files))
    until(node.is_up)
    own = {"server.port": next(free_ports(1)), "elasticsearch.hosts": f"http://127.0.0.1:{node.http}"}
    server = start_kibana(write_kibana(tmp_path / "kibana", own))
    answer = until(lambda: (found := ask(server.settings.port, "/api/status")).status == 200 and found)
    assert answer.body["status"]["overall"]["level"] == "available"
    assert answer.body["name"] == "kibana"


def test_its_own_port_serves_tls_and_reloads_on_demand(
    tmp_path: Path, ca: Pair, elasticsearch: RunningNode, start_kibana: Start
) -> None:
    first, second = make_leaf(ca, "kibana"), make_leaf(ca, "kibana")
    pair = tmp_path / "server.crt", tmp_path / "server.key"
    for path, content in zip(pair, (first.crt, first.pem_key), strict=True):
        path.write_bytes(content)
    names = {"server.ssl.certificate": str(pair[0]), "server.ssl.key": str(pair[1])}
    config = secured(tmp_path, elasticsearch, ca, **{"server.ssl.enabled": True, **names})
    server = start_kibana(config)
    port = server.settings.port
    until(lambda: ask(port, "/api/status", context=client(ca)).status == 200)

    def serial() -> int:
        pem = ssl.get_server_certificate(("127.0.0.1", port))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    for path, content in zip(pair, (second.crt, second.pem_key), strict=True):
        path.write_bytes(content)
    assert serial() == first.certificate.serial_number
    server.reload(config)
    assert serial() == second.certificate.serial_number
    pair[1].unlink()
    server.reload(config)
    assert serial() == second.certificate.serial_number


@pytest.mark.parametrize(
    ("settings", "says", "exit_code"),
    [
        ({"elasticsearch.username": "elastic"}, FORBIDDEN, 78),
        (
            {"elasticsearch.username": "kibana_system", "elasticsearch.serviceAccountToken": "AAEAAW"},
            "[config validation of [elasticsearch].serviceAccountToken]: serviceAccountToken cannot be specified when "
            '"username" is also set.',
            78,
        ),
        (
            {"server.ssl.enabled": True},
            "[config validation of [server].ssl]: must specify [certificate] and [key] -- or [keystore.path] -- when "
            "ssl is enabled",
            78,
        ),
        (
            {"server.ssl.clientAuthentication": "required"},
            "[config validation of [server].ssl]: must enable ssl to use [clientAuthentication]",
            78,
        ),
        (
            {"elasticsearch.ssl.certificateAuthorities": ["/nowhere/ca.crt"]},
            "ENOENT: no such file or directory, open '/nowhere/ca.crt'",
            1,
        ),
        (
            {"elasticsearch.hosts": ["es-1:9200"]},
            "[config validation of [elasticsearch].hosts]: expected URI with scheme [http|https].",
            78,
        ),
        (
            {"elasticsearch.pasword": "x"},
            "[config validation of [elasticsearch].pasword]: definition for this key is",
            78,
        ),
        ({"nonsense.key": "x"}, 'Unknown configuration key(s): "nonsense.key".', 64),
    ],
)
def test_a_configuration_is_refused_in_kibanas_words(
    tmp_path: Path, settings: dict[str, Any], says: str, exit_code: int
) -> None:
    with pytest.raises(StartupError) as refused:
        read_kibana_settings(write_kibana(tmp_path / "kibana", settings))
    assert refused.value.summary.startswith(says)
    assert refused.value.exit_code == exit_code


def test_a_pair_that_does_not_match_is_refused(tmp_path: Path, ca: Pair) -> None:
    (tmp_path / "server.crt").write_bytes(make_leaf(ca).crt)
    (tmp_path / "server.key").write_bytes(make_leaf(ca).pem_key)
    settings = {
        "server.ssl.enabled": True,
        "server.ssl.certificate": str(tmp_path / "server.crt"),
        "server.ssl.key": str(tmp_path / "server.key"),
    }
    with pytest.raises(StartupError, match="key values mismatch"):
        read_kibana_settings(write_kibana(tmp_path / "kibana", settings))


def test_the_keystore_overrides_the_yml_and_that_of_the_data_folder_wins(tmp_path: Path) -> None:
    settings = {"elasticsearch.username": "other", "elasticsearch.password": "yml"}
    config = write_kibana(tmp_path / "kibana", settings, {"elasticsearch.password": "stored"})
    found = read_kibana_settings(config).password
    assert found is not None
    assert found.reveal() == "stored"
    (config / "data").mkdir()
    content = write_kibana_keystore({"elasticsearch.password": "older"}, password=None, salt=SALT, iv=IV)
    (config / "data/kibana.keystore").write_bytes(content)
    found = read_kibana_settings(config).password
    assert found is not None
    assert found.reveal() == "older"
