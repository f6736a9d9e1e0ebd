"""Configuration folders without a workspace: what `init` and `doctor DIR` look at. Nothing is written."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from estui.decide import compare
from estui.decide.rung import with_rungs
from estui.model.inventory import BeatEntry, Inventory, KibanaEntry, NodeEntry
from estui.model.observed import Observed
from estui.model.version import Version
from estui.observe.cluster import observe
from estui.observe.config_folder import BEATS, product_of
from estui.secret import Secret


def folders_inventory(folders: Sequence[str], version: Version | None = None) -> Inventory:
    """Configuration folders without a workspace, each under the product whose yml lies in it; `version` is what all
    run, where somebody says so."""
    nodes, kibana, beats = [], [], []
    for folder in folders:
        product = product_of(Path(folder))
        if product == "Kibana":
            kibana.append(KibanaEntry(folder, version=version))
        elif product.lower() in BEATS:
            beats.append(BeatEntry(folder, kind=product.lower(), version=version))
        else:
            nodes.append(NodeEntry(folder, version=version))
    return Inventory(cluster="", nodes=tuple(nodes), kibana=tuple(kibana), beats=tuple(beats))


def observe_folders(
    inventory: Inventory, *, network: bool = True, keystore_password: Secret | None = None, timeout_s: float = 3.0
) -> Observed:
    """An inventory without a workspace, as it is now: no CA, no credentials, nothing written."""
    return with_rungs(
        observe(
            inventory,
            digest_key=secrets.token_bytes(32),
            keystore_password=keystore_password,
            network=network,
            timeout_s=timeout_s,
        )
    )


@dataclass(frozen=True)
class FoldersSeen:
    """What `init` learns from the folders alone."""

    cluster: str
    problems: tuple[str, ...]
    missing: tuple[tuple[int, str], ...]
    """Index of a node, and the inventory key (`name`, `http`) that its yml leaves open."""


def look_at_folders(inventory: Inventory) -> FoldersSeen:
    """Reads every folder of a new inventory, and no port."""
    observed = observe(inventory, digest_key=b"only looking", network=False)
    problems = tuple(compare.folder_refusals(observed))
    names = [node.setting("cluster.name") for node in observed.nodes]
    missing = [
        (index, key)
        for index, node in enumerate(observed.nodes)
        for key, absent in (("name", not node.name_stated), ("http", node.http_address is None))
        if absent and not node.problems
    ]
    return FoldersSeen(next((name for name in names if name), None) or "elasticsearch", problems, tuple(missing))
