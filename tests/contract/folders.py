"""Configuration folders of contract nodes: versioned sets of certificates behind a link, as estui writes them."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

from estui.formats.pkcs12 import write_keystore
from estui.sandbox.cluster import free_ports
from estui.secret import Secret
from tests.unit.sandbox.makers import Pair, write_node

POLL_S = 0.2
"""Poll interval of contract nodes, so that a test does not wait for the 5 s that are usual."""
STORE_PASSWORD = "store-pass"
_numbers = itertools.count(1)


def base(name: str, **settings: Any) -> dict[str, Any]:
    """Settings that every contract node has: ports, cluster, a short poll."""
    http, transport = free_ports(2)
    common = {
        "cluster.name": "lab",
        "node.name": name,
        "network.host": "127.0.0.1",
        "http.port": http,
        "transport.port": transport,
        "resource.reload.interval.high": f"{POLL_S * 1000:.0f}ms",
    }
    return {**common, **settings}


def write(folder: Path, settings: dict[str, Any], files: dict[str, bytes]) -> Path:
    """A configuration folder below `folder`, with its data beside it."""
    config = write_node(folder, {"path.data": str(folder / "data"), **settings}, files)
    for name in ("users", "users_roles"):
        if name not in files:
            (config / name).unlink()
    return config


def pem_layer(layer: str, **more: Any) -> dict[str, Any]:
    """Settings of a layer whose set is PEM files behind a link."""
    prefix, folder = f"xpack.security.{layer}.ssl", f"tls/{layer}/current"
    settings = {
        f"{prefix}.enabled": True,
        f"{prefix}.certificate": f"{folder}/node.crt",
        f"{prefix}.key": f"{folder}/node.key",
        f"{prefix}.certificate_authorities": [f"{folder}/ca.crt"],
    }
    return {**settings, **{f"{prefix}.{name}": value for name, value in more.items()}}


def pem_set(pair: Pair, *cas: Pair) -> dict[str, bytes]:
    return {"node.crt": pair.crt, "node.key": pair.pem_key, "ca.crt": b"".join(ca.crt for ca in cas)}


def store_layer(layer: str) -> dict[str, Any]:
    """Settings of a layer whose set is one PKCS#12 file behind a link."""
    prefix = f"xpack.security.{layer}.ssl"
    return {f"{prefix}.enabled": True, f"{prefix}.keystore.path": f"tls/{layer}/current/node.p12"}


def store_set(pair: Pair, ca: Pair, password: str = STORE_PASSWORD) -> dict[str, bytes]:
    return {"node.p12": write_keystore("node", pair.key, pair.certificate, [ca.certificate], Secret(password))}


def publish(config: Path, layer: str, files: dict[str, bytes]) -> Path:
    """Writes a new set and switches the layer's link to it by one rename; the folder of the set."""
    folder = config / "tls" / layer
    number = next(_numbers)
    fresh = folder / str(number)
    fresh.mkdir(parents=True)
    for name, content in files.items():
        (fresh / name).write_bytes(content)
    following = folder / "next"
    following.symlink_to(str(number))
    following.rename(folder / "current")
    return fresh


def replace(path: Path, content: bytes) -> None:
    """One file, by a rename."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(content)
    temporary.rename(path)


def stamp(path: Path, ns: int) -> None:
    os.utime(path, ns=(ns, ns))
