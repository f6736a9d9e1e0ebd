"""The CAs that a TLS server says it accepts, in the message by which it asks for a client certificate.

Java announces the subjects of everything its trust manager holds then, so the list tells what a running node has
loaded: `CertificateRequest` and `CertificateAuthoritiesExtension` of `sun.security.ssl`, `getAcceptedIssuers()`.
"""

from __future__ import annotations

_HEADER = 4
"""Message type and length, RFC 8446 §4."""
_CERTIFICATE_AUTHORITIES = 47
"""Extension of TLS 1.3, RFC 8446 §4.2.4."""


def announced_names(message: bytes, *, tls13: bool) -> tuple[bytes, ...]:
    """DER of each accepted subject in a handshake message; empty where it names none, or is no such message."""
    body = message[_HEADER:]
    try:
        return _names(_of_extension(body) if tls13 else _of_tls12(body))
    except IndexError:
        return ()


def _of_tls12(body: bytes) -> bytes:
    """RFC 5246 §7.4.4: certificate types, signature algorithms, then the names."""
    _, rest = _vector(body, 1)
    _, rest = _vector(rest, 2)
    return _vector(rest, 2)[0]


def _of_extension(body: bytes) -> bytes:
    """RFC 8446 §4.3.2: a context, then extensions."""
    _, rest = _vector(body, 1)
    extensions, _ = _vector(rest, 2)
    while extensions:
        kind = int.from_bytes(extensions[:2], "big")
        content, extensions = _vector(extensions[2:], 2)
        if kind == _CERTIFICATE_AUTHORITIES:
            return _vector(content, 2)[0]
    return b""


def _names(content: bytes) -> tuple[bytes, ...]:
    found = []
    while content:
        name, content = _vector(content, 2)
        found.append(name)
    return tuple(found)


def _vector(content: bytes, width: int) -> tuple[bytes, bytes]:
    """What a length of so many bytes stands before, and the rest. Raises IndexError where it is cut off."""
    length = int.from_bytes(content[:width], "big")
    if len(content) < width + length:
        raise IndexError("cut off")
    return content[width : width + length], content[width + length :]
