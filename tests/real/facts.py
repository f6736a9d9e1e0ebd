"""The facts about Elasticsearch that the design rests on, and what would notice that one is no longer true.

A proof is `contract:BEHAVIOUR`, `case:NAME` of the start cases, or `MODULE::TEST`. After a move to a newer version
(`artifacts.VERSION`), whatever turns red among them is a decision to think over.
"""

from __future__ import annotations

from dataclasses import dataclass

_JOBS = "tests.real.test_jobs"
_RENEWAL = f"{_JOBS}::test_a_renewal_replaces_every_leaf_under_load_without_a_restart_or_a_failed_request"
_ROLLOVER = "contract:cluster.rollover"
_STAYS_OUT = "contract:cluster.transport-one-by-one"


@dataclass(frozen=True)
class Fact:
    """One fact, and its proofs."""

    says: str
    proofs: tuple[str, ...]


FACTS = (
    Fact(
        "a key that does not match its certificate is accepted in silence; a link switched by one rename is followed",
        ("case:key of another certificate", "contract:reload.half", "contract:reload.pair", _RENEWAL),
    ),
    Fact(
        "hot reload takes one poll of 5 s at most; open connections keep the old certificate; size and time decide",
        (
            "contract:cluster.reload-poll",
            "contract:reload.open-connections",
            "contract:reload.same-stamp",
        ),
    ),
    Fact(
        "a missing or broken file, or a store with another password, leaves the old context; not tried again",
        (
            "contract:reload.missing",
            "contract:reload.garbage",
            "contract:reload.store-password",
            "contract:reload.no-retry",
        ),
    ),
    Fact(
        "GET /_ssl/certificates shows the disk at once, or 500 with the reason",
        ("contract:api.certificates-disk", "contract:api.certificates-bad", "contract:api.certificates-key"),
    ),
    Fact("a CA is changed on a live cluster without a failed request or a restart", (_ROLLOVER, _RENEWAL)),
    Fact(
        "the wrong order breaks at the next reconnect only; reloading trust repairs it without a restart",
        (
            "contract:cluster.wrong-order",
            "contract:reload.trust",
        ),
    ),
    Fact(
        "a 401 is not always a wrong password",
        (
            "contract:cluster.first-401",
            _STAYS_OUT,
        ),
    ),
    Fact(
        "a node that cannot join opens HTTP after discovery.initial_state_timeout, then answers 401 or 503",
        ("contract:members.outsider-http", _STAYS_OUT),
    ),
    Fact(
        "HTTP TLS can be switched on node by node; transport TLS takes nodes out",
        ("contract:cluster.http-one-by-one", _STAYS_OUT),
    ),
    Fact(
        "an expired certificate or one without clientAuth starts its own node in silence; the peers refuse it",
        (
            "case:expired leaf",
            "case:leaf for servers only",
            "contract:members.expired",
            "contract:members.server-only",
        ),
    ),
    Fact(
        "a disabled context is loaded too; a left-over secure password is fatal without `enabled`, not with false",
        (
            "case:a disabled context is loaded too",
            "case:left-over secure password",
            "case:left-over secure password, switched off",
        ),
    ),
    Fact(
        "PKCS#12 needs encryption and MAC, and Java's attribute on trusted entries",
        (
            "case:keystore whose key is not encrypted",
            "case:keystore as a truststore",
            "case:PKCS#12 keystore and truststore",
        ),
    ),
    Fact(
        "Ed25519 is refused; P-256 and RSA in PKCS#8, SEC 1, PKCS#1 and encrypted load; a key in a CA file is fatal",
        (
            "case:Ed25519 key",
            "case:PEM set",
            "case:SEC 1 key",
            "case:RSA PKCS#8 key",
            "case:RSA PKCS#1 key",
            "case:encrypted key, its passphrase",
            "case:CA file that also holds a key",
        ),
    ),
    Fact(
        "a TLS 1.3 handshake completes on the client's side before the node judges the client's certificate",
        ("contract:ports.transport-shows-leaf", "contract:ports.client-required"),
    ),
    Fact(
        "a node rewrites an older elasticsearch.keystore in format 7, adds a missing seed, makes a missing file",
        ("contract:start.keystore-raised", "contract:start.seed-added", "contract:start.keystore-made"),
    ),
)
