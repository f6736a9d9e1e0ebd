"""An Elasticsearch node's configuration folder: what is on disk, without any network.

Owns which files are of interest and what in a folder forbids a plan. The rung is `decide`'s, ports and API are
`cluster`'s.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from estui.errors import StoreError
from estui.formats.es_keystore import entries_digest, read_header, read_secure_settings
from estui.formats.outside import with_outside
from estui.formats.role_mapping import FILE as MAPPING_FILE
from estui.model.finding import Finding
from estui.model.inventory import Layer, NodeEntry
from estui.model.observed import FileKind, FileState, KeystoreFacts, ObservedNode, OnDisk
from estui.model.version import Version
from estui.observe.addresses import node_address
from estui.observe.certificates import TlsFiles, node_tls, read_context
from estui.observe.config_folder import (
    MountedFolder,
    fatal,
    files_of_interest,
    folder_problem,
    hanging,
    own_files,
    read_settings,
    resolved,
    stated_name,
)
from estui.observe.contexts import other_contexts
from estui.secret import Secret

NODE_YML = "elasticsearch.yml"
NODE_KEYSTORE = "elasticsearch.keystore"
NODE_FILES = (NODE_YML, NODE_KEYSTORE, "users", "users_roles")
WATCHED_FILES = ("role_mapping.yml", "service_tokens", "elasticsearch.keystore.tmp")
"""Looked at only: estui does not write them."""
CLIENT_SET = "client"
CLIENTS = "clients"
"""Name of the context that tells whose client certificates the HTTP layer accepts."""
OWN_SETS = ("transport", "http", CLIENT_SET)
"""Sets that estui may publish on a node (design.md §6)."""
PACKAGE_FOLDERS = ("/etc/elasticsearch", "/usr/share/elasticsearch/config")
"""Where packages and container images have a node's configuration (elastic-stack-security.md §7.1)."""
_KEYSTORE_VERSIONS = {4: Version(7, 17), 5: Version(8, 0), 6: Version(8, 14), 7: Version(8, 18)}
"""Oldest release, of those that matter, that writes each format (file-formats.md §1.2); a node rewrites an older file
at its start, so the format tells what last started."""


def observe_node_folder(
    entry: NodeEntry, *, folder: str, keystore_password: Secret | None, digest_key: bytes
) -> ObservedNode:
    """What a node's folder holds. `folder` is the name of estui's own folder in it, `digest_key` keys the digest of
    the secure settings.

    Never raises for the folder's sake: what forbids a plan is in `problems`.
    """
    root = Path(entry.config)
    problem = folder_problem(root, NODE_YML, entry.name or entry.config)
    if problem is not None:
        return _without_folder(entry, (problem,), files_of_interest(root, ()))
    files = files_of_interest(root, (*NODE_FILES, *WATCHED_FILES, *own_files(folder, OWN_SETS)))
    settings, problems = read_settings(files[NODE_YML], root / NODE_YML, entry.name or entry.config)
    settings = with_outside(settings, entry)
    secure = _read_keystore(files[NODE_KEYSTORE], root / NODE_KEYSTORE, keystore_password, digest_key)
    name = stated_name(settings, "node.name") or entry.name or ""
    if secure.facts.error:
        problems += (_keystore_finding(secure.facts, root / NODE_KEYSTORE, name or entry.config),)
    mounted = MountedFolder(root, PACKAGE_FOLDERS)
    contexts = {layer: node_tls(f"xpack.security.{layer.value}.ssl", settings, secure.secrets) for layer in Layer}
    contexts[Layer.HTTP], of_clients = _apart(contexts[Layer.HTTP], f"{folder}/{CLIENT_SET}/current/")
    mapping = TlsFiles(certificate=f"{folder}/{CLIENT_SET}/current/{MAPPING_FILE}")
    version, source = stated_version(entry.version, secure.facts)
    return ObservedNode(
        entry=entry,
        name=name,
        name_stated=bool(name),
        files={**files, **mounted.named_files((*contexts.values(), *((of_clients, mapping) if of_clients else ())))},
        settings=settings,
        keystore=secure.facts,
        disk=_on_disk(contexts, mounted, folder),
        http_address=node_address(entry, settings, Layer.HTTP),
        transport_address=node_address(entry, settings, Layer.TRANSPORT),
        version=version,
        version_source=source,
        problems=problems,
        extra=tuple(
            (context, read_context(files, mounted.follow, f"{folder}/{CLIENT_SET}/current"))
            for context, files in (
                *other_contexts(settings, secure.secrets).items(),
                *(((CLIENTS, of_clients),) if of_clients else ()),
            )
        ),
    )


