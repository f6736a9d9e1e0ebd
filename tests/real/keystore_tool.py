"""The real `KeyStoreWrapper` class, in one process for many files."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.real.launch import java


class RefusedError(Exception):
    """The class threw: `kind` is the name of its exception."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class Loaded:
    """A file as the class sees it."""

    format: int
    has_password: bool
    entries: dict[str, bytes]


class KeystoreTool:
    """Reads and writes `elasticsearch.keystore` in a folder."""

    def __init__(self) -> None:
        command = java("-Xmx128m", "-Dlog4j2.disable.jmx=true", "EsKeystore")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def __enter__(self) -> KeystoreTool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def read(self, folder: Path, password: str = "") -> Loaded:
        """Raises RefusedError."""
        version, has_password, *entries = self._order("read", str(folder), _encoded(password.encode()))
        found = (entry.partition("=") for entry in entries)
        values = {name: base64.b64decode(value) for name, _, value in found}
        return Loaded(int(version), has_password == "true", values)

    def write(
        self, folder: Path, password: str, strings: Mapping[str, str], files: Mapping[str, bytes] | None = None
    ) -> int:
        """Writes a fresh one, and returns its format. Raises RefusedError."""
        entries = [f"string:{name}={_encoded(value.encode())}" for name, value in strings.items()]
        entries += [f"file:{name}={_encoded(value)}" for name, value in (files or {}).items()]
        return int(self._order("write", str(folder), _encoded(password.encode()), *entries)[0])

    def _order(self, verb: str, folder: str, *rest: str) -> list[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join((verb, _encoded(folder.encode()), *rest)) + "\n")
        self._process.stdin.flush()
        verdict, *answer = self._process.stdout.readline().split()
        if verdict == "error":
            raise RefusedError(answer[0], base64.b64decode(answer[1]).decode() if len(answer) > 1 else "")
        return answer


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode() or "-"
