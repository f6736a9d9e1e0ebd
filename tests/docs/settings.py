"""What each key of `estui.yaml` means; `test_docs.py` holds the lists against the keys that the code takes."""

from __future__ import annotations

from dataclasses import dataclass

from estui.model.inventory import BeatLogin, BeatTrust, KeyType, Limits, Policy, StoreFormat


@dataclass(frozen=True)
class Key:
    """One key, for the reference."""

    name: str
    value: str
    default: str
    meaning: str


_KEYS = ", ".join(f"`{each.value}`" for each in KeyType)
_POLICY, _LIMITS = Policy(), Limits()

EXAMPLE = """
cluster: logs
nodes:
  - config: /mnt/es-1/config
    http: es-1.example.net:9200
    names: [logs.example.net]
    stop: [ssh, es-1, sudo, systemctl, stop, elasticsearch]
    start: [ssh, es-1, sudo, systemctl, start, elasticsearch]
    restart: [ssh, es-1, sudo, systemctl, restart, elasticsearch]
  - /mnt/es-2/config
kibana:
  - config: /mnt/kibana/config
    on_host: /etc/kibana
beats:
  - config: /mnt/metricbeat/config
    on_host: /etc/metricbeat
policy: {key: ec-p256, leaf_days: 397, renew_before_days: 30}
credentials: {user: elastic, password_file: elastic-password}
"""

TOP = (
    Key("cluster", "text", "", "name of the cluster; has to be there"),
    Key("nodes", "list", "", "the Elasticsearch nodes; has to be there. A bare text is a folder"),
    Key("kibana", "list", "none", "the Kibana instances"),
    Key("beats", "list", "none", "the Beats"),
    Key("policy", "map", "see below", "keys and lives of what estui issues"),
    Key("credentials", "map", "none", "files with the login for a secured cluster"),
    Key("production", "`true`, `false`", "`false`", "the terminal UI asks for the cluster's name before it applies"),
    Key("read_only", "`true`, `false`", "`false`", "the terminal UI changes nothing, as with `--read-only`"),
    Key("expect_nodes", "number", "the nodes of the file", "members of the cluster, where it cannot be asked"),
    Key("folder", "name", "`estui`", "the folder that estui owns in each configuration folder"),
    Key("groups", "list of tags", "none", "the order of a rolling restart: the nodes of one zone before the next"),
    Key("limits", "map", "see below", "how long a run waits for what should happen by itself"),
    Key("keystore_password", "file", "none", "file with the password of `elasticsearch.keystore`"),
)

_COMMAND = "list of arguments"


def _service(whose: str) -> tuple[Key, ...]:
    return (
        Key("config", "folder", "", f"configuration folder of the {whose}, as this host sees it; has to be there"),
        Key("name", "text", "from its yml", "its name"),
        Key("stop", _COMMAND, "none", "command that stops it; `--restart` runs it, without a shell"),
        Key("start", _COMMAND, "none", "command that starts it"),
        Key("restart", _COMMAND, "none", "command that restarts it"),
    )


_LOGS = Key("logs", "folder", "none", "its log folder as this host sees it, shown where a step waits in vain")
_OUTSIDE = (
    Key("settings_elsewhere", "map", "none", "settings that its process gets by arguments; they win over the yml"),
    Key("environment", "map", "none", "variables of its process, for `${NAME}` in the yml and for containers"),
    _LOGS,
)
NODES = (
    *_service("node"),
    Key("http", "host:port", "from its yml", "where its HTTP layer is reached from here"),
    Key("transport", "host:port", "from its yml", "where its transport layer is reached from here"),
    Key("names", "list", "none", "further names for its HTTP certificate, such as a load balancer"),
    Key("version", "version", "asked, or from its files", "its Elasticsearch version"),
    Key("tags", "list", "none", "words of your own"),
    *_OUTSIDE,
)
KIBANA = (
    *_service("instance"),
    Key("http", "host:port", "from its yml", "where it is reached from here"),
    Key("on_host", "folder", "", "its configuration folder on its own host; Kibana wants absolute paths"),
    Key("data", "folder", "none", "its data folder as this host sees it"),
    Key("names", "list", "none", "further names for its certificate"),
    Key("version", "version", "asked", "its version"),
    *_OUTSIDE,
)
BEATS = (
    *_service("Beat"),
    Key("kind", "text", "by its yml", "`metricbeat`, `filebeat`, …"),
    Key("on_host", "folder", "", "its configuration folder on its own host"),
    Key("data", "folder", "none", "its data folder as this host sees it"),
    Key("version", "version", "not known", "its version"),
    _LOGS,
    Key("login", ", ".join(f"`{each.value}`" for each in BeatLogin), "`user`", "what it logs in with"),
    Key("trust", ", ".join(f"`{each.value}`" for each in BeatTrust), "`file`", "how it is told whom to trust"),
)
POLICY = (
    Key("key", _KEYS, f"`{_POLICY.ca_key.value}`", "kind of every new key"),
    Key("transport_key", _KEYS, "`key`", "kind of keys on the transport layer"),
    Key("http_key", _KEYS, "`key`", "kind of keys on the HTTP layer, and of Kibana"),
    Key("ca_key", _KEYS, "`key`", "kind of a new CA's key"),
    Key("leaf_days", "days", str(_POLICY.leaf_days), "life of a leaf"),
    Key("ca_days", "days", str(_POLICY.ca_days), "life of a CA"),
    Key("renew_before_days", "days", str(_POLICY.renew_before_days), "how long before its end a certificate is due"),
    Key("format", ", ".join(f"`{each.value}`" for each in StoreFormat), f"`{_POLICY.format.value}`", "files on a node"),
)
LIMITS = (
    Key("command_seconds", "seconds", f"{_LIMITS.command_seconds}", "for a command of the file to end"),
    Key("start_seconds", "seconds", f"{_LIMITS.start_seconds}", "for a started node to answer as it should"),
    Key("stop_seconds", "seconds", f"{_LIMITS.stop_seconds}", "for a port to close after a stop command"),
)
CREDENTIALS = (
    Key("user", "text", "`elastic`", "superuser"),
    Key("password_file", "file", "the stored password", "file with its password"),
    Key("api_key_file", "file", "none", "kept, and not used yet: give a user and a password"),
)
