"""The API of one node against bodies that a real 9.1.0 node answered, and who may do what."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from estui.formats.file_realm import pbkdf2_hash
from estui.sandbox.log import NodeLog
from estui.sandbox.state import apply_operation, new_state
from estui.sandbox.users import Users
from estui.secret import Secret

from .conftest import RunningNode, StartNode
from .makers import Pair, ask, client, keystore, make_leaf, pem_files, pem_settings, until, write_node

SAMPLES = Path(__file__).parents[2] / "fixtures/answers"
BASE = {"discovery.type": "single-node", "node.name": "n1", "cluster.name": "lab"}
BASE |= {"resource.reload.interval.high": "50ms"}
ELASTIC = "elastic:changeme"
ADMIN = "admin:admin-pass"
RESERVED = ("kibana_system", "kibana", "logstash_system", "beats_system", "apm_system", "remote_monitoring_user")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}-9.1.0.json").read_text())


def shape(value: Any) -> Any:
    """Keys and types of a body, without its values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


@pytest.fixture
def node(tmp_path: Path, start_node: StartNode, ports: tuple[int, int]) -> RunningNode:
    settings = {**BASE, "http.port": ports[0], "transport.port": ports[1]}
    hashed = pbkdf2_hash(Secret("admin-pass"), bytes(32), 1000)
    files = {
        "elasticsearch.keystore": keystore({"bootstrap.password": "changeme"}),
        "users": f"admin:{hashed}\nplain:plain-pass\n".encode(),
        "users_roles": b"superuser:admin\n",
    }
    running = start_node(write_node(tmp_path, settings, files))
    until(running.is_up)
    return running


@pytest.fixture
def settled(node: RunningNode) -> RunningNode:
    """The node, once its security index answers."""
    until(lambda: ask(node.http, user=ELASTIC).status == 200)
    return node


def test_no_credentials(node: RunningNode) -> None:
    answer = ask(node.http)
    assert (answer.status, answer.body) == (401, sample("401-missing-credentials"))
    offered = [value for name, value in answer.headers if name == "WWW-Authenticate"]
    assert offered == ['Basic realm="security", charset="UTF-8"', "ApiKey"]
    assert ("X-elastic-product", "Elasticsearch") in answer.headers


def test_a_wrong_password(settled: RunningNode) -> None:
    answer = ask(settled.http, user="elastic:wrong")
    assert (answer.status, answer.body) == (401, sample("401-wrong-password"))


def test_bearer_is_offered_only_with_https(
    tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]
) -> None:
    settings = {**BASE, "http.port": ports[0], "transport.port": ports[1], **pem_settings("http")}
    files = {"elasticsearch.keystore": keystore(), **pem_files("http", make_leaf(ca), ca)}
    running = start_node(write_node(tmp_path, settings, files))
    until(running.is_up)
    answer = ask(running.http, context=client(ca))
    offered = [value for name, value in answer.headers if name == "WWW-Authenticate"]
    assert 'Bearer realm="security"' in offered
    assert answer.body["error"]["header"]["WWW-Authenticate"] == offered


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "root"),
        ("/_cluster/health", "cluster_health"),
        ("/_cat/nodes?format=json", "cat_nodes"),
        ("/_license", "license"),
    ],
)
def test_bodies_have_the_shape_of_the_real_ones(settled: RunningNode, path: str, name: str) -> None:
    assert shape(ask(settled.http, path, user=ELASTIC).body) == shape(sample(name))


def test_bodies_without_a_time_are_the_real_ones(settled: RunningNode) -> None:
    assert ask(settled.http, "/_security/_authenticate", user=ELASTIC).body == sample("authenticate")
    assert ask(settled.http, "/_security/user", user=ELASTIC).body == sample("security_user")
    assert ask(settled.http, "/_cluster/settings", user=ELASTIC).body == sample("cluster_settings")
    unknown = ask(settled.http, "/_nosuch/thing/x", user=ELASTIC)
    assert (unknown.status, unknown.body) == (400, sample("404"))


