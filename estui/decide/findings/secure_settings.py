"""Rules about secure settings: in the right file, known, and the same on every node. Names only, never values."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator

from estui.decide.findings.rule import Facts, Hit, Text, about_cluster, about_node
from estui.decide.findings.tls_settings import KNOWN, SECURE
from estui.decide.findings.view import NODE_KEYSTORE, NODE_YML, at, at_file, listed, read_like_yml, version_of
from estui.model.finding import Severity
from estui.model.observed import ObservedNode
from estui.model.version import Version

_CONTEXTS = (
    *("xpack.security.transport.ssl", "xpack.security.http.ssl", "xpack.http.ssl"),
    *("xpack.security.remote_cluster_server.ssl", "xpack.security.remote_cluster_client.ssl"),
)
_SECURE = frozenset(
    {"bootstrap.password", "keystore.seed", "autoconfiguration.password_hash", "xpack.watcher.encryption_key"}
    | {f"{context}.{name}" for context in _CONTEXTS for name in SECURE}
)
_SECURE_FAMILIES = re.compile(
    r"(s3|gcs|azure)\.client\..+|cluster\.remote\.[^.]+\.credentials|cluster\.state\.encryption\..+"
    r"|discovery\.ec2\..+|xpack\.notification\..+\.secure_.+|.*\.secure_[a-z_]+|.*client_secret|.*\.secure_bind_password"
    r"|xpack\.security\.authc\.realms\..+"
)
_PLAIN = frozenset(
    {
        *("cluster.name", "node.name", "path.data", "path.logs", "network.host", "http.port", "http.host"),
        *("discovery.type", "discovery.seed_hosts", "cluster.initial_master_nodes", "xpack.security.enabled"),
        *("xpack.security.enrollment.enabled", "xpack.security.autoconfiguration.enabled", "transport.port"),
    }
    | {f"{context}.{name}" for context in _CONTEXTS for name in KNOWN}
)
_BOOTSTRAP_STARTS = Version(9, 0, 0)
"""8.19.0 started with bootstrap.password in the yml (where the keystore had one too), 9.1.0 does not."""


def is_plain(name: str) -> bool:
    """Whether a name is surely that of an ordinary setting, which no keystore may hold."""
    return name in _PLAIN


def is_secure(name: str) -> bool:
    """Whether a name is that of a secure setting; of plugins' names only the usual endings are known."""
    return name in _SECURE or _SECURE_FAMILIES.fullmatch(name) is not None


