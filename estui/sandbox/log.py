"""Owns how a sandbox process writes its log: the line shape of Elasticsearch's console appender."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

_LOGGER_WIDTH = 25


class NodeLog:
    """Log lines of one node, `[time][LEVEL][logger] [node] message`, written at once."""

    def __init__(self, node: str, stream: TextIO, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.node = node
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        self._said: set[tuple[str, str]] = set()

    def info(self, logger: str, message: str) -> None:
        self._write("INFO", logger, message)

    def warn(self, logger: str, message: str) -> None:
        self._write("WARN", logger, message)

    def error(self, logger: str, message: str) -> None:
        self._write("ERROR", logger, message)

    def warn_once(self, topic: str, logger: str, message: str) -> None:
        """Warns unless the same was said about the topic since `forget(topic)`: retries come three times a second."""
        with self._lock:
            if (topic, message) in self._said:
                return
            self._said.add((topic, message))
        self.warn(logger, message)

    def forget(self, topic: str) -> None:
        with self._lock:
            self._said = {said for said in self._said if said[0] != topic}

    def _write(self, level: str, logger: str, message: str) -> None:
        now = self._clock()
        stamp = f"{now:%Y-%m-%dT%H:%M:%S},{now.microsecond // 1000:03d}"
        with self._lock:
            self._stream.write(f"[{stamp}][{level:<5}][{logger:<{_LOGGER_WIDTH}}] [{self.node}] {message}\n")
            self._stream.flush()
