"""What a port serves right now: one fresh handshake per question, nothing remembered.

A probe trusts nobody and sends no credentials: it reads the certificate as served, or finds out that the port speaks
plain text, or nothing. Whether that is what the plan wanted is for others to say.
Sources of the symptoms: real-elasticsearch.md §6, file-formats.md §7 and §9.
"""

from __future__ import annotations

import selectors
import ssl
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from estui.errors import StoreError
from estui.formats.pem import parse_certificate
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address
from estui.model.observed import PortState, Served
from estui.observe import sockets
from estui.observe.parallel import run_all
from estui.observe.sockets import ConnectionFailed, Deadline
from estui.pki.facts import certificate_facts

TIMEOUT_S = 3.0

_ALERT_WAIT_S = 0.3
"""How long to look for the alert by which a TLS 1.3 server refuses a client without a certificate."""
_TLS_SHARE = 2 / 3
"""Part of the time that the handshake may take, so that some is left to try plain text."""
_ANSWER_LIMIT = 4096
_DEMANDS = {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_BAD_CERTIFICATE", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
"""Alerts for want of a client certificate: TLS 1.3; Java and OpenSSL with TLS 1.2."""
_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "RECORD_LAYER_FAILURE",
    "PACKET_LENGTH_TOO_LONG",
}
_WORDS = {
    "BAD_SIGNATURE": "the served certificate does not belong to the server's private key",
    "UNSUPPORTED_PROTOCOL": "speaks only versions of TLS before 1.2",
    "TLSV1_ALERT_PROTOCOL_VERSION": "speaks no common version of TLS (1.2 or newer)",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "refused the handshake",
    "TLSV1_UNRECOGNIZED_NAME": "does not serve this host name",
    "TLSV1_ALERT_INTERNAL_ERROR": "reported an internal error",
}


def probe(address: Address, *, timeout_s: float = TIMEOUT_S, server_name: str | None = None) -> Served:
    """What the port at `address` does with a fresh connection, told within `timeout_s` seconds in all.

    `server_name` is sent as SNI instead of the host. Never raises for the port's sake.
    """
    deadline = Deadline.after(timeout_s)
    try:
        served = _greet_tls(address, deadline, server_name or address.host)
        return served or _greet_plain(address, deadline)
    except ConnectionFailed as exc:
        return Served(address, exc.state, exc.summary)
    except TimeoutError:
        return Served(address, PortState.TIMED_OUT, f"accepted, but no answer within {timeout_s:g} s")


def probe_many(addresses: Sequence[Address], *, timeout_s: float = TIMEOUT_S, workers: int = 32) -> tuple[Served, ...]:
    """One probe of each address, at the same time; results in the order asked."""

    def late(index: int) -> Served:
        return Served(addresses[index], PortState.TIMED_OUT, f"no answer within {timeout_s:g} s")

    tasks = [partial(probe, address, timeout_s=timeout_s) for address in addresses]
    return tuple(run_all(tasks, within_s=timeout_s + 1, late=late, workers=workers))


def is_refused(address: Address, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether the port is closed, which only a refusal shows: a time-out is no evidence."""
    try:
        sockets.connect(address, Deadline.after(timeout_s)).close()
    except ConnectionFailed as exc:
        return exc.state is PortState.REFUSED
    return False


def _greet_tls(address: Address, deadline: Deadline, server_name: str) -> Served | None:
    """The answer to a ClientHello, or None where it looks as if the port spoke something else."""
    sock = sockets.connect(address, deadline)
    context = sockets.unverifying_context()
    heard = sockets.hear_certificate_request(context)
    with sockets.wrap(sock, context, server_name) as tls:
        try:
            tls.settimeout(deadline.left() * _TLS_SHARE)
            tls.do_handshake()
        except ssl.SSLError as exc:
            failed = _failed_handshake(address, tls, exc)
            return replace(failed, asks_certificate=heard.asked) if failed else None
        except OSError:  # a reset, or nothing came in time
            return None
        chain, problem = _facts(sockets.served_chain(tls))
        cipher = tls.cipher()
        return Served(
            address,
            PortState.TLS,
            detail=problem,
            tls_version=tls.version() or "",
            cipher=cipher[0] if cipher else "",
            chain=chain,
            client_certificate="demanded" if _demands_certificate(tls, deadline) else "",
            asks_certificate=heard.asked,
        )


def _failed_handshake(address: Address, tls: ssl.SSLSocket, exc: ssl.SSLError) -> Served | None:
    reason = exc.reason or ""
    if reason in _NOT_TLS or isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return None
    served = sockets.served_chain(tls)
    # Before an alert of the server's the handshake has shown that it holds the key; where OpenSSL itself gave up
    # it has not, and a chain without that proof is no evidence of what is served.
    by_alert = "ALERT" in reason
    chain, problem = _facts(served) if by_alert else ((), "")
    demanded = bool(served) and reason in _DEMANDS
    words = "demands a client certificate" if demanded else _WORDS.get(reason, reason.lower().replace("_", " "))
    detail = "; ".join(part for part in (words or "the handshake failed", problem) if part)
    return Served(address, PortState.TLS, detail=detail, chain=chain, client_certificate="demanded" if demanded else "")


def _facts(served: tuple[bytes, ...]) -> tuple[tuple[CertificateFacts, ...], str]:
    """Facts of a chain up to the first certificate that cannot be read, and what is wrong with that one."""
    facts: list[CertificateFacts] = []
    for der in served:
        try:
            facts.append(certificate_facts(parse_certificate(der, "the served certificate")))
        except StoreError as exc:
            return tuple(facts), exc.summary
    return tuple(facts), ""


def _demands_certificate(tls: ssl.SSLSocket, deadline: Deadline) -> bool:
    """Whether the server ends a TLS 1.3 connection because we have no certificate: it says so only after our own
    handshake is complete. A server that accepts sends session tickets instead, which ends the wait early."""
    if tls.version() != "TLSv1.3":
        return False
    try:
        wait_s = deadline.within(_ALERT_WAIT_S).left()
        tls.setblocking(False)
        with selectors.DefaultSelector() as selector:
            selector.register(tls, selectors.EVENT_READ)
            if selector.select(wait_s):
                tls.recv(1)
    except ssl.SSLError as exc:
        return exc.reason in _DEMANDS
    except OSError:
        return False
    return False


def _greet_plain(address: Address, deadline: Deadline) -> Served:
    """The answer to a plain HTTP request. Raises TimeoutError, ConnectionFailed."""
    with sockets.connect(address, deadline) as sock:
        answer = b""
        try:
            sock.settimeout(deadline.left())
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
            while b"\n" not in answer and len(answer) < _ANSWER_LIMIT:
                sock.settimeout(deadline.left())
                received = sock.recv(_ANSWER_LIMIT)
                if not received:
                    break
                answer += received
        except TimeoutError:
            if not answer:
                raise
        except OSError:
            pass  # reset by the peer: what came before it counts
    return _judge_plain(address, answer)


def _judge_plain(address: Address, answer: bytes) -> Served:
    if not answer:
        return Served(address, PortState.SILENT, "accepted, then closed without a byte, with TLS and without")
    if answer.startswith(b"HTTP/"):
        return Served(address, PortState.PLAIN, "HTTP without TLS")
    if answer.startswith((b"This is not", b"ES")):
        return Served(address, PortState.PLAIN, "transport without TLS")
    if answer[:2] in (b"\x15\x03", b"\x16\x03"):
        return Served(address, PortState.TLS, "speaks TLS, but the handshake failed")
    return Served(address, PortState.PLAIN, "an unknown protocol without TLS")
