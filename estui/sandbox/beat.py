"""The process of the Beat: `python -m estui.sandbox.beat CONFIG_DIR [--run DIR] [--parent PID:START]`.

Owns sending one event a second to the hosts of its output, and what it says where that fails, in the words of real
Beats (beats.md §2.1). What the configuration means is `beat_settings`.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import socket
import ssl
import sys
import threading
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cryptography import x509

from estui.errors import EstuiError
from estui.sandbox.beat_settings import BeatSettings, read_beat_settings
from estui.sandbox.life import Life, parse_arguments, run_process
from estui.sandbox.log import NodeLog
from estui.sandbox.material import Material
from estui.sandbox.settings import VERSION, StartupError
from estui.sandbox.tls import client_context
from estui.sandbox.tls_settings import TlsSettings

_TIMEOUT = 5.0
_LOGGER = "publisher_pipeline_output"
_UNKNOWN = "x509: certificate signed by unknown authority"
_ANONYMOUS_CODES = (18, 19, 20, 21)
"""OpenSSL's verify codes for: self-signed, self-signed in the chain, no issuer, no first certificate."""
_DATE_CODES = (9, 10)
_NAME_CODES = (62, 64)


class BeatProcess:
    """A Beat in this process."""

    def __init__(self, settings: BeatSettings, log: NodeLog) -> None:
        self.settings = settings
        self._log = log
        self._stopping = threading.Event()
        self._said = ""
        self.agent = f"Elastic-{settings.kind.capitalize()}/{VERSION} (linux; amd64; sandbox)"

    def start(self) -> None:
        threading.Thread(target=self._publish, daemon=True, name="output").start()

    def stop(self) -> None:
        self._stopping.set()

    def send(self) -> str:
        """Sends one event to the first host that takes it; the reason why none does, or nothing."""
        reasons = []
        for url in self.settings.urls:
            try:
                self._ask(url, "GET", "/", None)
                event = {"@timestamp": datetime.now(UTC).isoformat(), "agent": {"type": self.settings.kind}}
                self._ask(url, "POST", f"/{self.settings.kind}-{VERSION}/_doc", event)
            except _RefusedError as exc:
                reasons.append(f"Failed to connect to backoff(elasticsearch({url})): {exc}")
                continue
            self._say(f"Connection to backoff(elasticsearch({url})) established", ok=True)
            return ""
        self._say(reasons[0] if reasons else "no hosts", ok=False)
        return reasons[0] if reasons else "no hosts"

    def _publish(self) -> None:
        while not self._stopping.is_set():
            self.send()
            self._stopping.wait(self.settings.period)

    def _say(self, text: str, *, ok: bool) -> None:
        if text != self._said:
            self._said = text
            (self._log.info if ok else self._log.error)(_LOGGER, text)

    def _ask(self, url: str, method: str, path: str, body: object) -> None:
        """One request that is taken. Raises _RefusedError in Go's words."""
        split = urlsplit(url)
        host, port = split.hostname or "localhost", split.port or 9200
        connection: http.client.HTTPConnection
        if split.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=self._context(host, port))
        else:
            connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        headers = {"User-Agent": self.agent, "Content-Type": "application/json", **self._authorization()}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as exc:
            raise _RefusedError(f'Get "{url}": {_words(exc, f"{host}:{port}")}') from exc
        finally:
            connection.close()
        if answer.status >= 300:
            raise _RefusedError(f"{answer.status} {answer.reason}: {content}")

    def _authorization(self) -> dict[str, str]:
        settings = self.settings
        if settings.api_key:
            return {"Authorization": "ApiKey " + base64.b64encode(settings.api_key.encode()).decode()}
        if not settings.username:
            return {}
        pair = f"{settings.username}:{settings.password.reveal()}"
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def _context(self, host: str, port: int) -> ssl.SSLContext:
        settings = self.settings
        mode = "full" if settings.verification == "strict" else settings.verification
        tls = TlsSettings("output.elasticsearch.ssl", True, mode, "none", ("TLSv1.3", "TLSv1.2"))
        trusted = settings.client.trusted or ()
        if settings.fingerprint and settings.verification != "strict":
            trusted = (*trusted, *self._pinned(host, port))
        material = Material(settings.client.chain, settings.client.key, trusted if mode != "none" else None)
        context = client_context(tls, material)
        if not trusted and not settings.names_authorities and mode != "none":
            context.load_default_certs()
        return context

    def _pinned(self, host: str, port: int) -> tuple[x509.Certificate, ...]:
        """The CA in the served chain that has the pinned fingerprint."""
        for der in _served_chain(host, port):
            if hashlib.sha256(der).hexdigest() == self.settings.fingerprint.lower():
                certificate = x509.load_der_x509_certificate(der)
                if _is_ca(certificate):
                    return (certificate,)
        self._log.warn_once("pin", "tls", "no CA certificate matching the fingerprint")
        return ()


class _RefusedError(Exception):
    """A host did not take what was sent."""


def _served_chain(host: str, port: int) -> list[bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=_TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            chain = secured._sslobj.get_unverified_chain()  # type: ignore[attr-defined] # public from Python 3.13 on
    except (OSError, ssl.SSLError):
        return []
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain or ()]


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _words(exc: Exception, address: str) -> str:
    """A failure as Go's standard library tells it."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        if exc.verify_code in _ANONYMOUS_CODES:
            return _UNKNOWN
        if exc.verify_code in _DATE_CODES:
            return f"x509: certificate has expired or is not yet valid: current time {time.strftime('%FT%TZ')}"
        if exc.verify_code in _NAME_CODES:
            return f"x509: certificate is valid for other names, not {address.rpartition(':')[0]}"
        return f"x509: {exc.verify_message}"
    if isinstance(exc, ssl.SSLError):
        text = str(exc)
        if "WRONG_VERSION_NUMBER" in text or "HTTP_REQUEST" in text:
            return "http: server gave HTTP response to HTTPS client"
        if "CERTIFICATE_REQUIRED" in text:
            return "remote error: tls: certificate required"
        return f"remote error: tls: {exc.reason or 'handshake failure'}"
    if isinstance(exc, ConnectionRefusedError):
        return f"dial tcp {address}: connect: connection refused"
    if isinstance(exc, socket.gaierror):
        return f"dial tcp: lookup {address.rpartition(':')[0]}: no such host"
    return "EOF"


def run(life: Life) -> int:
    """Runs the Beat until it is told to end; the exit code."""
    log = NodeLog("beat", sys.stdout)
    try:
        beat = BeatProcess(read_beat_settings(life.config), log)
    except (StartupError, EstuiError) as exc:
        log.error("root", f"Exiting: {exc.summary}")
        life.failed(f"Exiting: {exc.summary}")
        return 1
    beat.start()
    life.running()
    life.wait()
    beat.stop()
    return 0


if __name__ == "__main__":
    run_process(parse_arguments(__doc__ or ""), run)
