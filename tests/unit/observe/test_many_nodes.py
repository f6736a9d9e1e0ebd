"""Fifty nodes of which five are dead and five hang: the answer is there within the time of one question."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estui.decide.views import views_of
from estui.model.inventory import Address, BeatEntry, Inventory, KibanaEntry, Layer, NodeEntry
from estui.model.observed import ObservedNode, PortState
from estui.model.views import Difference
from estui.observe import cluster
from estui.observe.cluster import observe
from estui.observe.folder import observe_node_folder
from tests.unit.observe.servers import answer, refused_address
from tests.unit.observe.test_es_api import BODIES, NO_HANDLER

COUNT, DEAD, HANGING = 50, 5, 5
NOW = datetime(2026, 11, 25, tzinfo=UTC)
TIMEOUT_S = 1.5


class Crowd:
    """Many ports on one thread: the living answer plain HTTP as an unsecured node would, the hanging never."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._open: list[socket.socket] = []
        self._end, self._waker = socket.socketpair()
        self._selector.register(self._end, selectors.EVENT_READ, "end")
        self.accepted = 0

    def port(self, *, hangs: bool) -> Address:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        listener.setblocking(False)
        self._open.append(listener)
        self._selector.register(listener, selectors.EVENT_READ, "hanging" if hangs else "living")
        return Address("127.0.0.1", listener.getsockname()[1])

    def dead(self) -> Address:
        """A port that is taken, so that nobody else gets it, and refuses: nobody listens."""
        bound = socket.socket()
        bound.bind(("127.0.0.1", 0))
        self._open.append(bound)
        return Address("127.0.0.1", bound.getsockname()[1])

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data == "end":
                    return
                if key.data in ("hanging", "living"):
                    self._accept(key.fileobj, key.data)  # type: ignore[arg-type]
                else:
                    self._reply(key.fileobj)  # type: ignore[arg-type]

    def _accept(self, listener: socket.socket, kind: str) -> None:
        connection, _ = listener.accept()
        self.accepted += 1
        self._open.append(connection)
        if kind == "living":
            self._selector.register(connection, selectors.EVENT_READ, "connection")

    def _reply(self, connection: socket.socket) -> None:
        request = b""
        with contextlib.suppress(OSError):
            request = connection.recv(4096)
        if request.startswith(b"GET "):
            path = request.split()[1].decode().partition("?")[0]
            with contextlib.suppress(OSError):
                connection.sendall(answer(BODIES[path]) if path in BODIES else NO_HANDLER)
        elif request:
            with contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        self._selector.unregister(connection)
        connection.close()

    def stop(self) -> None:
        self._waker.send(b"x")

    def close(self) -> None:
        for each in (*self._open, self._end, self._waker):
            each.close()
        self._selector.close()


@contextlib.contextmanager
def running(here: Crowd) -> Iterator[None]:
    """The crowd at work; it ends with the block."""
    thread = threading.Thread(target=here.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        here.stop()
        thread.join(5)
        here.close()


def entry(tmp_path: Path, number: int, http: Address, transport: Address) -> NodeEntry:
    folder = tmp_path / f"n{number}"
    folder.mkdir()
    (folder / "elasticsearch.yml").write_text(f"node.name: n{number}\nxpack.security.enabled: false\n")
    return NodeEntry(str(folder), http=http, transport=transport)


def test_five_dead_and_five_hanging_nodes_hold_nobody_up(tmp_path: Path) -> None:
    here = Crowd()
    entries = []
    for number in range(COUNT):
        if number % 10 == 3:
            ports = (here.dead(), here.dead())
        else:
            hangs = number % 10 == 7
            ports = (here.port(hangs=hangs), here.port(hangs=hangs))
        entries.append(entry(tmp_path, number, *ports))
    with running(here):
        begin = time.monotonic()
        seen = observe(Inventory("lab", tuple(entries)), digest_key=b"k" * 32, timeout_s=TIMEOUT_S)
        taken = time.monotonic() - begin
    states = [node.port(layer).state for node in seen.nodes for layer in Layer]
    assert states.count(PortState.REFUSED) == 2 * DEAD
    assert states.count(PortState.TIMED_OUT) == 2 * HANGING
    assert states.count(PortState.PLAIN) == 2 * (COUNT - DEAD - HANGING)
    named = [view for view in views_of(seen, NOW) for each in view.named if each.difference is Difference.UNREACHABLE]
    assert len({view.target for view in named}) == DEAD + HANGING
    assert taken < 4 * TIMEOUT_S


def test_more_hanging_nodes_than_workers_still_end(tmp_path: Path) -> None:
    here = Crowd()
    entries = [entry(tmp_path, number, here.port(hangs=True), here.dead()) for number in range(6)]
    with running(here):
        seen = observe(Inventory("lab", tuple(entries)), digest_key=b"k" * 32, timeout_s=0.2, workers=3)
    assert [node.port(Layer.HTTP).state for node in seen.nodes] == [PortState.TIMED_OUT] * 6
    assert here.accepted <= 2 * len(entries)  # one look with TLS and one without, each asked once


def test_dead_mounts_of_nodes_kibana_and_beats_hold_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def held(stated: NodeEntry, **how: object) -> ObservedNode:
        if "hung" in stated.config:
            released.wait(20)
        return observe_node_folder(stated, **how)  # type: ignore[arg-type]

    def stuck(*_: object, **__: object) -> object:
        released.wait(20)
        raise AssertionError("nobody waits for this")

    monkeypatch.setattr(cluster, "observe_node_folder", held)
    monkeypatch.setattr(cluster, "observe_kibana_folder", stuck)
    monkeypatch.setattr(cluster, "observe_beat_folder", stuck)
    monkeypatch.setattr(cluster, "FOLDER_TIMEOUT_S", 0.3)
    alive = entry(tmp_path, 1, refused_address(), refused_address())
    hung = tuple(NodeEntry(f"/mnt/hung-{number}", name=f"h{number}") for number in range(20))
    inventory = Inventory("lab", (*hung, alive), (KibanaEntry("/mnt/kb"),), (BeatEntry("/mnt/beat"),))
    begin = time.monotonic()
    try:
        seen = observe(inventory, digest_key=b"k" * 32, network=False)
        taken = time.monotonic() - begin
    finally:
        released.set()
    assert [bool(node.problems) for node in seen.nodes] == [True] * 20 + [False]
    assert "does not answer within 0.3 s" in seen.nodes[0].problems[0].summary
    assert (len(seen.kibana), len(seen.beats)) == (1, 1)
    assert taken < 3
