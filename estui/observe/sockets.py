"""Connections with a deadline: names looked up, TCP connected, TLS contexts, the chain as served.

What an answer means is left to `probe` and `http`. Every failure to connect is a `ConnectionFailed` with the words
that both show.
"""

from __future__ import annotations

import errno
import queue
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

from estui.errors import ProbeError
from estui.formats.certificate_request import announced_names
from estui.model.inventory import Address
from estui.model.observed import PortState

_DER = 2
"""`_ssl.ENCODING_DER`: what `_ssl.Certificate.public_bytes` takes."""
_HANDSHAKE, _CERTIFICATE_REQUEST = 22, 13
"""Content and message type (RFC 8446 §4 and §5.1)."""
_LACKING = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""This host has no address of that family, or no route for it: says nothing about the other end."""


class ConnectionFailed(ProbeError):
    """No connection; `state` says how it failed."""

    def __init__(self, state: PortState, summary: str, *, hint: str = "") -> None:
        super().__init__(summary, hint=hint)
        self.state = state


@dataclass(frozen=True)
class Deadline:
    """A moment, on the monotonic clock, after which waiting ends. `seconds` is what was granted."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds, seconds)

    def left(self) -> float:
        """Seconds that remain, more than 0. Raises TimeoutError once there are none."""
        remaining = self.at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        return remaining

    def within(self, seconds: float) -> Deadline:
        """This deadline, or `seconds` from now if that is earlier."""
        sooner = Deadline.after(seconds)
        return sooner if sooner.at < self.at else self


def timed_out(deadline: Deadline) -> ConnectionFailed:
    return ConnectionFailed(PortState.TIMED_OUT, f"no answer within {deadline.seconds:g} s")


def connect(address: Address, deadline: Deadline) -> socket.socket:
    """A connected TCP socket; the caller closes it.

    Raises ConnectionFailed: the name is unknown, nobody listens (refused), no answer in time, no way there.
    """
    try:
        targets = _resolve(address, deadline)
        failures: list[OSError] = []
        for position, (family, target) in enumerate(targets):
            try:
                return _connect_one(family, target, deadline.left() / (len(targets) - position))
            except OSError as exc:
                failures.append(exc)
    except TimeoutError as exc:
        raise timed_out(deadline) from exc
    raise _failure(failures, deadline) from failures[-1]


def _connect_one(family: int, target: tuple[Any, ...], timeout_s: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(target)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _failure(failures: list[OSError], deadline: Deadline) -> ConnectionFailed:
    telling = [exc for exc in failures if exc.errno not in _LACKING] or failures
    if all(isinstance(exc, ConnectionRefusedError) for exc in telling):
        return ConnectionFailed(PortState.REFUSED, "connection refused")
    if any(isinstance(exc, TimeoutError) for exc in telling):
        return timed_out(deadline)
    exc = telling[-1]
    return ConnectionFailed(PortState.UNREACHABLE, (exc.strerror or type(exc).__name__).lower())


def _resolve(address: Address, deadline: Deadline) -> list[tuple[int, tuple[Any, ...]]]:
    """Families and socket addresses behind a host, in the resolver's order. `getaddrinfo` cannot be given a
    time-out, so names are looked up on a thread that is left behind when it takes too long."""
    try:
        return _look_up(address, socket.AI_NUMERICHOST)
    except socket.gaierror:
        pass
    answers: queue.SimpleQueue[list[tuple[int, tuple[Any, ...]]] | ConnectionFailed] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(_look_up(address, 0))
        except OSError as exc:
            reason = exc.strerror or type(exc).__name__
            answers.put(ConnectionFailed(PortState.UNREACHABLE, f"host name {address.host} is unknown ({reason})"))
        except ConnectionFailed as exc:
            answers.put(exc)

    threading.Thread(target=look_up, daemon=True, name="observe-dns").start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        summary = f"looking up host name {address.host} took more than {deadline.seconds:g} s"
        raise ConnectionFailed(PortState.TIMED_OUT, summary) from None
    if isinstance(answer, ConnectionFailed):
        raise answer
    return answer


def _look_up(address: Address, flags: int) -> list[tuple[int, tuple[Any, ...]]]:
    if not 0 < address.port < 65536:  # getaddrinfo would take the port modulo 65536
        raise ConnectionFailed(PortState.UNREACHABLE, f"{address.port} cannot be a port")
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=flags)
    except ValueError as exc:  # with UnicodeError: an empty or too long label, a NUL
        raise ConnectionFailed(PortState.UNREACHABLE, f"{address} cannot be an address") from exc
    return [(family, target) for family, _, _, _, target in found]


