"""Owns the cluster state: what all nodes of a cluster share, as JSON, and the operations that change it.

Pure: operations change the dictionary that they are given. Who may change it and how it spreads is `membership`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Json = dict[str, Any]
SECURITY_INDEX = ".security-7"
_ALLOCATION = "cluster.routing.allocation.enable"


class OperationError(Exception):
    """An operation is refused: HTTP status, exception type and reason, as Elasticsearch gives them."""

    def __init__(self, status: int, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason = status, kind, reason


def new_state() -> Json:
    """State of a cluster that has just formed."""
    return {
        "settings": {"persistent": {}, "transient": {}},
        "users": {},
        "tokens": {},
        "api_keys": {},
        "indices": {},
        "security_since": None,
    }


def apply_operation(state: Json, name: str, arguments: Json, data_nodes: Sequence[str]) -> Json:
    """Runs one operation on `state`; returns what the API answers. Raises OperationError."""
    return _OPERATIONS[name](state, arguments, data_nodes)


def with_own_indices(state: Json) -> Json:
    """A state that `allocate` may change while the given one stays; the documents are shared."""
    return {**state, "indices": {name: dict(index) for name, index in state["indices"].items()}}


def allocate(state: Json, data_nodes: Sequence[str]) -> bool:
    """Gives shard copies to the data nodes that are there; returns whether anything moved.

    One shard per index. A primary goes only to a node that had a copy; replicas wait while allocation is restricted.
    """
    settings = state["settings"]
    enabled = settings["transient"].get(_ALLOCATION) or settings["persistent"].get(_ALLOCATION) or "all"
    changed = False
    for index in state["indices"].values():
        before = list(index["copies"])
        copies = [node for node in before if node in data_nodes]
        if not copies and enabled in ("all", "primaries"):
            copies = [node for node in index["in_sync"] if node in data_nodes][:1]
        if copies and enabled == "all":
            copies += [node for node in sorted(data_nodes) if node not in copies]
            copies = copies[: _wanted(index, data_nodes)]
        index["copies"] = copies
        index["in_sync"] = list(dict.fromkeys([*copies, *index["in_sync"]]))
        changed = changed or copies != before
    return changed


def health(state: Json, data_nodes: Sequence[str], name: str | None = None) -> Json:
    """The part of `GET /_cluster/health` that comes from the shards."""
    chosen = [index for key, index in state["indices"].items() if name in (None, "_all", "*", key)]
    active = sum(len(index["copies"]) for index in chosen)
    primaries = sum(bool(index["copies"]) for index in chosen)
    missing = sum(max(_wanted(index, data_nodes) - len(index["copies"]), 0) for index in chosen)
    status = "green" if not missing else "yellow"
    if primaries < len(chosen):
        status = "red"
    return {
        "status": status,
        "active_primary_shards": primaries,
        "active_shards": active,
        "unassigned_shards": missing,
        "unassigned_primary_shards": len(chosen) - primaries,
        "active_shards_percent_as_number": 100.0 * active / (active + missing) if active + missing else 100.0,
    }


def security_ready(state: Json) -> bool:
    """Whether the index with the users' passwords is there and has a primary."""
    index = state["indices"].get(SECURITY_INDEX)
    return index is not None and bool(index["copies"])


def _wanted(index: Json, data_nodes: Sequence[str]) -> int:
    if index["auto_expand"]:
        return min(2, max(len(data_nodes), 1))
    return 1 + int(index["replicas"])


