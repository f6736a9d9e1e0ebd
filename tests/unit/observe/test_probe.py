"""A probe says what a port does, in words, within its time."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from estui.model.inventory import Address
from estui.model.observed import PortState
from estui.observe import sockets
from estui.observe.probe import is_refused, probe, probe_many
from estui.observe.sockets import ConnectionFailed, Deadline
from tests.unit.observe.servers import (
    Ca,
    Leaf,
    answer,
    http,
    refused_address,
    server,
    tls,
    wait_for_end,
)


def test_tls_shows_the_chain_as_served_with_version_and_cipher(leaf: Leaf, tmp_path: Path) -> None:
    with server(tls(leaf.context(tmp_path), wait_for_end)) as address:
        served = probe(address)
    assert served.state is PortState.TLS
    assert [facts.sha256 for facts in served.chain] == [leaf.facts.sha256, leaf.ca.facts.sha256]
    assert (served.tls_version, served.client_certificate, served.detail) == ("TLSv1.3", "", "")
    assert served.cipher.startswith("TLS_")


def test_without_the_chain_the_leaf_alone_is_told(leaf: Leaf, tmp_path: Path) -> None:
    """A Python whose private method has gone still shows the leaf."""
    with (
        server(tls(leaf.context(tmp_path), wait_for_end)) as address,
        sockets.wrap(
            sockets.connect(address, Deadline.after(3)), sockets.unverifying_context(), "localhost"
        ) as connected,
    ):
        connected.do_handshake()

        class Bare:
            def getpeercert(self, binary_form: bool) -> bytes | None:
                assert binary_form
                return connected.getpeercert(True)

        bare: ssl.SSLSocket = Bare()  # type: ignore[assignment]
        assert sockets.served_chain(bare) == (sockets.served_chain(connected)[0],)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_demanded_client_certificate_is_told_and_the_leaf_is_shown_all_the_same(
    version: ssl.TLSVersion, leaf: Leaf, tmp_path: Path
) -> None:
    context = leaf.context(tmp_path)
    context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=leaf.ca.pem.decode())
    with server(tls(context, wait_for_end)) as address:
        served = probe(address)
    assert (served.state, served.client_certificate) == (PortState.TLS, "demanded")
    assert served.leaf is not None
    assert served.leaf.sha256 == leaf.facts.sha256


def test_a_certificate_that_does_not_match_its_key_is_not_shown_as_served(ca: Ca, tmp_path: Path) -> None:
    """Elasticsearch loads such a pair in silence; the leaf must not pass for one in use.

    OpenSSL as a server refuses the pair, so a proxy swaps the leaf, which TLS 1.2 sends in clear.
    """
    real = ca.issue("localhost")
    false = next(leaf for leaf in iter(lambda: ca.issue("localhost"), None) if len(der(leaf)) == len(der(real)))
    context = real.context(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    with server(tls(context)) as behind:

        def swap(connection: socket.socket) -> None:
            with socket.create_connection((behind.host, behind.port)) as onward:
                onward.sendall(connection.recv(4096))
                flight = b""
                while b"\x0e\x00\x00\x00" not in flight[-4:]:  # ServerHelloDone
                    flight += onward.recv(4096)
                connection.sendall(flight.replace(der(real), der(false)))
                connection.recv(4096)

        with server(swap) as address:
            served = probe(address)
    assert (served.state, served.chain) == (PortState.TLS, ())
    assert served.detail == "the served certificate does not belong to the server's private key"


def der(leaf: Leaf) -> bytes:
    return leaf.facts.der


def test_plain_http_is_told_from_tls() -> None:
    with server(http(lambda path, request: answer(b"{}"))) as address:
        served = probe(address)
    assert (served.state, served.detail, served.chain) == (PortState.PLAIN, "HTTP without TLS", ())


def test_a_plain_port_that_waits_for_more_of_a_client_hello_is_still_found_out() -> None:
    def patient(connection: socket.socket) -> None:
        if connection.recv(4096).startswith(b"\x16"):
            wait_for_end(connection)
        else:
            connection.sendall(answer(b"{}"))

    with server(patient) as address:
        assert probe(address, timeout_s=0.6).state is PortState.PLAIN


def test_a_plain_transport_port_is_known_by_its_text() -> None:
    """It closes on a ClientHello and answers HTTP with a text (Elasticsearch 9.1.0)."""

    def transport(connection: socket.socket) -> None:
        if connection.recv(4096).startswith(b"GET "):
            connection.sendall(b"This is not an HTTP port")

    with server(transport) as address:
        served = probe(address)
    assert (served.state, served.detail) == (PortState.PLAIN, "transport without TLS")


def test_a_port_that_only_closes_is_silent() -> None:
    with server(lambda connection: None) as address:
        served = probe(address)
    assert served.state is PortState.SILENT


def test_a_server_that_dies_within_the_handshake_is_no_plain_text() -> None:
    def half(connection: socket.socket) -> None:
        hello = connection.recv(4096)
        if hello.startswith(b"\x16"):
            connection.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")

    with server(half) as address:
        served = probe(address)
    assert served.state is PortState.SILENT
    assert served.chain == ()


def test_a_tls_server_that_answers_plain_text_with_an_alert_is_tls() -> None:
    def alerting(connection: socket.socket) -> None:
        if connection.recv(4096).startswith(b"GET "):
            connection.sendall(b"\x15\x03\x03\x00\x02\x02\x50")

    with server(alerting) as address:
        assert probe(address).state is PortState.TLS


def test_a_server_of_old_tls_only_is_told_as_such() -> None:
    def too_old(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")  # fatal, protocol_version

    with server(too_old) as address:
        served = probe(address)
    assert (served.state, served.chain) == (PortState.TLS, ())
    assert "no common version of TLS" in served.detail


def test_a_closed_port_is_refused_and_only_that_is_evidence() -> None:
    address = refused_address()
    served = probe(address)
    assert (served.state, served.detail) == (PortState.REFUSED, "connection refused")
    assert is_refused(address)
    with server(wait_for_end) as open_port:
        assert not is_refused(open_port)


def test_a_server_that_accepts_and_hangs_is_given_up_in_time() -> None:
    with server(wait_for_end) as address:
        begin = time.monotonic()
        served = probe(address, timeout_s=0.3)
        taken = time.monotonic() - begin
    assert served.state is PortState.TIMED_OUT
    assert "within 0.3 s" in served.detail
    assert taken < 1


def test_a_server_that_dribbles_is_given_up_in_time() -> None:
    """Each byte restarts the time-out of a single read; the whole has one deadline."""
    stop = threading.Event()

    def dribble(connection: socket.socket) -> None:
        while not stop.wait(0.05):
            connection.sendall(b"\x16")

    with server(dribble) as address:
        begin = time.monotonic()
        probe(address, timeout_s=0.4)
        taken = time.monotonic() - begin
        stop.set()
    assert taken < 1


def test_endless_plain_text_is_not_read_to_its_end() -> None:
    def endless(connection: socket.socket) -> None:
        connection.recv(4096)
        while True:
            connection.sendall(b"x" * 65536)

    with server(endless) as address:
        served = probe(address)
    assert (served.state, served.detail) == (PortState.PLAIN, "an unknown protocol without TLS")


def test_an_unknown_host_name_is_told_apart_from_a_dead_host() -> None:
    served = probe(Address("no-such-host.invalid", 9200))
    assert served.state is PortState.UNREACHABLE
    assert "no-such-host.invalid is unknown" in served.detail


def test_a_name_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    real = socket.getaddrinfo

    def hanging(host: str, port: int, *, type: int, flags: int) -> object:  # noqa: A002 - its name there
        if not flags:
            released.wait(10)
        return real(host, port, type=type, flags=flags)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    try:
        served = probe(Address("slow.invalid", 9200), timeout_s=0.2)
    finally:
        released.set()
    assert served.state is PortState.TIMED_OUT
    assert "looking up host name slow.invalid" in served.detail


@pytest.mark.parametrize("host", ["", "a" * 300, "bad\x00name", ".."])
def test_a_host_that_cannot_be_one_is_no_crash(host: str) -> None:
    assert probe(Address(host, 9200), timeout_s=0.5).state in (PortState.UNREACHABLE, PortState.REFUSED)


def test_a_port_number_that_cannot_be_is_no_crash() -> None:
    assert probe(Address("127.0.0.1", 99999), timeout_s=0.5).state is PortState.UNREACHABLE


def test_a_host_with_a_refused_and_a_missing_family_counts_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` is ::1 and 127.0.0.1; where this host has no IPv6, the other address decides."""
    closed = refused_address()
    targets = [(socket.AF_INET6, ("::1", closed.port)), (socket.AF_INET, (closed.host, closed.port))]
    monkeypatch.setattr(sockets, "_look_up", lambda address, flags: targets)
    real = sockets._connect_one

    def connect_one(family: int, target: tuple[object, ...], timeout_s: float) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
        return real(family, target, timeout_s)

    monkeypatch.setattr(sockets, "_connect_one", connect_one)
    with pytest.raises(ConnectionFailed) as caught:
        sockets.connect(Address("localhost", closed.port), Deadline.after(1))
    assert caught.value.state is PortState.REFUSED


