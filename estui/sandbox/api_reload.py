"""Owns `_nodes/reload_secure_settings`: a node opens its `elasticsearch.keystore` again and says what it thinks of it.

Nothing that this node uses can be changed while it runs, so a reload only checks, as for the names of plugins that are
not installed.
"""

from __future__ import annotations

import json

from estui.sandbox.catalogue import complaint
from estui.sandbox.http import Response, json_response
from estui.sandbox.node import ApiError, Call
from estui.sandbox.secure_settings import KeystoreError, open_secure_settings
from estui.sandbox.state import Json
from estui.secret import Secret

_LOCAL = "_local"


def reload_secure_settings(call: Call) -> Response:
    """Of this node only. Source: class `TransportNodesReloadSecureSettingsAction`, 9.1.0."""
    if call.parts != (_LOCAL,):
        raise ApiError(400, "illegal_argument_exception", "the sandbox asks the local node only")
    node = call.node
    described: Json = {"name": node.settings.name}
    problem = _problem(call)
    if problem:
        described["reload_exception"] = {"type": problem[0], "reason": problem[1]}
    content = {
        "_nodes": {"total": 1, "successful": 1, "failed": 0},
        "cluster_name": node.settings.cluster,
        "nodes": {node.membership.uuid or node.settings.name: described},
    }
    return json_response(200, content)


def _problem(call: Call) -> tuple[str, str] | None:
    try:
        body = json.loads(call.request.body or b"{}")
    except ValueError as exc:
        raise ApiError(400, "x_content_parse_exception", f"[1:1] {exc}") from exc
    password = body.get("secure_settings_password") if isinstance(body, dict) else None
    try:
        entries = open_secure_settings(call.node.settings.config, Secret(str(password)) if password else None)
    except KeystoreError as exc:
        return exc.kind.rpartition(".")[2], str(exc)
    complaints = [text for name in sorted(entries) if (text := complaint(name, in_keystore=True))]
    return ("illegal_argument_exception", complaints[0]) if complaints else None
