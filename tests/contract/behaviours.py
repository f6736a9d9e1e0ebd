"""The contract: what a node does where security is concerned, one line a behaviour.

Each is asserted by one test that runs against the sandbox and against a real Elasticsearch node. `proves` binds a test
to its line; `test_table.py` sees to it that no line lacks a test. What a folder is refused for at start is a table of
its own: `start_cases.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])

BEHAVIOURS: dict[str, str] = {
    # start (real-elasticsearch.md §3, §4)
    "start.refusals": "a wrong folder is refused in words of its own: every case of start_cases.py",
    "start.keystore-raised": "an older elasticsearch.keystore is rewritten in format 7 and keeps its entries",
    "start.seed-added": "a missing keystore.seed is added",
    "start.keystore-made": "a missing elasticsearch.keystore is made, with a seed and mode 0660",
    "start.bootstrap-check": "where bootstrap checks bind, security without transport TLS ends the start with 78",
    "start.protected": "a protected elasticsearch.keystore opens with its own password only",
    "start.mismatch-silent": "a key of another certificate starts in silence; every handshake then fails",
    "start.expired-silent": "an expired certificate, or one without clientAuth, starts its own node in silence",
    # hot reload (§7)
    "reload.pair": "a set switched by its link is served after the next poll, with one log line a file",
    "reload.open-connections": "an open connection keeps the old certificate and goes on working",
    "reload.missing": "a file that is gone leaves the old context serving, with one warning",
    "reload.back": "a file that comes back is picked up by the next poll",
    "reload.garbage": "a file that cannot be read leaves the old context serving, with the reason in the log",
    "reload.half": "a certificate without its key is loaded all the same and breaks handshakes until the key comes",
    "reload.same-stamp": "the same size and the same modification time are no change",
    "reload.store-password": "a store with another password is not taken, one with the same password is",
    "reload.no-retry": "a file that failed is not tried again until it changes",
    "reload.trust": "authorities are loaded like certificates: a peer is trusted once its CA is there",
    "reload.off": "with resource.reload.enabled: false nothing is loaded",
    # what API answers tell (§6)
    "api.certificates-disk": "GET /_ssl/certificates shows the disk at once",
    "api.certificates-bad": "GET /_ssl/certificates answers 500 with the reason where a file is bad",
    "api.certificates-key": "GET /_ssl/certificates does not open a PEM key, and so does not miss it",
    "api.missing-credentials": "a request without a login gets 401 with the words for it and the schemes on offer",
    "api.wrong-password": "a wrong password and an unknown user get the same words",
    "api.unknown-path": "an unknown path is 400 with a text as its error",
    "api.shapes": "bodies have the keys and types of recorded ones",
    "api.settings-hidden": "_nodes shows ssl.enabled and http.type, and hides every other ssl setting",
    "api.cluster-settings": "cluster settings are answered nested, or flat on request",
    "api.no-security": "without security nobody is asked for a login, and there is no security API",
    "api.keys": "API keys, service tokens and users are made with the answers known, and log in",
    # users and passwords (§1, §2)
    "users.reserved": "only elastic has a password at first: the bootstrap password",
    "users.bootstrap-ends": "the bootstrap password ends with elastic's first own password, and no sooner",
    "users.refused-passwords": "too short, unknown user and file user are refused, each in its words",
    "users.hash": "a password may come as a hash",
    "users.file-poll": "users of the file realm come and go with the poll; without the file all are gone",
    "users.file-hashes": "the file realm takes PBKDF2, bcrypt, SSHA256 and plain text, and no rounds it does not know",
    "users.file-superuser": "a superuser of the file realm sets the passwords of built-in users",
    # ports (§6)
    "ports.plain-to-https": "plain HTTP to an HTTPS port is closed without a byte, and logged",
    "ports.plain-to-transport-tls": "plain HTTP to a TLS transport port is closed without a byte, and logged",
    "ports.tls-to-http": "TLS to a plain HTTP port is answered 400 in plain text",
    "ports.tls-to-transport": "TLS to a plain transport port is closed without a byte, and logged",
    "ports.http-to-transport": "HTTP to a plain transport port is told that it is no HTTP port",
    "ports.garbage": "garbage to a transport port is closed without a byte, and logged",
    "ports.handshake": "the transport handshake tells the version, plain and inside TLS",
    "ports.transport-shows-leaf": "transport shows its certificate to a client without one, then refuses the client",
    "ports.distrust-logged": "a client that does not trust the node is logged as unknown_ca",
    "ports.client-none": "with client_authentication none any client certificate is ignored",
    "ports.client-optional": "optional: none or a good one is let in, a foreign one is refused",
    "ports.client-required": "required: none or a foreign one is refused, a good one is let in",
    # who is in the cluster (§5)
    "members.good": "a node of the same CA joins",
    "members.plain": "a node without TLS stays out, and each side logs it",
    "members.foreign": "a node of another CA stays out: no certification path",
    "members.expired": "a node with an expired certificate stays out",
    "members.not-yet": "a node with a certificate that is not valid yet stays out",
    "members.server-only": "a node whose certificate is for servers only stays out",
    "members.wrong-name": "a node without the name that it is called by stays out of a cluster that checks names",
    "members.certificate-mode": "in certificate mode the name does not matter",
    "members.mismatch": "a node whose key is not its certificate's stays out",
    "members.security-off": "a node without security stays out",
    # a whole cluster (§1, §7 to §9)
    "cluster.first-401": "at first the right password may get 401 or 503; then it gets in",
    "cluster.password-everywhere": "a password set on one node holds on the others at once",
    "cluster.http-one-by-one": "HTTP TLS can be switched on node by node",
    "cluster.transport-one-by-one": "transport TLS node by node takes nodes out until the majority flips",
    "cluster.reload-poll": "a new pair is served within one poll, 5 s where nothing is said",
    "cluster.rollover": "a CA is changed under load without a restart or a failed request",
    "cluster.wrong-order": "an untrusted certificate breaks at the next reconnect only; reloading trust repairs it",
    "cluster.allocation": "replicas wait while allocation is restricted to primaries",
    "cluster.full-restart": "a full restart keeps the cluster and its data",
    # who is in the cluster, again (§5)
    "members.outsider-http": "a node in no cluster opens HTTP after the discovery timeout; answers are 401 or 503",
}

DEVIATIONS = (
    "the alert for an untrusted client certificate is unknown_ca (OpenSSL), not certificate_unknown (Java)",
    "with verification_mode none a server asks for no client certificate, so a missing one is not noticed",
    "JKS stores are not read: the start is refused and says so",
    "bcrypt hashes in the users file never match; {PBKDF2} and the older kinds do",
    "an expired CA certificate is refused by OpenSSL, where Java does not look at the dates of an anchor",
    "nodes listen on 127.0.0.1 whatever network.host says; beyond loopback the bootstrap checks become binding",
    "TLS files outside the configuration folder are refused, as packaged nodes do; nodes put together from jars start",
    "one shard per index, no queries, basic licence only, no PKI realm, no role management",
    "an API key has the rights of its owner",
)
"""Where the sandbox knowingly is not as Elasticsearch; the tests of this folder keep away from these.

Kibana is not here: there is no real one to ask. What the sandbox plays of it is in tests/unit/sandbox/test_kibana.py.
"""

PROVEN: dict[str, list[str]] = {}
"""Names of the tests by behaviour; filled as the modules of this folder are imported."""


def proves(*names: str) -> Callable[[_F], _F]:
    """Binds a test to the behaviours that it asserts."""

    def bind(test: _F) -> _F:
        for name in names:
            if name not in BEHAVIOURS:
                raise KeyError(f"no behaviour {name}")
            PROVEN.setdefault(name, []).append(test.__name__)
        return test

    return bind
