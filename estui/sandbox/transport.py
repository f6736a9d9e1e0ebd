"""Owns the transport port and the connections to other nodes' transport ports.

On the wire a prober sees what a real node shows: TLS or plain text, `This is not an HTTP port`, an answer to
Elasticsearch's own handshake message. Among themselves sandbox nodes speak frames of JSON after four bytes of their
own. What the messages mean is `membership`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading

from estui.sandbox.log import NodeLog
from estui.sandbox.membership import Membership, NoMasterError
from estui.sandbox.state import Json, OperationError
from estui.sandbox.tls import TlsSlot
from estui.sandbox.wire import (
    HANDSHAKE_TIMEOUT,
    TLS_HANDSHAKE,
    Listener,
    accept_tls,
    close_gently,
    distrust,
    first_bytes,
    refused_handshake,
    shown_peer,
)

PREAMBLE = b"EJ\x00\x01"
_VERBS = (b"GET ", b"POST", b"PUT ", b"HEAD", b"DELE", b"OPTI", b"PATC", b"TRAC")
_SECURITY = "o.e.x.c.s.t.n.SecurityNetty4Transport"
_TCP = "o.e.t.TcpTransport"
_PULSE = 0.25  # seconds between two messages on a quiet connection
_CALL_TIMEOUT = 5.0
_RETRY = 0.3
_MAX_FRAME = 1 << 26
_TRANSPORT_VERSION = 9_112_003  # of 9.1.0 (real-elasticsearch.md §6)


class Transport:
    """A node's transport layer: one listener, and one dialler for each address it has heard of."""

    def __init__(self, membership: Membership, tls: TlsSlot | None, log: NodeLog) -> None:
        self._membership = membership
        self._tls = tls
        self._log = log
        self._diallers: dict[tuple[str, int], Dialler] = {}
        self._accepted: set[socket.socket] = set()
        self._closed = threading.Event()

    def listen(self, host: str, ports: tuple[int, ...]) -> int:
        """Opens the port; returns its number. Raises OSError."""
        self._listener = Listener(host, ports, self._serve)
        self._listener.start()
        return self._listener.port

    def dial(self, addresses: list[tuple[str, int]]) -> None:
        """Keeps trying these addresses from now on; known ones are passed over."""
        for address in addresses:
            if address not in self._diallers:
                dialler = Dialler(address, self._membership, self._tls, self._log, self._closed)
                self._diallers[address] = dialler
                threading.Thread(target=dialler.run, daemon=True, name=f"dial-{address[1]}").start()

    def close(self) -> None:
        """Ends every connection, as the end of the process does."""
        self._closed.set()
        self._listener.close()
        for connection in list(self._accepted):
            hang_up(connection)
        for dialler in self._diallers.values():
            dialler.hang_up()

    def write(self, operation: str, arguments: Json) -> Json:
        """Runs an operation on the cluster state, through the master where that is another node.

        Raises NoMasterError, OperationError.
        """
        master = self._membership.master
        if master is None:
            raise NoMasterError
        if master == self._membership.node_id:
            return self._membership.write(operation, arguments)
        for dialler in self._diallers.values():
            if dialler.peer == master:
                answer = dialler.call({"type": "write", "operation": operation, "arguments": arguments})
                if answer is not None:
                    return self._unpack(answer)
        raise NoMasterError

    def _unpack(self, answer: Json) -> Json:
        if "refused" in answer:
            raise NoMasterError
        if "error" in answer:
            raise OperationError(*answer["error"])
        self._membership.wait_stamp(answer["stamp"])
        result: Json = answer["result"]
        return result

    def _serve(self, connection: socket.socket) -> None:
        start = first_bytes(connection)
        if self._tls is None:
            self._serve_plain(connection, start)
        elif not start:
            connection.close()
        elif start[0] != TLS_HANDSHAKE:
            where = shown_peer("Netty4TcpChannel", connection)
            self._log.warn(_SECURITY, f"received plaintext traffic on an encrypted channel, closing connection {where}")
            close_gently(connection)
        else:
            self._serve_tls(connection, self._tls)

    def _serve_plain(self, connection: socket.socket, start: bytes) -> None:
        where = shown_peer("Netty4TcpChannel", connection)
        if start.startswith(PREAMBLE[:2]):
            self._converse(connection)
        elif start.startswith(b"ES"):
            self._answer_handshake(connection)
        elif start in _VERBS:
            connection.sendall(b"This is not an HTTP port")
            close_gently(connection)
        elif start[:1] == bytes([TLS_HANDSHAKE]):
            got = ",".join(f"{byte:x}" for byte in start)
            got = "16," + got.split(",", 1)[1]
            self._log.warn_once(
                shown_peer("", connection).rpartition(":")[0],
                _TCP,
                f"SSL/TLS request received but SSL/TLS is not enabled on this node, got ({got}), [{where}], "
                "closing connection",
            )
            close_gently(connection)
        else:
            if start:
                got = ",".join(f"{byte:x}" for byte in start)
                self._log.warn(_TCP, f"invalid internal transport message format, got ({got}), [{where}]")
            close_gently(connection)

    def _serve_tls(self, connection: socket.socket, slot: TlsSlot) -> None:
        where = shown_peer("Netty4TcpChannel", connection)
        try:
            tls = accept_tls(connection, slot.server)
        except OSError as exc:
            why = refused_handshake(exc)
            if "unknown_ca" in why:
                text = f"client did not trust this server's certificate, closing connection {where}"
                self._log.warn_once("incoming", _SECURITY, text.split(", remoteAddress")[0])
            else:
                self._log.warn_once(
                    f"incoming {why}", _TCP, f"exception caught on transport layer, closing connection\n{why}"
                )
            return
        start = _receive(tls, 4)
        if start == PREAMBLE:
            self._converse(tls, greeted=True)
        elif start[:2] == b"ES":
            self._answer_handshake(tls, start)
        else:
            close_gently(tls)

    def _answer_handshake(self, connection: socket.socket, start: bytes = b"") -> None:
        """Elasticsearch's own first message (file-formats.md §9): answered before any authentication."""
        start += _receive(connection, 6 - len(start))
        if len(start) == 6:
            length = struct.unpack(">i", start[2:])[0]
            body = _receive(connection, length) if 17 <= length <= 1024 else b""
            answer = _handshake_answer(body)
            if answer:
                connection.sendall(answer)
        close_gently(connection)

    def _converse(self, connection: socket.socket, greeted: bool = False) -> None:
        """Answers a sandbox node on the connection that it opened."""
        connection.settimeout(_PULSE * 40)
        peer = ""
        self._accepted.add(connection)
        try:
            if not greeted and _receive(connection, 4) != PREAMBLE:
                return
            while not self._closed.is_set() and (message := read_frame(connection)) is not None:
                if message["type"] == "write":
                    write_frame(connection, self._answer_write(message))
                    continue
                card = message["card"]
                if card["id"] == self._membership.node_id:
                    write_frame(connection, {"card": self._membership.card()})
                    continue
                refusal = self._membership.refusal(card)
                if refusal:
                    write_frame(connection, {"refused": refusal})
                    break
                self._membership.hear(card, incoming=not peer)
                peer = card["id"]
                write_frame(connection, {"card": self._membership.card(peer)})
        except OSError:
            pass
        finally:
            self._accepted.discard(connection)
            connection.close()
            if peer:
                self._membership.lose_incoming(peer)

    def _answer_write(self, message: Json) -> Json:
        try:
            result = self._membership.write(message["operation"], message["arguments"])
        except NoMasterError:
            return {"refused": "not the master"}
        except OperationError as exc:
            return {"error": [exc.status, exc.kind, exc.reason]}
        return {"result": result, "stamp": self._membership.stamp()}


