"""Owns who may log in to a node: reserved users, the file realm, native users, tokens and API keys; and who may what.

Users of the file realm come from this node's own folder; passwords set through the API come from the cluster state.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from estui.errors import EstuiError
from estui.formats.file_realm import parse_users, parse_users_roles, pbkdf2_hash, verify_hash
from estui.sandbox.log import NodeLog
from estui.sandbox.state import Json, security_ready
from estui.secret import Secret

RESERVED: Mapping[str, tuple[str, ...]] = {
    "elastic": ("superuser",),
    "kibana": ("kibana_system",),
    "kibana_system": ("kibana_system",),
    "logstash_system": ("logstash_system",),
    "beats_system": ("beats_system",),
    "apm_system": ("apm_system",),
    "remote_monitoring_user": ("remote_monitoring_collector", "remote_monitoring_agent"),
}
MINIMUM_LENGTH = 6
_MONITORING = frozenset({"monitor", "authenticate"})
PRIVILEGES: Mapping[str, frozenset[str]] = {
    "superuser": frozenset({"monitor", "authenticate", "manage", "manage_security", "read", "write"}),
    "kibana_system": _MONITORING | {"manage_index_templates"},
    "monitoring_user": _MONITORING,
    "remote_monitoring_collector": _MONITORING,
    "remote_monitoring_agent": _MONITORING,
    "logstash_system": _MONITORING,
    "beats_system": _MONITORING,
    "apm_system": _MONITORING,
    "viewer": frozenset({"read"}),
    "editor": frozenset({"read", "write"}),
}
_SECURITY_SETTLES = 0.4  # seconds after its creation in which the security index answers nobody
_ROUNDS = 1000
_T = TypeVar("_T")
_ACCOUNTS = {"elastic/kibana": "kibana_system", "elastic/fleet-server": "kibana_system"}


@dataclass(frozen=True)
class Login:
    """Who a request comes from."""

    name: str
    roles: tuple[str, ...]
    realm: str
    realm_type: str
    kind: str = "realm"
    metadata: tuple[tuple[str, Any], ...] = ()
    granted: frozenset[str] = frozenset()
    """By roles that were made through the API."""

    def may(self, privilege: str) -> bool:
        known = {allowed for role in self.roles for allowed in PRIVILEGES.get(role, ())} | self.granted
        return privilege in known or privilege == "authenticate"


class Users:
    """Authentication on one node. `state` gives the cluster state as the node knows it."""

    def __init__(
        self,
        config: Path,
        file_realm: str | None,
        reserved: bool,
        secure: Mapping[str, bytes],
        state: Callable[[], Json],
        log: NodeLog,
    ) -> None:
        self._config = config
        self._file_realm = file_realm
        self._reserved = reserved
        self._state = state
        self._log = log
        boot = secure.get("bootstrap.password") or secure.get("keystore.seed") or b""
        self._bootstrap = Secret(boot.decode("utf-8", "replace"))
        self._promoted = (
            "" if "bootstrap.password" in secure else secure.get("autoconfiguration.password_hash", b"").decode()
        )
        self._verified: set[tuple[str, bytes, str]] = set()
        self._lock = threading.Lock()
        self._file_users: Mapping[str, str] = {}
        self._file_roles: Mapping[str, tuple[str, ...]] = {}
        self.reload_users(self.users_file)
        self.reload_roles(self.roles_file)

    @property
    def users_file(self) -> Path:
        return self._config / "users"

    @property
    def roles_file(self) -> Path:
        return self._config / "users_roles"

    def reload_users(self, path: Path) -> str:
        """Reads the file realm's users; a missing or broken file drops them all."""
        self._file_users = _lenient(path, parse_users, {})
        return ""

    def reload_roles(self, path: Path) -> str:
        self._file_roles = _lenient(path, parse_users_roles, {})
        return ""

    def authenticate(self, header: str) -> Login | None:
        """The login behind an `Authorization` header, or None where it is not accepted."""
        scheme, _, value = header.partition(" ")
        match scheme.lower():
            case "basic":
                try:
                    name, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
                except (binascii.Error, UnicodeDecodeError):
                    return None
                return self._with_password(name, Secret(password)) if colon else None
            case "bearer":
                return self._with_token(value.strip())
            case "apikey":
                return self._with_api_key(value.strip())
        return None

    def claimed_name(self, header: str) -> str:
        """The user name in a Basic header, for the message that refuses it; empty for other schemes."""
        scheme, _, value = header.partition(" ")
        try:
            text = base64.b64decode(value, validate=True).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return text.partition(":")[0]

    def exists(self, name: str) -> bool:
        """Whether the API may set this user's password."""
        return (self._reserved and name in RESERVED) or bool(self._state()["users"].get(name, {}).get("native"))

    def is_file_user(self, name: str) -> bool:
        return self._file_realm is not None and name in self._file_users

    def described(self) -> dict[str, Json]:
        """`GET /_security/user`: reserved and native users, never those of the file realm."""
        state = self._state()
        found: dict[str, Json] = {}
        for name, roles in RESERVED.items() if self._reserved else ():
            enabled = state["users"].get(name, {}).get("enabled", True)
            found[name] = _description(name, roles, dict(_metadata(name)), enabled)
        for name, user in state["users"].items():
            if user.get("native"):
                found[name] = _description(name, tuple(user["roles"]), user.get("metadata", {}), user["enabled"])
        return found

    def _with_password(self, name: str, password: Secret) -> Login | None:
        if not password:
            return None
        if self._reserved and name in RESERVED:
            if not self._reserved_accepts(name, password):
                return None
            return Login(name, RESERVED[name], "reserved", "reserved", metadata=_metadata(name))
        stored = self._file_users.get(name)
        if self._file_realm is not None and stored is not None and self._verify(name, password, stored):
            roles = tuple(role for role, users in self._file_roles.items() if name in users)
            return Login(name, roles, self._file_realm, "file")
        user = self._state()["users"].get(name, {})
        if user.get("native") and user["enabled"] and self._verify(name, password, user["hash"]):
            granted = _granted(self._state().get("roles", {}), user["roles"])
            return Login(name, tuple(user["roles"]), "default_native", "native", granted=granted)
        return None

    def _reserved_accepts(self, name: str, password: Secret) -> bool:
        state = self._state()
        since = state["security_since"]
        if since is not None and (not security_ready(state) or 0 <= time.time() - since < _SECURITY_SETTLES):
            self._log.error(
                "o.e.x.s.a.e.ReservedRealm",
                f"failed to retrieve password hash for reserved user [{name}]\n"
                "org.elasticsearch.action.UnavailableShardsException: at least one primary shard for the index "
                "[.security-7] is unavailable",
            )
            return False
        user = state["users"].get(name, {})
        if not user.get("enabled", True):
            return False
        if user.get("hash"):
            return self._verify(name, password, user["hash"])
        if name != "elastic":
            return False
        if self._promoted:
            return self._verify(name, password, self._promoted)
        return hmac.compare_digest(password.encode(), self._bootstrap.encode()) and bool(self._bootstrap)

    def _verify(self, name: str, password: Secret, stored: str) -> bool:
        """Checks a password once; the same password for the same stored hash is then known, as in the realm's cache."""
        key = (name, hashlib.sha256(password.encode()).digest(), stored)
        if key in self._verified:
            return True
        try:
            accepted = verify_hash(password, stored)
        except EstuiError as exc:
            self._log.warn(
                "o.e.x.s.a.RealmsAuthenticator", f"An error occurred while attempting to authenticate [{name}]: {exc}"
            )
            return False
        if accepted:
            with self._lock:
                self._verified.add(key)
        return accepted

    def _with_token(self, value: str) -> Login | None:
        digest = hashlib.sha256(value.encode()).hexdigest()
        for name, stored in self._state()["tokens"].items():
            if hmac.compare_digest(stored, digest):
                account = name.rpartition("/")[0]
                return Login(account, (_ACCOUNTS.get(account, ""),), "_service_account", "_service_account", "token")
        return None

    def _with_api_key(self, value: str) -> Login | None:
        try:
            identifier, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        key = self._state()["api_keys"].get(identifier)
        if key is None or not hmac.compare_digest(key["digest"], hashlib.sha256(secret.encode()).hexdigest()):
            return None
        return Login(key["owner"], tuple(key["roles"]), "_es_api_key", "_es_api_key", "api_key")


