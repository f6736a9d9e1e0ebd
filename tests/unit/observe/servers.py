"""Small loopback servers that misbehave in one way each, and the certificates that they serve."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from estui.formats.pem import certificate_pem, private_key_pem
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address, KeyType
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.pki.authority import create_authority, issue_leaf, new_serial
from estui.pki.facts import certificate_facts
from estui.pki.keys import PrivateKey, generate_key

ANSWERS = Path(__file__).parents[2] / "fixtures" / "answers"
Handler = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Ca:
    """A certificate authority that issues leaves for tests."""

    certificate: x509.Certificate
    key: PrivateKey

    @classmethod
    def create(cls, name: str = "test CA") -> Ca:
        key = generate_key(KeyType.EC_P256)
        request = AuthorityRequest("http", name, KeyType.EC_P256, 30)
        serial = new_serial(os.urandom(20))
        return cls(create_authority(request, key=key, serial=serial, now=datetime.now(UTC)), key)

    @property
    def facts(self) -> CertificateFacts:
        return certificate_facts(self.certificate)

    @property
    def pem(self) -> bytes:
        return certificate_pem(self.certificate)

    def issue(self, *dns_names: str, addresses: tuple[str, ...] = ("127.0.0.1",)) -> Leaf:
        key = generate_key(KeyType.EC_P256)
        request = LeafRequest(
            "es-1", "http", "http", "es-1", dns_names, addresses, ("serverAuth", "clientAuth"), KeyType.EC_P256, 10
        )
        certificate = issue_leaf(
            request,
            authority=self.certificate,
            authority_key=self.key,
            key=key,
            serial=new_serial(os.urandom(20)),
            now=datetime.now(UTC),
        )
        return Leaf(certificate, key, self)


@dataclass(frozen=True)
class Leaf:
    """A leaf with its key, and the CA that issued it."""

    certificate: x509.Certificate
    key: PrivateKey
    ca: Ca

    @property
    def facts(self) -> CertificateFacts:
        return certificate_facts(self.certificate)

    def write(self, folder: Path) -> tuple[Path, Path]:
        """`node.crt` (leaf, then CA) and `node.key` in the folder."""
        chain, key = folder / "node.crt", folder / "node.key"
        chain.write_bytes(certificate_pem(self.certificate) + self.ca.pem)
        key.write_bytes(private_key_pem(self.key))
        return chain, key

    def context(self, folder: Path) -> ssl.SSLContext:
        """A server's context that serves leaf and CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.write(folder))
        return context


@contextlib.contextmanager
def server(handle: Handler) -> Iterator[Address]:
    """A server that gives each connection to `handle` on a thread, and closes it afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            handle(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield Address("127.0.0.1", listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def refused_address() -> Address:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return Address("127.0.0.1", free.getsockname()[1])


def read_request(connection: socket.socket) -> bytes:
    """Bytes up to the end of the header of a request, and the body that its Content-Length announces."""
    received = b""
    while b"\r\n\r\n" not in received and not received.startswith(b"\x16"):
        part = connection.recv(4096)
        if not part:
            return received
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def http(respond: Callable[[str, bytes], bytes]) -> Handler:
    """Answers each request with `respond(path without query, whole request)`."""

    def handle(connection: socket.socket) -> None:
        request = read_request(connection)
        if request.startswith((b"GET ", b"POST ", b"PUT ", b"DELETE ")):
            connection.sendall(respond(request.split()[1].decode().partition("?")[0], request))
        elif request:
            # What Elasticsearch and Kibana do with a ClientHello or other noise.
            connection.sendall(answer(b'{"status":400}', "400 Bad Request"))

    return handle


def tls(context: ssl.SSLContext, handle: Handler = lambda connection: None) -> Handler:
    """Shakes hands first; then waits for the client to say or end something before `handle`."""

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            handle(wrapped)

    return serve


def wait_for_end(connection: socket.socket) -> None:
    """Reads until the client has gone."""
    while connection.recv(4096):
        pass
