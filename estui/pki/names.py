"""Names in certificates: sorting what goes into a SAN, and whether a certificate covers a host.

Owns the rules of RFC 9525 (before: RFC 6125) as OpenSSL and Java apply them. Which names a node needs is `decide`'s.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from estui.errors import CertificateError
from estui.model.certificate import CertificateFacts

# Underscores are no host names by RFC 1123, but containers have them, and TLS libraries take them.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def split_names(names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Host names and IP addresses of a mixed list: lower case, normalised, each once, in order.

    Raises CertificateError: neither a host name (a wildcard as its first label is fine) nor an address.
    """
    hosts: dict[str, None] = {}
    addresses: dict[str, None] = {}
    for name in names:
        address = normalised_address(name)
        if address is None:
            hosts[_checked_host(name)] = None
        else:
            addresses[address] = None
    return tuple(hosts), tuple(addresses)


def normalised_address(text: str) -> str | None:
    """Shortest text of an IP address, brackets and spaces around it taken off; None where it is none."""
    bare = _bare(text)
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None:
        return None  # a SAN holds 16 bytes and no zone
    return str(address)


def covers(facts: CertificateFacts, host: str) -> bool:
    """Whether clients that check names accept this certificate for `host`, a host name or an IP address.

    An address only by an address SAN; a wildcard only as the whole first label, for exactly one label, and with two
    labels behind it (OpenSSL refuses `*.local`). The subject's CN does not count (RFC 9525 §6.2).
    """
    address = normalised_address(host)
    if address is not None:
        return any(normalised_address(covered) == address for covered in facts.addresses)
    name = _bare(host).rstrip(".").lower()
    return bool(name) and any(_matches(pattern.rstrip(".").lower(), name) for pattern in facts.dns_names)


def _matches(pattern: str, name: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == name
    first, dot, rest = name.partition(".")
    return bool(first and dot) and rest == pattern[2:] and "." in rest


def _bare(text: str) -> str:
    stripped = text.strip()
    return stripped[1:-1] if stripped.startswith("[") and stripped.endswith("]") else stripped


def _checked_host(name: str) -> str:
    host = name.strip().removesuffix(".").lower()
    if not host.isascii():
        raise CertificateError(
            f"host name {name!r} is not ASCII", hint="write it as clients send it, with its xn-- labels"
        )
    labels = host.removeprefix("*.").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise CertificateError(f"{name!r} is neither a host name nor an IP address", hint="write it without a port")
    if labels[-1].isdigit():
        raise CertificateError(f"{name!r} looks like an IP address and is none")
    return host
