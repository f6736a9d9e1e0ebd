"""A whole cluster at once: everything is asked, nothing holds up the rest, and credentials go to proven nodes only."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

import pytest

from estui.model.inventory import Address, Inventory, KibanaEntry, Layer, NodeEntry
from estui.model.observed import AuthorityFacts, Observed, ObservedKibana, ObservedNode, PortState
from estui.model.version import Version
from estui.observe import cluster
from estui.observe.cluster import client_factory, observe, published_address
from estui.observe.folder import observe_node_folder
from estui.observe.http import Basic
from estui.secret import Secret
from tests.unit.observe.servers import Ca, Handler, Leaf, answer, http, refused_address, server, tls, wait_for_end
from tests.unit.observe.test_es_api import BODIES, MISSING, NO_HANDLER, node

ELASTIC = Basic("elastic", Secret("hunter2"))


def entry(tmp_path: Path, address: Address | None, yml: str = "node.name: n1\n", name: str = "n1") -> NodeEntry:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / "elasticsearch.yml").write_text(yml)
    return NodeEntry(str(folder), http=address, transport=refused_address())


def look(*nodes: NodeEntry, ca: Ca | None = None, credentials: Basic | None = None, plain: bool = False) -> Observed:
    authorities = (AuthorityFacts("http", ca.facts, True),) if ca else ()
    return observe(
        Inventory("lab", nodes),
        authorities,
        digest_key=b"k" * 32,
        client_for=client_factory(credentials, over_plain=plain, timeout_s=1.0),
        timeout_s=1.0,
    )


def secured(seen: list[bytes]) -> Handler:
    """A node that wants credentials, and notes each request."""

    def respond(path: str, request: bytes) -> bytes:
        seen.append(request)
        known = answer(BODIES[path]) if path in BODIES else NO_HANDLER
        return known if b"authorization: " in request.lower() else MISSING

    return http(respond)


def test_an_unsecured_node_is_told_with_name_version_and_ports(tmp_path: Path) -> None:
    with server(node(user=NO_HANDLER)) as address:
        seen = look(entry(tmp_path, address, yml="# all comments\n")).nodes[0]
    assert (seen.name, seen.name_stated) == ("n1", False)
    assert (seen.version, seen.version_source) == (Version(9, 1, 0), "API")
    assert seen.port(Layer.HTTP).state is PortState.PLAIN
    assert seen.port(Layer.TRANSPORT).state is PortState.REFUSED
    assert (seen.api.secured, len(seen.api.members)) == (False, 1)


def test_without_network_no_port_is_asked(tmp_path: Path) -> None:
    asked: list[bytes] = []
    with server(secured(asked)) as address:
        got = observe(Inventory("lab", (entry(tmp_path, address),)), digest_key=b"k", network=False)
    assert got.nodes[0].port(Layer.HTTP).state is PortState.NOT_ASKED
    assert asked == []


def test_credentials_go_to_a_node_whose_certificate_is_of_a_workspace_ca(tmp_path: Path, leaf: Leaf) -> None:
    with server(tls(leaf.context(tmp_path), secured([]))) as address:
        seen = look(entry(tmp_path, address), ca=leaf.ca, credentials=ELASTIC).nodes[0]
    assert (seen.api.authenticated_as, seen.api.secured, seen.api.name) == ("elastic", True, "n1")
    assert seen.port(Layer.HTTP).leaf is not None


def test_the_ca_that_the_nodes_own_folder_names_is_trusted_too(tmp_path: Path, leaf: Leaf) -> None:
    yml = "node.name: n1\nxpack.security.http.ssl.certificate_authorities: http-ca.crt\n"
    with server(tls(leaf.context(tmp_path), secured([]))) as address:
        stated = entry(tmp_path, address, yml)
        (Path(stated.config) / "http-ca.crt").write_bytes(leaf.ca.pem)
        seen = look(stated, credentials=ELASTIC).nodes[0]
    assert seen.api.authenticated_as == "elastic"


@pytest.mark.parametrize("known", [True, False])
def test_an_unproven_node_is_asked_without_credentials_and_says_why(tmp_path: Path, leaf: Leaf, known: bool) -> None:
    requests: list[bytes] = []
    other = Ca.create("other") if known else None
    with server(tls(leaf.context(tmp_path), secured(requests))) as address:
        seen = look(entry(tmp_path, address), ca=other, credentials=ELASTIC).nodes[0]
    assert (seen.api.status, seen.api.secured, seen.api.authenticated_as) == (401, True, "")
    assert "asked without credentials" in seen.api.detail
    assert ("not issued by a CA that is trusted here" in seen.api.detail) == known
    assert requests
    assert not any(b"authorization: " in request.lower() for request in requests)


@pytest.mark.parametrize("plain", [True, False])
def test_over_plain_text_credentials_are_sent_only_on_request(tmp_path: Path, plain: bool) -> None:
    with server(secured([])) as address:
        seen = look(entry(tmp_path, address), credentials=ELASTIC, plain=plain).nodes[0]
    assert seen.api.authenticated_as == ("elastic" if plain else "")


def test_a_node_whose_address_its_files_do_not_tell_is_found_through_another(tmp_path: Path) -> None:
    with server(node(user=NO_HANDLER)) as second:
        members = {
            "a": {"name": "n1", "version": "9.1.0"},
            "b": {
                "name": "n2",
                "version": "9.1.0",
                "http": {"publish_address": f"es-2/{second}"},
                "transport": {"publish_address": str(refused_address())},
            },
        }
        listing = answer(json.dumps({"nodes": members}).encode())
        with server(node(nodes=listing, user=NO_HANDLER)) as first:
            hidden = NodeEntry(entry(tmp_path, None, "node.name: n2\nnetwork.host: 0.0.0.0\n", "n2").config)
            seen = look(entry(tmp_path, first), hidden).nodes[1]
    assert seen.http_address == second
    assert seen.port(Layer.HTTP).state is PortState.PLAIN
    assert seen.port(Layer.TRANSPORT).state is PortState.REFUSED


def test_the_version_of_a_silent_node_is_told_by_the_others(tmp_path: Path) -> None:
    members = {"a": {"name": "n1", "version": "9.1.0"}, "b": {"name": "n2", "version": "8.19.0"}}
    listing = answer(json.dumps({"nodes": members}).encode())
    with server(node(nodes=listing, user=NO_HANDLER)) as first:
        silent = entry(tmp_path, refused_address(), "node.name: n2\n", "n2")
        seen = look(entry(tmp_path, first), silent).nodes[1]
    assert (seen.version, seen.version_source) == (Version(8, 19), "API")


def test_a_hanging_node_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with server(wait_for_end) as hanging, server(node(user=NO_HANDLER)) as alive:
        begin = time.monotonic()
        got = observe(
            Inventory("lab", (entry(tmp_path, hanging, name="n2"), entry(tmp_path, alive))),
            digest_key=b"k",
            timeout_s=0.5,
        )
        taken = time.monotonic() - begin
    assert [seen.port(Layer.HTTP).state for seen in got.nodes] == [PortState.TIMED_OUT, PortState.PLAIN]
    assert got.nodes[1].api.name == "n1"
    assert taken < 3


def test_a_node_that_shakes_hands_and_then_hangs_is_asked_once(tmp_path: Path, leaf: Leaf) -> None:
    context, connections = leaf.context(tmp_path), 0

    def hang(connection: socket.socket) -> None:
        nonlocal connections
        connections += 1
        wait_for_end(connection)

    with server(tls(context, hang)) as address:
        seen = look(entry(tmp_path, address), ca=leaf.ca, credentials=ELASTIC).nodes[0]
    assert seen.port(Layer.HTTP).state is PortState.TLS
    assert (seen.api.reachable, connections) == (False, 2)  # a handshake, and one request
    assert "no answer within" in seen.api.detail


def test_a_hanging_mount_does_not_hold_up_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    real = observe_node_folder

    def hanging(stated: NodeEntry, **how: object) -> object:
        if stated.config.endswith("n2"):
            released.wait(10)
        return real(stated, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(cluster, "observe_node_folder", hanging)
    monkeypatch.setattr(cluster, "FOLDER_TIMEOUT_S", 0.3)
    nodes = (entry(tmp_path, None, name="n2"), entry(tmp_path, None))
    try:
        got = observe(Inventory("lab", nodes), digest_key=b"k", network=False)
    finally:
        released.set()
    assert [bool(seen.problems) for seen in got.nodes] == [True, False]


@pytest.mark.parametrize("over_tls", [True, False])
def test_kibana_is_told_with_its_port_and_status_and_gets_no_credentials(
    tmp_path: Path, leaf: Leaf, over_tls: bool
) -> None:
    requests: list[bytes] = []

    def respond(path: str, request: bytes) -> bytes:
        requests.append(request)
        return answer(b'{"status":{"overall":{"level":"available"}},"version":{"number":"9.1.0"}}')

    (tmp_path / "kibana.yml").write_text("server.name: kb\n")
    handler = tls(leaf.context(tmp_path), http(respond)) if over_tls else http(respond)
    with server(handler) as address:
        got = observe(
            Inventory("lab", (), (KibanaEntry(str(tmp_path), http=address),)),
            digest_key=b"k",
            client_for=client_factory(ELASTIC, over_plain=True),
            timeout_s=1.0,
        )
    kibana = got.kibana[0]
    assert (kibana.name, kibana.status, kibana.version) == ("kb", "available", Version(9, 1, 0))
    assert kibana.served.state is (PortState.TLS if over_tls else PortState.PLAIN)
    assert not any(b"authorization" in request.lower() for request in requests)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1:9200", Address("10.0.0.1", 9200)),
        ("es-1.example.net/10.0.0.1:9200", Address("10.0.0.1", 9200)),
        ("[::1]:9200", Address("::1", 9200)),
        ("", None),
        ("nonsense", None),
    ],
)
def test_publish_addresses_are_read(text: str, address: Address | None) -> None:
    assert published_address(text) == address


def test_each_target_is_told_of_as_it_was_looked_at(tmp_path: Path) -> None:
    """Once its folder was read, and once its port answered: whoever watches need not wait for those that hang."""
    folder = tmp_path / "kibana"
    folder.mkdir()
    (folder / "kibana.yml").write_text("server.name: kb\n")
    seen: list[tuple[str, bool]] = []

    def told(thing: object) -> None:
        assert isinstance(thing, ObservedNode | ObservedKibana)
        asked = thing.port(Layer.HTTP) if isinstance(thing, ObservedNode) else thing.served
        seen.append((thing.target, asked.state is not PortState.NOT_ASKED))

    node = entry(tmp_path, refused_address())
    kibana = KibanaEntry(str(folder), http=refused_address())
    observe(Inventory("logs", (node,), kibana=(kibana,)), digest_key=b"k", told=told, timeout_s=1.0)
    assert sorted(seen) == [("kibana/kb", False), ("kibana/kb", True), ("n1", False), ("n1", True)]
