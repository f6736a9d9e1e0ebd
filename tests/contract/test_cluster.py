"""What a whole cluster does while its security changes: one cluster of three nodes, taken from stage to stage.

The stages are fixtures, each built on the one before, so that a test can also run alone.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import pytest

from tests.contract.behaviours import proves
from tests.contract.labs import Lab
from tests.contract.trio import ADMIN, ELASTIC, Trio, tolerant
from tests.real.handshakes import serial
from tests.real.load import Load
from tests.unit.sandbox.makers import Pair, ask, client, make_ca
from tests.waiting import until

NAMES = ("n1", "n2", "n3")
LAYERS = ("transport", "http")
OWN = "elastic:own-password"
"""The password that elastic gets, which only members of the cluster can know."""
POLL_S = 5.0
"""Of a node whose yml says nothing."""
SLACK_S = 2.0
"""What a busy machine adds."""
RELOAD_S = 30.0
ALLOCATED_S = 90.0
"""More than the minute for which replicas of a node that left are not made anew."""


@pytest.fixture(scope="module")
def cas() -> tuple[Pair, Pair, Pair]:
    return make_ca("CA A"), make_ca("CA B"), make_ca("CA C")


@pytest.fixture(scope="module")
def trio(lab: Lab, tmp_path_factory: pytest.TempPathFactory, cas: tuple[Pair, Pair, Pair]) -> Iterator[Trio]:
    nodes = Trio(lab, tmp_path_factory.mktemp("trio"))
    nodes.trusted, nodes.signer = [cas[0], cas[1]], cas[0]
    try:
        nodes.start()
        yield nodes
    finally:
        nodes.stop()


@pytest.fixture(scope="module")
def settled(trio: Trio) -> dict[str, set[int]]:
    """Stage 1: the cluster has formed, with an index; by node what the right password got until then."""
    seen: dict[str, list[int]] = {name: [] for name in NAMES}

    def let_in() -> bool:
        for name, statuses in seen.items():
            try:
                statuses.append(ask(trio.nodes[name].http, user=ELASTIC).status)
            except OSError:
                continue
        return all(statuses and statuses[-1] == 200 for statuses in seen.values())

    until(let_in, 120)
    trio.await_whole(*NAMES)
    body = {"settings": {"number_of_shards": 1, "number_of_replicas": 1}}
    assert trio.ask("n1", "/logs", ADMIN, method="PUT", body=body).status == 200
    assert trio.ask("n1", "/logs/_doc/1", ADMIN, method="PUT", body={"line": 1}).status == 201
    own = {"password": OWN.partition(":")[2]}
    assert trio.ask("n2", "/_security/user/elastic/_password", ADMIN, method="POST", body=own).status == 200
    return {name: set(statuses) for name, statuses in seen.items()}


@pytest.fixture(scope="module")
def https(trio: Trio, settled: object) -> None:
    """Stage 2: HTTP TLS, switched on node by node."""
    for name in NAMES:
        trio.switch_on(name, "http")
        trio.restart(name)
        trio.await_whole(*NAMES)


@pytest.fixture(scope="module")
def secured(lab: Lab, trio: Trio, https: None) -> None:
    """Stage 3: transport TLS as well, node by node; all are one cluster again at the end."""
    until(tolerant(lambda: trio.status() == "green"), 90)  # else n1 may take the only copy of a shard with it
    trio.switch_on("n1", "transport")
    trio.restart("n1")
    assert f"timed out after [discovery.initial_state_timeout={lab.discovery_s}s]" in trio.nodes["n1"].log
    trio.await_whole("n2", "n3")
    assert trio.ask("n1", "/", OWN).status in (401, 503)
    answer = trio.ask("n1", "/_cluster/health?timeout=1s&master_timeout=1s", ADMIN)
    assert (answer.status, answer.body["error"]["type"]) == (503, "master_not_discovered_exception")
    trio.switch_on("n2", "transport")
    trio.restart("n2")
    trio.await_whole("n1", "n2")
    until(tolerant(lambda: trio.size("n3") == 0), RELOAD_S)
    trio.switch_on("n3", "transport")
    trio.restart("n3")
    trio.await_whole(*NAMES)


@proves("cluster.first-401")
def test_at_first_the_right_password_may_get_401_or_503_and_then_gets_in(settled: dict[str, set[int]]) -> None:
    """While the cluster forms and the security index is made; nothing else is answered in between."""
    assert set.union(*settled.values()) <= {200, 401, 503}


@proves("cluster.password-everywhere")
def test_a_password_set_on_one_node_holds_on_the_others_at_once(trio: Trio, settled: object) -> None:
    assert {trio.ask(name, "/", OWN).status for name in NAMES} == {200}
    assert {trio.ask(name, "/", ELASTIC).status for name in NAMES} == {401}


@proves("cluster.http-one-by-one")
def test_http_tls_can_be_switched_on_node_by_node(trio: Trio, https: None) -> None:
    """The stage waits for the whole cluster after each node."""
    for name in NAMES:
        assert serial(trio.nodes[name].http)


@proves("cluster.transport-one-by-one")
def test_transport_tls_node_by_node_takes_nodes_out_until_the_majority_flips(trio: Trio, secured: None) -> None:
    """The stage sees n1 outside, then n1 and n2 without n3, then all; outside, HTTP opens late with 401 or 503."""
    for name in NAMES:
        assert serial(trio.nodes[name].transport)


@proves("cluster.reload-poll")
def test_a_new_pair_is_served_within_one_poll(trio: Trio, secured: None) -> None:
    for layer, port in (("transport", trio.nodes["n1"].transport), ("http", trio.nodes["n1"].http)):
        wanted = trio.publish("n1", layer, trio.signer, trio.signer)
        began = time.monotonic()
        until(lambda port=port, wanted=wanted: serial(port) == wanted, RELOAD_S)  # type: ignore[misc]
        assert time.monotonic() - began <= POLL_S + SLACK_S


@proves("cluster.rollover")
def test_the_ca_is_changed_under_load_without_a_restart_or_a_failed_request(
    trio: Trio, secured: None, cas: tuple[Pair, Pair, Pair]
) -> None:
    """Trust both, then switch node by node, then drop the old one."""
    old, new, _ = cas
    phases = [(old, (old, new)), (new, (old, new)), (new, (new,))]
    context = client(old)
    context.load_verify_locations(cadata=new.crt.decode())
    with Load([node.http for node in trio.nodes.values()], ADMIN, context) as load:
        for signer, trust in phases:
            for name in NAMES:
                serials = {layer: trio.publish(name, layer, signer, *trust) for layer in LAYERS}
                node = trio.nodes[name]
                until(lambda node=node, want=serials["http"]: serial(node.http) == want, RELOAD_S)  # type: ignore[misc]
                until(
                    lambda node=node, want=serials["transport"]: serial(node.transport) == want,  # type: ignore[misc]
                    RELOAD_S,
                )
            assert trio.is_whole(*NAMES)
    trio.signer = new
    assert load.failures == []
    assert load.asked >= 60
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(trio.nodes["n1"].http, user=ADMIN, context=client(old))
    trio.restart("n2")
    trio.await_whole(*NAMES)


@proves("cluster.wrong-order")
def test_the_wrong_order_breaks_at_the_next_reconnect_only_and_trust_repairs_it(
    trio: Trio, secured: None, cas: tuple[Pair, Pair, Pair]
) -> None:
    """The master gets a certificate of a CA that nobody trusts: nothing happens until another node is restarted."""
    trusted, stranger = trio.signer, cas[2]
    master = trio.master()
    other = next(name for name in NAMES if name != master)
    marks = {name: len(node.log) for name, node in trio.nodes.items()}
    wanted = trio.publish(master, "transport", stranger, trusted, stranger)
    until(lambda: serial(trio.nodes[master].transport) == wanted, RELOAD_S)
    assert trio.is_whole(*NAMES)
    for name, node in trio.nodes.items():
        assert "certificate_unknown" not in node.log[marks[name] :]
    trio.restart(other)
    assert trio.size(other) == 0
    assert "PKIX path building failed" in trio.nodes[other].log
    for name in NAMES:
        if name != master:
            trio.publish(name, "transport", trusted, trusted, stranger)
    trio.await_whole(*NAMES)


@proves("cluster.allocation")
def test_replicas_wait_while_allocation_is_restricted(trio: Trio, settled: object) -> None:
    key = "cluster.routing.allocation.enable"
    until(lambda: trio.status() == "green", ALLOCATED_S)
    body = {"persistent": {key: "primaries"}}
    assert trio.ask("n1", "/_cluster/settings", ADMIN, method="PUT", body=body).status == 200
    for name in ("n2", "n3"):
        trio.restart(name)
        trio.await_whole(*NAMES)
    assert trio.status() == "yellow"
    body = {"persistent": {key: None}}  # type: ignore[dict-item]
    assert trio.ask("n1", "/_cluster/settings", ADMIN, method="PUT", body=body).status == 200
    until(lambda: trio.status() == "green", ALLOCATED_S)


@proves("cluster.full-restart")
def test_a_full_restart_keeps_the_cluster_and_its_data(trio: Trio, settled: object) -> None:
    uuid = trio.ask("n1", "/", ADMIN).body["cluster_uuid"]
    trio.stop()
    trio.start()
    for node in trio.nodes.values():
        node.wait()
    trio.await_whole(*NAMES)
    assert trio.ask("n3", "/", ADMIN).body["cluster_uuid"] == uuid
    assert trio.ask("n2", "/logs/_count", ADMIN).body["count"] == 1
