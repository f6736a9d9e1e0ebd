"""What a node's API tells, read from bodies that real nodes answered."""

from __future__ import annotations

import json

import pytest

from estui.errors import ProbeError
from estui.model.observed import DiskUse, Health
from estui.model.version import Version
from estui.observe.es_api import (
    BUILT_IN,
    authenticate,
    disabled,
    disks,
    health,
    licence,
    listed_certificates,
    members,
    read_api,
    read_more,
    watermark,
    without_password,
)
from estui.observe.http import Basic, Client
from estui.secret import Secret
from tests.unit.observe.servers import ANSWERS, Handler, answer, http, refused_address, server

CHALLENGE = 'WWW-Authenticate: Basic realm="security", charset="UTF-8"'


def sample(name: str) -> bytes:
    return (ANSWERS / name).read_bytes()


BODIES = {
    "/": sample("root-9.1.0.json"),
    "/_nodes/http,transport,jvm": sample("nodes_http_transport_settings-9.1.0.json"),
    "/_cluster/health": sample("cluster_health-9.1.0.json"),
    "/_cluster/settings": b'{"persistent":{"cluster.routing.allocation.enable":"primaries"},"transient":{}}',
    "/_security/_authenticate": sample("authenticate-9.1.0.json"),
}
MISSING = answer(sample("401-missing-credentials-9.1.0.json"), "401 Unauthorized", CHALLENGE)
WRONG = answer(sample("401-wrong-password-9.1.0.json"), "401 Unauthorized", CHALLENGE)
NO_HANDLER = answer(sample("404-9.1.0.json"), "400 Bad Request")


def node(**instead: bytes) -> Handler:
    """A node that answers as real ones did, except for the paths given (`root`, `nodes`, `health`, `user`)."""
    paths = {"root": "/", "nodes": "/_nodes/http,transport,jvm", "health": "/_cluster/health"}
    paths["user"], paths["settings"] = "/_security/_authenticate", "/_cluster/settings"
    answers = {path: answer(body) for path, body in BODIES.items()}
    answers |= {paths[name]: whole for name, whole in instead.items()}
    return http(lambda path, request: answers.get(path, NO_HANDLER))


def test_an_unsecured_node_tells_everything_to_anybody() -> None:
    with server(node(user=NO_HANDLER)) as address, Client(address, None) as client:
        facts = read_api(client)
    assert (facts.reachable, facts.status, facts.secured) == (True, 200, False)
    assert (facts.name, facts.cluster_name, facts.cluster_uuid) == ("n1", "lab", "sff-4sSaQsOMhHkxMX1tDA")
    assert facts.version == Version(9, 1, 0)
    assert facts.health == Health("green", 1, 1, 0)
    assert facts.allocation == "primaries"
    member = facts.members[0]
    assert (member.name, member.version, member.http) == ("n1", "9.1.0", "127.0.0.1:27201")
    assert (member.transport, member.started_ms) == ("127.0.0.1:27301", 1795483140460)


def test_cluster_settings_that_we_may_not_read_leave_everything_else_told() -> None:
    refused = answer(b'{"error":{"reason":"action is unauthorized"}}', "403 Forbidden")
    with server(node(settings=refused)) as address, Client(address, None) as client:
        facts = read_api(client)
    assert (facts.allocation, facts.detail, facts.name) == ("", "", "n1")


def test_a_secured_node_says_who_we_are() -> None:
    with server(node()) as address, Client(address, None, Basic("elastic", Secret("pw"))) as client:
        facts = read_api(client)
    assert (facts.secured, facts.authenticated_as) == (True, "elastic")
    assert facts.members


def test_credentials_that_an_unsecured_node_ignores_do_not_make_it_secured() -> None:
    with server(node(user=NO_HANDLER)) as address, Client(address, None, Basic("elastic", Secret("pw"))) as client:
        facts = read_api(client)
    assert (facts.secured, facts.authenticated_as, facts.name) == (False, "", "n1")


def test_a_served_request_with_credentials_does_not_tell_whether_security_is_on() -> None:
    broken = answer(b"{}", "500 Internal Server Error")
    with server(node(user=broken)) as address, Client(address, None, Basic("elastic", Secret("pw"))) as client:
        facts = read_api(client)
    assert (facts.name, facts.secured) == ("n1", None)


