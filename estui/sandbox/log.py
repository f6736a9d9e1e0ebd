"""Owns how a sandbox process writes its log: the line shape of Elasticsearch's console appender, and the two files
that the packages keep in `path.logs`: `CLUSTER.log` in the same shape, `CLUSTER_server.json` an object a line."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
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
        self._folder: Path | None = None
        self._cluster = ""

    def keep_in(self, folder: Path, cluster: str) -> None:
        """From now on lines go into the files of a log folder as well, where there is one."""
        self._folder, self._cluster = folder if folder.is_dir() else None, cluster

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
            line = f"[{stamp}][{level:<5}][{logger:<{_LOGGER_WIDTH}}] [{self.node}] {message}\n"
            self._stream.write(line)
            self._stream.flush()
            self._keep(line, f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z", level, logger, message)

    def _keep(self, line: str, stamp: str, level: str, logger: str, message: str) -> None:
        """Opened for each line, as a rotation may have renamed the file. A full disk ends no node."""
        if self._folder is None:
            return
        first, _, rest = message.partition("\n")
        body = {"@timestamp": stamp, "log.level": level, "message": first, "log.logger": logger}
        if rest:
            kind, _, told = rest.partition(": ")
            body |= {"error.type": kind, "error.message": told, "error.stack_trace": rest}
        body |= {"elasticsearch.node.name": self.node, "elasticsearch.cluster.name": self._cluster}
        for name, text in (
            (f"{self._cluster}.log", line),
            (f"{self._cluster}_server.json", json.dumps(body) + "\n"),
        ):
            with contextlib.suppress(OSError), (self._folder / name).open("a") as file:
                file.write(text)
