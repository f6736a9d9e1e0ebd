"""Owns the way of a request through a node: who is asking, which API it means, whether it is allowed, the answer."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass

from estui.sandbox import api_cluster, api_index, api_reload, api_roles, api_security
from estui.sandbox.http import Behaviour, Request, Response, json_response
from estui.sandbox.node import ApiError, Call, Node
from estui.sandbox.pki_realm import LICENSED
from estui.sandbox.users import Login

_PRODUCT = (("X-elastic-product", "Elasticsearch"),)
_TEXT = "text is empty (possibly HTTP/0.9)"
_GARBAGE_BODY = (
    f'{{"error":{{"root_cause":[{{"type":"illegal_argument_exception","reason":"{_TEXT}"}}],'
    f'"type":"illegal_argument_exception","reason":"{_TEXT}"}},"status":400}}'
)
GARBAGE = (
    "HTTP/1.0 400 Bad Request\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n"
    f"content-length: {len(_GARBAGE_BODY)}\r\n\r\n{_GARBAGE_BODY}"
).encode()
_BASIC = ("WWW-Authenticate", 'Basic realm="security", charset="UTF-8"')
_BEARER = ("WWW-Authenticate", 'Bearer realm="security"')
_API_KEY = ("WWW-Authenticate", "ApiKey")


@dataclass(frozen=True)
class Route:
    """One API: `{}` in the path stands for one part. `action` is the name in a 403."""

    methods: str
    path: str
    handle: Callable[[Call], Response]
    privilege: str
    action: str
    pretty: bool = False

    def match(self, path: str) -> tuple[str, ...] | None:
        pattern = re.escape(self.path).replace(r"\{\}", "([^/]+)")
        found = re.fullmatch(pattern + "/?" if self.path != "/" else "/", path)
        return found.groups() if found else None


SECURITY_ROUTES = (
    *(Route("GET", "/_security/_authenticate", api_security.authenticate, "authenticate", "authenticate"),),
    Route("GET", "/_security/user", api_security.get_users, "manage_security", "cluster:admin/xpack/security/user/get"),
    Route(
        "GET", "/_security/user/{}", api_security.get_users, "manage_security", "cluster:admin/xpack/security/user/get"
    ),
    Route("POST GET", "/_security/user/_has_privileges", api_roles.has_privileges, "authenticate", "has_privileges"),
    Route("GET", "/_security/role/{}", api_roles.get_role, "manage_security", "role/get"),
    Route("PUT POST", "/_security/role/{}", api_roles.put_role, "manage_security", "role/put"),
    Route("DELETE", "/_security/role/{}", api_roles.delete_role, "manage_security", "role/delete"),
    Route("PUT POST", "/_security/user/_password", api_security.set_password, "authenticate", "change_password"),
    Route("PUT POST", "/_security/user/{}/_password", api_security.set_password, "authenticate", "change_password"),
    Route("PUT POST", "/_security/user/{}/_enable", api_security.enable, "manage_security", "set_enabled"),
    Route("PUT POST", "/_security/user/{}/_disable", api_security.disable, "manage_security", "set_enabled"),
    Route("PUT POST", "/_security/user/{}", api_security.put_user, "manage_security", "user/put"),
    Route("DELETE", "/_security/user/{}", api_security.delete_user, "manage_security", "user/delete"),
    Route("PUT POST", "/_security/api_key", api_security.create_api_key, "manage_security", "api_key/create"),
    Route("DELETE", "/_security/api_key", api_security.delete_api_keys, "manage_security", "api_key/invalidate"),
    Route(
        *("PUT POST", "/_security/service/{}/{}/credential/token/{}", api_security.create_token, "manage_security"),
        "service_account/token/create",
    ),
    Route(
        *("DELETE", "/_security/service/{}/{}/credential/token/{}", api_security.delete_token, "manage_security"),
        "service_account/token/delete",
    ),
    Route(
        *("GET", "/_security/service/{}/{}/credential", api_security.get_tokens, "manage_security"),
        "service_account/credential/get",
    ),
)
ROUTES = (
    # whoever is logged in may ask this, also without any role (seen on 9.1.0)
    Route("GET HEAD", "/", api_cluster.root, "authenticate", "cluster:monitor/main", pretty=True),
    Route("GET", "/_cluster/health", api_cluster.health, "monitor", "cluster:monitor/health"),
    Route("GET", "/_cluster/health/{}", api_cluster.health, "monitor", "cluster:monitor/health"),
    Route("GET", "/_cluster/settings", api_cluster.get_settings, "monitor", "cluster:monitor/settings"),
    Route("PUT", "/_cluster/settings", api_cluster.put_settings, "manage", "cluster:admin/settings/update"),
    Route("GET", "/_nodes/stats/http", api_cluster.nodes_stats, "monitor", "cluster:monitor/nodes/stats"),
    Route("GET", "/_nodes", api_cluster.nodes, "monitor", "cluster:monitor/nodes/info"),
    Route("GET", "/_nodes/{}", api_cluster.nodes, "monitor", "cluster:monitor/nodes/info"),
    Route("GET", "/_nodes/{}/{}", api_cluster.nodes, "monitor", "cluster:monitor/nodes/info"),
    Route(
        *("POST", "/_nodes/{}/reload_secure_settings", api_reload.reload_secure_settings, "manage"),
        "cluster:admin/nodes/reload_secure_settings",
    ),
    Route("GET", "/_cat/nodes", api_cluster.cat_nodes, "monitor", "cluster:monitor/state"),
    Route("GET", "/_cat/shards", api_cluster.cat_shards, "monitor", "indices:monitor/stats"),
    Route(
        "GET", "/_ssl/certificates", api_security.certificates, "monitor", "cluster:monitor/xpack/ssl/certificates/get"
    ),
    Route("GET", "/_license", api_cluster.license_, "monitor", "cluster:monitor/xpack/license/get", pretty=True),
    Route(
        "POST", "/_license/start_trial", api_cluster.start_trial, "manage", "cluster:admin/xpack/license/start_trial"
    ),
    Route("GET", "/_remote/info", api_cluster.remote_info, "monitor", "cluster:monitor/remote/info"),
    Route("POST GET", "/_flush", api_index.flush, "manage", "indices:admin/flush"),
    Route("PUT", "/{}", api_index.create, "manage", "indices:admin/create"),
    Route("DELETE", "/{}", api_index.delete, "manage", "indices:admin/delete"),
    Route("POST", "/{}/_doc", api_index.put_document, "write", "indices:data/write/index"),
    Route("PUT POST", "/{}/_doc/{}", api_index.put_document, "write", "indices:data/write/index"),
    Route("GET", "/{}/_doc/{}", api_index.get_document, "read", "indices:data/read/get"),
    Route("GET POST", "/{}/_count", api_index.count, "read", "indices:data/read/search"),
    Route("GET POST", "/{}/_search", api_index.search, "read", "indices:data/read/search"),
)


def behaviour(node: Node) -> Behaviour:
    """How the node's HTTP port answers."""
    return Behaviour(lambda request: answer(node, request), GARBAGE, _PRODUCT)


