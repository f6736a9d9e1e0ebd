"""Live TLS servers for a secured estate, all in one process: `python -m benchmarks.servers FOLDER SIZE DEAD`.

Every node serves both layers with its own leaf on its own address. Transport ends after the handshake, HTTP answers
what `estui verify` asks. Of the nodes in DEAD per cent the ports accept and then say nothing.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from functools import partial
from pathlib import Path

from benchmarks.estate import STORE_PASSWORD, Estate, Kind, NodeShape
from estui.formats import pem, pkcs12
from estui.model.inventory import Layer
from estui.sandbox.stock import CLUSTER
from estui.secret import Secret

PORTS = {Layer.HTTP: 9200, Layer.TRANSPORT: 9300}
READY = "ready"
"""Printed once all ports are open."""


def is_dead(node: NodeShape, share: int) -> bool:
    """Whether a node hangs, where `share` per cent of them do; never the first one."""
    return bool(share) and node.number % (100 // share) == 1


def _context(config: Path, node: NodeShape, layer: Layer) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certs = config / "certs"
    certificate, key = certs / f"{layer.value}.crt", certs / f"{layer.value}.key"
    if layer is Layer.TRANSPORT and node.uses_pkcs12:
        store = pkcs12.read_pkcs12((certs / "transport.p12").read_bytes(), Secret(STORE_PASSWORD), node.name)
        entry = store.keys[0]
        if entry.leaf is None or entry.key is None:
            raise ValueError(f"{node.name}: its store has no leaf")
        certificate, key = certs / "served.crt", certs / "served.key"
        certificate.write_bytes(b"".join(pem.certificate_pem(each) for each in (entry.leaf, *entry.chain)))
        key.write_bytes(pem.private_key_pem(entry.key))
    context.load_cert_chain(certificate, key)
    if layer is Layer.TRANSPORT:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
    return context


def _answer(node: NodeShape, size: int, path: str, *, logged_in: bool) -> tuple[int, object]:
    """Status and body of what Elasticsearch would say, as far as a proof asks."""
    if not logged_in:
        return 401, {"error": {"type": "security_exception"}, "status": 401}
    if path == "/":
        version = {"number": "8.13.4", "build_flavor": "default"}
        return 200, {"name": node.name, "cluster_name": CLUSTER, "cluster_uuid": "bench", "version": version}
    if path.startswith("/_security/_authenticate"):
        return 200, {"username": "elastic", "roles": ["superuser"], "enabled": True}
    if path.startswith("/_cluster/health"):
        return 200, {"status": "green", "number_of_nodes": size, "cluster_name": CLUSTER, "timed_out": False}
    return 404, {"error": "not here", "status": 404}


async def _http(node: NodeShape, size: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode("latin-1").split("\r\n")
            status, body = _answer(
                node, size, lines[0].split(" ")[1], logged_in=any(x.lower().startswith("authorization") for x in lines)
            )
            content = json.dumps(body).encode()
            fields = f"content-type: application/json\r\ncontent-length: {len(content)}"
            product = "x-elastic-product: Elasticsearch"
            writer.write(f"HTTP/1.1 {status} X\r\n{product}\r\n{fields}\r\n\r\n".encode() + content)
            await writer.drain()
    except (asyncio.IncompleteReadError, OSError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def _transport(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def serve(estate: Estate, dead: int) -> None:
    """Opens every port, says so, and serves until it is killed."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, _told: None)  # handshakes that were broken off are part of the work
    held: list[object] = []
    for node in estate.nodes:
        for layer, port in PORTS.items():
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((node.address, port))
            if is_dead(node, dead):
                sock.listen(16)
                held.append(sock)
                continue
            serve_one = partial(_http, node, estate.size) if layer is Layer.HTTP else _transport
            context = _context(estate.config(node), node, layer)
            held.append(await asyncio.start_server(serve_one, sock=sock, ssl=context, backlog=16))
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main(folder: str, size: str, dead: str) -> None:
    asyncio.run(serve(Estate(Path(folder), int(size), Kind.SECURED), int(dead)))


if __name__ == "__main__":
    main(*sys.argv[1:])
