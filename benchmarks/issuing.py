"""Issues two leaves for each of so many nodes and writes them: `python -m benchmarks.issuing FOLDER NODES KEY`.

Keys on all processors, as an apply makes them; leaf, key and CA of each layer in a folder of the node's own, each
file synced to disk.
"""

from __future__ import annotations

import secrets
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.estate import NodeShape
from benchmarks.material import Authorities
from estui.act.fs import Owner, RealFs
from estui.formats import pem
from estui.model.inventory import KeyType, Layer
from estui.model.plan import LeafRequest
from estui.pki.authority import issue_leaf, new_serial
from estui.pki.keys import generate_key


def main(folder: str, nodes: str, key_type: str) -> None:
    kind, authorities, now = KeyType(key_type), Authorities.made(), datetime.now(UTC)
    signers = {layer: authorities.of(layer) for layer in Layer}
    shapes = [NodeShape(number) for number in range(int(nodes))]
    with ThreadPoolExecutor() as pool:
        keys = list(pool.map(generate_key, [kind] * (2 * len(shapes))))

        def write(node: NodeShape) -> None:
            (Path(folder) / node.name).mkdir()
            for place, layer in enumerate(Layer):
                authority, signer = signers[layer]
                key = keys[2 * node.number + place]
                names = (node.name,), (node.address,)
                request = LeafRequest(node.name, layer, layer, node.name, *names, ("serverAuth",), kind, 397)
                serial = new_serial(secrets.token_bytes(20))
                leaf = issue_leaf(request, authority=authority, authority_key=signer, key=key, serial=serial, now=now)
                chain = pem.certificate_pem(leaf) + pem.certificate_pem(authority)
                for name, content in ((f"{layer}.crt", chain), (f"{layer}.key", pem.private_key_pem(key))):
                    RealFs().create(f"{folder}/{node.name}", name, content, 0o640, Owner())

        list(pool.map(write, shapes))


if __name__ == "__main__":
    main(*sys.argv[1:])