def answer(node: Node, request: Request) -> Response:
    """The response to one request."""
    pretty = request.flag("pretty")
    node.clients.note(request)
    try:
        login = _login(node, request) if node.settings.security else None
        route, parts = _find(node, request)
        if login is not None and not login.may(route.privilege):
            raise forbidden(login, route.action)
        response = route.handle(Call(node, request, login, parts))
    except ApiError as error:
        return error.response(pretty=pretty)
    except _NoHandlerError as error:
        return json_response(error.status, error.content)
    return _shaped(response, request, pretty=pretty or route.pretty)


def forbidden(login: Login, action: str) -> ApiError:
    """403 for a login without the privilege."""
    roles = ",".join(login.roles)
    reason = f"action [{action}] is unauthorized for user [{login.name}] with effective roles [{roles}]"
    return ApiError(403, "security_exception", reason)


class _NoHandlerError(Exception):
    def __init__(self, status: int, content: object) -> None:
        super().__init__(status)
        self.status, self.content = status, content


def _login(node: Node, request: Request) -> Login:
    header = request.headers.get("authorization", "")
    if not header:
        by_certificate = _by_certificate(node, request)
        if by_certificate is not None:
            return by_certificate
        raise _unauthorized(node, f"missing authentication credentials for REST request [{request.target}]")
    login = node.users.authenticate(header)
    if login is None:
        name = node.users.claimed_name(header)
        who = (
            f"unable to authenticate user [{name}]"
            if name
            else "unable to authenticate with provided credentials and anonymous access is not allowed"
        )
        raise _unauthorized(node, f"{who} for REST request [{request.target}]")
    return login


def _by_certificate(node: Node, request: Request) -> Login | None:
    """Whoever the PKI realm knows by the certificate that was shown; nobody where the licence does not allow it."""
    licensed = node.membership.state().get("license", "basic") in LICENSED
    if node.realm is None or not licensed or not request.certificate:
        return None
    return node.realm.login(request.certificate)


def _unauthorized(node: Node, reason: str) -> ApiError:
    headers = (_BASIC, _BEARER, _API_KEY) if node.settings.http_tls else (_BASIC, _API_KEY)
    return ApiError(401, "security_exception", reason, headers)


def _find(node: Node, request: Request) -> tuple[Route, tuple[str, ...]]:
    routes = (*SECURITY_ROUTES, *ROUTES) if node.settings.security else ROUTES
    allowed: list[str] = []
    for route in routes:
        parts = route.match(request.path)
        if parts is None or (parts and parts[0].startswith("_") and route.path.startswith("/{}")):
            continue
        if request.method in route.methods.split():
            return route, parts
        allowed += route.methods.split()
    if allowed:
        methods = ", ".join(sorted(set(allowed)))
        text = f"Incorrect HTTP method for uri [{request.target}] and method [{request.method}], allowed: [{methods}]"
        raise _NoHandlerError(405, {"error": text, "status": 405})
    text = f"no handler found for uri [{request.target}] and method [{request.method}]"
    raise _NoHandlerError(400, {"error": text})


def _shaped(response: Response, request: Request, *, pretty: bool) -> Response:
    paths = request.query.get("filter_path", "")
    if not (pretty or paths) or response.content_type != "application/json":
        return response
    content = api_cluster.decoded(response)
    if paths:
        content = _filtered(content, [path.split(".") for path in paths.split(",")])
    return json_response(response.status, content, pretty=pretty, headers=response.headers)


def _filtered(content: object, paths: list[list[str]]) -> object:
    """`filter_path`: dotted names, `*` within a name and `**` for any depth."""
    if isinstance(content, list):
        kept = [_filtered(item, paths) for item in content]
        return [item for item in kept if item not in ({}, [])]
    if not isinstance(content, dict):
        return content
    found: dict[str, object] = {}
    for key, value in content.items():
        deeper: list[list[str]] = []
        whole = False
        for path in paths:
            if path[0] == "**":
                deeper.append(path)
                path = path[1:] or ["*"]
            if fnmatch.fnmatchcase(key, path[0]):
                whole = whole or len(path) == 1
                if len(path) > 1:
                    deeper.append(path[1:])
        if whole:
            found[key] = value
        elif deeper and isinstance(value, dict | list):
            inner = _filtered(value, deeper)
            if inner not in ({}, []):
                found[key] = inner
    return found
