"""Connections of the HTTP client: one per request, each of its steps within the request's own deadline.

httpx and httpcore bound single reads, so a server that sends a byte now and then could hold a caller for ever; here
every read gets what is left of the whole. Imported by `http` on first use, because it needs httpx.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from estui.errors import ProbeError, StoreError
from estui.formats.pem import parse_certificate
from estui.model.inventory import Address
from estui.model.observed import PortState
from estui.observe import sockets
from estui.observe.sockets import ConnectionFailed, Deadline
from estui.pki.facts import certificate_facts

_HOSTNAME_MISMATCH, _IP_MISMATCH = 62, 64
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH of OpenSSL."""
_UNKNOWN_CA = {2, 18, 19, 20, 21}
"""OpenSSL: no issuer, self-signed leaf, self-signed CA in the chain, no local issuer, leaf without issuer."""


class NotTrusted(ConnectionFailed):
    """The certificate that is served is not one to send credentials to; `summary` says why."""

    def __init__(self, summary: str, *, hint: str = "") -> None:
        super().__init__(PortState.TLS, summary, hint=hint)


class FreshConnections(httpx.BaseTransport):
    """A transport of httpx over a pool that keeps nothing. The request's `estui_deadline` bounds everything."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None) -> None:
        self._backend = _Backend()
        self._server_name = server_name
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, max_keepalive_connections=0, network_backend=self._backend
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._backend.deadline = request.extensions["estui_deadline"]
        extensions = {"sni_hostname": self._server_name} if self._server_name else {}
        assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101 - a synchronous client makes no other
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                str(request.url),
                headers=request.headers.raw,
                content=request.stream,
                extensions=extensions,
            )
        )
        assert isinstance(answer.stream, Iterable)  # noqa: S101 - likewise
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Backend(httpcore.NetworkBackend):
    """Connects as the probes do, with the same words for failures."""

    deadline: Deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return _Connection(sockets.connect(Address(host, port), self.deadline), self.deadline)


class _Connection(httpcore.NetworkStream):
    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._answered = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sock.settimeout(self._deadline.left())
        try:
            received = self._sock.recv(max_bytes)
        except ssl.SSLError as exc:
            raise _told_tls(exc) from exc
        except ConnectionError as exc:
            if self._answered:
                raise
            raise self._silent() from exc
        if not received and not self._answered:
            raise self._silent()
        self._answered = True
        return received

    def _silent(self) -> ConnectionFailed:
        # So does an HTTPS port that got plain text (real-elasticsearch.md §6), and one that demands a client
        # certificate, if its alert is overtaken by the reset.
        may_be = "a client certificate may be demanded" if isinstance(self._sock, ssl.SSLSocket) else "TLS, perhaps"
        return ConnectionFailed(PortState.SILENT, f"closed the connection without an answer ({may_be})")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._sock.settimeout(self._deadline.left())
        try:
            self._sock.sendall(buffer)
        except (ConnectionError, ssl.SSLError) as exc:
            raise httpcore.WriteError(str(exc)) from exc  # after which httpcore looks for an early answer

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        tls = sockets.wrap(self._sock, ssl_context, server_hostname or "")
        try:
            tls.settimeout(self._deadline.left())
            tls.do_handshake()
        except ssl.SSLCertVerificationError as exc:
            failure = _told_verification(exc, tls, server_hostname or "")
            tls.close()
            raise failure from exc
        except ssl.SSLError as exc:
            tls.close()
            raise _told_tls(exc) from exc
        except BaseException:
            tls.close()
            raise
        return _Connection(tls, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        return self._sock if info == "socket" else None


def _told_verification(exc: ssl.SSLCertVerificationError, tls: ssl.SSLSocket, name: str) -> NotTrusted:
    served = sockets.served_chain(tls)
    try:
        leaf = certificate_facts(parse_certificate(served[0], "the served certificate")) if served else None
    except StoreError:
        leaf = None
    subject = f" ({leaf.subject}, issued by {leaf.issuer})" if leaf else ""
    if exc.verify_code in (_HOSTNAME_MISMATCH, _IP_MISMATCH):
        names = ", ".join(leaf.names) if leaf and leaf.names else "none"
        return NotTrusted(f"the served certificate is not for {name}; its names: {names}")
    if exc.verify_code in _UNKNOWN_CA:
        return NotTrusted(f"the served certificate{subject} was not issued by a CA that is trusted here")
    return NotTrusted(f"the served certificate{subject} is not accepted: {exc.verify_message}")


def _told_tls(exc: ssl.SSLError) -> ProbeError:
    reason = exc.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return ConnectionFailed(PortState.PLAIN, "plain text behind this port, not TLS")
    if reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED":
        return ConnectionFailed(PortState.TLS, "the server demands a client certificate")
    if isinstance(exc, ssl.SSLEOFError) or not reason:
        return ConnectionFailed(PortState.SILENT, "closed the connection during the TLS handshake")
    return ConnectionFailed(PortState.TLS, f"TLS failed: {reason.lower().replace('_', ' ')}")
