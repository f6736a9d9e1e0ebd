"""Client certificates that a workspace keeps, in `clients/`: estui's own with its key, those of others without.

`act/client_files.py` writes them. Roles that a PKI realm gives their owners, and who was seen to connect, lie beside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from estui.errors import Location, StoreError
from estui.formats.pem import load_certificates
from estui.formats.wire import decode
from estui.model.observed import ClientFacts, FileKind
from estui.model.rollover import Client
from estui.observe.files import read_state
from estui.observe.http import ClientCertificate
from estui.pki.facts import certificate_facts

FOLDER = "clients"
OWN = "estui"
"""Name of estui's own client certificate."""
OWN_FILE = f"{FOLDER}/{OWN}.pem"
"""Certificate and key in one file, so that both change at once."""
ROLES_FILE = f"{FOLDER}/roles.json"
CONNECTED_FILE = f"{FOLDER}/connected.json"


def own_certificate(workspace: Path) -> ClientCertificate | None:
    """The certificate that estui shows to nodes, None where the workspace has none."""
    path = workspace / OWN_FILE
    return ClientCertificate(str(path), str(path)) if read_state(path).kind is FileKind.FILE else None


def read_clients(workspace: Path) -> tuple[ClientFacts, ...]:
    """Every client certificate of the workspace, by name. Raises StoreError: one that cannot be read."""
    roles = read_roles(workspace)
    try:
        names = sorted(entry.name for entry in (workspace / FOLDER).iterdir() if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    found = []
    for name in names:
        stem, _, ending = name.rpartition(".")
        if (ending == "crt" and stem != OWN) or name == f"{OWN}.pem":
            path = workspace / FOLDER / name
            facts = certificate_facts(load_certificates(_content(path), str(path))[0])
            found.append(ClientFacts(stem, facts, roles=roles.get(stem, ()), has_key=stem == OWN))
    return tuple(found)


def read_roles(workspace: Path) -> Mapping[str, tuple[str, ...]]:
    """Roles by the name of the client. Raises StoreError."""
    body = _json(workspace / ROLES_FILE)
    roles = body.get("roles") if body else None
    if not isinstance(roles, dict):
        return {}
    return {str(name): tuple(str(role) for role in listed) for name, listed in roles.items()}


def read_connected(workspace: Path) -> tuple[Client, ...] | None:
    """Who was seen to connect, with ticks; None where nobody has asked yet. Raises StoreError."""
    path = workspace / CONNECTED_FILE
    body = _json(path)
    listed = body.get("clients") if body else None
    return tuple(decode(Client, each, str(path)) for each in listed) if isinstance(listed, list) else None


def _json(path: Path) -> Mapping[str, object] | None:
    if read_state(path).kind is FileKind.ABSENT:
        return None
    try:
        body = json.loads(_content(path))
    except (ValueError, RecursionError) as exc:
        raise StoreError("is damaged: not JSON", location=Location(str(path)), hint="restore it, or remove it") from exc
    if not isinstance(body, dict):
        raise StoreError("is damaged: not a JSON object", location=Location(str(path)), hint="restore it, or remove it")
    return body


def _content(path: Path) -> bytes:
    state = read_state(path)
    if state.error or state.kind is not FileKind.FILE:
        raise StoreError(state.error or f"is a {state.kind.value}, not a file", location=Location(str(path)))
    return state.content
