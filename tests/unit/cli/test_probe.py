"""`estui probe HOST:PORT` in a workspace that knows the address: the same judgement as of the target by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Shell, closed_port
from tests.unit.observe.servers import Ca, Leaf, server, tls

SSL = "xpack.security.transport.ssl"


@pytest.fixture
def leaf() -> Leaf:
    return Ca.create().issue("localhost")


def _lab(shell: Shell, port: int, trusted: bytes) -> None:
    """es-1 has its transport layer at this port; es-2 trusts these CAs."""
    for name, own in (("es-1", port), ("es-2", closed_port())):
        folder = shell.node(name)
        (folder / "ca.crt").write_bytes(trusted)
        lines = [
            each for each in (folder / "elasticsearch.yml").read_text().splitlines() if "transport.port" not in each
        ]
        lines = [each.replace("enabled: false", "enabled: true") for each in lines]
        lines += [f"transport.port: {own}", f"{SSL}.enabled: true", f"{SSL}.certificate_authorities: [ca.crt]"]
        (folder / "elasticsearch.yml").write_text("\n".join([*lines, f"{SSL}.verification_mode: certificate", ""]))
    assert shell.run("init", str(shell.home / "es-1"), str(shell.home / "es-2")) == 0, shell.err


def _told(shell: Shell, *what: str, code: int) -> dict[str, bool]:
    assert shell.run("probe", *what, "--json") == code, shell.out + shell.err
    return {f"{proof['target']} {proof['claim']}": proof["ok"] for proof in json.loads(shell.out)[0]["proofs"]}


def test_an_address_of_a_known_target_is_judged_by_its_peers(shell: Shell, tmp_path: Path, leaf: Leaf) -> None:
    with server(tls(leaf.context(tmp_path), lambda connection: None)) as address:
        _lab(shell, address.port, leaf.ca.pem)
        told = _told(shell, str(address), code=0)
        assert told["es-2 would accept es-1 transport"] is True
        assert shell.run("probe", str(address)) == 0
        assert "es-1 transport" in shell.out
        assert told.items() <= _told(shell, "es-1", code=1).items()


def test_a_peer_that_would_refuse_it_is_a_finding(shell: Shell, tmp_path: Path, leaf: Leaf) -> None:
    with server(tls(leaf.context(tmp_path), lambda connection: None)) as address:
        _lab(shell, address.port, Ca.create("Other CA").pem)
        assert _told(shell, str(address), code=3)["es-2 would accept es-1 transport"] is False
        own = tmp_path / "own.crt"
        own.write_bytes(leaf.ca.pem)
        assert shell.run("probe", str(address), "--ca", str(own)) == 0, "the CA that was given counts"


def test_a_workspace_that_cannot_be_read_is_no_hindrance(shell: Shell, tmp_path: Path, leaf: Leaf) -> None:
    shell.workspace.mkdir()
    (shell.workspace / "estui.yaml").write_text("nodes: {")
    with server(tls(leaf.context(tmp_path), lambda connection: None)) as address:
        assert shell.run("probe", str(address)) == 0
    assert "judged without the workspace" in shell.err