@pytest.mark.parametrize(
    ("refusal", "words"),
    [(MISSING, "missing authentication credentials"), (WRONG, "unable to authenticate user [elastic]")],
)
def test_a_401_with_a_challenge_is_a_secured_node(refusal: bytes, words: str) -> None:
    with server(node(root=refusal)) as address, Client(address, None) as client:
        facts = read_api(client)
    assert (facts.reachable, facts.status, facts.secured, facts.name) == (True, 401, True, "")
    assert words in facts.detail


def test_a_401_without_a_challenge_may_be_a_proxy() -> None:
    with server(node(root=answer(b"no", "401 Unauthorized"))) as address, Client(address, None) as client:
        assert read_api(client).secured is None


def test_without_a_master_the_name_is_told_and_health_is_not() -> None:
    body = json.dumps({"error": {"type": "master_not_discovered_exception", "reason": None}, "status": 503}).encode()
    with server(node(health=answer(body, "503 Service Unavailable"))) as address, Client(address, None) as client:
        facts = read_api(client)
    assert (facts.name, facts.health, facts.detail) == ("n1", None, "HTTP 503")
    assert facts.members


def test_a_user_without_privileges_gets_the_name_and_a_reason() -> None:
    refusal = answer(b'{"error":{"reason":"action [cluster:monitor/nodes/info] is unauthorized"}}', "403 Forbidden")
    with server(node(nodes=refusal)) as address, Client(address, None, Basic("a", Secret("b"))) as client:
        facts = read_api(client)
    assert (facts.authenticated_as, facts.members) == ("elastic", ())
    assert "HTTP 403: action [cluster:monitor/nodes/info] is unauthorized" in facts.detail


def test_a_refused_port_is_not_reachable() -> None:
    with Client(refused_address(), None) as client:
        facts = read_api(client)
    assert (facts.reachable, facts.status, facts.detail) == (False, 0, "connection refused")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b'"text"', b"null", b'{"name": 1}', b'{"version": []}', b"\xff"]
)
def test_what_is_not_elasticsearch_has_no_name(body: bytes) -> None:
    with server(node(root=answer(body))) as address, Client(address, None) as client:
        facts = read_api(client)
    assert (facts.reachable, facts.name, facts.version) == (True, "", None)
    assert facts.detail


@pytest.mark.parametrize("body", [b"[]", b'{"nodes": []}', b'{"nodes": {"a": 1, "b": {"roles": 5, "jvm": "x"}}}'])
def test_odd_shapes_of_the_node_list_are_no_crash(body: bytes) -> None:
    with server(node(nodes=answer(body))) as address, Client(address, None) as client:
        assert all(member.name == "" for member in members(client))


def test_authenticate_tells_refused_from_unknown() -> None:
    with server(node()) as right, Client(right, None) as client:
        assert authenticate(client) == "elastic"
    with server(node(user=WRONG)) as wrong, Client(wrong, None) as client:
        assert authenticate(client) is None
    with (
        server(node(user=NO_HANDLER)) as off,
        Client(off, None) as client,
        pytest.raises(ProbeError, match="no handler found"),
    ):
        authenticate(client)


def test_health_that_timed_out_waiting_is_still_health() -> None:
    body = answer(sample("cluster_health-9.1.0.json"), "408 Request Timeout")
    with server(node(health=body)) as address, Client(address, None) as client:
        assert health(client).status == "green"


@pytest.mark.parametrize("kind", ["pem", "p12"])
def test_a_node_lists_the_certificates_of_its_files(kind: str) -> None:
    """By the names of the settings that it was started with."""
    body = sample(f"_ssl_certificates-{kind}-9.1.0.json")
    with server(http(lambda path, request: answer(body))) as address, Client(address, None) as client:
        files, error = listed_certificates(client)
    assert not error
    leaf = next(
        each for each in files if each.has_key and each.path == f"certs/http.{'crt' if kind == 'pem' else 'p12'}"
    )
    wanted = next(row for row in json.loads(body) if row["has_private_key"] and row["path"] == leaf.path)
    assert f"{leaf.serial:x}" == wanted["serial_number"]


