"""Rules about realms: who may log in, and where Elasticsearch looks for users."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.rule import BEFORE_8, FROM_8, V8, Facts, Hit, Text, about_node
from estui.decide.findings.view import (
    REALMS,
    at,
    at_file,
    client_authentication,
    place,
    realms,
    secured,
    tls_on,
    version_of,
)
from estui.errors import SettingsError
from estui.formats.yml import parse_settings
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import FileKind, ObservedNode

_MAPPING = "role_mapping.yml"


@about_node(
    Text(
        "pki-without-client-certificates",
        Severity.FATAL,
        "a PKI realm, and no layer asks for client certificates",
        "Elasticsearch refuses to start, also in development mode: a PKI realm is enabled but cannot be used",
        "set xpack.security.http.ssl.client_authentication to optional, or disable the realm",
        "PkiRealmBootstrapCheck",
    )
)
def pki_without_client_certificates(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    asked = any(tls_on(node, layer) and client_authentication(node, layer) != "none" for layer in Layer)
    if asked or not secured(node) or any(key.startswith("transport.profiles.") for key in node.settings):
        return
    for (kind, name), settings in realms(node).items():
        enabled = "enabled" not in settings or settings["enabled"].is_true
        delegated = "delegation.enabled" in settings and settings["delegation.enabled"].is_true
        if kind == "pki" and enabled and not delegated:
            first = next(iter(settings.values()))
            yield Hit(node.target, f"PKI realm {name} without client certificates", at(node, first.key))


@about_node(
    Text(
        "realm-format",
        Severity.FATAL,
        "a realm is written as in 6.x, without its type",
        "Elasticsearch refuses to start: incorrect realm configuration, or unknown setting",
        "write xpack.security.authc.realms.TYPE.NAME.order",
        "RealmSettings, 7.0 and later",
    )
)
def realm_format(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for key in node.settings:
        if key.startswith(f"{REALMS}.") and key.endswith(".type") and key.count(".") == REALMS.count(".") + 2:
            yield Hit(node.target, f"{key} is a setting of 6.x", at(node, key))


@about_node(
    Text(
        "realm-order",
        Severity.FATAL,
        "a realm without an order, or two with the same",
        "8.0 and later refuse to start; 7.x logs a deprecation",
        "give each realm its own order, the one that is asked first the lowest",
        "Realms, 8.0 and later",
    )
)
def realm_order(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    severity = None if version_of(node) >= V8 else Severity.WARNING
    by_order: dict[str, list[str]] = {}
    for (kind, name), settings in realms(node).items():
        first = next(iter(settings.values()))
        switched = set(settings) <= {"enabled"} and kind in ("file", "native")
        if "order" not in settings and not switched and "type" not in settings:
            yield Hit(node.target, f"realm {kind}.{name} has no order", at(node, first.key), severity=severity)
        elif "order" in settings:
            by_order.setdefault(settings["order"].text, []).append(settings["order"].key)
    for order, keys in by_order.items():
        if len(keys) > 1:
            summary = f"{len(keys)} realms have order {order}"
            yield Hit(node.target, summary, at(node, keys[-1]), severity=severity)


@about_node(
    Text(
        "realms-without-file-or-native",
        Severity.WARNING,
        "realms are listed, and the file or the native realm is not among them",
        "7.x uses only what is listed: users in the index, or in the users file, cannot log in",
        "add xpack.security.authc.realms.file.file1.order and ...native.native1.order",
        "Realms, 7.x; from 8.0 both are there unless they are disabled",
        BEFORE_8,
    )
)
def realms_without_file_or_native(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    kinds = {kind for kind, _ in realms(node)}
    missing = [kind for kind in ("file", "native") if kind not in kinds]
    if kinds and missing:
        first = next(iter(next(iter(realms(node).values())).values()))
        yield Hit(node.target, f"no {' and no '.join(missing)} realm is listed", at(node, first.key))


@about_node(
    Text(
        "file-realm-off",
        Severity.WARNING,
        "the file realm is disabled",
        "elasticsearch-reset-password fails, and so does the way back in through a user in a file",
        "leave it on: remove the setting",
        "elasticsearch-reset-password (elastic.co documentation)",
    )
)
def file_realm_off(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for (kind, name), settings in realms(node).items():
        if kind == "file" and "enabled" in settings and settings["enabled"].text == "false":
            yield Hit(node.target, f"file realm {name} is disabled", at(node, settings["enabled"].key))


@about_node(
    Text(
        "reserved-realm-off",
        Severity.WARNING,
        "the built-in users are disabled",
        "elastic, kibana_system and the others cannot log in, nor can estui set their passwords",
        "remove xpack.security.authc.reserved_realm.enabled: false",
        "ReservedRealm",
    )
)
def reserved_realm_off(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    key = "xpack.security.authc.reserved_realm.enabled"
    if node.setting(key) == "false":
        yield Hit(node.target, f"{key} is false", at(node, key))


@about_node(
    Text(
        "role-mapping-missing",
        Severity.FATAL,
        "a realm names a file of role mappings that is not there",
        "Elasticsearch refuses to start, also in development mode: Role mapping file does not exist",
        "put the file there, or remove files.role_mapping",
        "RoleMappingFileBootstrapCheck",
    )
)
def role_mapping_missing(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for settings in realms(node).values():
        setting = settings.get("files.role_mapping")
        if setting is None or setting.text.startswith("/") or setting.text not in node.files:
            continue
        state = node.files[setting.text]
        if state.kind is FileKind.ABSENT:
            yield Hit(node.target, f"{setting.text} does not exist", at(node, setting.key))


@about_node(
    Text(
        "role-mapping-invalid",
        Severity.WARNING,
        "a file of role mappings that is no map of roles to distinguished names",
        "Elasticsearch skips what it cannot read; where a realm names the file it refuses to start",
        'write ROLE: ["CN=...,O=..."], one list for each role',
        "DnRoleMapper, RoleMappingFileBootstrapCheck",
    )
)
def role_mapping_invalid(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    state = node.files.get(_MAPPING)
    if state is None or not state.content:
        return
    named = any("files.role_mapping" in settings for settings in realms(node).values())
    severity = Severity.FATAL if named else None
    try:
        mappings = parse_settings(state.content, _MAPPING)
    except SettingsError as exc:
        yield Hit(node.target, f"{_MAPPING} {exc.summary}", at_file(node, _MAPPING), severity=severity)
        return
    for role, setting in mappings.items():
        items = setting.value if isinstance(setting.value, tuple) else (setting.value,)
        if not all(isinstance(item, str) and "=" in item for item in items):
            where = place(node.entry.config, _MAPPING, setting)
            yield Hit(node.target, f"{role} is not mapped to distinguished names", where, severity=severity)


@about_node(
    Text(
        "anonymous-access",
        Severity.WARNING,
        "anonymous users get roles",
        "whoever sends no credentials gets these roles",
        "remove xpack.security.authc.anonymous.*, or give away no more than is meant",
        "xpack.security.authc.anonymous.roles",
    )
)
def anonymous_access(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    key = "xpack.security.authc.anonymous.roles"
    if node.setting(key):
        yield Hit(node.target, f"anonymous users have the roles {node.setting(key)}", at(node, key))


@about_node(
    Text(
        "default-password-setting",
        Severity.FATAL,
        "a setting of 6.x about the default password",
        "8.0 and later refuse to start: unknown setting",
        "remove xpack.security.authc.accept_default_password",
        "removed setting",
        FROM_8,
    )
)
def default_password_setting(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    key = "xpack.security.authc.accept_default_password"
    if key in node.settings:
        yield Hit(node.target, f"{key} does not exist any more", at(node, key))


RULES = (
    pki_without_client_certificates,
    realm_format,
    realm_order,
    realms_without_file_or_native,
    file_realm_off,
    reserved_realm_off,
    role_mapping_missing,
    role_mapping_invalid,
    anonymous_access,
    default_password_setting,
)