def test_nodes_tell_addresses_start_time_and_settings(settled: RunningNode) -> None:
    body = ask(settled.http, "/_nodes/http,transport,jvm,process,settings", user=ELASTIC).body
    (told,) = body["nodes"].values()
    (real,) = sample("nodes_http_transport_settings")["nodes"].values()
    for part in ("http", "transport", "jvm", "process"):
        assert shape(told[part]) == shape(real[part])
    assert told["http"]["publish_address"] == f"127.0.0.1:{settled.http}"
    assert told["transport"]["publish_address"] == f"127.0.0.1:{settled.transport}"
    assert told["settings"]["http"]["type"] == "security4"
    filtered = ask(settled.http, "/_nodes?filter_path=nodes.*.version", user=ELASTIC).body
    assert list(filtered["nodes"].values()) == [{"version": "9.1.0"}]


def test_only_elastic_has_a_password_at_first(settled: RunningNode) -> None:
    for user in RESERVED:
        assert ask(settled.http, user=f"{user}:changeme").status == 401
        assert ask(settled.http, user=f"{user}:").status == 401


def test_the_right_password_gets_401_while_the_security_index_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = new_state()
    apply_operation(state, "create_security", {"now": 1000.0}, ["id"])
    log = io.StringIO()
    secure = {"bootstrap.password": b"changeme"}
    users = Users(tmp_path, "default_file", True, secure, lambda: state, NodeLog("n1", log))
    header = "Basic " + base64.b64encode(ELASTIC.encode()).decode()
    monkeypatch.setattr("estui.sandbox.users.time.time", lambda: 1000.1)
    assert users.authenticate(header) is None
    assert "failed to retrieve password hash for reserved user [elastic]" in log.getvalue()
    monkeypatch.setattr("estui.sandbox.users.time.time", lambda: 1001.0)
    assert users.authenticate(header) is not None


def test_the_bootstrap_password_dies_with_the_first_own_password(settled: RunningNode) -> None:
    kibana = "/_security/user/kibana_system/_password"
    assert ask(settled.http, kibana, method="POST", body={"password": "kibana-pass"}, user=ELASTIC).body == {}
    assert ask(settled.http, user="kibana_system:kibana-pass").status == 200
    assert ask(settled.http, user="kibana:kibana-pass").status == 401
    assert ask(settled.http, user=ELASTIC).status == 200
    own = "/_security/user/_password"
    assert ask(settled.http, own, method="PUT", body={"password": "own-pass"}, user=ELASTIC).body == {}
    assert ask(settled.http, user="elastic:own-pass").status == 200
    assert ask(settled.http, user=ELASTIC).status == 401


def test_a_password_may_come_as_a_hash(settled: RunningNode) -> None:
    body = {"password_hash": pbkdf2_hash(Secret("hashed-pass"), bytes(32), 10_000)}
    path = "/_security/user/kibana_system/_password"
    assert ask(settled.http, path, method="POST", body=body, user=ELASTIC).status == 200
    assert ask(settled.http, user="kibana_system:hashed-pass").status == 200


@pytest.mark.parametrize(
    ("user", "body", "says"),
    [
        ("elastic", {"password": "short"}, "passwords must be at least [6] characters long"),
        ("nobody", {"password": "long-enough"}, "user must exist in order to change password"),
        (
            "admin",
            {"password": "long-enough"},
            "user [admin] does not belong to the native realm and cannot be managed via this API.",
        ),
    ],
)
def test_passwords_that_are_refused(settled: RunningNode, user: str, body: dict[str, str], says: str) -> None:
    answer = ask(settled.http, f"/_security/user/{user}/_password", method="POST", body=body, user=ADMIN)
    assert answer.status == 400
    assert answer.body["error"]["reason"] == f"Validation Failed: 1: {says};"


def test_the_file_superuser_sets_elastics_password(settled: RunningNode) -> None:
    path = "/_security/user/elastic/_password"
    assert ask(settled.http, path, method="POST", body={"password": "from-file"}, user=ADMIN).body == {}
    assert ask(settled.http, user="elastic:from-file").status == 200
    who = ask(settled.http, "/_security/_authenticate", user=ADMIN).body
    assert who["authentication_realm"] == {"name": "default_file", "type": "file"}
    assert who["roles"] == ["superuser"]


