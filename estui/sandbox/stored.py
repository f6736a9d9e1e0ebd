"""Owns what a node keeps in its data folder between two starts."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from estui.sandbox.state import Json, new_state

_FILE = "sandbox-state.json"


@dataclass
class Stored:
    """What a node keeps in its data folder. `term` and `version` are those of the state."""

    node_id: str
    uuid: str | None = None
    term: int = 0
    version: int = 0
    voters: list[str] = field(default_factory=list)
    state: Json = field(default_factory=new_state)


def random_uuid() -> str:
    """22 characters, the shape of Elasticsearch's own identifiers."""
    return urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")


def derived_uuid(*parts: str) -> str:
    """The same shape, always the same for the same parts."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def read_stored(folder: Path) -> Stored:
    """What stands in the data folder, or a new node."""
    try:
        found: dict[str, Any] = json.loads((folder / _FILE).read_text())
    except FileNotFoundError:
        return Stored(random_uuid())
    return Stored(**found)


def write_stored(folder: Path, stored: Stored) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{_FILE}.tmp"
    temporary.write_text(json.dumps(vars(stored)))
    temporary.rename(folder / _FILE)
