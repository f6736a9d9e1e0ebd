"""Certificates for life on real nodes: leaves and CAs are replaced under load, and no client notices."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from estui.formats.pem import load_certificates
from estui.pki.keys import decrypt_key
from estui.secret import Secret
from tests.real.cluster import RealCluster
from tests.real.estui_command import Estui
from tests.real.handshakes import Handshakes, lets_in, served
from tests.real.load import Load
from tests.real.node import RealNode
from tests.unit.sandbox.makers import Pair, make_leaf
from tests.waiting import until

pytestmark = pytest.mark.real

Secured = tuple[RealCluster, Estui]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Three nodes with TLS on both layers, in files that estui wrote."""
    folder = tmp_path_factory.mktemp("lifetimes")
    cluster = RealCluster.create(folder / "cluster", 3, reload="2s")
    try:
        cluster.up()
        cluster.fill()
        estui = Estui(folder / "workspace")
        estui.init(cluster)
        estui.run("apply", "https", "--yes", "--restart")
        yield cluster, estui
    finally:
        cluster.down()


def authority(estui: Estui, name: str) -> Pair:
    """Certificate and key of a CA of the workspace."""
    folder = estui.workspace / "ca" / name
    passphrase = Secret(estui.passphrase.read_text().strip())
    key = decrypt_key((folder / "ca.key").read_bytes(), passphrase, "ca.key")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Pair(load_certificates((folder / "ca.crt").read_bytes(), "ca.crt")[0], key)


def trusting(estui: Estui, *names: str) -> ssl.SSLContext:
    """A client that trusts these CAs of the workspace."""
    text = "".join(estui.authority(name).read_text() for name in names)
    return ssl.create_default_context(cadata=text)


def test_sets_are_switched_under_a_hundred_handshakes_a_second(secured: Secured) -> None:
    """On every port of a node, from a client that checks what it is shown; not one fails."""
    cluster, estui = secured
    node = cluster.nodes[0]
    with Handshakes(node.http, trusting(estui, "http"), a_second=100) as load:
        for _ in range(3):
            before = served(node.http).serial_number
            estui.run("rotate", node.name, "--layer", "http", "--yes")
            assert served(node.http).serial_number != before
    assert load.failures == []
    assert load.done > 300


OFFSETS_S = (0.5, 2.0, 3.5, 5.0, 7.0)
"""How long after the begin of a rotation its node is killed: before, while and after its sets are switched."""


@contextmanager
def killed_and_started(node: RealNode, after_s: float) -> Iterator[threading.Thread]:
    """The node goes down after a while, and comes back at once."""

    def restart() -> None:
        time.sleep(after_s)
        node.stop()
        node.start().wait()

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(180)


@pytest.mark.parametrize("after_s", OFFSETS_S)
def test_a_node_that_restarts_while_its_sets_switch_ends_up_with_them(secured: Secured, after_s: float) -> None:
    """Whatever moment of its end or its start a set is switched in, the node serves it in the end."""
    cluster, estui = secured
    node = cluster.nodes[2]
    before, process = served(node.http).serial_number, node.pid
    with killed_and_started(node, after_s) as restart:
        done = estui.attempt("rotate", node.name, "--yes")
        if done.code == 1 and "bring it up first" in done.talk:  # refused before anything was done: it was down
            restart.join()
            done = estui.attempt("rotate", node.name, "--yes")
    assert node.pid != process
    if done.code != 0:  # the node was away when everything was proven
        estui.run("runbook", "resume", "--wait", "60")
    assert served_when_up(node.http) != before
    verdict = estui.json("verify")
    assert verdict["ok"], verdict


def served_when_up(port: int) -> int:
    """Serial of what a port serves, as soon as it does."""

    def shown() -> int:
        try:
            return served(port).serial_number
        except OSError:
            return 0

    return until(shown, 120)


def test_a_new_ca_on_both_layers_and_no_failed_request(secured: Secured, tmp_path: Path) -> None:
    """Three phases under keep-alive and fresh connections on all nodes; no restart; the old CA's leaves are refused."""
    cluster, estui = secured
    nodes = cluster.nodes
    processes = [node.pid for node in nodes]
    old = authority(estui, "transport")
    stolen = make_leaf(old, "es-1")
    login = f"elastic:{estui.password('elastic')}"
    estui.run("ca", "rollover", "start", "transport", "http", "--yes", code=3)
    assert all(lets_in(node.transport, stolen, tmp_path) for node in nodes)
    with Load([node.http for node in nodes], login, trusting(estui, "http", "http-2")) as load:
        refused = estui.attempt("ca", "rollover", "next", "--yes")
        assert (refused.code, "not ticked yet" in refused.talk) == (1, True), refused.talk
        estui.run("ca", "rollover", "tick", "--all", code=0)
        estui.run("ca", "rollover", "next", "--yes", code=3)
        assert {issuer(node.http) for node in nodes} == {subject(estui, "http-2")}
        assert {issuer(node.transport) for node in nodes} == {subject(estui, "transport-2")}
        estui.run("ca", "rollover", "status", code=3)
        estui.run("ca", "rollover", "tick", "--all", code=0)
        estui.run("ca", "rollover", "next", "--yes")
    assert load.failures == []
    assert load.asked > 50
    assert [node.pid for node in nodes] == processes
    verdict = estui.json("verify")
    assert verdict["ok"], verdict
    for node in nodes:
        assert not lets_in(node.transport, stolen, tmp_path)
        assert lets_in(node.transport, make_leaf(authority(estui, "transport-2"), "es-1"), tmp_path)
    seen = estui.json("ca", "rollover", "status")["state"]["clients"]
    assert any(client["id"].startswith("http 127.0.0.1") for client in seen), seen


def issuer(port: int) -> str:
    return served(port).issuer.rfc4514_string()


def subject(estui: Estui, name: str) -> str:
    return load_certificates(estui.authority(name).read_bytes(), name)[0].subject.rfc4514_string()


def test_the_rollover_is_undone_phase_by_phase(secured: Secured) -> None:
    """Last of all: three undone runs later every leaf is of the first CAs again."""
    cluster, estui = secured
    for _ in range(3):
        estui.run("rollback", "--yes")
    assert {issuer(node.http) for node in cluster.nodes} == {subject(estui, "http")}
    assert estui.json("verify")["ok"]
