"""Rules about whether security is on, its bootstrap checks, realms and services."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.rule import (
    FROM_8,
    V8,
    V9,
    Facts,
    Hit,
    Text,
    about_cluster,
    about_layer,
    about_node,
)
from estui.decide.findings.view import (
    NODE_YML,
    apart,
    at,
    disk_of,
    in_production,
    is_single,
    is_stock_container,
    odd_one,
    place,
    reachable,
    secured,
    tls_on,
    version_of,
)
from estui.decide.rung import SECURITY, has_tls, is_secured, ssl_key
from estui.formats.yml import auto_configured_lines
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import ObservedNode

TOKENS = "xpack.security.authc.token.enabled"
_CHECK = "Elasticsearch refuses to start (exit code 78) where the node is reachable from elsewhere, and warns otherwise"
_FIRST_START = (
    "8.0 and later set up security at the first start, unless the environment of the container says otherwise; a "
    "folder does not show that"
)
_FORMATS_OF_7 = (3, 4)
"""Formats of `elasticsearch.keystore` that 7.x writes; 8.0 and later rewrite it at their first start."""
_BY_KEYSTORE = "keystore format"
_BOOLEANS = (
    SECURITY,
    TOKENS,
    "xpack.security.autoconfiguration.enabled",
    "xpack.security.enrollment.enabled",
    "xpack.security.authc.api_key.enabled",
    "xpack.security.authc.reserved_realm.enabled",
    "xpack.security.fips_mode.enabled",
    "resource.reload.enabled",
)


@about_node(
    Text(
        "security-off",
        Severity.ERROR,
        "security is off",
        "whoever reaches the HTTP port reads and deletes everything",
        "estui plan https shows what it takes to switch it on",
        "xpack.security.enabled: true by default from 8.0, off by default in 7.x with a basic licence",
    )
)
def security_off(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if is_secured(node) is False:
        open_to_all = reachable(node, Layer.HTTP) and not is_stock_container(node)
        words = "the HTTP port is reachable from elsewhere" if open_to_all else "by the yml only this host is reached"
        severity = None if open_to_all else Severity.NOTE
        yield Hit(node.target, f"security is off; {words}", at(node, SECURITY), severity=severity)


@about_node(
    Text(
        "security-not-stated",
        Severity.NOTE,
        "xpack.security.enabled is left to its default",
        "on from 8.0; a node whose data was last written by 7.x refuses to start until it is stated: The default value "
        "for [xpack.security.enabled] has changed",
        "write xpack.security.enabled: true",
        "SecurityImplicitBehaviorBootstrapCheck, 8.x, enforced on every node",
        FROM_8,
    )
)
def security_not_stated(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if SECURITY in node.settings:
        return
    upgraded = node.version is not None and node.version < V9 and not node.version_source.startswith(_BY_KEYSTORE)
    evidence = _left_by_7(node)
    if upgraded and evidence and not node.api.reachable:
        summary = f"{SECURITY} is not written down, and {evidence}"
        yield Hit(node.target, summary, at(node, SECURITY), severity=Severity.FATAL)
    else:
        yield Hit(node.target, f"{SECURITY} is not written down", at(node, SECURITY))


def _left_by_7(node: ObservedNode) -> str:
    """What shows that a release before 8.0 started last on this node; empty where nothing does. Its data decides where
    that can be seen; else the keystore, which 8.0 and later rewrite only where they may write it."""
    if node.data is not None and node.data.seen:
        return f"the data in {node.data.path} was last written by 7.x" if node.data.before_8 else ""
    return "the keystore is still one of 7.x" if node.keystore.version in _FORMATS_OF_7 else ""


@about_node(
    Text(
        "transport-tls-missing",
        Severity.FATAL,
        "security is on without transport TLS",
        f"{_CHECK}: Transport SSL must be enabled if security is enabled",
        "estui plan basic",
        "TransportTLSBootstrapCheck (8.0 and later); TLSLicenseBootstrapCheck (7.x, where security is switched on in "
        "the yml)",
    )
)
def transport_tls_missing(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if not secured(node) or has_tls(node, Layer.TRANSPORT):
        return
    if version_of(node) < V8 and SECURITY not in node.settings:
        return
    where = at(node, ssl_key(Layer.TRANSPORT, "enabled"))
    if is_stock_container(node):
        summary = "the yml of the container image says nothing about TLS"
        yield Hit(node.target, summary, where, severity=Severity.NOTE, effect=_FIRST_START)
    elif in_production(node):
        yield Hit(node.target, "security is on, transport TLS is not, and transport is reachable from elsewhere", where)
    elif len(facts.observed.nodes) > 1 and not is_single(node):
        effect = "Elasticsearch warns at each start; passwords and data travel in clear text between the nodes"
        summary = "security is on, and several nodes talk without TLS"
        yield Hit(node.target, summary, where, severity=Severity.WARNING, effect=effect)
    else:
        effect = "Elasticsearch warns at each start; a second node could not join safely"
        summary = "security is on without transport TLS, on one node"
        yield Hit(node.target, summary, where, severity=Severity.NOTE, effect=effect)


@about_node(
    Text(
        "http-tls-missing",
        Severity.WARNING,
        "security is on, and HTTP speaks plain text beyond this host",
        "Elasticsearch does not care; passwords and data can be read on the way",
        "estui plan https",
        "basic security plus HTTPS (elastic.co documentation)",
    )
)
def http_tls_missing(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    plain = secured(node) and not has_tls(node, Layer.HTTP)
    if plain and reachable(node, Layer.HTTP) and not is_stock_container(node):
        yield Hit(node.target, "passwords travel in clear text", at(node, ssl_key(Layer.HTTP, "enabled")))


def _differs(facts: Facts, key: str, values: dict[str, str]) -> Iterator[Hit]:
    difference = apart(facts.nodes, values)
    if difference:
        odd = odd_one(facts.nodes, values)
        yield Hit(odd.target, f"{key}: {difference}", at(odd, key))


@about_cluster(
    Text(
        "security-differs",
        Severity.ERROR,
        "security is on for some nodes and off for others",
        "nodes that are restarted do not get along with the others; requests work or fail depending on the node",
        "make it the same on all nodes and restart them together",
        "xpack.security.enabled (elastic.co documentation)",
    )
)
def security_differs(facts: Facts) -> Iterator[Hit]:
    yield from _differs(facts, SECURITY, {node.target: str(secured(node)).lower() for node in facts.nodes})


@about_cluster(
    Text(
        "transport-tls-differs",
        Severity.ERROR,
        "transport TLS is written for some nodes and not for others",
        "at the next restart those with and those without cannot talk to one another",
        "make it the same on all nodes and restart them together: it cannot be rolled in",
        "seen on Elasticsearch 9.1.0: received plaintext traffic on an encrypted channel",
    )
)
def transport_tls_differs(facts: Facts) -> Iterator[Hit]:
    layer = Layer.TRANSPORT
    values = {node.target: str(tls_on(node, layer)).lower() for node in facts.nodes}
    yield from _differs(facts, ssl_key(layer, "enabled"), values)


@about_cluster(
    Text(
        "http-tls-differs",
        Severity.WARNING,
        "HTTP TLS is written for some nodes and not for others",
        "Elasticsearch does not care; clients with one list of hosts reach only a part of them",
        "estui plan https",
        "seen on Elasticsearch 9.1.0: HTTP TLS can be switched on node by node",
    )
)
def http_tls_differs(facts: Facts) -> Iterator[Hit]:
    layer = Layer.HTTP
    values = {node.target: str(tls_on(node, layer)).lower() for node in facts.nodes}
    yield from _differs(facts, ssl_key(layer, "enabled"), values)


@about_node(
    Text(
        "boolean-invalid",
        Severity.FATAL,
        "a switch that is neither true nor false",
        "Elasticsearch refuses to start: Failed to parse value [...] as only [true] or [false] are allowed",
        "write true or false",
        "Booleans.parseBoolean",
    )
)
def boolean_invalid(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for key in _BOOLEANS:
        text = node.setting(key)
        if text is not None and text not in ("true", "false") and "${" not in text:
            yield Hit(node.target, f"{key} is {text!r}", at(node, key))


@about_node(
    Text(
        "token-service-without-https",
        Severity.FATAL,
        "the token service is switched on without HTTPS",
        f"{_CHECK}: HTTPS is required in order to use the token service",
        "remove the setting (it follows HTTPS by itself), or switch on HTTPS: estui plan https",
        "TokenSSLBootstrapCheck",
    )
)
def token_service_without_https(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if node.setting(TOKENS) == "true" and secured(node) and not tls_on(node, Layer.HTTP):
        severity = None if in_production(node) else Severity.WARNING
        yield Hit(node.target, f"{TOKENS} is true without HTTPS", at(node, TOKENS), severity=severity)


@about_node(
    Text(
        "fips-store",
        Severity.FATAL,
        "FIPS mode with a PKCS#12 or JKS store",
        "Elasticsearch refuses to start: JKS and PKCS#12 stores cannot be used in a FIPS 140 JVM",
        "use PEM: key, certificate, certificate_authorities",
        "FIPS 140 (elastic.co documentation)",
    )
)
def fips_store(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if node.setting("xpack.security.fips_mode.enabled") != "true":
        return
    for layer in Layer:
        for named in disk_of(node, layer).named:
            if named.setting.endswith(".path"):
                key = ssl_key(layer, named.setting)
                yield Hit(node.target, f"{layer.value}: {named.name} in FIPS mode", at(node, key))


@about_node(
    Text(
        "fips-hashing",
        Severity.FATAL,
        "FIPS mode with another password hash than PBKDF2",
        "Elasticsearch refuses to start: only PBKDF2 is allowed for password hashing in a FIPS 140 JVM",
        "remove the setting, or use pbkdf2_stretch",
        "FIPS140PasswordHashingAlgorithmBootstrapCheck",
    )
)
def fips_hashing(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    key = "xpack.security.authc.password_hashing.algorithm"
    algorithm = node.setting(key) or "pbkdf2"
    if node.setting("xpack.security.fips_mode.enabled") == "true" and not algorithm.lower().startswith("pbkdf2"):
        yield Hit(node.target, f"{key} is {algorithm}", at(node, key))


@about_node(
    Text(
        "watcher-key-missing",
        Severity.FATAL,
        "Watcher shall encrypt, and has no key",
        "Elasticsearch refuses to start, also in development mode: Encryption of sensitive data requires a key",
        "elasticsearch-keystore add-file xpack.watcher.encryption_key FILE",
        "EncryptSensitiveDataBootstrapCheck, enforced on every node",
    )
)
def watcher_key_missing(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    key = "xpack.watcher.encrypt_sensitive_data"
    known = node.keystore.opened or not node.keystore.present
    if node.setting(key) == "true" and known and "xpack.watcher.encryption_key" not in node.keystore.names:
        yield Hit(node.target, f"{key} is true, and the keystore has no xpack.watcher.encryption_key", at(node, key))


@about_node(
    Text(
        "reload-off",
        Severity.WARNING,
        "hot reload is switched off",
        "new certificates, users and roles are read at the next start only",
        "remove resource.reload.enabled: false; until then every rotation needs a restart",
        "ResourceWatcherService",
    )
)
def reload_off(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if node.setting("resource.reload.enabled") == "false":
        yield Hit(node.target, "resource.reload.enabled is false", at(node, "resource.reload.enabled"))


@about_layer(
    Text(
        "ip-filter",
        Severity.NOTE,
        "an IP filter decides who may connect",
        "connections from addresses that it does not allow are closed, estui's probes too",
        "allow this host, if its probes fail",
        "xpack.security.http.filter and xpack.security.transport.filter",
    )
)
def ip_filter(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    prefix = f"xpack.security.{layer.value}.filter."
    keys = [key for key in node.settings if key.startswith(prefix) and not key.endswith(".enabled")]
    if keys and node.setting(f"{prefix}enabled") != "false":
        yield Hit(node.target, f"{layer.value} is filtered", at(node, keys[0]))


_AUTO_KEYS = (
    SECURITY,
    "xpack.security.enrollment.enabled",
    *(ssl_key(layer, name) for layer in Layer for name in ("enabled", "keystore.path", "truststore.path")),
    ssl_key(Layer.TRANSPORT, "verification_mode"),
    "cluster.initial_master_nodes",
    "discovery.seed_hosts",
    "http.host",
    "transport.host",
)


@about_node(
    Text(
        "auto-block-edited",
        Severity.WARNING,
        "settings of your own between the markers of security auto-configuration",
        "elasticsearch-reconfigure-node removes the whole block, and your settings with it",
        "move them out of the block",
        "AutoConfigureNode: BEGIN and END SECURITY AUTO CONFIGURATION",
        FROM_8,
    )
)
def auto_block_edited(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    yml = node.files.get(NODE_YML)
    lines = auto_configured_lines(yml.content) if yml else None
    if lines is None:
        return
    for setting in node.settings.values():
        if setting.line in lines and setting.key not in _AUTO_KEYS:
            where = place(node.entry.config, NODE_YML, setting)
            yield Hit(node.target, f"{setting.key} stands in the auto-configured block", where)


RULES = (
    security_off,
    security_not_stated,
    transport_tls_missing,
    http_tls_missing,
    security_differs,
    transport_tls_differs,
    http_tls_differs,
    boolean_invalid,
    token_service_without_https,
    fips_store,
    fips_hashing,
    watcher_key_missing,
    reload_off,
    ip_filter,
    auto_block_edited,
)
