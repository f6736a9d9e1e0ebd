"""Generates estates: a workspace and the configuration folders of so many nodes, shaped like those people have.

Nodes have addresses of their own in 127.0.0.0/8, so that thousands can be served from one host. The same size and
kind give the same names, settings, ports and kinds of files; keys and signatures are new each time.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from benchmarks.material import Authorities, security_settings, write_certificates
from estui.act.fs import RealFs
from estui.act.workspace import Workspace
from estui.formats import es_keystore
from estui.formats.inventory_text import write_inventory
from estui.model.inventory import Inventory, KeyType, NodeEntry, Policy
from estui.sandbox.stock import CLUSTER, elasticsearch_yml
from estui.secret import Secret

MASTERS = 3
ZONES = 3
PASSPHRASE = "only for benchmarks"  # noqa: S105 - protects throw-away keys
STORE_PASSWORD = "store-password"  # noqa: S105 - of throw-away stores
KEYSTORE_FORMAT = 5
"""What Elasticsearch 8.0 to 8.13 writes: its 10,000 rounds cost 4 ms; format 7 of 8.18 and newer takes 210,000."""


class Kind(StrEnum):
    """What the nodes of an estate are like."""

    PLAIN = "plain"
    """As packages leave them: no security yet."""
    SECURED = "secured"
    """Secured by hand: PEM on most layers, PKCS#12 with passwords in the secure settings on every third node."""


@dataclass(frozen=True)
class NodeShape:
    """One node of an estate, by its number."""

    number: int

    @property
    def name(self) -> str:
        return f"es-{self.number:04d}"

    @property
    def address(self) -> str:
        """Its own loopback address, 127.16.0.1 and on."""
        return f"127.{16 + self.number // 64_000}.{self.number % 64_000 // 250}.{self.number % 250 + 1}"

    @property
    def zone(self) -> str:
        return f"zone-{'abc'[self.number % ZONES]}"

    @property
    def role(self) -> str:
        """Few masters, some hot nodes, many warm ones."""
        if self.number < MASTERS:
            return "master"
        return "data_hot" if self.number % 4 == 0 else "data_warm"

    @property
    def uses_pkcs12(self) -> bool:
        return self.number % 3 == 2


@dataclass(frozen=True)
class Estate:
    """A generated estate."""

    folder: Path
    size: int
    kind: Kind

    @property
    def workspace(self) -> Path:
        return self.folder / "workspace"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "passphrase"

    @property
    def nodes(self) -> Iterator[NodeShape]:
        return map(NodeShape, range(self.size))

    def config(self, node: NodeShape) -> Path:
        return self.folder / "nodes" / node.name / "config"


def node_yml(node: NodeShape, folder: Path, *, secured: bool) -> str:
    """`elasticsearch.yml` of a node: the file that packages install, edited as people do."""
    masters = [NodeShape(number) for number in range(MASTERS)]
    text = elasticsearch_yml(
        name=node.name, folder=str(folder), http=9200, transport=9300, seeds=(), masters=[each.name for each in masters]
    )
    seeds = ", ".join(f'"{each.address}:9300"' for each in masters)
    text = text.replace("network.host: 127.0.0.1", f"network.host: {node.address}")
    text = text.replace("#discovery.seed_hosts: []", f"discovery.seed_hosts: [{seeds}]")
    text = text.replace("#node.attr.rack: r1", f"node.attr.zone: {node.zone}  # see the rack plan")
    text = text.replace(f"node.name: {node.name}\n", f"node.name: {node.name}\nnode.roles: [ {node.role} ]\n")
    return text.replace("xpack.security.enabled: false\n", security_settings(node.uses_pkcs12)) if secured else text


def make_estate(
    folder: Path, size: int, kind: Kind, *, key: KeyType = KeyType.EC_P256, keystore_format: int = KEYSTORE_FORMAT
) -> Estate:
    """A new estate in a new folder; `key` is the policy for what estui issues there."""
    estate = Estate(folder, size, kind)
    folder.mkdir(parents=True)
    authorities = Authorities.made() if kind is Kind.SECURED else None
    one = partial(_make_node, estate, authorities, keystore_format)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, range(size), chunksize=16))
    _make_workspace(estate, key)
    return estate


def _make_node(estate: Estate, authorities: Authorities | None, keystore_format: int, number: int) -> None:
    node = NodeShape(number)
    config = estate.config(node)
    config.mkdir(parents=True)
    yml = node_yml(node, config.parent, secured=estate.kind is Kind.SECURED)
    (config / "elasticsearch.yml").write_text(yml)
    (config / "jvm.options").write_text("-Xms4g\n-Xmx4g\n")
    entries = {es_keystore.SEED: es_keystore.make_seed(secrets.choice).encode()}
    if authorities is not None:
        entries |= write_certificates(config, node.name, node.address, authorities, STORE_PASSWORD * node.uses_pkcs12)
        (config / "users").write_text("")
        (config / "users_roles").write_text("")
    content = es_keystore.write_secure_settings(
        entries,
        version=keystore_format,
        password=None,
        salt=secrets.token_bytes(es_keystore.SALT_LENGTH),
        iv=secrets.token_bytes(es_keystore.IV_LENGTH),
    )
    (config / "elasticsearch.keystore").write_bytes(content)


def _make_workspace(estate: Estate, key: KeyType) -> None:
    inventory = Inventory(
        cluster=CLUSTER,
        nodes=tuple(NodeEntry(str(estate.config(node)), tags=(node.zone, node.role)) for node in estate.nodes),
        policy=Policy(transport_key=key, http_key=key),
        expect_nodes=estate.size,
    )
    estate.workspace.mkdir(mode=0o700)
    Workspace(str(estate.workspace), RealFs()).create(write_inventory(inventory))
    estate.passphrase_file.touch(mode=0o600)
    estate.passphrase_file.write_text(PASSPHRASE + "\n")


def passphrase() -> Secret:
    """The passphrase of every generated workspace."""
    return Secret(PASSPHRASE)
