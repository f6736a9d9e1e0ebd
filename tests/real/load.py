"""Clients that never stop asking while something is changed under them."""

from __future__ import annotations

import base64
import http.client
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

PAUSE_S = 0.05


@dataclass
class Load:
    """Two clients a node: one that connects anew for every request, and one that keeps its connection."""

    ports: Sequence[int]
    login: str
    context: ssl.SSLContext | None
    asked: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        for port in self.ports:
            for keep in (False, True):
                thread = threading.Thread(target=self._ask, args=(port, keep), daemon=True)
                thread.start()
                self._threads.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _connect(self, port: int) -> http.client.HTTPConnection:
        if self.context is None:
            return http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        return http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=self.context)

    def _ask(self, port: int, keep: bool) -> None:
        headers = {"authorization": "Basic " + base64.b64encode(self.login.encode()).decode()}
        connection = self._connect(port)
        while not self._stop.wait(PAUSE_S):
            if not keep:
                connection = self._connect(port)
            try:
                connection.request("GET", "/_cluster/health", headers=headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(f"{port}: {answer.status} at {time.strftime('%T')}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{port}: {error!r} at {time.strftime('%T')}")
                connection.close()
                connection = self._connect(port)
            self.asked += 1
            if not keep:
                connection.close()
        connection.close()
