"""Targets for what a peer answers: bytes of HTTP, of TLS and plain transport, and the JSON of the APIs."""

from __future__ import annotations

import json
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from estui.errors import ProbeError
from estui.formats.pem import certificate_pem, private_key_pem
from estui.model.inventory import Address
from estui.observe import es_api, sockets
from estui.observe.http import Answer, Client
from estui.observe.kibana_api import read_status
from estui.observe.probe import probe
from tests.fuzz.engine import Target
from tests.fuzz.mutation import mutate_json
from tests.fuzz.stores import FIXTURES, _issued

_PEER = Address("peer", 9200)


@contextmanager
def _answering(content: bytes) -> Iterator[None]:
    """Every connection of this process is one to a peer that has sent `content` and closed."""
    others: list[socket.socket] = []

    def connect(address: Address, deadline: sockets.Deadline) -> socket.socket:
        ours, theirs = socket.socketpair()
        others.append(theirs)
        theirs.sendall(content)
        theirs.shutdown(socket.SHUT_WR)
        return ours

    with patch.object(sockets, "connect", connect):
        try:
            yield
        finally:
            for other in others:
                other.close()


def _ask_http(content: bytes) -> None:
    with _answering(content), Client(_PEER, None, timeout_s=0.8) as client:
        answer = client.request("GET", "/")
        _ = answer.text
        answer.json()


def _probe(content: bytes) -> None:
    with _answering(content):
        served = probe(_PEER, timeout_s=0.8)
        if not served.detail.isprintable():
            raise AssertionError("a control character of a peer is shown")


def _http_answers() -> list[bytes]:
    body = b'{"name":"es-1","version":{"number":"9.1.0"}}'
    head = b"HTTP/1.1 200 OK\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n"
    return [
        head + b"content-length: %d\r\n\r\n" % len(body) + body,
        head + b"transfer-encoding: chunked\r\n\r\n2c\r\n" + body + b"\r\n0\r\n\r\n",
        head + b"\r\n" + body,
        head + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 302 Found\r\nlocation: http://elsewhere/\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: ApiKey\r\n\r\n",
    ]


def _transport_answers() -> list[bytes]:
    return [*_flights(), b"\x15\x03\x01\x00\x02\x02\x28", b"ES\0\0\0\x01", b"This is not an HTTP port", b"HTTP/1.1 200"]


def _flights() -> list[bytes]:
    """What a TLS server sends first; with 1.2 its certificates are in clear."""
    return [_flight(ssl.TLSVersion.TLSv1_2), _flight(ssl.TLSVersion.TLSv1_3)]


def _flight(version: ssl.TLSVersion) -> bytes:
    ca, _, leaf, key = _issued()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pem"
        path.write_bytes(certificate_pem(leaf) + certificate_pem(ca) + private_key_pem(key))
        context.load_cert_chain(path)
    hello, sent, back, answer = (ssl.MemoryBIO() for _ in range(4))
    client = sockets.unverifying_context().wrap_bio(back, hello, server_hostname="peer")
    _until_it_wants_more(client.do_handshake)
    sent.write(hello.read())
    _until_it_wants_more(context.wrap_bio(sent, answer, server_side=True).do_handshake)
    return answer.read()


def _until_it_wants_more(handshake: Callable[[], None]) -> None:
    try:
        handshake()
    except ssl.SSLWantReadError:
        return


class _Scripted:
    """A client whose node gives prepared answers, one after the other."""

    authenticates = True

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers
        self._at = 0

    def request(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Answer:
        if not self._answers:
            raise ProbeError("no answer")
        status, said = self._answers[self._at % len(self._answers)]
        self._at += 1
        return Answer(status, {}, json.dumps(said).encode())


def _read_apis(content: bytes) -> None:
    try:
        answers = json.loads(content)
    except (ValueError, RecursionError):
        return
    pairs = answers if isinstance(answers, list) else []
    usable = [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int]
    client: Any = _Scripted(usable)
    es_api.read_more(es_api.read_api(client), client)
    for read in (es_api.members, es_api.health, es_api.who, es_api.authenticate, es_api.allocation_scopes, read_status):
        try:
            read(client)
        except ProbeError:
            continue
    try:
        es_api.only_copies(client, "es-1")
    except ProbeError:
        return


def _api_answers() -> list[bytes]:
    bodies = [json.loads(path.read_bytes()) for path in sorted((FIXTURES / "answers").glob("*.json"))]
    kibana = {"status": {"overall": {"level": "available"}}, "version": {"number": "9.1.0"}}
    shards = [{"index": "a", "shard": "0", "state": "STARTED", "node": "es-1"}]
    each = [json.dumps([[200, body]]).encode() for body in (*bodies, kibana, shards)]
    return [*each, json.dumps([[200, body] for body in bodies]).encode()]


PEERS = (
    Target("http", _http_answers, _ask_http),
    Target("transport", _transport_answers, _probe),
    Target("api", _api_answers, _read_apis, mutate_json),
)