def new_hash(password: Secret) -> str:
    """What is stored for a password set through the API; few rounds, because it protects nothing here."""
    return pbkdf2_hash(password, secrets.token_bytes(32), _ROUNDS)


def _granted(roles: Json, names: Iterable[str]) -> frozenset[str]:
    """What roles of the API allow, in the few words that the routes ask for."""
    found: set[str] = set()
    for role in (roles[name] for name in names if name in roles):
        found |= set(role["cluster"]) & {"monitor", "manage", "manage_security"}
        privileges = {each for rights in role["indices"] for each in rights["privileges"]}
        found |= {"write"} if privileges & {"create_doc", "create", "index", "write", "all"} else set()
        found |= {"read"} if privileges & {"read", "all"} else set()
    return frozenset(found)


def _metadata(name: str) -> tuple[tuple[str, Any], ...]:
    if name == "kibana":
        why = "Please use the [kibana_system] user instead."
        return (("_reserved", True), ("_deprecated", True), ("_deprecated_reason", why))
    return (("_reserved", True),)


def _description(name: str, roles: tuple[str, ...], metadata: Json, enabled: bool) -> Json:
    return {
        "username": name,
        "roles": list(roles),
        "full_name": None,
        "email": None,
        "metadata": metadata,
        "enabled": enabled,
    }


def _lenient(path: Path, parse: Callable[[bytes, str], _T], nothing: _T) -> _T:
    try:
        return parse(path.read_bytes(), path.name)
    except (OSError, EstuiError):
        return nothing
