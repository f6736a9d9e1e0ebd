"""What a real node says about a configuration folder at start, many folders in one process and no port opened."""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.real.assemble import LOG4J
from tests.real.launch import java


@dataclass(frozen=True)
class Cause:
    """One exception: the Java class and its message."""

    kind: str
    message: str


class StartsTool:
    """Builds the node of a folder, and throws it away."""

    def __init__(self, log: Path) -> None:
        command = java("-Xmx512m", "-Dio.netty.noUnsafe=true", "-Dlog4j.shutdownHookEnabled=false", "EsStarts")
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True
            )

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def refusal(self, config: Path, password: str = "") -> list[Cause]:
        """Why a node refuses this folder, from the outside in; empty where it takes it."""
        (config / "log4j2.properties").write_text(LOG4J)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{_encoded(str(config))} {_encoded(password)}\n")
        self._process.stdin.flush()
        verdict, *chain = self._process.stdout.readline().split(" ")
        assert verdict.strip() in ("built", "refused"), f"the process ended: {verdict}"
        words = [base64.b64decode(word).decode() for word in chain]
        return [Cause(*pair) for pair in zip(words[::2], words[1::2], strict=True)]


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
