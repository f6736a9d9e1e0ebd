"""The HTTP client: no answer without words, no request without an end, no credentials without a proven peer."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from estui.errors import ProbeError
from estui.model.inventory import Address
from estui.model.observed import PortState
from estui.observe.http import ApiKey, Basic, Client, ClientCertificate, Tls
from estui.observe.sockets import ConnectionFailed
from estui.secret import Secret
from tests.unit.observe.servers import Ca, Leaf, answer, http, refused_address, server, tls, wait_for_end


def failure(address: Address, trust: Tls | None = None, timeout_s: float = 2.0) -> ProbeError:
    with Client(address, trust, timeout_s=timeout_s) as client, pytest.raises(ProbeError) as caught:
        client.request("GET", "/")
    return caught.value


def test_a_plain_answer_comes_with_status_headers_and_json() -> None:
    created = answer(b'{"a": 1}', "201 Created", "X-Elastic-Product: E")
    with server(http(lambda path, request: created)) as address, Client(address, None) as client:
        got = client.request("GET", "/x?pretty")
    assert (got.status, got.json(), got.headers["x-elastic-product"]) == (201, {"a": 1}, "E")


def test_a_body_is_sent_as_json() -> None:
    seen: list[bytes] = []

    def respond(path: str, request: bytes) -> bytes:
        seen.append(request)
        return answer(b"{}")

    with server(http(respond)) as address, Client(address, None) as client:
        client.request("PUT", "/_cluster/settings", {"persistent": {"a.b": None}})
    head, _, body = seen[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {"persistent": {"a.b": None}}
    assert b"content-type: application/json" in head.lower()


def test_every_request_is_a_connection_of_its_own() -> None:
    """An open connection shows an old certificate for ever, so it proves nothing."""
    ports: list[int] = []

    def handle(connection: socket.socket) -> None:
        ports.append(connection.getpeername()[1])
        http(lambda path, request: answer(b"{}"))(connection)
        wait_for_end(connection)

    with server(handle) as address, Client(address, None) as client:
        for _ in range(3):
            client.request("GET", "/")
    assert len(set(ports)) == 3


def test_tls_of_a_trusted_ca_is_verified_with_its_name(leaf: Leaf, tmp_path: Path) -> None:
    handler = tls(leaf.context(tmp_path), http(lambda path, request: answer(b"{}")))
    with server(handler) as address:
        for trust in (Tls((leaf.ca.facts,)), Tls((leaf.ca.facts,), server_name="es-1")):
            with Client(address, trust, Basic("elastic", Secret("pw"))) as client:
                assert client.request("GET", "/").status == 200


def test_an_intermediate_or_the_leaf_itself_can_be_trusted(leaf: Leaf, tmp_path: Path) -> None:
    """As in Java, where any trusted certificate ends a chain."""
    handler = tls(leaf.context(tmp_path), http(lambda path, request: answer(b"{}")))
    with server(handler) as address, Client(address, Tls((leaf.facts,))) as client:
        assert client.request("GET", "/").status == 200


def test_a_certificate_of_another_ca_is_named(leaf: Leaf, tmp_path: Path) -> None:
    with server(tls(leaf.context(tmp_path), wait_for_end)) as address:
        error = failure(address, Tls((Ca.create("other").facts,)))
    assert "CN=es-1, issued by CN=test CA" in error.summary
    assert "not issued by a CA that is trusted here" in error.summary


def test_a_certificate_for_other_names_says_which(leaf: Leaf, tmp_path: Path) -> None:
    with server(tls(leaf.context(tmp_path), wait_for_end)) as address:
        error = failure(address, Tls((leaf.ca.facts,), server_name="es-9.example.net"))
    assert error.summary == "the served certificate is not for es-9.example.net; its names: localhost, es-1, 127.0.0.1"


def test_an_address_that_the_certificate_lacks_says_what_it_has(ca: Ca, tmp_path: Path) -> None:
    other = ca.issue("es-1", addresses=("10.0.0.1",))
    with server(tls(other.context(tmp_path), wait_for_end)) as address:
        error = failure(address, Tls((ca.facts,)))
    assert error.summary == "the served certificate is not for 127.0.0.1; its names: es-1, 10.0.0.1"


def test_plain_text_behind_an_https_client_is_named() -> None:
    with server(http(lambda path, request: answer(b"{}"))) as address:
        error = failure(address, Tls())
    assert "plain text behind this port" in error.summary


def test_a_port_that_drops_plain_text_is_silent(leaf: Leaf) -> None:
    with server(lambda connection: None) as address:
        error = failure(address)
    assert isinstance(error, ConnectionFailed)
    assert error.state is PortState.SILENT


def test_a_refused_connection_says_so() -> None:
    error = failure(refused_address())
    assert isinstance(error, ConnectionFailed)
    assert (error.state, error.summary) == (PortState.REFUSED, "connection refused")


def test_a_demanded_client_certificate_is_named_and_can_be_shown(leaf: Leaf, tmp_path: Path) -> None:
    context = leaf.context(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=leaf.ca.pem.decode())
    shown = ClientCertificate(str(tmp_path / "node.crt"), str(tmp_path / "node.key"))
    with server(tls(context, http(lambda path, request: answer(b"{}")))) as address:
        error = failure(address, Tls((leaf.ca.facts,)))
        with Client(address, Tls((leaf.ca.facts,), client=shown)) as client:
            assert client.request("GET", "/").status == 200
    assert "client certificate" in error.summary  # its alert, or the reset that overtook it


def test_a_client_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    error = failure(refused_address(), Tls(client=ClientCertificate(str(tmp_path / "no.crt"), "no.key")))
    assert "no.crt" in error.summary


@pytest.mark.parametrize("piece", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"])
def test_an_answer_that_dribbles_is_given_up_in_time(piece: bytes) -> None:
    """httpx alone bounds single reads only."""
    stop = threading.Event()

    def dribble(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(piece)
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with server(dribble) as address:
        begin = time.monotonic()
        error = failure(address, timeout_s=0.4)
        taken = time.monotonic() - begin
        stop.set()
    assert isinstance(error, ConnectionFailed)
    assert error.state is PortState.TIMED_OUT
    assert taken < 1


def test_a_server_that_accepts_and_hangs_is_given_up_in_time(leaf: Leaf) -> None:
    with server(wait_for_end) as address:
        for trust in (None, Tls((leaf.ca.facts,))):
            error = failure(address, trust, timeout_s=0.2)
            assert error.summary == "no answer within 0.2 s"


def test_an_endless_body_is_given_up() -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 1024 * 1024)

    with server(endless) as address:
        assert "larger than" in failure(address).summary


def test_an_endless_header_is_given_up() -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            connection.sendall(b"x" * 65536)

    with server(endless) as address:
        assert "does not speak HTTP" in failure(address).summary


@pytest.mark.parametrize(
    "sent",
    [b"This is not an HTTP port", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", b"HTTP/9.9 x\r\n\r\n", b"\xff"],
)
def test_an_answer_that_is_no_http_is_told_in_words(sent: bytes) -> None:
    def handle(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(sent)

    with server(handle) as address:
        assert "does not speak HTTP" in failure(address).summary


def test_redirects_are_not_followed_and_proxies_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    found = answer(b"", "302 Found", "location: /login")
    with server(http(lambda path, request: found)) as address, Client(address, None) as client:
        got = client.request("GET", "/")
    assert (got.status, got.headers["location"]) == (302, "/login")


def test_credentials_are_sent_as_the_header_that_elasticsearch_reads() -> None:
    seen: list[bytes] = []

    def respond(path: str, request: bytes) -> bytes:
        seen.extend(line for line in request.split(b"\r\n") if line.lower().startswith(b"authorization:"))
        return answer(b"{}")

    encoded = base64.b64encode(b"id:key").decode()
    with server(http(respond)) as address:
        for credentials in (Basic("elastic", Secret("pä€")), ApiKey(Secret(encoded)), ApiKey(Secret("id:key"))):
            with Client(address, None, credentials) as client:
                client.request("GET", "/")
    values = [line.split(b": ")[1].decode() for line in seen]
    basic = base64.b64encode("elastic:pä€".encode()).decode()
    assert values == [f"Basic {basic}", f"ApiKey {encoded}", f"ApiKey {encoded}"]


@pytest.mark.parametrize("unproven", ["nobody", "no name"])
def test_credentials_with_unverified_tls_are_a_mistake_in_the_program(unproven: str, ca: Ca) -> None:
    trust = Tls() if unproven == "nobody" else Tls((ca.facts,), check_name=False)
    with pytest.raises(ValueError, match="never sent"):
        Client(Address("127.0.0.1", 9200), trust, Basic("elastic", Secret("pw")))


def test_no_error_holds_the_credentials() -> None:
    with (
        server(lambda connection: None) as address,
        Client(address, None, Basic("elastic", Secret("hunter2"))) as client,
        pytest.raises(ProbeError) as caught,
    ):
        client.request("GET", "/")
    assert "hunter2" not in repr(caught.value) + repr(vars(client)) + "".join(caught.value.lines())


def test_an_answer_that_is_not_json_is_told() -> None:
    with server(http(lambda path, request: answer(b"<html>"))) as address, Client(address, None) as client:
        got = client.request("GET", "/")
    with pytest.raises(ProbeError, match="not JSON"):
        got.json()


def test_an_ipv6_address_is_put_in_brackets() -> None:
    assert Client(Address("::1", 9200), None).url("/_cat") == "http://[::1]:9200/_cat"


@pytest.mark.parametrize("host", ["", "no such host", "a b", "x\n", "[::1"])
def test_a_host_that_cannot_be_one_is_told(host: str) -> None:
    assert failure(Address(host, 9200), timeout_s=0.5).summary


def test_httpx_is_not_loaded_before_the_first_request() -> None:
    """It takes 93 ms, which a command that asks no server must not pay."""
    program = "import sys, estui.observe.cluster, estui.observe.workspace; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
