"""TLS of one layer of one node: the settings, secure settings and leaf that a scenario wants, and whether they
are there already."""

from __future__ import annotations

from datetime import datetime

from estui.decide import hosts
from estui.decide.authorities import authority_named, in_force, trust_for
from estui.decide.fixed import KEYSTORE
from estui.decide.masking import shown_value
from estui.decide.rung import has_tls, ssl_key
from estui.model.inventory import Layer, Policy, StoreFormat
from estui.model.observed import AuthorityFacts, Observed, ObservedNode, OnDisk
from estui.model.plan import (
    Change,
    LeafRequest,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    SetSecureSetting,
    SetSetting,
)
from estui.model.setting import SettingValue, value_text

NODE_YML = "elasticsearch.yml"
NODE_KEYSTORE = "elasticsearch.keystore"
USAGES = {Layer.TRANSPORT: ("serverAuth", "clientAuth"), Layer.HTTP: ("serverAuth",)}
"""Nodes are each other's clients on the transport layer (elastic-stack-security.md §2.5)."""

_PEM_NAMES = ("key", "certificate", "certificate_authorities", "key_passphrase")
_STORE_NAMES = tuple(
    f"{store}.{part}"
    for store in ("keystore", "truststore")
    for part in ("path", "type", "password", "key_password", "algorithm")
)
_STORE_SECRETS = ("keystore.secure_password", "keystore.secure_key_password", "truststore.secure_password")
_PEM_SECRETS = ("secure_key_passphrase",)
_OTHER_STORE_NAMES = tuple(name for name in _STORE_NAMES if not name.endswith(".path"))
"""What an earlier keystore was opened by: its passwords exclude ours, its type is not that of our files."""

WHY_ENABLED = {
    Layer.TRANSPORT: "nodes talk TLS to one another; a node without a certificate of this CA stays out",
    Layer.HTTP: "clients talk HTTPS to this node",
}


def set_path(folder: str, set_name: str, file: str) -> str:
    """Path of a file of the set in use, relative to the configuration folder."""
    return f"{folder}/{set_name}/current/{file}"


def leaf_request(node: ObservedNode, layer: Layer, observed: Observed, *, fresh: bool = False) -> LeafRequest:
    """The leaf that the node needs on this layer, by policy; with `fresh` the names before do not count."""
    policy = observed.inventory.policy
    names = hosts.transport_names if layer is Layer.TRANSPORT else hosts.http_names
    dns_names, addresses = names(node, observed, fresh=fresh)
    return LeafRequest(
        target=node.target,
        set_name=layer.value,
        authority=in_force(observed, layer.value),
        common_name=node.target,
        dns_names=dns_names,
        addresses=addresses,
        usages=USAGES[layer],
        key=policy.transport_key if layer is Layer.TRANSPORT else policy.http_key,
        days=policy.leaf_days,
    )


def meets(disk: OnDisk, request: LeafRequest, authority: AuthorityFacts | None, policy: Policy, now: datetime) -> bool:
    """Whether the leaf on disk is what the request asks for and is not due for renewal.

    A leaf with more names than asked for will do: what was observed once may not be observable now. The name of
    the CA is not enough: one that was made anew carries the same name.
    """
    leaf = disk.leaf
    if not disk.managed or leaf is None or authority is None or disk.problem:
        return False
    return (
        any(each.sha256 == authority.certificate.sha256 for each in (*disk.chain, *disk.trusted))
        and leaf.issuer == authority.certificate.subject
        and set(leaf.dns_names) >= set(request.dns_names)
        and set(leaf.addresses) >= set(request.addresses)
        and leaf.key_type == request.key.value
        and leaf.key_sha256 == (disk.key_sha256 or leaf.key_sha256)
        and all(leaf.allows(usage) for usage in request.usages)
        and leaf.days_left(now) > policy.renew_before_days
    )


def wanted_settings(
    layer: Layer, store: StoreFormat, folder: str, verification: tuple[str, str]
) -> list[tuple[str, SettingValue, str]]:
    """Key, value and reason of every setting of the layer. `verification` is the mode and why."""
    wanted: list[tuple[str, SettingValue, str]] = [(ssl_key(layer, "enabled"), True, WHY_ENABLED[layer])]
    if layer is Layer.TRANSPORT:
        wanted.append((ssl_key(layer, "verification_mode"), verification[0], verification[1]))
        wanted.append(
            (ssl_key(layer, "client_authentication"), "required", "both ends of a connection prove who they are")
        )
    if store is StoreFormat.PEM:
        files = {"key": "node.key", "certificate": "node.crt", "certificate_authorities": "ca.crt"}
    else:
        files = {"keystore.path": "node.p12", "truststore.path": "ca.p12"}
    reasons = {
        "key": "the private key of this node's leaf",
        "certificate": "this node's leaf",
        "certificate_authorities": "the only CA that is trusted",
        "keystore.path": "this node's leaf and its private key",
        "truststore.path": "the only CA that is trusted",
    }
    for name, file in files.items():
        path = set_path(folder, layer.value, file)
        value: SettingValue = (path,) if name == "certificate_authorities" else path
        wanted.append((ssl_key(layer, name), value, reasons[name]))
    return wanted


