"""Names of settings of Elasticsearch, 7.17 to 9.x, as far as a mistyped one is worth telling; and how near names are.

Whole families are let through by their prefix: what is below them differs from release to release. Source: settings
reference of the elastic.co documentation, `ClusterSettings` and `XPackSettings`.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CLUSTER = (
    *("name", "initial_master_nodes", "max_shards_per_node", "max_shards_per_node.frozen", "no_master_block"),
    *("auto_shrink_voting_configuration", "max_voting_config_exclusions"),
)
_NODE = (
    *("name", "roles", "processors", "store.allow_mmap", "external_id", "master", "data", "ingest", "ml", "transform"),
    *("voting_only", "remote_cluster_client", "max_local_storage_nodes", "enable_lucene_segment_infos_trace"),
    *("id.seed", "bandwidth.recovery.disk.read", "bandwidth.recovery.disk.write", "bandwidth.recovery.network"),
    "bandwidth.recovery.operator.factor",
)
_HTTP = (
    *("port", "host", "bind_host", "publish_host", "publish_port", "compression", "compression_level", "max_content"),
    *("max_content_length", "max_header_size", "max_initial_line_length", "max_chunk_size", "max_warning_header_count"),
    *("max_warning_header_size", "type", "type.default", "detailed_errors.enabled", "pipelining.max_events"),
    *("reset_cookies", "read_timeout", "content_type.required", "client_stats.enabled", "shutdown_grace_period"),
    *("client_stats.closed_channels.max_age", "client_stats.closed_channels.max_count", "shutdown_poll_period"),
)
_TRANSPORT = (
    *("port", "host", "bind_host", "publish_host", "publish_port", "type", "type.default", "compress"),
    *("compression_scheme", "connect_timeout", "ping_schedule", "connections_per_node.bulk", "rst_on_close"),
    *("connections_per_node.ping", "connections_per_node.recovery", "connections_per_node.reg"),
    *("connections_per_node.state", "slow_operation_logging_threshold", "features.x-pack"),
)
_DISCOVERY = (
    *("type", "seed_hosts", "seed_providers", "initial_state_timeout", "seed_resolver.timeout"),
    *("seed_resolver.max_concurrent_resolvers", "find_peers_interval", "request_peers_timeout"),
    *("find_peers_warning_timeout", "unconfigured_bootstrap_timeout", "cluster_formation_warning_timeout"),
    *("zen.minimum_master_nodes", "zen.hosts_provider", "zen.ping.unicast.hosts", "probe.connect_timeout"),
    *("probe.handshake_timeout", "ec2", "gce", "azure"),
)
_SECURITY = (
    *("enabled", "autoconfiguration.enabled", "enrollment.enabled", "hide_settings", "user", "ssl.diagnose.trust"),
    *("fips_mode.enabled", "fips_mode.required_providers", "dls_fls.enabled", "audit.enabled", "authc.token.enabled"),
    *("authc.token.timeout", "authc.token.delete.interval", "authc.token.delete.timeout", "authc.api_key.enabled"),
    *("authc.reserved_realm.enabled", "authc.password_hashing.algorithm", "authc.anonymous.username"),
    *("authc.anonymous.roles", "authc.anonymous.authz_exception", "authc.run_as.enabled", "http.filter.enabled"),
    *("transport.filter.enabled", "remote_cluster_server.ssl.enabled", "remote_cluster_client.ssl.enabled"),
    *("authc.service_token_hashing.algorithm", "automata.cache.size", "automata.cache.ttl", "automata.max"),
)
_OTHERS = (
    *("path.data", "path.logs", "path.repo", "path.home", "path.conf", "path.shared_data"),
    *("bootstrap.memory_lock", "bootstrap.system_call_filter", "bootstrap.ctypes", "bootstrap.password"),
    *("network.host", "network.bind_host", "network.publish_host", "network.server", "network.tcp"),
    *("remote_cluster_server.enabled", "remote_cluster.port", "remote_cluster.host", "remote_cluster.bind_host"),
    *("remote_cluster.publish_host", "remote_cluster.publish_port"),
    *("resource.reload.enabled", "resource.reload.interval", "resource.reload.interval.high"),
    *("resource.reload.interval.medium", "resource.reload.interval.low", "http.cors.enabled", "http.cors.allow-origin"),
    *("xpack.license.self_generated.type", "xpack.ml.enabled", "xpack.watcher.enabled", "ingest.geoip.downloader"),
)
KNOWN = frozenset(
    f"{prefix}.{name}"
    for prefix, names in (
        *(("cluster", _CLUSTER), ("node", _NODE), ("http", _HTTP), ("transport", _TRANSPORT)),
        *(("discovery", _DISCOVERY), ("xpack.security", _SECURITY)),
    )
    for name in names
) | frozenset(_OTHERS)
"""Names that are not below a family."""

_FAMILIES = re.compile(
    r"(node\.attr|cluster\.(routing|remote|election|fault_detection|publish|join|blocks|info|metadata|indices|service"
    r"|persistent_tasks|deprecation_indexing|logsdb|snapshot|follower_lag|nodes|state|discovery_configuration_check)"
    r"|http\.(cors|tcp|netty)|transport\.(profiles|tcp|netty|ping|tracer)|network\.(tcp|breaker)"
    r"|discovery\.(ec2|gce|azure|zen|probe)|xpack\.security\.(audit|authc|authz|http|transport|remote_cluster_server"
    r"|remote_cluster_client|crypto|operator_privileges|ssl|fips_mode|dls|dls_fls)|xpack\.(?!security\.)\w+)\..+"
)
_TOP = frozenset(
    {
        *("action", "async_search", "azure", "bootstrap", "cache", "ccr", "client", "cluster", "data_stream"),
        *(
            "data_streams",
            "deprecation",
            "discovery",
            "enrich",
            "esql",
            "fielddata",
            "gateway",
            "gcs",
            "health",
            "hdfs",
        ),
        *("http", "index", "indices", "inference", "ingest", "keystore", "logger", "logsdb", "migrate", "monitor"),
        *("natives", "network", "node", "node_removal_reasons", "path", "persistent_tasks", "plugin", "processors"),
        *("readiness", "reindex", "remote_cluster", "remote_cluster_client", "remote_cluster_server", "repositories"),
        *("reservedstate", "resource", "rest", "s3", "script", "search", "security", "serverless", "slm", "snapshot"),
        *("stack", "systemd", "task_cancellation", "telemetry", "thread_pool", "threadpool", "time_series", "tracing"),
        *("transport", "url", "xpack", "shutdown", "signing", "stateless", "ingest_geoip", "synonyms", "tracers"),
        *("bulk", "indexing_pressure", "master_history", "profiling", "cloud", "es", "apm", "blob_cache", "write_load"),
    }
)
"""First parts of names that Elasticsearch and its own modules and plugins use."""

_FEW = 2
"""Letters between a mistyped name and the right one; no two names of Elasticsearch are as near to one another, but for
those in `KNOWN`."""


def is_known(name: str) -> bool:
    """Whether the name is that of a setting, or below a family that is not looked into."""
    return name in KNOWN or _FAMILIES.fullmatch(name) is not None


def is_foreign(name: str) -> bool:
    """Whether no part of Elasticsearch has settings of such a name: a plugin of others may."""
    return name.partition(".")[0] not in _TOP


def meant_by(name: str) -> str:
    """The setting that a mistyped name stands for; empty where none is near enough, or several are."""
    near = [known for known in KNOWN if abs(len(known) - len(name)) <= _FEW and _edits(name, known) <= _FEW]
    best = sorted(near, key=lambda known: (_edits(name, known), known))
    if len(best) > 1 and _edits(name, best[0]) == _edits(name, best[1]):
        return ""
    return best[0] if best else ""


@lru_cache(maxsize=4096)
def _edits(one: str, other: str) -> int:
    """Insertions, removals, replacements and swaps of neighbours (optimal string alignment) between two names."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, left in enumerate(one, 1):
        above, before_that = row, before
        row = [at]
        for index, right in enumerate(other, 1):
            cost = min(above[index] + 1, row[-1] + 1, above[index - 1] + (left != right))
            if at > 1 and index > 1 and left == other[index - 2] and one[at - 2] == right:
                cost = min(cost, before_that[index - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]
