"""What each scenario changes, and when it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide import scenarios
from estui.errors import PlanError
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import Member, Observed
from estui.model.plan import Plan, PublishSet, RemoveSetting, Restart, SetSetting
from tests.unit.decide.samples import V8, Lab, fixture_yml, node_yml

ON = "xpack.security.enabled: true"
MINIMAL, BASIC, HTTPS = Goal(Scenario.MINIMAL), Goal(Scenario.BASIC), Goal(Scenario.HTTPS)


def settings(plan: Plan, target: str = "es-1") -> dict[str, object]:
    """What a plan sets in a target's yml; a removed setting is `...`."""
    found: dict[str, object] = {}
    for change in plan.changes:
        if isinstance(change, SetSetting) and change.target == target:
            found[change.key] = change.value
        elif isinstance(change, RemoveSetting) and change.target == target:
            found[change.key] = ...
    return found


def refused(lab: Lab, goal: Goal, observed: Observed | None = None) -> str:
    with pytest.raises(PlanError) as error:
        lab.plan(goal, observed=observed)
    return "\n".join(error.value.reasons)


def test_minimal_turns_security_and_single_node_discovery_on(lab: Lab) -> None:
    plan = lab.node("es-1").plan(MINIMAL)
    assert settings(plan) == {"xpack.security.enabled": True, "discovery.type": "single-node"}
    assert plan.restart is Restart.FULL


def test_single_node_discovery_takes_the_initial_masters_away_in_the_same_change(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "cluster.initial_master_nodes: [es-1]"))
    assert settings(lab.plan(MINIMAL))["cluster.initial_master_nodes"] is ...


@pytest.mark.parametrize(
    "seeds", ["[127.0.0.1]", '["localhost:9301", "[::1]"]', "es-1", "10.0.0.5:9301, 127.0.0.1:9301", "[]"]
)
def test_seeds_that_are_the_node_itself_do_not_stand_against_minimal(lab: Lab, seeds: str) -> None:
    lab.node("es-1", node_yml("es-1", 1, "network.host: 10.0.0.5", f"discovery.seed_hosts: {seeds}"))
    assert lab.plan(MINIMAL).changes


def test_a_seed_under_the_nodes_published_name_is_the_node_itself(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "discovery.seed_hosts: es-1.example.net:9301"))
    observed = lab.look()
    known = (Member("es-1", transport="es-1.example.net/127.0.0.1:9301"),)
    node = replace(observed.nodes[0], api=replace(observed.nodes[0].api, members=known))
    assert scenarios.other_seeds(node, replace(observed, nodes=(node,))) == ()


@pytest.mark.parametrize("key", ["discovery.seed_hosts", "discovery.zen.ping.unicast.hosts"])
def test_minimal_is_refused_where_seeds_name_other_nodes(lab: Lab, key: str) -> None:
    lab.node("es-1", node_yml("es-1", 1, f'{key}: ["127.0.0.1:9301", "es-2:9300"]'))
    assert "names es-2:9300" in refused(lab, MINIMAL)


def test_minimal_is_refused_for_several_nodes_in_the_inventory(lab: Lab) -> None:
    assert "minimal is for a single node" in refused(lab.three(), MINIMAL)


def test_a_node_that_stands_higher_keeps_what_it_has(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(HTTPS))
    for goal in (MINIMAL, BASIC, HTTPS):
        assert lab.plan(goal).is_empty


def test_security_that_is_on_by_default_is_not_switched_again(lab: Lab) -> None:
    plan = lab.node("es-1", node_yml("es-1", security="")).plan(BASIC)
    assert "xpack.security.enabled" not in settings(plan)
    assert not any("passwords" in step.title for step in plan.steps)


def test_verification_is_full_only_where_every_address_is_known(lab: Lab) -> None:
    key = "xpack.security.transport.ssl.verification_mode"
    lab.three()
    assert settings(lab.plan(BASIC))[key] == "full"
    lab.put("es-2", "elasticsearch.yml", node_yml("es-2", 2, "transport.host: _site_").encode())
    observed = lab.look()
    change = next(c for c in lab.plan(BASIC).changes if isinstance(c, SetSetting) and c.key == key)
    assert change.value == "certificate"
    assert "es-2: its publish address is not fixed" in change.why
    assert observed.nodes[1].transport_address is None


def test_a_mode_that_is_in_use_is_not_changed_by_what_is_observed_today(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(BASIC))
    lab.put("es-2", "elasticsearch.yml", (lab.yml("es-2") + "transport.host: _site_\n").encode())
    assert lab.plan(BASIC).is_empty


def test_layers_of_somebody_else_are_left_alone(lab: Lab) -> None:
    lab.version = V8
    lab.node("es-1", fixture_yml("elasticsearch-8-auto-configured.yml"), name="es-1", http=None)
    assert scenarios.own_layers(lab.look().nodes[0], HTTPS) == ()


def test_a_half_foreign_cluster_is_refused(lab: Lab) -> None:
    tls = "xpack.security.transport.ssl: {enabled: true, key: a.key, certificate: a.crt}"
    lab.node("es-1", node_yml("es-1", 1, ON, tls, security="")).node("es-2")
    assert "TLS of es-1 was set up without estui and es-2 has none" in refused(lab, BASIC)


def test_only_must_reach_everyone_who_is_switched_kibana_too(lab: Lab) -> None:
    lab.three().with_kibana("", on_host="/etc/kibana")
    told = refused(lab, Goal(Scenario.BASIC, only=("es-1", "es-2")))
    assert "add es-3, kibana/kibana-1" in told


def test_only_may_leave_out_who_is_switched_already(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(BASIC))
    plan = lab.plan(Goal(Scenario.HTTPS, only=("es-2",)))
    assert {place.target for place in plan.places} == {"es-2"}
    assert plan.restart is Restart.ROLLING


def test_mixed_clusters_are_brought_to_one_rung_by_a_full_restart(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, ON, security="")).node("es-2")
    plan = lab.plan(BASIC)
    assert plan.restart is Restart.FULL
    assert "xpack.security.enabled" in settings(plan, "es-2")
    assert "xpack.security.enabled" not in settings(plan, "es-1")


def test_a_locked_keystore_forbids_pkcs12_and_not_pem(lab: Lab) -> None:
    lab.node("es-1", None, secure={}, keystore_password="hunter2")
    assert "--keystore-password-file, or --format pem" in refused(lab, Goal(Scenario.BASIC, StoreFormat.PKCS12))
    assert lab.plan(BASIC).changes
    assert lab.plan(Goal(Scenario.MINIMAL, StoreFormat.PKCS12)).changes
    opened = lab.look(keystore_password="hunter2")
    assert lab.plan(Goal(Scenario.BASIC, StoreFormat.PKCS12), observed=opened).changes


def test_a_new_layer_gets_the_format_that_the_node_has_already(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(Goal(Scenario.BASIC, StoreFormat.PKCS12)))
    plan = lab.plan(HTTPS)
    published = [change for change in plan.changes if isinstance(change, PublishSet)]
    assert [(change.set_name, change.format) for change in published] == [(Layer.HTTP.value, StoreFormat.PKCS12)]
