"""A node that joins a secured cluster gets what the others have, and the others nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from estui.decide import joining
from estui.errors import PlanError
from estui.formats.wire import parse_plan, plan_bytes
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Address, Layer, StoreFormat
from estui.model.observed import NO_API, ApiFacts, DataFolder, Observed, PortState, Served
from estui.model.plan import Plan, PublishSet, RemoveSetting, Restart, SetSecureSetting, SetSetting
from estui.model.run import StepKind
from tests.corporate import Corporate
from tests.unit.decide.samples import NOW, V8, Lab, answering, changed_node, node_yml
from tests.unit.decide.test_external import imported, keyless

STOCK = node_yml("es-4", 4, security="")


@pytest.fixture
def secured(lab: Lab) -> Lab:
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    return lab


def _seen(lab: Lab, name: str = "es-4") -> Observed:
    """The cluster up and whole, the new node not started; its data folder is empty."""
    observed = lab.look(up=False)
    members = replace(observed, nodes=tuple(node for node in observed.nodes if node.target != name))
    members = answering(members, secured=True)
    new = [node for node in observed.nodes if node.target == name]
    new = [replace(node, api=NO_API, data=DataFolder("data", seen=True)) for node in new]
    return replace(observed, nodes=(*members.nodes, *new))


def _plan(lab: Lab, observed: Observed | None = None, name: str = "es-4") -> Plan:
    observed = observed or _seen(lab, name)
    return lab.plan(joining.join_goal(observed, name), observed=observed)


def _reasons(lab: Lab, observed: Observed | None = None, name: str = "es-4") -> str:
    with pytest.raises(PlanError) as refused:
        _plan(lab, observed, name)
    return "\n".join(refused.value.reasons)


def test_the_new_node_gets_everything_and_the_others_nothing(secured: Lab) -> None:
    secured.node("es-4", STOCK.replace("cluster.name: lab\n", "") + 'cluster.initial_master_nodes: ["es-4"]\n')
    plan = _plan(secured)
    assert {getattr(change, "target", "es-4") for change in plan.changes} == {"es-4"}
    assert {place.target for place in plan.places} == {pin.target for pin in plan.pins} == {"es-4"}
    assert (plan.restart, plan.expect_nodes) == (Restart.JOIN, 4)
    written = {change.key: change.value for change in plan.changes if isinstance(change, SetSetting)}
    assert written["cluster.name"] == "lab"
    assert written["discovery.seed_hosts"] == ("127.0.0.1:9301", "127.0.0.1:9302", "127.0.0.1:9303")
    assert written["xpack.security.transport.ssl.verification_mode"] == "full"
    removed = {change.key: change.why for change in plan.changes if isinstance(change, RemoveSetting)}
    assert removed == {"cluster.initial_master_nodes": joining.WHY_BOOTSTRAP}
    leaves = {change.set_name: change.request for change in plan.changes if isinstance(change, PublishSet)}
    assert {name: leaf.authority for name, leaf in leaves.items() if leaf} == {"transport": "transport", "http": "http"}


def test_only_the_new_node_is_started_and_nobody_else_appears_in_a_step_before_verify(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    *steps, verify = _plan(secured).steps
    assert [step.kind.value for step in steps] == ["prepare", "commit", "start", "cluster"]
    assert {target for step in steps for target in step.targets} == {"es-4"}
    assert verify.targets == ("es-1", "es-2", "es-3", "es-4")


def test_a_running_one_is_stopped_first(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    plain = {Layer.HTTP: Served(Address("127.0.0.1", 9204), PortState.PLAIN)}
    alone = ApiFacts(reachable=True, status=200, secured=False, name="es-4", cluster_uuid="_na_")
    observed = changed_node(_seen(secured), "es-4", lambda node: replace(node, served=plain, api=alone))
    plan = _plan(secured, observed)
    assert [step.kind for step in plan.steps][:3] == [StepKind.PREPARE, StepKind.STOP, StepKind.COMMIT]
    assert any("has to be stopped" in note for note in plan.notes)


def test_once_it_has_joined_nothing_is_left_to_do(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    secured.apply(_plan(secured))
    assert _plan(secured).is_empty
    assert secured.plan(Scenario.HTTPS).is_empty


def test_the_format_is_that_of_the_others(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12)))
    lab.node("es-4", STOCK)
    plan = _plan(lab)
    assert {change.format for change in plan.changes if isinstance(change, PublishSet)} == {StoreFormat.PKCS12}
    assert len([change for change in plan.changes if isinstance(change, SetSecureSetting)]) == 4


def test_the_rung_is_that_of_the_others_also_for_http(lab: Lab) -> None:
    """In a basic cluster a node that auto-configured itself stops speaking HTTPS, which nobody expects of it."""
    lab.three()
    lab.apply(lab.plan(Scenario.BASIC))
    lab.node("es-4", STOCK + "xpack.security.http.ssl.enabled: true\n")
    plan = _plan(lab)
    assert {change.set_name for change in plan.changes if isinstance(change, PublishSet)} == {"transport"}
    written = {change.key: change.value for change in plan.changes if isinstance(change, SetSetting)}
    assert written["xpack.security.http.ssl.enabled"] is False


def test_an_auto_configured_node_gives_up_its_own_ca(secured: Lab) -> None:
    """Its certificates are of a CA that nobody else trusts."""
    yml = STOCK + "\n".join(
        [
            "xpack.security.enabled: true",
            "xpack.security.transport.ssl.enabled: true",
            "xpack.security.transport.ssl.verification_mode: certificate",
            "xpack.security.transport.ssl.keystore.path: certs/transport.p12",
            "xpack.security.transport.ssl.truststore.path: certs/transport.p12",
            'cluster.initial_master_nodes: ["es-4"]\n',
        ]
    )
    name = "xpack.security.transport.ssl.keystore.secure_password"
    secured.node("es-4", yml, secure={name: b"secret"})
    plan = _plan(secured)
    assert {change.set_name for change in plan.changes if isinstance(change, PublishSet)} == {"transport", "http"}
    secured.apply(plan)
    assert "certs/transport.p12" not in secured.yml("es-4")
    assert _plan(secured).is_empty


def test_single_node_discovery_goes(secured: Lab) -> None:
    secured.node("es-4", STOCK + "discovery.type: single-node\n")
    assert "discovery.type" in {change.key for change in _plan(secured).changes if isinstance(change, RemoveSetting)}


def test_a_node_without_a_name_in_its_yml_gets_the_one_of_the_inventory(secured: Lab) -> None:
    secured.node("es-4", STOCK.replace("node.name: es-4\n", ""), name="es-4")
    written = {change.key: change.value for change in _plan(secured).changes if isinstance(change, SetSetting)}
    assert written["node.name"] == "es-4"


def test_seed_hosts_that_are_there_stay_and_are_looked_at(secured: Lab) -> None:
    secured.node("es-4", STOCK + 'discovery.seed_hosts: ["10.9.9.9:9300"]\n')
    plan = _plan(secured)
    assert not any(isinstance(change, SetSetting) and "seed_hosts" in change.key for change in plan.changes)
    assert any("none of its discovery.seed_hosts (10.9.9.9:9300) is known" in note for note in plan.notes)


def test_another_cluster_name_is_refused(secured: Lab) -> None:
    secured.node("es-4", STOCK.replace("cluster.name: lab", "cluster.name: other"))
    assert "its cluster.name is other, and the cluster's is lab" in _reasons(secured)


def test_a_copied_folder_is_refused_by_its_address(secured: Lab) -> None:
    secured.node("es-4", STOCK.replace("9304", "9301"))
    assert "127.0.0.1:9301 is the transport address of es-1 already" in _reasons(secured)


def test_a_node_of_another_cluster_is_refused_by_its_answer_or_its_data(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    observed = _seen(secured)
    other = ApiFacts(reachable=True, status=200, name="es-4", cluster_uuid="u-9")
    answering_other = changed_node(observed, "es-4", lambda node: replace(node, api=other))
    assert "belongs to another cluster already (UUID u-9)" in _reasons(secured, answering_other)
    data = DataFolder("data", seen=True, has_state=True, cluster_uuid="u-8")
    stored = changed_node(observed, "es-4", lambda node: replace(node, data=data))
    assert "UUID u-8" in _reasons(secured, stored)
    silent = changed_node(observed, "es-4", lambda node: replace(node, data=replace(data, cluster_uuid="")))
    assert "does not tell of which cluster" in _reasons(secured, silent)
    for uuid in ("_na_", "u-1"):
        own = replace(data, cluster_uuid=uuid)
        assert not _plan(secured, _stored(observed, own)).is_empty


def _stored(observed: Observed, data: DataFolder) -> Observed:
    return changed_node(observed, "es-4", lambda node: replace(node, data=data))


def test_data_that_cannot_be_seen_is_said(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    unseen = changed_node(_seen(secured), "es-4", lambda node: replace(node, data=DataFolder("/var/lib/elasticsearch")))
    assert any("/var/lib/elasticsearch cannot be seen from here" in note for note in _plan(secured, unseen).notes)


def test_the_cluster_has_to_be_whole_and_to_say_so(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    observed = _seen(secured)
    down = replace(observed, nodes=tuple(replace(node, api=NO_API) for node in observed.nodes))
    assert "no node of the cluster tells who belongs to it" in _reasons(secured, down)
    fewer = tuple(member for member in observed.nodes[0].api.members if member.name != "es-3")
    without = replace(
        observed, nodes=tuple(replace(node, api=replace(node.api, members=fewer)) for node in observed.nodes[:2])
    )
    without = replace(without, nodes=(*without.nodes, replace(observed.nodes[2], api=NO_API), observed.nodes[3]))
    assert "es-3 is not in the cluster at the moment" in _reasons(secured, without)


def test_an_unsecured_cluster_is_refused_with_the_way(lab: Lab) -> None:
    lab.three().node("es-4", STOCK)
    assert "start the new node as it is" in _reasons(lab)


def test_where_names_are_checked_the_address_has_to_be_certain(secured: Lab) -> None:
    secured.node("es-4", STOCK + "network.host: es-4.example.net\n")
    assert "the other nodes check names" in _reasons(secured)
    secured.nodes[-1] = replace(secured.nodes[-1], transport=Address("10.0.0.4", 9300))
    leaf = next(change.request for change in _plan(secured).changes if isinstance(change, PublishSet))
    assert leaf is not None
    assert "10.0.0.4" in leaf.addresses


def test_a_stock_node_on_loopback_cannot_be_reached_by_hosts_elsewhere(lab: Lab) -> None:
    for number in (1, 2, 3):
        lab.node(f"es-{number}", node_yml(f"es-{number}", number, f"network.host: 10.0.0.{number}"))
    lab.apply(lab.plan(Scenario.BASIC))
    lab.node("es-4", STOCK)
    assert "network.host is not set" in _reasons(lab)


def test_an_older_version_is_refused_only_where_it_is_certain(secured: Lab) -> None:
    secured.node("es-4", STOCK, version=V8)
    assert "no node older than the cluster's 9.1.0 can join" in _reasons(secured)
    guessed = changed_node(_seen(secured), "es-4", lambda node: replace(node, version_source="keystore format 6"))
    assert not _plan(secured, guessed).is_empty


def test_a_stated_number_of_nodes_does_not_stand_in_the_way(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    secured.expect_nodes = 4
    assert _plan(secured).expect_nodes == 4


def test_a_plan_survives_its_file(secured: Lab) -> None:
    secured.node("es-4", STOCK)
    plan = _plan(secured)
    assert parse_plan(plan_bytes(plan), "plan.json") == plan


def _taken_over(lab: Lab) -> None:
    """The same cluster as if somebody had put the files there by hand, under names of their own."""
    for entry in lab.nodes:
        config = Path(entry.config)
        (config / "certs").mkdir()
        for file in (config / "estui/transport/current").resolve().iterdir():
            shutil.copy(file, config / "certs" / file.name)
        shutil.rmtree(config / "estui")
        yml = config / "elasticsearch.yml"
        yml.write_text(yml.read_text().replace("estui/transport/current", "certs"))


def test_a_taken_over_cluster_signs_by_the_ca_that_its_nodes_have(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.BASIC))
    _taken_over(lab)
    lab.authorities["corporate"] = lab.authorities.pop("transport")
    lab.node("es-4", STOCK)
    published = [change for change in _plan(lab).changes if isinstance(change, PublishSet)]
    assert [(change.request and change.request.authority, change.trust) for change in published] == [
        ("corporate", ("corporate",))
    ]
    lab.apply(_plan(lab))
    assert lab.plan(Goal(Scenario.BASIC)).is_empty


def test_without_that_ca_in_the_workspace_the_join_is_refused_and_says_how_to_get_it(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.BASIC))
    _taken_over(lab)
    lab.authorities.clear()
    lab.node("es-4", STOCK)
    assert "estui adopt --import" in _reasons(lab)


def _external(lab: Lab, corporate: Corporate, *names: str) -> Observed:
    """A cluster whose leaves a corporate CA signed, and es-4, with imported leaves for these nodes of it."""
    observed = _seen(lab)
    leaves = [each for each in imported(observed, corporate, "set-4") if each.target in names]
    return keyless(observed, corporate, *leaves)


def test_leaves_of_a_ca_of_others_are_asked_for_first_and_then_used(lab: Lab) -> None:
    """The refusal names the node, the layers and every command; with the answers the plan has them and their CA."""
    corporate = Corporate(now=NOW)
    lab.three()
    lab.authorities["corporate"] = (corporate.root_key, corporate.root)
    stock = lab.look()
    lab.apply(lab.plan(Scenario.HTTPS, observed=keyless(stock, corporate, *imported(stock, corporate))))
    lab.node("es-4", STOCK)
    asked = _reasons(lab, _external(lab, corporate))
    assert "es-4 transport and http: CA corporate has no key here" in asked
    assert f"estui node add {lab.folder('es-4')} --requests-to DIR" in asked
    plan = _plan(lab, _external(lab, corporate, "es-4"))
    published = [change for change in plan.changes if isinstance(change, PublishSet)]
    assert {(change.set_name, change.imported, change.trust) for change in published} == {
        ("transport", "set-4", ("corporate",)),
        ("http", "set-4", ("corporate",)),
    }