def _set_password(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    user = state["users"].setdefault(arguments["user"], {"enabled": True, "roles": []})
    user["hash"] = arguments["hash"]
    return {}


def _set_enabled(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    state["users"].setdefault(arguments["user"], {"hash": "", "roles": []})["enabled"] = arguments["enabled"]
    return {}


def _put_user(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    created = arguments["user"] not in state["users"]
    before = state["users"].get(arguments["user"], {})
    state["users"][arguments["user"]] = {
        "hash": arguments["hash"] or before.get("hash", ""),
        "enabled": True,
        "roles": arguments["roles"],
        "native": True,
        "metadata": arguments.get("metadata", {}),
    }
    return {"created": created}


def _put_role(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    roles = state.setdefault("roles", {})
    created = arguments["role"] not in roles
    roles[arguments["role"]] = arguments["body"]
    return {"created": created}


def _delete_role(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    return {"found": state.get("roles", {}).pop(arguments["role"], None) is not None}


def _delete_user(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    return {"found": state["users"].pop(arguments["user"], None) is not None}


def _start_trial(state: Json, _arguments: Json, _: Sequence[str]) -> Json:
    started = state.get("license", "basic") == "basic"
    if started:
        state["license"] = "trial"
    return {"started": started}


def _put_token(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    name = f"{arguments['account']}/{arguments['name']}"
    if name in state["tokens"]:
        raise OperationError(409, "version_conflict_engine_exception", f"[{name}]: version conflict, document exists")
    state["tokens"][name] = arguments["digest"]
    return {}


def _delete_token(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    return {"found": state["tokens"].pop(arguments["name"], None) is not None}


def _put_api_key(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    state["api_keys"][arguments["id"]] = {key: arguments[key] for key in ("digest", "owner", "roles", "name")}
    return {}


def _delete_api_keys(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    gone = [key for key, value in state["api_keys"].items() if value["name"] == arguments["name"]]
    for key in gone:
        del state["api_keys"][key]
    return {"invalidated_api_keys": gone, "previously_invalidated_api_keys": [], "error_count": 0}


def _put_settings(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    for scope in ("persistent", "transient"):
        for key, value in arguments[scope].items():
            if value is None:
                state["settings"][scope].pop(key, None)
            else:
                state["settings"][scope][key] = value
    return {}


def _create_index(state: Json, arguments: Json, data_nodes: Sequence[str]) -> Json:
    name = arguments["name"]
    if name in state["indices"]:
        raise OperationError(400, "resource_already_exists_exception", f"index [{name}] already exists")
    _add_index(state, name, arguments.get("replicas", 1), data_nodes)
    return {"acknowledged": True, "shards_acknowledged": True, "index": name}


def _create_security(state: Json, arguments: Json, data_nodes: Sequence[str]) -> Json:
    if SECURITY_INDEX not in state["indices"]:
        _add_index(state, SECURITY_INDEX, 1, data_nodes)
        state["indices"][SECURITY_INDEX]["auto_expand"] = True
        state["security_since"] = arguments["now"]
    return {}


def _delete_index(state: Json, arguments: Json, _: Sequence[str]) -> Json:
    if state["indices"].pop(arguments["name"], None) is None:
        raise OperationError(404, "index_not_found_exception", f"no such index [{arguments['name']}]")
    return {"acknowledged": True}


def _put_document(state: Json, arguments: Json, data_nodes: Sequence[str]) -> Json:
    name, key = arguments["index"], arguments["id"]
    index = state["indices"].get(name) or _add_index(state, name, 1, data_nodes)
    if not index["copies"]:
        raise OperationError(503, "unavailable_shards_exception", f"[{name}][0] primary shard is not active")
    created = key not in index["docs"]
    version = index["versions"].get(key, 0) + 1
    index["docs"][key], index["versions"][key] = arguments["source"], version
    copies = len(index["copies"])
    return {
        "_index": name,
        "_id": key,
        "_version": version,
        "result": "created" if created else "updated",
        "_shards": {"total": _wanted(index, data_nodes), "successful": copies, "failed": 0},
        "_seq_no": sum(index["versions"].values()) - 1,
        "_primary_term": 1,
    }


def _add_index(state: Json, name: str, replicas: int, data_nodes: Sequence[str]) -> Json:
    index: Json = {"replicas": replicas, "auto_expand": False, "in_sync": [], "docs": {}, "versions": {}}
    index["copies"] = sorted(data_nodes)[: 1 + replicas]
    state["indices"][name] = index
    return index


_OPERATIONS: dict[str, Callable[[Json, Json, Sequence[str]], Json]] = {
    "set_password": _set_password,
    "set_enabled": _set_enabled,
    "put_user": _put_user,
    "put_role": _put_role,
    "delete_role": _delete_role,
    "delete_user": _delete_user,
    "put_token": _put_token,
    "delete_token": _delete_token,
    "start_trial": _start_trial,
    "put_api_key": _put_api_key,
    "delete_api_keys": _delete_api_keys,
    "put_settings": _put_settings,
    "create_index": _create_index,
    "create_security": _create_security,
    "delete_index": _delete_index,
    "put_document": _put_document,
}
