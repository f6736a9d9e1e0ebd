"""Files against running processes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estui.model.inventory import Address, Layer
from estui.model.observed import ObservedNode, PortState, SeenFile, Served
from tests.unit.decide.findings.builders import (
    SECURED,
    Case,
    answers,
    ca,
    check,
    disk,
    facts,
    fire,
    names,
    node,
    on,
    seen,
    state,
)

PORT = Address("127.0.0.1", 9300)
LEAF, NEW = facts(), facts("es-1", "new")
OFF = "cluster.name: lab\nxpack.security.enabled: false"


def serving(found: Served, yml: str = SECURED, name: str = "es-1", **given: Any) -> ObservedNode:
    served = {Layer.TRANSPORT: replace(found, address=PORT)}
    return node(yml, name=name, disk=on(Layer.TRANSPORT, disk(LEAF)), served=served, **given)


TLS = Served(PORT, PortState.TLS, tls_version="TLSv1.3", chain=(LEAF,))
PLAIN = Served(PORT, PortState.PLAIN)
GOOD = seen(serving(TLS))
# A chain of leaf, intermediate and root, told apart by names only.
MIDDLE = replace(ca(), subject="CN=Middle", issuer="CN=Root", sha256="11")
ROOT = replace(ca(), subject="CN=Root", issuer="CN=Root", sha256="22")
BELOW = replace(LEAF, issuer="CN=Middle")
LINKED = {"elasticsearch.yml": replace(state(b""), link="/srv/elasticsearch.yml")}

READS = answers(listed=(SeenFile("t.crt", LEAF.serial), SeenFile("t-ca.crt", 7)))
OTHERS = answers(listed=(SeenFile("t.crt", 4711), SeenFile("t-ca.crt", 7)))

MOUNTED = {"elasticsearch.keystore": replace(state(b""), mounted=True)}

CASES = [
    Case("file-mounted-alone", seen(node(files=MOUNTED)), GOOD, "elasticsearch.keystore is a mount"),
    Case(
        "node-cannot-read-files",
        seen(node(api=answers(listed_problem="HTTP 500: cannot read t.crt"))),
        seen(node(api=READS)),
        "cannot read t.crt",
    ),
    Case(
        "node-sees-another-file",
        seen(node(disk=on(Layer.TRANSPORT, disk(LEAF)), api=OTHERS)),
        seen(node(disk=on(Layer.TRANSPORT, disk(LEAF)), api=READS)),
        "t.crt is serial",
    ),
    Case("tls-not-loaded", seen(serving(replace(TLS, chain=(NEW,)))), GOOD, "transport 127.0.0.1:9300"),
    Case("tls-handshake-fails", seen(serving(Served(PORT, PortState.TLS, "bad signature"))), GOOD, "bad signature"),
    Case("tls-names-narrower", seen(serving(replace(TLS, chain=(NEW,)))), GOOD, "lacks new"),
    Case(
        "tls-chain-incomplete",
        seen(node(disk=on(Layer.TRANSPORT, disk(BELOW, (MIDDLE, ROOT))))),
        seen(node(disk=on(Layer.TRANSPORT, disk(BELOW, (MIDDLE, ROOT), chain=(BELOW, MIDDLE))))),
        "CN=Middle is missing",
    ),
    Case("transport-tls-half-way", seen(serving(TLS), serving(PLAIN, name="es-2")), GOOD, "es-2 without TLS"),
    Case("port-contradicts-file", seen(serving(PLAIN)), GOOD, "ssl.enabled is true, but"),
    Case(
        "security-contradicts-file",
        seen(node(OFF, api=answers(secured=True))),
        seen(node(OFF, api=answers(secured=False))),
    ),
    Case("name-contradicts-file", seen(node(api=answers("es-2"))), seen(node(api=answers("es-1"))), "answers as es-2"),
    Case("cluster-name-contradicts-file", seen(node(api=answers(cluster_name="other"))), seen(node(api=answers()))),
    Case("environment-placeholder", seen(node("network.host: ${HOST}")), GOOD, "from the environment: network.host"),
    Case("settings-file-linked", seen(node(files=LINKED)), GOOD, "a link to /srv/elasticsearch.yml"),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_tls_that_no_file_asks_for_is_set_elsewhere() -> None:
    """ES_SETTING_*, -E and jvm.options.d are not in the folder; a running node tells on them."""
    (found,) = fire("port-contradicts-file", seen(serving(TLS, OFF)))
    assert "is not true, but transport 127.0.0.1:9300 speaks TLS" in found.summary
    assert "ES_SETTING_*" in found.effect


@pytest.mark.parametrize(
    ("rule", "contradicting"),
    [
        ("port-contradicts-file", serving(TLS, OFF)),
        ("security-contradicts-file", node(OFF, api=answers(secured=True))),
        ("cluster-name-contradicts-file", node(api=answers(cluster_name="other"))),
        ("name-contradicts-file", node(api=answers("es-2"))),
    ],
)
def test_who_contradicts_its_file_is_told_where_to_state_what_is_set_elsewhere(
    rule: str, contradicting: ObservedNode
) -> None:
    (found,) = fire(rule, seen(contradicting))
    assert "settings_elsewhere:" in found.hint
    assert "estui.yaml" in found.hint


def test_a_node_that_is_down_contradicts_nothing() -> None:
    down = serving(Served(PORT, PortState.REFUSED, "connection refused"))
    for rule in ("port-contradicts-file", "tls-not-loaded", "tls-handshake-fails", "transport-tls-half-way"):
        assert fire(rule, seen(down)) == []


def test_a_cluster_name_from_the_environment_contradicts_nothing() -> None:
    observed = seen(node("cluster.name: ${CLUSTER}", api=answers(cluster_name="other")))
    assert fire("cluster-name-contradicts-file", observed) == []
