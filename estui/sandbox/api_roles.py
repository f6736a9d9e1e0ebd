"""Owns roles that were made through the API, and the question what the caller may do."""

from __future__ import annotations

import fnmatch

from estui.sandbox.api_security import require_security_index
from estui.sandbox.http import Response, json_response
from estui.sandbox.node import ApiError, Call
from estui.sandbox.state import Json
from estui.sandbox.users import PRIVILEGES


def get_role(call: Call) -> Response:
    roles, name = call.node.membership.state().get("roles", {}), call.parts[0]
    return json_response(200, {name: roles[name]}) if name in roles else json_response(404, {})


def put_role(call: Call) -> Response:
    body, name = call.body(), call.parts[0]
    if name in PRIVILEGES:
        text = f"Validation Failed: 1: role [{name}] is reserved and may not be used.;"
        raise ApiError(400, "action_request_validation_exception", text)
    require_security_index(call)
    role = {key: body.get(key, default) for key, default in (("cluster", []), ("indices", []), ("metadata", {}))}
    result = call.node.write("put_role", {"role": name, "body": role}, call.request)
    return json_response(200, {"role": result})


def delete_role(call: Call) -> Response:
    result = call.node.write("delete_role", {"role": call.parts[0]}, call.request)
    return json_response(200 if result["found"] else 404, result)


def has_privileges(call: Call) -> Response:
    """Whether the caller has all that is asked for, by the roles of the API alone; a superuser has everything."""
    if call.login is None:
        raise ApiError(401, "security_exception", "missing authentication credentials")
    roles = call.node.membership.state().get("roles", {})
    mine = [roles[name] for name in call.login.roles if name in roles]
    body = call.body()
    whole = "superuser" in call.login.roles
    cluster = {name: whole or any(name in role["cluster"] for role in mine) for name in body.get("cluster", ())}
    index = {
        name: {privilege: whole or _may(mine, name, privilege) for privilege in each.get("privileges", ())}
        for each in body.get("index", ())
        for name in each.get("names", ())
    }
    every = [*cluster.values(), *(allowed for found in index.values() for allowed in found.values())]
    content = {"username": call.login.name, "has_all_requested": all(every), "cluster": cluster, "index": index}
    return json_response(200, content)


def _may(roles: list[Json], name: str, privilege: str) -> bool:
    return any(
        privilege in each["privileges"] and any(fnmatch.fnmatchcase(name, pattern) for pattern in each["names"])
        for role in roles
        for each in role["indices"]
    )
