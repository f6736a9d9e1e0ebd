"""Who talked to a node's HTTP port lately. Source: class `HttpClientStatsTracker`."""

from __future__ import annotations

import threading
import time

from estui.sandbox.http import Request
from estui.sandbox.state import Json

LONGEST = 100
"""Clients that are kept; the oldest go first."""


class ClientLog:
    """The last request of each connection's address and agent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], Json] = {}

    def note(self, request: Request) -> None:
        """Remembers one request."""
        agent, now = request.headers.get("user-agent", ""), int(time.time() * 1000)
        with self._lock:
            before = self._seen.pop((request.remote, agent), {"opened_time_millis": now, "request_count": 0})
            self._seen[request.remote, agent] = {
                **before,
                "agent": agent,
                "remote_address": request.remote,
                "last_uri": request.target,
                "last_request_time_millis": now,
                "request_count": before["request_count"] + 1,
            }
            while len(self._seen) > LONGEST:
                self._seen.pop(next(iter(self._seen)))

    def listed(self) -> list[Json]:
        """All of them, oldest first."""
        with self._lock:
            return [{"id": number, **each} for number, each in enumerate(self._seen.values(), 1)]
