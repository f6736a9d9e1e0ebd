"""Owns the APIs that tell about the cluster: banner, health, nodes, settings, licence."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

from estui.sandbox import state as cluster_state
from estui.sandbox.http import Response, json_response
from estui.sandbox.node import ApiError, Call, Node, duration_of
from estui.sandbox.settings import VERSION
from estui.sandbox.state import Json

BUILD_HASH = "00e7d33bf08f1476229d9d1642e2da46cfebdd53"
_STATUSES = ("red", "yellow", "green")
_METRICS = frozenset(
    {
        *("settings", "os", "process", "jvm", "thread_pool", "transport", "http", "plugins", "ingest", "aggregations"),
        *("indices", "remote_cluster_server", "_all", "_none"),
    }
)
_ROLE_LETTERS = {
    **{"data": "d", "data_cold": "c", "data_content": "s", "data_frozen": "f", "data_hot": "h", "data_warm": "w"},
    **{"ingest": "i", "master": "m", "ml": "l", "remote_cluster_client": "r", "transform": "t"},
}


def decoded(response: Response) -> Any:
    return json.loads(response.body)


def root(call: Call) -> Response:
    node = call.node
    content = {
        "name": node.settings.name,
        "cluster_name": node.settings.cluster,
        "cluster_uuid": node.membership.uuid,
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": BUILD_HASH,
            "build_date": "2025-07-23T22:09:53.891289976Z",
            "build_snapshot": False,
            "lucene_version": "10.2.2",
            "minimum_wire_compatibility_version": "8.19.0",
            "minimum_index_compatibility_version": "8.0.0",
        },
        "tagline": "You Know, for Search",
    }
    return json_response(200, content)


def health(call: Call) -> Response:
    """Waits for what the query asks for; 408 with the state of then where it does not come in time."""
    query, node = call.request.query, call.node
    node.await_master(call.request)
    end = time.monotonic() + duration_of(query.get("timeout", "30s"), "timeout")
    generation = 0
    while True:
        content = _health_now(node, call.parts[0] if call.parts else None)
        reached = _reached(content, query)
        left = end - time.monotonic()
        if reached or left <= 0:
            content["timed_out"] = not reached
            return json_response(200 if reached else 408, content)
        generation = node.membership.wait_change(generation, min(left, 0.5))


def get_settings(call: Call) -> Response:
    call.node.await_master(call.request)
    settings = call.node.membership.state()["settings"]
    flat = call.request.flag("flat_settings")
    content = {scope: settings[scope] if flat else _nested(settings[scope]) for scope in ("persistent", "transient")}
    return json_response(200, content)


def put_settings(call: Call) -> Response:
    body = call.body()
    given = {scope: _flattened(body.get(scope) or {}) for scope in ("persistent", "transient")}
    if not any(given.values()):
        raise ApiError(400, "action_request_validation_exception", "Validation Failed: 1: no settings to update;")
    for scope, values in given.items():
        for key in values:
            if not key.startswith(("cluster.", "indices.", "logger.", "search.", "action.", "xpack.")):
                raise ApiError(400, "illegal_argument_exception", f"{scope} setting [{key}], not recognized")
    call.node.write("put_settings", given, call.request)
    flat = call.request.flag("flat_settings")
    kept = {scope: {key: value for key, value in given[scope].items() if value is not None} for scope in given}
    return json_response(
        200, {"acknowledged": True, **{scope: kept[scope] if flat else _nested(kept[scope]) for scope in kept}}
    )


def nodes(call: Call) -> Response:
    """`GET /_nodes[/filter][/metrics]`; a node without a cluster tells about itself."""
    parts = list(call.parts)
    metrics = parts.pop() if parts and set(parts[-1].split(",")) <= _METRICS else "_all"
    wanted = set(metrics.split(","))
    chosen = {
        key: card for key, card in call.node.membership.members().items() if _is_chosen(call.node, card, parts[:1])
    }
    flat = call.request.flag("flat_settings")
    described = {key: _described(card, wanted, flat=flat) for key, card in chosen.items()}
    total = len(described)
    return json_response(
        200,
        {
            "_nodes": {"total": total, "successful": total, "failed": 0},
            "cluster_name": call.node.settings.cluster,
            "nodes": described,
        },
    )


def nodes_stats(call: Call) -> Response:
    """What `GET /_nodes/stats/http` tells of clients; a node of the sandbox knows its own ones only."""
    members = call.node.membership.members()
    own = call.node.settings.name
    found = {
        key: {
            "name": card["name"],
            "roles": card["facts"]["roles"],
            "http": {"current_open": 0, "clients": call.node.clients.listed() if card["name"] == own else []},
        }
        for key, card in members.items()
    }
    head = {"total": len(found), "successful": len(found), "failed": 0}
    return json_response(200, {"_nodes": head, "cluster_name": call.node.settings.cluster, "nodes": found})


def cat_nodes(call: Call) -> Response:
    call.node.await_master(call.request)
    members, master = call.node.membership.members(), call.node.membership.master
    query = call.request.query
    columns = query.get("h", "ip,heap.percent,ram.percent,cpu,load_1m,load_5m,load_15m,node.role,master,name")
    rows = []
    for key, card in sorted(members.items(), key=lambda pair: str(pair[1]["name"])):
        facts = card["facts"]
        values = {
            **{"ip": facts["transport"][0], "heap.percent": "18", "ram.percent": "7", "cpu": "1"},
            **{"load_1m": "0.10", "load_5m": "0.10", "load_15m": "0.10", "name": card["name"]},
            **{"node.role": "".join(sorted(_ROLE_LETTERS.get(role, "") for role in facts["roles"])) or "-"},
            **{
                "master": "*" if key == master else "-",
                "version": VERSION,
                "id": key[:4],
                "http_address": facts["http"],
            },
        }
        rows.append({column: values.get(column) for column in columns.split(",")})
    if query.get("format") == "json":
        return json_response(200, rows)
    text = "".join(" ".join(str(value) for value in row.values()) + "\n" for row in rows)
    return Response(200, text.encode(), content_type="text/plain; charset=UTF-8")


def cat_shards(call: Call) -> Response:
    """Copies of every index, as JSON; each index of a sandbox has one shard."""
    call.node.await_master(call.request)
    columns = call.request.query.get("h", "index,shard,prirep,state,docs,store,ip,node")
    members = call.node.membership.members()
    rows = []
    for index, found in sorted(call.node.membership.state()["indices"].items()):
        for number, key in enumerate(found["copies"]):
            values = {"index": index, "shard": "0", "prirep": "r" if number else "p", "state": "STARTED"}
            values |= {"docs": str(len(found["docs"])), "node": str(members[key]["name"]) if key in members else ""}
            rows.append({column: values.get(column) for column in columns.split(",")})
    return json_response(200, rows)


def license_(call: Call) -> Response:
    call.node.await_master(call.request)
    uuid = call.node.membership.uuid
    content = {
        "status": "active",
        "uid": f"5a2d0b0c-{uuid[:4].encode().hex()[:4]}-4bf8-af06-efb068cd3540",
        "type": call.node.membership.state().get("license", "basic"),
        "issue_date": "2026-01-01T00:00:00.000Z",
        "issue_date_in_millis": 1_767_225_600_000,
        "max_nodes": 1000,
        "max_resource_units": None,
        "issued_to": call.node.settings.cluster,
        "issuer": "elasticsearch",
        "start_date_in_millis": -1,
    }
    return json_response(200, {"license": content})


def start_trial(call: Call) -> Response:
    """A trial licence, once in the life of a cluster (`TransportPostStartTrialAction`)."""
    if not call.request.flag("acknowledge"):
        why = "Operation failed: Needs acknowledgement."
        return json_response(403, {"acknowledged": False, "trial_was_started": False, "error_message": why})
    if not call.node.write("start_trial", {}, call.request)["started"]:
        why = "Operation failed: Trial was already activated."
        return json_response(403, {"acknowledged": True, "trial_was_started": False, "error_message": why})
    return json_response(200, {"acknowledged": True, "trial_was_started": True, "type": "trial"})


def remote_info(call: Call) -> Response:
    call.node.await_master(call.request)
    return json_response(200, {})


def _health_now(node: Node, index: str | None) -> Json:
    data_nodes = node.membership.data_nodes()
    shards = cluster_state.health(node.membership.state(), data_nodes, index)
    return {
        "cluster_name": node.settings.cluster,
        "status": shards["status"],
        "timed_out": False,
        "number_of_nodes": len(node.membership.members()),
        "number_of_data_nodes": len(data_nodes),
        "active_primary_shards": shards["active_primary_shards"],
        "active_shards": shards["active_shards"],
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": shards["unassigned_shards"],
        "unassigned_primary_shards": shards["unassigned_primary_shards"],
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": shards["active_shards_percent_as_number"],
    }


def _reached(content: Json, query: Mapping[str, str]) -> bool:
    wish = query.get("wait_for_status", "red").lower()
    if wish not in _STATUSES:
        raise ApiError(400, "illegal_argument_exception", f"unknown cluster health status [{wish}]")
    if _STATUSES.index(content["status"]) < _STATUSES.index(wish):
        return False
    return _enough(content["number_of_nodes"], query.get("wait_for_nodes", ">=0"))


def _enough(count: int, wish: str) -> bool:
    found = re.fullmatch(r"(>=|<=|>|<|)(\d+)|(ge|le|gt|lt)\((\d+)\)", wish)
    if not found:
        raise ApiError(400, "illegal_argument_exception", f"failed to parse wait_for_nodes [{wish}]")
    sign, number = found.group(1) or found.group(3) or "", int(found.group(2) or found.group(4))
    match sign:
        case ">=" | "ge":
            return count >= number
        case "<=" | "le":
            return count <= number
        case ">" | "gt":
            return count > number
        case "<" | "lt":
            return count < number
    return count == number


def _is_chosen(node: Node, card: Json, filters: list[str]) -> bool:
    if not filters or filters[0] == "_all":
        return True
    master = node.membership.master
    for wish in filters[0].split(","):
        if wish == "_local" and card["id"] == node.membership.node_id:
            return True
        if wish in ("_master", "master:true") and card["id"] == master:
            return True
        if wish in (card["id"], card["name"], card["facts"]["transport"][0]):
            return True
    return False


def _described(card: Json, wanted: set[str], *, flat: bool) -> Json:
    facts = card["facts"]
    host, port = facts["transport"]
    address = f"{host}:{port}"
    found: Json = {
        "name": card["name"],
        "transport_address": address,
        "host": host,
        "ip": host,
        "version": VERSION,
        "build_flavor": "default",
        "build_type": "tar",
        "build_hash": BUILD_HASH,
        "roles": sorted(facts["roles"]),
        "attributes": {"xpack.installed": "true"},
    }
    everything = "_all" in wanted
    if everything or "settings" in wanted:
        found["settings"] = facts["settings"] if flat else _nested(facts["settings"])
    if everything or "process" in wanted:
        found["process"] = {"refresh_interval_in_millis": 1000, "id": facts["pid"], "mlockall": False}
    if everything or "jvm" in wanted:
        found["jvm"] = {
            "pid": facts["pid"],
            "version": "25.0.3",
            "start_time_in_millis": facts["started_ms"],
        }
    if everything or "transport" in wanted:
        found["transport"] = {"bound_address": [address], "publish_address": address, "profiles": {}}
    if everything or "http" in wanted:
        published = facts["http"]
        found["http"] = {
            "bound_address": [published],
            "publish_address": published,
            "max_content_length_in_bytes": 104_857_600,
        }
    return found


def _flattened(values: Json, prefix: str = "") -> Json:
    flat: Json = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flattened(value, f"{prefix}{key}.")
        elif value is None:
            flat[prefix + key] = None
        else:
            flat[prefix + key] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat


def _nested(flat: Json) -> Json:
    """Dotted names as objects inside each other; a name that is also a group keeps its dots."""
    tree: Json = {}
    for key in sorted(flat):
        parts, place = key.split("."), tree
        while len(parts) > 1 and isinstance(place.setdefault(parts[0], {}), dict):
            place = place[parts.pop(0)]
        place[".".join(parts)] = flat[key]
    return tree