def _apart(http: TlsFiles, home: str) -> tuple[TlsFiles, TlsFiles | None]:
    """The HTTP layer's own files, and those below `home` that tell whose client certificates it accepts."""
    mine = tuple(name for name in http.authorities if name.startswith(home))
    if not mine:
        return http, None
    others = tuple(name for name in http.authorities if name not in mine)
    return replace(http, authorities=others), TlsFiles(enabled=http.enabled, authorities=mine)


def _without_folder(entry: NodeEntry, problems: tuple[Finding, ...], files: Mapping[str, FileState]) -> ObservedNode:
    """A node of which only the inventory tells something."""
    version, source = stated_version(entry.version, KeystoreFacts(present=False))
    return ObservedNode(
        entry=entry,
        name=entry.name or "",
        name_stated=bool(entry.name),
        files=files,
        disk={layer: OnDisk() for layer in Layer},
        http_address=entry.http,
        transport_address=entry.transport,
        version=version,
        version_source=source,
        problems=problems,
    )


def hanging_node(entry: NodeEntry, seconds: float) -> ObservedNode:
    """A node whose folder did not answer in time, as that of a dead mount."""
    return _without_folder(entry, (hanging(entry.config, entry.name or entry.config, seconds),), {})


def _on_disk(contexts: Mapping[Layer, TlsFiles], mounted: MountedFolder, folder: str) -> dict[Layer, OnDisk]:
    return {
        layer: read_context(files, mounted.follow, f"{folder}/{layer.value}/current")
        for layer, files in contexts.items()
    }


@dataclass(frozen=True)
class _Secure:
    """Secure settings: what may be told, and the values that open other files."""

    facts: KeystoreFacts
    secrets: Mapping[str, Secret]


def _read_keystore(state: FileState, path: Path, password: Secret | None, digest_key: bytes) -> _Secure:
    state = resolved(state, path)
    if state.kind is FileKind.ABSENT:
        return _Secure(KeystoreFacts(present=False), {})
    if state.error:
        return _Secure(KeystoreFacts(present=True, error=f"cannot be read: {state.error}"), {})
    facts = KeystoreFacts(present=True)
    try:
        header = read_header(state.content, str(path))
        facts = KeystoreFacts(present=True, version=header.version, protected=header.protected)
        secure = read_secure_settings(state.content, password, str(path))
    except StoreError as exc:
        return _Secure(KeystoreFacts(True, facts.version, facts.protected, error=exc.summary), {})
    return _Secure(
        KeystoreFacts(
            present=True,
            version=secure.version,
            protected=secure.protected,
            opened=True,
            names=tuple(sorted(secure.entries)),
            entries_digest=entries_digest(secure.entries, digest_key),
            digests=each_digest(secure.entries, digest_key),
        ),
        {name: Secret(value.decode(errors="replace")) for name, value in secure.entries.items()},
    )


def each_digest(entries: Mapping[str, bytes], key: bytes) -> tuple[tuple[str, str], ...]:
    """Keyed digest of each entry by its name, without the seed, which every node makes for itself."""
    return tuple(
        (name, entries_digest({name: value}, key)) for name, value in sorted(entries.items()) if name != "keystore.seed"
    )


def _keystore_finding(facts: KeystoreFacts, path: Path, target: str) -> Finding:
    if facts.protected:
        hint = "give its password with --keystore-password-file, or keystore_password: in estui.yaml"
        return fatal("keystore-locked", target, f"{path.name}: {facts.error}", hint, str(path))
    hint = f"let uid {os.geteuid()} read it, or restore it from a copy"
    return fatal("keystore-unreadable", target, f"{path.name}: {facts.error}", hint, str(path))


def stated_version(stated: Version | None, keystore: KeystoreFacts) -> tuple[Version | None, str]:
    """Version without asking the node, and what tells it."""
    if stated is not None:
        return stated, "inventory"
    guessed = _KEYSTORE_VERSIONS.get(keystore.version or 0)
    return (guessed, f"keystore format {keystore.version}") if guessed else (None, "")
