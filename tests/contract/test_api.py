"""Answers of the API: what a client is told, with and without a login."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from estui.formats.file_realm import pbkdf2_hash
from estui.secret import Secret
from tests.contract import folders
from tests.contract.behaviours import proves
from tests.contract.conftest import ADMIN, ELASTIC
from tests.contract.labs import LabNode
from tests.unit.sandbox.makers import Answer, Pair, ask, client
from tests.waiting import until

SAMPLES = Path(__file__).parents[1] / "fixtures" / "answers"
RESERVED = ("kibana_system", "kibana", "logstash_system", "beats_system", "apm_system", "remote_monitoring_user")
SHAPES = {
    "/": "root",
    "/_cluster/health": "cluster_health",
    "/_cat/nodes?format=json": "cat_nodes",
    "/_license": "license",
    "/_security/_authenticate": "authenticate",
}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}-9.1.0.json").read_text())


def shape(value: Any) -> Any:
    """Keys and types of a body, without its values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def offered(answer: Answer) -> set[str]:
    return {value for name, value in answer.headers if name.lower() == "www-authenticate"}


def put(node: LabNode, path: str, body: Any, user: str = ELASTIC, method: str = "PUT") -> Answer:
    return ask(node.http, path, method=method, body=body, user=user)


@proves("api.missing-credentials")
def test_a_request_without_a_login(plain: LabNode, secured: LabNode, ca: Pair) -> None:
    basics = {'Basic realm="security", charset="UTF-8"', "ApiKey"}
    for node, context, schemes in ((plain, None, basics), (secured, client(ca), {*basics, 'Bearer realm="security"'})):
        answer = ask(node.http, context=context)
        assert answer.status == 401
        assert answer.body["error"]["type"] == "security_exception"
        assert answer.body["error"]["reason"] == "missing authentication credentials for REST request [/]"
        assert offered(answer) == schemes
        assert set(answer.body["error"]["header"]["WWW-Authenticate"]) == schemes


@proves("api.wrong-password")
@pytest.mark.parametrize("user", ["elastic", "nobody"])
def test_a_wrong_password_and_an_unknown_user(plain: LabNode, user: str) -> None:
    answer = ask(plain.http, user=f"{user}:wrong-password")
    assert answer.status == 401
    assert answer.body["error"]["reason"] == f"unable to authenticate user [{user}] for REST request [/]"
    assert shape(answer.body) == shape(sample("401-wrong-password"))


@proves("api.unknown-path")
def test_an_unknown_path(plain: LabNode) -> None:
    answer = ask(plain.http, "/_nosuch/thing/x", user=ELASTIC)
    assert (answer.status, answer.body) == (400, sample("404"))


@proves("api.shapes")
@pytest.mark.parametrize("path", SHAPES)
def test_bodies_have_the_shape_of_recorded_ones(plain: LabNode, path: str) -> None:
    assert shape(ask(plain.http, path, user=ELASTIC).body) == shape(sample(SHAPES[path]))


@proves("api.settings-hidden")
def test_nodes_tell_whether_tls_is_on_and_hide_the_rest(secured: LabNode, ca: Pair) -> None:
    body = ask(secured.http, "/_nodes/settings?flat_settings=true", user=ELASTIC, context=client(ca)).body
    (node,) = body["nodes"].values()
    shown = {name for name in node["settings"] if ".ssl." in name}
    assert shown == {"xpack.security.http.ssl.enabled", "xpack.security.transport.ssl.enabled"}
    assert (node["settings"]["http.type"], node["settings"]["transport.type"]) == ("security4", "security4")


@proves("api.cluster-settings")
def test_cluster_settings_are_answered_nested_or_flat(plain: LabNode) -> None:
    key = "cluster.routing.allocation.enable"
    nested = put(plain, "/_cluster/settings", {"persistent": {key: "primaries"}})
    assert nested.body["persistent"] == {"cluster": {"routing": {"allocation": {"enable": "primaries"}}}}
    assert nested.body["acknowledged"] is True
    flat = put(plain, "/_cluster/settings?flat_settings=true", {"persistent": {key: None}})
    assert (flat.status, flat.body["persistent"]) == (200, {})
    again = put(plain, "/_cluster/settings?flat_settings=true", {"persistent": {key: "all"}})
    assert again.body["persistent"] == {key: "all"}
    put(plain, "/_cluster/settings", {"persistent": {key: None}})


@proves("api.no-security")
def test_without_security_nobody_is_asked_and_there_is_no_security_api(unsecured: LabNode) -> None:
    assert ask(unsecured.http).status == 200
    answer = ask(unsecured.http, "/_security/_authenticate")
    assert (answer.status, answer.body) == (
        400,
        {"error": "no handler found for uri [/_security/_authenticate] and method [GET]"},
    )
    (node,) = ask(unsecured.http, "/_nodes/settings").body["nodes"].values()
    assert node["settings"]["http"]["type"] == {"default": "netty4"}