def test_many_probes_come_back_in_order_and_a_hanging_one_holds_up_nobody(leaf: Leaf, tmp_path: Path) -> None:
    with server(wait_for_end) as hanging, server(tls(leaf.context(tmp_path), wait_for_end)) as serving:
        begin = time.monotonic()
        answers = probe_many([hanging, serving, refused_address()], timeout_s=0.5)
        taken = time.monotonic() - begin
    assert [answer.state for answer in answers] == [PortState.TIMED_OUT, PortState.TLS, PortState.REFUSED]
    assert taken < 1.2


def test_sni_is_the_host_unless_another_name_is_given(leaf: Leaf, tmp_path: Path) -> None:
    seen: list[str | None] = []
    context = leaf.context(tmp_path)
    context.set_servername_callback(lambda connection, name, of: seen.append(name))
    with server(tls(context, wait_for_end)) as address:
        probe(Address("localhost", address.port))
        probe(address, server_name="logs.example.net")
    assert seen == ["localhost", "logs.example.net"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("asks", [False, True])
def test_a_client_certificate_that_is_asked_for_but_not_demanded_is_told(
    version: ssl.TLSVersion, asks: bool, leaf: Leaf, tmp_path: Path
) -> None:
    context = leaf.context(tmp_path)
    context.maximum_version = version
    if asks:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=leaf.ca.pem.decode())
    with server(tls(context, wait_for_end)) as address:
        served = probe(address)
    assert (served.asks_certificate, served.client_certificate) == (asks, "")
