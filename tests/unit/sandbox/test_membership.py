"""Who is in the cluster: only those whose handshakes succeed both ways (real-elasticsearch.md §5, §8 and §9)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from estui.sandbox.cluster import free_ports

from .conftest import RunningNode, StartNode
from .makers import Pair, ask, keystore, make_leaf, pem_files, pem_settings, until, write_node

ELASTIC = "elastic:changeme"
BOOTSTRAP = keystore({"bootstrap.password": "changeme"})
Build = Callable[..., list[RunningNode]]


class Farm:
    """Folders of nodes that look for one another."""

    def __init__(self, folder: Path, start: StartNode, count: int) -> None:
        self._start = start
        ports = list(free_ports(2 * count))
        self.names = [f"n{number}" for number in range(1, count + 1)]
        self.configs: dict[str, Path] = {}
        for index, name in enumerate(self.names):
            self.configs[name] = folder / name / "config"
            self._write(folder / name, name, ports[2 * index], ports[2 * index + 1], ports[1::2])

    def _write(self, folder: Path, name: str, http: int, transport: int, seeds: Sequence[int]) -> None:
        self.base = {
            "cluster.name": "lab",
            "discovery.initial_state_timeout": "600ms",
            "resource.reload.interval.high": "50ms",
            "cluster.initial_master_nodes": self.names,
            "discovery.seed_hosts": [f"127.0.0.1:{port}" for port in seeds],
        }
        mine = {"node.name": name, "http.port": http, "transport.port": transport}
        write_node(folder, {**self.base, **mine}, {"elasticsearch.keystore": BOOTSTRAP})

    def give(self, name: str, settings: dict[str, Any], files: dict[str, bytes] | None = None) -> None:
        """Further settings and files for one node."""
        config = self.configs[name]
        lines = [
            f"{key}: {value if isinstance(value, list) else str(value).lower()}" for key, value in settings.items()
        ]
        (config / "elasticsearch.yml").write_text((config / "elasticsearch.yml").read_text() + "\n".join(lines) + "\n")
        for path, content in (files or {}).items():
            (config / path).parent.mkdir(exist_ok=True)
            (config / path).write_bytes(content)

    def secure(self, name: str, leaf: Pair, *cas: Pair, mode: str = "certificate") -> None:
        settings = {**pem_settings("transport"), "xpack.security.transport.ssl.verification_mode": mode}
        self.give(name, settings, pem_files("transport", leaf, *cas))

    def start(self, *names: str) -> list[RunningNode]:
        return [self._start(self.configs[name]) for name in names or self.names]


@pytest.fixture
def farm(tmp_path: Path, start_node: StartNode) -> Callable[[int], Farm]:
    return lambda count: Farm(tmp_path, start_node, count)


def joined(nodes: Sequence[RunningNode], *names: str) -> Callable[[], bool]:
    return lambda: all(node.members() == list(names) for node in nodes)


def test_nodes_without_tls_form_a_cluster(farm: Callable[[int], Farm]) -> None:
    nodes = farm(3).start()
    until(joined(nodes, "n1", "n2", "n3"))
    uuids = {node.node.membership.uuid for node in nodes}
    assert len(uuids) == 1
    assert "_na_" not in uuids


def test_nodes_of_one_ca_form_a_cluster(farm: Callable[[int], Farm], ca: Pair) -> None:
    cluster = farm(3)
    for name in cluster.names:
        cluster.secure(name, make_leaf(ca, name), ca, mode="full")
    until(joined(cluster.start(), "n1", "n2", "n3"))


@pytest.mark.parametrize(
    ("outsider", "says"),
    [
        ("plain", "received plaintext traffic on an encrypted channel"),
        ("foreign", "PKIX path building failed"),
        ("expired", "CertificateExpiredException"),
        ("not yet", "CertificateNotYetValidException"),
        ("server only", "Extended key usage does not permit use for TLS client authentication"),
        ("wrong name", "No subject alternative names matching"),
        ("mismatch", "Invalid CertificateVerify signature"),
        ("security off", ""),
    ],
)
def test_a_node_that_is_not_trusted_both_ways_stays_outside(
    farm: Callable[[int], Farm], ca: Pair, other_ca: Pair, outsider: str, says: str
) -> None:
    cluster = farm(3)
    for name in ("n1", "n2"):
        cluster.secure(name, make_leaf(ca, name), ca, mode="full")
    leaves = {
        "foreign": make_leaf(other_ca, "n3"),
        "expired": make_leaf(ca, "n3", days=(-9, -1)),
        "not yet": make_leaf(ca, "n3", days=(2, 9)),
        "server only": make_leaf(ca, "n3", usages=("serverAuth",)),
        "wrong name": make_leaf(ca, "n3", sans=("elsewhere.example.net",)),
        "mismatch": Pair(make_leaf(ca, "n3").certificate, make_leaf(ca, "n3").key),
    }
    if outsider in leaves:
        cluster.secure("n3", leaves[outsider], ca, mode="full")
    elif outsider == "security off":
        cluster.give("n3", {"xpack.security.enabled": False})
    first, second, third = cluster.start()
    until(joined([first, second], "n1", "n2"))
    until(third.is_up)
    assert third.members() == []
    assert says in first.log + second.log


def test_a_node_without_security_does_not_join_a_secured_one_even_without_tls(farm: Callable[[int], Farm]) -> None:
    cluster = farm(3)
    cluster.give("n3", {"xpack.security.enabled": False})
    nodes = cluster.start()
    until(joined(nodes[:2], "n1", "n2"))
    until(nodes[2].is_up)
    assert nodes[2].members() == []
    assert "missing authentication credentials for action" in nodes[2].log


def test_a_wrong_name_does_not_matter_in_certificate_mode(farm: Callable[[int], Farm], ca: Pair) -> None:
    cluster = farm(2)
    for name in cluster.names:
        cluster.secure(name, make_leaf(ca, name, sans=("elsewhere.example.net",)), ca, mode="certificate")
    until(joined(cluster.start(), "n1", "n2"))


def test_a_node_without_a_quorum_opens_http_late_and_answers_401_or_503(farm: Callable[[int], Farm]) -> None:
    cluster = farm(3)
    cluster.give("n1", {}, {"users": b"admin:secret-pass\n", "users_roles": b"superuser:admin\n"})
    (node,) = cluster.start("n1")
    assert not node.is_up()
    until(node.is_up)
    assert "timed out after [discovery.initial_state_timeout=0.6s]" in node.log
    assert ask(node.http, "/_cluster/health?timeout=100ms", user="kibana_system:changeme").status == 401
    answer = ask(node.http, "/_cluster/health?timeout=100ms", user="admin:secret-pass")
    assert (answer.status, answer.body["error"]["type"]) == (503, "master_not_discovered_exception")
    assert ask(node.http, "/", user="admin:secret-pass").body["cluster_uuid"] == "_na_"


def test_a_restarted_node_comes_back_with_the_same_state(farm: Callable[[int], Farm]) -> None:
    cluster = farm(3)
    nodes = cluster.start()
    until(joined(nodes, "n1", "n2", "n3"))
    uuid = nodes[0].node.membership.uuid
    nodes[0].stop()
    until(joined(nodes[1:], "n2", "n3"))
    (again,) = cluster.start("n1")
    until(joined([again, *nodes[1:]], "n1", "n2", "n3"))
    assert again.node.membership.uuid == uuid


def test_a_full_restart_keeps_the_cluster_and_its_data(farm: Callable[[int], Farm]) -> None:
    cluster = farm(2)
    nodes = cluster.start()
    until(joined(nodes, "n1", "n2"))
    until(nodes[1].is_up)
    until(lambda: ask(nodes[1].http, "/logs/_doc/1", method="PUT", body={"a": 1}, user=ELASTIC).status == 201)
    uuid = nodes[0].node.membership.uuid
    for node in nodes:
        node.stop()
    nodes = cluster.start()
    until(joined(nodes, "n1", "n2"))
    assert nodes[1].node.membership.uuid == uuid
    until(nodes[0].is_up)
    until(lambda: ask(nodes[0].http, user=ELASTIC).status == 200)
    assert ask(nodes[0].http, "/logs/_count", user=ELASTIC).body["count"] == 1


def test_transport_tls_one_by_one_takes_nodes_out_until_the_majority_flips(
    farm: Callable[[int], Farm], ca: Pair
) -> None:
    cluster = farm(3)
    n1, n2, n3 = cluster.start()
    until(joined([n1, n2, n3], "n1", "n2", "n3"))

    def switch(node: RunningNode, name: str) -> RunningNode:
        node.stop()
        cluster.secure(name, make_leaf(ca, name), ca)
        (started,) = cluster.start(name)
        return started

    n1 = switch(n1, "n1")
    until(joined([n2, n3], "n2", "n3"))
    until(n1.is_up)
    assert n1.members() == []
    n2 = switch(n2, "n2")
    until(joined([n1, n2], "n1", "n2"))
    until(lambda: n3.members() == [])
    n3 = switch(n3, "n3")
    until(joined([n1, n2, n3], "n1", "n2", "n3"))


def test_an_untrusted_certificate_is_noticed_at_the_next_reconnect_and_repaired_by_trust(
    farm: Callable[[int], Farm], ca: Pair, other_ca: Pair
) -> None:
    """The wrong order of a CA change: nothing breaks at once, the master's restart shows it, reloading trust heals."""
    cluster = farm(3)
    for name in cluster.names:
        cluster.secure(name, make_leaf(ca, name), ca)
    n1, n2, n3 = cluster.start()
    until(joined([n1, n2, n3], "n1", "n2", "n3"))
    until(lambda: n3.is_up() and ask(n3.http, user=ELASTIC).status == 200)
    cluster_files(n3, make_leaf(other_ca, "n3"))
    until(lambda: n3.log.count("updated 1 ssl contexts") >= 2)
    assert joined([n1, n2, n3], "n1", "n2", "n3")()
    n1.stop()
    (n1,) = cluster.start("n1")
    until(joined([n1, n2], "n1", "n2"))
    assert n3.members() == []
    until(n3.is_up)
    answer = ask(n3.http, "/_cluster/health?timeout=0", user=ELASTIC)
    assert (answer.status, answer.body["error"]["type"]) == (503, "master_not_discovered_exception")
    for node in (n1, n2, n3):
        (node.config / "certs/transport-ca.crt").write_bytes(ca.crt + other_ca.crt)
    until(joined([n1, n2, n3], "n1", "n2", "n3"))