def unverifying_context() -> ssl.SSLContext:
    """A context that reads whatever certificate is served, also old and odd ones; TLS 1.2 or newer.

    It proves nothing about the other end. SECLEVEL=0 and no VERIFY_X509_STRICT: weak keys and certificates of old
    certutil versions are to be shown, not to be hidden behind a handshake error (elastic/elasticsearch#117769).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def verifying_context(trusted: tuple[bytes, ...], *, check_name: bool) -> ssl.SSLContext:
    """A context that trusts the given certificates (DER) and nothing else.

    Any of them may end a chain, as in Java, also one that is not self-signed (VERIFY_X509_PARTIAL_CHAIN).
    Raises ProbeError: a certificate that OpenSSL cannot read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check_name
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=b"".join(trusted))
    except (ssl.SSLError, ValueError) as exc:
        raise ProbeError("a trusted CA certificate cannot be read by OpenSSL") from exc
    return context


def wrap(sock: socket.socket, context: ssl.SSLContext, server_name: str) -> ssl.SSLSocket:
    """`sock` as a TLS socket that has not shaken hands yet, so that its chain can be read when that fails.

    Takes the socket over: it is closed where this raises ConnectionFailed, for a name that cannot be sent.
    """
    try:
        return context.wrap_socket(sock, server_hostname=server_name or None, do_handshake_on_connect=False)
    except (ValueError, UnicodeError) as exc:
        sock.close()
        raise ConnectionFailed(PortState.UNREACHABLE, f"{server_name!r} cannot be a server name") from exc
    except OSError as exc:
        sock.close()
        raise ConnectionFailed(PortState.SILENT, "closed the connection without a byte") from exc


@dataclass
class Heard:
    """Whether a server asked for a client certificate, and the subjects of the CAs that it said it accepts (DER)."""

    asked: bool = False
    names: tuple[bytes, ...] = ()


def hear_certificate_request(context: ssl.SSLContext) -> Heard:
    """What is filled in once a server asks for a client certificate in a handshake of this context.

    `ssl` tells it nowhere but in its debugging hook, which is there from Python 3.8; where it is not, nothing is heard.
    """
    heard = Heard()

    def listen(connection: object, direction: str, version: int, content: int, message: int, data: bytes) -> None:
        if direction == "read" and content == _HANDSHAKE and message == _CERTIFICATE_REQUEST:
            heard.asked = True
            heard.names = announced_names(bytes(data), tls13=version == ssl.TLSVersion.TLSv1_3)

    if hasattr(context, "_msg_callback"):
        context._msg_callback = listen
    return heard


def served_chain(tls: ssl.SSLSocket) -> tuple[bytes, ...]:
    """DER of the certificates as the peer sent them, leaf first; also after a failed handshake, as far as it got.

    `SSLSocket.get_unverified_chain` is public from Python 3.13; the method of `_sslobj` is there from 3.10. Without
    either the leaf alone is returned.
    """
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return tuple(public() or ())
    inner = getattr(tls, "_sslobj", None)
    private = getattr(inner, "get_unverified_chain", None)
    if private is not None:
        return tuple(certificate.public_bytes(_DER) for certificate in private() or ())
    try:
        leaf = tls.getpeercert(binary_form=True)
    except (ValueError, OSError):
        return ()
    return (leaf,) if leaf else ()