def test_a_node_that_cannot_read_its_files_says_why() -> None:
    reason = "cannot read configured PEM certificate [/x] because the file does not exist"
    body = answer(json.dumps({"error": {"reason": reason}, "status": 500}).encode(), "500 Internal Server Error")
    with server(http(lambda path, request: body)) as address, Client(address, None) as client:
        assert listed_certificates(client) == ((), f"HTTP 500: {reason}")


@pytest.mark.parametrize("body", [MISSING, answer(b"nonsense")])
def test_a_list_that_is_refused_or_none_is_no_evidence(body: bytes) -> None:
    with (
        server(http(lambda path, request: body)) as address,
        Client(address, None) as client,
        pytest.raises(ProbeError),
    ):
        listed_certificates(client)


def only(path: str, whole: bytes) -> Handler:
    """A node that answers one path."""
    return http(lambda asked, request: whole if asked == path else NO_HANDLER)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"license":{"type":"basic","status":"active"}}', "basic"),
        (b'{"license":{"type":"trial","status":"expired"}}', "trial (expired)"),
        (b'{"license":[]}', ""),
        (b"[]", ""),
    ],
)
def test_the_licence_is_told_with_its_state_unless_it_is_active(body: bytes, words: str) -> None:
    with server(only("/_license", answer(body))) as address, Client(address, None) as client:
        assert licence(client) == words


def test_built_in_users_without_a_document_in_the_security_index_have_no_password() -> None:
    body = json.dumps({"hits": {"hits": [{"_id": "reserved-user-elastic"}, {"_id": "reserved-user-kibana_system"}, 7]}})
    with server(only("/.security/_search", answer(body.encode()))) as address, Client(address, None) as client:
        assert without_password(client) == BUILT_IN[2:]


@pytest.mark.parametrize(("status", "known"), [("404 Not Found", BUILT_IN), ("403 Forbidden", None)])
def test_without_the_index_nobody_has_one_and_without_leave_nothing_is_said(
    status: str, known: tuple[str, ...] | None
) -> None:
    handler = only("/.security/_search", answer(b'{"error":{"reason":"no"}}', status))
    with server(handler) as address, Client(address, None) as client:
        assert without_password(client) == known


def test_what_is_refused_leaves_the_rest_told() -> None:
    with server(node()) as address, Client(address, None, Basic("elastic", Secret("pw"))) as client:
        facts = read_api(client)
        more = read_more(facts, client)
    assert (more.licence, more.without_password, more.listed) == ("", None, None)
    assert more.health == facts.health


def test_hashes_of_passwords_are_not_asked_for() -> None:
    asked: list[bytes] = []

    def respond(path: str, request: bytes) -> bytes:
        asked.append(request)
        return answer(b'{"hits":{"hits":[]}}')

    with server(http(respond)) as address, Client(address, None) as client:
        without_password(client)
    assert b"_source=false" in asked[0]


def test_disks_watermark_and_disabled_users_are_told_to_whoever_may_look() -> None:
    disks_body = b'[{"node":"n1","disk.total":"100","disk.avail":"9"},{"node":"UNASSIGNED","disk.total":null}]'
    settings = b'{"persistent":{"cluster.routing.allocation.disk.watermark.low":"90%"},"transient":{}}'
    users = b'{"elastic":{"enabled":true},"logstash_system":{"enabled":false}}'
    paths = {
        "/_cat/allocation/_local": answer(disks_body),
        "/_cluster/settings": answer(settings),
        f"/_security/user/{','.join(BUILT_IN)}": answer(users),
    }
    with server(http(lambda path, request: paths.get(path, NO_HANDLER))) as address, Client(address, None) as client:
        assert disks(client) == (DiskUse("n1", 100, 9),)
        assert watermark(client) == "90%"
        assert disabled(client) == ("logstash_system",)


def test_disks_and_users_that_nobody_tells_are_unknown() -> None:
    with server(http(lambda path, request: NO_HANDLER)) as address, Client(address, None) as client:
        assert (disks(client), watermark(client), disabled(client)) == ((), "", None)
