"""Hostile peers are bounded and reported, and hold up nobody else; credentials go to proven ones only."""

from __future__ import annotations

import base64
import gzip
import itertools
import os
import resource
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx  # noqa: F401 - takes a while the first time, which is no fault of a peer
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from estui.act.consent import PlainHttpError, may_send_plain, refused
from estui.act.context import Context
from estui.act.peers import Peers
from estui.errors import ProbeError
from estui.formats.pem import certificate_pem, private_key_pem
from estui.model.inventory import Address
from estui.model.observed import PortState
from estui.observe.http import Basic, Client, Tls
from estui.observe.probe import probe, probe_many
from estui.secret import Secret
from tests.unit.observe.servers import Ca, Handler, Leaf, answer, http, read_request, server, tls, wait_for_end

ELASTIC = Basic("elastic", Secret("hunter2"))
TOKEN = base64.b64encode(b"elastic:hunter2")
PATIENCE_S, SLACK_S = 1.0, 5.0


@pytest.fixture(scope="module")
def leaf() -> Leaf:
    return Ca.create().issue("localhost")


@contextmanager
def bounded(megabytes: int = 100) -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < PATIENCE_S + SLACK_S
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < megabytes


def never(connection: socket.socket) -> None:
    wait_for_end(connection)


def slowly(connection: socket.socket) -> None:
    """A byte now and then, for ever."""
    read_request(connection)
    for byte in itertools.cycle(b"HTTP/1.1 200 OK\r\nx: y\r\n"):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def endless_headers(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        connection.sendall(b"x-%d: " % number + b"y" * 1000 + b"\r\n")


def endless_body(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")


def compressed_bomb(connection: socket.socket) -> None:
    """1 MB that becomes 1 GB for who unpacks it, which nobody asked for."""
    read_request(connection)
    packed = gzip.compress(bytes(1 << 20)) * 1000
    connection.sendall(answer(packed, "200 OK", "content-encoding: gzip"))


def closing_in_the_handshake(connection: socket.socket) -> None:
    connection.recv(100)
    connection.sendall(b"\x16\x03\x03\x00\x7a\x02")


def many_redirects(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(answer(b"", "302 Found", "location: /again"))


HOSTILE: dict[str, Handler] = {
    "never answers": never,
    "a byte now and then": slowly,
    "endless headers": endless_headers,
    "endless body": endless_body,
    "compressed bomb": compressed_bomb,
    "closes in the handshake": closing_in_the_handshake,
    "redirects for ever": many_redirects,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_port_is_given_up_in_time_and_told(name: str) -> None:
    with server(HOSTILE[name]) as address, bounded():
        served = probe(address, timeout_s=PATIENCE_S)
    assert served.address == address
    assert served.detail.isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_is_given_up_in_time_and_told(name: str) -> None:
    with (
        server(HOSTILE[name]) as address,
        Client(address, None, timeout_s=PATIENCE_S) as client,
        bounded(),
        pytest.raises(ProbeError) as told,  # redirects come as they are, and the bomb packed: neither is JSON
    ):
        client.request("GET", "/").json()
    assert told.value.summary.isprintable()


def test_one_hostile_port_holds_up_no_other(leaf: Leaf, tmp_path: Path) -> None:
    with (
        server(never) as silent,
        server(slowly) as slow,
        server(tls(leaf.context(tmp_path), never)) as honest,
    ):
        begin = time.monotonic()
        *_, last = probe_many([silent, slow] * 3 + [honest], timeout_s=PATIENCE_S, workers=8)
        assert time.monotonic() - begin < PATIENCE_S + SLACK_S
    assert last.state is PortState.TLS
    assert last.leaf is not None
    assert last.leaf.sha256 == leaf.facts.sha256


def big_certificate(size: int) -> tuple[bytes, bytes]:
    """PEM of a self-signed certificate with an extension of `size` bytes, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(size)), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate_pem(made), private_key_pem(key)


def test_a_chain_of_a_megabyte_is_refused_and_told(tmp_path: Path) -> None:
    certificate, key = big_certificate(40_000)
    (tmp_path / "pem").write_bytes(certificate * 25 + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    with server(tls(context, never)) as address, bounded():
        served = probe(address, timeout_s=PATIENCE_S)
    assert not served.chain
    assert "excessive message size" in served.detail or served.state is not PortState.TLS


def changing(contexts: list[ssl.SSLContext], seen: list[bytes]) -> Handler:
    """A port that serves another certificate at each handshake, and notes what it is told after it."""
    turns = itertools.cycle(contexts)

    def serve(connection: socket.socket) -> None:
        with next(turns).wrap_socket(connection, server_side=True) as wrapped:
            seen.append(read_request(wrapped))
            wrapped.sendall(answer(b"{}"))

    return serve


def test_a_certificate_that_changes_between_two_handshakes_gets_no_credentials(leaf: Leaf, tmp_path: Path) -> None:
    """What a probe has seen is no proof for the next connection: each one is verified itself."""
    other = Ca.create("another CA").issue("localhost")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    seen: list[bytes] = []
    contexts = [leaf.context(tmp_path / "a"), other.context(tmp_path / "b")]
    with (
        server(changing(contexts, seen)) as address,
        Client(address, Tls((leaf.ca.facts,)), ELASTIC, timeout_s=PATIENCE_S) as client,
    ):
        assert client.request("GET", "/").status == 200
        with pytest.raises(ProbeError, match="not issued by a CA that is trusted"):
            client.request("GET", "/")
    assert [TOKEN in request for request in seen] == [True]


# credentials


def noted(seen: list[bytes]) -> Handler:
    def respond(path: str, request: bytes) -> bytes:
        seen.append(request)
        return answer(b"{}")

    return http(respond)


@pytest.mark.parametrize(
    "trust",
    [
        pytest.param(lambda leaf: Tls((Ca.create("another").facts,)), id="another CA"),
        pytest.param(lambda leaf: Tls((leaf.ca.facts,), server_name="es-9"), id="another name"),
    ],
)
def test_no_credentials_over_tls_of_another_ca_or_name(
    leaf: Leaf, tmp_path: Path, trust: Callable[[Leaf], Tls]
) -> None:
    seen: list[bytes] = []
    with (
        server(tls(leaf.context(tmp_path), noted(seen))) as address,
        Client(address, trust(leaf), ELASTIC, timeout_s=PATIENCE_S) as client,
        pytest.raises(ProbeError),
    ):
        client.request("GET", "/")
    assert not seen


@pytest.mark.parametrize("unproven", [Tls(), Tls(check_name=False)])
def test_credentials_with_unverified_tls_cannot_even_be_asked_for(unproven: Tls) -> None:
    with pytest.raises(ValueError, match="never sent"):
        Client(Address("es-1", 9200), unproven, ELASTIC)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_to_another_host_are_not_followed(status: str) -> None:
    seen: list[bytes] = []
    with server(noted(seen)) as elsewhere:
        lead = f"location: http://{elsewhere}/"
        with (
            server(http(lambda path, request: answer(b"", status, lead))) as address,
            Client(address, None, ELASTIC, timeout_s=PATIENCE_S) as client,
        ):
            assert client.request("GET", "/").status == int(status[:3])
    assert not seen


def test_proxies_and_netrc_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[bytes] = []
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login elastic password hunter2\n")
    with server(noted(seen)) as proxy, server(noted([])) as address:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{proxy}")
            monkeypatch.setenv(name.lower(), f"http://{proxy}")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
        with Client(address, None, timeout_s=PATIENCE_S) as client:
            assert client.request("GET", "/").status == 200
        assert probe(address, timeout_s=PATIENCE_S).state is PortState.PLAIN
    assert not seen


def run_of(*, agreed: bool) -> Context:
    return cast(Context, SimpleNamespace(plain_http=agreed))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.3.4"])
def test_a_login_over_plain_http_to_this_host_needs_no_consent(host: str) -> None:
    assert may_send_plain(run_of(agreed=False), Address(host, 9200))


@pytest.mark.parametrize("host", ["10.0.0.5", "es-1", "es-1.example.net", "0.0.0.0", "::", "localhost.example.net"])
def test_a_login_over_plain_http_to_another_host_needs_consent(host: str) -> None:
    assert not may_send_plain(run_of(agreed=False), Address(host, 9200))
    assert may_send_plain(run_of(agreed=True), Address(host, 9200))


class _Remote(Peers):
    """Peers whose only node is on another host and speaks plain HTTP."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self._nodes = {"es-1": cast(Any, None)}

    def read_node(self, target: str) -> Any:
        return SimpleNamespace(
            target="es-1", http_address=Address("10.0.0.5", 9200), setting=lambda key: None, disk={}, settings={}
        )


def context_of(*, agreed: bool, credentials: bool, scenario: str) -> Any:
    plan = SimpleNamespace(goal=SimpleNamespace(scenario=scenario), changes=())
    pair = ("elastic", Secret("hunter2")) if credentials else None
    return SimpleNamespace(plain_http=agreed, plan=plan, credentials=pair, passwords={})


def test_a_run_that_would_send_logins_over_plain_http_is_refused_before_it_begins() -> None:
    with pytest.raises(PlainHttpError) as told:
        _Remote(context_of(agreed=False, credentials=True, scenario="basic")).refuse_plain(None)
    assert told.value.reasons == ("es-1 (10.0.0.5:9200)",)
    assert "--plain-http" in told.value.hint
    with pytest.raises(ProbeError, match="--plain-http"):
        _Remote(context_of(agreed=False, credentials=True, scenario="basic")).client("es-1", ELASTIC)


@pytest.mark.parametrize(
    ("agreed", "credentials", "scenario"), [(True, True, "basic"), (False, False, "basic"), (False, True, "https")]
)
def test_a_run_that_was_agreed_to_or_sends_none_begins(agreed: bool, credentials: bool, scenario: str) -> None:
    _Remote(context_of(agreed=agreed, credentials=credentials, scenario=scenario)).refuse_plain(None)


def test_what_was_agreed_to_for_a_run_holds_for_its_undoing() -> None:
    context = context_of(agreed=False, credentials=True, scenario="basic")
    _Remote(context).refuse_plain(run_of(agreed=True))
    assert context.plain_http


def test_a_refusal_of_many_nodes_is_short() -> None:
    assert len(refused([f"es-{number}" for number in range(1000)]).reasons) < 20
