"""Owns the sockets of the sandbox: listening, telling TLS from plain text, closing so that the peer hears why."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable

TLS_HANDSHAKE = 0x16
HANDSHAKE_TIMEOUT = 10.0  # seconds; `ssl.handshake_timeout`
_BIND_PATIENCE = 2.0
_DRAIN = 0.5


class Listener:
    """A listening port; every connection is handled in a thread of its own, so none can hold up another."""

    def __init__(self, host: str, ports: tuple[int, ...], serve: Callable[[socket.socket], None]) -> None:
        """Binds the first free port. Raises OSError where none is free."""
        self._socket = _bind(host, ports)
        self._serve = serve
        self.port: int = self._socket.getsockname()[1]

    def start(self) -> None:
        threading.Thread(target=self._accept, daemon=True, name=f"accept-{self.port}").start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except OSError:
            connection.close()


def first_bytes(connection: socket.socket, count: int = 4) -> bytes:
    """What the peer says first, left unread; empty where it closes or says nothing for ten seconds."""
    connection.settimeout(HANDSHAKE_TIMEOUT)
    end = time.monotonic() + HANDSHAKE_TIMEOUT
    while True:
        try:
            seen = connection.recv(count, socket.MSG_PEEK)
        except OSError:
            return b""
        if len(seen) == count or not seen or time.monotonic() > end:
            return seen
        time.sleep(0.01)  # a short first packet: the rest follows, or the peer waits for us
        if connection.recv(count, socket.MSG_PEEK) == seen:
            return seen


def accept_tls(connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    """The TLS side of a connection. Raises ssl.SSLError or another OSError, after the peer could read its alert."""
    connection.settimeout(HANDSHAKE_TIMEOUT)
    tls = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    try:
        tls.do_handshake()
    except OSError:
        close_gently(tls)
        raise
    return tls


def close_gently(connection: socket.socket) -> None:
    """Closes so that the peer reads what was sent and then an end, not a reset: what it sent is read away first."""
    with contextlib.suppress(OSError, ValueError):
        connection.settimeout(_DRAIN)
        raw = socket.socket(fileno=connection.detach())
        with raw:
            raw.settimeout(_DRAIN)
            raw.shutdown(socket.SHUT_WR)
            end = time.monotonic() + _DRAIN
            while raw.recv(65536) and time.monotonic() < end:
                pass


def shown_peer(kind: str, connection: socket.socket) -> str:
    """A connection as Netty prints it."""
    try:
        local, remote = connection.getsockname(), connection.getpeername()
    except OSError:
        return f"{kind}{{closed}}"
    ours, theirs = f"/{local[0]}:{local[1]}", f"/{remote[0]}:{remote[1]}"
    return f"{kind}{{localAddress={ours}, remoteAddress={theirs}}}"


def refused_handshake(exc: OSError) -> str:
    """Why a handshake that we took part in as server failed, in Java's words."""
    text = str(exc).upper()
    if "PEER_DID_NOT_RETURN" in text or "PEER DID NOT RETURN" in text:
        return "javax.net.ssl.SSLHandshakeException: (certificate_required) Empty client certificate chain"
    if "DECRYPT_ERROR" in text or "DECRYPT ERROR" in text:
        return (
            "javax.net.ssl.SSLProtocolException: (unexpected_message) Unexpected plaintext alert received: "
            "Level: fatal; Alert: decrypt_error"
        )
    if "UNKNOWN_CA" in text or "UNKNOWN CA" in text:
        return (
            "javax.net.ssl.SSLProtocolException: (unexpected_message) Unexpected plaintext alert received: "
            "Level: fatal; Alert: unknown_ca"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text or "BAD_SIGNATURE" in text or "BAD SIGNATURE" in text:
        return distrust(exc)
    return f"javax.net.ssl.SSLHandshakeException: {exc.strerror or exc}"


def distrust(exc: OSError) -> str:
    """Why we did not trust a peer's certificate, in Java's words; OpenSSL's `X509_V_ERR_*` numbers."""
    code = getattr(exc, "verify_code", 0)
    message = str(getattr(exc, "verify_message", exc))
    if code == 9:
        return "java.security.cert.CertificateNotYetValidException: NotBefore"
    if code == 10:
        return "java.security.cert.CertificateExpiredException: NotAfter"
    if code == 26:
        return (
            "sun.security.validator.ValidatorException: Extended key usage does not permit use for TLS "
            "client authentication"
        )
    if code in (62, 64):
        return f"java.security.cert.CertificateException: No subject alternative names matching: {message}"
    if "BAD_SIGNATURE" in str(exc).upper() or "BAD SIGNATURE" in str(exc).upper():
        return "javax.net.ssl.SSLHandshakeException: (handshake_failure) Invalid CertificateVerify signature"
    return (
        "javax.net.ssl.SSLHandshakeException: (certificate_unknown) PKIX path building failed: "
        "sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to "
        "requested target"
    )


def _bind(host: str, ports: tuple[int, ...]) -> socket.socket:
    end = time.monotonic() + _BIND_PATIENCE
    while True:
        for port in ports:
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, port))
                listener.listen(128)
            except OSError:
                listener.close()
                continue
            return listener
        if time.monotonic() > end:
            raise OSError(f"Failed to bind to {host}:{ports[0]}")
        time.sleep(0.05)
