"""Whether a port that demands client certificates lets one in, and which CAs it names: what it trusts, seen from
outside."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from estui.model.inventory import Address
from estui.observe import sockets
from estui.observe.sockets import Deadline

SILENCE_S = 1.0
"""A refusal comes at once; whoever is let in is waited for."""


def can_ask() -> bool:
    """Whether a key can be handed to OpenSSL here without a file that somebody could read: on Linux."""
    return hasattr(os, "memfd_create")


def lets_in(address: Address, pem: bytes, *, timeout_s: float) -> bool:
    """Whether the port goes on with a client that shows this certificate (PEM: certificate, then key).

    With TLS 1.3 the client's side of a handshake is done before the server has judged the client, so a refusal is an
    alert that comes afterwards (RFC 8446 §4.4.2.4). Raises ConnectionFailed: nobody to ask.
    """
    deadline = Deadline.after(timeout_s)
    sock = sockets.connect(address, deadline)
    context = sockets.unverifying_context()
    with _in_memory(pem) as path:
        context.load_cert_chain(path)
    with sockets.wrap(sock, context, address.host) as tls:
        try:
            tls.settimeout(deadline.left())
            tls.do_handshake()
            tls.settimeout(min(SILENCE_S, deadline.left()))
            return tls.recv(1) != b""
        except TimeoutError:
            return True
        except OSError:  # an alert (ssl.SSLError), or a reset
            return False


def announced(address: Address, *, timeout_s: float) -> tuple[bytes, ...]:
    """Subjects (DER) of the CAs that the port says it accepts; empty where it names none, or asks for no certificate.

    With TLS 1.3 the list is an extension that a server may leave out (RFC 8446 §4.3.2), so it is asked for by TLS 1.2
    then, where it has a place of its own. Raises ConnectionFailed: nobody to ask.
    """
    deadline = Deadline.after(timeout_s)
    versions = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2)
    return next(filter(None, (_announced(address, deadline, each) for each in versions)), ())


def _announced(address: Address, deadline: Deadline, newest: ssl.TLSVersion) -> tuple[bytes, ...]:
    sock = sockets.connect(address, deadline)
    context = sockets.unverifying_context()
    context.maximum_version = newest
    heard = sockets.hear_certificate_request(context)
    with sockets.wrap(sock, context, address.host) as tls, suppress(OSError):  # refused afterwards, for want of one
        tls.settimeout(deadline.left())
        tls.do_handshake()
    return heard.names


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A name under which this process alone can read the content; it is on no disk."""
    handle = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(handle), "wb") as stream:
            stream.write(content)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