def test_a_node_of_another_cluster_name_is_no_member(farm: Callable[[int], Farm]) -> None:
    cluster = farm(3)
    path = cluster.configs["n3"] / "elasticsearch.yml"
    path.write_text(path.read_text().replace('"lab"', '"other"'))
    nodes = cluster.start()
    until(joined(nodes[:2], "n1", "n2"))
    until(nodes[2].is_up)
    assert nodes[2].members() == []
    assert "remote cluster name [" in nodes[2].log


def test_a_password_set_on_one_node_holds_on_the_others_at_once(farm: Callable[[int], Farm]) -> None:
    nodes = farm(3).start()
    until(joined(nodes, "n1", "n2", "n3"))
    until(lambda: all(node.is_up() for node in nodes))
    until(lambda: ask(nodes[1].http, user=ELASTIC).status == 200)
    path = "/_security/user/elastic/_password"
    assert ask(nodes[1].http, path, method="POST", body={"password": "new-pass"}, user=ELASTIC).body == {}
    for node in nodes:
        assert ask(node.http, user="elastic:new-pass").status == 200
        assert ask(node.http, user=ELASTIC).status == 401


def test_health_follows_replicas_and_allocation(farm: Callable[[int], Farm]) -> None:
    cluster = farm(2)
    n1, n2 = cluster.start()
    until(joined([n1, n2], "n1", "n2"))
    until(lambda: n1.is_up() and ask(n1.http, user=ELASTIC).status == 200)

    def status() -> str:
        shown: str = ask(n1.http, "/_cluster/health", user=ELASTIC).body["status"]
        return shown

    assert ask(n1.http, "/logs", method="PUT", user=ELASTIC).status == 200
    assert status() == "green"
    key = "cluster.routing.allocation.enable"
    ask(n1.http, "/_cluster/settings", method="PUT", body={"persistent": {key: "primaries"}}, user=ELASTIC)
    n2.stop()
    until(lambda: status() == "yellow")
    (n2,) = cluster.start("n2")
    until(joined([n1, n2], "n1", "n2"))
    assert status() == "yellow"
    ask(n1.http, "/_cluster/settings", method="PUT", body={"persistent": {key: None}}, user=ELASTIC)
    until(lambda: status() == "green")


def cluster_files(node: RunningNode, leaf: Pair) -> None:
    """A new leaf and its key, both at once as far as the node can see."""
    (node.config / "certs/transport.key").write_bytes(leaf.pem_key)
    (node.config / "certs/transport.crt").write_bytes(leaf.crt)
