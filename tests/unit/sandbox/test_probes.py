"""What a stranger sees on the two ports: TLS to plain, plain to TLS, HTTP to transport (real-elasticsearch.md §6)."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path

import pytest

from .conftest import RunningNode, StartNode
from .makers import Pair, client, keystore, make_leaf, pem_files, pem_settings, until, write_node

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(200)
V7170099 = bytes.fromhex("455300000031000000000000000108006d68330000001a00000016") + b"internal:tcp/handshake"
V7170099 += bytes.fromhex("0004ffc1d72f")
V8800000 = bytes.fromhex("4553000000360000000000000001080086470000000019000016") + b"internal:tcp/handshake"
V8800000 += bytes.fromhex("000affc1d72f") + b"\x05" + b"9.0.0"


def said(port: int, message: bytes) -> bytes:
    """Everything a port answers until it closes."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(message)
        answer = b""
        while part := connection.recv(4096):
            answer += part
        return answer


@pytest.fixture
def plain(tmp_path: Path, start_node: StartNode, ports: tuple[int, int]) -> RunningNode:
    settings = {"discovery.type": "single-node", "http.port": ports[0], "transport.port": ports[1]}
    node = start_node(write_node(tmp_path, settings, {"elasticsearch.keystore": keystore()}))
    until(node.is_up)
    return node


@pytest.fixture
def secured(tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]) -> RunningNode:
    settings = {"discovery.type": "single-node", "http.port": ports[0], "transport.port": ports[1]}
    files = {**pem_files("http", make_leaf(ca), ca), **pem_files("transport", make_leaf(ca), ca)}
    config = write_node(
        tmp_path,
        {**settings, **pem_settings("http"), **pem_settings("transport")},
        {"elasticsearch.keystore": keystore(), **files},
    )
    node = start_node(config)
    until(node.is_up)
    return node


def test_http_to_a_plain_transport_port(plain: RunningNode) -> None:
    assert said(plain.transport, REQUEST) == b"This is not an HTTP port"


def test_tls_to_a_plain_transport_port(plain: RunningNode) -> None:
    assert said(plain.transport, CLIENT_HELLO) == b""
    assert "SSL/TLS request received but SSL/TLS is not enabled on this node, got (16,3,1,0)" in plain.log


def test_garbage_to_a_plain_transport_port(plain: RunningNode) -> None:
    assert said(plain.transport, b"garbage") == b""
    assert "invalid internal transport message format, got (67,61,72,62)" in plain.log


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        (V7170099, "455300000017000000000000000109006d6833000000020000c393ac04"),
        (V8800000, "45530000001d00000000000000010900864700000000020000c393ac0405" + b"9.1.0".hex()),
    ],
)
def test_the_transport_handshake_tells_the_version(plain: RunningNode, message: bytes, answer: str) -> None:
    assert said(plain.transport, message).hex() == answer


def test_plain_http_to_a_tls_transport_port(secured: RunningNode) -> None:
    assert said(secured.transport, REQUEST) == b""
    assert "received plaintext traffic on an encrypted channel" in secured.log


def test_plain_http_to_an_https_port(secured: RunningNode) -> None:
    assert said(secured.http, REQUEST) == b""
    assert "received plaintext http traffic on an https channel, closing connection Netty4HttpChannel{" in secured.log


def test_tls_to_a_plain_http_port(plain: RunningNode) -> None:
    with (
        socket.create_connection(("127.0.0.1", plain.http), 5) as raw,
        pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"),
    ):
        client().wrap_socket(raw)
    head, _, body = said(plain.http, CLIENT_HELLO).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 Bad Request")
    assert b"X-elastic-product" in head
    assert json.loads(body)["error"]["reason"] == "text is empty (possibly HTTP/0.9)"


def test_the_transport_certificate_is_shown_to_a_client_without_one(secured: RunningNode, ca: Pair) -> None:
    with socket.create_connection(("127.0.0.1", secured.transport), 5) as raw:
        context = client(ca)
        with context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            assert tls.getpeercert()
            with pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"):
                tls.recv(1)


def test_the_transport_handshake_answers_inside_tls(secured: RunningNode, ca: Pair, tmp_path: Path) -> None:
    leaf = make_leaf(ca, "probe")
    own = tmp_path / "probe.pem"
    own.write_bytes(leaf.crt + leaf.pem_key)
    with (
        socket.create_connection(("127.0.0.1", secured.transport), 5) as raw,
        client(ca, own).wrap_socket(raw, server_hostname="127.0.0.1") as tls,
    ):
        tls.sendall(V7170099)
        assert tls.recv(100).hex().endswith("c393ac04")


def test_a_client_that_says_nothing_holds_up_nobody(secured: RunningNode, ca: Pair) -> None:
    silent = [socket.create_connection(("127.0.0.1", secured.http), 5) for _ in range(20)]
    with socket.create_connection(("127.0.0.1", secured.http), 5) as raw, client().wrap_socket(raw) as tls:
        tls.sendall(REQUEST)
        assert tls.recv(12) == b"HTTP/1.1 401"
    for connection in silent:
        connection.close()


def test_a_client_that_does_not_trust_the_node_is_logged(secured: RunningNode, other_ca: Pair) -> None:
    with (
        socket.create_connection(("127.0.0.1", secured.http), 5) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        client(other_ca).wrap_socket(raw, server_hostname="127.0.0.1")
    until(lambda: "caught exception while handling client http traffic" in secured.log)
    assert "Level: fatal; Alert: unknown_ca" in secured.log
