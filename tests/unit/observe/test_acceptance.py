"""Which CAs a port names when it asks for a client certificate: OpenSSL's own server as the witness."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from estui.model.inventory import Address
from estui.observe.acceptance import announced
from estui.observe.probe import probe
from tests.unit.observe.servers import Ca
from tests.waiting import until

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def _server(folder: Path, *options: str) -> Iterator[Address]:
    """`openssl s_server`, which names the CAs of `-CAfile` where it asks for a certificate."""
    certificate, key = Ca.create().issue("localhost").write(folder)
    address = Address("127.0.0.1", _free_port())
    files = ["-cert", str(certificate), "-key", str(key)]
    command = ["openssl", "s_server", "-www", "-accept", str(address.port), *files]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: probe(address, timeout_s=1.0).chain != (), 10)
            yield address
        finally:
            process.terminate()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_accepted_cas_are_heard_by_name(tmp_path: Path, version: str) -> None:
    first, second = Ca.create("first"), Ca.create("second")
    (tmp_path / "ca.crt").write_bytes(first.pem + second.pem)
    with _server(tmp_path, "-Verify", "3", "-CAfile", str(tmp_path / "ca.crt"), version) as address:
        named = announced(address, timeout_s=5.0)
    assert set(named) == {each.certificate.subject.public_bytes() for each in (first, second)}


def test_a_port_that_asks_for_nothing_names_nobody(tmp_path: Path) -> None:
    with _server(tmp_path) as address:
        assert announced(address, timeout_s=5.0) == ()
