"""Owns which settings a node knows and what it says about the others.

The lists are those that matter for security, discovery and the stock file of Elasticsearch 9.1.0; whole families that
have nothing to do with security are let through by their prefix. Values are checked elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

TLS_PREFIXES = ("xpack.security.transport.ssl.", "xpack.security.http.ssl.")
OTHER_TLS_PREFIXES = (
    "xpack.security.remote_cluster_server.ssl.",
    "xpack.security.remote_cluster_client.ssl.",
    "xpack.http.ssl.",
)
TLS_PLAIN = (
    *("enabled", "verification_mode", "client_authentication", "supported_protocols", "cipher_suites", "key"),
    *("key_passphrase", "certificate", "certificate_authorities", "keystore.path", "keystore.type"),
    *("keystore.algorithm", "keystore.password", "keystore.key_password", "truststore.path", "truststore.type"),
    *("truststore.algorithm", "truststore.password", "trust_restrictions.path", "trust_restrictions.x509_fields"),
    "handshake_timeout",
)
TLS_SECURE = (
    *("keystore.secure_password", "keystore.secure_key_password"),
    *("truststore.secure_password", "secure_key_passphrase"),
)
_ALL_TLS = (*TLS_PREFIXES, *OTHER_TLS_PREFIXES)
SECURE = frozenset(
    {"bootstrap.password", "keystore.seed", "autoconfiguration.password_hash", "xpack.watcher.encryption_key"}
    | {prefix + name for prefix in _ALL_TLS for name in TLS_SECURE}
)
_SECURE_FAMILIES = re.compile(
    r"(s3|gcs|azure)\.client\..+|cluster\.remote\.[^.]+\.credentials|cluster\.state\.encryption\..+"
    r"|xpack\.notification\..+\.secure_.+|xpack\.monitoring\.exporters\..+secure_.+"
    r"|xpack\.security\.authc\.realms\..+\.(secure_[a-z_]+|[a-z_]+\.secure_[a-z_]+|.*client_secret)"
)
PLAIN = frozenset(
    {
        *("cluster.name", "cluster.initial_master_nodes", "cluster.max_shards_per_node", "cluster.no_master_block"),
        *("cluster.auto_shrink_voting_configuration", "cluster.max_voting_config_exclusions"),
        *("node.name", "node.roles", "node.processors", "node.store.allow_mmap", "node.external_id"),
        *("path.data", "path.logs", "path.repo", "path.home", "path.shared_data"),
        *("bootstrap.memory_lock", "bootstrap.ctypes"),
        *("network.host", "network.bind_host", "network.publish_host", "network.breaker.inflight_requests.limit"),
        *("http.port", "http.host", "http.bind_host", "http.publish_host", "http.publish_port", "http.compression"),
        *("http.max_content_length", "http.type", "http.type.default", "http.detailed_errors.enabled"),
        *("transport.port", "transport.host", "transport.bind_host", "transport.publish_host", "transport.type"),
        *("transport.publish_port", "transport.compress", "transport.connect_timeout", "transport.type.default"),
        *("discovery.type", "discovery.seed_hosts", "discovery.seed_providers", "discovery.initial_state_timeout"),
        *("resource.reload.enabled", "resource.reload.interval", "resource.reload.interval.high"),
        *("resource.reload.interval.medium", "resource.reload.interval.low"),
        *("xpack.security.enabled", "xpack.security.autoconfiguration.enabled", "xpack.security.enrollment.enabled"),
        *("xpack.security.hide_settings", "xpack.security.user", "xpack.security.ssl.diagnose.trust"),
        *("xpack.security.fips_mode.enabled", "xpack.security.dls_fls.enabled", "xpack.security.audit.enabled"),
        *("xpack.security.authc.token.enabled", "xpack.security.authc.token.timeout"),
        *("xpack.security.authc.api_key.enabled", "xpack.security.authc.reserved_realm.enabled"),
        *("xpack.security.authc.password_hashing.algorithm", "xpack.security.authc.anonymous.username"),
        *("xpack.security.authc.anonymous.roles", "xpack.security.authc.anonymous.authz_exception"),
        *("xpack.security.http.filter.enabled", "xpack.security.transport.filter.enabled"),
        "xpack.security.remote_cluster_client.ssl.enabled",
    }
    | {prefix + name for prefix in _ALL_TLS for name in TLS_PLAIN}
)
_PLAIN_FAMILIES = re.compile(
    r"(node\.attr|cluster\.(routing|remote|election|fault_detection|publish|join|blocks|info|metadata|indices|service"
    r"|persistent_tasks|deprecation_indexing|logsdb|snapshot)|http\.(cors|tcp|netty)|transport\.(profiles|tcp|netty|ping)"
    r"|network\.tcp|discovery\.(probe|cluster_formation_warning_timeout|request_peers_timeout|find_peers|ec2|gce)"
    r"|gateway|action|indices|index|thread_pool|ingest|script|search|monitor|logger|reindex|repositories|snapshot"
    r"|xpack\.(ml|monitoring|license|watcher|graph|ccr|rollup|transform|ent_search|searchable|slm|ilm|sql|eql|profiling"
    r"|notification|http|security\.(audit|authc\.realms|authz|http\.filter|transport\.filter|dls|fips_mode"
    r"|remote_cluster_server|crypto|operator_privileges|ssl))|s3|gcs|azure|processors|readiness|telemetry|health"
    r"|ingest_geoip|data_streams|stack|slm|serverless)\..+"
)
_CLOSE_ENOUGH = 0.7


def is_secure(name: str) -> bool:
    """Whether a setting belongs into `elasticsearch.keystore`."""
    return name in SECURE or _SECURE_FAMILIES.fullmatch(name) is not None


def is_plain(name: str) -> bool:
    """Whether a setting belongs into `elasticsearch.yml`."""
    return name in PLAIN or _PLAIN_FAMILIES.fullmatch(name) is not None


def complaint(name: str, *, in_keystore: bool) -> str:
    """What a node says at start about a setting in the wrong place or unknown, or the empty text.

    Source: `AbstractScopedSettings.validate`, `SecureSetting` and `Setting.checkDeprecation` of 9.1.0, as seen in
    real-elasticsearch.md §4.
    """
    if in_keystore:
        if is_secure(name):
            return ""
        if is_plain(name):
            return (
                f"Setting [{name}] is a non-secure setting and must be stored inside elasticsearch.yml, "
                "but was found inside the Elasticsearch keystore"
            )
        return _unknown("unknown secure setting", name)
    if is_secure(name):
        return (
            f"Setting [{name}] is a secure setting and must be stored inside the Elasticsearch keystore, "
            "but was found inside elasticsearch.yml"
        )
    return "" if is_plain(name) else _unknown("unknown setting", name)


def _unknown(words: str, name: str) -> str:
    near = _nearest(name, sorted(PLAIN | SECURE))
    if not near:
        return (
            f"{words} [{name}] please check that any required plugins are installed, or check the breaking changes "
            "documentation for removed settings"
        )
    meant = f"[{near[0]}]" if len(near) == 1 else f"any of [{', '.join(near)}]"
    return f"{words} [{name}] did you mean {meant}?"


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    scored = [(1 - _edits(name, other) / max(len(name), len(other)), other) for other in known]
    return [other for score, other in sorted(scored, key=lambda pair: -pair[0]) if score > _CLOSE_ENOUGH]


def _edits(one: str, other: str) -> int:
    """Levenshtein distance, as Lucene's `LevenshteinDistance` counts it."""
    row = list(range(len(other) + 1))
    for at, left in enumerate(one, 1):
        above, row[0] = row[0], at
        for index, right in enumerate(other, 1):
            above, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, above + (left != right))
    return row[-1]
