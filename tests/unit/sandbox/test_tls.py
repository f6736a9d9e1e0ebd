"""TLS of a running node: what is served, and what a change of the files does (real-elasticsearch.md §7)."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from pathlib import Path

import pytest

from estui.formats.pkcs12 import write_keystore
from estui.secret import Secret

from .conftest import RunningNode, StartNode
from .makers import Pair, ask, client, keystore, make_leaf, pem_files, pem_settings, until, write_node

FAST = {"discovery.type": "single-node", "resource.reload.interval.high": "50ms"}


def serial(port: int) -> int:
    """Serial number of the certificate that a fresh connection is shown."""
    from cryptography import x509

    with socket.create_connection(("127.0.0.1", port), 5) as raw, client().wrap_socket(raw) as tls:
        der = tls.getpeercert(binary_form=True)
    assert der
    return x509.load_der_x509_certificate(der).serial_number


def secured(folder: Path, ports: tuple[int, int], http: Pair, ca: Pair, extra: dict[str, object] | None = None) -> Path:
    settings = {
        **FAST,
        "http.port": ports[0],
        "transport.port": ports[1],
        **pem_settings("http"),
        **(extra or {}),
    }
    return write_node(folder, settings, {"elasticsearch.keystore": keystore(), **pem_files("http", http, ca)})


@pytest.fixture
def node(tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]) -> RunningNode:
    running = start_node(secured(tmp_path, ports, make_leaf(ca), ca))
    until(running.is_up)
    return running


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize("other", ["ec", "rsa"])
def test_a_key_of_another_certificate_starts_and_every_handshake_fails(
    tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int], kind: str, other: str
) -> None:
    config = secured(tmp_path, ports, make_leaf(ca, kind=kind), ca)
    (config / "certs/http.key").write_bytes(make_leaf(ca, kind=other).pem_key)
    running = start_node(config)
    until(running.is_up)
    for context in (client(), client(ca)):
        with pytest.raises(ssl.SSLError, match="BAD_SIGNATURE"):
            ask(running.http, context=context)


def test_a_new_pair_is_served_and_the_log_says_so_for_each_file(node: RunningNode, ca: Pair) -> None:
    new = make_leaf(ca)
    write_pair(node.config, new)
    until(lambda: served(node.http) == new.certificate.serial_number)
    lines = [line for line in node.log.splitlines() if "updated 1 ssl contexts" in line]
    until(lambda: len([line for line in node.log.splitlines() if "updated 1 ssl contexts" in line]) >= 2)
    assert all(f"{node.config}/certs/http." in line for line in lines)


def test_an_open_connection_keeps_its_certificate_and_works_on(node: RunningNode, ca: Pair) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", node.http, context=client(ca), timeout=5)
    connection.request("GET", "/")
    connection.getresponse().read()
    before = connection.sock.getpeercert(binary_form=True)
    new = make_leaf(ca)
    write_pair(node.config, new)
    until(lambda: served(node.http) == new.certificate.serial_number)
    connection.request("GET", "/")
    assert connection.getresponse().status == 401
    assert connection.sock.getpeercert(binary_form=True) == before
    connection.close()


def test_a_set_switched_by_its_link_is_served(
    tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]
) -> None:
    first, second = make_leaf(ca), make_leaf(ca)
    settings = {**FAST, "http.port": ports[0], "transport.port": ports[1], **pem_settings("http", folder="set/current")}
    files = {"elasticsearch.keystore": keystore(), **pem_files("http", first, ca, folder="set/1")}
    config = write_node(tmp_path, settings, {**files, **pem_files("http", second, ca, folder="set/2")})
    for path in (config / "set/2").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))  # else size and time may be those of the other set
    (config / "set/current").symlink_to("1")
    running = start_node(config)
    until(running.is_up)
    assert serial(running.http) == first.certificate.serial_number
    (config / "set/next").symlink_to("2")
    (config / "set/next").rename(config / "set/current")
    until(lambda: served(running.http) == second.certificate.serial_number)


def test_a_file_that_is_gone_leaves_the_old_context_serving_with_one_warning(node: RunningNode) -> None:
    before = serial(node.http)
    (node.config / "certs/http.key").unlink()
    until(lambda: "cannot notify file changes listener" in node.log)
    assert f"cannot read configured PEM private key [{node.config}/certs/http.key] because the file" in node.log
    assert serial(node.http) == before
    assert node.log.count("cannot notify file changes listener") == 1


def test_a_file_that_comes_back_is_picked_up(node: RunningNode, ca: Pair) -> None:
    (node.config / "certs/http.crt").unlink()
    until(lambda: "cannot notify file changes listener" in node.log)
    new = make_leaf(ca)
    write_pair(node.config, new)
    until(lambda: served(node.http) == new.certificate.serial_number)


def test_garbage_leaves_the_old_context_serving(node: RunningNode) -> None:
    before = serial(node.http)
    (node.config / "certs/http.crt").write_bytes(b"garbage")
    until(lambda: "No certificate data found" in node.log)
    assert serial(node.http) == before


def test_a_certificate_alone_is_loaded_and_breaks_every_handshake_until_its_key_comes(
    node: RunningNode, ca: Pair
) -> None:
    new = make_leaf(ca)
    (node.config / "certs/http.crt").write_bytes(new.crt)

    def broken() -> bool:
        try:
            serial(node.http)
        except ssl.SSLError as error:
            return "BAD_SIGNATURE" in str(error)
        return False

    until(broken)
    (node.config / "certs/http.key").write_bytes(new.pem_key)
    until(lambda: not broken())
    assert serial(node.http) == new.certificate.serial_number


def test_the_same_size_and_modification_time_are_no_change(node: RunningNode, ca: Pair) -> None:
    # The watcher is asked itself: a running node could only be waited for in vain.
    from estui.sandbox.log import NodeLog
    from estui.sandbox.watcher import FileWatcher, Watch

    path = node.config / "certs/http.crt"
    seen: list[Path] = []

    def changed(which: Path) -> str:
        seen.append(which)
        return ""

    import io

    watcher = FileWatcher([Watch((path,), changed)], NodeLog("n", io.StringIO()))
    stamp = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-2] + b"-\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    watcher.poll()
    assert seen == []
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 2_000_000))
    watcher.poll()
    watcher.poll()
    assert seen == [path]


def test_a_store_with_another_password_is_not_taken(
    tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int]
) -> None:
    def store(leaf: Pair, password: str) -> bytes:
        return write_keystore("instance", leaf.key, leaf.certificate, [ca.certificate], Secret(password))

    first, second = make_leaf(ca), make_leaf(ca)
    prefix = "xpack.security.http.ssl"
    settings = {
        **{**FAST, "http.port": ports[0], "transport.port": ports[1]},
        **{f"{prefix}.enabled": True, f"{prefix}.keystore.path": "http.p12"},
    }
    files = {
        "elasticsearch.keystore": keystore({f"{prefix}.keystore.secure_password": "node-pass"}),
        "http.p12": store(first, "node-pass"),
    }
    running = start_node(write_node(tmp_path, settings, files))
    until(running.is_up)
    (running.config / "http.p12").write_bytes(store(second, "other-pass"))
    until(lambda: "this is usually caused by an incorrect password" in running.log)
    assert serial(running.http) == first.certificate.serial_number
    (running.config / "http.p12").write_bytes(store(second, "node-pass"))
    until(lambda: served(running.http) == second.certificate.serial_number)


@pytest.mark.parametrize(
    ("mode", "own", "accepted"),
    [
        ("none", "", True),
        ("none", "foreign", True),
        ("optional", "", True),
        ("optional", "good", True),
        ("optional", "foreign", False),
        ("required", "", False),
        ("required", "good", True),
        ("required", "foreign", False),
    ],
)
def test_client_certificates_on_http(
    tmp_path: Path,
    ca: Pair,
    other_ca: Pair,
    start_node: StartNode,
    ports: tuple[int, int],
    mode: str,
    own: str,
    accepted: bool,
) -> None:
    config = secured(tmp_path, ports, make_leaf(ca), ca, {"xpack.security.http.ssl.client_authentication": mode})
    running = start_node(config)
    until(running.is_up)
    path: Path | None = None
    if own:
        leaf = make_leaf(ca if own == "good" else other_ca, "client")
        path = tmp_path / "client.pem"
        path.write_bytes(leaf.crt + leaf.pem_key)
    if accepted:
        assert ask(running.http, context=client(ca, path)).status == 401
        return
    with pytest.raises(ssl.SSLError) as refused:
        ask(running.http, context=client(ca, path))
    if not own:
        assert "CERTIFICATE_REQUIRED" in str(refused.value).upper()
        until(lambda: "(certificate_required) Empty client certificate chain" in running.log)


def write_pair(config: Path, pair: Pair) -> None:
    for name, content in (("http.crt", pair.crt), ("http.key", pair.pem_key)):
        temporary = config / "certs" / f"{name}.new"
        temporary.write_bytes(content)
        temporary.rename(config / "certs" / name)


def served(port: int) -> int:
    """As `serial`, 0 while a handshake fails because one half of a pair was loaded before the other."""
    try:
        return serial(port)
    except ssl.SSLError:
        return 0