@about_node(
    Text(
        "secure-setting-in-yml",
        Severity.FATAL,
        "a secure setting in elasticsearch.yml",
        "Elasticsearch refuses to start: is a secure setting and must be stored inside the Elasticsearch keystore",
        "elasticsearch-keystore add NAME, then remove the line; whoever could read the file knows the value",
        "SecureSetting; seen on Elasticsearch 9.1.0 and 8.19.0",
    )
)
def secure_setting_in_yml(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for key in node.settings:
        if key in _SECURE:
            lenient = key == "bootstrap.password" and version_of(node) < _BOOTSTRAP_STARTS
            severity = Severity.ERROR if lenient else None
            hint = f"elasticsearch-keystore add {key}, then remove the line"
            yield Hit(node.target, f"{key} is a secure setting", at(node, key), hint, severity)


@about_node(
    Text(
        "plain-setting-in-keystore",
        Severity.FATAL,
        "an ordinary setting in the keystore",
        "Elasticsearch refuses to start: is a non-secure setting and must be stored inside elasticsearch.yml",
        "elasticsearch-keystore remove NAME, and write it into elasticsearch.yml",
        "seen on Elasticsearch 9.1.0 and 8.19.0",
    )
)
def plain_setting_in_keystore(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for name in node.keystore.names:
        if name in _PLAIN:
            hint = f"elasticsearch-keystore remove {name}, and write it into elasticsearch.yml"
            yield Hit(node.target, f"{name} is no secure setting", at_file(node, NODE_KEYSTORE), hint)


@about_node(
    Text(
        "secure-setting-unknown",
        Severity.FATAL,
        "a secure setting that Elasticsearch does not know",
        "Elasticsearch refuses to start: unknown secure setting; _nodes/reload_secure_settings fails too",
        "elasticsearch-keystore remove NAME; a name that belongs to a plugin is right if the plugin is installed",
        "AbstractScopedSettings.validate; seen on Elasticsearch 9.1.0",
    )
)
def secure_setting_unknown(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for name in node.keystore.names:
        if name in _PLAIN or is_secure(name):
            continue
        own = name.startswith("xpack.security.")
        near = difflib.get_close_matches(name, sorted(_SECURE), 1)
        hint = f"did you mean {near[0]}? elasticsearch-keystore remove {name}" if near else ""
        # A plugin may know a name that we do not.
        severity = None if own or near else Severity.WARNING
        yield Hit(node.target, f"{name} is not known", at_file(node, NODE_KEYSTORE), hint, severity)


@about_cluster(
    Text(
        "secure-settings-missing",
        Severity.WARNING,
        "a secure setting that most nodes have and some lack",
        "Elasticsearch does not compare them: it works on one node and fails on another",
        "elasticsearch-keystore add NAME on the nodes that lack it",
        "secure settings must be identical on all nodes (elastic.co documentation)",
    )
)
def secure_settings_missing(facts: Facts) -> Iterator[Hit]:
    nodes = [node for node in facts.nodes if node.keystore.opened]
    counted = Counter(name for node in nodes for name in node.keystore.names if not belongs_to_node(name))
    for name, count in sorted(counted.items()):
        if len(nodes) / 2 <= count < len(nodes):
            lacking = [node for node in nodes if name not in node.keystore.names]
            summary = f"{name} is missing on {listed(node.target for node in lacking)}"
            yield Hit(lacking[0].target, summary, at_file(lacking[0], NODE_KEYSTORE))


def belongs_to_node(name: str) -> bool:
    """Settings that belong to the files or the first start of one node."""
    own = ("keystore.seed", "bootstrap.password", "autoconfiguration.password_hash")
    return name in own or any(name.startswith(f"{context}.") for context in _CONTEXTS)


@about_cluster(
    Text(
        "secure-settings-differ",
        Severity.WARNING,
        "a secure setting whose value is not the same on all nodes",
        "Elasticsearch does not compare them: it works on one node and fails on another",
        "elasticsearch-keystore add -f NAME with the right value on the nodes that have another",
        "secure settings must be identical on all nodes (elastic.co documentation); compared by keyed digests",
    )
)
def secure_settings_differ(facts: Facts) -> Iterator[Hit]:
    """Passwords of TLS stores are left out: each node may have its own stores."""
    nodes = [node for node in facts.nodes if node.keystore.opened]
    digests: dict[str, dict[str, list[ObservedNode]]] = {}
    for node in nodes:
        for name, digest in node.keystore.digests:
            if not belongs_to_node(name):
                digests.setdefault(name, {}).setdefault(digest, []).append(node)
    for name, groups in sorted(digests.items()):
        if len(groups) > 1:
            *_, odd = sorted(groups.values(), key=len, reverse=True)
            summary = f"{name} has {len(groups)} different values; another than most on {listed(n.target for n in odd)}"
            yield Hit(odd[0].target, summary, at_file(odd[0], NODE_KEYSTORE))


@about_node(
    Text(
        "keystore-readable",
        Severity.WARNING,
        "elasticsearch.keystore can be read by everybody on the host",
        "without a password its content is only obfuscated: whoever reads the file has every secret in it",
        "chmod 0660 elasticsearch.keystore",
        "KeyStoreWrapper writes it with mode 0660",
    )
)
def keystore_readable(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    state = node.files.get(NODE_KEYSTORE)
    if state is not None and state.exists and state.mode & 0o007 and not node.keystore.protected:
        yield Hit(node.target, f"{NODE_KEYSTORE} has mode {state.mode:04o}", at_file(node, NODE_KEYSTORE))


@about_node(
    Text(
        "keystore-owner",
        Severity.ERROR,
        "elasticsearch.keystore can hardly be read by the user of Elasticsearch",
        "Elasticsearch refuses to start: AccessDeniedException; elasticsearch-keystore run as root does this",
        "give it the owner and group of elasticsearch.yml, and mode 0660",
        "elasticsearch-keystore has to be run as the user that runs Elasticsearch (elastic.co documentation)",
    )
)
def keystore_owner(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    yml, state = node.files.get(NODE_YML), node.files.get(NODE_KEYSTORE)
    if yml is None or state is None or not state.exists or not state.mode or not yml.mode:
        return
    if not read_like_yml(yml, state.mode, state.uid, state.gid):
        owners = f"{state.uid}:{state.gid}, and elasticsearch.yml belongs to {yml.uid}:{yml.gid}"
        summary = f"{NODE_KEYSTORE} is {state.mode:04o} {owners}"
        yield Hit(node.target, summary, at_file(node, NODE_KEYSTORE))


@about_node(
    Text(
        "keystore-temporary-left",
        Severity.WARNING,
        "elasticsearch.keystore.tmp was left behind",
        "elasticsearch-keystore, and a node that upgrades its keystore at start, fail because the file exists",
        "remove it, if no elasticsearch-keystore is running",
        "KeyStoreWrapper.save creates it exclusively",
    )
)
def keystore_temporary_left(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    state = node.files.get(f"{NODE_KEYSTORE}.tmp")
    if state is not None and state.exists:
        yield Hit(node.target, f"{NODE_KEYSTORE}.tmp exists", at_file(node, f"{NODE_KEYSTORE}.tmp"))


@about_node(
    Text(
        "bootstrap-password-left",
        Severity.NOTE,
        "bootstrap.password is in the keystore",
        "it opens elastic until that user has a password of its own, on this node; after that it is useless",
        "elasticsearch-keystore remove bootstrap.password, once elastic has a password",
        "ReservedRealm",
    )
)
def bootstrap_password_left(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if "bootstrap.password" in node.keystore.names:
        yield Hit(node.target, "bootstrap.password is set", at_file(node, NODE_KEYSTORE))


RULES = (
    secure_setting_in_yml,
    plain_setting_in_keystore,
    secure_setting_unknown,
    secure_settings_missing,
    secure_settings_differ,
    keystore_readable,
    keystore_owner,
    keystore_temporary_left,
    bootstrap_password_left,
)