@proves("api.keys")
def test_keys_tokens_and_users_are_made_and_log_in(plain: LabNode) -> None:
    key = put(plain, "/_security/api_key", {"name": "probe"}, method="POST")
    assert (key.status, set(key.body)) == (200, {"id", "name", "api_key", "encoded"})
    assert ask(plain.http, header=f"ApiKey {key.body['encoded']}").status == 200
    token = put(plain, "/_security/service/elastic/kibana/credential/token/one", None, method="POST")
    assert (token.status, token.body["created"], set(token.body["token"])) == (200, True, {"name", "value"})
    who = ask(plain.http, "/_security/_authenticate", header=f"Bearer {token.body['token']['value']}").body
    assert (who["username"], who["authentication_realm"]["name"]) == ("elastic/kibana", "_service_account")
    user = {"password": "user-pass", "roles": ["monitoring_user"]}
    assert put(plain, "/_security/user/someone", user).body == {"created": True}
    until(lambda: ask(plain.http, "/_security/_authenticate", user="someone:user-pass").status == 200, 10)


@proves("users.reserved")
def test_only_elastic_has_a_password_at_first(plain: LabNode) -> None:
    assert ask(plain.http, user=ELASTIC).status == 200
    for user in RESERVED:
        assert ask(plain.http, user=f"{user}:changeme").status == 401
        assert ask(plain.http, user=f"{user}:").status == 401


@proves("users.file-superuser", "users.bootstrap-ends")
def test_the_bootstrap_password_ends_with_elastics_own(plain: LabNode) -> None:
    """Made by a superuser of the file realm; kibana_system's password neither ends it nor is it kibana's."""
    path = "/_security/user/{}/_password"
    assert put(plain, path.format("kibana_system"), {"password": "kibana-pass"}, ADMIN, "POST").body == {}
    assert ask(plain.http, user="kibana_system:kibana-pass").status == 200
    assert ask(plain.http, user="kibana:kibana-pass").status == 401
    assert ask(plain.http, user=ELASTIC).status == 200
    assert put(plain, path.format("elastic"), {"password": "own-pass"}, ADMIN, "POST").body == {}
    assert ask(plain.http, user="elastic:own-pass").status == 200
    assert ask(plain.http, user=ELASTIC).status == 401
    assert put(plain, path.format("elastic"), {"password": "changeme"}, ADMIN, "POST").body == {}


@proves("users.refused-passwords")
@pytest.mark.parametrize(
    ("user", "password", "says"),
    [
        ("elastic", "short", "passwords must be at least [6] characters long"),
        ("nobody", "long-enough", "user must exist in order to change password"),
        (
            "admin",
            "long-enough",
            "user [admin] does not belong to the native realm and cannot be managed via this API.",
        ),
    ],
)
def test_passwords_that_are_refused(plain: LabNode, user: str, password: str, says: str) -> None:
    answer = put(plain, f"/_security/user/{user}/_password", {"password": password}, ADMIN, "POST")
    assert answer.status == 400
    assert answer.body["error"]["reason"] == f"Validation Failed: 1: {says};"


@proves("users.hash")
def test_a_password_may_come_as_a_hash(plain: LabNode) -> None:
    body = {"password_hash": pbkdf2_hash(Secret("hashed-pass"), bytes(32), 10_000)}
    assert put(plain, "/_security/user/beats_system/_password", body, method="POST").status == 200
    assert ask(plain.http, user="beats_system:hashed-pass").status == 200


@proves("users.file-poll")
def test_file_users_come_and_go_with_the_poll(plain: LabNode) -> None:
    """Roles first, as estui does it; a deleted file drops every user of it."""
    config, since = plain.config, len(plain.log)
    roles, users = config / "users_roles", config / "users"
    before = roles.read_bytes(), users.read_bytes()
    folders.replace(roles, before[0].rstrip() + b",estui-tmp\n")
    folders.replace(users, before[1] + b"estui-tmp:new-pass\n")
    until(lambda: ask(plain.http, user="estui-tmp:new-pass").status == 200, 20)
    assert f"users file [{users}] changed. updating users..." in plain.log[since:]
    until(lambda: superuser(plain), 20)
    users.unlink()
    until(lambda: ask(plain.http, user="estui-tmp:new-pass").status == 401, 20)
    assert ask(plain.http, user=ADMIN).status == 401
    for path, content in zip((roles, users), before, strict=True):
        folders.replace(path, content)
    until(lambda: ask(plain.http, user=ADMIN).status == 200, 20)


def superuser(node: LabNode) -> bool:
    who = ask(node.http, "/_security/_authenticate", user="estui-tmp:new-pass").body
    realm = {"name": "default_file", "type": "file"}
    return bool(who["roles"] == ["superuser"] and who["authentication_realm"] == realm)


HASHES = {
    "pbkdf2-1000": (pbkdf2_hash(Secret("the-pass"), bytes(32), 1000), True),
    "pbkdf2-10000": (pbkdf2_hash(Secret("the-pass"), bytes(32), 10_000), True),
    "rounds-unknown": (pbkdf2_hash(Secret("the-pass"), bytes(32), 1000).replace("}1000$", "}210000$"), False),
    "plain": ("the-pass", True),
}


@proves("users.file-hashes")
def test_the_file_realm_takes_the_hashes_that_it_knows(plain: LabNode) -> None:
    users = plain.config / "users"
    before = users.read_bytes()
    lines = "".join(f"u_{number}:{digest}\n" for number, (digest, _) in enumerate(HASHES.values()))
    folders.replace(users, before + lines.encode())
    until(lambda: ask(plain.http, "/_security/_authenticate", user="u_0:the-pass").status == 200, 20)
    answers = {
        name: ask(plain.http, "/_security/_authenticate", user=f"u_{number}:the-pass").status == 200
        for number, name in enumerate(HASHES)
    }
    folders.replace(users, before)
    assert answers == {name: good for name, (_, good) in HASHES.items()}
