"""The process of the Kibana: `python -m estui.sandbox.kibana CONFIG_DIR [--run DIR] [--parent PID:START]`.

Owns asking Elasticsearch whether it is there, and `GET /api/status`. What the configuration means is `kibana_settings`.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import sys
import threading
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from estui.sandbox.http import Behaviour, HttpPort, Request, Response, json_response
from estui.sandbox.kibana_settings import KibanaSettings, read_kibana_settings
from estui.sandbox.life import Life, parse_arguments, run_process
from estui.sandbox.log import NodeLog
from estui.sandbox.settings import VERSION, StartupError
from estui.sandbox.tls import TlsSlot, client_context
from estui.sandbox.tls_settings import SslConfigError, TlsSettings

_TIMEOUT = 5.0
_AVAILABLE, _CRITICAL, _UNAVAILABLE = "available", "critical", "unavailable"
_GARBAGE = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"


class KibanaServer:
    """A Kibana in this process."""

    def __init__(self, settings: KibanaSettings, log: NodeLog) -> None:
        self.settings = settings
        self._log = log
        self._uuid = _persistent_uuid(settings.data)
        self._slot = TlsSlot(*settings.server_tls) if settings.server_tls else None
        self._context = _elasticsearch_context(settings)
        self._level, self._summary = _UNAVAILABLE, "Waiting for Elasticsearch"
        self._ready = False
        self._stopping = threading.Event()
        behaviour = Behaviour(self._handle, _GARBAGE, (("kbn-name", settings.name),))
        self.http = HttpPort(behaviour, self._slot, None)

    def start(self) -> None:
        """Opens the port and begins to ask Elasticsearch. Raises StartupError."""
        host = "127.0.0.1" if not self.settings.host.startswith("127.") else self.settings.host
        try:
            self.http.listen(host, (self.settings.port,))
        except OSError as exc:
            text = f"listen EADDRINUSE: address already in use {host}:{self.settings.port}"
            raise StartupError(text, kind="Error") from exc
        threading.Thread(target=self._watch, daemon=True, name="health").start()

    def stop(self) -> None:
        self._stopping.set()
        self.http.close()

    def reload(self, config: Path) -> None:
        """SIGHUP: reads `server.ssl` again, nothing else; a broken one changes nothing (Kibana 8.12 and newer)."""
        try:
            settings = read_kibana_settings(config)
        except StartupError as exc:
            self._log.error("root", f"Failed to reload configuration: {exc.summary}")
            return
        if self._slot is not None and settings.server_tls is not None:
            try:
                self._slot.switch(settings.server_tls[1])
            except SslConfigError as exc:
                self._log.error("root", f"Failed to reload configuration: {exc.summary}")
                return
            self._log.info("http.server.Kibana", "Reloaded TLS configuration")

    def ask_elasticsearch(self) -> None:
        """One health check: any host that answers with its nodes will do."""
        reasons: list[str] = []
        for host in self.settings.hosts:
            status, content = self._request(host, "/_nodes?filter_path=nodes.*.version", self._own_header())
            if status == 200:
                self._become(_AVAILABLE, "Elasticsearch is available")
                self._ready = True
                return
            reasons.append(content)
        why = f"Unable to retrieve version information from Elasticsearch nodes. {reasons[0] if reasons else ''}"
        self._become(_CRITICAL if self._ready else _UNAVAILABLE, why)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self.ask_elasticsearch()
            self._stopping.wait(self.settings.health_delay)

    def _become(self, level: str, summary: str) -> None:
        if (level, summary) != (self._level, self._summary):
            self._level, self._summary = level, summary
            (self._log.info if level == _AVAILABLE else self._log.error)("elasticsearch-service", summary)

    def _handle(self, request: Request) -> Response:
        if request.path == "/api/status":
            return self._status(request)
        if not self._ready:
            return Response(503, b"Kibana server is not ready yet", content_type="text/plain; charset=utf-8")
        if request.path == "/login":
            return Response(200, b"<!DOCTYPE html><title>Elastic</title>", content_type="text/html; charset=utf-8")
        if request.path == "/":
            return Response(302, b"", (("location", "/login" if self._secured else "/app/home"),))
        return json_response(404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"})

    def _status(self, request: Request) -> Response:
        code = 200 if self._level == _AVAILABLE else 503
        if not self._ready:
            return json_response(503, {"status": {"overall": {"level": _UNAVAILABLE}}})
        header = request.headers.get("authorization", "")
        if self._secured and not (header and self._knows(header)):
            if header:
                return json_response(401, {"statusCode": 401, "error": "Unauthorized", "message": "Unauthorized"})
            return json_response(code, {"status": {"overall": {"level": self._level}}})
        summary = "All services and plugins are available"
        if self._level != _AVAILABLE:
            summary = f"1 service is {self._level}: elasticsearch"
        content = {
            "name": self.settings.name,
            "uuid": self._uuid,
            "version": {"number": VERSION, "build_hash": "0" * 40, "build_number": 1, "build_snapshot": False},
            "status": {
                "overall": {"level": self._level, "summary": summary},
                "core": {
                    "elasticsearch": {"level": self._level, "summary": self._summary},
                    "savedObjects": {"level": self._level, "summary": "SavedObjects service has completed migrations"},
                },
            },
        }
        return json_response(code, content)

    @property
    def _secured(self) -> bool:
        return self.settings.username is not None or self.settings.token is not None

    def _knows(self, header: str) -> bool:
        return any(
            self._request(host, "/_security/_authenticate", header)[0] == 200 for host in self.settings.hosts[:1]
        )

    def _own_header(self) -> str:
        if self.settings.token is not None:
            return f"Bearer {self.settings.token.reveal()}"
        if self.settings.username is None:
            return ""
        password = self.settings.password.reveal() if self.settings.password is not None else ""
        return "Basic " + base64.b64encode(f"{self.settings.username}:{password}".encode()).decode()

    def _request(self, host: str, path: str, header: str) -> tuple[int, str]:
        """Status (0 where there was no answer) and the reason where it is not 200."""
        split = urlsplit(host)
        port = split.port or (443 if split.scheme == "https" else 80)
        name = split.hostname or "localhost"
        connection: http.client.HTTPConnection
        if split.scheme == "https":
            connection = http.client.HTTPSConnection(name, port, timeout=_TIMEOUT, context=self._context)
        else:
            connection = http.client.HTTPConnection(name, port, timeout=_TIMEOUT)
        try:
            connection.request("GET", path, headers={"authorization": header} if header else {})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            return 0, f"{type(exc).__name__}: {exc}"
        finally:
            connection.close()
        return answer.status, "" if answer.status == 200 else _reason(body)


def _reason(body: bytes) -> str:
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "no answer of Elasticsearch"
    if not isinstance(error, dict):
        return str(error)
    return f"{error.get('type')}: {error.get('reason')}"


def _elasticsearch_context(settings: KibanaSettings) -> ssl.SSLContext:
    tls = TlsSettings("elasticsearch.ssl", True, settings.verification, "none", ("TLSv1.3", "TLSv1.2"))
    material = settings.client
    if settings.verification == "none":
        material = type(material)(material.chain, material.key, None)
    context = client_context(tls, material)
    if not material.trusted:
        context.load_default_certs()
    return context


def _persistent_uuid(data: Path) -> str:
    path = data / "uuid"
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        made = str(uuid.uuid4())
        data.mkdir(parents=True, exist_ok=True)
        path.write_text(made)
        return made


def run(life: Life) -> int:
    """Runs Kibana until it is told to end; the exit code."""
    log = NodeLog("kibana", sys.stdout)
    try:
        server = KibanaServer(read_kibana_settings(life.config), log)
        server.start()
    except (StartupError, SslConfigError) as exc:
        log.error("root", f" FATAL  Error: {exc.summary}")
        life.failed(f"Error: {exc.summary}")
        return exc.exit_code if isinstance(exc, StartupError) else 1
    life.reload = lambda: server.reload(life.config)
    life.running()
    life.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    run_process(parse_arguments(__doc__ or ""), run)
