"""One real node on 127.0.0.1, started from an ordinary configuration folder.

A node is known by its folder alone: its process id and its log lie beside the folder, so that a test, the commands of
an inventory and a later test all speak of the same process.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

from tests.real.launch import STARTED, node_command
from tests.waiting import until

KEYSTORE_PASSWORD = "ES_KEYSTORE_PASSWORD"
START_S = 120.0
"""Longest start on a machine that is busy with other things; 4 to 5 s on two idle cores."""
STOP_S = 30.0
BOOTSTRAP_EXIT = 78


class NotStartedError(AssertionError):
    """A node refused to start, or did not answer in time; with the end of its log."""


class RealNode:
    """The node whose configuration folder is `config`."""

    def __init__(self, config: Path, keystore_password: str = "", *options: str) -> None:
        self.config = config.resolve()
        self.keystore_password = keystore_password
        self.options = options
        """Further options of the JVM."""
        self.log = self.config.parent / "node.log"
        self.exit_code: int | None = None
        self._pid_file = self.config.parent / "pid"
        self._process: subprocess.Popen[bytes] | None = None
        self._mark = 0
        self._began = 0.0

    @property
    def name(self) -> str:
        return self.setting("node.name")

    @property
    def http(self) -> int:
        return int(self.setting("http.port"))

    @property
    def transport(self) -> int:
        return int(self.setting("transport.port"))

    def setting(self, key: str) -> str:
        """A flat key of its yml, as text without quotes."""
        found = re.search(rf"(?m)^{re.escape(key)}:[ \t]*(.*)$", (self.config / "elasticsearch.yml").read_text())
        assert found is not None, f"{key} is not in the yml of {self.config}"
        return found[1].strip().strip("\"'")

    def start(self) -> RealNode:
        """Begins to start it; `wait` tells when it has."""
        assert not self.alive, f"{self.config} runs already"
        self.exit_code = None
        command = node_command(self.config, *self.options)
        environment = {**os.environ}
        if self.keystore_password:
            environment[KEYSTORE_PASSWORD] = self.keystore_password
        self._mark = self.log_size()
        self._began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        self._pid_file.write_text(str(self._process.pid))
        return self

    def wait(self, timeout: float = START_S) -> float:
        """Seconds from the start until HTTP answers. Raises NotStartedError."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if STARTED in self.new_log() and self.probe() is not None:
                return time.monotonic() - self._began
            if not self.alive:
                raise NotStartedError(f"{self.config} ended with {self.exit_code}\n{self.tail()}")
            time.sleep(0.1)
        raise NotStartedError(f"{self.config} did not answer in {timeout:.0f} s\n{self.tail()}")

    @property
    def alive(self) -> bool:
        """Whether its process runs, whoever started it."""
        if self._process is not None and self._process.poll() is not None:
            self.exit_code, self._process = self._process.returncode, None
        return _runs(self.pid)

    def terminate(self) -> None:
        """Asks it to end; `stop` waits for it."""
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self) -> None:
        """Ends it as an operator would, and waits; by force where it does not end."""
        self.terminate()
        until(lambda: not self.alive, STOP_S, required=False)
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
            until(lambda: not self.alive, STOP_S)
        if self._process is not None:
            self.exit_code, self._process = self._process.wait(STOP_S), None
        self._pid_file.unlink(missing_ok=True)

    def restart(self) -> float:
        """Stops and starts it; seconds as from `wait`."""
        self.stop()
        return self.start().wait()

    @property
    def pid(self) -> int:
        """Its process; 0 where it was never started."""
        return int(self._pid_file.read_text() or 0) if self._pid_file.exists() else 0

    def probe(self) -> int | None:
        """Status of `GET /` without a login, over TLS or plain; 0 where a client certificate is demanded."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        for tls in (context, None):
            try:
                return _status(self.http, tls)
            except OSError as error:
                if "CERTIFICATE_REQUIRED" in str(error).upper():
                    return 0
        return None

    def log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def new_log(self, since: int | None = None) -> str:
        """Its log since the last start, or since a `log_size` taken before."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(self._mark if since is None else since)
            return file.read().decode("utf-8", "replace")

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self.new_log().splitlines()[-lines:])


def _runs(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def _status(port: int, tls: ssl.SSLContext | None) -> int | None:
    with socket.create_connection(("127.0.0.1", port), 2) as plain:
        plain.settimeout(5)
        stream = tls.wrap_socket(plain) if tls else plain
        with stream:
            stream.sendall(b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
            found = re.match(rb"HTTP/1\.\d (\d+)", stream.recv(64))
            return int(found[1]) if found else None
