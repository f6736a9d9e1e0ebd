"""Rules about the settings of a TLS context: combinations that Elasticsearch refuses, names and values unknown to it.

Files behind the settings are the matter of `tls_files`. Texts of refusals: real-elasticsearch.md §4 (9.1.0, 8.19.0).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from estui.decide.findings.rule import FROM_8, V8, Facts, Hit, Text, about_layer
from estui.decide.findings.view import at, listed, ssl_secrets, ssl_settings, tls_on, version_of
from estui.decide.rung import ssl_key
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import ObservedNode

KNOWN = (
    *("enabled", "verification_mode", "client_authentication", "supported_protocols", "cipher_suites", "key"),
    *("key_passphrase", "certificate", "certificate_authorities", "keystore.path", "keystore.type"),
    *("keystore.algorithm", "keystore.password", "keystore.key_password", "truststore.path", "truststore.type"),
    *("truststore.algorithm", "truststore.password", "trust_restrictions.path", "trust_restrictions.x509_fields"),
    "handshake_timeout",
)
SECURE = (
    *("keystore.secure_password", "keystore.secure_key_password"),
    *("truststore.secure_password", "secure_key_passphrase"),
)
LEGACY = {
    "keystore.secure_password": "keystore.password",
    "keystore.secure_key_password": "keystore.key_password",
    "truststore.secure_password": "truststore.password",
    "secure_key_passphrase": "key_passphrase",
}
_VALUES = {
    "enabled": ("true", "false"),
    "verification_mode": ("full", "certificate", "none"),
    "client_authentication": ("required", "optional", "none"),
}
_PROTOCOLS = ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3", "SSLv2Hello", "SSLv2")
_OLD_PROTOCOLS = ("TLSv1.1", "TLSv1", "SSLv3", "SSLv2Hello", "SSLv2")
_LOADER = "SslConfigurationLoader; seen on Elasticsearch 9.1.0 and 8.19.0"


@about_layer(
    Text(
        "tls-enabled-unset",
        Severity.FATAL,
        "TLS settings of a layer without its ssl.enabled",
        "8.0 and later refuse to start: [...ssl.enabled] is not set, but the following settings have been configured; "
        "7.x warns and leaves TLS off",
        "write xpack.security.LAYER.ssl.enabled, true or false, or remove the settings and secure settings",
        _LOADER,
    )
)
def enabled_unset(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    """Secure settings count too: a left-over secure_password is enough."""
    settings, secrets = ssl_settings(node, layer), ssl_secrets(node, layer)
    if "enabled" in settings or not (settings or secrets):
        return
    named = listed([*settings, *(f"{name} (in the keystore)" for name in secrets)])
    first = next(iter(settings), "enabled")
    severity = None if version_of(node) >= V8 else Severity.WARNING
    yield Hit(
        node.target,
        f"{ssl_key(layer, 'enabled')} is not set, but {named} is",
        at(node, ssl_key(layer, first)),
        f"write {ssl_key(layer, 'enabled')}: true, or false, or remove what is named",
        severity,
    )


@about_layer(
    Text(
        "tls-no-key-material",
        Severity.FATAL,
        "TLS is switched on without key and certificate",
        "8.0 and later refuse to start: server ssl configuration requires a key and certificate; in 7.x every "
        "handshake fails",
        "set keystore.path, or certificate and key: estui plan basic, or estui plan https",
        _LOADER,
    )
)
def no_key_material(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    if "enabled" not in settings or not settings["enabled"].is_true:
        return
    if not {"keystore.path", "key", "certificate"} & set(settings):
        yield Hit(node.target, f"{layer.value} TLS has neither keystore nor key", at(node, ssl_key(layer, "enabled")))


@about_layer(
    Text(
        "tls-key-without-certificate",
        Severity.FATAL,
        "a PEM key without its certificate",
        "Elasticsearch refuses to start: cannot specify [key] without also setting [certificate]",
        "name the certificate, or remove the key",
        _LOADER,
    )
)
def key_without_certificate(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    if "key" in settings and "certificate" not in settings:
        yield Hit(node.target, f"{layer.value}: key without certificate", at(node, ssl_key(layer, "key")))


@about_layer(
    Text(
        "tls-certificate-without-key",
        Severity.FATAL,
        "a PEM certificate without its key",
        "8.0 and later refuse to start: cannot specify [certificate] without also setting [key]; 7.x ignores it",
        "name the key, or remove the certificate",
        _LOADER,
    )
)
def certificate_without_key(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    if "certificate" in settings and "key" not in settings:
        severity = None if version_of(node) >= V8 else Severity.ERROR
        where = at(node, ssl_key(layer, "certificate"))
        yield Hit(node.target, f"{layer.value}: certificate without key", where, severity=severity)


@about_layer(
    Text(
        "tls-pem-and-keystore",
        Severity.FATAL,
        "PEM files and a keystore for the same context",
        "Elasticsearch refuses to start: cannot specify both [certificate] and [keystore.path]",
        "keep one of the two",
        _LOADER + "; 7.x: you cannot specify a keystore and key file",
    )
)
def pem_and_keystore(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    pem = "certificate" if version_of(node) >= V8 else "key"
    if pem in settings and "keystore.path" in settings:
        yield Hit(node.target, f"{layer.value}: both {pem} and keystore.path", at(node, ssl_key(layer, pem)))


@about_layer(
    Text(
        "tls-authorities-and-truststore",
        Severity.FATAL,
        "a list of CAs and a truststore for the same context",
        "Elasticsearch refuses to start: cannot specify both [certificate_authorities] and [truststore.path]",
        "keep one of the two",
        _LOADER,
    )
)
def authorities_and_truststore(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    if {"certificate_authorities", "truststore.path"} <= set(settings):
        where = at(node, ssl_key(layer, "truststore.path"))
        yield Hit(node.target, f"{layer.value}: both certificate_authorities and truststore.path", where)


@about_layer(
    Text(
        "tls-password-twice",
        Severity.FATAL,
        "a password in the yml and in the secure settings",
        "8.0 and later refuse to start: cannot specify both; in 7.x the secure one wins",
        "remove the one in elasticsearch.yml",
        _LOADER,
    )
)
def password_twice(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings, secrets = ssl_settings(node, layer), ssl_secrets(node, layer)
    for secure, legacy in LEGACY.items():
        if secure in secrets and legacy in settings:
            severity = None if version_of(node) >= V8 else Severity.WARNING
            where = at(node, ssl_key(layer, legacy))
            yield Hit(node.target, f"{layer.value}: both {secure} and {legacy}", where, severity=severity)


@about_layer(
    Text(
        "tls-password-in-yml",
        Severity.WARNING,
        "the password of a store or key in clear text in elasticsearch.yml",
        "Elasticsearch starts and logs a deprecation warning; whoever reads the file has the password",
        "move it: elasticsearch-keystore add the secure setting, then remove the line",
        "deprecated since 7.17",
    )
)
def password_in_yml(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    for secure, legacy in LEGACY.items():
        if legacy in settings:
            hint = f"elasticsearch-keystore add {ssl_key(layer, secure)}, then remove the line"
            yield Hit(node.target, f"{ssl_key(layer, legacy)} is in clear text", at(node, ssl_key(layer, legacy)), hint)


@about_layer(
    Text(
        "tls-setting-unknown",
        Severity.FATAL,
        "a TLS setting that does not exist",
        "Elasticsearch refuses to start: unknown setting [...] did you mean [...]?",
        "correct the name, or remove the line",
        "AbstractScopedSettings.validate; seen on Elasticsearch 9.1.0",
    )
)
def setting_unknown(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for name, setting in ssl_settings(node, layer).items():
        if name in KNOWN or name in SECURE:  # the latter are told by secure-setting-in-yml
            continue
        near = difflib.get_close_matches(name, KNOWN, 1)
        hint = f"did you mean {ssl_key(layer, near[0])}?" if near else ""
        yield Hit(node.target, f"{setting.key} is no setting of Elasticsearch", at(node, setting.key), hint)


@about_layer(
    Text(
        "tls-value-invalid",
        Severity.FATAL,
        "a TLS setting with a value that Elasticsearch does not know",
        "Elasticsearch refuses to start: could not resolve ..., unknown value [...]",
        "use one of the values that are named",
        _LOADER,
    )
)
def value_invalid(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    for name, known in _VALUES.items():
        text = settings[name].text if name in settings else known[0]
        if text.lower() not in known and "${" not in text:
            hint = f"one of {', '.join(known)}"
            yield Hit(node.target, f"{name} of {layer.value} is {text!r}", at(node, ssl_key(layer, name)), hint)
    protocols = settings["supported_protocols"].items if "supported_protocols" in settings else ()
    strange = [name for name in protocols if name not in _PROTOCOLS]
    if strange:
        hint = "write TLSv1.3 and TLSv1.2"
        where = at(node, ssl_key(layer, "supported_protocols"))
        yield Hit(node.target, f"{layer.value}: no such protocol: {listed(strange)}", where, hint)


@about_layer(
    Text(
        "tls-old-protocol",
        Severity.WARNING,
        "a version of TLS before 1.2 is allowed",
        "Elasticsearch takes it where the JDK still has it, and ignores it otherwise",
        "write supported_protocols: [TLSv1.3, TLSv1.2], or leave the setting out",
        "RFC 8996; JDK: jdk.tls.disabledAlgorithms",
        FROM_8,
    )
)
def old_protocol(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    setting = ssl_settings(node, layer).get("supported_protocols")
    old = [name for name in setting.items if name in _OLD_PROTOCOLS] if setting else []
    if old and setting and tls_on(node, layer):
        yield Hit(node.target, f"{layer.value} allows {listed(old)}", at(node, setting.key))


RULES = (
    enabled_unset,
    no_key_material,
    key_without_certificate,
    certificate_without_key,
    pem_and_keystore,
    authorities_and_truststore,
    password_twice,
    password_in_yml,
    setting_unknown,
    value_invalid,
    old_protocol,
)
