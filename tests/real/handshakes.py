"""What a port serves right now, by a handshake of its own; OpenSSL's word, not estui's."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from cryptography import x509

from tests.unit.sandbox.makers import Pair


def served(port: int) -> x509.Certificate:
    """The leaf that a fresh handshake shows.

    A client without a certificate sees it too, on a port that demands one: TLS 1.3 completes on the client's side
    before the server judges the client.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as stream:
        content = stream.getpeercert(binary_form=True)
    assert content is not None
    return x509.load_der_x509_certificate(content)


def serial(port: int) -> int:
    return served(port).serial_number


def lets_in(port: int, client: Pair, folder: Path) -> bool:
    """Whether a transport port accepts this client certificate.

    With TLS 1.3 a refusal comes as an alert after the client's side of the handshake is done; a node that lets
    somebody in waits for what they have to say.
    """
    certificate, key = folder / "client.crt", folder / "client.key"
    certificate.write_bytes(client.crt)
    key.write_bytes(client.pem_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(certificate, key)
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as plain, context.wrap_socket(plain) as stream:
            stream.settimeout(1.5)
            return stream.recv(1) != b""
    except TimeoutError:
        return True
    except (ssl.SSLError, ConnectionError):
        return False


@dataclass
class Handshakes:
    """A client that does so many fresh handshakes a second with one port, and checks what it is shown."""

    port: int
    context: ssl.SSLContext
    a_second: int
    done: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    WORKERS = 4

    def __enter__(self) -> Handshakes:
        for _ in range(self.WORKERS):
            thread = threading.Thread(target=self._shake, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _shake(self) -> None:
        pause = self.WORKERS / self.a_second
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += pause
            try:
                with (
                    socket.create_connection(("127.0.0.1", self.port), 10) as plain,
                    self.context.wrap_socket(plain, server_hostname="127.0.0.1"),
                ):
                    self.done += 1
            except OSError as error:
                self.failures.append(f"{error!r} at {time.strftime('%T')}")