def test_file_users_come_and_go_with_the_poll(node: RunningNode) -> None:
    (node.config / "users_roles").write_bytes(b"superuser:admin,estui-tmp\n")
    (node.config / "users").write_bytes(b"estui-tmp:new-pass\n")
    until(lambda: ask(node.http, user="estui-tmp:new-pass").status == 200)
    assert ask(node.http, user=ADMIN).status == 401
    assert f"users file [{node.config}/users] changed. updating users..." in node.log
    (node.config / "users").unlink()
    until(lambda: ask(node.http, user="estui-tmp:new-pass").status == 401)


def test_a_user_without_roles_is_known_and_may_do_nothing(node: RunningNode) -> None:
    assert ask(node.http, "/_security/_authenticate", user="plain:plain-pass").status == 200
    assert ask(node.http, user="plain:plain-pass").status == 200, "as on 9.1.0: `GET /` is everybody's who is known"
    answer = ask(node.http, "/_cluster/health", user="plain:plain-pass")
    assert (answer.status, answer.body["error"]["type"]) == (403, "security_exception")


def test_kibana_system_may_not_set_the_passwords_of_others(settled: RunningNode) -> None:
    path = "/_security/user/kibana_system/_password"
    ask(settled.http, path, method="POST", body={"password": "kibana-pass"}, user=ELASTIC)
    mine = "kibana_system:kibana-pass"
    other = ask(
        settled.http, "/_security/user/elastic/_password", method="POST", body={"password": "abcdef"}, user=mine
    )
    assert other.status == 403
    assert "is unauthorized for user [kibana_system]" in other.body["error"]["reason"]
    assert ask(settled.http, "/_cluster/health", user=mine).status == 200
    assert ask(settled.http, path, method="POST", body={"password": "other-pass"}, user=mine).status == 200


def test_a_disabled_user_is_refused(settled: RunningNode) -> None:
    path = "/_security/user/kibana_system"
    ask(settled.http, f"{path}/_password", method="POST", body={"password": "kibana-pass"}, user=ELASTIC)
    assert ask(settled.http, f"{path}/_disable", method="PUT", user=ELASTIC).body == {}
    assert ask(settled.http, user="kibana_system:kibana-pass").status == 401
    assert ask(settled.http, f"{path}/_enable", method="PUT", user=ELASTIC).body == {}
    assert ask(settled.http, user="kibana_system:kibana-pass").status == 200


def test_api_keys_service_tokens_and_native_users_log_in(settled: RunningNode) -> None:
    key = ask(settled.http, "/_security/api_key", method="POST", body={"name": "k"}, user=ELASTIC).body["encoded"]
    assert ask(settled.http, header=f"ApiKey {key}").status == 200
    token_path = "/_security/service/elastic/kibana/credential/token/one"
    token = ask(settled.http, token_path, method="POST", user=ELASTIC).body["token"]["value"]
    who = ask(settled.http, "/_security/_authenticate", header=f"Bearer {token}").body
    assert who["username"] == "elastic/kibana"
    body = {"password": "native-pass", "roles": ["superuser"]}
    assert ask(settled.http, "/_security/user/ann", method="PUT", body=body, user=ELASTIC).body == {"created": True}
    assert ask(settled.http, user="ann:native-pass").status == 200
    wrong = base64.b64encode(b"id:secret").decode()
    assert ask(settled.http, header=f"ApiKey {wrong}").status == 401


def test_settings_are_kept_nested_and_flat(settled: RunningNode) -> None:
    key = "cluster.routing.allocation.enable"
    put = ask(settled.http, "/_cluster/settings", method="PUT", body={"persistent": {key: "primaries"}}, user=ELASTIC)
    nested = {"cluster": {"routing": {"allocation": {"enable": "primaries"}}}}
    assert put.body == {"acknowledged": True, "persistent": nested, "transient": {}}
    flat = ask(settled.http, "/_cluster/settings?flat_settings=true", user=ELASTIC).body
    assert flat == {"persistent": {key: "primaries"}, "transient": {}}
    ask(settled.http, "/_cluster/settings", method="PUT", body={"persistent": {key: None}}, user=ELASTIC)
    assert ask(settled.http, "/_cluster/settings", user=ELASTIC).body == {"persistent": {}, "transient": {}}


