"""What a running node does when its certificate files change."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path

import pytest

from tests.contract import folders
from tests.contract.behaviours import proves
from tests.contract.conftest import ELASTIC
from tests.contract.labs import LabNode
from tests.real.handshakes import serial
from tests.unit.sandbox.makers import Answer, Pair, ask, client, make_leaf
from tests.waiting import until

POLLS_S = 12 * folders.POLL_S + 3.0
"""Longest wait for a poll: many intervals, on a machine that is busy."""


def served(port: int) -> int:
    """As `serial`, 0 where the handshake fails."""
    try:
        return serial(port)
    except ssl.SSLError:
        return 0


def publish(node: LabNode, leaf: Pair, ca: Pair) -> Path:
    """A fresh set for transport, and the wait until it is served and each of its files was seen."""
    since = len(node.log)
    folder = folders.publish(node.config, "transport", folders.pem_set(leaf, ca))
    until(lambda: served(node.transport) == leaf.certificate.serial_number, POLLS_S)
    for name in ("node.crt", "node.key", "ca.crt"):
        said(node, f"using file [{node.config}/tls/transport/current/{name}]", since)
    return folder


@pytest.fixture
def folder(secured: LabNode, ca: Pair) -> Path:
    """The folder of a fresh transport set, served."""
    return publish(secured, make_leaf(ca, "n1"), ca)


def said(node: LabNode, text: str, since: int) -> None:
    until(lambda: text in node.log[since:], POLLS_S)


def poll(node: LabNode) -> None:
    """Waits for a poll to have been there: the file realm is polled with the certificates, and tells of new users."""
    users, since = node.config / "users", len(node.log)
    folders.replace(users, users.read_bytes() + b"user%d:secret\n" % since)
    said(node, f"users file [{users}] changed. updating users...", since)


@proves("reload.pair")
def test_a_set_switched_by_its_link_is_served_with_a_log_line_for_each_file(secured: LabNode, ca: Pair) -> None:
    since = len(secured.log)
    publish(secured, make_leaf(ca, "n1"), ca)
    assert secured.log[since:].count("updated 1 ssl contexts in ") == 3


@proves("reload.open-connections", "reload.store-password")
def test_a_store_is_taken_under_an_open_connection_but_not_with_another_password(secured: LabNode, ca: Pair) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", secured.http, context=client(ca), timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    before = connection.sock.getpeercert(binary_form=True)
    old, since = served(secured.http), len(secured.log)
    folders.publish(secured.config, "http", folders.store_set(make_leaf(ca, "n1"), ca, "another"))
    said(secured, "this is usually caused by an incorrect password", since)
    assert served(secured.http) == old
    new = make_leaf(ca, "n1")
    folders.publish(secured.config, "http", folders.store_set(new, ca))
    until(lambda: served(secured.http) == new.certificate.serial_number, POLLS_S)
    connection.request("GET", "/")
    assert connection.getresponse().status == 401
    assert connection.sock.getpeercert(binary_form=True) == before
    connection.close()


@proves("reload.missing", "reload.back", "reload.no-retry", "api.certificates-bad")
def test_a_file_that_is_gone_changes_nothing_until_it_is_back(secured: LabNode, ca: Pair, folder: Path) -> None:
    before, since = served(secured.transport), len(secured.log)
    (folder / "node.crt").unlink()
    path = secured.config / "tls/transport/current/node.crt"
    reason = f"cannot read configured PEM certificate [{path}] because the file does not exist"
    said(secured, reason, since)
    assert served(secured.transport) == before
    answer = certificates(secured, ca)
    assert (answer.status, answer.body["error"]["type"]) == (500, "ssl_config_exception")
    assert answer.body["error"]["reason"] == reason
    for _ in range(3):
        poll(secured)
    assert secured.log[since:].count("cannot notify file changes listener") == 1
    new = make_leaf(ca, "n1")
    folders.replace(folder / "node.key", new.pem_key)
    folders.replace(folder / "node.crt", new.crt)
    until(lambda: served(secured.transport) == new.certificate.serial_number, POLLS_S)


@proves("api.certificates-key")
def test_ssl_certificates_does_not_miss_a_key(secured: LabNode, ca: Pair, folder: Path) -> None:
    (folder / "node.key").unlink()
    assert certificates(secured, ca).status == 200


@proves("reload.garbage")
def test_garbage_leaves_the_old_context_serving(secured: LabNode, folder: Path, ca: Pair) -> None:
    before, since = served(secured.transport), len(secured.log)
    folders.replace(folder / "node.crt", b"garbage\n")
    said(secured, "No certificate data found", since)
    assert served(secured.transport) == before


@proves("reload.half")
def test_a_certificate_without_its_key_breaks_every_handshake_until_the_key_comes(
    secured: LabNode, folder: Path, ca: Pair
) -> None:
    new, since = make_leaf(ca, "n1"), len(secured.log)
    folders.replace(folder / "node.crt", new.crt)
    until(lambda: served(secured.transport) == 0, POLLS_S)
    said(secured, "updated 1 ssl contexts", since)
    with pytest.raises(ssl.SSLError, match="BAD_SIGNATURE"):
        serial(secured.transport)
    folders.replace(folder / "node.key", new.pem_key)
    until(lambda: served(secured.transport) == new.certificate.serial_number, POLLS_S)


@proves("reload.same-stamp")
def test_the_same_size_and_modification_time_are_no_change(secured: LabNode, folder: Path, ca: Pair) -> None:
    path, since = folder / "node.crt", len(secured.log)
    content, stamp = path.read_bytes(), path.stat().st_mtime_ns
    fresh = path.with_name("fresh")
    fresh.write_bytes(make_leaf(ca, "n1").crt.ljust(len(content), b"\n")[: len(content)])
    folders.stamp(fresh, stamp)
    fresh.rename(path)
    for _ in range(2):
        poll(secured)
    assert "ssl contexts" not in secured.log[since:]
    folders.stamp(path, stamp + 2_000_000)
    said(secured, f"using file [{secured.config}/tls/transport/current/node.crt]", since)


@proves("api.certificates-disk")
def test_ssl_certificates_shows_the_disk_at_once(secured: LabNode, ca: Pair) -> None:
    new = make_leaf(ca, "n1")
    folders.publish(secured.config, "transport", folders.pem_set(new, ca))
    rows = {row["path"]: row["serial_number"] for row in certificates(secured, ca).body}
    assert rows["tls/transport/current/node.crt"] == f"{new.certificate.serial_number:x}"
    until(lambda: served(secured.transport) == new.certificate.serial_number, POLLS_S)


def certificates(node: LabNode, ca: Pair) -> Answer:
    return ask(node.http, "/_ssl/certificates", user=ELASTIC, context=client(ca))