class Dialler:
    """Our connection to one address, opened again whenever it is gone."""

    def __init__(
        self,
        address: tuple[str, int],
        membership: Membership,
        tls: TlsSlot | None,
        log: NodeLog,
        closed: threading.Event,
    ) -> None:
        self._closed = closed
        self._address = address
        self._membership = membership
        self._tls = tls
        self._log = log
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self.peer = ""
        """Id of the node at the other end while the connection is open."""

    def run(self) -> None:
        """Dials for ever; ends only where the address turns out to be the node itself."""
        generation = 0
        while not self._closed.is_set():
            reason = self._talk()
            if reason == "self":
                return
            if reason:
                shown = f"{self._address[0]}:{self._address[1]}"
                self._log.warn_once(str(self._address), _TCP, f"connection to [{shown}] failed: {reason}")
                self._closed.wait(_RETRY)
            else:
                generation = self._membership.wait_change(generation, _RETRY)

    def hang_up(self) -> None:
        if self._connection is not None:
            hang_up(self._connection)

    def call(self, message: Json) -> Json | None:
        """One message and its answer on the open connection; None where there is none or it breaks."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                write_frame(self._connection, message)
                return read_frame(self._connection)
            except OSError:
                return None

    def _talk(self) -> str:
        """One connection from its opening to its end; the reason where it could not be used."""
        epoch = self._membership.epoch
        try:
            connection = self._connect()
        except OSError as exc:
            return "" if isinstance(exc, ConnectionRefusedError) else self._explain(exc)
        self._connection, generation = connection, 0
        try:
            while self._membership.epoch == epoch and not self._closed.is_set():
                message = {"type": "hello", "card": self._membership.card(self.peer or None)}
                answer = self.call(message)
                if answer is None:
                    return "" if self.peer else "the peer closed the connection"
                if "refused" in answer:
                    return str(answer["refused"])
                card = answer["card"]
                if card["id"] == self._membership.node_id:
                    return "self"
                refusal = self._membership.refusal(card)
                if refusal:
                    return refusal
                self._membership.hear(card, outgoing=None if self.peer else epoch)
                if not self.peer:
                    self._log.forget(str(self._address))
                self.peer = card["id"]
                generation = self._membership.wait_change(generation, _PULSE)
        finally:
            self._let_go(epoch)
        return ""

    def _let_go(self, epoch: int) -> None:
        with self._lock:
            peer, self.peer = self.peer, ""
            if self._connection is not None:
                self._connection.close()
            self._connection = None
        if peer:
            self._membership.lose_outgoing(peer, epoch)

    def _connect(self) -> socket.socket:
        host, port = self._address
        connection = socket.create_connection((host, port), HANDSHAKE_TIMEOUT)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self._tls.client.wrap_socket(connection, server_hostname=host)
            connection.settimeout(_CALL_TIMEOUT)
            connection.sendall(PREAMBLE)
        except OSError:
            connection.close()
            raise
        return connection

    def _explain(self, exc: OSError) -> str:
        if isinstance(exc, ssl.SSLCertVerificationError) or "SIGNATURE" in str(exc).upper():
            return f"failed to establish trust with server at [{self._address[0]}]; {distrust(exc)}"
        if isinstance(exc, ssl.SSLError):
            return f"javax.net.ssl.SSLException: {exc.reason or exc}"
        return str(exc)


def hang_up(connection: socket.socket) -> None:
    """Ends a connection that another thread is using: it will read an end."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def write_frame(connection: socket.socket, message: Json) -> None:
    content = json.dumps(message, separators=(",", ":")).encode()
    connection.sendall(struct.pack(">I", len(content)) + content)


