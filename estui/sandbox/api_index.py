"""Owns the few APIs of indices and documents that show whether the data is still there."""

from __future__ import annotations

from estui.sandbox.http import Response, json_response
from estui.sandbox.node import ApiError, Call
from estui.sandbox.state import SECURITY_INDEX, Json
from estui.sandbox.stored import random_uuid
from estui.sandbox.users import RESERVED

SECURITY_ALIAS = ".security"


def flush(call: Call) -> Response:
    call.node.await_master(call.request)
    indices = call.node.membership.state()["indices"].values()
    active = sum(len(index["copies"]) for index in indices)
    total = sum(max(len(index["in_sync"]), len(index["copies"])) for index in indices)
    return json_response(200, {"_shards": {"total": total, "successful": active, "failed": 0}})


def create(call: Call) -> Response:
    settings = (call.body() if call.request.body.strip() else {}).get("settings", {})
    replicas = settings.get("number_of_replicas", settings.get("index", {}).get("number_of_replicas", 1))
    arguments = {"name": call.parts[0], "replicas": int(replicas)}
    return json_response(200, call.node.write("create_index", arguments, call.request))


def delete(call: Call) -> Response:
    return json_response(200, call.node.write("delete_index", {"name": call.parts[0]}, call.request))


def put_document(call: Call) -> Response:
    key = call.parts[1] if len(call.parts) > 1 else random_uuid()[:20]
    arguments = {"index": call.parts[0], "id": key, "source": call.body()}
    result = call.node.write("put_document", arguments, call.request)
    return json_response(201 if result["result"] == "created" else 200, result)


def get_document(call: Call) -> Response:
    index, key = _index(call), call.parts[1]
    if key not in index["docs"]:
        return json_response(404, {"_index": call.parts[0], "_id": key, "found": False})
    content = {"_index": call.parts[0], "_id": key, "_version": index["versions"][key], "found": True}
    return json_response(200, {**content, "_source": index["docs"][key]})


def count(call: Call) -> Response:
    return json_response(200, {"count": len(_index(call)["docs"]), "_shards": _shards()})


def search(call: Call) -> Response:
    """Every document, `size` of them (10): queries are not understood."""
    documents = _index(call)["docs"]
    if call.parts[0] == SECURITY_ALIAS:
        users = call.node.membership.state()["users"]
        documents = {
            f"reserved-user-{name}": {} for name, user in users.items() if name in RESERVED and user.get("hash")
        }
    size = int(call.request.query.get("size", "10"))
    hits = [
        {"_index": call.parts[0], "_id": key, "_score": 1.0, "_source": source}
        for key, source in list(documents.items())[:size]
    ]
    found = {"total": {"value": len(documents), "relation": "eq"}, "max_score": 1.0 if hits else None, "hits": hits}
    return json_response(200, {"took": 1, "timed_out": False, "_shards": _shards(), "hits": found})


def _index(call: Call) -> Json:
    if not call.node.membership.joined:
        reason = "blocked by: [SERVICE_UNAVAILABLE/2/no master];"
        raise ApiError(503, "cluster_block_exception", reason)
    name = SECURITY_INDEX if call.parts[0] == SECURITY_ALIAS else call.parts[0]
    index: Json | None = call.node.membership.state()["indices"].get(name)
    if index is None:
        raise ApiError(404, "index_not_found_exception", f"no such index [{name}]")
    if not index["copies"]:
        raise ApiError(503, "search_phase_execution_exception", "all shards failed")
    return index


def _shards() -> Json:
    return {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
