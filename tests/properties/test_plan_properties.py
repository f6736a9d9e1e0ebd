"""For every cluster of a few kinds: what a plan asks for, once done, leaves nothing to plan."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from estui.decide.diff import edited_yml
from estui.formats.yml import parse_settings
from estui.model.goal import Goal, Scenario
from estui.model.inventory import StoreFormat
from tests.unit.decide.samples import OFF, V7, V8, V9, Lab, node_yml

LINES = st.lists(
    st.sampled_from(
        [
            "",
            "# a comment",
            "network.host: es-1.example.net",
            "transport.host: [_local_]",
            'path.data: "/var/lib/elasticsearch"',
            "discovery.seed_hosts: []",
            "resource.reload.enabled: false",
            "xpack.security.transport.ssl.client_authentication: none",
            "xpack.security.transport.ssl:\n  enabled: false\n  keystore.path: old.p12",
            "xpack:\n  security:\n    http:\n      ssl: {enabled: false, key: old.key, certificate: old.crt}",
            "node.attr.rack: r1   # by hand",
        ]
    ),
    max_size=5,
    unique=True,
)
KIBANA = st.lists(
    st.sampled_from(
        [
            "# kibana",
            'elasticsearch.hosts: ["http://127.0.0.1:9201", "http://lb.example.net:9200"]',
            "elasticsearch.username: elastic",
            "elasticsearch.password: hunter2",
            "server: {name: k, publicBaseUrl: 'http://k.example.net'}",
            "elasticsearch.ssl.verificationMode: none",
            "xpack.security.enabled: false",
        ]
    ),
    unique=True,
)
NAMES = st.sampled_from(["es-1", "ES_1", "node.one", "a b"])
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lab_of(root: str, name: str, lines: list[str], kibana: list[str] | None, version: int) -> Lab:
    lab = Lab(Path(root), version={7: V7, 8: V8, 9: V9}[version])
    lab.aliases[name] = "one"
    lab.node(name, node_yml(name, 1, *lines, security=OFF if version > 7 else ""))
    if kibana is not None:
        lab.with_kibana("\n".join(kibana) + "\n", on_host="/etc/kibana")
    return lab


@FEW
@given(
    name=NAMES,
    lines=LINES,
    kibana=st.none() | KIBANA,
    version=st.sampled_from([7, 8, 9]),
    scenario=st.sampled_from([Scenario.MINIMAL, Scenario.BASIC, Scenario.HTTPS]),
    store=st.none() | st.sampled_from(StoreFormat),
)
def test_a_plan_that_was_applied_is_empty(
    name: str,
    lines: list[str],
    kibana: list[str] | None,
    version: int,
    scenario: Scenario,
    store: StoreFormat | None,
) -> None:
    with tempfile.TemporaryDirectory() as root:
        lab = lab_of(root, name, lines, kibana, version)
        plan = lab.plan(Goal(scenario, store))
        assert "hunter2" not in repr(plan)
        lab.apply(plan)
        assert lab.look().nodes[0].rung is scenario.rung
        assert lab.plan(Goal(scenario)).is_empty
        assert lab.plan(Goal(scenario, store)).is_empty


@FEW
@given(name=NAMES, lines=LINES, kibana=KIBANA, version=st.sampled_from([7, 8, 9]))
def test_climbing_in_steps_ends_where_climbing_at_once_ends(
    name: str, lines: list[str], kibana: list[str], version: int
) -> None:
    with tempfile.TemporaryDirectory() as root:
        lab = lab_of(root, name, lines, kibana, version)
        before = lab.yml(name).encode()
        at_once = edited_yml(before, lab.plan(Scenario.HTTPS).changes, name, "elasticsearch.yml")
        for scenario in (Scenario.BASIC, Scenario.HTTPS):
            lab.apply(lab.plan(scenario))
        one, other = (parse_settings(text, "yml") for text in (at_once, lab.yml(name).encode()))
        assert {key: found.text for key, found in one.items()} == {key: found.text for key, found in other.items()}
