"""Keys, authorities and leaves for tests, made once per run."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography import x509

from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.pki.authority import create_authority, issue_leaf
from estui.pki.keys import PrivateKey, generate_key

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
STORES = Path(__file__).parents[2] / "fixtures" / "stores"


def key(number: int = 0) -> PrivateKey:
    """A P-256 key; another one for every number."""
    return _key(number)


@cache
def _key(number: int) -> PrivateKey:
    return generate_key(KeyType.EC_P256)


@cache
def rsa_key() -> PrivateKey:
    return generate_key(KeyType.RSA_2048)


def authority_request(common_name: str = "Test CA", *, days: int = 3650) -> AuthorityRequest:
    return AuthorityRequest("http", common_name, KeyType.EC_P256, days)


def authority(number: int = 0) -> x509.Certificate:
    """The CA of key(number); all have the same name."""
    return _authority(number)


@cache
def _authority(number: int) -> x509.Certificate:
    return create_authority(authority_request(), key=key(number), serial=number + 1, now=NOW)


def leaf_request(
    dns_names: tuple[str, ...] = ("es-1.example.net",),
    addresses: tuple[str, ...] = ("10.0.0.1",),
    usages: tuple[str, ...] = ("serverAuth",),
    *,
    common_name: str = "es-1",
    days: int = 397,
) -> LeafRequest:
    return LeafRequest("es-1", "http", "http", common_name, dns_names, addresses, usages, KeyType.EC_P256, days)


@cache
def leaf(
    request: LeafRequest | None = None, *, of: int = 0, now: datetime = NOW, holder: PrivateKey | None = None
) -> x509.Certificate:
    """A leaf of authority(of) for key(100), or for `holder`."""
    return issue_leaf(
        request or leaf_request(),
        authority=authority(of),
        authority_key=key(of),
        key=holder or key(100),
        serial=1000,
        now=now,
    )
