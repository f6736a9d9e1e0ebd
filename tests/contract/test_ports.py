"""What a stranger sees on the two ports: TLS to plain, plain to TLS, HTTP to transport, client certificates."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from pathlib import Path

import pytest

from tests.contract.behaviours import proves
from tests.contract.labs import LabNode
from tests.unit.sandbox.makers import Pair, client, make_leaf
from tests.waiting import until

LOG_S = 10.0
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CLIENT_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(200)
# A transport handshake request as 7.17 and as 8.8 send it; the answer tells 9.1.0 (file-formats.md §9).
V7170099 = bytes.fromhex("455300000031000000000000000108006d68330000001a00000016") + b"internal:tcp/handshake"
V7170099 += bytes.fromhex("0004ffc1d72f")
V8800000 = bytes.fromhex("4553000000360000000000000001080086470000000019000016") + b"internal:tcp/handshake"
V8800000 += bytes.fromhex("000affc1d72f") + b"\x05" + b"9.0.0"
ANSWERS = {
    V7170099: "455300000017000000000000000109006d6833000000020000c393ac04",
    V8800000: "45530000001d00000000000000010900864700000000020000c393ac0405" + b"9.1.0".hex(),
}


def said(port: int, message: bytes) -> bytes:
    """Everything that a port answers until it closes."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(message)
        answer = b""
        while part := connection.recv(4096):
            answer += part
        return answer


def client_hello() -> bytes:
    """The first bytes of a real client; the zeros of `CLIENT_HELLO` hold no line end, which HTTP waits for."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client().wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


def logged(node: LabNode, text: str) -> None:
    until(lambda: text in node.log, LOG_S)


@proves("ports.http-to-transport")
def test_http_to_a_plain_transport_port(plain: LabNode) -> None:
    assert said(plain.transport, REQUEST) == b"This is not an HTTP port"


@proves("ports.tls-to-transport")
def test_tls_to_a_plain_transport_port(plain: LabNode) -> None:
    assert said(plain.transport, CLIENT_HELLO) == b""
    logged(plain, "SSL/TLS request received but SSL/TLS is not enabled on this node, got (16,3,1,0)")


@proves("ports.garbage")
def test_garbage_to_a_plain_transport_port(plain: LabNode) -> None:
    assert said(plain.transport, b"garbage") == b""
    logged(plain, "invalid internal transport message format, got (67,61,72,62)")


@proves("ports.handshake")
@pytest.mark.parametrize("message", ANSWERS, ids=["7.17", "8.8"])
def test_the_transport_handshake_tells_the_version(plain: LabNode, message: bytes) -> None:
    with socket.create_connection(("127.0.0.1", plain.transport), 10) as connection:
        connection.sendall(message)
        assert connection.recv(100).hex() == ANSWERS[message]


@proves("ports.handshake")
def test_the_transport_handshake_answers_inside_tls(secured: LabNode, ca: Pair, tmp_path: Path) -> None:
    context = client(ca, pem_file(tmp_path, make_leaf(ca, "probe")))
    with tls(secured.transport, context) as stream:
        stream.sendall(V7170099)
        assert stream.recv(100).hex() == ANSWERS[V7170099]


@proves("ports.plain-to-transport-tls")
def test_plain_http_to_a_tls_transport_port(secured: LabNode) -> None:
    assert said(secured.transport, REQUEST) == b""
    logged(secured, "received plaintext traffic on an encrypted channel, closing connection Netty4TcpChannel{")


@proves("ports.plain-to-https")
def test_plain_http_to_an_https_port(secured: LabNode) -> None:
    assert said(secured.http, REQUEST) == b""
    logged(secured, "received plaintext http traffic on an https channel, closing connection Netty4HttpChannel{")


@proves("ports.tls-to-http")
def test_tls_to_a_plain_http_port(plain: LabNode) -> None:
    with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
        tls(plain.http, client())
    head, _, body = said(plain.http, client_hello()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 Bad Request")
    assert b"x-elastic-product" in head.lower()
    assert json.loads(body)["error"]["root_cause"][0]["type"] == "illegal_argument_exception"


@proves("ports.transport-shows-leaf")
def test_transport_shows_its_certificate_to_a_client_without_one_and_then_refuses_it(
    secured: LabNode, ca: Pair
) -> None:
    with tls(secured.transport, client(ca)) as stream:
        assert stream.getpeercert()
        with pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"):
            stream.recv(1)


@proves("ports.distrust-logged")
def test_a_client_that_does_not_trust_the_node_is_logged(secured: LabNode, other_ca: Pair) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        tls(secured.http, client(other_ca))
    logged(secured, "caught exception while handling client http traffic, closing connection")
    logged(secured, "Level: fatal; Alert: unknown_ca")


@proves("ports.client-none")
@pytest.mark.parametrize("own", ["", "foreign"])
def test_without_client_authentication_any_client_certificate_is_ignored(
    secured: LabNode, ca: Pair, other_ca: Pair, tmp_path: Path, own: str
) -> None:
    identity = pem_file(tmp_path, make_leaf(other_ca, "client")) if own else None
    assert status(secured.http, client(ca, identity)) == 401


def status(port: int, context: ssl.SSLContext) -> int:
    """Status of `GET /`."""
    with tls(port, context) as stream:
        stream.sendall(REQUEST)
        return int(stream.recv(12).split()[1])


def tls(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", port), 10)
    try:
        return context.wrap_socket(plain, server_hostname="127.0.0.1")
    except BaseException:
        plain.close()
        raise


def pem_file(folder: Path, pair: Pair) -> Path:
    path = folder / "identity.pem"
    path.write_bytes(pair.crt + pair.pem_key)
    return path
