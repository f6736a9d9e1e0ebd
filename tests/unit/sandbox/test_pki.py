"""Logging in by certificate at a node of the sandbox, as 9.1.0 was seen to do it."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.sandbox.settings import StartupError

from .conftest import RunningNode, StartNode
from .makers import SEED, Pair, ask, client, make_leaf, until
from .test_tls import secured

REALM = "xpack.security.authc.realms.pki.p1"
ELASTIC = f"elastic:{SEED}"
MAPPING = b'viewer:\n  - "CN=alice"\n'


@pytest.fixture
def settings() -> dict[str, object]:
    return {
        "xpack.security.http.ssl.client_authentication": "optional",
        f"{REALM}.order": 2,
        f"{REALM}.certificate_authorities": ["certs/http-ca.crt"],
    }


def started(
    folder: Path, ports: tuple[int, int], ca: Pair, start: StartNode, settings: dict[str, object]
) -> RunningNode:
    config = secured(folder, ports, make_leaf(ca), ca, settings)
    (config / "role_mapping.yml").write_bytes(MAPPING)
    running = start(config)
    until(running.is_up)
    return running


def own(folder: Path, ca: Pair, name: str) -> Path:
    leaf = make_leaf(ca, name)
    path = folder / f"{name}.pem"
    path.write_bytes(leaf.crt + leaf.pem_key)
    return path


def test_the_realm_needs_a_licence_and_maps_by_its_file(
    tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int], settings: dict[str, object]
) -> None:
    node = started(tmp_path, ports, ca, start_node, settings)
    alice = client(ca, own(tmp_path, ca, "alice"))
    assert ask(node.http, "/_security/_authenticate", context=alice).status == 401, "basic licence"
    assert until(lambda: trial(node, ca) == 200)
    assert trial(node, ca) == 403, "once in the life of a cluster"
    found = ask(node.http, "/_security/_authenticate", context=alice).body
    assert (found["username"], found["roles"]) == ("alice", ["viewer"])
    assert found["authentication_realm"] == {"name": "p1", "type": "pki"}
    bob = client(ca, own(tmp_path, ca, "bob"))
    assert ask(node.http, "/_security/_authenticate", context=bob).body["roles"] == []
    assert ask(node.http, context=bob).status == 200
    assert ask(node.http, "/_cluster/health", context=bob).status == 403
    (tmp_path / "config" / "role_mapping.yml").write_bytes(MAPPING.replace(b"alice", b"bob"))
    until(lambda: ask(node.http, "/_security/_authenticate", context=bob).body["roles"] == ["viewer"])
    with_password = ask(node.http, "/_security/_authenticate", user=ELASTIC, context=alice)
    assert with_password.body["username"] == "elastic", "a password counts before a certificate"


def trial(node: RunningNode, ca: Pair) -> int:
    path = "/_license/start_trial?acknowledge=true"
    return ask(node.http, path, method="POST", user=ELASTIC, context=client(ca)).status


def test_a_realm_without_an_order_is_fatal(
    tmp_path: Path, ca: Pair, start_node: StartNode, ports: tuple[int, int], settings: dict[str, object]
) -> None:
    del settings[f"{REALM}.order"]
    with pytest.raises(StartupError, match="'order' is a mandatory parameter"):
        started(tmp_path, ports, ca, start_node, settings)
