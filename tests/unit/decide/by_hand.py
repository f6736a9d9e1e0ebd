"""Set-ups of a lab that estui did not make: certificate files with names of their own."""

from __future__ import annotations

import random
from dataclasses import replace

from estui.formats import es_keystore, pem, pkcs12
from estui.model.goal import Scenario
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.pki.authority import issue_leaf
from estui.pki.keys import generate_key
from estui.secret import Secret
from tests.unit.decide.samples import IV, SALT, SEED, Lab, make_authority, node_yml

STORE = "certs/elastic-certificates.p12"
PASSWORD = "typed-by-a-person"
LAYERS = ("transport", "http")


def own_names(lab: Lab) -> Lab:
    """Three nodes with HTTPS whose files are `certs/<layer>.crt`, `.key` and `-ca.crt`."""
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    for name in ("es-1", "es-2", "es-3"):
        text = lab.yml(name)
        for layer in LAYERS:
            for file, own in (
                ("node.crt", f"{layer}.crt"),
                ("node.key", f"{layer}.key"),
                ("ca.crt", f"{layer}-ca.crt"),
            ):
                managed = f"estui/{layer}/current/{file}"
                lab.put(name, f"certs/{own}", (lab.folder(name) / managed).read_bytes())
                text = text.replace(managed, f"certs/{own}")
        lab.put(name, "elasticsearch.yml", text.encode())
    return lab


def one_layer(lab: Lab, usages: tuple[str, ...] = ()) -> Lab:
    """One node whose transport layer has PEM files of the workspace's CA, with names that are no longer true."""
    lab.node("es-1", node_yml("es-1", 1, security="xpack.security.enabled: true"))
    authority = AuthorityRequest("transport", "Elastic CA", lab.policy.ca_key, 3650)
    lab.authorities["transport"] = make_authority(authority, lab.now)
    request = LeafRequest(
        *("es-1", "transport", "transport", "es-1", ("old.example.net",), ("10.0.0.9",)),
        *(usages, lab.policy.transport_key, 397),
    )
    key, leaf, ca = lab.issue(request)
    lab.put("es-1", "certs/t.crt", pem.certificate_pem(leaf))
    lab.put("es-1", "certs/t.key", pem.private_key_pem(key))
    lab.put("es-1", "certs/ca.crt", pem.certificate_pem(ca))
    prefix = "xpack.security.transport.ssl"
    named = {"certificate": "certs/t.crt", "key": "certs/t.key", "certificate_authorities": "certs/ca.crt"}
    lines = [f"{prefix}.enabled: true", *(f"{prefix}.{key}: {path}" for key, path in named.items())]
    lab.put("es-1", "elasticsearch.yml", (lab.yml("es-1") + "\n".join(lines) + "\n").encode())
    return lab


def one_store(lab: Lab, *, dns_names: tuple[str, ...] = ("localhost",)) -> Lab:
    """Three nodes with copies of one `elastic-certificates.p12` for both layers, keystore and truststore at once."""
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    ca_key, ca = lab.authorities["transport"]
    key = generate_key(KeyType.EC_P256)
    request = LeafRequest(
        "all", "transport", "transport", "instance", ("x",), ("127.0.0.1",), (), KeyType.EC_P256, 1095
    )
    request = replace(request, dns_names=dns_names)
    leaf = issue_leaf(request, authority=ca, authority_key=ca_key, key=key, serial=random.getrandbits(90), now=lab.now)
    entry = pkcs12.KeyEntry("instance", key, leaf, (ca,))
    store = pkcs12.write_store([entry], [("ca", ca)], Secret(PASSWORD))
    secure = {
        f"xpack.security.{layer}.ssl.{kind}.secure_password": PASSWORD.encode()
        for layer in LAYERS
        for kind in ("keystore", "truststore")
    }
    content = es_keystore.write_secure_settings(
        {es_keystore.SEED: SEED, **secure}, version=7, password=None, salt=SALT, iv=IV
    )
    for name in ("es-1", "es-2", "es-3"):
        lines = [line for line in lab.yml(name).splitlines() if "/current/" not in line]
        for layer in LAYERS:
            lines += [f"xpack.security.{layer}.ssl.{kind}.path: {STORE}" for kind in ("keystore", "truststore")]
        lab.put(name, "elasticsearch.yml", ("\n".join(lines) + "\n").encode())
        lab.put(name, "elasticsearch.keystore", content)
        lab.put(name, STORE, store)
    return lab