def read_frame(connection: socket.socket) -> Json | None:
    """The next message, or None where the peer has closed or speaks something else."""
    head = _receive(connection, 4)
    if len(head) < 4:
        return None
    length = struct.unpack(">I", head)[0]
    content = _receive(connection, length) if length <= _MAX_FRAME else b""
    if len(content) != length:
        return None
    try:
        message: Json = json.loads(content)
    except ValueError:
        return None
    return message


def _receive(connection: socket.socket, count: int) -> bytes:
    """Exactly `count` bytes, fewer where the peer closes or resets."""
    parts: list[bytes] = []
    while count > 0:
        try:
            part = connection.recv(min(count, 1 << 16))
        except (ssl.SSLError, ConnectionError, TimeoutError):
            break
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _handshake_answer(body: bytes) -> bytes:
    """Answer to `internal:tcp/handshake` in the two layouts that 9.1.0 accepts; empty for anything else."""
    if len(body) < 13 or b"internal:tcp/handshake" not in body:
        return b""
    request_id, version = body[:8], struct.unpack(">i", body[9:13])[0]
    payload = _vint(_TRANSPORT_VERSION)
    if version >= 8_800_000:
        payload += bytes([5]) + b"9.1.0"
    elif version < 7_170_099:
        return b""
    content = request_id + b"\x09" + body[9:13] + b"\x00\x00\x00\x02\x00\x00" + payload
    return b"ES" + struct.pack(">i", len(content)) + content


def _vint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
