"""Rules about the files behind a node's TLS settings: where they lie, whether they open, what they hold.

A context that is switched off is loaded at start too, so these rules do not ask whether it is on
(real-elasticsearch.md §0.11).
"""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.rule import FROM_8, Facts, Hit, Text, about_layer
from estui.decide.findings.view import (
    NODE_YML,
    at_files_of,
    at_setting_of,
    disk_of,
    read_like_yml,
    ssl_secrets,
    ssl_settings,
)
from estui.decide.rung import ssl_key
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import Fault, NamedFile, ObservedNode

_STORES = ("keystore.path", "truststore.path")
_STORE_ENDINGS = (".p12", ".pfx", ".pkcs12")
_LOAD = "Elasticsearch refuses to start: failed to load SSL configuration"
_SEEN = "seen on Elasticsearch 9.1.0 and 8.19.0"
_REFUSED_KEYS = ("ed25519", "ed448")


def _faulty(node: ObservedNode, layer: Layer, *faults: Fault) -> Iterator[NamedFile]:
    """Each file once, by the first setting that names it."""
    seen: set[str] = set()
    for named in disk_of(node, layer).named:
        if named.fault in faults and named.name not in seen:
            seen.add(named.name)
            yield named


@about_layer(
    Text(
        "tls-file-outside",
        Severity.FATAL,
        "a TLS file outside of the configuration folder, or a link that leads out of it",
        "Elasticsearch refuses to start: access to read the file is blocked; SSL resources should be placed in the "
        "configuration directory",
        "copy it into the configuration folder and name it relative to that",
        "security manager (before 8.18), entitlements (8.18 and later)",
    )
)
def file_outside(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in _faulty(node, layer, Fault.OUTSIDE):
        yield Hit(node.target, f"{layer.value}: {named.detail}", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-file-config-prefix",
        Severity.FATAL,
        "a TLS file named with config/ in front",
        f"{_LOAD}: the file does not exist, because names are relative to the configuration folder itself",
        "leave config/ out",
        "Environment.configFile; " + _SEEN,
    )
)
def file_config_prefix(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in _faulty(node, layer, Fault.MISSING):
        if named.name.startswith(("config/", "./config/")):
            rest = named.name.removeprefix("./").removeprefix("config/")
            where = at_setting_of(node, layer, named)
            yield Hit(node.target, f"{layer.value}: {named.name} does not exist", where, f"write {rest}")


@about_layer(
    Text(
        "tls-file-missing",
        Severity.FATAL,
        "a TLS file that does not exist",
        f"{_LOAD}: the file does not exist; a running node keeps what it has, with a warning in its log",
        "put the file there, or correct the name; names are relative to the configuration folder",
        _SEEN,
    )
)
def file_missing(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in _faulty(node, layer, Fault.MISSING):
        if not named.name.startswith(("config/", "./config/")):
            yield Hit(node.target, f"{layer.value}: {named.detail}", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-file-unreadable",
        Severity.WARNING,
        "a TLS file that estui cannot read",
        "Elasticsearch refuses to start if its user cannot read it either; nothing in it could be checked here",
        "let this user read it: chgrp and chmod g+r",
        "the folder as this host sees it",
    )
)
def file_unreadable(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in _faulty(node, layer, Fault.UNREADABLE):
        yield Hit(node.target, f"{layer.value}: {named.detail}", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-file-broken",
        Severity.FATAL,
        "a TLS file that is not what its setting says",
        f"{_LOAD}: failed to parse, or cannot load; a running node keeps what it has, with a warning in its log",
        "replace it by a good copy",
        _SEEN,
    )
)
def file_broken(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in _faulty(node, layer, Fault.BROKEN, Fault.NOT_A_FILE):
        yield Hit(node.target, f"{layer.value}: {named.detail}", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-jks-unread",
        Severity.NOTE,
        "a JKS store, which estui reads only in part",
        "Elasticsearch reads it; its certificates are checked here as any others; its key and its password are not, and"
        " estui cannot write it",
        "convert it with keytool -importkeystore ... -deststoretype pkcs12, or move to PEM",
        "keytool",
    )
)
def jks_unread(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in disk_of(node, layer).named:
        if named.format == "JKS":
            yield Hit(node.target, f"{layer.value}: {named.name} is a JKS store", at_setting_of(node, layer, named))


def _lonely_password(node: ObservedNode, layer: Layer) -> bool:
    """Whether one file is keystore and truststore, and only one of the two passwords is there."""
    settings, secrets = ssl_settings(node, layer), set(ssl_secrets(node, layer))
    if not set(_STORES) <= set(settings) or settings[_STORES[0]].text != settings[_STORES[1]].text:
        return False
    has = [
        f"{store}.secure_password" in secrets or f"{store}.password" in settings for store in ("keystore", "truststore")
    ]
    return has[0] != has[1]


@about_layer(
    Text(
        "tls-one-password-of-two",
        Severity.FATAL,
        "one file as keystore and truststore, but a password for one of the two only",
        f"{_LOAD}: this is usually caused by an incorrect password",
        "elasticsearch-keystore add both keystore.secure_password and truststore.secure_password",
        _SEEN,
    )
)
def one_password_of_two(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    locked = next(_faulty(node, layer, Fault.PASSWORD), None)
    if locked is not None and _lonely_password(node, layer):
        there = "keystore" if locked.setting == "truststore.path" else "truststore"
        missing = "truststore" if there == "keystore" else "keystore"
        hint = f"elasticsearch-keystore add {ssl_key(layer, missing)}.secure_password"
        summary = f"{layer.value}: {locked.name} is opened twice, and {missing}.secure_password is missing"
        yield Hit(node.target, summary, at_setting_of(node, layer, locked), hint)


@about_layer(
    Text(
        "tls-store-password",
        Severity.FATAL,
        "the password of a keystore or truststore is wrong or missing",
        f"{_LOAD}: this is usually caused by an incorrect password; a running node keeps what it has and does not try "
        "again until the file changes",
        "put the right password into the secure settings (elasticsearch-keystore add), or the right file back; a store "
        "with another password needs another name and a restart",
        _SEEN,
    )
)
def store_password(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    if node.keystore.present and not node.keystore.opened:
        return  # nobody could try the right one
    for named in _faulty(node, layer, Fault.PASSWORD):
        if named.setting in _STORES and not _lonely_password(node, layer):
            yield Hit(node.target, f"{layer.value}: {named.detail}", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-key-passphrase",
        Severity.FATAL,
        "the passphrase of a PEM key is wrong or missing",
        f"{_LOAD}: cannot load PEM private key",
        "elasticsearch-keystore add ...ssl.secure_key_passphrase",
        _SEEN,
    )
)
def key_passphrase(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    if node.keystore.present and not node.keystore.opened:
        return
    for named in _faulty(node, layer, Fault.PASSWORD):
        if named.setting not in _STORES:
            hint = f"elasticsearch-keystore add {ssl_key(layer, 'secure_key_passphrase')}"
            yield Hit(node.target, f"{layer.value}: {named.detail}", at_setting_of(node, layer, named), hint)


@about_layer(
    Text(
        "tls-store-type",
        Severity.NOTE,
        "a PKCS#12 store whose name does not say so, and no type is set",
        "Elasticsearch takes it for JKS; the JDK reads it all the same as long as keystore.type.compat is on",
        "name it .p12, or set keystore.type or truststore.type to PKCS12",
        "KeyStoreUtil.inferKeyStoreType; seen on Elasticsearch 9.1.0 (starts)",
    )
)
def store_type(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    settings = ssl_settings(node, layer)
    for named in disk_of(node, layer).named:
        if named.setting not in _STORES or named.format != "PKCS12":
            continue
        typed = named.setting.replace(".path", ".type") in settings
        if not typed and not named.name.lower().endswith(_STORE_ENDINGS):
            yield Hit(node.target, f"{layer.value}: {named.name} is PKCS#12", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-truststore-empty",
        Severity.FATAL,
        "a truststore without trusted entries",
        f"{_LOAD}: does not contain any trusted certificate entries; those without Java's attribute do not count",
        "make it with keytool -importcert, or name the CA as certificate_authorities",
        _SEEN + "; attribute 2.16.840.1.113894.746875.1.1",
        FROM_8,
    )
)
def truststore_empty(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in disk_of(node, layer).named:
        opened = named.fault is None and named.format == "PKCS12"
        if named.setting == "truststore.path" and opened and not named.trusted:
            yield Hit(node.target, f"{layer.value}: {named.name} trusts nobody", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-keystore-without-key",
        Severity.FATAL,
        "a keystore without a private key",
        f"{_LOAD}: the keystore does not contain a private key entry; so does a store without encryption",
        "put key and certificate into it, encrypted with a password: estui rotate",
        _SEEN,
    )
)
def keystore_without_key(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in disk_of(node, layer).named:
        opened = named.fault is None and named.format == "PKCS12"
        if named.setting == "keystore.path" and opened and (not named.keys or named.clear_key):
            what = "holds its key in the clear" if named.keys else "holds no key"
            yield Hit(node.target, f"{layer.value}: {named.name} {what}", at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-authority-key-on-node",
        Severity.WARNING,
        "the private key of a CA in a truststore",
        "Elasticsearch does not care; whoever takes over the node can issue certificates of this CA",
        "give the nodes a truststore with the CA's certificate only, and keep the key away from them",
        "elasticsearch-certutil ca writes key and certificate into elastic-stack-ca.p12",
    )
)
def authority_key_on_node(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in disk_of(node, layer).named:
        if named.setting == "truststore.path" and named.authority_keys:
            summary = f"{layer.value}: {named.name} holds the private key of {named.authority_keys[0]}"
            yield Hit(node.target, summary, at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-authority-key-in-keystore",
        Severity.NOTE,
        "the private key of a CA in a node's keystore",
        "Elasticsearch's own set-up makes http.p12 like that: every such node can issue certificates of this CA",
        "a new HTTP certificate from estui leaves the CA's key in the workspace: estui plan https",
        "AutoConfigureNode, alias http_ca",
    )
)
def authority_key_in_keystore(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in disk_of(node, layer).named:
        if named.setting == "keystore.path" and named.authority_keys:
            summary = f"{layer.value}: {named.name} holds the private key of {named.authority_keys[0]}"
            yield Hit(node.target, summary, at_setting_of(node, layer, named))


@about_layer(
    Text(
        "tls-authorities-hold-key",
        Severity.FATAL,
        "a private key in a file of CA certificates",
        f"{_LOAD}: cannot load PEM certificate_authorities due to CertificateParsingException",
        "leave only the certificates in that file",
        _SEEN,
    )
)
def authorities_hold_key(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in disk_of(node, layer).named:
        if named.setting == "certificate_authorities" and named.keys:
            where = at_setting_of(node, layer, named)
            yield Hit(node.target, f"{layer.value}: {named.name} holds a private key too", where)


@about_layer(
    Text(
        "tls-key-of-another-certificate",
        Severity.ERROR,
        "certificate and key do not belong together",
        "Elasticsearch loads the pair without a word, at start and at a reload, and then every handshake fails",
        "put the right key beside the certificate, both by one switch: estui rotate",
        _SEEN,
    )
)
def key_of_another_certificate(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    disk = disk_of(node, layer)
    if disk.leaf is not None and disk.key_sha256 and disk.leaf.key_sha256 != disk.key_sha256:
        file = next((each.name for each in disk.named if each.setting in ("key", "keystore.path")), "")
        summary = f"{layer.value}: the key {f'in {file} ' if file else ''}is not that of {disk.leaf.subject}"
        yield Hit(node.target, summary, at_files_of(node, layer, "key", "keystore.path"))


@about_layer(
    Text(
        "tls-key-type",
        Severity.FATAL,
        "a key of a kind that Elasticsearch does not read",
        f"{_LOAD}: Algorithm with OID [1.3.101.112] is not supported",
        "use EC P-256 or RSA: estui rotate",
        "seen on Elasticsearch 9.1.0 (Ed25519)",
    )
)
def key_type(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    disk = disk_of(node, layer)
    kinds = {each.key_type for each in disk.named} | ({disk.leaf.key_type} if disk.leaf else set())
    for kind in sorted(kinds & set(_REFUSED_KEYS)):
        yield Hit(node.target, f"{layer.value}: the key is {kind}", at_files_of(node, layer, "key", "keystore.path"))


def _private(node: ObservedNode, layer: Layer) -> Iterator[NamedFile]:
    for named in disk_of(node, layer).named:
        if named.setting in ("key", "keystore.path") and named.mode:
            yield named


@about_layer(
    Text(
        "tls-key-readable",
        Severity.WARNING,
        "a private key that everybody on the host can read",
        "Elasticsearch does not care",
        "chmod o= the file; 0640 with the group of elasticsearch.yml is usual",
        "file mode",
    )
)
def key_readable(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    for named in _private(node, layer):
        if named.mode & 0o007:
            where = f"{node.entry.config.rstrip('/')}/{named.relative}"
            yield Hit(node.target, f"{layer.value}: {named.name} has mode {named.mode:04o}", where)


@about_layer(
    Text(
        "tls-key-owner",
        Severity.ERROR,
        "a TLS file that the user of Elasticsearch can hardly read",
        "Elasticsearch refuses to start: not permitted to read the file; a running node keeps what it has",
        "give it the owner and group of elasticsearch.yml, and let the group read it",
        "file owner and mode, against those of elasticsearch.yml",
    )
)
def key_owner(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    yml = node.files.get(NODE_YML)
    if yml is None or not yml.mode:
        return
    for named in disk_of(node, layer).named:
        if named.mode and not read_like_yml(yml, named.mode, named.uid, named.gid):
            where = f"{node.entry.config.rstrip('/')}/{named.relative}"
            summary = (
                f"{layer.value}: {named.name} is {named.mode:04o} {named.uid}:{named.gid}, "
                f"and elasticsearch.yml belongs to {yml.uid}:{yml.gid}"
            )
            yield Hit(node.target, summary, where)


RULES = (
    file_outside,
    file_config_prefix,
    file_missing,
    file_unreadable,
    file_broken,
    jks_unread,
    one_password_of_two,
    store_password,
    key_passphrase,
    store_type,
    truststore_empty,
    keystore_without_key,
    authority_key_on_node,
    authority_key_in_keystore,
    authorities_hold_key,
    key_of_another_certificate,
    key_type,
    key_readable,
    key_owner,
)