def test_documents_are_still_there(settled: RunningNode) -> None:
    assert ask(settled.http, "/logs/_doc/1", method="PUT", body={"a": 1}, user=ELASTIC).body["result"] == "created"
    assert ask(settled.http, "/logs/_doc", method="POST", body={"a": 2}, user=ELASTIC).status == 201
    assert ask(settled.http, "/logs/_count", user=ELASTIC).body["count"] == 2
    hits = ask(settled.http, "/logs/_search", user=ELASTIC).body["hits"]
    assert sorted(hit["_source"]["a"] for hit in hits["hits"]) == [1, 2]
    assert ask(settled.http, "/missing/_count", user=ELASTIC).status == 404
    assert ask(settled.http, "/_flush", method="POST", user=ELASTIC).body["_shards"]["failed"] == 0


def test_health_waits_and_says_when_it_did_not_come(settled: RunningNode) -> None:
    answer = ask(settled.http, "/_cluster/health?wait_for_nodes=2&timeout=50ms", user=ELASTIC)
    assert (answer.status, answer.body["timed_out"], answer.body["number_of_nodes"]) == (408, True, 1)
    for wish in ("1", ">=1", "ge(1)", "<2"):
        assert ask(settled.http, f"/_cluster/health?wait_for_nodes={wish}", user=ELASTIC).status == 200


def test_a_node_without_security_asks_nobody_and_has_no_security_api(
    tmp_path: Path, start_node: StartNode, ports: tuple[int, int]
) -> None:
    settings = {**BASE, "http.port": ports[0], "transport.port": ports[1], "xpack.security.enabled": False}
    running = start_node(write_node(tmp_path, settings, {"elasticsearch.keystore": keystore()}))
    until(running.is_up)
    assert ask(running.http).status == 200
    answer = ask(running.http, "/_security/_authenticate")
    assert answer.status == 400
    assert answer.body == {"error": "no handler found for uri [/_security/_authenticate] and method [GET]"}
    who = ask(running.http, "/_nodes/settings").body["nodes"]
    assert next(iter(who.values()))["settings"]["http"]["type"] == {"default": "netty4"}


def test_ssl_certificates_shows_the_disk_and_fails_with_its_reason(
    tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]
) -> None:
    settings = {**BASE, "http.port": ports[0], "transport.port": ports[1], "resource.reload.enabled": False}
    leaf = make_leaf(ca, "n1")
    files = {
        "elasticsearch.keystore": keystore({"bootstrap.password": "changeme"}),
        **pem_files("http", leaf, ca),
        **pem_files("transport", leaf, ca),
    }
    layers = {**pem_settings("http"), **pem_settings("transport")}
    running = start_node(write_node(tmp_path, {**settings, **layers}, files))
    until(running.is_up)

    def shown() -> Any:
        return ask(running.http, "/_ssl/certificates", user=ELASTIC, context=client(ca))

    until(lambda: shown().status == 200)
    assert shape(shown().body) == shape(sample("_ssl_certificates-pem"))
    new = make_leaf(ca, "n1")
    (running.config / "certs/http.crt").write_bytes(new.crt)
    on_disk = {row["path"]: row["serial_number"] for row in shown().body}
    assert on_disk["certs/http.crt"] == f"{new.certificate.serial_number:x}"
    (running.config / "certs/http.crt").unlink()
    answer = shown()
    assert (answer.status, answer.body["error"]["type"]) == (500, "ssl_config_exception")
    path = running.config / "certs/http.crt"
    reason = f"cannot read configured PEM certificate [{path}] because the file does not exist"
    assert answer.body["error"]["reason"] == reason
