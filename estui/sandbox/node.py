"""Owns what the API of one node works on, and the errors that every API gives."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field

from estui.sandbox.clients import ClientLog
from estui.sandbox.http import Request, Response, json_response
from estui.sandbox.membership import Membership, NoMasterError
from estui.sandbox.pki_realm import PkiRealm
from estui.sandbox.settings import NodeSettings, StartupError, parse_duration
from estui.sandbox.state import Json, OperationError
from estui.sandbox.transport import Transport
from estui.sandbox.users import Login, Users

_MASTER_TIMEOUT = "30s"


class ApiError(Exception):
    """An answer that is an error: HTTP status, exception type and reason."""

    def __init__(self, status: int, kind: str, reason: str | None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason)
        self.status, self.kind, self.reason, self.headers = status, kind, reason, headers

    def response(self, *, pretty: bool = False) -> Response:
        cause: Json = {"type": self.kind, "reason": self.reason}
        if self.headers:
            cause["header"] = {self.headers[0][0]: [value for _, value in self.headers]}
        content = {"error": {"root_cause": [cause], **cause}, "status": self.status}
        return json_response(self.status, content, pretty=pretty, headers=self.headers)


@dataclass(frozen=True)
class Node:
    """A running node, as its API sees it."""

    settings: NodeSettings
    membership: Membership
    transport: Transport
    users: Users
    started_ms: int
    clients: ClientLog = field(default_factory=ClientLog)
    realm: PkiRealm | None = None

    def write(self, operation: str, arguments: Json, request: Request) -> Json:
        """Changes the cluster state. Raises ApiError: no master in time, or refused."""
        self.await_master(request)
        try:
            return self.transport.write(operation, arguments)
        except NoMasterError as exc:
            raise no_master() from exc
        except OperationError as exc:
            raise ApiError(exc.status, exc.kind, exc.reason) from exc

    def await_master(self, request: Request) -> None:
        """Waits for a master as long as the request allows (30 s). Raises ApiError: 503."""
        text = request.query.get("master_timeout") or request.query.get("timeout") or _MASTER_TIMEOUT
        end = time.monotonic() + duration_of(text, "master_timeout")
        generation = 0
        while not self.membership.joined:
            left = end - time.monotonic()
            if left <= 0:
                raise no_master()
            generation = self.membership.wait_change(generation, min(left, 0.5))


@dataclass(frozen=True)
class Call:
    """One request to an API of a node, and who makes it; `login` is None where security is off."""

    node: Node
    request: Request
    login: Login | None
    parts: tuple[str, ...] = ()

    def body(self) -> Json:
        """The JSON object in the body. Raises ApiError: none, or something else."""
        if not self.request.body.strip():
            raise ApiError(400, "parse_exception", "request body is required")
        try:
            content = json.loads(self.request.body)
        except ValueError as exc:
            raise ApiError(400, "x_content_parse_exception", f"[1:1] {exc}") from exc
        if not isinstance(content, dict):
            raise ApiError(400, "x_content_parse_exception", "[1:1] expected a JSON object")
        return content


def no_master() -> ApiError:
    return ApiError(503, "master_not_discovered_exception", None)


def duration_of(text: str, name: str) -> float:
    """Seconds of a time value in a query. Raises ApiError."""
    try:
        return parse_duration(text, name)
    except StartupError as exc:
        raise ApiError(400, "illegal_argument_exception", exc.summary) from exc
