"""One cluster of contract nodes, and those who would like to be members of it: started together, since starts cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract import folders
from tests.contract.labs import Lab, LabNode
from tests.unit.sandbox.makers import Pair, make_leaf

ELSEWHERE = ("elsewhere.example.net",)


@dataclass
class Club:
    """Nodes by name. `n1` founded the cluster and checks names; `c1` founded one that does not."""

    ca: Pair
    other_ca: Pair
    nodes: dict[str, LabNode] = field(default_factory=dict)

    def __getitem__(self, name: str) -> LabNode:
        return self.nodes[name]

    def stop(self) -> None:
        for node in self.nodes.values():
            node.stop()


OUTSIDERS = {
    "plain": "received plaintext traffic on an encrypted channel",
    "security-off": "received plaintext traffic on an encrypted channel",
    "foreign": "PKIX path building failed",
    "expired": "CertificateExpiredException",
    "not-yet": "CertificateNotYetValidException",
    "server-only": "Extended key usage does not permit use for TLS client authentication",
    "wrong-name": "No subject alternative names matching",
    "mismatch": "Invalid CertificateVerify signature",
}
"""Who stays out, and what one of the two sides logs about it (real-elasticsearch.md §5)."""


def found(lab: Lab, folder: Path, ca: Pair, other_ca: Pair, files: dict[str, bytes]) -> Club:
    """Starts everybody and waits for all; `files` go into each folder."""
    club = Club(ca, other_ca)

    def add(name: str, leaf: Pair | None, *cas: Pair, http: str = "", **settings: Any) -> None:
        settings = {"discovery.initial_state_timeout": f"{lab.discovery_s}s", **settings}
        if leaf is not None:
            settings |= folders.pem_layer("transport", verification_mode=settings.pop("mode", "full"))
        if http:
            settings |= folders.pem_layer("http", client_authentication=http)
        config = folders.write(folder / name, folders.base(name, **settings), files)
        if leaf is not None:
            folders.publish(config, "transport", folders.pem_set(leaf, *cas))
        if http:
            folders.publish(config, "http", folders.pem_set(make_leaf(ca, name), ca))
        club.nodes[name] = lab.node(config)
        club.nodes[name].start()

    try:
        founder: dict[str, Any] = {"cluster.initial_master_nodes": ["n1"]}
        add("n1", make_leaf(ca, "n1"), ca, http="optional", **founder)
        founder = {"cluster.initial_master_nodes": ["c1"], "mode": "certificate"}
        add("c1", make_leaf(ca, "c1", sans=ELSEWHERE), ca, **founder)
        _add_newcomers(club, add)
        for node in club.nodes.values():
            node.wait()
    except BaseException:
        club.stop()
        raise
    return club


def _add_newcomers(club: Club, add: Callable[..., None]) -> None:
    ca = club.ca
    to_n1 = {"discovery.seed_hosts": [f"127.0.0.1:{club['n1'].transport}"]}
    to_c1 = {"discovery.seed_hosts": [f"127.0.0.1:{club['c1'].transport}"]}
    add("c2", make_leaf(ca, "c2", sans=ELSEWHERE), ca, mode="certificate", **to_c1)
    add("member", make_leaf(ca, "member"), ca, http="required", **to_n1, **{"resource.reload.enabled": False})
    add("plain", None, **to_n1)
    add("security-off", None, **to_n1, **{"xpack.security.enabled": False})
    add("foreign", make_leaf(club.other_ca, "foreign"), club.other_ca, **to_n1)
    add("expired", make_leaf(ca, "expired", days=(-9, -1)), ca, **to_n1)
    add("not-yet", make_leaf(ca, "not-yet", days=(2, 9)), ca, **to_n1)
    add("server-only", make_leaf(ca, "server-only", usages=("serverAuth",)), ca, **to_n1)
    add("wrong-name", make_leaf(ca, "wrong-name", sans=ELSEWHERE), ca, **to_n1)
    add("mismatch", Pair(make_leaf(ca, "mismatch").certificate, make_leaf(ca, "mismatch").key), ca, **to_n1)
