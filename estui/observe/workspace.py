"""The workspace as its files tell it: inventory, confirmed commands, certificate authorities. Writing it is `act`'s.

Source: design.md §4.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from estui.errors import Location, StoreError, UsageError
from estui.formats.inventory import parse_inventory
from estui.formats.pem import load_certificates
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Inventory
from estui.model.observed import AuthorityFacts, FileKind, FileState
from estui.observe.files import read_state
from estui.pki.facts import certificate_facts

INVENTORY = "estui.yaml"
WORKSPACE_JSON = "workspace.json"
WORKSPACE_FORMAT = 1
ENVIRONMENT = "ESTUI_WORKSPACE"


@dataclass(frozen=True)
class WorkspaceFacts:
    """`workspace.json`: the workspace's own id, and digests of the commands that were shown and confirmed."""

    id: str = ""
    confirmed_commands: frozenset[str] = frozenset()


def find_workspace(option: str | None) -> Path:
    """The workspace to use, absolute, whether it exists or not: the option, else `ESTUI_WORKSPACE`, else the current
    folder if it holds an `estui.yaml`, else the user's data folder."""
    stated = option or os.environ.get(ENVIRONMENT)
    if stated:
        return Path(os.path.abspath(Path(stated).expanduser()))  # noqa: PTH100 - resolve() would follow links
    here = Path.cwd()
    if (here / INVENTORY).exists():
        return here
    import platformdirs  # needed by those without a workspace of their own

    return Path(platformdirs.user_data_dir("estui"))


def read_inventory(workspace: Path) -> Inventory:
    """The inventory of a workspace.

    Raises UsageError: there is none, or others could have written it, as it holds commands; SettingsError and what
    else `parse_inventory` raises: it cannot be understood.
    """
    path = workspace / INVENTORY
    state = _read(path)
    if state.kind is FileKind.ABSENT:
        raise UsageError(
            "there is no inventory yet",
            hint="estui init DIR... writes it from the configuration folders",
            location=Location(str(path)),
        )
    if state.kind is not FileKind.FILE or state.error:
        raise StoreError(state.error or f"is a {state.kind.value}, not a file", location=Location(str(path)))
    _check_owner(state, path)
    return parse_inventory(state.content, str(path), str(workspace))


def _check_owner(state: FileState, path: Path) -> None:
    if state.uid not in (os.geteuid(), 0):
        raise UsageError(
            f"belongs to another user (uid {state.uid}), and it holds commands that would be run as you",
            hint=f"look through it, then take it over: chown {os.geteuid()} {path}",
            location=Location(str(path)),
        )
    if state.mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"can be written by others (mode {state.mode:04o}), and it holds commands that would be run as you",
            hint=f"chmod go-w {path}",
            location=Location(str(path)),
        )


def read_workspace_json(workspace: Path) -> WorkspaceFacts:
    """Id and confirmed commands; empty where the file does not exist yet.

    Raises StoreError: unreadable, damaged, or written by a newer estui.
    """
    path = workspace / WORKSPACE_JSON
    content = _content(path)
    if content is None:
        return WorkspaceFacts()
    body = _object(content, path)
    written = body.get("format")
    if not isinstance(written, int) or written > WORKSPACE_FORMAT:
        raise StoreError(f"has format {written!r}, which this estui does not know", location=Location(str(path)))
    name, confirmed = body.get("id"), body.get("confirmed_commands", [])
    if not isinstance(name, str) or not isinstance(confirmed, list):
        raise StoreError("is damaged: id or confirmed_commands", location=Location(str(path)))
    return WorkspaceFacts(name, frozenset(str(digest) for digest in confirmed))


def read_authorities(workspace: Path) -> tuple[AuthorityFacts, ...]:
    """The certificate authorities of a workspace, by name; folders without a `ca.crt` are passed over.

    Raises StoreError: a `ca.crt` or `issued.jsonl` that cannot be read.
    """
    home = workspace / "ca"
    try:
        names = sorted(entry.name for entry in home.iterdir() if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as exc:
        raise StoreError("cannot be read", location=Location(str(home))) from exc
    found = (_authority(workspace, name) for name in names)
    return tuple(authority for authority in found if authority is not None)


def _authority(workspace: Path, name: str) -> AuthorityFacts | None:
    path = workspace / "ca" / name / "ca.crt"
    content = _content(path)
    if content is None:
        return None
    certificate = certificate_facts(load_certificates(content, str(path))[0])
    return AuthorityFacts(
        name=name,
        certificate=certificate,
        has_key=(path.parent / "ca.key").exists(),
        issued=len(read_issued(workspace, name)),
        earlier=_earlier(path.parent, certificate),
    )


def _earlier(folder: Path, current: CertificateFacts) -> tuple[str, ...]:
    """SHA-256 of the certificates that a renewal with the same key left beside the one in force."""
    found = []
    for path in sorted(folder.glob("ca-*.crt")):
        content = _content(path)
        kept = certificate_facts(load_certificates(content, str(path))[0]) if content else None
        if kept and (kept.subject, kept.key_sha256) == (current.subject, current.key_sha256):
            found.append(kept.sha256)
    return tuple(digest for digest in dict.fromkeys(found) if digest != current.sha256)


def read_issued(workspace: Path, name: str) -> tuple[Mapping[str, object], ...]:
    """Records of the leaves that a CA issued, oldest first. A last line cut off by a crash is passed over.

    Raises StoreError: unreadable, or damaged before its last line.
    """
    path = workspace / "ca" / name / "issued.jsonl"
    content = _content(path)
    if content is None:
        return ()
    whole, _, torn = content.rpartition(b"\n")
    lines = [*whole.split(b"\n"), torn] if _is_json(torn) else whole.split(b"\n")
    return tuple(_object(line, path, number) for number, line in enumerate(lines, 1) if line.strip())


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _read(path: Path) -> FileState:
    """State of a file of our own: a link in the workspace is the user's choice and is followed."""
    state = read_state(path)
    return read_state(Path(os.path.realpath(path))) if state.kind is FileKind.LINK else state


def _content(path: Path) -> bytes | None:
    state = _read(path)
    if state.kind is FileKind.ABSENT:
        return None
    if state.error or state.kind is not FileKind.FILE:
        raise StoreError(state.error or f"is a {state.kind.value}, not a file", location=Location(str(path)))
    return state.content


def _object(content: bytes, path: Path, line: int | None = None) -> Mapping[str, object]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise StoreError("is damaged: not JSON", location=Location(str(path), line)) from exc
    if not isinstance(body, dict):
        raise StoreError("is damaged: not a JSON object", location=Location(str(path), line))
    return body
