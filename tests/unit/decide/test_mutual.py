"""Mutual TLS on HTTP: every step keeps everybody connected, and says who would not be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from estui.decide import clients, mutual
from estui.decide.diff import build_review
from estui.decide.expiry import expiry_report
from estui.decide.findings.registry import all_findings
from estui.decide.joining import join_goal
from estui.errors import PlanError
from estui.formats.wire import parse_plan, plan_bytes
from estui.model.goal import Demand, Goal, MutualTls, Rotation, Scenario
from estui.model.inventory import KeyType, StoreFormat
from estui.model.observed import NO_API, ClientFacts, Observed
from estui.model.plan import AuthorityRequest, IssueClient, Plan, PublishSet, RemoveSetting, Restart, SetSetting
from estui.model.rollover import Client
from estui.model.run import StepKind
from estui.pki.facts import certificate_facts
from tests.golden.samples import KIBANA, MODULE
from tests.unit.decide.samples import V7, Lab, answering, make_authority, node_yml

OPTIONAL = Goal(Scenario.MUTUAL)
REQUIRED = Goal(Scenario.MUTUAL, mutual=MutualTls(Demand.REQUIRED))
BACK = Goal(Scenario.MUTUAL, mutual=MutualTls(Demand.OPTIONAL))
OFF = Goal(Scenario.MUTUAL, mutual=MutualTls(Demand.NONE))
PKI = Goal(Scenario.MUTUAL, mutual=MutualTls(realm=True))
METRICBEAT = """\
metricbeat.config.modules:
  path: ${path.config}/modules.d/*.yml
output.elasticsearch:
  hosts: ["http://127.0.0.1:9201"]
"""
CERTIFICATE = certificate_facts(make_authority(AuthorityRequest("any", "bob", KeyType.EC_P256, 10))[1])
DEMAND = "xpack.security.http.ssl.client_authentication"
TRUST = "xpack.security.http.ssl.certificate_authorities"
HTTP_CA, CLIENT_CA = "estui/http/current/ca.crt", "estui/client/current/ca.crt"


@pytest.fixture
def https(tmp_path: Path) -> Lab:
    """Three nodes, a Kibana and a Metricbeat on basic + HTTPS."""
    lab = Lab(tmp_path).three('cluster.initial_master_nodes: ["es-1", "es-2", "es-3"]')
    lab.with_kibana(KIBANA.replace("logs.example.net:9200", "127.0.0.1:9202"), on_host="/etc/kibana")
    lab.with_beat(METRICBEAT, modules={"elasticsearch-xpack.yml": MODULE}, on_host="/etc/metricbeat", name="metricbeat")
    lab.apply(lab.plan(Goal(Scenario.HTTPS)))
    return lab


def settings(plan: Plan, target: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for change in plan.changes:
        if isinstance(change, SetSetting | RemoveSetting) and change.target == target:
            found[change.key] = change.value if isinstance(change, SetSetting) else None
    return found


def asked(observed: Observed, *clients_seen: Client) -> Observed:
    return dataclasses.replace(observed, connected=clients_seen)


def refused(lab: Lab, goal: Goal, observed: Observed | None = None) -> str:
    with pytest.raises(PlanError) as caught:
        lab.plan(goal, observed=observed)
    return "\n".join(caught.value.reasons)


def test_the_first_step_asks_and_gives_everybody_a_certificate(https: Lab) -> None:
    plan = https.plan(OPTIONAL)
    assert [(stage.id, stage.restart) for stage in plan.stages] == [
        ("nodes", Restart.ROLLING),
        ("kibana", Restart.KIBANA),
        ("beats", Restart.BEAT),
    ]
    for name in ("es-1", "es-2", "es-3"):
        assert settings(plan, name) == {DEMAND: "optional", TRUST: (HTTP_CA, CLIENT_CA)}
    kibana = settings(plan, "kibana/kibana-1")
    assert kibana["elasticsearch.ssl.certificate"] == "/etc/kibana/estui/elasticsearch/current/client.crt"
    assert kibana["elasticsearch.ssl.key"] == "/etc/kibana/estui/elasticsearch/current/client.key"
    assert kibana["elasticsearch.ssl.alwaysPresentCertificate"] is True
    beat = settings(plan, "beat/metricbeat")
    assert beat["output.elasticsearch.ssl.key"] == "/etc/metricbeat/estui/elasticsearch/current/client.key"
    assert any(key.endswith(".ssl.certificate") and not key.startswith("output") for key in beat)
    leaves = [change.request for change in plan.changes if isinstance(change, PublishSet) and change.request]
    assert {(leaf.target, leaf.authority, leaf.usages) for leaf in leaves} == {
        ("kibana/kibana-1", "client", ("clientAuth",)),
        ("beat/metricbeat", "client", ("clientAuth",)),
    }
    assert [change.request.common_name for change in plan.changes if isinstance(change, IssueClient)] == ["estui"]
    kinds = [step.kind for step in plan.steps]
    assert kinds.index(StepKind.RESTART) < kinds.index(StepKind.STOP)  # nodes trust before anybody shows anything


def test_the_trust_in_the_nodes_stays_with_kibana_and_the_beat(https: Lab) -> None:
    """A set is written whole: the CA of the nodes is in the new one."""
    published = {each.target: each for each in https.plan(OPTIONAL).changes if isinstance(each, PublishSet)}
    assert published["kibana/kibana-1"].trust == ("http",)
    assert published["beat/metricbeat"].trust == ("http",)
    assert published["es-1"].trust == ("client",)


def test_after_it_was_applied_nothing_is_left_to_do(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    assert https.plan(OPTIONAL).is_empty
    assert https.plan(Goal(Scenario.HTTPS)).is_empty, "the rung below keeps what stands higher"
    assert mutual.trusts_clients(https.look().nodes[0], https.look())
    assert https.look().nodes[0].disk[next(iter(https.look().nodes[0].disk))].managed


def test_the_demand_waits_for_everybody(https: Lab) -> None:
    reasons = refused(https, REQUIRED)
    for words in ("es-1, es-2, es-3 do not ask", "kibana/kibana-1 has no", "beat/metricbeat has no", "estui itself"):
        assert words in reasons
    https.apply(https.plan(OPTIONAL))
    assert "estui client connected" in refused(https, REQUIRED)
    script = Client("http 10.0.0.9 curl/8", "10.0.0.9 (curl/8) talks to the HTTP layer")
    assert "'http 10.0.0.9 curl/8'" in refused(https, REQUIRED, asked(https.look(), script))
    ticked = dataclasses.replace(script, ticked="me")
    plan = https.plan(REQUIRED, observed=asked(https.look(), ticked))
    assert [stage.id for stage in plan.stages] == ["nodes"]
    assert settings(plan, "es-2") == {DEMAND: "required"}
    assert any("10.0.0.9 (curl/8)" in note for note in plan.notes)


def test_a_beat_that_was_added_later_keeps_the_demand_away(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    https.with_beat(METRICBEAT.replace("http:", "https:"), "filebeat", on_host="/etc/filebeat", name="filebeat")
    assert "beat/filebeat has no client certificate yet" in refused(https, REQUIRED, asked(https.look()))


def demanding(lab: Lab) -> Lab:
    lab.apply(lab.plan(OPTIONAL))
    lab.apply(lab.plan(REQUIRED, observed=asked(lab.look())))
    return lab


def test_the_way_back_goes_through_optional(https: Lab) -> None:
    """Undoing `off` under a demand would lock out Kibana before it had its certificate again."""
    demanding(https)
    assert https.plan(REQUIRED).is_empty
    assert https.plan(OPTIONAL).is_empty, "without a word the demand stays as it stands"
    assert "go back to optional first" in refused(https, OFF)
    back = https.plan(BACK)
    assert settings(back, "es-1") == {DEMAND: "optional"}
    https.apply(back)
    plan = https.plan(OFF)
    assert settings(plan, "es-1") == {DEMAND: None, TRUST: (HTTP_CA,)}
    assert settings(plan, "kibana/kibana-1") == {
        "elasticsearch.ssl.certificate": None,
        "elasticsearch.ssl.key": None,
        "elasticsearch.ssl.alwaysPresentCertificate": None,
    }
    assert not any(isinstance(change, PublishSet) for change in plan.changes)
    https.apply(plan)
    assert https.plan(OFF).is_empty
    assert https.plan(Goal(Scenario.HTTPS)).is_empty


@pytest.mark.parametrize("licence", ["basic", "trial (expired)", ""])
def test_a_realm_that_the_licence_does_not_allow_is_refused(https: Lab, licence: str) -> None:
    reasons = refused(https, PKI, answering(https.look(), licence=licence))
    assert "leave out --pki" in reasons
    assert (licence or "no node tells") in reasons


def test_the_realm_comes_last_and_maps_whoever_has_a_role(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    certificate = https.look().clients[0].certificate
    https.clients.append(ClientFacts("alice", dataclasses.replace(certificate, subject="CN=alice"), roles=("viewer",)))
    plan = https.plan(PKI, observed=answering(https.look(), licence="trial"))
    realm = "xpack.security.authc.realms.pki.estui"
    assert settings(plan, "es-1") == {
        f"{realm}.order": 2,
        f"{realm}.certificate_authorities": (CLIENT_CA,),
        f"{realm}.files.role_mapping": "estui/client/current/role_mapping.yml",
    }
    published = [change for change in plan.changes if isinstance(change, PublishSet)]
    for change in published:
        first, mark = change.mapping
        assert first == ("viewer", "CN=alice")
        assert mark[0].startswith("estui-mapping-")
        assert mark[1] == "CN=estui"
    assert "role viewer: CN=alice" in "\n".join(
        line.text for file in build_review(plan, https.look()).files for line in file.lines
    )
    https.apply(plan)
    assert https.plan(OPTIONAL).is_empty
    https.clients[-1] = dataclasses.replace(https.clients[-1], roles=("editor",))
    again = https.plan(OPTIONAL)
    assert [stage.restart for stage in again.stages] == [Restart.NONE], "a role mapping is read again by itself"
    https.apply(again)
    assert https.plan(OPTIONAL).is_empty


def test_before_8_the_built_in_realms_are_named_beside_it(https: Lab) -> None:
    observed = answering(https.look(), licence="platinum")
    old = dataclasses.replace(observed, nodes=tuple(dataclasses.replace(node, version=V7) for node in observed.nodes))
    found = {key: value for key, value, _ in mutual.realm_settings(old.nodes[0], old)}
    assert found["xpack.security.authc.realms.file.default_file.order"] == 0
    assert found["xpack.security.authc.realms.native.default_native.order"] == 1
    assert found[f"{mutual.REALM}.order"] == 2


def test_what_stands_below_https_is_sent_there_first(tmp_path: Path) -> None:
    assert "estui plan https first" in refused(Lab(tmp_path).node("es-1"), OPTIONAL)


def test_a_truststore_has_to_become_pem_first(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", secure={})
    lab.apply(lab.plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12)))
    assert "estui plan https --format pem" in refused(lab, OPTIONAL)
    lab.apply(lab.plan(Goal(Scenario.HTTPS, StoreFormat.PEM)))
    assert settings(lab.plan(OPTIONAL), "es-1")[TRUST] == (HTTP_CA, CLIENT_CA)


def test_a_truststore_that_somebody_else_made_is_refused_with_the_way_around_it(https: Lab) -> None:
    yml = https.folder("es-2") / "elasticsearch.yml"
    lines = yml.read_text().replace("xpack.security.http.ssl.certificate_authorities", "#")
    foreign = lines.replace("estui/http/current/node", "certs/node")
    yml.write_text(foreign + "\nxpack.security.http.ssl.truststore.path: t.p12\n")
    told = refused(https, OPTIONAL)
    assert "es-2: xpack.security.http.ssl.truststore.path is t.p12, which estui did not make" in told
    assert "openssl pkcs12 -in t.p12 -nokeys" in told
    assert "--format pem" not in told


def test_a_certificate_of_somebody_else_is_not_covered_up(https: Lab) -> None:
    yml = https.folder("kibana-1") / "kibana.yml"
    yml.write_text(yml.read_text() + "elasticsearch.ssl.certificate: /etc/kibana/mine.crt\n")
    assert "shows a client certificate that estui did not issue" in refused(https, OPTIONAL)


def test_a_certificate_that_is_due_is_renewed(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    late = https.later(days=380)
    whys = [change.why for change in late.plan(OPTIONAL).changes if isinstance(change, PublishSet)]
    assert whys.count("the client certificate in use is due") == 2
    assert any(isinstance(change, IssueClient) and change.replaces for change in late.plan(OPTIONAL).changes)
    assert clients.own(https.look()) is not None


def test_the_doctor_has_nothing_against_it(https: Lab) -> None:
    before = {(finding.rule, finding.target) for finding in all_findings(https.look(), https.now)}
    demanding(https)
    https.apply(https.plan(BACK))
    https.apply(https.plan(PKI, observed=answering(https.look(), licence="trial")))
    https.apply(https.plan(REQUIRED, observed=asked(https.look())))
    assert {(finding.rule, finding.target) for finding in all_findings(https.look(), https.now)} <= before


def test_what_ends_is_watched(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    seen = {
        (place.target, place.context)
        for row in expiry_report(https.look(), https.now, network=False).rows
        for place in row.seen
    }
    assert {("client/estui", "client"), ("kibana/kibana-1", "elasticsearch"), ("beat/metricbeat", "output")} <= seen
    assert ("es-1", "clients") in seen, "the CA that nodes trust for clients"


def test_a_client_ca_is_followed_by_another_and_goes_when_nobody_needs_it(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    https.authorities["client-2"] = make_authority(AuthorityRequest("client-2", "client 2", KeyType.EC_P256, 1000))
    plan = https.plan(OPTIONAL)
    published = {each.target: each for each in plan.changes if isinstance(each, PublishSet)}
    assert set(published["es-1"].trust) == {"client-2", "client"}
    leaf = published["kibana/kibana-1"].request
    assert leaf is not None
    assert leaf.authority == "client-2"
    assert plan.restart is Restart.KIBANA, "nodes read the set while they run"
    https.apply(plan)
    https.clients[:] = https.clients[-1:]  # the newer of estui's own
    last = https.plan(OPTIONAL)
    assert {each.trust for each in last.changes if isinstance(each, PublishSet)} == {("client-2",)}
    https.apply(last)
    assert https.plan(OPTIONAL).is_empty


def test_under_the_demand_certificates_are_renewed_all_the_same(https: Lab) -> None:
    demanding(https)
    https.authorities["client-2"] = make_authority(AuthorityRequest("client-2", "client 2", KeyType.EC_P256, 1000))
    targets = {each.target for each in https.plan(OPTIONAL).changes if isinstance(each, PublishSet)}
    assert targets >= {"es-1", "kibana/kibana-1", "beat/metricbeat"}
    https.with_beat(METRICBEAT.replace("http:", "https:"), "filebeat", on_host="/etc/filebeat", name="filebeat")
    assert "beat/filebeat" in {each.target for each in https.plan(OPTIONAL).changes if isinstance(each, PublishSet)}


def test_a_realm_reads_another_ca_at_its_start_only(https: Lab) -> None:
    https.apply(https.plan(PKI, observed=answering(https.look(), licence="trial")))
    https.authorities["client-2"] = make_authority(AuthorityRequest("client-2", "client 2", KeyType.EC_P256, 1000))
    assert https.plan(OPTIONAL).stages[0].restart is Restart.ROLLING


def test_a_saved_plan_is_the_same_plan(https: Lab) -> None:
    https.clients.append(ClientFacts("bob", CERTIFICATE, roles=("viewer", "editor")))
    plan = https.plan(PKI, observed=answering(https.look(), licence="trial"))
    assert parse_plan(plan_bytes(plan), "plan.json") == plan


def test_a_rotation_renews_the_certificates_of_clients(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    plan = https.plan(Goal(Scenario.MUTUAL, rotation=Rotation(sets=("client",))))
    assert [(stage.id, stage.restart) for stage in plan.stages] == [
        ("kibana-leaves", Restart.KIBANA),
        ("beat-leaves", Restart.BEAT),
    ]
    published = {each.target: each for each in plan.changes if isinstance(each, PublishSet)}
    assert set(published) == {"kibana/kibana-1", "beat/metricbeat"}
    assert all(each.trust == ("http",) and each.replaces for each in published.values())
    assert [each.replaces for each in plan.changes if isinstance(each, IssueClient)] == [True]
    alone = https.plan(Goal(Scenario.MUTUAL, only=("client/estui",), rotation=Rotation()))
    assert [step.kind for step in alone.steps] == [StepKind.PREPARE, StepKind.VERIFY]
    everything = https.plan(Goal(Scenario.MUTUAL, rotation=Rotation()))
    assert {step.kind for step in everything.steps} >= {StepKind.COMMIT, StepKind.RESTART, StepKind.STOP}
    assert https.plan(Goal(Scenario.MUTUAL, rotation=Rotation(due_only=True))).is_empty


def test_a_certificate_of_a_person_is_renewed_with_its_owner(https: Lab) -> None:
    https.apply(https.plan(OPTIONAL))
    https.clients.append(dataclasses.replace(https.clients[0], name="alice", has_key=False))
    assert "estui client new alice --renew" in refused(
        https, Goal(Scenario.MUTUAL, only=("client/alice",), rotation=Rotation())
    )


def test_a_node_that_joins_gets_what_the_others_have(https: Lab) -> None:
    demanding(https)
    https.node("es-4", node_yml("es-4", 4))
    observed = https.look()
    nodes = tuple(
        dataclasses.replace(node, api=NO_API) if node.target == "es-4" else node for node in answering(observed).nodes
    )
    members = tuple(member for member in nodes[0].api.members if member.name != "es-4")
    nodes = tuple(
        dataclasses.replace(node, api=dataclasses.replace(node.api, members=members)) if node.api.reachable else node
        for node in nodes
    )
    seen = dataclasses.replace(observed, nodes=nodes)
    plan = https.plan(join_goal(seen, "es-4"), observed=seen)
    assert settings(plan, "es-4")[DEMAND] == "required"
    assert settings(plan, "es-4")[TRUST] == (HTTP_CA, CLIENT_CA)
    assert [change.key for change in plan.changes if isinstance(change, SetSetting)].count(TRUST) == 1
    https.apply(plan)
    assert https.plan(REQUIRED).is_empty
