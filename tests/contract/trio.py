"""Three nodes with security and without TLS, whose files and settings a test changes under their feet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from estui.formats.file_realm import pbkdf2_hash
from estui.secret import Secret
from tests.contract import folders
from tests.contract.labs import Lab, LabNode
from tests.unit.sandbox.makers import Answer, Pair, ask, client, keystore, make_leaf
from tests.waiting import until

ELASTIC = "elastic:changeme"
ADMIN = "admin:admin-pass"
"""A superuser of the file realm, who needs no index to log in."""
WHOLE_S = 60.0


class Trio:
    """`n1`, `n2` and `n3`; of real ones `n1` has the usual poll of 5 s, all others a short one."""

    signer: Pair
    """The CA that signs for the nodes now."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        hashed = pbkdf2_hash(Secret("admin-pass"), bytes(32), 1000)
        files = {
            "elasticsearch.keystore": keystore({"bootstrap.password": "changeme"}),
            "users": f"admin:{hashed}\n".encode(),
            "users_roles": b"superuser:admin\n",
        }
        names = ["n1", "n2", "n3"]
        settings = {name: folders.base(name, **{"cluster.initial_master_nodes": names}) for name in names}
        seeds = [f"127.0.0.1:{each['transport.port']}" for each in settings.values()]
        if lab.name == "real":
            del settings["n1"]["resource.reload.interval.high"]
        self.nodes: dict[str, LabNode] = {}
        self.trusted: list[Pair] = []
        """CAs of the clients here."""
        for name in names:
            more = {"discovery.seed_hosts": seeds, "discovery.initial_state_timeout": f"{lab.discovery_s}s"}
            self.nodes[name] = lab.node(folders.write(folder / name, {**settings[name], **more}, files))

    def start(self) -> None:
        for node in self.nodes.values():
            node.start()

    def stop(self) -> None:
        for node in self.nodes.values():
            node.stop()

    def restart(self, name: str) -> None:
        """Returns once HTTP answers again."""
        self.nodes[name].stop()
        self.nodes[name].start()
        self.nodes[name].wait()

    def switch_on(self, name: str, layer: str) -> None:
        """Gives a node TLS on a layer; it takes effect with a restart."""
        config = self.nodes[name].config
        self.publish(name, layer, self.signer, self.signer)
        mode = {"verification_mode": "full"} if layer == "transport" else {}
        lines = [f"{key}: {json.dumps(value)}\n" for key, value in folders.pem_layer(layer, **mode).items()]
        yml = config / "elasticsearch.yml"
        yml.write_text(yml.read_text() + "".join(lines))

    def publish(self, name: str, layer: str, signer: Pair, *trust: Pair) -> int:
        """A new leaf of `signer` and the CAs to trust, switched in by the link; the serial number."""
        leaf = make_leaf(signer, name)
        folders.publish(self.nodes[name].config, layer, folders.pem_set(leaf, *trust))
        return leaf.certificate.serial_number

    def ask(self, name: str, path: str, user: str = ELASTIC, **more: Any) -> Answer:
        """One request to a node, over TLS where its yml says so."""
        node = self.nodes[name]
        secured = "xpack.security.http.ssl.enabled: true" in (node.config / "elasticsearch.yml").read_text()
        context = client(self.trusted[0]) if secured else None
        for ca in self.trusted[1:] if context else ():
            context.load_verify_locations(cadata=ca.crt.decode())  # type: ignore[union-attr]
        return ask(node.http, path, user=user, context=context, **more)

    def size(self, name: str) -> int:
        """Nodes of the cluster as this one sees it; 0 where it is in none, or shards of it answer nobody."""
        answer = self.ask(name, "/_cluster/health?timeout=1s&master_timeout=1s", ADMIN)
        return int(answer.body["number_of_nodes"]) if answer.status == 200 and answer.body["status"] != "red" else 0

    def is_whole(self, *names: str) -> bool:
        """Whether each of these sees a cluster of as many nodes."""
        return all(self.size(name) == len(names) for name in names)

    def await_whole(self, *names: str) -> None:
        until(tolerant(lambda: self.is_whole(*names)), WHOLE_S, step=0.2)

    def status(self) -> str:
        """`green`, `yellow` or `red`, as n1 sees it."""
        return str(self.ask("n1", "/_cluster/health?timeout=1s", ADMIN).body["status"])

    def master(self) -> str:
        rows = self.ask("n1", "/_cat/nodes?format=json", ADMIN).body
        return next(str(row["name"]) for row in rows if row["master"] == "*")


def tolerant(condition: Callable[[], bool]) -> Callable[[], bool]:
    """False where a node does not answer at all."""

    def holds() -> bool:
        try:
            return condition()
        except OSError:
            return False

    return holds
