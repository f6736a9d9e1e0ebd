"""Names that are no settings."""

from __future__ import annotations

import pytest

from estui.decide.findings.known import KNOWN, is_foreign, is_known, meant_by
from estui.model.finding import Severity
from tests.unit.decide.findings.builders import Case, check, fire, names, node, seen

CASES = [
    Case("setting-unknown", seen(node("cluster.nmae: x")), seen(node("cluster.name: x")), "cluster.nmae"),
    Case("setting-of-plugin", seen(node("zebra.stripes: 3")), seen(node("node.attr.stripes: 3")), "zebra.stripes"),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("xpack.security.enable", "xpack.security.enabled"),
        ("discovery.seed_host", "discovery.seed_hosts"),
        ("netwrok.host", "network.host"),
        ("cluster.initial_master_node", "cluster.initial_master_nodes"),
        ("zebra.stripes", ""),
    ],
)
def test_a_mistyped_name_names_the_right_one(name: str, meant: str) -> None:
    assert meant_by(name) == meant
    (found,) = [
        each for rule in ("setting-unknown", "setting-of-plugin") for each in fire(rule, seen(node(f"{name}: a")))
    ]
    assert found.severity is (Severity.FATAL if meant else Severity.WARNING)
    assert not meant or found.hint == f"did you mean {meant}?"


@pytest.mark.parametrize(
    "name",
    [
        *("node.roles", "indices.breaker.total.limit", "xpack.security.authc.realms.native.n.order", "ingest.geoip.x"),
        *("s3.client.default.endpoint", "cluster.routing.allocation.awareness.attributes", "node.ml", "path.repo"),
        *("xpack.monitoring.collection.enabled", "action.auto_create_index", "thread_pool.write.queue_size"),
        *("xpack.security.transport.ssl.enabled", "http.publish_host", "reindex.remote.whitelist", "script.painless.x"),
    ],
)
def test_settings_that_exist_are_left_alone(name: str) -> None:
    observed = seen(node(f"{name}: 1"))
    assert fire("setting-unknown", observed) == fire("setting-of-plugin", observed) == []


def test_every_known_name_is_known_and_of_elasticsearch() -> None:
    assert [name for name in KNOWN if not is_known(name) or is_foreign(name)] == []


def test_what_is_stated_to_be_set_elsewhere_is_not_the_ymls_matter() -> None:
    from dataclasses import replace

    one = node("zebra.stripes: 3")
    outside = {key: replace(setting, source="estui.yaml") for key, setting in one.settings.items()}
    assert fire("setting-of-plugin", seen(replace(one, settings=outside))) == []