def setting_changes(
    node: ObservedNode, wanted: list[tuple[str, SettingValue, str]], path: str = NODE_YML
) -> list[Change]:
    """What has to change in the yml so that each wanted setting has its value."""
    changes: list[Change] = []
    for key, value, why in wanted:
        found = node.settings.get(key)
        if found is not None and found.text == value_text(value):
            continue
        before = shown_value(key, found.value) if found else None
        changes.append(SetSetting(node.target, path, key, value, before, why))
    return changes


def clashes(node: ObservedNode, layer: Layer, store: StoreFormat) -> list[Change]:
    """Settings of the other store format, and of another file of the same: Elasticsearch refuses both together
    (file-formats.md §5.1), `keystore.password` beside `keystore.secure_password` too."""
    names: tuple[str, ...] = _STORE_NAMES
    secrets: tuple[str, ...] = _STORE_SECRETS
    if store is StoreFormat.PKCS12:
        names = (*_PEM_NAMES, *_OTHER_STORE_NAMES)
        secrets = (*_PEM_SECRETS, "keystore.secure_key_password")
    why = f"cannot stand beside the {'PEM' if store is StoreFormat.PEM else 'PKCS#12'} files of this layer"
    changes: list[Change] = []
    for name in names:
        found = node.settings.get(ssl_key(layer, name))
        if found is not None:
            changes.append(RemoveSetting(node.target, NODE_YML, found.key, shown_value(found.key, found.value), why))
    changes.extend(
        RemoveSecureSetting(node.target, NODE_KEYSTORE, ssl_key(layer, name), why)
        for name in secrets
        if ssl_key(layer, name) in node.keystore.names
    )
    return changes


def managed_format(disk: OnDisk) -> StoreFormat | None:
    """How estui's own set of a layer is written now, None where the layer has none."""
    return format_of(disk) if disk.managed else None


def format_of(disk: OnDisk) -> StoreFormat:
    """How the files of a TLS context are written, whoever made them."""
    stores = any(each.setting == KEYSTORE for each in disk.named) or any(
        path.endswith((".p12", ".pfx")) for path in disk.files
    )
    return StoreFormat.PKCS12 if stores else StoreFormat.PEM


def layer_changes(
    node: ObservedNode,
    layer: Layer,
    observed: Observed,
    store: StoreFormat,
    verification: tuple[str, str],
    now: datetime,
) -> list[Change]:
    """Everything the node needs for TLS on this layer; empty where it has it, whoever set it up."""
    disk = node.disk.get(layer, OnDisk())
    if has_tls(node, layer) and not disk.managed:
        return []
    request = leaf_request(node, layer, observed)
    authority = authority_named(observed, request.authority)
    changes: list[Change] = []
    converts = disk.managed and managed_format(disk) is not store
    if converts or not meets(disk, request, authority, observed.inventory.policy, now):
        replaces = disk.managed and disk.leaf is not None
        why = WHY_ENABLED[layer]
        if replaces:
            why = "the layer gets files of the other format" if converts else "the leaf in use is due or no longer fits"
        changes.append(PublishSet(node.target, layer.value, request, trust_for(observed, layer), store, replaces, why))
    wanted = wanted_settings(layer, store, observed.inventory.folder, _mode_kept(node, layer, verification))
    if converts or not has_tls(node, layer):
        changes += clashes(node, layer, store)
    changes += setting_changes(node, _trust_kept(node, layer, wanted, observed.inventory.folder))
    if store is StoreFormat.PKCS12 and any(isinstance(change, PublishSet) for change in changes):
        changes += store_passwords(node, layer)
    return changes


def _trust_kept(
    node: ObservedNode, layer: Layer, wanted: list[tuple[str, SettingValue, str]], folder: str
) -> list[tuple[str, SettingValue, str]]:
    """The settings, with the file of client CAs where the node trusts them beside its own (mutual TLS)."""
    key, mine = ssl_key(layer, "certificate_authorities"), set_path(folder, "client", "ca.crt")
    found = node.settings.get(key)
    if found is None or mine not in found.items:
        return wanted
    return [
        (name, (*value, mine) if name == key and isinstance(value, tuple) else value, why)
        for name, value, why in wanted
    ]


def _mode_kept(node: ObservedNode, layer: Layer, verification: tuple[str, str]) -> tuple[str, str]:
    """The mode that a running layer of estui's has already: what can be observed changes from day to day, and a new
    mode would need a restart."""
    mode = node.setting(ssl_key(layer, "verification_mode"))
    if mode in ("full", "certificate") and has_tls(node, layer):
        return mode, "as it is"
    return verification


def store_passwords(node: ObservedNode, layer: Layer) -> list[SetSecureSetting]:
    """Passwords of new PKCS#12 files. A set that follows another one keeps its password, which a running node knows
    only from its start (elastic-stack-security.md §6.3)."""
    known = managed_format(node.disk.get(layer, OnDisk())) is StoreFormat.PKCS12
    changes = password_changes(node, layer)
    return [] if known and all(change.replaces for change in changes) else changes


def password_changes(node: ObservedNode, layer: Layer) -> list[SetSecureSetting]:
    """One new password for both PKCS#12 files of a set."""
    why = "opens this layer's PKCS#12 files"
    names = [ssl_key(layer, name) for name in ("keystore.secure_password", "truststore.secure_password")]
    return [
        SetSecureSetting(node.target, NODE_KEYSTORE, name, f"store:{layer.value}", name in node.keystore.names, why)
        for name in names
    ]
