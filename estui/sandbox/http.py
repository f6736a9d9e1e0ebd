"""Owns the HTTP port of a process: connections, TLS or not, requests and responses. What is answered is `rest`."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from estui.sandbox.log import NodeLog
from estui.sandbox.tls import TlsSlot
from estui.sandbox.wire import (
    TLS_HANDSHAKE,
    Listener,
    accept_tls,
    close_gently,
    first_bytes,
    refused_handshake,
    shown_peer,
)

_MAX_HEAD = 1 << 16
_MAX_BODY = 100 << 20
_IDLE = 300.0
_NETTY = "o.e.h.n.Netty4HttpServerTransport"
_ABSTRACT = "o.e.h.AbstractHttpServerTransport"


@dataclass(frozen=True)
class Request:
    """One request; header names in lower case, `target` as it stood in the request line."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    tls: bool = False
    remote: str = ""
    """`host:port` of whoever asks."""
    certificate: bytes = b""
    """DER of the client certificate that was shown and accepted, if any."""

    def flag(self, name: str) -> bool:
        return self.query.get(name, "false") in ("", "true")


@dataclass(frozen=True)
class Response:
    """One answer; `headers` beside content type and length."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True)
class Behaviour:
    """What differs between Elasticsearch's port and Kibana's."""

    handle: Callable[[Request], Response]
    garbage: bytes
    """Answer to something that is no HTTP."""
    headers: tuple[tuple[str, str], ...] = field(default=())


class HttpPort:
    """A listening HTTP port. `tls` None means plain text."""

    def __init__(self, behaviour: Behaviour, tls: TlsSlot | None, log: NodeLog | None) -> None:
        self._behaviour = behaviour
        self._tls = tls
        self._log = log
        self._listener: Listener | None = None

    def listen(self, host: str, ports: tuple[int, ...]) -> int:
        """Opens the port; returns its number. Raises OSError."""
        self._listener = Listener(host, ports, self._serve)
        self._listener.start()
        return self._listener.port

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        start = first_bytes(connection, 1)
        if not start:
            connection.close()
            return
        if self._tls is not None:
            if start[0] != TLS_HANDSHAKE:
                where = shown_peer("Netty4HttpChannel", connection)
                text = f"received plaintext http traffic on an https channel, closing connection {where}"
                self._warn(_NETTY, text)
                close_gently(connection)
                return
            try:
                connection = accept_tls(connection, self._tls.server)
            except OSError as exc:
                where = shown_peer("Netty4HttpChannel", connection)
                why = f"caught exception while handling client http traffic, closing connection {where}"
                self._warn(_ABSTRACT, f"{why}\n{refused_handshake(exc)}")
                return
        self._talk(connection)

    def _warn(self, logger: str, text: str) -> None:
        if self._log is not None:
            self._log.warn(logger, text)

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(_IDLE)
        buffer = b""
        remote, shown = _peer(connection), _certificate(connection)
        while True:
            head, buffer = _read_head(connection, buffer)
            if head is None:
                if buffer:
                    connection.sendall(self._behaviour.garbage)
                break
            request = _parse_head(head, tls=self._tls is not None)
            if request is None:
                connection.sendall(self._behaviour.garbage)
                break
            length = int(request.headers.get("content-length") or 0)
            if request.headers.get("expect", "").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body, buffer = _read_body(connection, buffer, min(length, _MAX_BODY))
            keep = _keeps_open(head, request)
            response = self._behaviour.handle(_asked(request, body, remote, shown))
            connection.sendall(_encode(response, self._behaviour.headers, request.method, keep=keep))
            if not keep:
                break
        close_gently(connection)


def _asked(request: Request, body: bytes, remote: str, certificate: bytes) -> Request:
    return replace(request, body=body, remote=remote, certificate=certificate)


def _certificate(connection: socket.socket) -> bytes:
    return (connection.getpeercert(binary_form=True) or b"") if isinstance(connection, ssl.SSLSocket) else b""


def _peer(connection: socket.socket) -> str:
    """`host:port` of the other end; empty where it is gone already."""
    try:
        host, port, *_ = connection.getpeername()
    except OSError:
        return ""
    return f"{host}:{port}"


def json_response(
    status: int, content: object, *, pretty: bool = False, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """JSON as Elasticsearch prints it: compact, or with two spaces and ` : ` where it is meant for people."""
    if pretty:
        body = json.dumps(content, indent=2, separators=(",", " : "), ensure_ascii=False) + "\n"
    else:
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    return Response(status, body.encode(), headers)


def _read_head(connection: socket.socket, buffer: bytes) -> tuple[bytes | None, bytes]:
    """Request line and headers, and what followed; None where the peer ended or sends no HTTP."""
    while b"\r\n\r\n" not in buffer:
        # A request line starts with a verb; anything else is judged by its first bytes, without waiting for more.
        if len(buffer) > _MAX_HEAD or (buffer and not buffer[:1].isalpha()):
            return None, buffer
        part = connection.recv(65536)
        if not part:
            return None, b""
        buffer += part
    head, _, rest = buffer.partition(b"\r\n\r\n")
    return head, rest


def _parse_head(head: bytes, *, tls: bool) -> Request | None:
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1.") or not parts[1].startswith(("/", "http")):
        return None
    split = urlsplit(parts[1])
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if not headers.get("content-length", "0").isdigit():
        return None
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    return Request(parts[0], parts[1], unquote(split.path), query, headers, tls=tls)


def _read_body(connection: socket.socket, buffer: bytes, length: int) -> tuple[bytes, bytes]:
    while len(buffer) < length:
        part = connection.recv(65536)
        if not part:
            break
        buffer += part
    return buffer[:length], buffer[length:]


def _keeps_open(head: bytes, request: Request) -> bool:
    wish = request.headers.get("connection", "").lower()
    if head.split(b"\r\n", 1)[0].endswith(b"HTTP/1.0"):
        return wish == "keep-alive"
    return wish != "close"


def _encode(response: Response, always: tuple[tuple[str, str], ...], method: str, *, keep: bool) -> bytes:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in (*always, *response.headers)]
    lines += [f"content-type: {response.content_type}", f"content-length: {len(response.body)}"]
    if not keep:
        lines.append("connection: close")
    head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
    return head if method == "HEAD" else head + response.body
